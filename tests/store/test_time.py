"""What is due by the clock, and what was told already."""

from __future__ import annotations

from datetime import timedelta

from tests.store.given import HOUR, NOW, do, opened, ticket
from ticketd.decide.effects import Save
from ticketd.decide.model import Status
from ticketd.store import Store


def test_snoozes_that_are_over_and_promises_that_are_due(store: Store) -> None:
    opened(store, snoozed_until=NOW, status=Status.PENDING)
    opened(store, snoozed_until=NOW + HOUR, status=Status.PENDING)
    opened(store, first_reply_due_at=NOW + HOUR / 2)
    opened(store, next_reply_due_at=NOW - HOUR)
    opened(store, solve_due_at=NOW - HOUR, status=Status.SOLVED)
    opened(store)
    with store.begin() as tx:
        assert tx.due_tickets(NOW) == [1, 4]
        assert tx.due_tickets(NOW, ahead=HOUR) == [1, 3, 4]
        assert tx.due_tickets(NOW, limit=1) == [1]
        assert tx.due_tickets(NOW, after=1) == [4]


def test_a_merged_ticket_is_never_due(store: Store) -> None:
    opened(store, first_reply_due_at=NOW)
    opened(store)
    do(store, Save(ticket(1, merged_into=2, snoozed_until=NOW, first_reply_due_at=NOW)))
    with store.begin() as tx:
        assert tx.due_tickets(NOW) == []


def test_tickets_gone_quiet(store: Store) -> None:
    opened(store, status=Status.PENDING, updated_at=NOW - HOUR)
    opened(store, status=Status.PENDING, updated_at=NOW)
    opened(store, status=Status.PENDING, updated_at=NOW - HOUR, snoozed_until=NOW + HOUR)
    opened(store, status=Status.PENDING, updated_at=NOW - HOUR, mailbox="sales")
    opened(store, updated_at=NOW - HOUR)
    with store.begin() as tx:
        assert tx.quiet_tickets("support", NOW - HOUR / 2) == [1]


def test_what_is_told_once_is_told(store: Store) -> None:
    with store.begin() as tx:
        assert not tx.told("sla:1:warn")
        assert tx.tell("sla:1:warn", NOW)
    with store.begin() as tx:
        assert tx.told("sla:1:warn")
        assert not tx.tell("sla:1:warn", NOW)


def test_the_admins_are_told_once_a_kind_mailbox_and_hour(store: Store) -> None:
    asked = []
    for minutes, kind, mailbox in (
        (0, "login", "support"),
        (1, "login", "support"),
        (2, "login", "sales"),
        (3, "poll", "support"),
        (59, "login", "support"),
        (60, "login", "support"),
        (61, "login", "support"),
    ):
        with store.begin() as tx:
            asked.append(tx.alert_due(kind, mailbox, NOW + timedelta(minutes=minutes), "refused"))
    assert asked == [True, False, True, True, False, True, False]


def test_a_clock_put_back_does_not_silence_alerts(store: Store) -> None:
    for moment in (NOW + 400 * 24 * HOUR, NOW):
        with store.begin() as tx:
            assert tx.alert_due("login", "support", moment)


def test_troubles_of_the_day_stand_in_status(store: Store) -> None:
    with store.begin() as tx:
        tx.alert_due("login", "support", NOW - 25 * HOUR, "old")
        tx.alert_due("poll", "", NOW, "refused")
    with store.view() as view:
        [trouble] = view.status([], NOW)["troubles"]
    assert trouble == {"kind": "poll", "mailbox": None, "at": "2026-11-23T12:00:00Z", "detail": "refused"}
