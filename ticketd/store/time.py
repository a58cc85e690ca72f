"""What is due by the clock: snoozes, promises, tickets gone quiet, and what was told already.

``now`` is always an argument. Knows nothing of what is promised to whom.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update

from ticketd.decide.model import Ticket
from ticketd.store.cases import ticket
from ticketd.store.tables import alert, notice
from ticketd.store.values import ticket_from_row
from ticketd.store.work import Work


class Timing(Work):
    """The part of a transaction that knows what time has come."""

    def due_tickets(
        self, now: datetime, limit: int = 100, *, ahead: timedelta = timedelta(), after: int = 0
    ) -> list[int]:
        """Tickets above ``after`` whose snooze is over, or open with something due by ``now + ahead``."""
        snoozed = select(ticket.c.id).where(ticket.c.snoozed_until <= now, ticket.c.merged_into.is_(None))
        due = select(ticket.c.id).where(
            ticket.c.folder == "open", ticket.c.rank.in_([0, 1]), ticket.c.due_sort <= now + ahead
        )
        both = snoozed.where(ticket.c.id > after).union(due.where(ticket.c.id > after)).subquery()
        return list(self.connection.scalars(select(both.c.id).order_by(both.c.id).limit(limit)))

    def quiet_tickets(self, mailbox: str, before: datetime, limit: int = 100) -> list[int]:
        """Pending tickets of a mailbox, not snoozed, that nothing has touched since ``before``."""
        found = (
            select(ticket.c.id)
            .where(ticket.c.mailbox == mailbox, ticket.c.folder == "pending")
            .where(ticket.c.updated_at <= before, ticket.c.snoozed_until.is_(None))
            .order_by(ticket.c.id)
            .limit(limit)
        )
        return list(self.connection.scalars(found))

    def told(self, key: str) -> bool:
        """Whether this was told before."""
        return self.connection.scalar(select(notice.c.key).where(notice.c.key == key)) is not None

    def told_of(self, keys: Collection[str]) -> set[str]:
        """Which of these were told before."""
        return (
            set(self.connection.scalars(select(notice.c.key).where(notice.c.key.in_(keys))))
            if keys
            else set()
        )

    def tell(self, key: str, now: datetime) -> bool:
        """Remember that this is told; True the first time."""
        return self.put(notice, [{"key": key, "at": now}]) > 0

    def opened_as(self, key: str) -> int | None:
        """The ticket that was opened under this idempotency key, None where none was."""
        start = f"opened {key} "
        # A range on the primary key: everything that begins with ``start``.
        found = select(notice.c.key).where(notice.c.key >= start, notice.c.key < start[:-1] + "!")
        kept = self.connection.scalar(found)
        return int(kept.removeprefix(start)) if kept else None

    def remember_opening(self, key: str, number: int, now: datetime) -> None:
        """The ticket ``number`` was opened under this idempotency key."""
        self.put(notice, [{"key": f"opened {key} {number}", "at": now}])

    def in_force(self, kind: str, what: str, now: datetime) -> bool:
        """Remember that ``what`` is in force, instead of any other of its ``kind``; whether that is news."""
        key = f"{kind} {what}"
        if self.told(key):
            return False
        others = notice.c.key.startswith(f"{kind} ", autoescape=True)
        self.connection.execute(delete(notice).where(others))
        return self.tell(key, now)

    def running_tickets(self, after: int = 0, limit: int = 500) -> list[Ticket]:
        """Open tickets above ``after`` that a policy governs: those on which something may be due."""
        query = select(ticket).where(ticket.c.folder == "open", ticket.c.policy.is_not(None))
        rows = self.connection.execute(query.where(ticket.c.id > after).order_by(ticket.c.id).limit(limit))
        return [ticket_from_row(row) for row in rows]

    def alert_due(self, kind: str, mailbox: str, now: datetime, detail: str = "") -> bool:
        """Note a trouble; whether the admins are to be told: once a kind, mailbox and hour."""
        this = (alert.c.kind == kind) & (alert.c.mailbox == mailbox)
        told_at = self.connection.scalar(select(alert.c.told_at).where(this))
        row = {"kind": kind, "mailbox": mailbox, "told_at": now, "seen_at": now, "detail": detail}
        if told_at is None:
            self.put(alert, [row])
            return True
        due = not told_at <= now < told_at + timedelta(hours=1)
        values = {"seen_at": now, "detail": detail} | ({"told_at": now} if due else {})
        self.connection.execute(update(alert).where(this), values)
        return due
