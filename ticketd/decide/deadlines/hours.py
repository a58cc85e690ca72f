"""Business hours: what time it is after so much of them, and how much of them lies between two times.

A span of hours belongs to the day on which it begins, also where it runs over midnight:
a holiday closes the spans that begin on it. Times in and out are aware and in UTC; wall
clocks, daylight saving and holidays are looked at in here alone. Knows nothing of tickets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from ticketd.decide.policy import Holidays, Sla, SlaPolicy, Span
from ticketd.decide.policy_fields import DAYS, read_minute
from ticketd.errors import ConfigError

_DAY = timedelta(days=1)
_FULL_DAY = 24 * 60
_HORIZON = 20 * 366
"""Days ahead in which a due time must be found; no promise runs for twenty years."""

Opening = tuple[datetime, datetime]


class NeverOpen(ConfigError):
    """The business hours leave no time in which the target could be met."""


@dataclass(frozen=True, slots=True)
class BusinessHours:
    """When people work. Made by ``business_hours``.

    ``week`` holds, for Monday to Sunday, spans in minutes since midnight; an end beyond
    24 hours lies on the next day. None is round the clock. ``country`` and ``subdivision``
    name public holidays, ``extra`` further days off.
    """

    zone: str = "UTC"
    week: tuple[tuple[tuple[int, int], ...], ...] | None = None
    country: str | None = None
    subdivision: str | None = None
    extra: frozenset[date] = frozenset()

    def add(self, start: datetime, span: Span) -> datetime:
        """The moment that lies ``span`` of business time after ``start``: never outside business hours.

        Business days keep the time of day; where that is outside the hours of the last
        day, its next opening on that day, else that day's closing. A start outside
        hours counts from the next opening. Raises ``NeverOpen``.
        """
        at = start.astimezone(UTC)
        if span.days:
            at = self._days_on(at, span.days)
        if span.time or not span.days:
            at = self._time_on(at, span.time)
        return at

    def between(self, begin: datetime, end: datetime) -> timedelta:
        """The business time between two moments; nothing when ``end`` is not after ``begin``."""
        begin, end = begin.astimezone(UTC), end.astimezone(UTC)
        if end <= begin:
            return timedelta()
        if self._always:
            return end - begin
        days = (end - begin).days + 4  # the local dates of both, and the night before
        openings = ((opens, closes) for _, opens, closes in self._openings(begin, days) if opens < end)
        return sum((min(closes, end) - max(opens, begin) for opens, closes in openings), timedelta())

    def is_open(self, at: datetime) -> bool:
        """Whether people work at that moment; the instant of closing is outside."""
        return any(opens <= at for _, opens, _ in self._openings(at.astimezone(UTC), 3))

    @property
    def _always(self) -> bool:
        return self.week is None and self.country is None and not self.extra

    def _time_on(self, at: datetime, left: timedelta) -> datetime:
        if self._always:
            return at + left
        for _, opens, closes in self._openings(at, _HORIZON):
            begin = max(at, opens)
            if left <= closes - begin:
                return begin + left
            left -= closes - begin
        raise self._never_open(at)

    def _days_on(self, at: datetime, count: int) -> datetime:
        day, opens, _ = next(self._openings(at, _HORIZON), (None, at, at))
        if day is None:
            raise self._never_open(at)
        time_of_day = _time_of_day(max(at, opens), day, ZoneInfo(self.zone))
        return self._on(self._business_day(day, count), time_of_day)

    def _business_day(self, day: date, count: int) -> date:
        for _ in range(_HORIZON):
            day += _DAY
            count -= 1 if _openings_on(self, day) else 0
            if not count:
                return day
        raise self._never_open(datetime.combine(day, time(), UTC))

    def _on(self, day: date, time_of_day: timedelta) -> datetime:
        """That time on that business day, moved into the day's hours."""
        at = _instant(datetime.combine(day, time()) + time_of_day, ZoneInfo(self.zone), closing=False)
        openings = _openings_on(self, day)
        return next((max(at, opens) for opens, closes in openings if at <= closes), openings[-1][1])

    def _openings(self, at: datetime, days: int) -> Iterator[tuple[date, datetime, datetime]]:
        """Spans that end after ``at``, in order and apart, each with its day, for that many days."""
        first = at.astimezone(ZoneInfo(self.zone)).date() - _DAY  # a night may still run
        for number in range(days):
            day = first + number * _DAY
            for opens, closes in _openings_on(self, day):
                if closes > at:
                    yield day, opens, closes

    def _never_open(self, at: datetime) -> NeverOpen:
        return NeverOpen(f"the business hours ({self.zone}) leave too little time after {at.date()}")


