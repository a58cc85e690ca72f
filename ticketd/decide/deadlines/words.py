"""Times in words, as a person would say them: what is due, how long, and when.

Plain English whatever the machine's locale. Knows nothing of business hours: what is
due in 40 minutes is due in 40 minutes of the clock on the wall.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

from ticketd.decide.model import Ticket
from ticketd.decide.policy import Span

_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
_WEEK = 7
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def due_in_words(ticket: Ticket, now: datetime, tz: tzinfo | None = None) -> str:
    """What is due first, as "first reply due in 40 min" or "first reply overdue since 09:12"; else "".

    ``tz`` is the zone of the times shown, UTC unless given.
    """
    dues = (
        (ticket.first_reply_due_at, "first reply"),
        (ticket.next_reply_due_at, "next reply"),
        (ticket.solve_due_at, "solution"),
    )
    due_at, what = min(((at, what) for at, what in dues if at is not None), default=(None, ""))
    if due_at is None:
        return ""
    if due_at <= now:
        return f"{what} overdue since {time_in_words(due_at, now, tz)}"
    return f"{what} due in {span_in_words(due_at - now)}"


def span_in_words(span: timedelta) -> str:
    """A length of time, to the nearest minute, hour or day that matters: "40 min", "3 h 20 min", "2 days"."""
    span = abs(span)
    if span < _MINUTE:
        return "less than a minute"
    minutes = round(span / _MINUTE)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 24 * 60:
        return _hours_and_minutes(*divmod(minutes, 60))
    hours = round(span / _HOUR)
    days, rest = divmod(hours, 24)
    if days < 2 and rest:
        return f"{days} day {rest} h"
    return _count(round(span / _DAY), "day")


def _hours_and_minutes(hours: int, minutes: int) -> str:
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def target_in_words(span: Span) -> str:
    """A target of business time, as the config has it: "4 h", "2 business days"."""
    if span.days:
        return _count(span.days, "business day")
    hours, rest = divmod(span.time, _HOUR)
    return span_in_words(span.time) if rest or not hours else f"{hours} h"


def time_in_words(at: datetime, now: datetime, tz: tzinfo | None = None) -> str:
    """A moment as seen at ``now``: "09:12" today, "Fri 09:12" this week, "20 Nov 09:12", "20 Nov 2025 09:12".

    ``tz`` is the zone it is shown in, UTC unless given.
    """
    local, today = at.astimezone(tz or UTC), now.astimezone(tz or UTC).date()
    clock = f"{local.hour:02}:{local.minute:02}"
    if local.date() == today:
        return clock
    if abs((local.date() - today).days) < _WEEK:
        return f"{_DAYS[local.weekday()]} {clock}"
    day = f"{local.day} {_MONTHS[local.month - 1]}"
    return f"{day} {clock}" if local.year == today.year else f"{day} {local.year} {clock}"
