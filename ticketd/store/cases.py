"""The tables of tickets: their fields, what was said, what happened, and the ids given out.

SQLModel classes named ``…Row``. Knows nothing of queries.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Index
from sqlmodel import Field

from ticketd.store.tables import (
    NO_ROWID,
    Row,
    items,
    key,
    moment,
    number,
    outside,
    partial_index,
    table,
    words,
)
from ticketd.store.types import Bytes, Id, Json

_ORDER = ("rank", "due_sort", "updated_at", "id")


class TicketRow(Row, table=True):
    """A ticket's fields as they stand.

    What a list needs is kept beside them: ``folder`` (open, pending, solved, spam,
    merged), ``listed`` (in the folder *all*), ``rank`` (0 urgent) and ``due_sort``. An
    assignee of nobody is empty rather than null, so that one index orders both.
    """

    __tablename__ = "ticket"
    __table_args__ = (
        Index("ix_ticket_folder", "folder", *_ORDER),
        Index("ix_ticket_assignee", "folder", "assignee", *_ORDER),
        Index("ix_ticket_mailbox", "mailbox", "folder", *_ORDER),
        Index("ix_ticket_listed", "listed", *_ORDER),
        partial_index("ix_ticket_snoozed", "snoozed_until", where="snoozed_until IS NOT NULL"),
    )
    id: int = Field(primary_key=True, sa_type=Id, sa_column_kwargs={"autoincrement": False})
    subject: str = words()
    mailbox: str = words()
    channel: str = words()
    status: str = words()
    priority: str = words()
    assignee: str = words("")
    requester_address: str | None = words(None)
    requester_name: str | None = words(None)
    requester_key: str | None = words(None)
    participants: list[Any] = items()
    suggested: list[Any] = items()
    tags: list[Any] = items()
    policy: str | None = words(None)
    clock: str = words("")
    created_at: datetime = moment()
    updated_at: datetime = moment()
    first_replied_at: datetime | None = moment(None)
    first_reply_due_at: datetime | None = moment(None)
    next_reply_due_at: datetime | None = moment(None)
    solve_due_at: datetime | None = moment(None)
    solved_at: datetime | None = moment(None)
    snoozed_until: datetime | None = moment(None)
    merged_into: int | None = number(None)
    spam: bool = Field(default=False, sa_type=Boolean)
    folder: str = words()
    listed: bool = Field(sa_type=Boolean)
    rank: int = number()
    due_sort: datetime = moment()


class MessageRow(Row, table=True):
    """One message on a ticket."""

    __tablename__ = "message"
    __table_args__ = (
        Index("ix_message_ticket", "ticket", "id"),
        Index("ix_message_message_id", "message_id"),
    )
    id: int | None = key()
    ticket: int = number(foreign_key="ticket.id")
    ledger: int | None = number(None)
    kind: str = words()
    author_address: str = words()
    author_name: str = words("")
    author_key: str = outside()
    text: str = words()
    new_text: str = words()
    html: str | None = words(None)
    at: datetime = moment()
    message_id: str | None = outside(None)
    in_reply_to: str | None = words(None)
    references: list[Any] = items()
    to: list[Any] = items()
    cc: list[Any] = items()
    reply_to: list[Any] = items()
    subject: str = words("")
    date: datetime | None = moment(None)
    verdict: str = words("person")
    bounce: Any = Field(default=None, sa_type=Json, nullable=True)
    fingerprint: str | None = words(None)
    defects: list[Any] = items()
    files: int = number(0)


class BlobRow(Row, table=True):
    """The bytes of a file, kept once."""

    __tablename__ = "blob"
    sha256: str = words(primary_key=True)
    content: bytes = Field(sa_type=Bytes)


class AttachmentRow(Row, table=True):
    """A file on a message."""

    __tablename__ = "attachment"
    message: int = number(primary_key=True, foreign_key="message.id")
    position: int = number(primary_key=True)
    filename: str = words()
    content_type: str = words()
    size: int = number()
    sha256: str = words(foreign_key="blob.sha256")
    inline: bool = Field(default=False, sa_type=Boolean)
    content_id: str | None = words(None)


class EventRow(Row, table=True):
    """Something that happened to a ticket; ``batch`` binds what one mail or command did."""

    __tablename__ = "event"
    __table_args__ = (Index("ix_event_ticket", "ticket", "id"),)
    id: int | None = key()
    ticket: int = number(foreign_key="ticket.id")
    batch: int = number()
    at: datetime = moment()
    kind: str = words()
    actor: str = words()
    before: str | None = words(None)
    after: str | None = words(None)
    detail: str = words("")


class TokenRow(Row, table=True):
    """An id that we gave out: for whom, and the newest message that it told of."""

    __tablename__ = "token"
    __table_args__ = NO_ROWID
    serial: str = words(primary_key=True)
    purpose: str = words(primary_key=True)
    ticket: int = number(primary_key=True, sa_column_kwargs={"autoincrement": False})
    recipient: str = words()
    revoked: bool = Field(default=False, sa_type=Boolean)
    issued_at: datetime = moment()
    last_message: int = number(0)


class ExpectationRow(Row, table=True):
    """An id that was referenced and has not arrived."""

    __tablename__ = "expectation"
    __table_args__ = NO_ROWID
    message_id: str = outside(primary_key=True)
    requester: str = outside(primary_key=True)
    mailbox: str = words(primary_key=True)
    ticket: int = number(primary_key=True, sa_column_kwargs={"autoincrement": False})


class BlockRow(Row, table=True):
    """An address whose mail goes to spam."""

    __tablename__ = "block"
    address: str = outside(primary_key=True)
    at: datetime = moment()


class QuestionRow(Row, table=True):
    """A parked mail that a question (by its token's serial) asks about."""

    __tablename__ = "question"
    __table_args__ = (Index("ix_question_item", "item"), NO_ROWID)
    serial: str = words(primary_key=True)
    item: int = number(primary_key=True, sa_column_kwargs={"autoincrement": False})


ticket, message, blob = table("ticket"), table("message"), table("blob")
attachment, event, token = table("attachment"), table("event"), table("token")
expectation, block, question = table("expectation"), table("block"), table("question")
