"""Receiving: nothing lost, nothing twice, whatever numbers the server gives."""

from __future__ import annotations

import pytest

from tests.store.given import HOUR, NOW, received, take
from ticketd.errors import NotFound
from ticketd.store import Received, Store

BIG = 4_294_967_295


def outcomes(store: Store) -> list[tuple[int | None, str]]:
    with store.view() as view:
        return [(row["uid"], row["outcome"]) for row in view.ledger()]


def test_a_mail_is_kept_with_its_bytes_and_its_date(store: Store) -> None:
    raw = bytes(range(256)) * 3
    with store.begin() as tx:
        [ledger_id] = tx.receive("support", "INBOX", BIG, [Received(BIG, NOW - HOUR, 768, raw)], NOW)
    with store.begin() as tx:
        mail = tx.mail(ledger_id)
    assert mail.content == raw
    assert (mail.uid, mail.uidvalidity, mail.internal_date) == (BIG, BIG, NOW - HOUR)
    assert (mail.complete, mail.late, mail.released, mail.attempts) == (True, False, None, 0)


def test_receiving_again_changes_nothing(store: Store) -> None:
    first = take(store, 1, 2, 3)
    assert take(store, 2, 3, 1) == [first[1], first[2], first[0]]
    assert outcomes(store) == [(1, "received"), (2, "received"), (3, "received")]


def test_the_same_bytes_under_two_uids_are_two_rows(store: Store) -> None:
    assert len(set(take(store, 1, 2, content=b"same"))) == 2


def test_a_mail_without_internaldate_counts_from_when_it_was_seen(store: Store) -> None:
    [ledger_id] = take(store, 1, internal_date=None)
    with store.begin() as tx:
        assert tx.mail(ledger_id).internal_date == NOW
        assert tx.waiting("support")[0].internal_date == NOW


def test_a_mail_that_is_none_is_not_found(store: Store) -> None:
    with store.begin() as tx, pytest.raises(NotFound):
        tx.mail(4711)


def test_waiting_gives_heads_in_order_and_only_the_mailbox_asked_for(store: Store) -> None:
    take(store, 1, 2, content=b"%d" + b"x" * 100_000)
    take(store, 9, mailbox="sales")
    with store.begin() as tx:
        heads = tx.waiting("support")
        assert [mail.uid for mail in heads] == [1, 2]
        assert [len(mail.head) for mail in heads] == [65_536, 65_536]
        assert [mail.mailbox for mail in tx.waiting()] == ["sales", "support", "support"]
        assert len(tx.waiting(limit=1)) == 1


def test_a_rolled_back_receipt_leaves_nothing(store: Store) -> None:
    def be_stopped() -> None:
        with store.begin() as tx:
            tx.receive("support", "INBOX", 7, received(1), NOW)
            tx.set_cursor("support", "INBOX", 7, 1)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        be_stopped()
    with store.begin() as tx:
        assert tx.waiting() == []
        assert tx.mailbox_state("support").last_uid == 0


def test_the_cursor_the_floor_and_the_polls_are_remembered(store: Store) -> None:
    with store.begin() as tx:
        assert tx.mailbox_state("support").uidvalidity is None
        tx.set_cursor("support", "INBOX", BIG, 41)
        tx.set_floor("support", BIG, 40, NOW, "now")
        tx.poll_failed("support", "The server is away.", NOW)
    with store.begin() as tx:
        state = tx.mailbox_state("support")
        assert (state.folder, state.uidvalidity, state.last_uid) == ("INBOX", BIG, 41)
        assert (state.floor_uidvalidity, state.floor_uid, state.floor_at) == (BIG, 40, NOW)
        assert (state.imported_from, state.last_error) == ("now", "The server is away.")
        tx.poll_succeeded("support", NOW)
        assert tx.mailbox_state("support").last_error is None


def test_known_uids_within_a_range(store: Store) -> None:
    take(store, 1, 5, 9)
    with store.begin() as tx:
        assert tx.known_uids("support", "INBOX", 7) == {1, 5, 9}
        assert tx.known_uids("support", "INBOX", 7, low=2, high=8) == {5}
        assert tx.known_uids("support", "INBOX", 8) == set()


def test_a_vanished_mail_is_noted_and_not_waited_for(store: Store) -> None:
    with store.begin() as tx:
        tx.note_vanished("support", "INBOX", 7, 3, NOW)
    assert outcomes(store) == [(3, "ignored")]


def test_a_refused_uid_is_given_up_at_the_fifth_poll(store: Store) -> None:
    given_up = []
    for _ in range(5):
        with store.begin() as tx:
            given_up.append(tx.note_refused("support", "INBOX", 7, 3, "NO [LIMIT]", NOW))
    assert given_up == [False] * 4 + [True]
    with store.view() as view:
        [row] = view.quarantine()
        assert (row["state"], row["uid"]) == ("quarantined", 3)
        assert "NO [LIMIT]" in row["reason"]


def rescan(store: Store, validity: int, *mails: tuple[int, bytes]) -> list[int]:
    """What a folder that is numbered anew gives to receive: the UIDs that no row knows."""
    with store.begin() as tx:
        if tx.mailbox_state("support").uidvalidity != validity:
            tx.renew("support", "INBOX", validity, max(uid for uid, _ in mails))
        batch = [Received(uid, NOW, len(raw), raw) for uid, raw in mails]
        unknown = tx.rebind("support", "INBOX", validity, batch)
        tx.receive("support", "INBOX", validity, unknown, NOW)
        tx.set_cursor("support", "INBOX", validity, max(uid for uid, _ in mails))
    return [mail.uid for mail in unknown]


def test_a_folder_numbered_anew_gives_nothing_twice_and_loses_nothing(store: Store) -> None:
    assert rescan(store, 1, (1, b"a"), (2, b"b"), (3, b"b")) == [1, 2, 3]
    assert rescan(store, 2, (1, b"b"), (2, b"new"), (3, b"a"), (4, b"b")) == [2]
    assert len(outcomes(store)) == 4
    with store.begin() as tx:
        assert tx.known_uids("support", "INBOX", 2) == {1, 2, 3, 4}


def test_one_more_copy_than_is_known_is_received(store: Store) -> None:
    rescan(store, 1, (1, b"a"))
    assert rescan(store, 2, (1, b"a"), (2, b"a")) == [2]


def test_an_interrupted_rescan_is_repeated_without_harm(store: Store) -> None:
    rescan(store, 1, (1, b"a"), (2, b"b"))
    assert rescan(store, 2, (1, b"b")) == []
    assert rescan(store, 2, (1, b"b"), (2, b"a")) == []
    assert len(outcomes(store)) == 2


def test_the_old_numbers_again_hide_no_new_mail(store: Store) -> None:
    rescan(store, 1, (1, b"a"), (2, b"b"))
    rescan(store, 2, (1, b"a"))  # b was expunged: its row stays under the old numbers
    assert rescan(store, 1, (1, b"a"), (2, b"c")) == [2]
    assert [uid for uid, _ in outcomes(store)] == [1, None, 2]


def test_renewing_remembers_how_far_to_match(store: Store) -> None:
    with store.begin() as tx:
        tx.set_cursor("support", "INBOX", 1, 50)
        tx.renew("support", "INBOX", 2, 30)
    with store.begin() as tx:
        state = tx.mailbox_state("support")
        assert (state.uidvalidity, state.last_uid, state.rescan_uid) == (2, 0, 30)
