"""Reconciling: what the ledger lost comes back, what is from before us does not."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.collect.kit import MAX_SIZE, clock, mail, mailbox, server_of, subjects
from ticketd.collect.poll import Poller
from ticketd.collect.reconcile import reconcile
from ticketd.collect.watched import WatchedConnection

pytestmark = pytest.mark.server


@pytest.fixture
def account(dovecot):
    return dovecot.user()


@pytest.fixture
def source(account):
    with WatchedConnection.connect(server_of(account)) as connection:
        yield connection


def compare(store, source, **options):
    return reconcile(store, mailbox(**options), "INBOX", source, MAX_SIZE, clock)


def poll(store, source, **options):
    return Poller(store, mailbox(**options), "INBOX", MAX_SIZE, clock).poll(source)


def test_a_ledger_that_is_whole_differs_in_nothing(store, account, source):
    account.deliver(mail(1))
    poll(store, source)
    account.deliver(mail(2))
    poll(store, source)
    found = compare(store, source)
    assert not found.differed
    assert (found.on_server, found.in_ledger, found.new) == (2, 1, 0)


def test_mail_that_the_cursor_passed_by_is_fetched_and_what_was_before_us_is_not(store, account, source):
    account.deliver(mail(1))
    poll(store, source)
    account.deliver(mail(2), mail(3))
    with store.begin() as tx:  # as a restored database would have it
        state = tx.mailbox_state("support")
        tx.set_cursor("support", "INBOX", state.uidvalidity, 3)
    found = compare(store, source)
    assert found.missing == (2, 3)
    assert found.fetched == 2
    assert found.as_json()["missing"] == [2, 3]
    assert subjects(store) == ["Question 2", "Question 3"]
    assert not compare(store, source).differed


def test_old_mail_that_comes_back_is_late(store, account, source):
    poll(store, source, import_since="all")
    with account.client() as client:
        client.append("INBOX", mail(1), msg_time=datetime.now(UTC) - timedelta(days=30))
    with store.begin() as tx:
        tx.set_cursor("support", "INBOX", tx.mailbox_state("support").uidvalidity, 1)
    assert compare(store, source, import_since="all").fetched == 1
    with store.begin() as tx:
        assert [one.late for one in tx.waiting("support", 10)] == [True]


def test_mail_that_was_not_polled_yet_is_new_and_no_difference(store, account, source):
    poll(store, source)
    account.deliver(mail(1))
    found = compare(store, source)
    assert (found.new, found.differed) == (1, False)
    assert subjects(store) == ["Question 1"]


def test_mail_that_somebody_deleted_is_counted_as_gone(store, account, source):
    poll(store, source)
    account.deliver(mail(1))
    poll(store, source)
    with account.client() as client:
        client.select_folder("INBOX")
        client.delete_messages([1])
        client.expunge([1])
    found = compare(store, source)
    assert (found.gone, found.differed) == (1, False)
