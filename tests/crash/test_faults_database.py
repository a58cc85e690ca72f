"""Disks and databases that fail under the real program: nothing lost, nothing twice (faults.md §3)."""

import os
import shutil
import signal
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from tests.crash.desk import Desk
from tests.crash.zygote import Order, Zygote
from tests.servers.dovecot import Dovecot
from tests.servers.postgres import Postgres
from tests.servers.process import wait_until
from tests.servers.proxy import Fault, Proxy
from tests.servers.smtp_sink import SmtpSink
from ticketd.store import Store

pytestmark = [pytest.mark.server, pytest.mark.slow]

UNREACHABLE, CONFIGURATION = 75, 78
UNFORESEEN = '"exception": "Traceback'


@pytest.fixture
def small_disk(directory: Path) -> Iterator[Path]:
    """A file system of 32 MB; only root may mount one."""
    place = directory / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=32m,mode=0755", "ticketd-test", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("nobody here may mount a small file system")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.fixture
def cramped(zygote: Zygote, dovecot: Dovecot, smtp_sink: SmtpSink, directory: Path, small_disk: Path) -> Desk:
    """A desk with its database on the small disk."""
    return Desk(zygote, dovecot, smtp_sink, directory, disk=small_disk)


def test_a_disk_that_runs_full(cramped: Desk, small_disk: Path) -> None:
    cramped.more = '[limits]\nmessage_size = "100KB"\n'
    cramped.configure()
    cramped.arrive(1)
    cramped.visited()
    leave(small_disk, 400_000)
    cramped.arrive(*range(2, 12), size=60_000)
    full = cramped.visit()
    assert full.status in (1, UNREACHABLE), full.log
    (small_disk / "filler").unlink()
    cramped.check(*range(1, 12))


def test_a_disk_that_is_full_from_the_start(cramped: Desk, small_disk: Path) -> None:
    cramped.arrive(1)
    leave(small_disk, 0)
    full = cramped.visit()
    assert full.status in (1, UNREACHABLE), full.log
    assert cramped.sink.messages == []
    (small_disk / "filler").unlink()
    cramped.check(1)


def leave(disk: Path, size: int) -> None:
    """Fill a disk up, so many bytes aside."""
    (disk / "filler").write_bytes(b"x" * (shutil.disk_usage(disk).free - size))


def test_files_that_may_not_grow(desk: Desk) -> None:
    desk.arrive(1)
    desk.visited()
    limit = (desk.state / "ticketd.db").stat().st_size + 100_000
    desk.arrive(*range(2, 8), size=60_000)
    limited = desk.visit(files=limit)
    assert limited.status in (1, UNREACHABLE), limited.log
    desk.check(*range(1, 8))


def test_a_database_that_another_process_has_locked(desk: Desk) -> None:
    desk.arrive(1, 2)
    other = sqlite3.connect(desk.state / "ticketd.db", isolation_level=None, check_same_thread=False)
    with desk.paused("before-imap:FETCH") as ended:
        other.execute("BEGIN IMMEDIATE")
        threading.Timer(1.5, lambda: other.execute("ROLLBACK")).start()
    assert ended[0].status == 0, ended[0].log
    other.close()
    desk.check(1, 2)


def overwrite(path: Path) -> None:
    """Every page but the first is nonsense now, as after a disk that lies."""
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (path.stat().st_size - 4096))


def replace(path: Path) -> None:
    """Another file stands where the database was."""
    path.rename(path.with_name("elsewhere.db"))
    shutil.copy(path.with_name("elsewhere.db"), path)


@pytest.mark.parametrize("daemon", [True, False])
@pytest.mark.parametrize("damage", [overwrite, replace, Path.unlink])
def test_a_database_that_is_damaged_replaced_or_gone_ends_the_program(
    desk: Desk, damage: Callable[[Path], None], daemon: bool
) -> None:
    desk.arrive(1)
    desk.visited()
    database, kept = desk.state / "ticketd.db", desk.directory / "kept.db"
    shutil.copy(database, kept)
    desk.arrive(2)
    with desk.paused("before-imap:FETCH", daemon=daemon) as ended:
        damage(database)
    assert ended[0].status == 1, ended[0].log
    said = [line for line in ended[0].log.splitlines() if str(database) in line]
    assert said, ended[0].log
    assert len(said) < 8, said
    if damage is not replace:
        assert desk.visit().status == 1
        for path in desk.state.glob("ticketd.db*"):  # the marker, too: nothing has happened since the copy
            path.unlink()
        shutil.copy(kept, database)
    desk.check(1, 2)


def test_a_database_on_a_disk_that_may_only_be_read_is_refused(cramped: Desk, small_disk: Path) -> None:
    cramped.arrive(1)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    refused = cramped.visit(daemon=True)
    assert refused.status == 1, refused.log
    assert str(cramped.state / "ticketd.db") in refused.log
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    cramped.check(1)


