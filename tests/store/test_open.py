"""Opening: every way a database can be unusable gives one sentence, and none an empty desk."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.store.given import NOW, opened, received, take
from ticketd.errors import Busy, ConfigError, NotFound, TicketdError, Unavailable, UsageError
from ticketd.store import Store
from ticketd.store.engine import Turnstile


def test_a_writer_is_full_synchronous_in_wal_with_foreign_keys(sqlite_store: Store) -> None:
    with sqlite_store.begin() as tx:
        pragmas = {
            name: tx.connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30_000}


def test_a_new_file_is_ours_alone(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/state/ticketd.db")
    store.migrate()
    store.close()
    assert (tmp_path / "state" / "ticketd.db").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "state" / "ticketd.db.initialised").exists()


def test_nothing_is_made_where_nothing_is_to_be_made(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no database"):
        Store.open(f"sqlite:///{tmp_path}/ticketd.db", create=False)
    assert list(tmp_path.iterdir()) == []


def test_a_lost_file_is_not_replaced_by_an_empty_one(sqlite_store: Store) -> None:
    path = sqlite_store.path
    assert path is not None
    sqlite_store.close()
    path.rename(path.with_name("elsewhere"))
    with pytest.raises(TicketdError, match="restore a backup"):
        Store.open(f"sqlite:///{path}")
    assert not path.exists()


def test_a_file_that_goes_away_while_in_use_is_not_written_any_more(sqlite_store: Store) -> None:
    path = sqlite_store.path
    assert path is not None
    opened(sqlite_store)
    path.rename(path.with_name("elsewhere"))
    with pytest.raises(TicketdError, match="removed or replaced"):
        opened(sqlite_store)
    path.touch()
    with pytest.raises(TicketdError, match="removed or replaced"):
        opened(sqlite_store)


def test_after_a_power_loss_every_commit_that_is_whole_in_the_log_is_there(
    sqlite_store: Store, tmp_path: Path
) -> None:
    path = sqlite_store.path
    assert path is not None
    for number in range(1, 6):
        take(sqlite_store, number)
    log = path.with_name("ticketd.db-wal").read_bytes()
    kept = []
    for cut in range(0, len(log), 3_000):
        place = tmp_path / f"cut{cut}"
        place.mkdir()
        shutil.copy(path, place / "ticketd.db")
        (place / "ticketd.db-wal").write_bytes(log[: len(log) - cut])
        store = Store.open(f"sqlite:///{place / 'ticketd.db'}")
        with store.view() as view:
            kept.append([row["uid"] for row in view.ledger()])
            for row in view.ledger():
                assert view.raw_mail(row["id"])
        store.close()
    assert kept[0] == [1, 2, 3, 4, 5]
    assert all(uids == list(range(1, len(uids) + 1)) for uids in kept)
    assert kept[-1] == []


def test_a_file_that_is_no_database_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "ticketd.db"
    path.write_bytes(b"this is not a database at all" * 100)
    with pytest.raises(TicketdError, match=r"ticketd\.db is damaged"):
        Store.open(f"sqlite:///{path}")


def test_a_damaged_page_is_said_in_one_sentence(sqlite_store: Store) -> None:
    path = sqlite_store.path
    assert path is not None
    opened(sqlite_store)
    with sqlite_store.begin() as tx:
        tx.connection.exec_driver_sql("SELECT 1")
    sqlite_store.close()
    raw = sqlite3.connect(path)
    raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raw.close()
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (path.stat().st_size - 4096))
    with pytest.raises(TicketdError, match="damaged"):
        opened(Store.open(f"sqlite:///{path}"))


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TicketdError, match="cannot be made"):
        Store.open(f"sqlite:///{tmp_path}/file/ticketd.db")


def test_a_read_only_file_is_refused(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sqlite_store.path is not None
    sqlite_store.path.chmod(0o400)
    may = os.access  # root may write everything: ask as another would
    monkeypatch.setattr(os, "access", lambda path, mode: mode & os.W_OK == 0 and may(path, mode))
    with pytest.raises(TicketdError, match="cannot be written"):
        Store.open(f"sqlite:///{sqlite_store.path}")


@pytest.mark.parametrize("url", ["mysql://x/y", "nonsense", ""])
def test_another_database_is_a_config_error(url: str) -> None:
    with pytest.raises(ConfigError):
        Store.open(url)


def test_memory_is_refused() -> None:
    with pytest.raises(UsageError):
        Store.open("sqlite://")


def test_postgresql_that_is_not_there_is_unavailable_and_no_password_is_shown() -> None:
    with pytest.raises(Unavailable) as caught:
        Store.open("postgresql://me:secret@127.0.0.1:1/ticketd")
    assert "secret" not in str(caught.value)
    assert "127.0.0.1" in str(caught.value)


def test_a_writer_that_waits_too_long_hears_that_the_database_is_locked(sqlite_store: Store) -> None:
    with sqlite_store.begin() as tx:
        tx.connection.exec_driver_sql("PRAGMA busy_timeout=1")
    other = sqlite3.connect(str(sqlite_store.path), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match="locked"):
        opened(sqlite_store)
    other.execute("ROLLBACK")
    other.close()
    assert opened(sqlite_store) == 1


def test_a_full_disk_rolls_back_and_passes(sqlite_store: Store) -> None:
    with sqlite_store.begin() as tx:
        pages = tx.connection.exec_driver_sql("PRAGMA page_count").scalar()
        tx.connection.exec_driver_sql(f"PRAGMA max_page_count={pages + 20}")
    with pytest.raises(Unavailable, match="full"):
        take(sqlite_store, 1, content=b"x" * 1_000_000)
    with sqlite_store.view() as view:
        assert view.ledger() == []
    take(sqlite_store, 1, content=b"x" * 1_000_000)  # a new connection: the limit is gone
    with sqlite_store.view() as view:
        assert len(view.ledger()) == 1


def test_a_reader_is_not_kept_waiting_by_a_writer(sqlite_store: Store) -> None:
    with sqlite_store.begin() as tx:
        tx.receive("support", "INBOX", 7, received(1), NOW)
        with sqlite_store.view() as view:
            assert view.ledger() == []


def test_only_one_may_hold_a_database(store: Store, url: str) -> None:
    other = Store.open(url)
    with store.hold():
        with pytest.raises(Busy, match=f"process {os.getpid()} on "), other.hold():
            pass
        opened(other)  # everything but a second daemon works beside it
    with other.hold():
        pass
    other.close()


def test_a_killed_holder_delays_nobody(store: Store, url: str) -> None:
    code = (
        "import os, sys; from ticketd.store import Store\n"
        "with Store.open(sys.argv[1]).hold(): os.write(1, b'held'); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", code, url], capture_output=True, check=False)
    assert (done.stdout, done.returncode) == (b"held", -9)
    with store.hold():
        pass


def test_a_backup_is_whole_while_others_write(sqlite_store: Store, tmp_path: Path) -> None:
    opened(sqlite_store)
    with sqlite_store.begin() as tx:
        tx.receive("support", "INBOX", 7, received(1), NOW)
        sqlite_store.backup(tmp_path / "copy.db")
    copy = Store.open(f"sqlite:///{tmp_path / 'copy.db'}")
    with copy.view() as view:
        assert [ticket["id"] for ticket in view.list_tickets()] == [1]
        assert view.ledger() == []
    assert copy.desk() == sqlite_store.desk()
    copy.close()
    with pytest.raises(UsageError, match="already"):
        sqlite_store.backup(tmp_path / "copy.db")
    with pytest.raises(TicketdError, match="cannot back up"):
        sqlite_store.backup(tmp_path / "nowhere" / "copy.db")


def test_threads_pass_the_turnstile_in_their_order() -> None:
    turnstile, order = Turnstile(), []
    arrived = [threading.Event() for _ in range(5)]

    def pass_through(number: int) -> None:
        arrived[number].set()
        with turnstile:
            order.append(number)

    threads = [threading.Thread(target=pass_through, args=(number,)) for number in range(5)]
    with turnstile:
        for number, thread in enumerate(threads):
            thread.start()
            arrived[number].wait()
            while len(turnstile._waiting) <= number:
                pass
    for thread in threads:
        thread.join()
    assert order == list(range(5))


def test_a_connection_never_makes_a_file_where_one_was_taken_away(tmp_path: Path) -> None:
    path = tmp_path / "ticketd.db"
    store = Store.open(f"sqlite:///{path}")
    store.migrate()
    store.close()
    path.rename(tmp_path / "elsewhere.db")
    with pytest.raises(TicketdError), store.view():
        pass
    assert not path.exists()
    path.touch()  # as an older program would have left it
    with pytest.raises(TicketdError, match="is gone, though it was made here"):
        Store.open(f"sqlite:///{path}")
