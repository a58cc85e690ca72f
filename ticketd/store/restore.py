"""Noticing that a database is an older copy put back, so that nothing is sent a second time.

A copy made by ``backup`` says so itself; any other is given away by the marker beside
the file, which counts with it how often the desk was seen at work (a count, since clocks
are set back). Mail that came since the copy
was made is fetched again, but what followed from it was sent already: its outbox rows
are made ``cancelled``, and ``outbox retry`` sends the one that is wanted after all.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import select, text, update

from ticketd.store.engine import marker_of
from ticketd.store.tables import LIVE, desk, outbox

if TYPE_CHECKING:
    from ticketd.store.database import Store

NOT_AGAIN = "not sent again: the database was restored from a backup"
_TEXT = "A ticketd database was made here; if the file is gone, restore a backup. Generation: "


def write_marker(database: Path, generation: int) -> None:
    """Say beside the file that a database is here, and how far it had come."""
    marker = marker_of(database)
    partial = marker.with_name(marker.name + ".partial")
    partial.write_text(f"{_TEXT}{generation}\n")
    partial.rename(marker)


def read_marker(database: Path) -> int:
    """How far the database had come by the marker; 0 where it does not say."""
    try:
        return int(marker_of(database).read_text().rpartition(": ")[2])
    except (OSError, ValueError):
        return 0


def note_alive(store: Store, now: datetime) -> None:
    """Note in the database, then beside it, that the desk is at work."""
    with store.begin("alive") as tx:
        next_one = desk.c.generation + 1
        tx.connection.execute(update(desk).values(alive_at=now, copied_at=None, generation=next_one))
        generation = tx.connection.scalar(select(desk.c.generation))
    if store.path and generation:
        write_marker(store.path, generation)


def note_restored(store: Store, now: datetime) -> None:
    """From now on nothing is sent that follows from mail of before; what waits is not sent either."""
    with store.begin("restored") as tx:
        tx.connection.execute(update(desk).values(restored_at=now, copied_at=None))
        waits = update(outbox).where(text(LIVE)).values(state="cancelled", last_error=NOT_AGAIN)
        tx.connection.execute(waits.values(lease_until=None))


def copy(database: Path, path: Path, now: datetime) -> None:
    """Copy a SQLite database as it stands at one moment; the copy knows that it is one."""
    partial = path.with_name(path.name + ".partial")
    partial.touch(0o600)
    try:
        with (
            closing(sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(partial)) as target,
        ):
            source.backup(target)
            _mark(target, now)
        partial.rename(path)
    finally:
        partial.unlink(missing_ok=True)


def _mark(copy: sqlite3.Connection, now: datetime) -> None:
    copy.execute("UPDATE desk SET copied_at = ?", (now.astimezone(UTC).replace(tzinfo=None).isoformat(" "),))
    copy.commit()
    copy.execute("PRAGMA journal_mode=DELETE")  # one file, whole in itself


def examine(store: Store, now: datetime) -> None:
    """At the start of a hold: see whether this is a copy put back, and note that we are at work."""
    with store.view() as view:
        row = view.connection.execute(select(desk.c.generation, desk.c.copied_at)).one_or_none()
    if row is None:
        return
    if row.copied_at is not None or (store.path and row.generation < read_marker(store.path)):
        note_restored(store, now)
    note_alive(store, now)
