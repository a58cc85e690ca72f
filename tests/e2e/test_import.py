"""The real program imports an old mailbox: no flood, shown as it goes, stopped anywhere and resumed."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.bench.desk import write_config
from tests.collect.kit import mail
from tests.servers.process import wait_until
from ticketd.decide.model import HANDFUL

pytestmark = [pytest.mark.server, pytest.mark.slow]

OLD, NEW = HANDFUL + 10, 2
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def account(dovecot):
    """A mailbox of years, and what came just now."""
    account = dovecot.user()
    at = datetime.now(UTC) - timedelta(days=400)
    with account.client() as client:
        client.multiappend("INBOX", [{"msg": mail(number), "date": at} for number in range(OLD)])
        client.multiappend("INBOX", [mail(number) for number in range(OLD, OLD + NEW)])
    return account


@pytest.fixture
def config(account, smtp_sink, tmp_path):
    return write_config(tmp_path, account.port, [account.address], smtp_sink.port)


def program(config: Path, **options: Any) -> subprocess.Popen[str]:
    """``ticketd run --once``."""
    command = [sys.executable, "-m", "ticketd", "-c", str(config), "run", "--once"]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.Popen(command, cwd=ROOT, text=True, **streams)


def count(config: Path, what: str) -> int:
    """How many rows the database has; none before it is made."""
    path = config.parent / "state" / "ticketd.db"
    if not path.exists():
        return 0
    with contextlib.closing(sqlite3.connect(path)) as connection:
        try:
            return int(connection.execute(f"SELECT count(*) FROM {what}").fetchone()[0])
        except sqlite3.OperationalError:
            return 0


def stopped(config: Path, by: int, rows: str, at_least: int) -> tuple[int, str, str]:
    """Run it until there are so many rows, then send the signal; status, output, errors."""
    running = program(config)
    wait_until(lambda: count(config, rows) >= at_least or running.poll() is not None, rows, 60)
    running.send_signal(by)
    out, err = running.communicate(timeout=60)
    return running.returncode, out, err


def test_it_is_stopped_anywhere_and_nothing_is_lost_or_twice(config, smtp_sink):
    status, _, _ = stopped(config, signal.SIGKILL, "ledger", 1)
    assert status == -signal.SIGKILL
    for number, tickets in ((signal.SIGINT, 10), (signal.SIGTERM, 40), (signal.SIGKILL, 70)):
        status, out, err = stopped(config, number, "ticket", tickets)
        if number == signal.SIGKILL:
            continue
        assert status == 128 + number
        assert out.endswith("interrupted: the next run goes on from here\n")
        assert out.count("\n") == 1
        assert "Traceback" not in err
    last = program(config)
    out, err = last.communicate(timeout=120)
    assert last.returncode == 0, err
    assert (count(config, "ledger WHERE outcome = 'ticket'"), count(config, "ticket")) == (
        OLD + NEW,
        OLD + NEW,
    )
    subjects = Counter(_subject(one.content) for one in smtp_sink.messages)
    about_all = subjects.pop(f"{OLD} old mails of Example Support were taken in")
    assert about_all == 2
    assert sum(subjects.values()) == 2 * NEW
    assert count(config, "event WHERE kind = 'sla'") == 0


def _subject(content: bytes) -> str:
    line = next(line for line in content.split(b"\r\n") if line.startswith(b"Subject: "))
    return line.removeprefix(b"Subject: ").decode()


def test_on_a_terminal_bars_show_how_far_it_is(config):
    ours, theirs = pty.openpty()
    running = program(config, stderr=theirs, env={**os.environ, "TERM": "xterm", "COLUMNS": "200"})
    os.close(theirs)
    seen = b""
    with contextlib.suppress(OSError):  # how a terminal says that the program has ended
        while piece := os.read(ours, 65_536):
            seen += piece
    os.close(ours)
    out, _ = running.communicate(timeout=60)
    assert running.returncode == 0
    assert out == f"ticketd: {OLD + NEW} taken in; 6 sent\n"
    for what in ("fetched", "taken in"):
        assert f"box0: {what}".encode() in seen
    assert f"{OLD + NEW}/{OLD + NEW}".encode() in seen
    assert b"taken-in" in seen
