"""Times as a person would say them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketd.decide.deadlines.words import due_in_words, span_in_words, target_in_words, time_in_words
from ticketd.decide.model import Ticket
from ticketd.decide.policy import Span

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)  # a Monday
MINUTE = timedelta(minutes=1)


def ticket(**due) -> Ticket:
    return Ticket(id=1, subject="Printer", mailbox="support", created_at=NOW, updated_at=NOW, **due)


@pytest.mark.parametrize(
    ("due", "words"),
    [
        ({}, ""),
        ({"first_reply_due_at": NOW + 40 * MINUTE}, "first reply due in 40 min"),
        ({"next_reply_due_at": NOW + 180 * MINUTE}, "next reply due in 3 h"),
        ({"solve_due_at": NOW + timedelta(days=2)}, "solution due in 2 days"),
        ({"first_reply_due_at": NOW - 48 * MINUTE}, "first reply overdue since 09:12"),
        ({"first_reply_due_at": NOW}, "first reply overdue since 10:00"),
        ({"next_reply_due_at": NOW - timedelta(days=3)}, "next reply overdue since Fri 10:00"),
        (
            {"first_reply_due_at": NOW + 50 * MINUTE, "solve_due_at": NOW + 5 * MINUTE},
            "solution due in 5 min",
        ),
    ],
)
def test_says_what_is_due_first(due, words):
    assert due_in_words(ticket(**due), NOW) == words


def test_says_times_in_the_zone_asked_for():
    overdue = ticket(first_reply_due_at=NOW - 48 * MINUTE)
    assert due_in_words(overdue, NOW, ZoneInfo("Europe/Warsaw")) == "first reply overdue since 10:12"


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(), "less than a minute"),
        (timedelta(seconds=59), "less than a minute"),
        (timedelta(seconds=60), "1 min"),
        (timedelta(minutes=39, seconds=50), "40 min"),
        (timedelta(minutes=59, seconds=40), "1 h"),
        (timedelta(hours=3), "3 h"),
        (timedelta(hours=3, minutes=20), "3 h 20 min"),
        (timedelta(hours=23, minutes=59, seconds=40), "1 day"),
        (timedelta(days=1), "1 day"),
        (timedelta(days=1, hours=3), "1 day 3 h"),
        (timedelta(days=1, hours=23, minutes=50), "2 days"),
        (timedelta(days=2, hours=3), "2 days"),
        (timedelta(days=2, hours=13), "3 days"),
        (timedelta(days=400), "400 days"),
        (-40 * MINUTE, "40 min"),
    ],
)
def test_says_how_long(span, words):
    assert span_in_words(span) == words


@given(st.timedeltas(timedelta(), timedelta(days=20000)))
def test_says_any_length_in_few_words(span):
    said = span_in_words(span)
    assert said == "less than a minute" or re.fullmatch(r"\d+ (min|days?|h)( \d+ (min|h))?", said)
    assert " 0 " not in f" {said} "


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (Span(time=240 * MINUTE), "4 h"),
        (Span(days=1), "1 business day"),
        (Span(days=3), "3 business days"),
        (Span(time=timedelta(hours=40)), "40 h"),
    ],
)
def test_says_a_target_as_the_config_has_it(span, words):
    assert target_in_words(span) == words


@pytest.mark.parametrize(
    ("at", "words"),
    [
        (datetime(2026, 11, 23, 9, 12, tzinfo=UTC), "09:12"),
        (datetime(2026, 11, 20, 9, 12, tzinfo=UTC), "Fri 09:12"),
        (datetime(2026, 11, 24, 9, 12, tzinfo=UTC), "Tue 09:12"),
        (datetime(2026, 11, 16, 9, 12, tzinfo=UTC), "16 Nov 09:12"),
        (datetime(2026, 11, 30, 9, 12, tzinfo=UTC), "30 Nov 09:12"),
        (datetime(2025, 11, 20, 9, 12, tzinfo=UTC), "20 Nov 2025 09:12"),
        (datetime(2025, 12, 31, 23, 30, tzinfo=UTC), "31 Dec 2025 23:30"),
    ],
)
def test_says_when(at, words):
    assert time_in_words(at, NOW) == words


def test_today_is_the_day_of_the_zone():
    zone = ZoneInfo("America/New_York")
    late, early = datetime(2026, 11, 24, 3, 0, tzinfo=UTC), datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
    assert time_in_words(late, NOW, zone) == "22:00"
    assert time_in_words(early, NOW, zone) == "Tue 01:00"
    assert time_in_words(late, late - 40 * MINUTE, zone) == "22:00"
