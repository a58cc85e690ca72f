"""The store's part of the promise: killed before and after every commit, it ends the same."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.store.given import ANNA, BOB, NOW, clues, concluded, entry, outgoing, received, ticket
from ticketd.decide.effects import Append, MailKind, Record, Save, Send
from ticketd.decide.model import Message, Outcome
from ticketd.store import Store, hooks

MAILS = 2
FreshUrl = Callable[[], str]


def receive(store: Store) -> None:
    with store.begin("receive") as tx:
        last = tx.mailbox_state("support").last_uid
        fresh = received(*range(last + 1, MAILS + 1))
        tx.receive("support", "INBOX", 7, fresh, NOW)
        tx.set_cursor("support", "INBOX", 7, MAILS)


def take_in(store: Store) -> None:
    with store.begin("look") as tx:
        waiting = tx.waiting("support")
    for mail in waiting:
        with store.begin("take-in") as tx:
            number = tx.context(clues(fingerprint=f"f{mail.uid}"), NOW, mail.ledger_id).next_ticket
            effects = [Save(ticket(number)), Append(number, entry()), Record(number, "opened")]
            told = outgoing(number, ANNA, cause=f"told{mail.uid}")
            ack = outgoing(number, BOB, cause=f"ack{mail.uid}", kind=MailKind.ACKNOWLEDGEMENT)
            end = concluded(Outcome.TICKET, ticket=number)
            tx.apply([*effects, Send(told), Send(ack), end], NOW, mail.ledger_id, Message(f"f{mail.uid}", 1))


def deliver(store: Store, sent: Path) -> None:
    while True:
        with store.begin("claim") as tx:
            rows = tx.claim("support", NOW, limit=1)
        if not rows:
            return
        with store.begin("dot") as tx:
            tx.mark_dot(rows[0], NOW)
        hooks.at("before-submit")
        with sent.open("a") as file:
            file.write(f"{rows[0].message_id}\n")
        hooks.at("after-submit")
        with store.begin("settle") as tx:
            tx.settle(rows[0].id, "sent", NOW, response="250 Ok")


def journey(url: str, sent: Path) -> None:
    """Two mails received, taken in, and told of: from wherever a killed one stopped."""
    store = Store.open(url)
    try:
        with store.hold():
            with store.begin("recover") as tx:
                tx.recover(NOW)
            receive(store)
            take_in(store)
            deliver(store, sent)
    finally:
        store.close()


def killed_at(number: int, work: Callable[[], None]) -> bool:
    """Run ``work`` in a process that is gone at the numbered point; whether it got that far."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 101
    passed = 0

    def reached(point: str) -> None:
        nonlocal passed
        passed += 1
        if passed == number:
            os._exit(101)

    hooks.install(reached)
    status = 102
    try:
        work()
        status = 0
    finally:
        os._exit(status)


def summary(url: str) -> tuple[list[str], ...]:
    store = Store.open(url)
    with store.view() as view:
        tickets = sorted(f"{each['id']} {each['status']}" for each in view.list_tickets("all"))
        for each in view.list_tickets("all"):
            whole = view.ticket(each["id"])
            tickets.append(f"{len(whole['messages'])} {[event['kind'] for event in whole['events']]}")
        ledger = [f"{row['uid']} {row['outcome']}" for row in view.ledger()]
        outbox = [f"{row['message_id']} {row['to']}" for row in view.outbox()]
    store.close()
    return tickets, ledger, sorted(outbox)


@pytest.mark.slow
@pytest.mark.parametrize("first", [1, 2])
def test_killed_at_every_point_it_ends_the_same(fresh_url: FreshUrl, tmp_path: Path, first: int) -> None:
    stride = 2 if fresh_url().startswith("sqlite") else 10  # a sample on PostgreSQL: emptying it takes long
    points = 0
    for number in range(first, 1000, stride):
        points += 1
        url, sent = fresh_url(), tmp_path / f"sent{number}"
        if not killed_at(number, lambda url=url, sent=sent: journey(url, sent)):
            break
        journey(url, sent)
        check(url, sent)
        before = summary(url), sent.read_text()
        journey(url, sent)
        assert (summary(url), sent.read_text()) == before
    assert points * stride >= 40


def check(url: str, sent: Path) -> None:
    """Nothing lost, nothing twice but what was in doubt, no acknowledgement twice."""
    tickets, ledger, outbox = summary(url)
    assert tickets == ["1 open", "2 open", "1 ['opened']", "1 ['opened']"]
    assert ledger == ["1 ticket", "2 ticket"]
    assert len(outbox) == 4
    delivered = sent.read_text().split()
    for cause in ("told1", "told2", "ack1", "ack2"):
        copies = delivered.count(f"<{cause}@example.com>")
        assert copies <= (2 if cause.startswith("told") else 1)
        assert copies >= (1 if cause.startswith("told") else 0)
    assert len(delivered) <= 5
