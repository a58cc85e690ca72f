"""An older copy put back: mail since then comes again, but nothing is sent a second time."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.store.given import ANNA, HOUR, NOW, do, opened, outgoing, received
from ticketd.decide.effects import Send
from ticketd.store import Store

EARLIER = datetime(2020, 1, 1, tzinfo=UTC)


def put_back(store: Store, copy: Path) -> Store:
    path = store.path
    assert path is not None
    store.close()
    for leftover in path.parent.glob("ticketd.db-*"):
        leftover.unlink()
    shutil.copy(copy, path)
    return Store.open(f"sqlite:///{path}")


def backed_up(store: Store, directory: Path) -> Path:
    store.backup(directory / "copy.db")
    store.close()
    return directory / "copy.db"


def plainly_copied(store: Store, directory: Path) -> Path:
    assert store.path is not None
    store.close()
    shutil.copy(store.path, directory / "plain.db")
    return directory / "plain.db"


@pytest.mark.parametrize("copied", [backed_up, plainly_copied])
def test_what_follows_from_mail_of_before_is_not_sent_again(
    sqlite_store: Store, tmp_path: Path, copied: object
) -> None:
    with sqlite_store.hold():
        opened(sqlite_store)
        do(sqlite_store, Send(outgoing(1, cause="waited when the copy was made")))
    copy = copied(sqlite_store, tmp_path)  # type: ignore[operator]
    again = Store.open(f"sqlite:///{sqlite_store.path}")
    again.alive(datetime.now(UTC))
    again.close()
    store = put_back(again, copy)
    with store.hold():
        with store.begin() as tx:
            late = datetime.now(UTC) + HOUR
            before = tx.receive("support", "INBOX", 7, received(1, internal_date=EARLIER), NOW)
            after = tx.receive("support", "INBOX", 7, received(2, internal_date=late), NOW)
        do(store, Send(outgoing(1, ANNA, cause="old")), ledger_id=before[0])
        do(store, Send(outgoing(1, ANNA, cause="new")), ledger_id=after[0])
    with store.view() as view:
        rows = view.outbox()
    assert [row["state"] for row in rows] == ["cancelled", "cancelled", "waiting"]
    assert "backup" in rows[0]["last_error"]
    store.close()


def test_a_restart_is_no_restore(sqlite_store: Store) -> None:
    for _ in range(3):
        with sqlite_store.hold():
            sqlite_store.alive(datetime.now(UTC))
    opened(sqlite_store)
    with sqlite_store.begin() as tx:
        [item] = tx.receive("support", "INBOX", 7, received(1, internal_date=EARLIER), NOW)
    do(sqlite_store, Send(outgoing(1)), ledger_id=item)
    with sqlite_store.view() as view:
        assert [row["state"] for row in view.outbox()] == ["waiting"]


def test_a_crash_before_the_marker_is_written_is_no_restore(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sqlite_store.hold(), monkeypatch.context() as patch:
        patch.setattr("ticketd.store.restore.write_marker", lambda *_: None)
        sqlite_store.alive(datetime.now(UTC) + HOUR)
    opened(sqlite_store)
    do(sqlite_store, Send(outgoing(1)))
    with sqlite_store.hold(), sqlite_store.view() as view:
        assert [row["state"] for row in view.outbox()] == ["waiting"]


def test_a_postgresql_dump_put_back_is_said_by_hand(store: Store) -> None:
    opened(store)
    do(store, Send(outgoing(1)))
    store.restored(NOW)
    with store.view() as view:
        assert [row["state"] for row in view.outbox()] == ["cancelled"]
