"""The tables of mail: what came (ledger), what goes (outbox), and what the desk keeps of both.

SQLModel classes named ``…Row``; values of ``decide`` never appear here and rows never
leave the store. Tickets and their messages stand in ``cases``. Knows nothing of queries.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, Index, Integer, MetaData, Table, text
from sqlmodel import Field, SQLModel

from ticketd.store.types import Bytes, CleanText, Id, Json, KeyText, UtcDateTime

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}

LIVE = "state IN ('waiting', 'unsure')"
"""An outbox row that is still to be sent; the very words of the index's predicate."""


FAILED = "state = 'failed'"
"""An outbox row that is given up; the very words of the index's predicate."""

ACKNOWLEDGED = "kind = 'acknowledgement'"
BUDGETED = "kind IN ('acknowledgement', 'question')"
"""Mail that is sent only so often to one address; the very words of the index's predicate."""

NO_ROWID = {"sqlite_with_rowid": False}
"""For small rows with a long key: SQLite keeps them once, in the key's own tree."""


class Row(SQLModel):
    """The base of all rows: one metadata of our own."""

    metadata = MetaData(naming_convention=_NAMES)


def key(**options: Any) -> Any:
    """A key that the database counts up."""
    return Field(default=None, primary_key=True, sa_type=Id, **options)


def words(default: Any = ..., **options: Any) -> Any:
    """A text column."""
    return Field(default, sa_type=CleanText, **options)


def outside(default: Any = ..., **options: Any) -> Any:
    """A text column for an id or address from outside that is searched for."""
    return Field(default, sa_type=KeyText, **options)


def number(default: Any = ..., **options: Any) -> Any:
    """A 64-bit integer column."""
    return Field(default, sa_type=BigInteger, **options)


def moment(default: Any = ..., **options: Any) -> Any:
    """A time column."""
    return Field(default, sa_type=UtcDateTime, **options)


def items() -> Any:
    """A list kept as JSON text."""
    return Field(default_factory=list, sa_type=Json, nullable=False)


def partial_index(name: str, *columns: str, where: str) -> Index:
    """An index of the few rows that are asked for; queries must say ``where`` in the same words."""
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


class DeskRow(Row, table=True):
    """The one row of what the desk is: its name for good, its keys, its next number."""

    __tablename__ = "desk"
    id: int = Field(default=1, primary_key=True, sa_type=Integer, sa_column_kwargs={"autoincrement": False})
    instance: str = words()
    signing_key: bytes = Field(sa_type=Bytes)
    previous_keys: list[str] = items()
    next_ticket: int = number(1)
    created_at: datetime = moment()
    alive_at: datetime | None = moment(None)
    generation: int = number(0)
    copied_at: datetime | None = moment(None)
    restored_at: datetime | None = moment(None)


class MailboxRow(Row, table=True):
    """How far a mailbox is read, and how its servers fare."""

    __tablename__ = "mailbox"
    name: str = words(primary_key=True)
    folder: str | None = words(None)
    uidvalidity: int | None = number(None)
    last_uid: int = number(0)
    rescan_uid: int = number(0)
    floor_uidvalidity: int | None = number(None)
    floor_uid: int = number(0)
    floor_at: datetime | None = moment(None)
    imported_from: str | None = words(None)
    last_poll_at: datetime | None = moment(None)
    last_error: str | None = words(None)
    last_error_at: datetime | None = moment(None)
    held_until: datetime | None = moment(None)
    held_reason: str | None = words(None)
    to_fetch: int = number(0)
    old_mails: int = number(0)


class RawMailRow(Row, table=True):
    """The bytes of a mail, kept once."""

    __tablename__ = "raw_mail"
    sha256: str = words(primary_key=True)
    content: bytes = Field(sa_type=Bytes)


