"""Several writers at once: no conflict, no gap, nothing twice."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.store.given import ANNA, JANE, NOW, clues, concluded, do, entry, opened, outgoing, take, ticket
from ticketd.decide.effects import Append, Record, Save, Send
from ticketd.decide.model import Message, Outcome, Status
from ticketd.store import Store

WRITERS = 4


def together(*works: Callable[[], object]) -> None:
    """Run all at once; raise what any of them raised."""
    start = threading.Barrier(len(works))

    def run(work: Callable[[], object]) -> None:
        start.wait()
        work()

    with ThreadPoolExecutor(len(works)) as pool:
        for running in [pool.submit(run, work) for work in works]:
            running.result()


@pytest.fixture
def stores(store: Store, url: str) -> list[Store]:
    """Four ways into one database: two in one process's store, two as other processes have it."""
    others = [Store.open(url), Store.open(url)]
    yield [store, store, *others]  # type: ignore[misc]
    for other in others:
        other.close()


def take_in(store: Store, item: int, fingerprint: str) -> None:
    """One mail becomes a ticket, unless it is known."""
    with store.begin("take-in") as tx:
        context = tx.context(clues(fingerprint=fingerprint, author=JANE.key), NOW, item)
        mail = Message(fingerprint, 1)
        if context.known:
            tx.apply([concluded(Outcome.DUPLICATE, ticket=context.known.ticket)], NOW, item, mail)
            return
        number = context.next_ticket
        effects = [Save(ticket(number)), Append(number, entry()), Record(number, "opened")]
        sent = outgoing(number, cause=f"n{number}")
        tx.apply([*effects, Send(sent), concluded(Outcome.TICKET, ticket=number)], NOW, item, mail)


def test_four_writers_open_tickets_without_gap_or_conflict(stores: list[Store]) -> None:
    items = [take(stores[0], *range(10), mailbox=f"box{number}") for number in range(WRITERS)]

    def work(number: int) -> None:
        for item in items[number]:
            take_in(stores[number], item, f"f{item}")

    together(*(lambda number=number: work(number) for number in range(WRITERS)))
    with stores[0].view() as view:
        assert sorted(each["id"] for each in view.list_tickets("all")) == list(range(1, 41))
        assert len(view.outbox()) == 40
        assert {row["outcome"] for row in view.ledger()} == {"ticket"}


def test_the_same_mail_in_four_mailboxes_is_one_ticket(stores: list[Store]) -> None:
    items = [take(stores[0], *range(5), mailbox=f"box{number}") for number in range(WRITERS)]

    def work(number: int) -> None:
        for uid, item in enumerate(items[number]):
            take_in(stores[number], item, f"f{uid}")

    together(*(lambda number=number: work(number) for number in range(WRITERS)))
    with stores[0].view() as view:
        assert len(view.list_tickets("all")) == 5
        outcomes = [row["outcome"] for row in view.ledger()]
    assert (outcomes.count("ticket"), outcomes.count("duplicate")) == (5, 15)


def test_every_mail_is_claimed_by_one(stores: list[Store]) -> None:
    opened(stores[0])
    do(stores[0], *(Send(outgoing(1, cause=f"c{number}")) for number in range(40)))
    claimed: list[int] = []

    def work(store: Store) -> None:
        for _ in range(10):
            with store.begin("claim") as tx:
                rows = tx.claim("support", NOW, limit=3)
            claimed.extend(row.id for row in rows)

    together(*(lambda store=store: work(store) for store in stores))
    assert sorted(claimed) == list(range(1, 41))


def test_mail_command_line_and_clock_lose_no_change(stores: list[Store]) -> None:
    opened(stores[0])

    def work(number: int) -> None:
        for _ in range(10):
            with stores[number].begin() as tx:
                history = tx.context(clues(tickets=(1,)), NOW).tickets[1]
                tags = (*history.ticket.tags, f"t{number}")
                tx.apply([Save(ticket(1, tags=tags, status=Status.OPEN)), Record(1, "tag", ANNA)], NOW)

    together(*(lambda number=number: work(number) for number in range(WRITERS)))
    with stores[0].view() as view:
        assert len(view.ticket(1)["tags"]) == 40


def test_receiving_the_same_uids_at_once_keeps_each_once(stores: list[Store]) -> None:
    together(*(lambda store=store: take(store, *range(1, 21)) for store in stores))
    with stores[0].view() as view:
        assert [row["uid"] for row in view.ledger()] == list(range(1, 21))


def test_two_mailboxes_are_made_at_once(stores: list[Store]) -> None:
    def work(store: Store) -> None:
        with store.begin() as tx:
            tx.mailbox_state("support")
            tx.poll_succeeded("support", NOW)

    together(*(lambda store=store: work(store) for store in stores))
    with stores[0].begin() as tx:
        assert tx.mailbox_state("support").last_poll_at == NOW
