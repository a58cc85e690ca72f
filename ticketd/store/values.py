"""Rows into values and back: tickets, entries, people, as both sides of the store's door see them.

Pure translation; knows nothing of queries.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ticketd.decide.model import (
    Address,
    Attachment,
    Bounce,
    Channel,
    Entry,
    Kind,
    Priority,
    Status,
    Ticket,
    Verdict,
)
from ticketd.store.types import FAR

_SAME = (
    "id",
    "subject",
    "mailbox",
    "created_at",
    "updated_at",
    "policy",
    "first_replied_at",
    "first_reply_due_at",
    "next_reply_due_at",
    "solve_due_at",
    "solved_at",
    "snoozed_until",
    "merged_into",
    "spam",
    "clock",
)


def pack(people: Iterable[Address]) -> list[list[str]]:
    """People as the JSON column keeps them."""
    return [[person.address, person.name] for person in people]


def unpack(people: Iterable[Sequence[str]]) -> tuple[Address, ...]:
    """People from the JSON column."""
    return tuple(Address(address, name) for address, name in people)


def folder_of(ticket: Ticket) -> str:
    """The list a ticket stands in: its status, unless it is merged or spam."""
    if ticket.merged_into is not None:
        return "merged"
    return "spam" if ticket.spam else str(ticket.status)


def ticket_to_row(ticket: Ticket) -> dict[str, Any]:
    """A ticket as its row."""
    folder = folder_of(ticket)
    row = {name: getattr(ticket, name) for name in _SAME}
    row |= {
        "channel": str(ticket.channel),
        "status": str(ticket.status),
        "priority": str(ticket.priority),
        "assignee": ticket.assignee or "",
        "requester_address": ticket.requester.address if ticket.requester else None,
        "requester_name": ticket.requester.name if ticket.requester else None,
        "requester_key": ticket.requester.key if ticket.requester else None,
        "participants": pack(ticket.participants),
        "suggested": pack(ticket.suggested),
        "tags": list(ticket.tags),
        "folder": folder,
        "listed": folder not in {"merged", "spam"},
        "rank": 0 if ticket.priority is Priority.URGENT else 1,
        "due_sort": ticket.due_at or FAR,
    }
    return row


def ticket_from_row(row: Any) -> Ticket:
    """A ticket from its row."""
    requester = None
    if row.requester_address is not None:
        requester = Address(row.requester_address, row.requester_name or "")
    return Ticket(
        **{name: getattr(row, name) for name in _SAME},
        requester=requester,
        participants=unpack(row.participants),
        suggested=unpack(row.suggested),
        channel=Channel(row.channel),
        status=Status(row.status),
        priority=Priority(row.priority),
        assignee=row.assignee or None,
        tags=tuple(row.tags),
    )


def entry_to_row(ticket: int, entry: Entry, ledger: int | None) -> dict[str, Any]:
    """A message as its row; its files are rows of their own."""
    return {
        "ticket": ticket,
        "ledger": ledger,
        "kind": str(entry.kind),
        "author_address": entry.author.address,
        "author_name": entry.author.name,
        "author_key": entry.author.key,
        "text": entry.text,
        "new_text": entry.new_text,
        "html": entry.html,
        "at": entry.at,
        "message_id": entry.message_id,
        "in_reply_to": entry.in_reply_to,
        "references": list(entry.references),
        "to": pack(entry.to),
        "cc": pack(entry.cc),
        "reply_to": pack([entry.reply_to] if entry.reply_to else []),
        "subject": entry.subject,
        "date": entry.date,
        "verdict": str(entry.verdict),
        "bounce": _pack_bounce(entry.bounce),
        "fingerprint": entry.fingerprint,
        "defects": list(entry.defects),
        "files": len(entry.attachments),
    }


def entry_from_row(row: Any, attachments: tuple[Attachment, ...] = ()) -> Entry:
    """A message from its row."""
    return Entry(
        id=row.id,
        kind=Kind(row.kind),
        author=Address(row.author_address, row.author_name),
        text=row.text,
        new_text=row.new_text,
        html=row.html,
        at=row.at,
        message_id=row.message_id,
        in_reply_to=row.in_reply_to,
        references=tuple(row.references),
        to=unpack(row.to),
        cc=unpack(row.cc),
        reply_to=next(iter(unpack(row.reply_to)), None),
        subject=row.subject,
        date=row.date,
        verdict=Verdict(row.verdict),
        bounce=_unpack_bounce(row.bounce),
        attachments=attachments,
        fingerprint=row.fingerprint,
        defects=tuple(row.defects),
    )


def _pack_bounce(bounce: Bounce | None) -> dict[str, Any] | None:
    if bounce is None:
        return None
    return {
        "permanent": bounce.permanent,
        "recipient": bounce.recipient,
        "status": bounce.status,
        "diagnostic": bounce.diagnostic,
        "remote_mta": bounce.remote_mta,
        "message_ids": list(bounce.message_ids),
    }


def _unpack_bounce(kept: dict[str, Any] | None) -> Bounce | None:
    if not kept:
        return None
    return Bounce(**(kept | {"message_ids": tuple(kept["message_ids"])}))
