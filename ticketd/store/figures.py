"""The facts of a stretch of time, for reports: three queries, each of the columns it needs.

What happened to a ticket touched it, so that tickets untouched since are left alone but
for those that are not solved. Knows nothing of what is made of the facts.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, select, true

from ticketd.decide.deadlines.report import Facts, PromiseFact, ReplyFact, TicketFact
from ticketd.decide.model import Kind, Priority, Status
from ticketd.store.cases import event, message, ticket
from ticketd.store.types import FAR
from ticketd.store.views import View

_TARGETS = {"first reply": "first_reply", "next reply": "next_reply", "solution": "solve"}
_ENDS = ("kept", "late", "breach")


def facts(view: View, since: datetime, until: datetime) -> Facts:
    """What happened from ``since`` to ``until``, and what is not solved now."""
    connection = view.connection
    return Facts(
        since,
        until,
        tickets=tuple(_tickets(connection, since)),
        replies=tuple(_replies(connection, since)),
        promises=tuple(_promises(connection, since)),
    )


def _concerned(since: datetime) -> ColumnElement[bool]:
    changed = ticket.c.folder.in_(["open", "pending"]) | (ticket.c.updated_at >= since)
    return (ticket.c.listed == true()) & changed


def _tickets(connection: Connection, since: datetime) -> Iterator[TicketFact]:
    columns = ("id", "mailbox", "status", "created_at", "priority", "assignee", "first_replied_at")
    query = select(*(ticket.c[name] for name in columns), ticket.c.solved_at, ticket.c.due_sort)
    for row in connection.execute(query.where(_concerned(since)).order_by(ticket.c.id)):
        yield TicketFact(
            number=row.id,
            mailbox=row.mailbox,
            status=Status(row.status),
            created_at=row.created_at,
            priority=Priority(row.priority),
            assignee=row.assignee or None,
            first_replied_at=row.first_replied_at,
            solved_at=row.solved_at,
            due_at=row.due_sort if row.due_sort < FAR else None,
        )


def _replies(connection: Connection, since: datetime) -> Iterator[ReplyFact]:
    query = (
        select(message.c.author_key, ticket.c.mailbox, message.c.at)
        .join(ticket, ticket.c.id == message.c.ticket)
        .where(_concerned(since), message.c.kind == Kind.REPLY, message.c.at >= since)
        .order_by(message.c.id)
    )
    for agent, mailbox, at in connection.execute(query):
        yield ReplyFact(agent, mailbox, at)


def _promises(connection: Connection, since: datetime) -> Iterator[PromiseFact]:
    """Each promise once: what was ever broken was broken, at the moment when it first was."""
    query = (
        select(event.c.ticket, event.c.before, event.c.after, event.c.detail, event.c.at, ticket.c.mailbox)
        .join(ticket, ticket.c.id == event.c.ticket)
        .where(_concerned(since), event.c.kind == "sla", event.c.after.in_(_ENDS))
        .order_by(event.c.id)
    )
    ended: dict[tuple[int, str, str], PromiseFact] = {}
    for row in connection.execute(query):
        target = _TARGETS.get(row.detail.partition(" was due ")[0])
        if target is None:
            continue
        promise, kept = (row.ticket, target, row.before or ""), row.after == "kept"
        if promise not in ended or (ended[promise].kept and not kept):
            ended[promise] = PromiseFact(target, row.mailbox, row.at, kept)
    yield from (fact for fact in ended.values() if fact.at >= since)
