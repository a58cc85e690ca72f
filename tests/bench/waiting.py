"""What ticketd costs while nothing happens, and how soon it sees that something did."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import text

from tests.bench.desk import crew_of
from tests.bench.process import ROOT, megabytes
from tests.servers.dovecot import Account
from tests.servers.process import wait_until
from tests.servers.proxy import Proxy
from ticketd.collect.watched import WatchedConnection
from ticketd.config import load
from ticketd.store import Store

POLLS = 20
SETTLE = 3.0  # seconds after the last mailbox was seen, before idling is measured


def round_trips(config: str, proxy: Proxy) -> float:
    """The commands that one poll of a mailbox without news sends."""
    with crew_of(Path(config)) as crew:
        watch = crew.watch("box0")
        with WatchedConnection.connect(watch.server()) as source:
            watch.visit(source)
            before = proxy.asked
            for _ in range(POLLS):
                watch.visit(source)
            return (proxy.asked - before) / POLLS


def idling(config: str, seconds: float = 20.0) -> dict[str, float]:
    """A daemon whose mailboxes are all in IDLE: share of one core (percent) and memory (MB)."""
    with _daemon(Path(config)) as daemon:
        time.sleep(SETTLE)
        before = _processor(daemon.pid)
        time.sleep(seconds)
        used = _processor(daemon.pid) - before
        return {"percent": 100 * used / seconds, "rss": megabytes(daemon.pid, "VmRSS")}


def latencies(config: str, account: Account, mails: list[bytes]) -> dict[str, float]:
    """Seconds from the end of an APPEND to the commit that made a ticket of the mail."""
    store = Store.open(load(Path(config), {}).database_url)
    taken: list[float] = []
    with _daemon(Path(config)), account.client() as client:
        time.sleep(SETTLE)
        for number, mail in enumerate(mails):
            before = _tickets(store)
            client.append("INBOX", mail)
            start = time.perf_counter()
            while _tickets(store) == before:
                assert time.perf_counter() - start < 60, f"mail {number} was never taken in"
                time.sleep(0.002)
            taken.append(time.perf_counter() - start)
    store.close()
    return {"median": statistics.median(taken), "worst": max(taken)}


def _tickets(store: Store) -> int:
    with store.view() as view:
        return int(view.connection.scalar(text("SELECT count(*) FROM ledger WHERE outcome = 'ticket'")) or 0)


@contextmanager
def _daemon(config: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The real program, once it has looked into every mailbox."""
    settings = load(config, {})
    store = Store.open(settings.database_url)
    store.migrate()
    with (config.parent / "log").open("ab") as log:
        command = [sys.executable, "-m", "ticketd", "-c", str(config), "run"]
        daemon = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
    try:
        wait_until(lambda: _polled(store) == len(settings.mailboxes), "every mailbox is polled", 120)
        yield daemon
    finally:
        store.close()
        daemon.send_signal(signal.SIGTERM)
        daemon.wait(30)


def _polled(store: Store) -> int:
    with store.view() as view:
        query = text("SELECT count(*) FROM mailbox WHERE last_poll_at IS NOT NULL")
        return int(view.connection.scalar(query) or 0)


def _processor(pid: int) -> float:
    """Seconds of processor time that a process and its threads have used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
