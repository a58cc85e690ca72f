"""A server that always does a little, and never enough, is given up when its allowance is spent."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from ticketd.errors import Unavailable
from ticketd.wire import Server
from ticketd.wire.imap import ImapConnection
from ticketd.wire.patience import SLOWEST, Allowance
from ticketd.wire.smtp import SmtpConnection


@pytest.fixture
def dripping() -> Iterator[int]:
    """The port of a server that sends a line of its greeting every twentieth of a second, without end."""
    stop = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            far, _ = listener.accept()
            with far:
                while not stop.wait(0.05):
                    far.sendall(b"220-")

    thread = threading.Thread(target=serve)
    thread.start()
    yield listener.getsockname()[1]
    stop.set()
    listener.close()
    thread.join()


@pytest.mark.parametrize("connect", [ImapConnection.connect, SmtpConnection.connect])
def test_all_waits_count_together(dripping, connect):
    server = Server("127.0.0.1", dripping, "none", timeout=60, allowance=Allowance(0.5))
    began = time.monotonic()
    with pytest.raises(Unavailable, match="does not answer in time"):
        connect(server)
    assert time.monotonic() - began < 15, "not the 60 seconds of one answer"


def test_whoever_let_us_in_has_a_second_for_each_answer(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def wait(allowance: Allowance, seconds: float) -> None:
        allowance.begin()
        with allowance.waiting():
            now[0] += seconds

    allowance = Allowance(13)
    wait(allowance, 3)
    assert allowance.left == 10
    allowance.open()
    for _ in range(100):
        wait(allowance, 0.9)
    wait(allowance, 5)
    assert allowance.left == 6
    allowance.moved(2 * SLOWEST)
    assert allowance.left == 8
    wait(allowance, 20)
    assert allowance.left == 0.01
