"""The outbox: people first, once each, and what a crash at any moment means."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.store.given import ANNA, BOB, HOUR, JANE, NOW, do, look, opened, outgoing
from ticketd.decide.effects import MailKind, Record, Send
from ticketd.errors import NotFound, TicketdError
from ticketd.store import Claimed, Store

MINUTE = timedelta(minutes=1)


def queue(store: Store, *causes: str, kind: MailKind = MailKind.NOTIFICATION, **fields: object) -> None:
    if look(store).next_ticket == 1:
        opened(store)
    for cause in causes:
        do(store, Send(outgoing(1, cause=cause, kind=kind, **fields)))


def claim(store: Store, now: object = NOW, **options: object) -> list[Claimed]:
    with store.begin() as tx:
        return tx.claim("support", now, **options)  # type: ignore[arg-type]


def states(store: Store) -> list[str]:
    with store.view() as view:
        return [row["state"] for row in view.outbox()]


def test_a_claimed_mail_has_all_that_is_sent(store: Store) -> None:
    queue(store, "a")
    [row] = claim(store)
    assert (row.recipient, row.message_id, row.ticket) == (ANNA, "<a@example.com>", 1)
    assert row.content == b"Subject: x\r\n\r\ntext\r\n"
    assert (row.kind, row.state, row.phase, row.attempts) == (MailKind.NOTIFICATION, "waiting", "", 1)


def test_people_come_before_robots_and_then_the_oldest(store: Store) -> None:
    for kind in (MailKind.ACKNOWLEDGEMENT, MailKind.ALERT, MailKind.NOTIFICATION, MailKind.REPLY):
        queue(store, f"{kind}1", f"{kind}2", kind=kind)
    assert [row.cause for row in claim(store, limit=3)] == ["reply1", "reply2", "notification1"]
    assert [row.cause for row in claim(store, limit=9)] == [
        "notification2",
        "alert1",
        "alert2",
        "acknowledgement1",
        "acknowledgement2",
    ]


def test_the_copies_of_a_reply_share_their_bytes(store: Store) -> None:
    opened(store)
    do(store, Send(outgoing(1, "a@x.test", "b@x.test", kind=MailKind.REPLY)))
    first, second = claim(store)
    assert (first.content, first.message_id) == (second.content, second.message_id)
    assert (first.recipient, second.recipient) == ("a@x.test", "b@x.test")


def test_what_is_claimed_is_not_claimed_again_until_its_lease_ends(store: Store) -> None:
    queue(store, "a")
    claim(store, lease=5 * MINUTE)
    assert claim(store, NOW + 4 * MINUTE) == []
    assert [row.attempts for row in claim(store, NOW + 5 * MINUTE)] == [2]


def test_sent_is_the_end(store: Store) -> None:
    queue(store, "a")
    [row] = claim(store)
    with store.begin() as tx:
        assert tx.mark_dot(row, NOW)
    with store.begin() as tx:
        tx.settle(row.id, "sent", NOW, response="250 2.0.0 Ok", event=Record(1, "sent", detail="to Anna"))
    assert claim(store, NOW + HOUR) == []
    with store.view() as view:
        [shown] = view.outbox()
        assert (shown["state"], shown["next_attempt_at"]) == ("sent", None)
        assert view.ticket(1)["events"][-1]["detail"] == "to Anna"


def test_a_deferred_mail_comes_back_at_its_time(store: Store) -> None:
    queue(store, "a")
    [row] = claim(store)
    with store.begin() as tx:
        tx.settle(row.id, "waiting", NOW, next_attempt_at=NOW + 5 * MINUTE, error="450 later")
    assert claim(store, NOW + 4 * MINUTE) == []
    with store.begin() as tx:
        assert tx.next_due_at(NOW) == NOW + 5 * MINUTE
    [again] = claim(store, NOW + 5 * MINUTE)
    assert (again.attempts, again.last_error) == (2, "450 later")


def test_giving_a_lease_back_takes_the_attempt_back(store: Store) -> None:
    queue(store, "a")
    [row] = claim(store)
    with store.begin() as tx:
        assert row.lease_until
        tx.give_back("support", row.lease_until)
    assert [row.attempts for row in claim(store)] == [1]


def test_a_held_account_sends_nothing_until_then(store: Store) -> None:
    queue(store, "a")
    with store.begin() as tx:
        tx.hold_account("support", NOW + 15 * MINUTE, "535 login refused")
        assert tx.due_mailboxes(NOW) == []
        assert tx.next_due_at(NOW) == NOW + 15 * MINUTE
    assert claim(store) == []
    with store.begin() as tx:
        assert tx.due_mailboxes(NOW + 15 * MINUTE) == ["support"]
        tx.clear_account("support")
        assert tx.due_mailboxes(NOW) == ["support"]
        assert tx.mailbox_state("support").held_reason is None


def test_nothing_to_send_is_never_due(store: Store) -> None:
    with store.begin() as tx:
        assert tx.next_due_at(NOW) is None
        assert tx.due_mailboxes(NOW) == []


@pytest.mark.parametrize("dot", [False, True])
def test_after_a_crash_every_mail_is_due_at_once(store: Store, dot: bool) -> None:
    queue(store, "a")
    [row] = claim(store)
    with store.begin() as tx:
        if dot:
            assert tx.mark_dot(row, NOW)
    with store.begin() as tx:
        assert tx.recover(NOW + MINUTE) == []
    [again] = claim(store, NOW + MINUTE)
    assert (again.state, again.doubts) == (("unsure", 1) if dot else ("waiting", 0))
    assert again.content == row.content


def test_recovering_twice_changes_nothing_more(store: Store) -> None:
    queue(store, "a")
    [row] = claim(store)
    with store.begin() as tx:
        assert tx.mark_dot(row, NOW)
    for _ in range(2):
        with store.begin() as tx:
            assert tx.recover(NOW) == []
    assert claim(store)[0].doubts == 1


def test_an_acknowledgement_in_doubt_is_never_sent_again(store: Store) -> None:
    queue(store, "a", kind=MailKind.ACKNOWLEDGEMENT)
    [row] = claim(store)
    with store.begin() as tx:
        assert tx.mark_dot(row, NOW)
    with store.begin() as tx:
        assert [lost.id for lost in tx.recover(NOW)] == [row.id]
    assert states(store) == ["failed"]


def test_a_mail_in_doubt_twice_is_given_up(store: Store) -> None:
    queue(store, "a", kind=MailKind.REPLY)
    [row] = claim(store)
    with store.begin() as tx:
        tx.settle(row.id, "unsure", NOW, next_attempt_at=NOW, error="no answer after the dot")
    [row] = claim(store)
    assert (row.state, row.doubts) == ("unsure", 1)
    with store.begin() as tx:
        assert tx.mark_dot(row, NOW)
    with store.begin() as tx:
        assert [lost.id for lost in tx.recover(NOW)] == [row.id]
    assert states(store) == ["failed"]


def test_a_second_attempt_begins_before_the_dot(store: Store) -> None:
    queue(store, "a", kind=MailKind.REPLY)
    [row] = claim(store)
    with store.begin() as tx:
        assert tx.mark_dot(row, NOW)
        tx.settle(row.id, "unsure", NOW, next_attempt_at=NOW)
    claim(store)  # and dies before the dot
    with store.begin() as tx:
        assert tx.recover(NOW) == []
    assert states(store) == ["unsure"]


def test_a_clock_put_back_stalls_nothing(store: Store) -> None:
    wrong = NOW + timedelta(days=400)
    queue(store, "a", "b")
    first, second = claim(store, wrong)
    with store.begin() as tx:
        tx.settle(first.id, "waiting", wrong, next_attempt_at=wrong + HOUR)
        tx.hold_account("support", wrong + HOUR, "away")
    assert {row.id for row in claim(store)} == {first.id, second.id}


def test_an_undo_window_is_no_wrong_clock(store: Store) -> None:
    queue(store, "a", not_before=NOW + timedelta(days=3))
    assert claim(store) == []


def test_retry_makes_due_now_and_clears_the_account(store: Store) -> None:
    queue(store, "a")
    [row] = claim(store)
    with store.begin() as tx:
        tx.settle(row.id, "failed", NOW, error="550 no such user")
        tx.hold_account("support", NOW + HOUR, "away")
    with store.begin() as tx:
        tx.outbox_retry(row.id, NOW)
    assert [again.id for again in claim(store)] == [row.id]


def test_retry_and_cancel_refuse_what_is_sent_or_unknown(store: Store) -> None:
    queue(store, "a")
    [row] = claim(store)
    with store.begin() as tx:
        tx.settle(row.id, "sent", NOW)
    for act, arguments in (("outbox_retry", (row.id, NOW)), ("outbox_cancel", (row.id,))):
        with store.begin() as tx, pytest.raises(TicketdError, match="sent"):
            getattr(tx, act)(*arguments)
    with store.begin() as tx, pytest.raises(NotFound):
        tx.outbox_cancel(4711)


def test_a_cancelled_mail_is_not_sent(store: Store) -> None:
    queue(store, "a", author=BOB)
    with store.begin() as tx:
        tx.outbox_cancel(1)
    assert claim(store) == []
    assert states(store) == ["cancelled"]


def test_mailboxes_do_not_touch_each_other(store: Store) -> None:
    queue(store, "a")
    do(store, Send(outgoing(1, JANE.address, cause="b", mailbox="sales")))
    with store.begin() as tx:
        assert tx.due_mailboxes(NOW) == ["sales", "support"]
        assert [row.cause for row in tx.claim("sales", NOW)] == ["b"]


def test_a_lease_that_another_took_over_neither_sends_nor_settles(store: Store) -> None:
    queue(store, "a")
    [mine] = claim(store, lease=MINUTE)
    [theirs] = claim(store, NOW + MINUTE)
    with store.begin() as tx:
        assert not tx.mark_dot(mine, NOW)
        assert not tx.settle(mine.id, "sent", NOW, lease=mine.lease_until)
        assert tx.mark_dot(theirs, NOW)
    assert states(store) == ["waiting"]
    with store.begin() as tx:
        assert tx.settle(theirs.id, "sent", NOW, lease=theirs.lease_until)
        assert not tx.settle(theirs.id, "failed", NOW, lease=theirs.lease_until)
    assert states(store) == ["sent"]


def test_a_lease_that_ended_at_the_dot_is_no_attempt_like_any_other(store: Store) -> None:
    queue(store, "a", "b")
    rows = claim(store, lease=MINUTE)
    with store.begin() as tx:
        tx.mark_dot(rows[0], NOW)
    assert [row.phase for row in claim(store, NOW + MINUTE)] == ["dot", ""]


def test_what_is_given_back_is_not_what_is_in_doubt(store: Store) -> None:
    queue(store, "a", "b", "c")
    lost, undotted, untried = claim(store)
    with store.begin() as tx:
        tx.mark_dot(lost, NOW)
        tx.mark_dot(undotted, NOW)
        tx.unmark_dot(undotted)
        assert lost.lease_until
        tx.give_back("support", lost.lease_until)
    assert [row.id for row in claim(store)] == [undotted.id, untried.id]


def test_what_is_being_sent_cannot_be_cancelled(store: Store) -> None:
    queue(store, "a")
    claim(store)
    with store.begin() as tx, pytest.raises(TicketdError, match="being sent"):
        tx.outbox_cancel(1)
