"""Power loss (faults.md F2): what was acknowledged to a server stays, and the desk goes on.

SQLite syncs its log at every commit. So at any moment the disk holds at least all that was
committed, and of the commit that is being written any part: whole pages, half of one, or
room without content. Each such disk is made from what the log became a moment later.
"""

import shutil
import sqlite3
import struct
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.crash.desk import Desk

pytestmark = [pytest.mark.server, pytest.mark.slow]

_HEADER, _FRAME = 32, 24  # bytes (sqlite.org/fileformat.html, "The Write-Ahead Log")


def next_commit(log: bytes, length: int) -> int:
    """Where the first commit ends that the log holds beyond ``length``; ``length`` where there is none."""
    page = struct.unpack(">I", log[8:12])[0]
    for start in range(length or _HEADER, len(log), _FRAME + page):
        if struct.unpack(">I", log[start + 4 : start + 8])[0]:
            return start + _FRAME + page
    return length


def disks(before: bytes, after: bytes) -> Iterator[bytes]:
    """The logs that a power loss may leave while the first commit beyond ``before`` is written."""
    end = next_commit(after, len(before))
    yield before
    for cut in (1, _FRAME, _FRAME + 2048, (end - len(before)) * 2 // 3, end - len(before) - 1):
        part = after[: len(before) + cut]
        yield part
        yield part + bytes(end - len(part))  # the room was made, and never filled
    yield before + b"\xa5" * (end - len(before))
    if len(before) < end:
        yield after[:end]


@pytest.mark.parametrize(
    "point",
    [
        "after-commit:receive",
        "after-commit:take-in",
        "after-commit:claim",
        "after-commit:mark-dot",
        "answered-smtp:dot",
        "after-commit:settle",
    ],
)
def test_after_a_power_loss_the_desk_goes_on(desk: Desk, point: str) -> None:
    desk.arrive(1, 2)
    database = desk.state / "ticketd.db"
    log = database.with_name("ticketd.db-wal")
    kept = desk.directory / "kept"
    with closing(sqlite3.connect(database)) as reader:  # while somebody has it open, the log stays
        reader.execute("SELECT 1 FROM desk").fetchone()
        with desk.paused(point):
            # Not by this process: closing a file that it has locked would give the lock away.
            subprocess.run(["cp", "-a", str(desk.state), str(kept)], check=True)
            before, sent = log.read_bytes(), list(desk.sink.messages)
            in_ledger = counted(kept)
        after = log.read_bytes()
    assert after.startswith(before), "the log only grew"
    # After mark-dot the next commit is written when the server has answered: the next point has that.
    states = [before] if point == "after-commit:mark-dot" else disks(before, after)
    for number, disk in enumerate(states):
        shutil.rmtree(desk.state)
        shutil.copytree(kept, desk.state)
        log.write_bytes(disk)
        desk.sink.messages[:] = sent
        assert counted(desk.state) >= in_ledger, number
        desk.later(minutes=1)
        desk.visited()
        doubts = desk.doubts()
        assert sum(doubts.values()) <= 1, number
        desk.check(1, 2, repeats=desk.repeated())
        assert desk.repeated() <= sum(doubts.values()), number


def counted(state: Path) -> int:
    """How many rows are whole in a copy of the database, which must be sound."""
    copy = state.with_name("counted")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(state, copy)
    with closing(sqlite3.connect(copy / "ticketd.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        tables = ("raw_mail", "ledger", "ticket", "message", "event", "outbox")
        rows = [connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables]
    return sum(rows)
