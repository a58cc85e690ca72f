"""The daemon's exclusive hold of a database: one at a time, and whoever is refused hears who holds it.

A lock of the operating system (SQLite) or of the session (PostgreSQL) alone decides, so
a killed daemon delays nobody; what is written beside it is for people.
"""

from __future__ import annotations

import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, delete, insert, select, text

from ticketd.errors import Busy, TicketdError
from ticketd.store.tables import holder

_KEY = int.from_bytes(b"ticketd")
_GRACE = 2.0


def _myself() -> str:
    since = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return f"process {os.getpid()} on {socket.gethostname()} since {since}"


def _refuse(where: str, who: str) -> Busy:
    return Busy(f"The database {where} is held by {who or 'another process'}: only one daemon may use it.")


@contextmanager
def hold_file(database: Path) -> Iterator[None]:
    """Hold a SQLite database through ``<database>.lock``; raise Busy where another does."""
    path = database.with_name(database.name + ".lock")
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise TicketdError(f"The lock file {path} cannot be opened: {error.strerror}.") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            who = os.pread(descriptor, 500, 0).decode("utf-8", "replace").strip()
            raise _refuse(str(database), who) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{_myself()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _lock(connection: Connection) -> bool:
    """Take the lock; the server may need a moment to see that a killed holder is gone."""
    until = time.monotonic() + _GRACE
    while not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": _KEY}):
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


@contextmanager
def hold_session(engine: Engine, where: str) -> Iterator[None]:
    """Hold a PostgreSQL database by an advisory lock on a connection of its own."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not _lock(connection):
            raise _refuse(where, connection.scalar(select(holder.c.who)) or "")
        try:
            connection.execute(delete(holder))
            connection.execute(insert(holder), {"id": 1, "who": _myself()})
            yield
        finally:
            if not connection.invalidated:
                connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _KEY})
