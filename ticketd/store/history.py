"""A ticket's past as decisions see it: what was said lately, who took part, what can be undone.

Reads only. Knows nothing of why it is asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Connection, bindparam, select, text

from ticketd.decide.context import History
from ticketd.decide.model import Attachment, Entry, Kind, Status, Ticket, Verdict
from ticketd.store.cases import attachment, event, message
from ticketd.store.tables import LIVE, outbox
from ticketd.store.values import entry_from_row

NEWEST = 20
"""Entries of a history."""

_EVENTS = 300
"""Events that are looked at for reopenings and undoing."""

_OF = bindparam("ticket", type_=BigInteger)
_ENTRIES = select(message).where(message.c.ticket == _OF).order_by(message.c.id.desc()).limit(NEWEST)
_ATTACHMENTS = (
    select(attachment)
    .where(attachment.c.message.in_(bindparam("messages", expanding=True)))
    .order_by(attachment.c.message, attachment.c.position)
)
_LAST = select(message).where(
    message.c.ticket == _OF, message.c.author_key.in_(bindparam("people", expanding=True))
)
_LAST_PERSON = (
    _LAST.where(message.c.kind == Kind.CUSTOMER, message.c.verdict == Verdict.PERSON)
    .order_by(message.c.id.desc())
    .limit(1)
)
_FIRST_MAIL = (
    _LAST.where(message.c.kind.in_([Kind.CUSTOMER, Kind.AUTOMATIC]), message.c.message_id.is_not(None))
    .order_by(message.c.id)
    .limit(1)
)
_AGENTS = (
    select(message.c.author_address)
    .where(message.c.ticket == _OF, message.c.kind.in_([Kind.REPLY, Kind.NOTE]))
    .distinct()
    .order_by(message.c.author_address)
)
_WAITING = (
    select(outbox.c.author, outbox.c.message_id)
    .where(
        text(LIVE),
        outbox.c.ticket == _OF,
        outbox.c.state == "waiting",
        outbox.c.lease_until.is_(None),
        outbox.c.author.is_not(None),
    )
    .distinct()
    .order_by(outbox.c.message_id)
)
_HAPPENED = (
    select(event.c.at, event.c.batch, event.c.actor, event.c.kind, event.c.before, event.c.after)
    .where(event.c.ticket == _OF)
    .order_by(event.c.id.desc())
    .limit(_EVENTS)
)


class Histories:
    """Reads histories at one moment."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._hour_ago = now - timedelta(hours=1)

    def of(self, ticket: Ticket) -> History:
        """The ticket with its past."""
        this = {"ticket": ticket.id}
        rows = self._connection.execute(_ENTRIES, this).all()[::-1]
        files = self.files([row.id for row in rows if row.files])
        entries = tuple(entry_from_row(row, files.get(row.id, ())) for row in rows)
        events = self._connection.execute(_HAPPENED, this).all()
        return History(
            ticket=ticket,
            entries=entries,
            last_customer=self._last_customer(ticket, entries),
            note_agents=self._agents(ticket, entries),
            reopened=sum(self._is_reopening(row) for row in events),
            waiting=tuple((row.author, row.message_id) for row in self._connection.execute(_WAITING, this)),
            restore=restorable(events),
            changed=last_changes(events),
        )

    def files(self, messages: Sequence[int]) -> dict[int, tuple[Attachment, ...]]:
        """The files of these messages, without their contents."""
        found: dict[int, tuple[Attachment, ...]] = {}
        for row in self._connection.execute(_ATTACHMENTS, {"messages": messages}) if messages else ():
            file = Attachment(row.filename, row.content_type, b"", row.inline, row.content_id)
            found[row.message] = (*found.get(row.message, ()), file)
        return found

    def _last_customer(self, ticket: Ticket, entries: tuple[Entry, ...]) -> Entry | None:
        """The newest mail of a participant; where no person wrote yet, the mail that began it all."""
        people = {person.key for person in ticket.participants}
        for entry in reversed(entries):
            if entry.kind is Kind.CUSTOMER and entry.verdict is Verdict.PERSON and entry.author.key in people:
                return entry
        wanted = {"ticket": ticket.id, "people": sorted(people)}
        for query in (_LAST_PERSON, _FIRST_MAIL) if people else ():
            row = self._connection.execute(query, wanted).one_or_none()
            if row:
                return entry_from_row(row)
        return None

    def _agents(self, ticket: Ticket, entries: tuple[Entry, ...]) -> tuple[str, ...]:
        if len(entries) < NEWEST:
            wrote = {entry.author.address for entry in entries if entry.kind in {Kind.REPLY, Kind.NOTE}}
            return tuple(sorted(wrote))
        return tuple(self._connection.scalars(_AGENTS, {"ticket": ticket.id}))

    def _is_reopening(self, row: Any) -> bool:
        moved = row.kind == "status" and (row.before, row.after) == (Status.SOLVED, Status.OPEN)
        return moved and row.at > self._hour_ago


_RESTORED = frozenset({"status", "assignee", "spam", "block"})


def restorable(events: Sequence[Any]) -> Mapping[str, Mapping[str, str | None]]:
    """What stood before each actor's latest batch; ``events`` are newest first.

    Left out is what somebody changed since, and all of a batch that took back another.
    """
    latest: dict[str, int] = {}
    touched: dict[str, int] = {}
    for row in events:
        latest.setdefault(row.actor, row.batch)
        touched.setdefault(row.kind, row.batch)
    undone = {row.batch for row in events if row.kind == "undo"}
    restore: dict[str, dict[str, str | None]] = {}
    for row in events:
        is_last = row.batch == latest[row.actor] == touched[row.kind]
        if row.kind in _RESTORED and is_last and row.batch not in undone:
            restore.setdefault(row.actor, {})[row.kind] = row.before  # the batch's oldest wins
    return restore


def last_changes(events: Sequence[Any]) -> Mapping[str, datetime]:
    """When each actor last did something that left an event; ``events`` are newest first."""
    latest: dict[str, datetime] = {}
    for row in events:
        latest.setdefault(row.actor, row.at)
    return latest
