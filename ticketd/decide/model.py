"""The vocabulary of the desk: the values that all of ``decide`` speaks in.

Values are frozen and plain. They know nothing of bytes on a wire, rows in a
database or keys in a config; ``parse`` makes them from bytes, ``store`` from rows.
"""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import lru_cache


class Status(StrEnum):
    """Where a ticket stands."""

    OPEN = "open"
    PENDING = "pending"
    SOLVED = "solved"


class Priority(StrEnum):
    """How urgent a ticket is."""

    LOW = "low"
    NORMAL = "normal"
    URGENT = "urgent"


class Channel(StrEnum):
    """How a ticket came to the desk."""

    EMAIL = "email"
    CHAT = "chat"
    MANUAL = "manual"


class Kind(StrEnum):
    """What one message on a ticket is."""

    CUSTOMER = "customer"
    REPLY = "reply"
    NOTE = "note"
    AUTOMATIC = "automatic"
    BOUNCE = "bounce"


class Verdict(StrEnum):
    """Who wrote a mail: a person, a robot, or we ourselves."""

    PERSON = "person"
    VACATION = "vacation"
    BULK = "bulk"
    BOUNCE = "bounce"
    OWN = "own"


class Outcome(StrEnum):
    """What became of a mail: the ledger's word for it."""

    RECEIVED = "received"
    TICKET = "ticket"
    DUPLICATE = "duplicate"
    OWN = "own"
    PARKED = "parked"
    HELD = "held"
    QUARANTINED = "quarantined"
    IGNORED = "ignored"


ONE_OF_MANY = "one of many old mails: nobody is told of it alone"
OLD_OF_AGENT = "an agent's old mail"
"""Why nobody was told of a mail: agents are told once of all such."""

BOUNCED_TO_AGENT = "a bounce of a mail to an agent"
READ_BY_AGENT = "a receipt of a mail to an agent"
"""Why a mail is ignored that may hold the mail to an agent which it is about."""


class Purpose(StrEnum):
    """What answering a mail of ours means: the letter P of the wire format."""

    CUSTOMER = "c"
    REPLY = "r"
    NOTE = "n"
    QUESTION = "q"
    LIST = "l"


@dataclass(frozen=True, slots=True)
class Address:
    """A mail address as received, and the name beside it."""

    address: str
    name: str = ""

    @property
    def key(self) -> str:
        """The form for comparison: lower case, the domain as A-labels (RFC 5890)."""
        return address_key(self.address)


def address_key(address: str) -> str:
    """Fold ``address`` for comparison: lower case, the domain as A-labels."""
    local, at, domain = address.strip().rpartition("@")
    folded = domain.lower()
    if not folded.isascii():
        # No valid domain is compared as written, so it equals no registered one.
        with contextlib.suppress(UnicodeError):
            folded = folded.encode("idna").decode("ascii")
    return f"{local.lower()}{at}{folded}"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came with a mail: ``filename`` is safe to show, ``content`` exact."""

    filename: str
    content_type: str
    content: bytes = field(repr=False)
    inline: bool = False
    content_id: str | None = None

    @property
    def size(self) -> int:
        """Bytes of the decoded content."""
        return len(self.content)

    @property
    def sha256(self) -> str:
        """Digest of the decoded content, as hexadecimal digits."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True)
class Recipient:
    """One recipient block of a report (RFC 3464 §2.3)."""

    address: str
    action: str = ""
    status: str = ""
    diagnostic: str = ""
    remote_mta: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """A multipart/report (RFC 6522): what a mail system says of an earlier mail.

    ``type`` is ``delivery-status``, ``disposition-notification`` or ``feedback-report``;
    ``message_ids`` are those of the mail it speaks of, as named or embedded in it; ``recipients``
    are those who did not get it, or who read it.
    """

    type: str
    recipients: tuple[Recipient, ...] = ()
    message_ids: tuple[str, ...] = ()


@lru_cache(maxsize=32)  # a mail's fields are asked for dozens of times
def _by_name(headers: tuple[tuple[str, str], ...]) -> dict[str, list[str]]:
    """The values of each field, by its lower-case name."""
    found: dict[str, list[str]] = {}
    for name, value in headers:
        found.setdefault(name.lower(), []).append(value)
    return found


@dataclass(frozen=True, slots=True)
class Message:
    """A mail, parsed. Any bytes give one; ``defects`` says in words what was not read.

    ``author`` is the identity: the one clean address of the one From field, else
    None. ``from_text`` is what From said, for showing. ``enclosed`` are the mails
    inside (message/rfc822), which also stand among ``attachments`` as files.
    ``text`` is the whole plain text, made from the HTML where there is nothing better; ``unread``
    names what stands where a text should and could not be read: then ``text`` is not all that was said.
    Ids keep their angle brackets. ``references`` is oldest first, at most 21.
    """

    fingerprint: str
    size: int
    message_id: str | None = None
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    subject: str = ""
    author: Address | None = None
    from_text: str = ""
    sender: Address | None = None
    reply_to: tuple[Address, ...] = ()
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    delivered_to: tuple[Address, ...] = ()
    return_path: str | None = None
    date: datetime | None = None
    text: str = ""
    html: str | None = None
    unread: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    enclosed: tuple[Message, ...] = ()
    report: Report | None = None
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    defects: tuple[str, ...] = ()

    def header_all(self, name: str) -> tuple[str, ...]:
        """All values of the top-level field ``name``, in order, unfolded and decoded."""
        return tuple(_by_name(self.headers).get(name.lower(), ()))

    def header(self, name: str) -> str | None:
        """The first value of the top-level field ``name``, else None."""
        values = self.header_all(name)
        return values[0] if values else None


