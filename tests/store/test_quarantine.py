"""Strikes, quarantine and release: a bad mail never stops the others, and is never lost."""

from __future__ import annotations

import pytest

from tests.store.given import ANNA, HOUR, NOW, clues, concluded, do, look, outgoing, take, token
from ticketd.decide.effects import Drop, MailKind, Release, Send
from ticketd.decide.model import Outcome, Purpose
from ticketd.errors import NotFound
from ticketd.store import Store

TRACEBACK = "Traceback (most recent call last):\n  …\nValueError: odd\n"


def waiting(store: Store) -> list[int]:
    with store.begin() as tx:
        return [mail.ledger_id for mail in tx.waiting()]


def test_the_third_strike_quarantines_and_the_others_go_on(store: Store) -> None:
    bad, good = take(store, 1, 2)
    counts = []
    for _ in range(3):
        assert waiting(store) == [bad, good]
        with store.begin() as tx:
            counts.append(tx.strike(bad, TRACEBACK, NOW))
    assert counts == [1, 2, 3]
    assert waiting(store) == [good]
    with store.view() as view:
        [row] = view.quarantine()
        assert (row["id"], row["state"], row["reason"]) == (bad, "quarantined", "ValueError: odd")
        assert view.quarantine_item(bad)["traceback"] == TRACEBACK
        assert view.raw_mail(bad).startswith(b"Subject: 1")


def test_a_mail_that_was_taken_in_is_struck_no_more(store: Store) -> None:
    """The process died between the commit and its own note of it."""
    [item] = take(store, 1)
    for _ in range(2):
        with store.begin() as tx:
            tx.strike(item, TRACEBACK, NOW)
    do(store, concluded(Outcome.TICKET, ticket=None), ledger_id=item)
    with store.begin() as tx:
        assert tx.strike(item, TRACEBACK, NOW) == 0
    with store.view() as view:
        assert [row["outcome"] for row in view.ledger()] == ["ticket"]
        assert view.quarantine() == []


def test_an_attempt_is_counted_before_it_is_made(store: Store) -> None:
    [item] = take(store, 1)
    with store.begin() as tx:
        assert tx.count_attempt(item) == 1
    with store.begin() as tx:
        assert tx.count_attempt(item) == 2
        assert tx.mail(item).attempts == 2
        tx.quarantine(item, "it kills us", NOW)
    assert waiting(store) == []


def test_accept_takes_it_in_again_from_the_start(store: Store) -> None:
    [item] = take(store, 1)
    for _ in range(3):
        with store.begin() as tx:
            tx.strike(item, TRACEBACK, NOW)
    with store.begin() as tx:
        tx.quarantine_accept(item)
        assert (tx.mail(item).released, tx.mail(item).attempts) == ("accept", 0)
    assert waiting(store) == [item]


def test_drop_ends_it(store: Store) -> None:
    [item] = take(store, 1)
    do(store, concluded(Outcome.PARKED, agent=ANNA), ledger_id=item)
    with store.begin() as tx:
        tx.quarantine_drop(item)
    with store.view() as view:
        assert view.quarantine() == []
        assert view.ledger()[0]["outcome"] == "ignored"


def test_what_is_not_in_quarantine_is_refused(store: Store) -> None:
    [item] = take(store, 1)
    for act in ("quarantine_accept", "quarantine_drop"):
        with pytest.raises(NotFound), store.begin() as tx:
            getattr(tx, act)(item)
    with store.view() as view, pytest.raises(NotFound):
        view.quarantine_item(item)


@pytest.mark.parametrize("how", ["yes", "note"])
def test_release_takes_a_parked_mail_in_again(store: Store, how: str) -> None:
    [item] = take(store, 1)
    do(store, concluded(Outcome.PARKED, agent=ANNA, reason="not proven"), ledger_id=item)
    assert waiting(store) == []
    do(store, Release(item, how))
    with store.begin() as tx:
        assert tx.mail(item).released == how
    assert waiting(store) == [item]


def test_releasing_twice_or_what_was_dropped_does_nothing(store: Store) -> None:
    [item] = take(store, 1)
    do(store, concluded(Outcome.HELD, agent=ANNA), ledger_id=item)
    do(store, Drop(item))
    do(store, Release(item, "yes"), Drop(item))
    assert waiting(store) == []


