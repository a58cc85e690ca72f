"""What an SMTP reply means for the row it answers: whose trouble it is, and what becomes of the row.

One table of phases by kinds of answer (RFC 5321 §4.2), refined by the enhanced status
(RFC 3463) where the table alone would blame the wrong one. Knows nothing of sockets,
of when to try again (``retry``) or of how the agent is told (``undeliverable``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from ticketd.decide.effects import MailKind


class Phase(StrEnum):
    """How far a submission had come, in the order of the dialogue."""

    CONNECT = "connect"
    GREETING = "greeting"
    EHLO = "ehlo"
    TLS = "tls"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    DOT = "dot"


class Answer(StrEnum):
    """What kind of answer came: none (network trouble), 2yz, 4yz or 5yz."""

    NONE = "none"
    ACCEPT = "accept"
    DEFER = "defer"
    REFUSE = "refuse"


class State(StrEnum):
    """Where an outbox row stands."""

    WAITING = "waiting"
    SENT = "sent"
    UNSURE = "unsure"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Whose(StrEnum):
    """Whose trouble it is: the account's holds all its mail, the others' only one row."""

    NOBODY = "nobody"
    ACCOUNT = "account"
    LOGIN = "login"
    MAIL = "mail"
    RECIPIENT = "recipient"


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server said in which phase; ``code`` is None where it said nothing."""

    phase: Phase
    code: int | None = None
    text: str = ""

    @property
    def answer(self) -> Answer:
        """The kind of answer, by the first digit (RFC 5321 §4.2.1)."""
        if self.code is None:
            return Answer.NONE
        if self.code < 400:
            return Answer.ACCEPT
        return Answer.DEFER if self.code < 500 else Answer.REFUSE

    @property
    def status(self) -> tuple[int, int] | None:
        """Subject and detail of the enhanced status that the text begins with (RFC 3463 §2)."""
        digits = self.text.split(maxsplit=1)[0].split(".") if self.text.strip() else []
        if len(digits) != 3 or not all(d.isascii() and d.isdigit() and len(d) <= 3 for d in digits):
            return None
        return int(digits[1]), int(digits[2])

    def __str__(self) -> str:
        said = f"{self.code} {self.text}" if self.code is not None else self.text or "no answer"
        return f"{said.strip()} ({self.phase})"


@dataclass(frozen=True, slots=True)
class Settle:
    """What becomes of the row, whose trouble it is, and whether the admins must know."""

    state: State
    whose: Whose = Whose.NOBODY
    tell_admins: bool = False

    @property
    def holds_account(self) -> bool:
        """Whether the account's other mail waits too."""
        return self.whose in (Whose.ACCOUNT, Whose.LOGIN)


_SENT = Settle(State.SENT)
_HOST = Settle(State.WAITING, Whose.ACCOUNT)
_SETUP = Settle(State.WAITING, Whose.ACCOUNT, tell_admins=True)
_LOGIN = Settle(State.WAITING, Whose.LOGIN, tell_admins=True)
_LATER = Settle(State.WAITING, Whose.MAIL)
_LATER_THERE = Settle(State.WAITING, Whose.RECIPIENT)
_MAIL_FAILED = Settle(State.FAILED, Whose.MAIL)
_RECIPIENT_FAILED = Settle(State.FAILED, Whose.RECIPIENT)
_UNSURE = Settle(State.UNSURE, Whose.MAIL)

