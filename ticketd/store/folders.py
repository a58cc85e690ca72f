"""The saved views of tickets: which tickets a folder holds, in the order every list has.

Urgent first, then whatever is due soonest, then the oldest update; an index serves each
folder in that order. Knows nothing of what is shown of a ticket.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Select, select, true

from ticketd.errors import UsageError
from ticketd.store.cases import ticket

FOLDERS = ("unassigned", "my-open", "all-open", "pending", "solved", "spam", "all")


def folder_query(
    folder: str, agent: str | None = None, mailbox: str | None = None, limit: int = 100
) -> Select[tuple[object, ...]]:
    """The tickets of ``folder``, optionally of one mailbox; ``agent`` is an assignee's address."""
    query = select(ticket).where(_condition(folder))
    if folder == "my-open" and agent is None:
        raise UsageError("The folder my-open needs an agent: whose open tickets?")
    if folder != "unassigned" and agent is not None:
        query = query.where(ticket.c.assignee == agent)
    if mailbox is not None:
        query = query.where(ticket.c.mailbox == mailbox)
    order = (ticket.c.rank, ticket.c.due_sort, ticket.c.updated_at, ticket.c.id)
    return query.order_by(*order).limit(limit)


def _condition(folder: str) -> ColumnElement[bool]:
    if folder == "unassigned":
        return (ticket.c.folder == "open") & (ticket.c.assignee == "")
    if folder in {"my-open", "all-open"}:
        return ticket.c.folder == "open"
    if folder in {"pending", "solved", "spam"}:
        return ticket.c.folder == folder
    if folder == "all":
        return ticket.c.listed == true()
    raise UsageError(f"There is no folder {folder}: choose one of {', '.join(FOLDERS)}.")
