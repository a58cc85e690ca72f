"""What became of a promise: an event says whether it was kept when it is fulfilled.

``timed`` tells of a promise that is overdue while nobody acts; here is what is written
when somebody did. An event's ``from`` is since when it was owed, which is what makes
a promise one and the same in both.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from ticketd.decide.deadlines import clock as clocks
from ticketd.decide.deadlines import sla
from ticketd.decide.deadlines.clock import Clock
from ticketd.decide.work import Work

WORDS = {"first_reply": "first reply", "next_reply": "next reply", "solve": "solution"}
"""The targets, as events and mails call them."""


def on_reply(work: Work, number: int) -> None:
    """The customer is being answered: the reply that was owed came in time, or late."""
    ticket = work.ticket(number)
    clock = Clock.from_json(ticket.clock)
    due = _dues(work, number, clock)
    _settle(work, number, "first_reply", due.first_reply, clock.reply_from, clock)
    _settle(work, number, "next_reply", due.next_reply, clock.reply_from, clock)


def on_solved(work: Work, number: int) -> None:
    """The ticket is being solved: in time, or late."""
    clock = Clock.from_json(work.ticket(number).clock)
    _settle(work, number, "solve", _dues(work, number, clock).solve, clock.solve_from, clock)


def _dues(work: Work, number: int, clock: Clock) -> clocks.Due:
    """What would be due if the clock ran: while it stands a promise is neither met nor missed."""
    ticket = work.ticket(number)
    policy = sla.policy_named(work.policy.sla, ticket.policy)
    return clocks.dues(replace(clock, stopped_at=None), policy, work.policy.sla, ticket.priority)


def _settle(
    work: Work, number: int, target: str, due_at: datetime | None, began: datetime | None, clock: Clock
) -> None:
    if due_at is None or began is None:
        return
    met = min(work.now, clock.stopped_at or work.now) <= due_at
    detail = f"{WORDS[target]} was due {iso(due_at)}"
    work.record(number, "sla", before=iso(began), after="kept" if met else "late", detail=detail)


def iso(moment: datetime) -> str:
    """A moment as events have it."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