# An accepting answer where the dialogue nevertheless ended is a server out of step: try later.
_TABLE = {
    (Phase.CONNECT, Answer.NONE): _HOST,
    (Phase.CONNECT, Answer.ACCEPT): _HOST,
    (Phase.CONNECT, Answer.DEFER): _HOST,
    (Phase.CONNECT, Answer.REFUSE): _SETUP,
    (Phase.GREETING, Answer.NONE): _HOST,
    (Phase.GREETING, Answer.ACCEPT): _HOST,
    (Phase.GREETING, Answer.DEFER): _HOST,
    (Phase.GREETING, Answer.REFUSE): _SETUP,
    (Phase.EHLO, Answer.NONE): _HOST,
    (Phase.EHLO, Answer.ACCEPT): _HOST,
    (Phase.EHLO, Answer.DEFER): _HOST,
    (Phase.EHLO, Answer.REFUSE): _SETUP,
    (Phase.TLS, Answer.NONE): _SETUP,
    (Phase.TLS, Answer.ACCEPT): _SETUP,
    (Phase.TLS, Answer.DEFER): _HOST,
    (Phase.TLS, Answer.REFUSE): _SETUP,
    (Phase.AUTH, Answer.NONE): _HOST,
    (Phase.AUTH, Answer.ACCEPT): _HOST,
    (Phase.AUTH, Answer.DEFER): _LOGIN,
    (Phase.AUTH, Answer.REFUSE): _LOGIN,
    (Phase.MAIL, Answer.NONE): _LATER,
    (Phase.MAIL, Answer.ACCEPT): _LATER,
    (Phase.MAIL, Answer.DEFER): _LATER,
    (Phase.MAIL, Answer.REFUSE): _SETUP,
    (Phase.RCPT, Answer.NONE): _LATER,
    (Phase.RCPT, Answer.ACCEPT): _LATER,
    (Phase.RCPT, Answer.DEFER): _LATER_THERE,
    (Phase.RCPT, Answer.REFUSE): _RECIPIENT_FAILED,
    (Phase.DATA, Answer.NONE): _LATER,
    (Phase.DATA, Answer.ACCEPT): _LATER,
    (Phase.DATA, Answer.DEFER): _LATER,
    (Phase.DATA, Answer.REFUSE): _MAIL_FAILED,
    (Phase.DOT, Answer.NONE): _UNSURE,
    (Phase.DOT, Answer.ACCEPT): _SENT,
    (Phase.DOT, Answer.DEFER): _LATER,
    (Phase.DOT, Answer.REFUSE): _MAIL_FAILED,
}

_BEFORE_MAIL = (Phase.CONNECT, Phase.GREETING, Phase.EHLO, Phase.TLS, Phase.AUTH)
_CLOSING = 421  # "service not available, closing": the host speaks of itself, not of this mail
_UNAUTHENTICATED = (530, 535)
_TOO_LARGE = (552, 523)


def judge(reply: Reply) -> Settle:
    """Say what ``reply`` means: every phase and every answer has a verdict."""
    settle = _refined(reply) or _TABLE[reply.phase, reply.answer]
    if settle.state is State.FAILED and reply.status and reply.status[0] == 7:
        return replace(settle, tell_admins=True)  # X.7.X: policy, so perhaps our set-up
    return settle


def _refined(reply: Reply) -> Settle | None:
    """What the code itself says, where that is truer than the phase."""
    if reply.phase in (Phase.MAIL, Phase.RCPT, Phase.DATA):
        if reply.code == _CLOSING:
            return _HOST
        if reply.code in _UNAUTHENTICATED:
            return _LOGIN
    if reply.phase is Phase.MAIL and reply.answer is Answer.REFUSE and _speaks_of_the_mail(reply):
        return _MAIL_FAILED
    return None


def _speaks_of_the_mail(reply: Reply) -> bool:
    """Whether a refused MAIL FROM means this mail: its size (5.3.4, 5.2.3) or form (5.6.X)."""
    status = reply.status
    if status is None:
        return reply.code in _TOO_LARGE
    return status in ((3, 4), (2, 3)) or status[0] == 6


def settled(reply: Reply, kind: MailKind, *, doubted: bool) -> Settle:
    """Judge ``reply`` to a mail of this kind; ``doubted`` when its fate was unsure before.

    An acknowledgement whose fate is unknown is not sent again: it counts as failed.
    Another mail is sent once more; a second doubt ends it, and the agent is told.
    """
    settle = judge(reply)
    final = kind is MailKind.ACKNOWLEDGEMENT or doubted
    if settle.state is State.UNSURE and final:
        return Settle(State.FAILED, Whose.MAIL)
    return settle


def unusable(reply: Reply) -> bool:
    """Whether the server could not be used at all, as opposed to refusing one mail or recipient."""
    return reply.phase in _BEFORE_MAIL or (reply.code == _CLOSING and reply.phase is not Phase.DOT)