@dataclass(frozen=True, slots=True)
class Bounce:
    """What a bounce says: whom it could not reach, and whether for good."""

    permanent: bool
    recipient: str | None = None
    status: str | None = None
    diagnostic: str = ""
    remote_mta: str = ""
    message_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Classification:
    """The verdict on a mail and the signs that led to it.

    ``answerable`` is False where an acknowledgement must not be sent although the
    verdict is a person's (a no-reply sender, a list, a request not to be answered).
    ``recorded`` is True for a mail that is kept and changes nothing (an MDN).
    """

    verdict: Verdict
    signs: tuple[str, ...] = ()
    answerable: bool = True
    recorded: bool = False
    bounce: Bounce | None = None


@dataclass(frozen=True, slots=True)
class Excerpt:
    """What is new in a reply. ``certain`` is False where quote and new text may be mixed."""

    new_text: str
    quoted: str = ""
    signature: str = ""
    certain: bool = True


@dataclass(frozen=True, slots=True)
class Forwarded:
    """The mail inside a forwarded one: who wrote it, to whom, when, what."""

    author: Address
    to: tuple[Address, ...] = ()
    subject: str = ""
    date: str = ""
    text: str = ""
    message_id: str | None = None


HANDFUL = 500
"""So many old mails are work that was left over; more of them are an archive."""


def is_archive(old_mails: int) -> bool:
    """Whether so many old mails, met at once, are an archive."""
    return old_mails > HANDFUL


@dataclass(frozen=True, slots=True)
class Envelope:
    """How a mail came to us: which mailbox, and when (INTERNALDATE, never Date).

    ``cause`` names it for good: ids of what follows from it are derived from it.
    ``late`` is True for a mail that was old when it was first read (an import, one dragged in, one
    that lay while we were away): it is never acknowledged. ``old_mails`` is how many such mails
    were met with it, or may be.
    ``released`` is how a parked or held mail was let go: ``yes``, ``note``, ``accept`` or
    None. ``item`` is the mail's ledger id, 0 where it has none (explain). ``complete`` is
    False where the mail was too large and only its header was fetched.
    """

    mailbox: str
    received_at: datetime
    cause: str
    late: bool = False
    released: str | None = None
    item: int = 0
    complete: bool = True
    old_mails: int = 0

    @property
    def archived(self) -> bool:
        """Whether it is one of so many old mails that agents hear of them all in one mail."""
        return self.late and is_archive(self.old_mails)


@dataclass(frozen=True, slots=True)
class Entry:
    """One message on a ticket, as kept: a mail that came, one that went, or a note.

    ``id`` is 0 until the store has given one.
    """

    kind: Kind
    author: Address
    text: str
    new_text: str
    at: datetime
    id: int = 0
    message_id: str | None = None
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    reply_to: Address | None = None
    subject: str = ""
    date: datetime | None = None
    html: str | None = None
    verdict: Verdict = Verdict.PERSON
    bounce: Bounce | None = None
    attachments: tuple[Attachment, ...] = ()
    fingerprint: str | None = None
    defects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket's fields as they stand.

    ``requester`` is None while unknown. ``participants`` holds the requester first, then
    the people in Cc. ``assignee`` is an agent's registered address. ``policy`` names the
    SLA policy that governs it, ``clock`` is what ``sla`` remembers of it (JSON text).
    """

    id: int
    subject: str
    mailbox: str
    created_at: datetime
    updated_at: datetime
    requester: Address | None = None
    participants: tuple[Address, ...] = ()
    suggested: tuple[Address, ...] = ()
    channel: Channel = Channel.EMAIL
    status: Status = Status.OPEN
    priority: Priority = Priority.NORMAL
    assignee: str | None = None
    tags: tuple[str, ...] = ()
    policy: str | None = None
    first_replied_at: datetime | None = None
    first_reply_due_at: datetime | None = None
    next_reply_due_at: datetime | None = None
    solve_due_at: datetime | None = None
    solved_at: datetime | None = None
    snoozed_until: datetime | None = None
    merged_into: int | None = None
    spam: bool = False
    clock: str = ""

    @property
    def due_at(self) -> datetime | None:
        """The earliest of what is due, None when nothing is."""
        dues = (self.first_reply_due_at, self.next_reply_due_at, self.solve_due_at)
        return min((due for due in dues if due is not None), default=None)

    def has_participant(self, key: str) -> bool:
        """Whether the address with this comparison key takes part."""
        return any(person.key == key for person in self.participants)
