"""The dispatcher: due mail leaves by itself, and a mailbox whose server hangs delays no other."""

import threading

import pytest

from tests.servers.process import wait_until
from ticketd.deliver.courier import Tally
from ticketd.deliver.dispatch import Dispatcher
from ticketd.progress import Progress


@pytest.fixture
def dispatcher(desk):
    made = Dispatcher(desk.store, lambda: {"support"}, lambda name, stop: desk.courier, desk.clock)
    yield made
    made.stop(5)


@pytest.mark.server
def test_queued_mail_leaves_by_itself(desk, dispatcher, smtp_sink):
    dispatcher.start()
    desk.queue()
    dispatcher.notify()
    smtp_sink.wait_for(1)
    wait_until(lambda: desk.rows("reply")[0]["state"] == "sent", "the row is settled")
    assert dispatcher.progress.kept


@pytest.mark.server
def test_once_delivers_all_that_is_due_and_says_what_was_unusable(desk, dispatcher, smtp_sink):
    desk.queue()
    assert dispatcher.deliver_once()["support"].sent == 1
    smtp_sink.script["connect"] = ["421 4.3.2 closing"]
    desk.queue()
    assert "421" in dispatcher.deliver_once()["support"].unusable


@pytest.mark.server
def test_mail_of_a_mailbox_that_left_the_config_waits(desk, smtp_sink):
    desk.queue()
    without = Dispatcher(desk.store, set, lambda name, stop: desk.courier, desk.clock)
    assert without.deliver_once() == {}
    assert desk.rows("reply")[0]["state"] == "waiting"


class Hanging:
    """A courier whose server never answers."""

    def __init__(self, stop):
        self.stop, self.began = stop, threading.Event()
        self.progress = Progress()

    def run(self):
        self.progress.promise(-1)
        self.began.set()
        self.stop.wait(30)
        return Tally()


def test_a_hanging_courier_is_started_once_and_does_not_hold_up_the_stop(desk):
    made = []

    def make(name, stop):
        made.append(Hanging(stop))
        return made[-1]

    dispatcher = Dispatcher(desk.store, lambda: {"support"}, make, desk.clock)
    desk.queue()
    dispatcher.launch_due()
    dispatcher.launch_due()
    assert made[0].began.wait(5)
    assert len(made) == 1
    assert dispatcher.late() == ["courier of support"]
    assert dispatcher.stop(5)
    assert dispatcher.late() == []


def test_a_courier_that_fails_is_reported_and_the_next_one_goes(desk):
    class Broken:
        def run(self):
            raise ZeroDivisionError

    dispatcher = Dispatcher(desk.store, lambda: {"support"}, lambda name, stop: Broken(), desk.clock)
    desk.queue()
    assert dispatcher.deliver_once()["support"].unusable
    dispatcher.stop(1)
