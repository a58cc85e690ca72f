"""What a decision needs to know of the past: asked for as clues, answered as a context.

``thread`` and ``commands`` name the clues, ``store`` looks them up in one read under
the lock, and the decision sees nothing else of the database.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ticketd.decide.effects import MailKind, Token
from ticketd.decide.model import Classification, Entry, Ticket


@dataclass(frozen=True, slots=True)
class SignedId:
    """An id that has the form of ours; whether its MAC is right is not yet known.

    ``form`` is ``address``, ``id``, ``code`` or ``root``; a root has no purpose or serial.
    """

    form: str
    ticket: int
    mac: str
    purpose: str = ""
    serial: str = ""


@dataclass(frozen=True, slots=True)
class Clues:
    """What to look up for one mail or command.

    ``signed`` and ``ids`` stand in threading order. ``tags`` are the numbers in the subject's
    tags, ``tickets`` every number named in tags or in commands. ``folders`` are lists an
    agent asks for, ``agent`` that agent's address. ``bounced`` are ids a bounce embeds,
    ``pictures`` the SHA-256 of small pictures that may be a signature's logo.
    ``acknowledges`` asks for what has been acknowledged of late. ``classification`` is what
    the mail is unless the answer shows it to be our own.
    """

    mailbox: str
    fingerprint: str | None = None
    author: str | None = None
    message_id: str | None = None
    signed: tuple[SignedId, ...] = ()
    ids: tuple[str, ...] = ()
    tags: tuple[int, ...] = ()
    tickets: tuple[int, ...] = ()
    bounced: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    agent: str | None = None
    pictures: tuple[str, ...] = ()
    acknowledges: bool = False
    classification: Classification | None = None


@dataclass(frozen=True, slots=True)
class Issued:
    """A token that we gave out. ``last_message`` is the newest message id it told of."""

    token: Token
    revoked: bool
    issued_at: datetime
    last_message: int = 0


@dataclass(frozen=True, slots=True)
class History:
    """A ticket and what was said on it lately.

    ``entries`` are the newest twenty, oldest first, without the files' contents.
    ``last_customer`` is the newest mail of a participant (for the customers' thread),
    ``reopened`` counts reopenings within the last hour, ``waiting`` the mails of ours
    that are not sent yet as (author, message id) pairs. ``restore`` maps an agent's address to
    what stood before their latest act (status, assignee, spam, block) and still stands as they
    left it, ``changed`` to when that act was.
    """

    ticket: Ticket
    entries: tuple[Entry, ...] = ()
    last_customer: Entry | None = None
    note_agents: tuple[str, ...] = ()
    reopened: int = 0
    waiting: tuple[tuple[str, str], ...] = ()
    restore: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)
    changed: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Known:
    """The same mail was taken in before: where it went, and which mailbox had it."""

    ticket: int | None
    mailbox: str


@dataclass(frozen=True, slots=True)
class Mailed:
    """A mail that we queued: to whom, on which ticket, of which kind, whose words."""

    message_id: str
    recipient: str
    ticket: int
    kind: MailKind
    author: str | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A parked or held mail that waits for an agent's word.

    ``asked`` is whether a question about it was already sent, ``mailbox`` where it came.
    """

    item: int
    reason: str
    subject: str
    at: datetime
    state: str
    asked: bool = False
    mailbox: str = ""


@dataclass(frozen=True, slots=True)
class Context:
    """The answers to the clues.

    ``tickets`` holds every ticket that a clue led to, merges followed: a merged number
    maps to the ticket it went into. ``issued`` is keyed by (ticket, purpose, serial).
    ``stored`` maps a message id to the tickets that hold such a message. ``expecting``
    are the tickets that await this mail's own id, or one of the ids it answers, from
    this author in this mailbox. ``asked`` are the items of the
    question that a q-token belongs to.
    ``acknowledged`` are the addresses of the last hour's acknowledgements, ``subjects_last_day``
    the subjects of the author's tickets of the last day. ``seen_pictures`` are those of the
    clues' pictures that came in an earlier mail of theirs.
    """

    next_ticket: int
    known: Known | None = None
    tickets: Mapping[int, History] = field(default_factory=dict)
    issued: Mapping[tuple[int, str, str], Issued] = field(default_factory=dict)
    stored: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    expecting: tuple[int, ...] = ()
    mailed: tuple[Mailed, ...] = ()
    blocked: bool = False
    acks_last_hour: int = 0
    automatic_last_day: int = 0
    acknowledged: tuple[str, ...] = ()
    subjects_last_day: tuple[str, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    asked: tuple[int, ...] = ()
    folders: Mapping[str, tuple[Ticket, ...]] = field(default_factory=dict)
    seen_pictures: frozenset[str] = frozenset()