class LedgerRow(Row, table=True):
    """What became of one mail in one folder. A negative ``uid`` is bound to none any more."""

    __tablename__ = "ledger"
    __table_args__ = (
        Index("uq_ledger_uid", "mailbox", "folder", "uidvalidity", "uid", unique=True),
        Index("ix_ledger_outcome", "outcome", "mailbox", "id"),
        Index("ix_ledger_fingerprint", "fingerprint"),
        Index("ix_ledger_sha256", "sha256"),
        partial_index("ix_ledger_agent", "agent", where="agent IS NOT NULL"),
    )
    id: int | None = key()
    mailbox: str = words()
    folder: str = words()
    uidvalidity: int = number()
    uid: int = number()
    sha256: str | None = words(None)
    size: int = number(0)
    complete: bool = Field(default=True, sa_type=Boolean)
    late: bool = Field(default=False, sa_type=Boolean)
    internal_date: datetime | None = moment(None)
    seen_at: datetime = moment()
    outcome: str = words("received")
    attempts: int = number(0)
    released: str | None = words(None)
    ticket: int | None = number(None)
    reason: str = words("")
    traceback: str | None = words(None)
    agent: str | None = outside(None)
    message_id: str | None = outside(None)
    fingerprint: str | None = words(None)
    subject: str = words("")
    concluded_at: datetime | None = moment(None)


class RefusalRow(Row, table=True):
    """A UID that the server would not give, and how often it was asked."""

    __tablename__ = "refusal"
    mailbox: str = words(primary_key=True)
    folder: str = words(primary_key=True)
    uidvalidity: int = number(primary_key=True)
    uid: int = number(primary_key=True)
    polls: int = number(0)
    reason: str = words("")


class OutgoingRow(Row, table=True):
    """The bytes of a mail of ours, kept once for all its recipients."""

    __tablename__ = "outgoing"
    sha256: str = words(primary_key=True)
    content: bytes = Field(sa_type=Bytes)


class OutboxRow(Row, table=True):
    """One mail to one recipient, on its way."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index("uq_outbox_dedupe", "dedupe", unique=True),
        partial_index("ix_outbox_live", "mailbox", "rank", "id", where=LIVE),
        partial_index("ix_outbox_ticket", "ticket", where=LIVE),
        partial_index("ix_outbox_failed", "created_at", where=FAILED),
        partial_index("ix_outbox_budget", "recipient_key", "kind", "created_at", where=BUDGETED),
        partial_index("ix_outbox_acknowledged", "created_at", where=ACKNOWLEDGED),
        Index("ix_outbox_message_id", "message_id"),
    )
    id: int | None = key()
    dedupe: str = words()
    ticket: int = number()
    mailbox: str = words()
    kind: str = words()
    rank: int = number()
    recipient: str = words()
    recipient_key: str = outside()
    message_id: str = outside()
    sha256: str = words(foreign_key="outgoing.sha256")
    author: str | None = words(None)
    cause: str = words()
    state: str = words("waiting")
    phase: str = words("")
    attempts: int = number(0)
    doubts: int = number(0)
    created_at: datetime = moment()
    next_attempt_at: datetime = moment()
    lease_until: datetime | None = moment(None)
    last_attempt_at: datetime | None = moment(None)
    sent_at: datetime | None = moment(None)
    last_error: str | None = words(None)
    response: str | None = words(None)


class NoticeRow(Row, table=True):
    """Something that is told once: an SLA reminder, by its key."""

    __tablename__ = "notice"
    key: str = words(primary_key=True)
    at: datetime = moment()


class AlertRow(Row, table=True):
    """When the admins were last told of a kind of trouble, and what was last seen of it."""

    __tablename__ = "alert"
    kind: str = words(primary_key=True)
    mailbox: str = words(primary_key=True)
    told_at: datetime = moment()
    seen_at: datetime = moment()
    detail: str = words("")


class GrantRow(Row, table=True):
    """What a mailbox signs in with by OAuth 2: secrets, like the desk's keys."""

    __tablename__ = "oauth_grant"
    mailbox: str = words(primary_key=True)
    client: str = words()
    access_token: str = words(repr=False)
    expires_at: datetime = moment()
    refresh_token: str | None = words(None, repr=False)
    refresh_expires_at: datetime | None = moment(None)
    obtained_at: datetime = moment()
    signed_in_at: datetime = moment()


def table(name: str) -> Table:
    """The Core table behind a row class: what the hot path speaks to."""
    return Row.metadata.tables[name]


desk, mailbox, raw_mail, ledger = table("desk"), table("mailbox"), table("raw_mail"), table("ledger")
refusal, outgoing, outbox = table("refusal"), table("outgoing"), table("outbox")
notice, alert, grant = table("notice"), table("alert"), table("oauth_grant")
