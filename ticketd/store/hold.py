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

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from ticketd.errors import Busy, TicketdError
from ticketd.store.engine import telling

_KEY = int.from_bytes(b"ticketd")
_KEYS = {"high": _KEY >> 32, "low": _KEY & 0xFFFFFFFF}
_HOLDER = text(
    "SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid)"
    " WHERE locktype = 'advisory' AND granted AND classid = :high AND objid = :low"
    " AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
_GRACE = 2.0


def _myself() -> str:
    since = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return f"process {os.getpid()} on {socket.gethostname()[:17]} since {since}"  # PostgreSQL keeps 63 bytes


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


class SessionHold:
    """The hold of a PostgreSQL database: an advisory lock, on a session named after its holder."""

    def __init__(self, engine: Engine, where: str) -> None:
        self._engine = engine
        self._where = where
        self._session: Connection | None = None

    def take(self) -> None:
        """Take the lock; raise Busy where another has it."""
        session = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        session.detach()  # it ends with the hold, rather than going back to the pool
        try:
            if not _lock(session):
                raise _refuse(self._where, session.scalar(_HOLDER, _KEYS) or "")
            session.execute(text("SELECT set_config('application_name', :who, false)"), {"who": _myself()})
        except BaseException:
            session.close()
            raise
        self._session = session

    def renew(self) -> None:
        """See that the lock is still ours; take it again where the server lost our session."""
        try:
            if self._session is not None:
                self._session.execute(text("SELECT 1"))
                return
        except DBAPIError:
            self.release()
        with telling(self._where):
            self.take()

    def release(self) -> None:
        """Let go."""
        session, self._session = self._session, None
        if session is not None:
            session.close()


def _lock(session: Connection) -> bool:
    """Try for a moment: the server needs one to see that a killed holder is gone."""
    until = time.monotonic() + _GRACE
    while not session.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": _KEY}):
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


@contextmanager
def hold_session(engine: Engine, where: str) -> Iterator[SessionHold]:
    """Hold a PostgreSQL database; raise Busy where another does."""
    hold = SessionHold(engine, where)
    with telling(where):
        hold.take()
    try:
        yield hold
    finally:
        hold.release()
