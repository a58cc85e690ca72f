"""Servers, disks and databases fail around the real program: nothing lost, nothing twice (faults.md §3)."""

import os
import shutil
import signal
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from tests.collect.kit import renumber
from tests.crash.desk import AGENTS, Desk, customer
from tests.crash.grounds import new_directory
from tests.crash.zygote import Zygote
from tests.servers.dovecot import Dovecot
from tests.servers.postgres import Postgres
from tests.servers.process import wait_until
from tests.servers.proxy import Fault, Proxy
from tests.servers.smtp_sink import ACCEPT_AND_DROP, DROP, SmtpSink
from ticketd.store import Store

pytestmark = [pytest.mark.server, pytest.mark.slow]

UNREACHABLE, CONFIGURATION = 75, 78


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    with Zygote() as made:
        yield made


@pytest.fixture
def directory() -> Iterator[Path]:
    made = new_directory()
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def desk(zygote: Zygote, dovecot: Dovecot, smtp_sink: SmtpSink, directory: Path) -> Desk:
    return Desk(zygote, dovecot, smtp_sink, directory)


@pytest.fixture
def pg_desk(zygote: Zygote, dovecot: Dovecot, smtp_sink: SmtpSink, directory: Path, pg_url: str) -> Desk:
    return Desk(zygote, dovecot, smtp_sink, directory, pg_url)


# The IMAP server


IMAP_FAULTS = {
    "refused": Fault("refuse"),
    "greeting stalls": Fault("silence"),
    "reset in a literal": Fault("reset", after=50_000),
    "ended in a literal": Fault("close", after=50_000),
    "stalled in a literal": Fault("stall", after=50_000),
    "BYE at FETCH": Fault("say", towards="server", seen=rb"BODY\.PEEK", text=b"* BYE sorry\r\n"),
    "BYE at STORE": Fault("say", towards="server", seen=rb"UID STORE", text=b"* BYE sorry\r\n"),
}


@pytest.mark.parametrize("fault", IMAP_FAULTS)
def test_an_imap_connection_that_breaks(desk: Desk, proxy: Proxy, fault: str) -> None:
    desk.arrive(*range(1, 6), size=30_000)
    desk.configure(imap=proxy.to(desk.servers.imap, IMAP_FAULTS[fault], Fault()))
    first = desk.visit()
    assert first.status == UNREACHABLE, first.log
    assert desk.messages() == {} or "STORE" in fault
    assert desk.status()["mailboxes"][0]["last_error"]
    desk.check(1, 2, 3, 4, 5)
    assert not desk.status()["mailboxes"][0]["last_error"]


def test_mail_expunged_between_search_and_fetch(desk: Desk) -> None:
    desk.arrive(1, 2, 3)
    with desk.paused("before-imap:FETCH") as ended, desk.account.client() as client:
        client.select_folder("INBOX")
        client.delete_messages([2])
        client.expunge()
    assert ended[0].status == 0, ended[0].log
    desk.check(1, 3)


def test_a_folder_numbered_anew_acknowledges_nothing_old(desk: Desk, dovecot: Dovecot) -> None:
    desk.arrive(1, 2, 3)
    desk.visited()
    desk.arrive(4, at=desk.now - timedelta(days=60))
    renumber(dovecot, desk.account)
    desk.arrive(5)
    desk.check(1, 2, 3, 4, 5, unacknowledged=(4,))


def test_a_folder_numbered_anew_in_the_middle_of_a_pass(desk: Desk, dovecot: Dovecot) -> None:
    desk.arrive(1, 2, 3)
    desk.visited()
    desk.arrive(4, 5)
    with desk.paused("before-imap:FETCH"):
        renumber(dovecot, desk.account)
    desk.check(1, 2, 3, 4, 5)


def test_a_folder_deleted_and_made_again(desk: Desk) -> None:
    desk.arrive(1, 2)
    desk.visited()
    with desk.account.client() as client:
        client.select_folder("INBOX")
        client.delete_messages([1, 2])
        client.expunge()
    desk.arrive(3)
    desk.check(1, 2, 3)