def test_an_agent_sees_what_waits_and_whether_it_was_asked(store: Store) -> None:
    first, second = take(store, 1, 2)
    do(store, concluded(Outcome.PARKED, agent=ANNA, reason="not proven"), ledger_id=first)
    do(store, concluded(Outcome.HELD, agent=ANNA, reason="a collision"), ledger_id=second)
    question = token(0, "qqqqqqqq", purpose=Purpose.QUESTION)
    do(store, Send(outgoing(0, cause="ask", kind=MailKind.QUESTION, token=question, items=(first,))))
    context = look(store, author=ANNA)
    assert [(item.item, item.reason, item.state, item.asked) for item in context.waiting] == [
        (first, "not proven", "parked", True),
        (second, "a collision", "held", False),
    ]
    assert look(store, author="bob@example.com").waiting == ()


def test_questions_are_due_for_unasked_parked_mails_once_an_hour(store: Store) -> None:
    first, second = take(store, 1, 2)
    do(store, concluded(Outcome.PARKED, agent=ANNA), ledger_id=first)
    with store.begin() as tx:
        assert [item.item for item in tx.questions_due(NOW)[ANNA]] == [first]
    question = token(0, "qqqqqqqq", purpose=Purpose.QUESTION)
    do(store, Send(outgoing(0, cause="ask", kind=MailKind.QUESTION, token=question, items=(first,))))
    do(store, concluded(Outcome.PARKED, agent=ANNA), ledger_id=second)
    with store.begin() as tx:
        assert tx.questions_due(NOW + HOUR / 2) == {}
        assert [item.item for item in tx.questions_due(NOW + HOUR)[ANNA]] == [second]


def test_a_question_that_is_answered_keeps_none_waiting(store: Store) -> None:
    first, second, third = take(store, 1, 2, 3)
    for item in (first, second):
        do(store, concluded(Outcome.PARKED, agent=ANNA), ledger_id=item)
    question = token(0, "qqqqqqqq", purpose=Purpose.QUESTION)
    do(store, Send(outgoing(0, cause="ask", kind=MailKind.QUESTION, token=question, items=(first, second))))
    do(store, concluded(Outcome.PARKED, agent=ANNA), ledger_id=third)
    do(store, Drop(first))
    with store.begin() as tx:
        assert tx.questions_due(NOW) == {}
    do(store, Release(second, "accept"))
    with store.begin() as tx:
        assert [item.item for item in tx.questions_due(NOW)[ANNA]] == [third]


def test_parked_mails_become_unconfirmed(store: Store) -> None:
    [item] = take(store, 1)
    do(store, concluded(Outcome.PARKED, agent=ANNA), ledger_id=item)
    with store.begin() as tx:
        assert tx.unconfirmed(NOW - HOUR) == []
        assert tx.unconfirmed(NOW) == [item]


def test_a_released_mail_is_no_duplicate_of_its_copies(store: Store) -> None:
    first, copy = take(store, 1, 2)
    with store.begin() as tx:
        tx.context(clues(fingerprint="f"), NOW, first)
        tx.apply([concluded(Outcome.PARKED, agent=ANNA)], NOW, first)
    known = look(store, fingerprint="f", ledger_id=copy).known
    assert known is not None
    with store.begin() as tx:
        tx.context(clues(fingerprint="f"), NOW, copy)
        tx.apply([concluded(Outcome.DUPLICATE)], NOW, copy)
    do(store, Release(first, "yes"))
    assert look(store, fingerprint="f", ledger_id=first).known is None


def test_a_mail_that_nobody_could_read_is_found_by_what_it_calls_itself(store: Store) -> None:
    content = b"Message-ID: <poison@example.org>\r\nSubject: Broken\r\n\r\nx\r\n"
    (struck,) = take(store, 1, content=content)
    for _ in range(3):
        with store.begin() as tx:
            tx.strike(struck, "ValueError: no", NOW)
    with store.view() as view:
        (item,), (row,) = view.quarantine(), view.ledger()
    assert (item["message_id"], item["subject"]) == ("<poison@example.org>", "Broken")
    assert row["message_id"] == "<poison@example.org>"
