"""Reports from facts: what counts, and when."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from ticketd.decide.deadlines.report import Facts, PromiseFact, ReplyFact, Step, TicketFact, make_report
from ticketd.decide.deadlines.report_words import headline, tables
from ticketd.decide.model import Priority, Status

UNTIL = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SINCE = UNTIL - 7 * DAY


def ticket(created: datetime = UNTIL - DAY, **fields: Any) -> TicketFact:
    return TicketFact(
        **{"number": 1, "mailbox": "support", "status": Status.OPEN, "created_at": created} | fields
    )


def facts(*tickets: TicketFact, **fields: Any) -> Facts:
    return Facts(SINCE, UNTIL, tickets, **fields)


def test_a_desk_without_anything_has_a_report() -> None:
    report = make_report(facts())
    assert (report.first_reply.count, report.first_reply.median, report.backlog.open) == (0, None, 0)
    assert all(table.aligned for table in tables(report))
    assert headline(report) == "0 opened, 0 solved, 0 replies, 0 open now, 0 breaches"


def test_the_edges_of_the_time_count_once() -> None:
    week = replace(facts(*(ticket(at) for at in (SINCE, UNTIL, SINCE - HOUR))), replies=())
    before = replace(week, since=SINCE - 7 * DAY, until=SINCE)
    assert [make_report(one).total.opened for one in (before, week)] == [1, 1]


def test_days_are_those_of_the_zone() -> None:
    late = ticket(datetime(2026, 11, 20, 23, 30, tzinfo=UTC))
    for zone, day in ((UTC, 20), (ZoneInfo("Europe/Warsaw"), 21)):
        days = {one.day: one.opened for one in make_report(facts(late), zone).by_day}
        assert days[date(2026, 11, day)] == 1
        assert sum(days.values()) == 1


def test_percentile_median_and_mean_of_first_replies() -> None:
    waits = [ticket(first_replied_at=UNTIL - DAY + hours * HOUR) for hours in range(1, 11)]
    times = make_report(facts(*waits)).first_reply
    assert (times.count, times.median, times.mean, times.p90) == (10, 5.5 * 3600, 5.5 * 3600, 9 * 3600)


def test_a_ticket_that_we_opened_by_writing_had_no_wait() -> None:
    assert make_report(facts(ticket(first_replied_at=UNTIL - DAY))).first_reply.count == 0


def test_steps_end_before_their_bound() -> None:
    waits = (15 * 60 - 1, 15 * 60, 3600)
    replied = [ticket(first_replied_at=UNTIL - DAY + timedelta(seconds=wait)) for wait in waits]
    steps = make_report(facts(*replied)).first_reply.distribution[:3]
    assert steps == (Step("under 15 min", 1), Step("15 min to 1 h", 1), Step("1 to 4 h", 1))


def test_the_backlog_is_what_is_not_solved() -> None:
    backlog = make_report(
        facts(
            ticket(priority=Priority.URGENT),
            ticket(assignee="anna@example.com", due_at=UNTIL - HOUR),
            ticket(status=Status.PENDING, created_at=UNTIL - 40 * DAY),
            ticket(status=Status.SOLVED, solved_at=UNTIL - HOUR),
        )
    ).backlog
    assert (backlog.open, backlog.pending, backlog.unassigned) == (2, 1, 1)
    assert (backlog.urgent, backlog.overdue) == (1, 1)
    assert [step.count for step in backlog.by_age] == [0, 2, 0, 0, 0, 1]


def test_an_idle_agent_stands_in_the_report() -> None:
    replies = (ReplyFact("anna@example.com", "support", UNTIL - HOUR),)
    loads = make_report(facts(replies=replies), agents=["bob@example.com"]).agents
    assert [(load.name, load.replies) for load in loads] == [("anna@example.com", 1), ("bob@example.com", 0)]


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(st.integers(-400, 400), st.integers(0, 400), st.sampled_from(Status), st.booleans()),
        max_size=20,
    )
)
def test_the_parts_add_up(drawn: list[tuple[int, int, Status, bool]]) -> None:
    found = [
        ticket(
            UNTIL + begin * HOUR,
            status=status,
            assignee="anna@example.com" if assigned else None,
            first_replied_at=UNTIL + (begin + later) * HOUR,
            solved_at=UNTIL + (begin + later) * HOUR if status is Status.SOLVED else None,
        )
        for begin, later, status, assigned in drawn
    ]
    promises = tuple(
        PromiseFact("solve", "support", one.created_at, kept=one.assignee is None) for one in found
    )
    report = make_report(facts(*found, promises=promises))
    for figure in ("opened", "solved", "replies"):
        whole = getattr(report.total, figure)
        assert sum(getattr(day, figure) for day in report.by_day) == whole
        assert sum(getattr(load, figure) for load in report.mailboxes) == whole
    for times in (report.first_reply, report.solve):
        assert sum(step.count for step in times.distribution) == times.count
    assert sum(step.count for step in report.backlog.by_age) == report.backlog.open + report.backlog.pending
    assert report.sla[2].kept + report.sla[2].breached == report.total.opened
    json.dumps(report.as_json())
