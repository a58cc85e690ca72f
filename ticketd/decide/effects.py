"""What a decision may do: the effects, as data. ``store`` applies them, in one transaction.

Every mail and every command gives at least one effect; there is no silent path.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from ticketd.decide.model import Entry, Outcome, Purpose, Ticket


class MailKind(StrEnum):
    """What a mail of ours is. The order is the order of sending: people first."""

    REPLY = "reply"
    NOTIFICATION = "notification"
    QUESTION = "question"
    LIST = "list"
    ALERT = "alert"
    ACKNOWLEDGEMENT = "acknowledgement"


@dataclass(frozen=True, slots=True)
class Token:
    """A signed id of ours: what answering it means, on which ticket, for whom.

    ``recipient`` is an agent's address key, or ``ticket:N`` for mail to customers, since
    all participants get the same bytes.
    """

    purpose: Purpose
    ticket: int
    recipient: str
    serial: str


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A finished mail to queue, one outbox row a recipient.

    ``content`` is CRLF bytes, frozen: every retry sends the same. ``author`` is the agent
    whose words it carries. ``cause`` makes the row unique: the same cause, kind and
    recipient twice is the same mail. ``items`` are the ledger ids a question asks about.
    """

    kind: MailKind
    mailbox: str
    ticket: int
    recipients: tuple[str, ...]
    message_id: str
    content: bytes = field(repr=False)
    cause: str
    token: Token
    author: str | None = None
    not_before: datetime | None = None
    items: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Save:
    """The ticket is new, or now stands like this."""

    ticket: Ticket


@dataclass(frozen=True, slots=True)
class Append:
    """A message joins the ticket."""

    ticket: int
    entry: Entry


@dataclass(frozen=True, slots=True)
class Record:
    """Something happened to the ticket: one line of its history.

    ``actor`` is an agent's address, ``system`` or ``folder``.
    """

    ticket: int
    kind: str
    actor: str = "system"
    before: str | None = None
    after: str | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Send:
    """A mail is to be sent: it joins the outbox."""

    mail: Outgoing


@dataclass(frozen=True, slots=True)
class Expect:
    """These ids are referenced and have not arrived: remembered for requester and mailbox."""

    ticket: int
    message_ids: tuple[str, ...]
    requester: str
    mailbox: str


@dataclass(frozen=True, slots=True)
class Revoke:
    """Somebody else used this token: it proves nothing from now on."""

    token: Token


@dataclass(frozen=True, slots=True)
class Block:
    """Later mail of this address goes to spam (or, ``blocked`` False, no longer)."""

    address: str
    blocked: bool = True


@dataclass(frozen=True, slots=True)
class MoveMessages:
    """Messages go from one ticket to another: all, or the one with ``message``'s id."""

    source: int
    target: int
    message: int | None = None


@dataclass(frozen=True, slots=True)
class CancelQueued:
    """What this author (by address) has still waiting for this ticket is not sent.

    A reply that nobody outside got is kept as a note.
    """

    ticket: int
    author: str


@dataclass(frozen=True, slots=True)
class Release:
    """A parked or held mail is taken in again, confirmed: as ``yes`` or as ``note``."""

    item: int
    how: str


@dataclass(frozen=True, slots=True)
class Drop:
    """A parked or held mail is done with: nothing of it takes effect."""

    item: int


@dataclass(frozen=True, slots=True)
class Alert:
    """The admins are to know of a trouble: told at most once a kind and hour."""

    kind: str
    text: str
    mailbox: str | None = None


@dataclass(frozen=True, slots=True)
class Conclude:
    """What became of the mail in hand: exactly one a mail.

    ``agent`` is the key of the agent it waits for, where it is parked or held.
    """

    outcome: Outcome
    ticket: int | None = None
    reason: str = ""
    agent: str | None = None


Effect = (
    Save
    | Append
    | Record
    | Send
    | Expect
    | Revoke
    | Block
    | MoveMessages
    | CancelQueued
    | Release
    | Drop
    | Alert
    | Conclude
)
