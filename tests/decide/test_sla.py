"""Which policy a ticket gets, and what is told of it: once, whatever the clock does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketd.decide.deadlines.clock import Due
from ticketd.decide.deadlines.sla import (
    due_notices,
    dues,
    dues_on_open,
    escalate_to,
    explain_policy,
    longest_warning,
    match_policy,
    policy_named,
    problems,
    raised,
    resume,
    start,
    stop,
    warn_before,
)
from ticketd.decide.model import Channel, Priority, Status, Ticket
from ticketd.decide.policy import Sla, SlaPolicy

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def sla(*matches, **shared) -> Sla:
    policies = tuple(SlaPolicy(name=f"p{number}", match=match) for number, match in enumerate(matches, 1))
    return Sla(policies=policies, **shared)


JANE = {
    "mailbox": "support",
    "channel": Channel.EMAIL,
    "address": "Jane@Big.example.com",
    "recipients": ("Help@example.com", "sales@example.com"),
    "subject": "Printer on FIRE again",
    "tags": ("refund",),
}


@pytest.mark.parametrize(
    ("match", "holds"),
    [
        ({}, True),
        ({"mailbox": "support"}, True),
        ({"mailbox": "sales"}, False),
        ({"channel": "email"}, True),
        ({"channel": "chat"}, False),
        ({"address": "jane@BIG.example.com"}, True),
        ({"address": "bob@big.example.com"}, False),
        ({"domain": "BIG.example.com"}, True),
        ({"domain": "example.com"}, False),  # a domain is itself alone, not what lies under it
        ({"domain": "ig.example.com"}, False),
        ({"recipient": "help@example.com"}, True),
        ({"recipient": "jane@big.example.com"}, False),
        ({"subject": "on fire"}, True),
        ({"subject": "^on fire"}, False),
        ({"subject": "fire|flood"}, True),
        ({"subject": "(?x) on \\s fire"}, True),
        ({"tag": "Refund"}, True),
        ({"tag": "fund"}, False),
        ({"mailbox": "support", "domain": "big.example.com", "subject": "^printer"}, True),
        ({"mailbox": "support", "domain": "other.example.com", "subject": "^printer"}, False),
    ],
)
def test_every_key_given_must_hold(match, holds):
    assert (match_policy(sla(match), **JANE) is not None) is holds


def test_the_first_match_wins():
    promises = sla({"domain": "other.example.com"}, {"mailbox": "support"}, {})
    assert match_policy(promises, **JANE).name == "p2"
    assert match_policy(promises, mailbox="sales").name == "p3"
    assert match_policy(sla(), **JANE) is None


def test_domains_outside_ascii_are_compared_as_they_stand_on_the_wire():
    assert match_policy(sla({"domain": "bücher.example"}), mailbox=None, address="a@xn--bcher-kva.example")
    assert match_policy(sla({"domain": "xn--bcher-kva.example"}), mailbox=None, address="a@BÜCHER.example")


def test_an_unknown_requester_matches_no_address_and_no_domain():
    for match in ({"address": "jane@example.com"}, {"domain": "example.com"}):
        assert match_policy(sla(match), mailbox="support", address=None) is None


def test_only_the_beginning_of_a_long_subject_is_searched():
    assert match_policy(sla({"subject": "fire"}), mailbox=None, subject="x" * 5000 + " fire") is None


def test_explains_each_policy_in_turn():
    promises = Sla(
        policies=(
            SlaPolicy(name="vip", match={"channel": "chat", "tag": "gold"}, first_reply="1h"),
            SlaPolicy(name="all", priority="low", first_reply="1d", next_reply={"low": "4h", "urgent": "9m"}),
            SlaPolicy(name="never"),
        )
    )
    assert explain_policy(promises, mailbox="support", address="a@example.com") == (
        "vip: no, channel is not 'chat' and tag is not 'gold'",
        "all: applies. priority low, first reply in 1 business day, next reply in 4 h (low) / 9 min (urgent)",
    )
    assert explain_policy(sla(), mailbox="support") == ("no policy applies: nothing is due",)


@settings(max_examples=50, deadline=None)
@given(
    st.sampled_from([{}, {"tag": "refund"}, {"domain": "example.com"}, {"subject": "x"}]),
    st.text("abcx^ ", max_size=9),
)
def test_what_is_explained_is_what_is_matched(match, subject):
    promises = sla({"mailbox": "sales"}, match)
    found = match_policy(promises, mailbox="support", address="a@example.com", subject=subject)
    said = explain_policy(promises, mailbox="support", address="a@example.com", subject=subject)
    assert said[-1].startswith("p2: applies" if found else "no policy applies")


def test_a_policy_s_own_warning_and_escalation_win():
    own = SlaPolicy(name="own", warn_before="2h", escalate_to="boss@example.com")
    plain = SlaPolicy(name="plain")
    shared = Sla(warn_before="1h", escalate_to="lead@example.com", policies=(own, plain))
    assert (warn_before(own, shared), escalate_to(own, shared)) == (2 * HOUR, "boss@example.com")
    assert (warn_before(plain, shared), escalate_to(None, shared)) == (HOUR, "lead@example.com")
    assert longest_warning(shared) == 2 * HOUR
    assert policy_named(shared, "own") is own
    assert policy_named(shared, "gone") is None


def test_priority_is_raised_by_one_and_no_further():
    assert [raised(priority) for priority in (Priority.LOW, Priority.NORMAL, Priority.URGENT)] == [
        Priority.NORMAL,
        Priority.URGENT,
        Priority.URGENT,
    ]


def test_what_is_due_on_a_new_ticket():
    policy = SlaPolicy(name="p", first_reply="1h", next_reply="2h", solve="3h")
    found = dues_on_open(policy, Sla(), Priority.NORMAL, NOON)
    assert found == Due(first_reply=NOON + HOUR, solve=NOON + 3 * HOUR)


def test_tells_the_admin_of_targets_that_no_hours_can_meet():
    mondays = [date(2026, 1, 5) + timedelta(weeks=week) for week in range(52 * 22)]
    never = SlaPolicy(name="bad", hours={"mon": "09:00-17:00"}, holidays={"extra": mondays}, solve="1d")
    promises = Sla(policies=(SlaPolicy(name="good", solve="1d"), never))
    (line,) = problems(promises, NOON)
    assert "'bad', solve" in line


def test_tells_the_admin_once_of_a_country_that_nobody_knows():
    promises = Sla(policies=(SlaPolicy(name="far", first_reply="1h", holidays={"country": "XX"}),))
    (line,) = problems(promises, NOON)
    assert "'far'" in line
    assert "XX" in line


# ── warnings and breaches ───────────────────────────────────────────────────────────────────────────

POLICY = SlaPolicy(
    name="p", first_reply={"low": "8h", "normal": "4h", "urgent": "1h"}, next_reply="2h", solve="1d"
)
PROMISES = Sla(warn_before="30m", policies=(POLICY,))


def running(clock, **fields) -> Ticket:
    """The ticket as the store has it: its due times are those of the clock."""
    ticket = Ticket(id=42, subject="Printer", mailbox="support", created_at=NOON, updated_at=NOON, **fields)
    due = dues(clock, POLICY, PROMISES, ticket.priority)
    return replace(
        ticket, first_reply_due_at=due.first_reply, next_reply_due_at=due.next_reply, solve_due_at=due.solve
    )


class Desk:
    """Ticks as the daemon does: tells what was not told before, and remembers it."""

    def __init__(self) -> None:
        self.told: set[str] = set()
        self.said: list[tuple[str, str]] = []

    def tick(self, ticket, clock, now) -> list[tuple[str, str]]:
        new = [n for n in due_notices(ticket, clock, POLICY, PROMISES, now) if n.key not in self.told]
        for notice in new:
            self.told |= {notice.key, *notice.settles}
        self.said += [(notice.kind, notice.target) for notice in new]
        return [(notice.kind, notice.target) for notice in new]


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (timedelta(), []),
        (210 * MINUTE - timedelta(seconds=1), []),
        (210 * MINUTE, [("warning", "first_reply")]),
        (4 * HOUR - timedelta(seconds=1), [("warning", "first_reply")]),
        (4 * HOUR, [("breach", "first_reply")]),
        (23 * HOUR + 30 * MINUTE, [("breach", "first_reply"), ("warning", "solve")]),
        (400 * 24 * HOUR, [("breach", "first_reply"), ("breach", "solve")]),
    ],
)
def test_what_is_to_be_told_by_when(after, expected):
    clock = start(NOON)
    assert Desk().tick(running(clock), clock, NOON + after) == expected


def test_each_is_told_once_in_a_day_of_ticks_with_restarts_and_a_clock_that_jumps():
    clock, desk = start(NOON), Desk()
    minutes = [*range(230), 5, 100, *range(200, 300), 10, *range(230, 1500, 7), 215, 1600]
    for minute in minutes:
        desk.tick(running(clock), clock, NOON + minute * MINUTE)
    assert desk.said == [
        ("warning", "first_reply"),
        ("breach", "first_reply"),
        ("warning", "solve"),
        ("breach", "solve"),
    ]


def test_a_breach_met_after_a_long_sleep_settles_its_warning():
    clock, desk = start(NOON), Desk()
    assert desk.tick(running(clock), clock, NOON + 5 * HOUR) == [("breach", "first_reply")]
    assert desk.tick(running(clock), clock, NOON + 3.75 * HOUR) == []  # the machine's clock was set back


def test_a_raise_at_the_breach_is_not_a_second_breach():
    clock, desk = start(NOON), Desk()
    for priority in Priority:
        desk.tick(running(clock, priority=priority), clock, NOON + 9 * HOUR)
    assert desk.said == [("breach", "first_reply")]


def test_a_pause_does_not_tell_again():
    clock, desk = start(NOON), Desk()
    desk.tick(running(clock), clock, NOON + 3.75 * HOUR)
    later = resume(stop(clock, NOON + 3.8 * HOUR), POLICY, PROMISES, Priority.NORMAL, NOON + 9 * HOUR)
    assert desk.tick(running(later), later, NOON + 9.1 * HOUR) == []
    assert desk.tick(running(later), later, NOON + 9.2 * HOUR) == [("breach", "first_reply")]


@pytest.mark.parametrize(
    "fields", [{"status": Status.PENDING}, {"status": Status.SOLVED}, {"merged_into": 7}, {"spam": True}]
)
def test_nothing_is_told_of_a_ticket_that_nobody_works(fields):
    clock = start(NOON)
    assert due_notices(running(clock, **fields), clock, POLICY, PROMISES, NOON + 99 * HOUR) == ()


def test_each_wait_and_each_ticket_has_keys_of_its_own():
    first, second = start(NOON), start(NOON + HOUR)
    keys = [
        notice.key
        for clock, number in ((first, 1), (second, 1), (first, 2))
        for notice in due_notices(
            replace(running(clock), id=number), clock, POLICY, PROMISES, NOON + 99 * HOUR
        )
    ]
    assert len(keys) == len(set(keys)) == 6


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 2000), max_size=30))
def test_nothing_is_told_twice_or_forgotten_whenever_the_ticks_come(minutes):
    clock, desk = start(NOON), Desk()
    for minute in [*minutes, 2000]:
        desk.tick(running(clock), clock, NOON + minute * MINUTE)
    assert len(desk.said) == len(set(desk.said))
    assert {("breach", "first_reply"), ("breach", "solve")} <= set(desk.said)
    for target in ("first_reply", "solve"):
        of_target = [kind for kind, what in desk.said if what == target]
        assert of_target in (["breach"], ["warning", "breach"])
