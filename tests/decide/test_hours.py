"""Business hours against calendars worked out by hand, and against a clock that counts every minute."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketd.decide.deadlines.hours import BusinessHours, NeverOpen, business_hours, read_spans
from ticketd.decide.policy import Sla, SlaPolicy, Span
from ticketd.errors import ConfigError

WARSAW, NEW_YORK = "Europe/Warsaw", "America/New_York"
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri")
ALL_DAYS = (*WEEKDAYS, "sat", "sun")
OFFICE = dict.fromkeys(WEEKDAYS, "09:00-17:00")
SPLIT = dict.fromkeys(WEEKDAYS, "09:00-12:00,13:00-17:00")
NIGHTS = dict.fromkeys(WEEKDAYS, "22:00-06:00")
EVERY_NIGHT = dict.fromkeys(ALL_DAYS, "22:00-06:00")
SHORT_FRIDAY = {**OFFICE, "fri": "08:00-13:00"}
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def calendar(hours=None, zone=WARSAW, **off) -> BusinessHours:
    return business_hours(None, Sla(timezone=zone, hours=hours, holidays=off or None))


def at(text: str, zone: str = WARSAW) -> datetime:
    """``2026-11-23 09:00`` on the wall of the zone; ``*`` behind it is the second of two."""
    local = datetime.fromisoformat(text.rstrip("*")).replace(tzinfo=ZoneInfo(zone), fold=text.endswith("*"))
    return local.astimezone(UTC)


def span(text: str) -> Span:
    number, unit = int(text[:-1]), text[-1]
    if unit == "d":
        return Span(days=number)
    return Span(time=number * {"h": HOUR, "m": MINUTE}[unit])


# 2026: 23 November is a Monday; clocks change on 29 March and 25 October in Warsaw, 8 March and
# 1 November in New York.
ADDED = [
    # within a day, to the closing, over night, over the weekend
    (OFFICE, WARSAW, "2026-11-23 09:00", "4h", "2026-11-23 13:00"),
    (OFFICE, WARSAW, "2026-11-23 16:00", "1h", "2026-11-23 17:00"),
    (OFFICE, WARSAW, "2026-11-23 16:00", "61m", "2026-11-24 09:01"),
    (OFFICE, WARSAW, "2026-11-27 16:30", "1h", "2026-11-30 09:30"),
    # a start outside hours counts from the next opening
    (OFFICE, WARSAW, "2026-11-23 07:00", "1h", "2026-11-23 10:00"),
    (OFFICE, WARSAW, "2026-11-23 17:00", "1h", "2026-11-24 10:00"),
    (OFFICE, WARSAW, "2026-11-28 12:00", "1h", "2026-11-30 10:00"),
    (OFFICE, WARSAW, "2026-11-28 12:00", "0h", "2026-11-30 09:00"),
    # business days keep the time of day
    (OFFICE, WARSAW, "2026-11-23 10:20", "1d", "2026-11-24 10:20"),
    (OFFICE, WARSAW, "2026-11-27 10:20", "1d", "2026-11-30 10:20"),
    (OFFICE, WARSAW, "2026-11-23 10:20", "7d", "2026-12-02 10:20"),
    (OFFICE, WARSAW, "2026-11-28 12:00", "1d", "2026-12-01 09:00"),
    (OFFICE, WARSAW, "2026-11-23 20:00", "1d", "2026-11-25 09:00"),
    # where that is outside the hours of the last day: its next opening, else its closing
    (SHORT_FRIDAY, WARSAW, "2026-11-26 16:00", "1d", "2026-11-27 13:00"),
    (SHORT_FRIDAY, WARSAW, "2026-11-27 08:10", "1d", "2026-11-30 09:00"),
    ({**OFFICE, "tue": "09:00-12:00,13:00-17:00"}, WARSAW, "2026-11-23 12:30", "1d", "2026-11-24 13:00"),
    # several spans a day
    (SPLIT, WARSAW, "2026-11-23 11:30", "1h", "2026-11-23 13:30"),
    (SPLIT, WARSAW, "2026-11-23 11:30", "30m", "2026-11-23 12:00"),
    (SPLIT, WARSAW, "2026-11-23 12:30", "1h", "2026-11-23 14:00"),
    # over midnight: a night belongs to the day on which it begins
    (NIGHTS, WARSAW, "2026-11-23 23:00", "4h", "2026-11-24 03:00"),
    (NIGHTS, WARSAW, "2026-11-24 02:00", "5h", "2026-11-24 23:00"),
    (NIGHTS, WARSAW, "2026-11-28 02:00", "5h", "2026-11-30 23:00"),
    (NIGHTS, WARSAW, "2026-11-28 02:00", "1d", "2026-12-01 02:00"),
    (NIGHTS, WARSAW, "2026-11-29 02:00", "1h", "2026-11-30 23:00"),
    # round the clock
    (None, WARSAW, "2026-11-28 03:00", "30h", "2026-11-29 09:00"),
    (None, WARSAW, "2026-11-28 03:00", "2d", "2026-11-30 03:00"),
    # spring: the hour from two to three does not exist
    (None, WARSAW, "2026-03-28 12:00", "24h", "2026-03-29 13:00"),
    (None, WARSAW, "2026-03-28 12:00", "1d", "2026-03-29 12:00"),
    (None, WARSAW, "2026-03-28 02:30", "1d", "2026-03-29 03:00"),
    (EVERY_NIGHT, WARSAW, "2026-03-29 01:00", "2h", "2026-03-29 04:00"),
    (EVERY_NIGHT, WARSAW, "2026-03-28 22:00", "7h", "2026-03-29 06:00"),
    (OFFICE, WARSAW, "2026-03-27 16:00", "2h", "2026-03-30 10:00"),
    (OFFICE, WARSAW, "2026-03-27 16:00", "1d", "2026-03-30 16:00"),
    (EVERY_NIGHT, NEW_YORK, "2026-03-08 01:00", "2h", "2026-03-08 04:00"),
    (OFFICE, NEW_YORK, "2026-03-06 16:00", "2h", "2026-03-09 10:00"),
    (dict.fromkeys(ALL_DAYS, "02:30-10:00"), NEW_YORK, "2026-03-08 00:00", "1h", "2026-03-08 04:00"),
    (dict.fromkeys(ALL_DAYS, "00:00-02:30"), NEW_YORK, "2026-03-08 01:00", "1h", "2026-03-08 03:00"),
    # autumn: an hour comes twice
    (None, WARSAW, "2026-10-24 12:00", "24h", "2026-10-25 11:00"),
    (None, WARSAW, "2026-10-24 12:00", "1d", "2026-10-25 12:00"),
    (None, WARSAW, "2026-10-25 02:30", "1h", "2026-10-25 02:30*"),
    (None, WARSAW, "2026-10-25 02:30*", "1d", "2026-10-26 03:00"),
    (EVERY_NIGHT, WARSAW, "2026-10-24 22:00", "9h", "2026-10-25 06:00"),
    (EVERY_NIGHT, WARSAW, "2026-10-25 01:00", "2h", "2026-10-25 02:00*"),
    (dict.fromkeys(ALL_DAYS, "00:00-02:30"), WARSAW, "2026-10-25 00:00", "210m", "2026-10-25 02:30*"),
    (OFFICE, NEW_YORK, "2026-10-30 16:00", "2h", "2026-11-02 10:00"),
    (EVERY_NIGHT, NEW_YORK, "2026-11-01 00:00", "3h", "2026-11-01 02:00"),
]


@pytest.mark.parametrize(("hours", "zone", "start", "target", "due"), ADDED)
def test_adds_business_time(hours, zone, start, target, due):
    assert calendar(hours, zone).add(at(start, zone), span(target)) == at(due, zone)


HOLIDAYS = [
    # Christmas Eve by date (it is also Poland's since 2025), Christmas by country, then a weekend
    ({"country": "PL", "extra": ["2026-12-24"]}, "2026-12-23 16:00", "2h", "2026-12-28 10:00"),
    ({"country": "PL", "extra": ["2026-12-24"]}, "2026-12-23 16:00", "1d", "2026-12-28 16:00"),
    ({"extra": ["2026-12-24"]}, "2026-12-23 16:00", "2h", "2026-12-25 10:00"),
    ({"country": "PL"}, "2026-11-10 16:00", "2h", "2026-11-12 10:00"),  # Independence Day
    ({"country": "PL"}, "2026-11-11 12:00", "1d", "2026-11-13 09:00"),  # opened on it
    ({"country": "PL"}, "2026-12-31 16:00", "2h", "2027-01-04 10:00"),  # over New Year
    (
        {"country": "DE", "subdivision": "BY"},
        "2026-01-05 16:00",
        "2h",
        "2026-01-07 10:00",
    ),  # Epiphany in Bavaria
    ({"country": "DE"}, "2026-01-05 16:00", "2h", "2026-01-06 10:00"),  # but not in all of Germany
]


@pytest.mark.parametrize(("off", "start", "target", "due"), HOLIDAYS)
def test_skips_holidays(off, start, target, due):
    assert calendar(OFFICE, **off).add(at(start), span(target)) == at(due)


def test_a_holiday_closes_the_nights_that_begin_on_it():
    nights = calendar(EVERY_NIGHT, extra=["2026-12-25"])
    assert nights.add(at("2026-12-25 05:00"), span("2h")) == at("2026-12-26 23:00")
    assert nights.is_open(at("2026-12-25 05:59"))
    assert not nights.is_open(at("2026-12-26 05:00"))


def test_round_the_clock_still_keeps_the_holidays_that_are_set():
    always = calendar(extra=["2026-12-25"])
    assert always.add(at("2026-12-24 23:00"), span("2h")) == at("2026-12-26 01:00")
    assert always.between(at("2026-12-24 12:00"), at("2026-12-26 12:00")) == 24 * HOUR


BETWEEN = [
    (OFFICE, WARSAW, "2026-11-23 08:00", "2026-11-23 10:00", "1h"),
    (OFFICE, WARSAW, "2026-11-27 16:00", "2026-11-30 10:00", "2h"),
    (OFFICE, WARSAW, "2026-11-28 10:00", "2026-11-29 10:00", "0h"),
    (OFFICE, WARSAW, "2026-11-23 10:00", "2026-11-23 09:00", "0h"),
    (SPLIT, WARSAW, "2026-11-23 11:00", "2026-11-23 14:00", "2h"),
    (NIGHTS, WARSAW, "2026-11-28 00:00", "2026-11-30 23:00", "7h"),
    (None, WARSAW, "2026-03-28 12:00", "2026-03-29 12:00", "23h"),
    (EVERY_NIGHT, WARSAW, "2026-03-28 12:00", "2026-03-29 12:00", "7h"),
    (EVERY_NIGHT, NEW_YORK, "2026-10-31 12:00", "2026-11-01 12:00", "9h"),
    (
        OFFICE,
        WARSAW,
        "2006-01-02 09:00",
        "2026-01-05 09:00",
        f"{5220 * 8}h",
    ),  # 1044 weeks: no horizon cuts it
]


@pytest.mark.parametrize(("hours", "zone", "begin", "end", "expected"), BETWEEN)
def test_measures_business_time(hours, zone, begin, end, expected):
    assert calendar(hours, zone).between(at(begin, zone), at(end, zone)) == span(expected).time


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("2026-11-23 08:59", False),
        ("2026-11-23 09:00", True),
        ("2026-11-23 16:59", True),
        ("2026-11-23 17:00", False),
    ],
)
def test_is_open_from_the_opening_to_before_the_closing(when, expected):
    assert calendar(OFFICE).is_open(at(when)) is expected


def test_a_policy_s_own_zone_hours_and_holidays_win_one_by_one():
    sla = Sla(timezone=WARSAW, hours=OFFICE, holidays={"extra": ["2026-11-23"]})
    start = at("2026-11-23 10:00")

    def due(**own):
        return business_hours(SlaPolicy(name="own", **own), sla).add(start, span("1h"))

    assert due() == at("2026-11-24 10:00")
    assert due(holidays={}) == at("2026-11-23 11:00")
    assert due(hours=dict.fromkeys(ALL_DAYS, "00:00-24:00")) == at("2026-11-24 01:00")
    assert due(timezone=NEW_YORK) == at("2026-11-24 10:00", NEW_YORK)


@pytest.mark.parametrize("target", ["1m", "1d"])
@pytest.mark.parametrize("hours", [{"mon": "09:00-17:00"}, {"mon": "22:00-06:00"}])
def test_says_so_when_the_hours_never_come(hours, target):
    mondays = [date(2026, 1, 5) + timedelta(weeks=week) for week in range(52 * 40)]
    with pytest.raises(NeverOpen, match="Europe/Warsaw"):
        calendar(hours, extra=mondays).add(at("2026-11-23 10:00"), span(target))


def test_a_target_of_centuries_is_refused_rather_than_counted():
    with pytest.raises(NeverOpen):
        calendar(OFFICE).add(at("2026-11-23 10:00"), span("99999d"))
    with pytest.raises(NeverOpen):
        calendar(OFFICE).add(at("2026-11-23 10:00"), span("999999h"))


def test_a_country_that_nobody_knows_is_a_config_error():
    with pytest.raises(ConfigError, match="XX"):
        calendar(OFFICE, country="XX").add(at("2026-11-23 10:00"), span("1h"))


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("09:00-17:00", ((540, 1020),)),
        ("13:00-17:00, 09:00-12:00", ((540, 720), (780, 1020))),
        ("22:00-06:00", ((1320, 1800),)),
        ("00:00-24:00", ((0, 1440),)),
        ("", ()),
    ],
)
def test_reads_the_spans_of_a_day(text, spans):
    assert read_spans(text) == spans


@pytest.mark.parametrize(
    "text", ["9-17", "09:00", "09:00-25:00", "09:00-17:00-18:00", "always", "09:00-17:00,"]
)
def test_refuses_what_is_no_span(text):
    with pytest.raises(ValueError, match="must be a time like"):
        read_spans(text)


# ── properties ──────────────────────────────────────────────────────────────────────────────────────

DAY_TEXTS = st.sampled_from(
    ["", "09:00-17:00", "09:00-12:00,13:00-17:00", "22:00-06:00", "00:00-24:00", "05:00-05:30", "02:15-02:45"]
)
ZONES = st.sampled_from(
    [WARSAW, NEW_YORK, "UTC", "Asia/Kathmandu", "Australia/Lord_Howe", "America/Sao_Paulo"]
)
CALENDARS = st.builds(
    lambda zone, days, extra: calendar(
        {day: text for day, text in zip(ALL_DAYS, days, strict=True) if text}, zone, extra=extra
    ),
    ZONES,
    st.lists(DAY_TEXTS, min_size=7, max_size=7).filter(any),
    st.lists(st.dates(date(2026, 1, 1), date(2026, 12, 31)), max_size=5),
)


def moments(first: str, last: str) -> st.SearchStrategy[datetime]:
    begin, end = (datetime.fromisoformat(day).replace(tzinfo=UTC) for day in (first, last))
    return st.integers(0, int((end - begin).total_seconds())).map(
        lambda seconds: begin + timedelta(seconds=seconds)
    )


# Around the changes of the clock, where mistakes live, and anywhere in the year.
STARTS = st.one_of(
    moments("2026-03-06", "2026-03-10"),
    moments("2026-03-27", "2026-03-31"),
    moments("2026-10-23", "2026-11-03"),
    moments("2026-01-01", "2026-12-31"),
)
TIMES = st.integers(0, 6000).map(lambda minutes: Span(time=minutes * MINUTE))
DAYS = st.integers(1, 30).map(lambda days: Span(days=days))


def quick(examples: int):
    return settings(max_examples=examples, deadline=None)


@quick(150)
@given(CALENDARS, STARTS, TIMES | DAYS)
def test_a_due_time_never_falls_outside_business_hours(hours, start, target):
    due = hours.add(start, target)
    assert due >= start
    assert hours.is_open(due) or hours.is_open(due - timedelta(microseconds=1))


@quick(150)
@given(CALENDARS, STARTS, st.tuples(TIMES, TIMES) | st.tuples(DAYS, DAYS))
def test_a_longer_target_is_never_due_sooner(hours, start, targets):
    shorter, longer = sorted(targets, key=lambda target: (target.days, target.time))
    assert hours.add(start, shorter) <= hours.add(start, longer)


@quick(150)
@given(CALENDARS, STARTS, STARTS | st.none(), st.integers(0, 200), TIMES | DAYS)
def test_a_later_start_is_never_due_sooner(hours, one, other, minutes, target):
    earlier, later = sorted((one, other or one + minutes * MINUTE))
    assert hours.add(earlier, target) <= hours.add(later, target)


@quick(100)
@given(CALENDARS, STARTS, TIMES)
def test_what_is_added_is_what_lies_between(hours, start, target):
    assert hours.between(start, hours.add(start, target)) == target.time


@quick(60)
@given(CALENDARS, STARTS, TIMES, TIMES)
def test_time_adds_up(hours, start, one, other):
    both = Span(time=one.time + other.time)
    total = hours.between(start, hours.add(hours.add(start, one), other))
    assert total == both.time == hours.between(start, hours.add(start, both))


@quick(60)
@given(
    st.sampled_from([OFFICE, SPLIT, NIGHTS, EVERY_NIGHT]),
    st.sampled_from([WARSAW, NEW_YORK]),
    STARTS,
    st.integers(0, 4 * 24 * 60),
)
def test_counting_every_minute_on_the_wall_gives_the_same(hours, zone, start, length):
    begin = start.replace(second=0, microsecond=0)
    minutes = (begin + number * MINUTE for number in range(length))
    counted = sum(_open_on_the_wall(hours, minute.astimezone(ZoneInfo(zone))) for minute in minutes)
    assert calendar(hours, zone).between(begin, begin + length * MINUTE) == counted * MINUTE


def _open_on_the_wall(hours: dict[str, str], local: datetime) -> bool:
    """Whether that minute is worked, by looking at the clock and the day's name alone."""
    clock = f"{local:%H:%M}"
    today, yesterday = (hours.get(ALL_DAYS[(local.weekday() - back) % 7], "") for back in (0, 1))
    for text in filter(None, today.split(",")):
        opens, closes = text.split("-")
        if opens <= clock and (clock < closes or closes < opens):
            return True
    opens, _, closes = yesterday.partition("-")
    return "," not in yesterday and clock < closes < opens
