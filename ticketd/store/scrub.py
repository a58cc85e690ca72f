"""Take out of SQLite's files what was deleted from its tables, so that nobody reads it there.

FTS5 writes down that a word is gone and keeps the word until its segments are merged
(its own ``secure-delete`` came with SQLite 3.42); pages that were freed and the log keep
old contents. The merge goes on in steps between which others write. Knows nothing of
whose words they were.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path

from sqlalchemy import Connection, text

from ticketd.store.engine import connect_file

LARGE = 1 << 30
"""Bytes: a file that is larger is not written anew, which would keep a busy desk waiting."""

_STEP = 1000  # pages of the index that one transaction merges: some milliseconds
_TABLES = ("search_message", "search_ticket")
_MERGE = "INSERT INTO {0} ({0}, rank) VALUES ('merge', :pages)"

Writing = Callable[[], AbstractContextManager[Connection]]


def scrub(path: Path, writing: Writing, large: int = LARGE) -> str | None:
    """Leave nothing in the files that is in no table; else the sentence that says what may be left.

    ``writing`` gives a connection within a write transaction of its own.
    """
    for table in _TABLES:
        _merge(table, writing)
    rewritten = path.stat().st_size <= large
    try:
        with closing(connect_file(path)) as connection:
            connection.isolation_level = None
            if rewritten:
                connection.execute("VACUUM")
            busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.OperationalError as error:
        return f"unused space of {path} may still hold words of theirs ({error}): say it again later"
    if busy:
        return f"{path}-wal may still hold words of theirs (somebody reads it): say it again later"
    if not rewritten:
        return f"unused space of {path} may still hold words of theirs until it is rewritten (VACUUM)"
    return None


def _merge(table: str, writing: Writing) -> None:
    """Merge all segments into one, in which what was deleted does not come any more.

    A negative number begins, positive ones go on with what was there then (FTS5, "The
    'merge' command"): what others write meanwhile is left alone, so that it ends.
    """
    pages = -_STEP
    while True:
        with writing() as connection:
            if not _changes(connection, table, pages):
                return
        pages = _STEP


def _changes(connection: Connection, table: str, pages: int) -> bool:
    """One step of the merge; whether there was anything to do (one row is the command itself)."""
    before = _total(connection)
    connection.execute(text(_MERGE.format(table)), {"pages": pages})
    return _total(connection) - before >= 2


def _total(connection: Connection) -> int:
    raw = connection.connection.dbapi_connection
    assert isinstance(raw, sqlite3.Connection)
    return raw.total_changes
