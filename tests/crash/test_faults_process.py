"""The process itself in trouble: memory, signals, clocks, work that hangs (faults.md F13, F27 to F31)."""

import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from tests.crash.desk import Desk
from tests.servers.process import wait_until
from tests.servers.proxy import Fault, Proxy
from tests.servers.smtp_sink import HANG

pytestmark = [pytest.mark.server, pytest.mark.slow]


# Memory


def quarantined(desk: Desk) -> None:
    """The second mail is set aside after three attempts, the others are as ever, and status says so."""
    assert desk.messages() == {1: 1, 3: 1}
    status = desk.status()
    assert status["quarantine"]["poison"] == 1
    assert not status["healthy"]
    assert desk.attempts() == {1: 0, 2: 3, 3: 0}
    desk.check(1, 3)


def test_a_mail_that_takes_all_memory_is_set_aside_and_the_others_go_on(desk: Desk) -> None:
    desk.arrive(1, 2, 3)
    ended = desk.visit(plant="memory runs out")
    assert ended.status == 0, ended.log
    assert "MemoryError" in ended.log
    quarantined(desk)


def test_a_mail_that_kills_the_process_is_set_aside_at_the_fourth_start(desk: Desk) -> None:
    desk.arrive(1, 2, 3)
    deaths = [desk.visit(plant="a mail kills").status for _ in range(4)]
    assert deaths == [-signal.SIGKILL] * 3 + [0]
    quarantined(desk)


# Signals


@pytest.mark.parametrize("phase", ["ehlo", "mail", "data", "dot", "quit"])
def test_sigterm_while_the_smtp_server_says_nothing(desk: Desk, phase: str) -> None:
    desk.arrive(1)
    desk.sink.script[phase] = [HANG]
    with desk.paused("before-smtp:connect", daemon=True) as ended:
        desk.go()
        wait_until(lambda: not desk.sink.script[phase], f"the server hangs at {phase}")
        began = time.monotonic()
        os.kill(desk.pid(), signal.SIGTERM)
        wait_until(lambda: bool(ended), "it ends")
    assert ended[0].status == 0, ended[0].log
    assert time.monotonic() - began < 10
    assert "Traceback" not in ended[0].log
    desk.later(minutes=2)
    desk.check(1)


def test_sigterm_in_the_middle_of_a_fetch(desk: Desk, proxy: Proxy) -> None:
    desk.arrive(1, 2, size=60_000)
    stalling = proxy.to(desk.servers.imap, Fault("stall", after=70_000))
    well = desk.servers.imap
    desk.configure(imap=stalling)
    with desk.paused("before-imap:FETCH", daemon=True) as ended:
        desk.go()
        os.kill(desk.pid(), signal.SIGTERM)
        wait_until(lambda: bool(ended), "it ends")
    assert ended[0].status == 0, ended[0].log
    assert "Traceback" not in ended[0].log
    desk.configure(imap=well)
    desk.check(1, 2)


@pytest.mark.parametrize("whom", ["child", "parent"])
def test_sigterm_in_a_migration_leaves_the_old_schema_or_the_new(desk: Desk, whom: str) -> None:
    """The daemon migrates in a child: either may be told to end; what is left is one of the two."""
    for path in desk.state.glob("ticketd.db*"):
        path.unlink()
    desk.arrive(1)
    with desk.paused("before-commit:migrate", daemon=True, term=40) as ended:
        child = desk.pid()
        parent = int(Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[1])
        os.kill(child if whom == "child" else parent, signal.SIGTERM)
    assert ended[0].status in ((0,) if whom == "child" else (-signal.SIGTERM,)), ended[0].log
    desk.check(1)


# Clocks


def test_a_clock_that_jumps_stalls_nothing_and_doubles_nothing(desk: Desk) -> None:
    desk.arrive(1)
    desk.sink.script["rcpt"] = ["450 4.2.1 later"] * 3
    with desk.paused("before-imap:FETCH", daemon=True) as ended:
        desk.go()
        wait_until(lambda: not desk.sink.script["rcpt"], "all three are deferred")
        wait_until(lambda: desk.attempted() == 3, "and settled")
        assert desk.sink.messages == []
        jumps = (timedelta(days=-2), timedelta(days=400), timedelta(days=-20_000), timedelta())
        old = 2 + jumps.index(timedelta(days=400))  # by that clock it lay for a year: not acknowledged
        desk.jump(jumps[0])
        desk.sink.wait_for(3)
        for number, jump in enumerate(jumps, 2):
            desk.jump(jump)
            desk.arrive(number)
            desk.sink.wait_for(3 * number - (number >= old))
        os.kill(desk.pid(), signal.SIGTERM)
    assert ended[0].status == 0, ended[0].log
    assert "Traceback" not in ended[0].log
    desk.check(1, 2, 3, 4, 5, unacknowledged=(old,))


# The watchdog


@contextmanager
def listening(place: Path) -> Iterator[socket.socket]:
    """The far end of systemd's socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(place))
        ear.settimeout(20)
        yield ear


def fed(ear: socket.socket) -> None:
    """The watchdog hears that all is well."""
    while not ear.recv(1000).startswith(b"WATCHDOG=1"):
        pass


def starved(desk: Desk, ear: socket.socket) -> None:
    """The watchdog hears nothing any more, and the journal says why, once."""
    log = desk.config.with_suffix(".log")
    wait_until(lambda: "no progress" in log.read_text(), "somebody is missed")
    ear.settimeout(0.01)
    with suppress(TimeoutError):
        while ear.recv(1000):  # what was said before
            pass
    ear.settimeout(1.0)
    with pytest.raises(TimeoutError):
        ear.recv(1000)
    ear.settimeout(20)
    said = [line.partition(', "event"')[0] for line in log.read_text().splitlines() if "no progress" in line]
    assert len(set(said)) == len(said), "once, and again only when it is somebody else"


@pytest.mark.parametrize(("hang", "who"), [("parsing hangs", "support"), ("dispatching hangs", "dispatcher")])
def test_whoever_hangs_is_named_and_the_watchdog_is_not_fed(desk: Desk, hang: str, who: str) -> None:
    desk.arrive(1, 2, 3)
    place = desk.directory / "notify"
    environ = {"NOTIFY_SOCKET": str(place), "WATCHDOG_USEC": "300000"}
    with (
        listening(place) as ear,
        desk.paused("before-imap:FETCH", daemon=True, plant=hang, environ=environ) as ended,
    ):
        fed(ear)
        desk.go()
        starved(desk, ear)
        os.kill(desk.pid(), signal.SIGKILL)  # systemd would
    assert f'"who": ["{who}"]' in ended[0].log
    desk.check(1, 2, 3)


def test_a_database_that_hangs_starves_the_watchdog_until_it_answers(pg_desk: Desk) -> None:
    desk, place = pg_desk, pg_desk.directory / "notify"
    environ = {"NOTIFY_SOCKET": str(place), "WATCHDOG_USEC": "300000"}
    order = {"daemon": True, "plant": "short promises", "environ": environ}
    desk.arrive(1)
    with (
        listening(place) as ear,
        desk.paused("before-imap:FETCH", **order) as ended,
        psycopg.connect(desk.url) as connection,
    ):
        fed(ear)
        connection.execute("LOCK TABLE outbox IN ACCESS EXCLUSIVE MODE")
        desk.go()
        starved(desk, ear)
        connection.rollback()
        fed(ear)
        desk.sink.wait_for(3)
        os.kill(desk.pid(), signal.SIGTERM)
    assert ended[0].status == 0, ended[0].log
    desk.check(1)
