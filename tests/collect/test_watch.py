"""A mailbox's worker: sees mail at once, survives its server, stays out of the others' way."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest

from tests.collect.kit import MAX_SIZE, clock, conclude_all, mail, mailbox, server_of, subjects
from tests.servers.process import wait_until
from tests.servers.proxy import Fault
from ticketd.collect.bell import Bell
from ticketd.collect.poll import Poller
from ticketd.collect.tidy import Tidier
from ticketd.collect.watch import MailboxWorker, Watch

pytestmark = pytest.mark.server


class Running:
    """Starts workers and stops them in the end; keeps what they told."""

    def __init__(self, store):
        self.store, self.workers, self.troubles, self.visits = store, [], [], 0

    def watch(
        self, server, *, folder="INBOX", every=timedelta(seconds=60), idle=True, take_in=None, **options
    ):
        box = mailbox(**options)

        def count() -> int:
            self.visits += 1
            return 0

        return Watch(
            name="support",
            server=lambda: server,
            poller=Poller(self.store, box, folder, MAX_SIZE, clock),
            tidier=Tidier(self.store, box, folder),
            take_in=take_in or count,
            trouble=lambda kind, text: self.troubles.append((kind, text)),
            clock=clock,
            poll_every=every,
            idle=idle,
        )

    def start(self, server, **options):
        worker = MailboxWorker(self.watch(server, **options))
        self.workers.append(worker)
        worker.start()
        return worker

    def stop(self):
        for worker in self.workers:
            worker.ask_to_stop()
        for worker in self.workers:
            worker.join(10)
            assert not worker.is_alive()

    def error(self):
        with self.store.begin() as tx:
            return tx.mailbox_state("support").last_error

    def polled(self):
        with self.store.begin() as tx:
            return tx.mailbox_state("support").last_poll_at is not None


@pytest.fixture
def running(store):
    running = Running(store)
    yield running
    running.stop()


@pytest.fixture
def account(dovecot):
    return dovecot.user()


def test_new_mail_is_seen_within_a_second_of_the_servers_notice(running, account):
    running.start(server_of(account))
    wait_until(running.polled, "the first poll")
    account.deliver(mail(1))
    began = time.monotonic()
    wait_until(lambda: subjects(running.store) == ["Question 1"], "the mail is in the ledger")
    assert time.monotonic() - began < 2  # a second, and the slowness of a busy test machine


def test_without_idle_a_poke_is_what_makes_it_look(running, account):
    worker = running.start(server_of(account), idle=False)
    wait_until(running.polled, "the first poll")
    account.deliver(mail(1))
    worker.poke()
    wait_until(lambda: subjects(running.store) == ["Question 1"], "the mail is in the ledger")


def test_a_poke_wakes_a_worker_in_idle(running, account):
    worker = running.start(server_of(account))
    wait_until(lambda: running.visits == 2, "what was left is taken in, and the first visit")
    worker.poke()
    wait_until(lambda: running.visits >= 3, "the second visit")
    assert worker.progress.kept


def test_a_server_that_drops_the_connection_is_connected_to_again(running, account, proxy):
    port = proxy.to(account.port, Fault("reset", towards="client", after=1500), Fault())
    account.deliver(mail(1))
    running.start(server_of(account, port), import_since="all")
    wait_until(lambda: subjects(running.store) == ["Question 1"], "the mail is in the ledger")


def test_a_server_that_is_away_is_told_of_once_and_forgotten_when_it_is_back(running, account, proxy):
    port = proxy.to(account.port, Fault("refuse"), Fault("refuse"), Fault())
    running.start(server_of(account, port))
    wait_until(lambda: running.error() is not None, "the trouble shows in status")
    wait_until(running.polled, "the mailbox works again")
    assert running.error() is None
    assert running.troubles == []


def test_a_refused_login_is_told_to_the_admins_once_and_not_tried_again_soon(running, account, dovecot):
    server = server_of(account)
    object.__setattr__(server, "password", lambda: "wrong")
    worker = running.start(server)
    wait_until(lambda: running.troubles, "the admins are told")
    assert [kind for kind, _ in running.troubles] == ["login"]
    assert "login" in running.error()
    wait_until(lambda: worker.progress.left > 300, "it pauses for a minute")
    assert len(running.troubles) == 1


def test_a_missing_folder_is_told_to_the_admins(running, account):
    running.start(server_of(account), folder="Nowhere")
    wait_until(lambda: running.troubles, "the admins are told")
    assert "Nowhere" in running.troubles[0][1]


def test_mail_that_cannot_be_filed_is_told_once_and_shows_until_it_can(running, account):
    account.deliver(mail(1))

    def take_in() -> int:
        conclude_all(running.store)
        return 1

    wish = {"import_since": "all", "after_ingest": "move:Done"}
    watch = running.watch(server_of(account), take_in=take_in, **wish)
    assert "Done" in str(watch.visit_once())
    assert "Mails cannot be filed" in running.error()
    assert "Done" in str(watch.visit_once())
    assert "Mails cannot be filed" in running.error(), "a poll that succeeds does not hide it"
    assert [kind for kind, _ in running.troubles] == ["filing"]
    with account.client() as client:
        client.create_folder("Done")
    assert watch.visit_once() is None
    assert running.error() is None
    assert len(account.mails("Done")) == 1


def test_trouble_in_taking_in_ends_the_visit_and_not_the_worker(running, account):
    tries = []

    def fails_twice() -> int:
        tries.append(1)
        if len(tries) < 3:
            raise ZeroDivisionError
        return 0

    running.start(server_of(account), take_in=fails_twice)
    wait_until(lambda: len(tries) >= 3, "it was tried again")


def test_trouble_that_cannot_be_told_is_not_the_end_of_the_worker(running, account, proxy, monkeypatch):
    def fails(*_arguments):
        raise ZeroDivisionError

    monkeypatch.setattr(Poller, "failed", fails)
    running.start(server_of(account, proxy.to(account.port, Fault("refuse"), Fault())))
    wait_until(running.polled, "it is read in the end")


def test_a_stop_is_heard_in_idle_and_in_a_pause(running, account, proxy):
    running.start(server_of(account))
    running.start(server_of(account, proxy.to(account.port, Fault("refuse"))))
    wait_until(running.polled, "the first is in IDLE")
    began = time.monotonic()
    running.stop()
    assert time.monotonic() - began < 5


def test_one_visit_says_what_was_wrong(running, account, proxy):
    assert running.watch(server_of(account)).visit_once() is None
    dead = server_of(account, proxy.to(account.port, Fault("silence")), timeout=1.0)
    assert "127.0.0.1" in running.watch(dead).visit_once()


def test_ringing_a_bell_that_is_closed_writes_to_nobody():
    bell = Bell()
    bell.ring()
    bell.ring()
    assert bell.wait(0)
    bell.hush()
    assert not bell.wait(0)
    bell.close()
    bell.ring()
    bell.close()


def test_a_bell_wakes_another_thread():
    bell, heard = Bell(), []
    thread = threading.Thread(target=lambda: heard.append(bell.wait(20)))
    thread.start()
    bell.ring()
    thread.join(20)
    assert heard == [True]
    bell.close()


@pytest.mark.parametrize("kind", ["reset", "close"])
def test_a_connection_cut_anywhere_loses_nothing_and_stores_nothing_broken(
    running, store, account, proxy, kind
):
    mails = [mail(number, f"Body of {number}. " * 60) for number in range(8)]
    account.deliver(*mails)
    cuts = range(200, 14_000, 700)
    port = proxy.to(account.port, *(Fault(kind, towards="client", after=cut) for cut in cuts), Fault())
    watch = running.watch(server_of(account, port), import_since="all")
    failed = sum(watch.visit_once() is not None for _ in cuts)
    assert failed > 5
    assert watch.visit_once() is None
    with store.begin() as tx:
        kept = [tx.mail(one.ledger_id).content for one in tx.waiting("support", 100)]
    assert kept == mails
    assert running.error() is None


def test_a_server_that_falls_silent_in_the_middle_of_a_mail_is_left(running, store, account, proxy):
    account.deliver(mail(1, "x" * 5000))
    port = proxy.to(account.port, Fault("stall", towards="client", after=4000), Fault())
    watch = running.watch(server_of(account, port, timeout=1.0), import_since="all")
    assert watch.visit_once() is not None
    assert subjects(store) == []
    assert watch.visit_once() is None
    assert subjects(store) == ["Question 1"]
