"""The clock of a ticket: which reply is owed since when, and how long it stood still.

The few facts behind the due times, so that a new priority, other hours or another
policy can be counted from the start again. Every function takes a clock and returns the
next one. Only people move it: nothing in here is to be called for an automatic mail.
Knows nothing of policies that match or of who is told what.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from ticketd.decide.deadlines.hours import NeverOpen, business_hours
from ticketd.decide.model import Priority, Status
from ticketd.decide.policy import Sla, SlaPolicy, Span, Targets

_MICROSECOND = timedelta(microseconds=1)

Reply = Literal["first", "next"]


@dataclass(frozen=True, slots=True)
class Due:
    """When the first reply, the next reply and the solution are due; None: not, or not now."""

    first_reply: datetime | None = None
    next_reply: datetime | None = None
    solve: datetime | None = None

    @property
    def earliest(self) -> datetime | None:
        """The earliest of them, None when nothing is due."""
        dues = (self.first_reply, self.next_reply, self.solve)
        return min((due for due in dues if due is not None), default=None)


@dataclass(frozen=True, slots=True)
class Clock:
    """What must be remembered of a ticket beyond its fields, to know what is due.

    ``reply`` is the reply that is owed since ``reply_from``; ``solve_from`` is when the
    work began. ``reply_paused`` and ``solve_paused`` are the business time that does not
    count, ``stopped_at`` is since when nothing counts, ``replied`` whether the customer
    ever heard from an agent. ``Clock()`` is that of a ticket on which no person wrote.
    """

    reply: Reply | None = None
    reply_from: datetime | None = None
    reply_paused: timedelta = timedelta()
    solve_from: datetime | None = None
    solve_paused: timedelta = timedelta()
    stopped_at: datetime | None = None
    replied: bool = False

    def to_json(self) -> str:
        """As one line of JSON, for the store; only what differs from ``Clock()``."""
        kept: dict[str, object] = {}
        for name in self.__slots__:
            value = getattr(self, name)
            if value:
                kept[name] = _to_plain(value)
        return json.dumps(kept)

    @classmethod
    def from_json(cls, text: str | None) -> Clock:
        """Read what ``to_json`` wrote; nothing gives ``Clock()``. Keys that are not known are passed over."""
        kept = json.loads(text) if text else {}
        for name in ("reply_from", "solve_from", "stopped_at"):
            if name in kept:
                kept[name] = datetime.fromisoformat(kept[name]).astimezone(UTC)
        for name in ("reply_paused", "solve_paused"):
            if name in kept:
                kept[name] = kept[name] * _MICROSECOND
        return cls(**{name: value for name, value in kept.items() if name in cls.__slots__})


def _to_plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value // _MICROSECOND if isinstance(value, timedelta) else value


def start(at: datetime, *, owed: bool = True) -> Clock:
    """The clock of a ticket that a person opened at ``at``.

    ``owed`` is False where an agent wrote to the customer first: no reply is due then.
    """
    if owed:
        return Clock(reply="first", reply_from=at, solve_from=at)
    return Clock(solve_from=at, replied=True)


def stop(clock: Clock, at: datetime) -> Clock:
    """Nothing counts from ``at`` on; a clock that stands stands since when it stood."""
    return clock if clock.stopped_at else replace(clock, stopped_at=at)


def resume(clock: Clock, policy: SlaPolicy | None, sla: Sla, priority: Priority, at: datetime) -> Clock:
    """Count again from ``at``, with the business time that was left.

    What was overdue when the clock was stopped stays overdue since then.
    """
    if clock.stopped_at is None:
        return clock
    hours, stopped = business_hours(policy, sla), clock.stopped_at
    running = replace(clock, stopped_at=None)
    due = dues(running, policy, sla, priority)

    def pause(began: datetime | None, due_at: datetime | None) -> timedelta:
        if began is None or (due_at is not None and due_at <= stopped):
            return timedelta()
        return hours.between(max(began, stopped), at)

    return replace(
        running,
        reply_paused=clock.reply_paused + pause(clock.reply_from, due.first_reply or due.next_reply),
        solve_paused=clock.solve_paused + pause(clock.solve_from, due.solve),
    )


def fulfil(clock: Clock) -> Clock:
    """An agent replied to the customer: no reply is owed."""
    return replace(clock, reply=None, reply_from=None, reply_paused=timedelta(), replied=True)


def on_agent_reply(clock: Clock) -> Clock:
    """An agent's reply went to the customer. The status that it sets comes after, by ``on_status``."""
    return fulfil(clock)


def on_customer_mail(
    clock: Clock, status: Status, policy: SlaPolicy | None, sla: Sla, priority: Priority, at: datetime
) -> Clock:
    """A person among the participants wrote at ``at``, on a ticket that had ``status`` before.

    A reply that is owed already is due when it was, a wait in *pending* not counted. On a
    solved ticket nobody waits any more, so the mail asks afresh. The clock runs after it;
    where the ticket is kept from opening, ``stop`` it again.
    """
    if status is Status.SOLVED:
        clock = replace(clock, reply=None, reply_from=None, reply_paused=timedelta())
    clock = resume(clock, policy, sla, priority, at)
    if clock.reply is None:
        clock = replace(clock, reply="next" if clock.replied else "first", reply_from=at)
    return replace(clock, solve_from=clock.solve_from or at)


def merge(clock: Clock, other: Clock) -> Clock:
    """The clock of a ticket after ``other``'s was merged into it: a reply owed on either is owed here.

    It is owed since the earlier of the two. A ticket that opens by it is opened before.
    """
    replied = clock.replied or other.replied
    owed = [(each.reply_from, each.reply_paused) for each in (clock, other) if each.reply_from]
    if not owed:
        return replace(clock, replied=replied)
    since, paused = min(owed)
    reply: Reply = "next" if replied else "first"
    return replace(clock, reply=reply, reply_from=since, reply_paused=paused, replied=replied)


def on_status(
    clock: Clock, to: Status, policy: SlaPolicy | None, sla: Sla, priority: Priority, at: datetime
) -> Clock:
    """The ticket got the status ``to`` at ``at``: it runs while open, and stands in pending and solved."""
    if to is Status.OPEN:
        return resume(clock, policy, sla, priority, at)
    return stop(clock, at)


def dues(clock: Clock, policy: SlaPolicy | None, sla: Sla, priority: Priority) -> Due:
    """What is due when, counted from the start with this policy, these hours and this priority.

    While the clock stands nothing is due. A target that the business hours can never
    meet is not due either; ``check`` tells of it.
    """
    if policy is None or clock.stopped_at is not None:
        return Due()

    def due(targets: Targets, began: datetime | None, paused: timedelta) -> datetime | None:
        target = targets.get(priority)
        if target is None or began is None:
            return None
        return _due_at(policy, sla, began, target, paused)

    reply = policy.next_reply if clock.reply == "next" else policy.first_reply
    reply_due = due(reply, clock.reply_from, clock.reply_paused)
    return Due(
        first_reply=reply_due if clock.reply == "first" else None,
        next_reply=reply_due if clock.reply == "next" else None,
        solve=due(policy.solve, clock.solve_from, clock.solve_paused),
    )


def _due_at(policy: SlaPolicy, sla: Sla, began: datetime, target: Span, paused: timedelta) -> datetime | None:
    hours = business_hours(policy, sla)
    try:
        at = hours.add(began, target)
        return hours.add(at, Span(time=paused)) if paused else at
    except NeverOpen:
        return None