def business_hours(policy: SlaPolicy | None, sla: Sla) -> BusinessHours:
    """The hours that count for a policy: its own time zone, hours and holidays, else those of ``[sla]``."""
    own = policy or sla
    hours = sla.hours if own.hours is None else own.hours
    off = (sla.holidays if own.holidays is None else own.holidays) or Holidays()
    texts = {str(day): text for day, text in (hours or {}).items()}
    week = None if hours is None else tuple(texts.get(day, "") for day in DAYS)
    return _business_hours(
        own.timezone or sla.timezone or "UTC", week, off.country, off.subdivision, frozenset(off.extra)
    )


def read_spans(text: str) -> tuple[tuple[int, int], ...]:
    """The spans of a day in minutes since midnight; one that ends before it begins runs over midnight.

    ``"09:00-12:00,13:00-17:00"``, ``"22:00-06:00"``; no text is no span. Raises ``ValueError``.
    """
    return tuple(sorted(_read_span(part) for part in text.split(",") if text))


def _read_span(text: str) -> tuple[int, int]:
    begin, _, end = text.partition("-")
    opens, closes = read_minute(begin.strip()), read_minute(end.strip())
    return opens, closes if closes > opens else closes + _FULL_DAY


@lru_cache(maxsize=256)
def _business_hours(
    zone: str,
    week: tuple[str, ...] | None,
    country: str | None,
    subdivision: str | None,
    extra: frozenset[date],
) -> BusinessHours:
    spans = None if week is None else tuple(read_spans(text) for text in week)
    return BusinessHours(zone, spans, country, subdivision, extra)


@lru_cache(maxsize=16384)
def _openings_on(hours: BusinessHours, day: date) -> tuple[Opening, ...]:
    """The spans that begin on ``day``, in order; what a span before it covers is left to that one."""
    covered = max((closes for _, closes in _spans_on(hours, day - _DAY)), default=None)
    openings: list[Opening] = []
    for opens, closes in _spans_on(hours, day):
        begin = opens if covered is None else max(opens, covered)
        if begin < closes:
            openings.append((begin, closes))
            covered = closes
    return tuple(openings)


def _spans_on(hours: BusinessHours, day: date) -> list[Opening]:
    if day in hours.extra or day in _public_holidays(hours.country, hours.subdivision, day.year):
        return []
    midnight, zone = datetime.combine(day, time()), ZoneInfo(hours.zone)
    spans = ((0, _FULL_DAY),) if hours.week is None else hours.week[day.weekday()]
    return [
        (
            _instant(midnight + timedelta(minutes=begin), zone, closing=False),
            _instant(midnight + timedelta(minutes=end), zone, closing=True),
        )
        for begin, end in spans
    ]


@lru_cache(maxsize=512)
def _public_holidays(country: str | None, subdivision: str | None, year: int) -> frozenset[date]:
    if country is None:
        return frozenset()
    import holidays  # a tenth of a second that only desks with holidays pay

    try:
        return frozenset(holidays.country_holidays(country, subdiv=subdivision, years=year))
    except NotImplementedError as error:
        raise ConfigError(f"no public holidays are known there: {error}") from None


def _instant(wall: datetime, zone: ZoneInfo, *, closing: bool) -> datetime:
    """The moment at which a clock on the wall of that zone shows ``wall``.

    A time that is skipped in spring is the moment of the change; of one that comes twice
    in autumn, the first opens and the last closes.
    """
    first = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    last = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if first > last:
        return _change(zone, last, first)
    return last if closing else first


def _time_of_day(at: datetime, day: date, zone: ZoneInfo) -> timedelta:
    """Time on the wall since midnight of ``day``; the repeated hour of autumn is one moment, its end.

    So a later start never shows an earlier time of day.
    """
    local = at.astimezone(zone)
    wall = local.replace(tzinfo=None)
    if local.fold:
        whole = local.replace(microsecond=0)
        before, after = whole.replace(fold=0), whole.astimezone(UTC)
        change = _change(zone, before.astimezone(UTC), after)
        wall = (change + (before.utcoffset() or timedelta())).replace(tzinfo=None)
    return wall - datetime.combine(day, time())


def _change(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The moment between two, in whole seconds of UTC, at which the zone's clock was put forward or back."""
    old = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if middle.astimezone(zone).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after
