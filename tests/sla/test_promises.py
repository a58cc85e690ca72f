"""Journeys of promises: warned, broken, escalated, woken, solved; each told once, whatever the clock does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.journeys.stage import text_of, with_policy

from .kit import LEAD, Desk

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ANNA, BOB, JANE = "anna@example.com", "bob@example.com", "jane@example.org"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.store.close()


def drain(desk: Desk) -> None:
    for address in (ANNA, BOB, JANE, LEAD):
        desk.told(address)


def counts(desk: Desk) -> dict[str, int]:
    return {name: len(desk.told(name)) for name in (ANNA, BOB, JANE, LEAD)}


def test_a_warning_goes_to_all_agents_while_nobody_is_assigned_and_once(desk: Desk) -> None:
    number = desk.jane_writes()
    drain(desk)
    desk.live(29 * MINUTE)
    assert counts(desk) == {ANNA: 0, BOB: 0, JANE: 0, LEAD: 0}
    desk.wait(MINUTE)
    mails = desk.told(ANNA)
    assert len(mails) == 1
    assert "first reply due in 30 min" in text_of(mails[0])
    assert counts(desk) == {ANNA: 0, BOB: 1, JANE: 0, LEAD: 0}
    desk.live(29 * MINUTE)
    assert counts(desk) == {ANNA: 0, BOB: 0, JANE: 0, LEAD: 0}
    assert desk.sla_events(number) == ["warning: first reply"]


def test_a_warning_goes_to_the_assignee_alone(desk: Desk) -> None:
    desk.jane_writes()
    desk.answers("anna", "#take")
    drain(desk)
    desk.live(40 * MINUTE)
    assert counts(desk) == {ANNA: 1, BOB: 0, JANE: 0, LEAD: 0}


def test_a_breach_goes_to_the_lead_alone_and_once(desk: Desk) -> None:
    number = desk.jane_writes()
    desk.live(59 * MINUTE)
    drain(desk)
    desk.wait(MINUTE)
    mails = desk.told(LEAD)
    assert [f"Ticket #{number}: first reply overdue since 10:01" in mail["Subject"] for mail in mails] == [
        True
    ]
    desk.live(HOUR)
    assert counts(desk) == {ANNA: 0, BOB: 0, JANE: 0, LEAD: 0}
    assert desk.sla_events(number) == ["warning: first reply", "breach: first reply"]


def test_a_breach_raises_and_unassigns_where_the_policy_says_so(tmp_path: Path) -> None:
    desk = Desk(tmp_path, on_breach=["raise", "unassign"])
    number = desk.jane_writes()
    desk.answers("anna", "#take")
    desk.wait(2 * HOUR)
    shown = desk.ticket(number)
    assert (shown["priority"], shown["assignee"]) == ("urgent", None)
    desk.answers("bob", "#normal\n#take", id="again")
    desk.live(HOUR, 5 * MINUTE)
    shown = desk.ticket(number)
    assert (shown["priority"], shown["assignee"]) == ("normal", BOB)
    desk.store.close()


def test_nothing_is_told_twice_under_restarts_and_clock_jumps(desk: Desk) -> None:
    number = desk.jane_writes()
    drain(desk)
    for _ in range(35):
        desk.wait(MINUTE)
        desk.restart()
        desk.tick_at(-2 * DAY)
        desk.restart()
    assert counts(desk) == {ANNA: 1, BOB: 1, JANE: 0, LEAD: 0}
    for _ in range(30):
        desk.tick_at(-HOUR)
        desk.wait(MINUTE)
        desk.restart()
    assert counts(desk) == {ANNA: 0, BOB: 0, JANE: 0, LEAD: 1}
    assert desk.sla_events(number) == ["warning: first reply", "breach: first reply"]


def test_a_clock_that_jumps_ahead_and_back_tells_once(desk: Desk) -> None:
    desk.jane_writes()
    drain(desk)
    desk.tick_at(90 * MINUTE)
    assert counts(desk) == {ANNA: 0, BOB: 0, JANE: 0, LEAD: 1}
    desk.live(3 * HOUR, 10 * MINUTE)
    assert counts(desk) == {ANNA: 0, BOB: 0, JANE: 0, LEAD: 0}


def test_a_breach_while_the_daemon_was_down_is_told_without_its_warning(desk: Desk) -> None:
    number = desk.jane_writes()
    drain(desk)
    desk.restart()
    desk.wait(5 * HOUR)
    assert counts(desk) == {ANNA: 0, BOB: 0, JANE: 0, LEAD: 1}
    assert desk.sla_events(number) == ["breach: first reply"]


def test_an_answer_in_time_and_one_too_late_are_on_record(desk: Desk) -> None:
    number = desk.jane_writes()
    desk.answers("anna", "Have you tried water?")
    desk.send(
        "From: jane@example.org\nTo: support@example.com\nSubject: Re: printer\n"
        "Message-ID: <two@example.org>\nIn-Reply-To: {{jane.message_id}}\n\nStill burning.\n"
    )
    desk.now += 3 * HOUR  # nobody looks at the clock meanwhile
    desk.answers("anna", "#solved\n\nMore water.", id="late")
    assert desk.sla_events(number) == ["kept: first reply", "late: next reply", "kept: solution"]


def test_pending_stops_the_clock(desk: Desk) -> None:
    number = desk.jane_writes()
    desk.answers("anna", "Have you tried water?")
    drain(desk)
    desk.wait(7 * DAY)
    assert counts(desk) == {ANNA: 0, BOB: 0, JANE: 0, LEAD: 0}
    assert desk.ticket(number)["due_at"] is None


def test_a_snooze_wakes_once_and_its_agent_is_told(desk: Desk) -> None:
    number = desk.jane_writes()
    desk.answers("anna", "#take\n#snooze 2d")
    drain(desk)
    desk.live(47 * HOUR, HOUR)
    assert desk.ticket(number)["status"] == "pending"
    desk.restart()
    desk.live(2 * HOUR, HOUR)
    assert desk.ticket(number)["status"] == "open"
    woken = [text_of(mail) for mail in desk.told(ANNA) if "The snooze is over" in text_of(mail)]
    assert len(woken) == 1
    desk.tick_at(-3 * DAY)
    desk.live(HOUR, 10 * MINUTE)
    assert not [mail for mail in desk.told(ANNA) if "The snooze is over" in text_of(mail)]
    assert not desk.told(JANE)


def test_a_quiet_pending_ticket_is_solved_and_nobody_is_mailed(desk: Desk) -> None:
    with_policy(desk, auto_solve_after=timedelta(days=14))
    number = desk.jane_writes()
    desk.answers("anna", "Have you tried water?")
    drain(desk)
    desk.live(14 * DAY - HOUR, 6 * HOUR)
    desk.wait(HOUR)
    desk.wait(HOUR)
    assert desk.ticket(number)["status"] == "solved"
    assert counts(desk) == {ANNA: 0, BOB: 0, JANE: 0, LEAD: 0}


def test_a_policy_changed_while_a_ticket_runs_moves_what_is_due(desk: Desk) -> None:
    number = desk.jane_writes()
    assert desk.ticket(number)["first_reply_due_at"] == "2026-11-23T10:01:00Z"
    desk.promise(first_reply="5h")
    desk.restart()
    desk.wait(MINUTE)
    assert desk.ticket(number)["first_reply_due_at"] == "2026-11-23T14:01:00Z"
    drain(desk)
    desk.live(2 * HOUR, 10 * MINUTE)
    assert counts(desk) == {ANNA: 0, BOB: 0, JANE: 0, LEAD: 0}
    desk.promise(first_reply="1h")
    desk.live(HOUR, 10 * MINUTE)
    assert counts(desk) == {ANNA: 0, BOB: 0, JANE: 0, LEAD: 1}
    desk.promise(first_reply="2h")
    desk.live(HOUR, 10 * MINUTE)
    assert counts(desk) == {ANNA: 0, BOB: 0, JANE: 0, LEAD: 0}


def test_a_policy_that_left_the_config_asks_for_nothing(desk: Desk) -> None:
    number = desk.jane_writes()
    desk.promise(policies=[])
    desk.wait(MINUTE)
    assert desk.ticket(number)["due_at"] is None
    drain(desk)
    desk.wait(DAY)
    assert counts(desk) == {ANNA: 0, BOB: 0, JANE: 0, LEAD: 0}
