"""Status: degraded is what somebody must look at, not daily business."""

from __future__ import annotations

from tests.store.given import ANNA, HOUR, JANE, NOW, concluded, do, opened, outgoing, take
from ticketd.decide.effects import MailKind, Send
from ticketd.decide.model import Outcome
from ticketd.store import Store


def status(store: Store, now: object = NOW) -> dict[str, object]:
    with store.view() as view:
        return view.status(["support", "sales"], now)  # type: ignore[arg-type]


def test_a_new_desk_is_healthy(store: Store) -> None:
    shown = status(store)
    assert shown["healthy"] is True
    assert [box["name"] for box in shown["mailboxes"]] == ["support", "sales"]  # type: ignore[attr-defined]
    assert shown["outbox"] == {
        "waiting": 0, "unsure": 0, "failed": 0, "oldest_at": None, "late": 0, "leased": 0,
    }  # fmt: skip


def test_status_counts_the_ledger_and_the_lag(store: Store) -> None:
    first, _ = take(store, 1, 2)
    do(store, concluded(Outcome.TICKET, ticket=None), ledger_id=first)
    box = status(store, NOW + HOUR)["mailboxes"][0]  # type: ignore[index]
    assert (box["ledger"]["ticket"], box["ledger"]["received"], box["lag"]) == (1, 1, 3600)


def test_a_failed_poll_degrades_and_a_good_one_heals(store: Store) -> None:
    with store.begin() as tx:
        tx.poll_failed("support", "The server is away.", NOW)
    assert status(store)["healthy"] is False
    with store.begin() as tx:
        tx.poll_succeeded("support", NOW)
    assert status(store)["healthy"] is True
    assert status(store)["mailboxes"][0]["last_poll_at"] == "2026-11-23T12:00:00Z"  # type: ignore[index]


def test_a_held_account_degrades(store: Store) -> None:
    with store.begin() as tx:
        tx.hold_account("support", NOW + HOUR, "535")
    assert status(store)["healthy"] is False
    assert status(store, NOW + HOUR)["healthy"] is True


def test_mail_that_cannot_be_sent_for_an_hour_degrades(store: Store) -> None:
    opened(store)
    do(store, Send(outgoing(1)))
    assert status(store, NOW + 2 * HOUR)["healthy"] is True  # nobody tried: no daemon runs
    with store.begin() as tx:
        [row] = tx.claim("support", NOW)
        tx.settle(row.id, "waiting", NOW, next_attempt_at=NOW, error="450")
    assert status(store, NOW + HOUR / 2)["healthy"] is True
    assert status(store, NOW + 2 * HOUR)["healthy"] is False


def test_a_refused_recipient_is_daily_business_but_an_agents_is_shown(store: Store) -> None:
    opened(store)
    do(store, Send(outgoing(1, JANE.address, kind=MailKind.REPLY)), Send(outgoing(1, cause="n")))
    with store.begin() as tx:
        for row in tx.claim("support", NOW):
            tx.settle(row.id, "failed", NOW, error="550 no such user")
    shown = status(store)
    assert shown["healthy"] is True
    assert shown["outbox"]["failed"] == 2  # type: ignore[index]
    assert [failure["to"] for failure in shown["failures"]] == [ANNA]  # type: ignore[attr-defined]


def test_poison_degrades_but_a_parked_mail_does_not(store: Store) -> None:
    first, second = take(store, 1, 2)
    do(store, concluded(Outcome.PARKED, agent=ANNA), ledger_id=first)
    assert status(store)["healthy"] is True
    for _ in range(3):
        with store.begin() as tx:
            tx.strike(second, "ValueError: odd", NOW)
    shown = status(store)
    assert shown["healthy"] is False
    assert shown["quarantine"] == {"count": 2, "oldest_at": "2026-11-23T12:00:00Z", "poison": 1}
