"""Who wrote a mail: a person, a robot, a mail system, or we ourselves.

RFC 3834 (Auto-Submitted), 3464 and 6522 (reports), 2919 and 2369 (lists), and the signs that
other robots leave. Only the mail's own header fields count, never those of mails inside it.
Knows nothing of tickets: what follows from a verdict is ``rules``'s.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ticketd.decide.judging import bouncesigns
from ticketd.decide.judging.bounces import read_bounce
from ticketd.decide.model import Bounce, Classification, Message, Verdict

MAX_HOPS = 50

_AUTOREPLY_FIELDS = (
    "x-autoreply",
    "x-autorespond",
    "x-autoresponder",
    "x-autoresponse",
    "x-autoreply-from",
    "x-auto-reply-from",
    "x-mail-autoreply",
)
_LIST_FIELDS = (
    "list-id",
    "list-unsubscribe",
    "list-post",
    "list-help",
    "list-subscribe",
    "list-owner",
    "list-archive",
    "mailing-list",
    "x-mailing-list",
    "x-beenthere",
)
_NO_REPLY = (
    "noreply",
    "donotreply",
    "dontreply",
    "nepasrepondre",
    "noresponder",
    "nichtantworten",
    "keineantwort",
)


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ROBOTS = _names(
    "postmaster root nobody daemon listserv majordomo abuse mailer bounce bounces www-data apache"
)
_ROBOT_STARTS = ("owner-", "bounce+", "bounce-", "bounces+", "bounces-")
_ROBOT_ENDS = ("-owner", "-request", "-bounce", "-bounces")
_AWAY = (
    "auto:",
    "automatic reply",
    "auto reply",
    "autoreply",
    "auto-reply",
    "auto response",
    "automated response",
    "out of office",
    "out of the office",
    "out-of-office",
    "automatische antwort",
    "abwesenheitsnotiz",
    "réponse automatique",
    "risposta automatica",
    "respuesta automática",
    "resposta automática",
    "automatisch antwoord",
    "automatiskt svar",
    "autosvar",
    "automatyczna odpowiedź",
    "自动回复",
    "自動返信",
)


@dataclass(slots=True)
class _Signs:
    """The signs on a mail, by the verdict that each speaks for."""

    bounce: list[str] = field(default_factory=list)
    report: list[str] = field(default_factory=list)
    vacation: list[str] = field(default_factory=list)
    bulk: list[str] = field(default_factory=list)
    lists: list[str] = field(default_factory=list)
    silence: list[str] = field(default_factory=list)


def classify(message: Message, *, own: bool = False) -> Classification:
    """The verdict on a mail: the strongest that any sign speaks for.

    ``own`` says that signed proof shows the mail to be ours, come back.
    """
    if own:
        return Classification(Verdict.OWN, ("our own signature",), answerable=False)
    signs = _read_signs(message)
    if signs.bounce:
        return _bounced(message, signs)
    if signs.report:
        recorded = message.report is not None and message.report.type == "disposition-notification"
        return Classification(Verdict.BULK, tuple(signs.report), answerable=False, recorded=recorded)
    if signs.vacation:
        return Classification(
            Verdict.VACATION, tuple(signs.vacation + signs.bulk + signs.lists), answerable=False
        )
    answers = bool(message.in_reply_to or message.references)
    if signs.bulk or (signs.lists and not answers):
        return Classification(Verdict.BULK, tuple(signs.bulk + signs.lists), answerable=False)
    silence = [*signs.lists, *signs.silence]
    return Classification(Verdict.PERSON, tuple(silence), answerable=not silence)


def _bounced(message: Message, signs: _Signs) -> Classification:
    bounce: Bounce = read_bounce(message)
    return Classification(
        Verdict.BOUNCE, tuple(signs.bounce), answerable=False, recorded=not bounce.permanent, bounce=bounce
    )


def _read_signs(message: Message) -> _Signs:
    signs = _Signs()
    _read_report(message, signs)
    _read_automatic(message, signs)
    _read_bulk(message, signs)
    _read_silence(message, signs)
    return signs


def _read_report(message: Message, signs: _Signs) -> None:
    """A multipart/report says itself what it is; other bounces are told by several small signs."""
    if message.report is None:
        found = bouncesigns.sign(message)
        signs.bounce += [found] if found else []
    elif message.report.type == "delivery-status":
        signs.bounce.append("delivery-status report")
    else:
        signs.report.append(f"{message.report.type} report")


def _read_automatic(message: Message, signs: _Signs) -> None:
    """The signs of an answer that nobody wrote."""
    for value in message.header_all("Auto-Submitted"):
        if (word := _word(value)) not in ("", "no"):
            signs.vacation.append(f"Auto-Submitted: {word}")
    if message.return_path == "":
        signs.vacation.append("empty Return-Path")
    for name in _AUTOREPLY_FIELDS:
        if message.header(name) is not None and _word(message.header(name)) not in ("no", "false", "0"):
            signs.vacation.append(name)
    if _is_automatic_elsewhere(message):
        signs.vacation.append("an autoresponder's header")
    if "auto_reply" in _precedences(message):
        signs.vacation.append("Precedence: auto_reply")
    if message.header("X-Auto-Response-Suppress") and _has_inbox_rule(message):
        signs.vacation.append("X-Auto-Response-Suppress and an inbox rule")


def _is_automatic_elsewhere(message: Message) -> bool:
    """The headers of particular robots."""
    return (
        _word(message.header("X-Autogenerated")) == "reply"
        or _word(message.header("X-FC-MachineGenerated")) == "true"
        or _word(message.header("X-Loop")) in ("yes", "true")
        or "autoresponder" in (message.header("X-POST-MessageClass") or "").lower()
        or any(_word(value) == "autoresponder" for value in message.header_all("Delivered-To"))
        or _word(message.header("X-AMAZON-MAIL-RELAY-TYPE")) == "notification"
    )


def _has_inbox_rule(message: Message) -> bool:
    return any("inbox-rules" in name.lower() for name, _ in message.headers)


def _read_bulk(message: Message, signs: _Signs) -> None:
    """The signs of a mail to many, or from a sender that nobody reads."""
    words = _precedences(message)
    signs.bulk += [f"Precedence: {word}" for word in ("bulk", "junk") if word in words]
    if "list" in words:
        signs.lists.append("Precedence: list")
    signs.lists += [name for name in _LIST_FIELDS if message.header(name) is not None]
    if message.header("Feedback-ID") is not None:
        signs.bulk.append("Feedback-ID")
    local = _local_part(message)
    if any(word in local.translate(_PUNCTUATION) for word in _NO_REPLY):
        signs.bulk.append("no-reply sender")
    if bouncesigns.is_daemon(message):
        signs.bulk.append("a mail system's sender")


_PUNCTUATION = str.maketrans("", "", "-_.+=")


def _read_silence(message: Message, signs: _Signs) -> None:
    """What forbids an acknowledgement although a person may have written."""
    suppress = (message.header("X-Auto-Response-Suppress") or "").lower()
    if any(word in suppress for word in ("all", "autoreply", "oof")):
        signs.silence.append("X-Auto-Response-Suppress")
    local = _local_part(message)
    if local in _ROBOTS or local.startswith(_ROBOT_STARTS) or local.endswith(_ROBOT_ENDS):
        signs.silence.append("a robot's address")
    if message.subject.casefold().startswith(_AWAY):
        signs.silence.append("an autoresponder's subject")
    if len(message.header_all("Received")) > MAX_HOPS:
        signs.silence.append(f"more than {MAX_HOPS} hops")


def _precedences(message: Message) -> set[str]:
    values = (*message.header_all("Precedence"), *message.header_all("X-Precedence"))
    return {_word(value).replace("-", "_") for value in values}


def _word(value: str | None) -> str:
    """The first word of a field, lower case, comments and parameters left out."""
    words = (value or "").partition(";")[0].partition("(")[0].split()
    return words[0].lower() if words else ""


def _local_part(message: Message) -> str:
    return message.author.address.rpartition("@")[0].strip('"').lower() if message.author is not None else ""
