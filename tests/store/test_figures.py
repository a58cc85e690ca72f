"""The facts for reports, and what is in force, on both databases."""

from __future__ import annotations

from datetime import timedelta

from tests.store.given import ANNA, HOUR, NOW, do, entry, opened, ticket
from ticketd.decide.deadlines.report import Facts, PromiseFact, ReplyFact
from ticketd.decide.effects import Append, Record, Save
from ticketd.decide.model import Address, Kind, Status
from ticketd.store import Store
from ticketd.store.figures import facts

DAY = timedelta(days=1)
SINCE, UNTIL = NOW - 7 * DAY, NOW + HOUR


def found(store: Store) -> Facts:
    with store.view() as view:
        return facts(view, SINCE, UNTIL)


def test_spam_merged_and_long_solved_tickets_are_left_out(store: Store) -> None:
    old = {"created_at": NOW - 30 * DAY, "updated_at": NOW - 20 * DAY}
    kept = [
        opened(store, id=1, assignee=ANNA),
        opened(store, id=2, status=Status.PENDING, **old),
        opened(store, id=3, status=Status.SOLVED, solved_at=NOW),
    ]
    opened(store, id=4, spam=True)
    opened(store, id=5, merged_into=1)
    opened(store, id=6, status=Status.SOLVED, solved_at=NOW - 20 * DAY, **old)
    tickets = found(store).tickets
    assert [one.number for one in tickets] == kept
    assert [one.assignee for one in tickets] == [ANNA, None, None]
    assert (tickets[2].solved_at, tickets[2].due_at) == (NOW, None)


def test_replies_are_facts_notes_and_customers_mails_are_not(store: Store) -> None:
    number = opened(store)
    anna = Address("Anna@Example.COM")
    do(store, Append(number, entry(Kind.REPLY, anna)), Append(number, entry(Kind.NOTE, anna)))
    do(store, Append(number, entry(Kind.REPLY, anna, at=SINCE - HOUR)))
    assert found(store).replies == (ReplyFact(ANNA, "support", NOW),)


def test_a_promise_counts_once_and_is_broken_if_it_ever_was(store: Store) -> None:
    number = opened(store)

    def tell(after: str, since: str, what: str = "first reply", hours: int = 0) -> None:
        told = Record(number, "sla", "system", since, after, f"{what} was due 2026-11-23T12:00:00Z")
        do(store, told, now=NOW + hours * HOUR / 4)

    tell("warning", "a")
    tell("breach", "a", hours=1)
    tell("late", "a", hours=2)
    tell("kept", "b")
    tell("kept", "c", "solution")
    tell("late", "c", "solution", hours=3)
    do(store, Record(number, "sla", "system", "d", "kept", "something else"))
    assert set(found(store).promises) == {
        PromiseFact("first_reply", "support", NOW + HOUR / 4, kept=False),
        PromiseFact("first_reply", "support", NOW, kept=True),
        PromiseFact("solve", "support", NOW + 3 * HOUR / 4, kept=False),
    }


def test_what_is_in_force_is_news_until_it_is_told(store: Store) -> None:
    with store.begin() as tx:
        assert tx.tell("kind_ of another sort", NOW)
        news = [tx.in_force("kind%", what, NOW) for what in ("a", "a", "b", "a", "a")]
        assert news == [True, False, True, True, False]
        assert tx.told("kind_ of another sort")


def test_running_tickets_are_open_ones_with_a_policy_page_by_page(store: Store) -> None:
    governed = [opened(store, id=number, policy="vip") for number in (1, 2, 3)]
    opened(store, id=4)
    opened(store, id=5, policy="vip", status=Status.PENDING)
    with store.begin() as tx:
        assert [one.id for one in tx.running_tickets()] == governed
        assert [one.id for one in tx.running_tickets(after=1, limit=1)] == [2]


def test_a_saved_ticket_is_a_new_fact(store: Store) -> None:
    number = opened(store)
    do(store, Save(ticket(number, first_replied_at=NOW + HOUR)))
    assert [one.first_replied_at for one in found(store).tickets] == [NOW + HOUR]
