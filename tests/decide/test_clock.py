"""The clock of a ticket, told as the days of tickets: what happened, and what is due then."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketd.decide.deadlines.clock import (
    Clock,
    Due,
    dues,
    fulfil,
    merge,
    on_agent_reply,
    on_customer_mail,
    on_status,
    resume,
    start,
    stop,
)
from ticketd.decide.deadlines.hours import business_hours
from ticketd.decide.model import Priority, Status
from ticketd.decide.policy import Sla, SlaPolicy

OFFICE = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), "09:00-17:00")
PLAN = {
    "name": "standard",
    "first_reply": {"low": "2d", "normal": "4h", "urgent": "1h"},
    "next_reply": {"normal": "6h", "urgent": "2h"},
    "solve": "3d",
}
POLICY = SlaPolicy(**PLAN)
SLA = Sla(timezone="Europe/Warsaw", hours=OFFICE, policies=(POLICY,))
WEEK = {
    "mon": 23,
    "tue": 24,
    "wed": 25,
    "thu": 26,
    "fri": 27,
    "sat": 28,
    "mon2": 30,
    "tue2": 31,
    "wed2": 32,
    "thu2": 33,
}
MONDAYS = [date(2026, 1, 5) + timedelta(weeks=week) for week in range(52 * 22)]
OPEN, PENDING, SOLVED = Status.OPEN, Status.PENDING, Status.SOLVED


def at(text: str) -> datetime:
    """``mon 09:30``: that time in Warsaw in the week of 23 November 2026; ``mon2`` is the Monday after."""
    day, clock = text.split()
    hour, minute = clock.split(":")
    midnight = datetime(2026, 11, 1, int(hour), int(minute), tzinfo=ZoneInfo("Europe/Warsaw"))
    return (midnight + timedelta(days=WEEK[day] - 1)).astimezone(UTC)


def story(*steps: str, policy=POLICY, priority=Priority.NORMAL) -> Due:
    """Live through ``opened``, ``mail``, ``reply``, a status, each at its time; what is due in the end."""
    clock, status = Clock(), OPEN
    for step in steps:
        what, when = step.split(" ", 1)
        moment = at(when)
        match what:
            case "opened":
                clock = start(moment)
            case "wrote":  # an agent opened it, the customer was mailed
                clock = start(moment, owed=False)
            case "mail":
                clock = on_customer_mail(clock, status, policy, SLA, priority, moment)
                status = OPEN
                clock = on_status(clock, status, policy, SLA, priority, moment)
            case "reply":
                status = PENDING
                clock = on_status(on_agent_reply(clock), status, policy, SLA, priority, moment)
            case _:
                status = Status(what)
                clock = on_status(clock, status, policy, SLA, priority, moment)
        clock = Clock.from_json(clock.to_json())  # every step goes through the store
    return dues(clock, policy, SLA, priority)


def due(first: str | None = None, following: str | None = None, solve: str | None = None) -> Due:
    return Due(*(text and at(text) for text in (first, following, solve)))


STORIES = {
    "a new ticket": (["opened mon 10:00"], due("mon 14:00", None, "thu 10:00")),
    "a second mail does not move what is due": (
        ["opened mon 10:00", "mail mon 12:00"],
        due("mon 14:00", None, "thu 10:00"),
    ),
    "nothing is due while we await the customer": (["opened mon 10:00", "reply mon 11:00"], due()),
    "after a reply the next mail has its own time, and the solution what was left": (
        ["opened mon 10:00", "reply mon 11:00", "mail tue 09:00"],
        due(None, "tue 15:00", "thu 16:00"),
    ),
    "a mail while the next reply is due does not move it": (
        ["opened mon 10:00", "reply mon 11:00", "mail tue 09:00", "mail tue 13:00"],
        due(None, "tue 15:00", "thu 16:00"),
    ),
    "a reply that leaves the ticket open": (
        ["opened mon 10:00", "reply mon 11:00", "open mon 11:00"],
        due(None, None, "thu 10:00"),
    ),
    "the customer writes on an open ticket that was answered": (
        ["opened mon 10:00", "reply mon 11:00", "open mon 11:00", "mail mon 12:00"],
        due(None, "tue 10:00", "thu 10:00"),
    ),
    "pending without a reply keeps what was left": (
        ["opened mon 10:00", "pending mon 11:00", "open tue 11:00"],
        due("tue 14:00", None, "fri 10:00"),
    ),
    "also when it is the customer who opens it": (
        ["opened mon 10:00", "pending mon 11:00", "mail tue 11:00"],
        due("tue 14:00", None, "fri 10:00"),
    ),
    "pending over night and weekend costs business time alone": (
        ["opened fri 15:00", "pending fri 16:00", "open mon2 10:00"],
        due("mon2 13:00", None, "wed2 17:00"),
    ),
    "pending twice": (
        ["opened mon 10:00", "pending mon 11:00", "open mon 12:00", "pending mon 13:00", "open mon 14:00"],
        due("mon 16:00", None, "thu 12:00"),
    ),
    "from pending to solved the clock stands since it stood": (
        ["opened mon 10:00", "pending mon 11:00", "solved tue 09:00", "open tue 11:00"],
        due("tue 14:00", None, "fri 10:00"),
    ),
    "solved by mistake and reopened by an agent": (
        ["opened mon 10:00", "solved mon 11:00", "open mon 12:00"],
        due("mon 15:00", None, "thu 11:00"),
    ),
    "solved unanswered and reopened by the customer asks afresh": (
        ["opened mon 10:00", "solved mon 13:00", "mail tue 09:00"],
        due("tue 13:00", None, "thu 14:00"),
    ),
    "answered, solved and reopened by the customer": (
        ["opened mon 10:00", "reply mon 11:00", "solved mon 12:00", "mail tue 09:00"],
        due(None, "tue 15:00", "thu 16:00"),
    ),
    "overdue stays overdue since then": (
        ["opened mon 10:00", "pending mon 15:00", "open tue 15:00"],
        due("mon 14:00", None, "fri 10:00"),
    ),
    "an agent wrote first": (["wrote mon 10:00"], due(None, None, "thu 10:00")),
    "an agent wrote first and the customer answers": (
        ["wrote mon 10:00", "pending mon 10:00", "mail mon 12:00"],
        due(None, "tue 10:00", "thu 12:00"),
    ),
    "a robot's ticket has nothing due": ([], due()),
    "until a person writes on it": (["mail tue 10:00"], due("tue 14:00", None, "fri 10:00")),
    "opened at night": (["opened sat 03:00"], due("mon2 13:00", None, "thu2 09:00")),
}


@pytest.mark.parametrize(("steps", "expected"), list(STORIES.values()), ids=list(STORIES))
def test_the_days_of_a_ticket(steps, expected):
    assert story(*steps) == expected


@pytest.mark.parametrize(
    ("priority", "expected"),
    [
        (Priority.LOW, due("wed 10:00", None, "thu 10:00")),
        (Priority.NORMAL, due("mon 14:00", None, "thu 10:00")),
        (Priority.URGENT, due("mon 11:00", None, "thu 10:00")),
    ],
)
def test_another_priority_counts_from_the_start(priority, expected):
    clock = start(at("mon 10:00"))
    assert dues(clock, POLICY, SLA, priority) == expected


def test_another_priority_keeps_the_pauses():
    clock = resume(stop(start(at("mon 10:00")), at("mon 11:00")), POLICY, SLA, Priority.LOW, at("mon 13:00"))
    assert dues(clock, POLICY, SLA, Priority.LOW).first_reply == at("wed 12:00")
    assert dues(clock, POLICY, SLA, Priority.NORMAL).first_reply == at("mon 16:00")


def test_a_priority_without_a_target_has_nothing_due():
    clock = on_customer_mail(fulfil(start(at("mon 10:00"))), OPEN, POLICY, SLA, Priority.LOW, at("mon 11:00"))
    assert dues(clock, POLICY, SLA, Priority.LOW).next_reply is None


CHANGES = [
    ({"first_reply": "1d"}, {}, "tue 10:30"),
    ({"first_reply": "6h"}, {}, "mon 16:30"),
    ({"hours": {"mon": "09:00-11:00", "wed": "09:00-17:00"}}, {}, "wed 12:30"),
    ({"timezone": "UTC"}, {}, "mon 14:30"),  # 10:00 to 18:00 in Warsaw
    ({"holidays": {"extra": ["2026-11-23"]}}, {}, "tue 13:30"),
    ({}, {"hours": None}, "mon 14:30"),
    ({"first_reply": {}}, {}, None),
]


@pytest.mark.parametrize(("policy", "sla", "expected"), CHANGES)
def test_a_policy_changed_while_a_ticket_runs_counts_from_the_start(policy, sla, expected):
    clock = resume(
        stop(start(at("mon 10:00")), at("mon 11:00")), POLICY, SLA, Priority.NORMAL, at("mon 11:30")
    )
    changed = SlaPolicy(**{**PLAN, **policy})
    found = dues(clock, changed, SLA.model_copy(update=sla), Priority.NORMAL).first_reply
    assert found == (expected and at(expected))


def test_a_policy_that_is_gone_or_never_open_has_nothing_due():
    clock = start(at("mon 10:00"))
    assert dues(clock, None, SLA, Priority.NORMAL) == Due()
    never = SlaPolicy(**PLAN, hours={"mon": "09:00-17:00"}, holidays={"extra": MONDAYS})
    assert dues(clock, never, SLA, Priority.NORMAL) == Due()


def test_a_clock_runs_without_a_policy_too():
    stopped = stop(start(at("mon 10:00")), at("mon 11:00"))
    clock = resume(stopped, None, SLA, Priority.NORMAL, at("mon 13:00"))
    assert dues(clock, POLICY, SLA, Priority.NORMAL).first_reply == at("mon 16:00")


def test_a_clock_set_back_takes_nothing_away():
    stopped = stop(start(at("mon 10:00")), at("mon 12:00"))
    clock = resume(stopped, POLICY, SLA, Priority.NORMAL, at("mon 11:00"))
    assert dues(clock, POLICY, SLA, Priority.NORMAL).first_reply == at("mon 14:00")


def test_a_mail_on_a_ticket_that_is_kept_from_opening_is_owed_from_when_it_came():
    stopped = stop(fulfil(start(at("mon 10:00"))), at("mon 11:00"))
    mailed = on_customer_mail(stopped, PENDING, POLICY, SLA, Priority.NORMAL, at("mon 13:00"))
    kept = stop(mailed, at("mon 13:00"))
    assert dues(kept, POLICY, SLA, Priority.NORMAL) == Due()
    opened = resume(kept, POLICY, SLA, Priority.NORMAL, at("mon 15:00"))
    assert dues(opened, POLICY, SLA, Priority.NORMAL) == due(None, "tue 13:00", "thu 14:00")


MERGED = {
    "nothing owed on either": (
        fulfil(start(at("mon 10:00"))),
        fulfil(start(at("mon 11:00"))),
        due(None, None, "thu 10:00"),
    ),
    "owed on the other": (
        fulfil(start(at("mon 10:00"))),
        start(at("mon 11:00")),
        due(None, "mon 17:00", "thu 10:00"),
    ),
    "owed here alone": (
        start(at("mon 10:00")),
        fulfil(start(at("mon 09:00"))),
        due(None, "mon 16:00", "thu 10:00"),
    ),
    "owed on both": (start(at("mon 10:00")), start(at("mon 09:00")), due("mon 13:00", None, "thu 10:00")),
}


@pytest.mark.parametrize(("clock", "other", "expected"), list(MERGED.values()), ids=list(MERGED))
def test_a_reply_owed_on_a_merged_ticket_is_not_forgotten(clock, other, expected):
    assert dues(merge(clock, other), POLICY, SLA, Priority.NORMAL) == expected


def test_a_reply_owed_since_after_the_stop_has_waited_only_since_then():
    pending = stop(fulfil(start(at("mon 10:00"))), at("mon 11:00"))
    merged = merge(pending, start(at("mon 15:00")))
    opened = resume(merged, POLICY, SLA, Priority.NORMAL, at("mon 16:00"))
    assert dues(opened, POLICY, SLA, Priority.NORMAL).next_reply == at("tue 14:00")


def test_the_earliest_of_what_is_due():
    assert story("opened mon 10:00").earliest == at("mon 14:00")
    assert Due().earliest is None


# ── properties ──────────────────────────────────────────────────────────────────────────────────────

MOMENTS = st.integers(0, 14 * 24 * 60).map(lambda minutes: at("mon 00:00") + timedelta(minutes=minutes))
PRIORITIES = st.sampled_from(Priority)
EVENTS = st.lists(
    st.tuples(st.sampled_from(["mail", "reply", "open", "pending", "solved"]), MOMENTS), max_size=12
)


def live(events, priority) -> tuple[Clock, Status]:
    clock, status = Clock(), OPEN
    for what, moment in sorted(events, key=lambda event: event[1]):
        if what == "mail":
            clock = on_customer_mail(clock, status, POLICY, SLA, priority, moment)
            status = OPEN
        elif what == "reply":
            clock, status = stop(on_agent_reply(clock), moment), PENDING
        else:
            status = Status(what)
            clock = on_status(clock, status, POLICY, SLA, priority, moment)
    return clock, status


@settings(max_examples=150, deadline=None)
@given(EVENTS, PRIORITIES)
def test_whatever_happens_what_is_due_is_in_business_hours_and_only_while_open(events, priority):
    clock, status = live(events, priority)
    due = dues(clock, POLICY, SLA, priority)
    hours = business_hours(POLICY, SLA)
    for moment in filter(None, (due.first_reply, due.next_reply, due.solve)):
        assert status is OPEN
        assert hours.is_open(moment) or hours.is_open(moment - timedelta(microseconds=1))
    assert due.first_reply is None or due.next_reply is None


@settings(max_examples=100, deadline=None)
@given(EVENTS, PRIORITIES)
def test_the_store_s_text_keeps_all_of_it(events, priority):
    clock, _ = live(events, priority)
    assert Clock.from_json(clock.to_json()) == clock


@settings(max_examples=100, deadline=None)
@given(PRIORITIES, st.tuples(MOMENTS, MOMENTS, MOMENTS))
def test_a_pause_costs_as_much_business_time_as_it_lasted(priority, moments):
    began, stopped, resumed = sorted(moments)
    hours, clock = business_hours(POLICY, SLA), start(began)
    before = dues(clock, POLICY, SLA, priority).first_reply
    after = dues(
        resume(stop(clock, stopped), POLICY, SLA, priority, resumed), POLICY, SLA, priority
    ).first_reply
    late = before <= stopped
    assert hours.between(before, after) == (timedelta() if late else hours.between(stopped, resumed))
    assert late or hours.between(stopped, before) == hours.between(resumed, after)


@settings(max_examples=50, deadline=None)
@given(EVENTS, PRIORITIES, MOMENTS)
def test_stopping_or_resuming_twice_is_once(events, priority, moment):
    clock, _ = live(events, priority)
    stopped = stop(clock, moment)
    assert stop(stopped, moment + timedelta(hours=1)) == stopped
    running = resume(stopped, POLICY, SLA, priority, moment)
    assert resume(running, POLICY, SLA, priority, moment + timedelta(hours=1)) == running


def test_reads_nothing_and_what_a_later_version_wrote():
    assert Clock.from_json("") == Clock.from_json(None) == Clock.from_json("{}") == Clock()
    assert Clock.from_json('{"replied": true, "mood": "bright"}') == Clock(replied=True)