# The SMTP server


@pytest.mark.parametrize("phase", ["connect", "ehlo", "mail", "rcpt", "data", "dot"])
def test_what_an_smtp_server_says_in_each_phase(desk: Desk, phase: str) -> None:
    answers = ("421 4.3.2 closing", "450 4.2.1 later", "550 5.1.1 no", "554 5.7.1 never")
    for number, answer in enumerate(answers, 1):
        fails = answer.startswith("55") and phase in ("rcpt", "data", "dot")
        desk.sink.reset()
        desk.sink.script[phase] = [answer]
        desk.arrive(number)
        desk.visit()
        for _ in range(3):
            desk.later(minutes=20)
            desk.visit()
        got = [one.recipient for one in desk.sink.messages if one.recipient != "ops@example.com"]
        wanted = sorted([*AGENTS, customer(number)])
        if fails:
            wanted.remove(AGENTS[0])
            failed = [row["to"] for row in desk.outbox() if row["state"] == "failed"]
            assert failed[-1] == AGENTS[0]
            assert b"could not be delivered" in desk.sink.messages[-1].content
        assert sorted(got) == wanted, answer
        desk.later(hours=2)
    assert desk.messages() == {1: 1, 2: 1, 3: 1, 4: 1}


@pytest.mark.parametrize("lost", ["dropped", "swallowed"])
def test_a_lost_250_is_one_more_copy_of_the_same_bytes(desk: Desk, proxy: Proxy, lost: str) -> None:
    desk.arrive(1)
    if lost == "swallowed":
        swallow = Fault("swallow", seen=rb"\r\n\.\r\n")
        desk.configure(smtp=proxy.to(desk.servers.smtp, swallow, Fault()))
    else:
        desk.sink.script["dot"] = [ACCEPT_AND_DROP]
    desk.visit()
    desk.later(seconds=30)
    desk.check(1, repeats=1)
    assert desk.doubts() == {"notification": 1}
    assert {row["state"] for row in desk.outbox()} == {"sent"}


def test_a_lost_250_of_an_acknowledgement_is_no_more_copies(desk: Desk) -> None:
    desk.arrive(1)
    desk.sink.script["dot"] = ["250 ok", "250 ok", ACCEPT_AND_DROP]
    desk.visit()
    for _ in range(3):
        desk.later(minutes=10)
        desk.check(1)


def test_an_acknowledgement_lost_before_the_server_had_it_stays_lost(desk: Desk) -> None:
    desk.arrive(1)
    desk.sink.script["dot"] = ["250 ok", "250 ok", DROP]
    desk.visit()
    desk.later(minutes=10)
    desk.check(1, unacknowledged=(1,))


# Processes


@pytest.mark.parametrize("which", ["desk", "pg_desk"])
def test_a_second_daemon_is_refused(request: pytest.FixtureRequest, which: str) -> None:
    desk: Desk = request.getfixturevalue(which)
    store = Store.open(desk.url)
    with store.hold():
        second = desk.visit()
    store.close()
    assert second.status == CONFIGURATION
    assert f"process {os.getpid()}" in second.log


@pytest.mark.parametrize("point", range(3, 90, 12))
def test_sigterm_at_any_point(desk: Desk, point: int) -> None:
    desk.arrive(1, 2, 3)
    ended = desk.visit(daemon=True, term=point)
    not_up_yet = point < 7
    assert ended.status == (-signal.SIGTERM if not_up_yet else 0), ended.log
    assert "Traceback" not in ended.log
    desk.check(1, 2, 3)


def test_a_storm_of_sighups_with_a_config_that_is_wrong(desk: Desk) -> None:
    desk.arrive(1, 2, 3)
    with desk.paused("before-imap:FETCH", daemon=True, storm=True, term=70) as ended:
        good = desk.config.read_text()
        desk.config.write_text(good + "\n[nonsense]\n")
    assert ended[0].status == 0, ended[0].log
    assert "config refused" in ended[0].log
    assert "Traceback" not in ended[0].log
    desk.configure()
    desk.check(1, 2, 3)


# The database


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
