"""One pass over a folder of a real Dovecot: nothing missed, nothing twice, whatever happens to the folder."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.collect.kit import (
    MAX_SIZE,
    clock,
    conclude_all,
    mail,
    mailbox,
    outcomes,
    renumber,
    server_of,
    subject_of,
    subjects,
)
from ticketd.collect.folder import BATCH, Reading
from ticketd.collect.poll import Poller
from ticketd.collect.tidy import Tidier
from ticketd.collect.watched import WatchedConnection
from ticketd.errors import Unavailable
from ticketd.wire import FolderMissing, Refused

pytestmark = pytest.mark.server


@pytest.fixture
def account(dovecot):
    return dovecot.user()


@pytest.fixture
def source(account):
    with WatchedConnection.connect(server_of(account)) as connection:
        yield connection


def poller_of(store, *, folder="INBOX", **options):
    between = options.pop("between", lambda: True)
    has_room = options.pop("has_room", lambda: True)
    box = mailbox(**options)
    return Poller(store, box, folder, MAX_SIZE, clock, between=between, has_room=has_room)


def test_the_first_connection_takes_only_what_comes_from_then_on(store, account, source):
    account.deliver(mail(1), mail(2))
    poller = poller_of(store)
    assert poller.poll(source).received == 0
    account.deliver(mail(3))
    assert poller.poll(source).received == 1
    assert subjects(store) == ["Question 3"]


def test_import_since_all_takes_everything_once(store, account, source):
    account.deliver(*(mail(n) for n in range(BATCH + 7)))
    assert poller_of(store, import_since="all").poll(source).received == BATCH + 7
    assert poller_of(store, import_since="all").poll(source).received == 0
    assert len(subjects(store)) == BATCH + 7


def test_import_since_a_date_goes_by_internaldate(store, account, source):
    with account.client() as client:
        for number, days in ((1, 40), (2, 3), (3, 40), (4, 0)):
            client.append("INBOX", mail(number), msg_time=datetime.now(UTC) - timedelta(days=days))
    poller = poller_of(store, import_since="14d")
    poller.poll(source)
    assert subjects(store) == ["Question 2", "Question 4"]
    with account.client() as client:  # an old mail dragged in later is fetched like any other
        client.append("INBOX", mail(5), msg_time=datetime.now(UTC) - timedelta(days=400))
    poller.poll(source)
    assert subjects(store)[-1] == "Question 5"


def test_old_mail_of_a_first_import_is_late_and_new_mail_is_not(store, account, source):
    with account.client() as client:
        client.append("INBOX", mail(1), msg_time=datetime.now(UTC) - timedelta(days=40))
    account.deliver(mail(2))
    poller = poller_of(store, import_since="all")
    poller.poll(source)
    account.deliver(mail(3))
    poller.poll(source)
    with store.begin() as tx:
        assert [one.late for one in tx.waiting("support", 10)] == [True, False, False]


def test_old_mail_is_late_however_it_comes(store, account, source):
    """Dragged in from another folder, or left lying: not by where its UID stands, nor by our last poll."""
    poller = poller_of(store)
    poller.poll(source)
    with account.client() as client:
        client.create_folder("Before")
        client.append("Before", mail(1), msg_time=datetime.now(UTC) - timedelta(days=400))
        client.append("INBOX", mail(2), msg_time=datetime.now(UTC) - timedelta(days=10))
        client.select_folder("Before")
        client.move([1], "INBOX")
        client.append("INBOX", mail(3), msg_time=datetime.now(UTC) - timedelta(days=6))
    with store.begin() as tx:
        tx.poll_succeeded("support", clock() - timedelta(days=11))
    poller.poll(source)
    with store.begin() as tx:
        late = {subject_of(one.head): one.late for one in tx.waiting("support", 10)}
    assert late == {"Question 1": True, "Question 2": True, "Question 3": False}
    assert state_of(store).old_mails == 2


def test_mail_that_somebody_read_is_fetched_and_stays_as_it_is(store, account, source):
    poller = poller_of(store)
    poller.poll(source)
    account.deliver(mail(1), mail(2))
    with account.client() as client:
        client.select_folder("INBOX")
        client.add_flags([1], [rb"\Seen"])
    poller.poll(source)
    assert len(subjects(store)) == 2
    assert list(account.flags().values()) == [{rb"\Seen"}, set()]


def test_an_idle_poll_is_one_round_trip(store, account, source, monkeypatch):
    poller = poller_of(store)
    poller.poll(source)
    monkeypatch.setattr(source, "select", None)  # would raise
    monkeypatch.setattr(source, "uids_after", None)
    assert poller.poll(source).received == 0


def test_looking_finds_nothing_more_than_status_saw(store, account, source):
    poller = poller_of(store)
    poller.poll(source)
    account.deliver(mail(1))
    assert poller.poll(source, look=True).received == 1
    assert poller.poll(source, look=True).received == 0


def test_a_renumbered_folder_is_read_again_and_nothing_comes_twice(store, dovecot, account, source):
    with account.client() as client:
        client.append("INBOX", mail(1), msg_time=datetime.now(UTC) - timedelta(minutes=1))
    poller = poller_of(store)
    poller.poll(source)
    account.deliver(mail(2), mail(3))
    poller.poll(source)
    conclude_all(store)
    renumber(dovecot, account)
    account.deliver(mail(4))
    with WatchedConnection.connect(server_of(account)) as fresh:
        passed = poller.poll(fresh)
    assert passed.rescanned
    assert subjects(store) == ["Question 4"]
    assert len(outcomes(store)) == 3


def test_a_renumbered_folder_is_read_whole_even_when_the_reading_is_cut_short(
    store, dovecot, account, source
):
    poller_of(store).poll(source)
    account.deliver(*(mail(n) for n in range(BATCH + 5)))
    renumber(dovecot, account)
    with WatchedConnection.connect(server_of(account)) as fresh:
        poller_of(store, between=lambda: False).poll(fresh)
        assert len(subjects(store)) == BATCH
        poller_of(store).poll(fresh)
    assert len(subjects(store)) == len(set(subjects(store))) == BATCH + 5


def test_two_copies_in_a_renumbered_folder_keep_two_rows(store, dovecot, account, source):
    poller = poller_of(store)
    poller.poll(source)
    account.deliver(mail(1), mail(1))
    poller.poll(source)
    renumber(dovecot, account)
    with WatchedConnection.connect(server_of(account)) as fresh:
        poller.poll(fresh)
    assert len(outcomes(store)) == 2


def test_another_folder_in_the_config_is_matched_by_content(store, account, source):
    poller_of(store).poll(source)
    account.deliver(mail(1))
    poller_of(store).poll(source)
    account.deliver(mail(1), mail(2), folder="Support")
    poller_of(store, folder="Support").poll(source)
    assert sorted(subjects(store)) == ["Question 1", "Question 2"]


def test_a_mail_above_the_limit_comes_as_headers_and_is_not_complete(store, account, source):
    poller = poller_of(store, after_ingest="delete")
    poller.poll(source)
    account.deliver(mail(1, "x" * 70 + "\r\n" + ("y" * 78 + "\r\n") * 4000))
    poller.poll(source)
    with store.begin() as tx:
        (waiting,) = tx.waiting("support", 10)
        kept = tx.mail(waiting.ledger_id)
    assert not kept.complete
    assert b"yyyy" not in kept.content
    conclude_all(store)
    assert Tidier(store, mailbox(after_ingest="delete"), "INBOX").tidy(source, clock()) == 0
    assert len(account.mails()) == 1


def test_a_mail_that_vanishes_between_search_and_fetch_is_noted(store, account, source, monkeypatch):
    poller = poller_of(store)
    poller.poll(source)
    account.deliver(mail(1), mail(2))
    listed = source.uids_after

    def then_expunge(last_uid, upto=None):
        uids = listed(last_uid, upto)
        with account.client() as client:
            client.select_folder("INBOX")
            client.delete_messages([1])
            client.expunge([1])
        return uids

    monkeypatch.setattr(source, "uids_after", then_expunge)
    passed = poller.poll(source)
    assert (passed.received, passed.vanished) == (1, 1)
    assert sorted(outcomes(store)) == [(1, "ignored"), (2, "received")]


def test_a_refused_mail_holds_nothing_up_and_is_quarantined_at_the_fifth_poll(
    store, account, source, monkeypatch
):
    poller = poller_of(store)
    poller.poll(source)
    account.deliver(mail(1), mail(2), mail(3))
    ask = source._fetch

    def refuse_the_second(uids, items):
        if 2 in uids and any(item.startswith("BODY") for item in items):
            raise Refused("no, not that one")
        return ask(uids, items)

    monkeypatch.setattr(source, "_fetch", refuse_the_second)
    assert [poller.poll(source).received for _ in range(4)] == [2, 0, 0, 0]
    assert sorted(outcomes(store)) == [(1, "received"), (3, "received")]
    account.deliver(mail(4))
    poller.poll(source)
    assert sorted(outcomes(store)) == [(1, "received"), (2, "quarantined"), (3, "received"), (4, "received")]
    poller.poll(source)
    monkeypatch.setattr(source, "select", None)
    assert poller.poll(source).refused == 0  # idle again


def test_a_refused_mail_that_is_given_in_the_end_comes_in(store, account, source, monkeypatch):
    poller = poller_of(store)
    poller.poll(source)
    account.deliver(mail(1), mail(2))
    ask, refuse = source._fetch, [True]

    def refuse_the_first(uids, items):
        if refuse[0] and 1 in uids and any(item.startswith("BODY") for item in items):
            raise Refused("later")
        return ask(uids, items)

    monkeypatch.setattr(source, "_fetch", refuse_the_first)
    poller.poll(source)
    refuse[0] = False
    poller.poll(source)
    assert sorted(subjects(store)) == ["Question 1", "Question 2"]


def test_no_room_on_the_disk_leaves_mail_on_the_server(store, account, source):
    room = [True]
    poller = poller_of(store, has_room=lambda: room[0])
    poller.poll(source)
    account.deliver(mail(1))
    room[0] = False
    with pytest.raises(Unavailable, match="disk"):
        poller.poll(source)
    room[0] = True
    assert poller.poll(source).received == 1


def test_a_missing_folder_is_named(store, source):
    with pytest.raises(FolderMissing, match="Nowhere"):
        poller_of(store, folder="Nowhere").poll(source)


def test_status_tells_of_polls_and_of_trouble(store, source):
    poller = poller_of(store)
    poller.poll(source)
    poller.failed("broken")
    with store.begin() as tx:
        assert tx.mailbox_state("support").last_error == "broken"
    poller.poll(source)
    with store.begin() as tx:
        assert tx.mailbox_state("support").last_error is None


@pytest.mark.parametrize("wish", ["keep", "seen", "delete", "move:Archive"])
def test_what_is_taken_in_is_filed_as_wished_and_what_is_set_aside_stays(store, account, source, wish):
    poller = poller_of(store, after_ingest=wish)
    poller.poll(source)
    account.deliver(mail(1), mail(2))
    poller.poll(source)
    tidier = Tidier(store, mailbox(after_ingest=wish), "INBOX")
    assert tidier.tidy(source, clock()) == 0  # nothing is concluded yet
    with store.begin() as tx:
        tx.quarantine(tx.waiting("support", 10)[0].ledger_id, "odd", clock())
    conclude_all(store)
    assert tidier.tidy(source, clock()) == (0 if wish == "keep" else 1)
    assert tidier.tidy(source, clock()) == 0
    assert len(account.mails()) == (1 if wish in ("delete", "move:Archive") else 2)
    assert len(account.mails("Archive")) == (1 if wish == "move:Archive" else 0)
    seen = [uid for uid, flags in account.flags().items() if rb"\Seen" in flags]
    assert seen == ([2] if wish == "seen" else [])


def test_a_move_that_fails_changes_nothing_else(store, account, source):
    poller = poller_of(store)
    poller.poll(source)
    account.deliver(mail(1))
    poller.poll(source)
    conclude_all(store)
    tidier = Tidier(store, mailbox(after_ingest="move:No/Such/Place"), "INBOX")
    try:
        assert tidier.tidy(source, clock()) == 0
    except FolderMissing:
        pytest.fail("a missing target folder must not stop the mailbox")
    assert len(account.mails()) == 1


def test_a_reading_that_was_cut_short_says_how_much_is_left(store, account, source):
    account.deliver(*(mail(n) for n in range(BATCH + 5)))
    poller_of(store, import_since="all", between=lambda: False).poll(source)
    assert state_of(store).to_fetch == 5
    poller_of(store, import_since="all").poll(source)
    assert state_of(store).to_fetch == 0


def test_how_much_is_left_is_known_where_the_cursor_does_not_move(store, account, source):
    account.deliver(*(mail(n) for n in range(BATCH + 5)))
    poller_of(store).poll(source)
    state = state_of(store)
    assert state.last_uid == BATCH + 5
    reading = Reading(store, state, "INBOX", MAX_SIZE, clock)
    assert not reading.receive(source, range(1, BATCH + 6), lambda: False)
    assert (state_of(store).last_uid, state_of(store).to_fetch) == (BATCH + 5, 5)


def test_old_mail_is_counted_where_it_is_met(store, account, source):
    with account.client() as client:
        for number in range(3):
            client.append("INBOX", mail(number), msg_time=datetime.now(UTC) - timedelta(days=40))
    account.deliver(mail(3))
    poller_of(store, import_since="all").poll(source)
    assert state_of(store).old_mails == 3


def state_of(store):
    with store.begin() as tx:
        return tx.mailbox_state("support")
