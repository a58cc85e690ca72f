"""Opening the database: connections set as the promise needs them, and every way it can be unusable.

SQLite runs in WAL with ``synchronous=FULL`` and foreign keys; writers begin IMMEDIATE
(a deferred transaction that turns to writing fails at once), views begin deferred.
Knows nothing of what is stored.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from ticketd.errors import ConfigError, NotFound, TicketdError
from ticketd.store.dialect import explain

BUSY_MS = 30_000

_PRAGMAS = (
    f"busy_timeout={BUSY_MS}",
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "secure_delete=ON",  # as Debian builds it: what is deleted is overwritten
    "wal_autocheckpoint=4000",
    "journal_size_limit=67108864",
)


class Turnstile:
    """A lock whose waiters go through in the order they came: no thread starves another."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._taken = False

    def __enter__(self) -> None:
        with self._guard:
            if not self._taken:
                self._taken = True
                return
            gate = threading.Lock()
            gate.acquire()
            self._waiting.append(gate)
        gate.acquire()

    def __exit__(self, *_: object) -> None:
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False


def read_url(text: str) -> URL:
    """The database's URL, with our driver; a bare ``postgresql://`` means psycopg."""
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise ConfigError(f"The database URL is not one: {error}.") from error
    if url.drivername in {"postgresql", "postgres"}:
        url = url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() not in {"sqlite", "postgresql"}:
        raise ConfigError(f"The database is SQLite or PostgreSQL, not {url.get_backend_name()}.")
    return url


def shown(url: URL) -> str:
    """The database's name for messages: the file, or the URL without its password."""
    return str(url.database) if url.get_backend_name() == "sqlite" else url.render_as_string()


def marker_of(path: Path) -> Path:
    """The file that says that a database was once made here."""
    return path.with_name(path.name + ".initialised")


def prepare_file(path: Path, create: bool) -> None:
    """See that the SQLite file is there and is ours to write; make a new one where none ever was."""
    if path.exists() and not (path.stat().st_size == 0 and marker_of(path).exists()):
        if not os.access(path, os.R_OK | os.W_OK):
            raise TicketdError(f"The database {path} cannot be written by this user.")
        return
    if marker_of(path).exists():
        raise TicketdError(
            f"The database {path} is gone, though it was made here: restore a backup,"
            f" or remove {marker_of(path).name} to begin anew."
        )
    if not create:
        raise NotFound(f"There is no database at {path}: run `ticketd db upgrade` or the daemon once.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise TicketdError(f"The database {path} cannot be made: {error.strerror}.") from error


def identity(path: Path) -> tuple[int, int] | None:
    """Which file it is, whatever its name; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _set_up_sqlite(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def connect_file(path: Path) -> sqlite3.Connection:
    """Open a database that is there: a connection must not make an empty one where it was taken away."""
    where = f"{path.resolve().as_uri()}?mode=rw"
    return sqlite3.connect(where, uri=True, check_same_thread=False, timeout=BUSY_MS / 1000)


def make_engine(url: URL) -> Engine:
    """An engine of at most ten connections that speaks to either database as we need it."""
    # Parameters hold what people wrote: no error message may show them.
    options: dict[str, Any] = {"pool_size": 5, "max_overflow": 5, "pool_timeout": 60, "hide_parameters": True}
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, creator=lambda: connect_file(Path(str(url.database))), **options)
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    try:
        # Either end notices within a minute or two that the other is gone, rather than in hours.
        session = "-c timezone=utc -c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10"
        options["connect_args"] = {"connect_timeout": 10, "keepalives_idle": 30, "options": session}
        return create_engine(url, pool_pre_ping=True, **options)
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        raise ConfigError(
            'PostgreSQL needs its driver: install "ticketd[postgresql]" or choose SQLite.'
        ) from error


@contextmanager
def telling(where: str) -> Iterator[None]:
    """Turn any database error inside into one sentence that names the database."""
    try:
        yield
    except DBAPIError as error:
        raise explain(error, where) from error