@pytest.mark.parametrize("how", ["backup", "copy"])
def test_yesterdays_backup_sends_nothing_again(desk: Desk, how: str) -> None:
    desk.arrive(1, 2)
    desk.visited()
    kept = desk.directory / "yesterday.db"
    if how == "backup":
        store = Store.open(desk.url)
        store.backup(kept)
        store.close()
    else:
        shutil.copy(desk.state / "ticketd.db", kept)
    desk.later(days=1)
    desk.arrive(3, 4)
    desk.visited()
    before = list(desk.sink.messages)
    for path in desk.state.glob("ticketd.db-*"):
        path.unlink()
    shutil.copy(kept, desk.state / "ticketd.db")
    desk.visited()
    assert desk.messages() == {1: 1, 2: 1, 3: 1, 4: 1}
    assert desk.sink.messages == before
    restored = datetime.now(UTC)
    wait_until(lambda: datetime.now(UTC) > restored + timedelta(seconds=1), "the second is over")
    desk.arrive(5, at=datetime.now(UTC))
    desk.check(1, 2, 3, 4, 5)


KILL_OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


@pytest.mark.parametrize(
    "point", ["before-commit:receive", "before-commit:take-in", "before-commit:settle", "before-smtp:dot"]
)
def test_postgresql_ends_every_session(pg_desk: Desk, point: str) -> None:
    pg_desk.arrive(1, 2, 3)
    with pg_desk.paused(point), psycopg.connect(pg_desk.url.replace("+psycopg", "")) as connection:
        connection.execute(KILL_OTHERS)
    pg_desk.later(minutes=1)
    pg_desk.visit()
    pg_desk.later(minutes=1)
    assert pg_desk.doubts().get("acknowledgement", 0) == 0
    pg_desk.check(1, 2, 3, repeats=pg_desk.doubts().get("notification", 0))


def test_a_daemon_whose_database_another_took_over_sends_nothing(pg_desk: Desk) -> None:
    """The server forgot its session, so that another may hold the database; it has not noticed yet."""
    desk = pg_desk
    desk.arrive(1)
    beside = desk.config.with_name("beside.toml")
    shutil.copy(desk.config, beside)
    with desk.paused("before-smtp:data", daemon=True) as ended, Zygote() as another:
        with psycopg.connect(desk.url) as connection:
            connection.execute(KILL_OTHERS)
        successor = another.run(Order(str(beside), desk.now.isoformat()))
        assert successor.status == 0, successor.log
        assert len(desk.sink.messages) == 3
        desk.go()
        log = desk.config.with_suffix(".log")
        wait_until(lambda: "Another daemon has taken over" in log.read_text(), "it notices")
        os.kill(desk.pid(), signal.SIGTERM)
    assert ended[0].status == 0, ended[0].log
    assert len(desk.sink.messages) == 3
    desk.check(1)


@pytest.mark.timeout(300)
def test_postgresql_whose_answer_to_a_commit_is_lost(
    zygote: Zygote, dovecot: Dovecot, smtp_sink: SmtpSink, directory: Path, postgres: Postgres
) -> None:
    number, lost = -3, True
    while lost:
        number += 5  # every fifth: each costs a database of its own
        place, proxy = directory / str(number), Proxy()
        place.mkdir()
        smtp_sink.reset()
        desk = Desk(zygote, dovecot, smtp_sink, place, postgres.new_database())
        desk.arrive(1)
        desk.through = proxy.to(postgres.port, Fault("lose", seen=b"COMMIT", after=number))
        desk.configure()
        disturbed = desk.visit()
        lost = proxy.seen[b"COMMIT"] >= number
        proxy.close()
        assert disturbed.status in ((0, 1, UNREACHABLE) if lost else (0,)), (number, disturbed.log)
        assert UNFORESEEN not in disturbed.log, (number, disturbed.log)
        desk.through = 0
        desk.configure()
        desk.later(minutes=1)
        desk.check(1)
        assert desk.doubts() == {}, number
        postgres.drop_database(desk.url)
    assert number > 15


def test_postgresql_that_turns_read_only_under_the_daemon(pg_desk: Desk) -> None:
    """As after a failover: its sessions are ended, and the new ones may not write."""
    pg_desk.arrive(1)
    pg_desk.visited()
    url = pg_desk.url.replace("+psycopg", "")
    name = url.rpartition("/")[2]
    with psycopg.connect(url, autocommit=True) as connection:
        pg_desk.arrive(2)
        with pg_desk.paused("before-imap:FETCH") as ended:
            connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
            connection.execute(KILL_OTHERS)
        assert ended[0].status in (1, UNREACHABLE), ended[0].log
        assert "read-only" in ended[0].log
        assert UNFORESEEN not in ended[0].log
        assert pg_desk.visit().status == UNREACHABLE
        connection.execute("SET default_transaction_read_only = off")
        connection.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    pg_desk.check(1, 2)


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[Postgres]:
    server = Postgres()
    yield server.start()
    server.stop()


def test_postgresql_restarts_under_the_daemon(
    zygote: Zygote, dovecot: Dovecot, smtp_sink: SmtpSink, directory: Path, own_postgres: Postgres
) -> None:
    desk = Desk(zygote, dovecot, smtp_sink, directory, own_postgres.new_database())
    desk.arrive(1, 2, 3)
    with desk.paused("before-commit:take-in", daemon=True) as ended:
        own_postgres.restart()
        desk.go()
        smtp_sink.wait_for(9)
        desk.arrive(4)
        smtp_sink.wait_for(12)
        os.kill(desk.pid(), signal.SIGTERM)
    assert ended[0].status == 0, ended[0].log
    desk.check(1, 2, 3, 4)
