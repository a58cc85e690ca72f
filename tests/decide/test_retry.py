"""When to try again: the schedule of faults.md §7, with jitter that is derived, never drawn."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketd.decide import retry

BORN = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
minutes = [1, 5, 15, 30, 60, 120, 240, 240, 240]


@pytest.mark.parametrize(("attempts", "expected"), list(enumerate(minutes, start=1)))
def test_the_schedule(attempts, expected):
    now = BORN + timedelta(hours=2)
    delay = retry.next_attempt(attempts, BORN, now, row=7) - now
    assert timedelta(minutes=expected) * 0.9 <= delay <= timedelta(minutes=expected) * 1.1


def test_greylisting_waits_five_minutes_at_once():
    delay = retry.next_attempt(1, BORN, BORN, row=7, recipient_deferred=True) - BORN
    assert timedelta(minutes=4.5) <= delay <= timedelta(minutes=5.5)


@given(st.integers(1, 10_000), st.integers(1, 40))
def test_the_plan_of_a_row_never_changes(row, attempts):
    assert retry.next_attempt(attempts, BORN, BORN, row) == retry.next_attempt(attempts, BORN, BORN, row)


def test_one_attempt_falls_on_the_hour_at_which_the_author_hears_of_it():
    at, times = BORN, []
    for attempts in range(1, 8):
        at = retry.next_attempt(attempts, BORN, at, row=5)
        times.append(at - BORN)
    assert times.count(retry.TELL_OF_DELAY) == 1


def test_rows_do_not_march_in_step():
    assert len({retry.next_attempt(3, BORN, BORN, row) for row in range(20)}) > 15


def test_it_gives_up_after_48_hours_and_not_before():
    at, attempts = BORN, 1
    while (following := retry.next_attempt(attempts, BORN, at, row=3)) is not None:
        assert following > at
        at, attempts = following, attempts + 1
    assert at - BORN == timedelta(hours=48)
    assert 15 < attempts < 25


@given(st.timedeltas(min_value=timedelta(days=-400), max_value=timedelta(days=400)), st.integers(1, 30))
def test_a_clock_that_jumps_never_plans_further_than_the_schedule(jump, attempts):
    now = BORN + jump
    following = retry.next_attempt(attempts, BORN, now, row=1)
    assert following is None or now <= following <= now + timedelta(hours=4.4)


def test_accounts_back_off_from_one_to_fifteen_minutes():
    pauses = [retry.account_pause(n) for n in range(1, 9)]
    assert pauses[0] == timedelta(minutes=1)
    assert pauses == sorted(pauses)
    assert pauses[-1] == timedelta(minutes=15)


def test_refused_logins_back_off_to_an_hour_and_spare_the_account():
    pauses = [retry.login_pause(n) for n in range(1, 12)]
    assert pauses[0] == timedelta(minutes=1)
    assert pauses[-1] == timedelta(hours=1)
    assert all(pause >= timedelta(minutes=15) for pause in pauses[4:])


def test_reconnecting_starts_within_two_seconds_and_ends_at_five_minutes():
    assert retry.reconnect_pause(1, "support") < timedelta(seconds=2)
    assert timedelta(minutes=4) < retry.reconnect_pause(99, "support") < timedelta(minutes=6)
    assert retry.reconnect_pause(3, "support") != retry.reconnect_pause(3, "sales")


def test_an_unsure_mail_goes_again_within_a_minute():
    assert timedelta(0) < retry.AGAIN_WHEN_UNSURE < timedelta(minutes=1)
