"""The store's door: open, migrate, hold, begin, view.

A writer gets a transaction, a reader a view; every commit has a name and two points at
which a test may stop the process. Knows nothing of mail.
"""

from __future__ import annotations

import base64
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, inspect, select, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ticketd.errors import Damaged, NotFound, TicketdError, Unavailable, UsageError
from ticketd.store import hooks, restore
from ticketd.store.dialect import explain, insert_or_ignore, is_outage
from ticketd.store.dump import dump
from ticketd.store.engine import (
    Turnstile,
    identity,
    make_engine,
    marker_of,
    prepare_file,
    read_url,
    shown,
    telling,
)
from ticketd.store.grants import Granting
from ticketd.store.hold import SessionHold, hold_file, hold_session
from ticketd.store.migrations import HEAD, KNOWN
from ticketd.store.outbox import Outboxing
from ticketd.store.privacy import Forgetting
from ticketd.store.scrub import scrub
from ticketd.store.tables import desk
from ticketd.store.time import Timing
from ticketd.store.views import View
from ticketd.store.waiting import Waitings

_HEAVY = 1_000_000  # bytes


@dataclass(frozen=True, slots=True)
class Desk:
    """What the desk is for good: its name on the wire, and its keys, the signing one first."""

    instance: str
    keys: tuple[bytes, ...] = field(repr=False)
    created_at: datetime


class Transaction(Outboxing, Timing, Waitings, Forgetting, Granting):
    """One write transaction; it commits when its ``with`` block ends, or not at all.

    ``heavy`` is whether it wrote big contents, which the connection then holds a copy of.
    """

    heavy = False

    def put(self, table: Table, rows: list[dict[str, Any]]) -> int:
        """Insert rows that are not there yet; how many were new."""
        self.heavy = self.heavy or any(len(row.get("content", b"")) > _HEAVY for row in rows)
        return super().put(table, rows)


class Store:
    """A desk's database. Safe to share between threads; a transaction belongs to one."""

    def __init__(self, url: URL) -> None:
        self._url = url
        self.where = shown(url)
        self._engine = make_engine(url)
        self._writing = self._engine.execution_options(writes=True)
        self._reading = self._engine
        if self.path is None:  # SQLite's readers see one moment anyway
            self._reading = self._engine.execution_options(isolation_level="REPEATABLE READ")
        self._held: SessionHold | None = None
        self.damage = ""  # why nobody can go on with this database; "" while it is sound
        self._file = identity(self.path) if self.path else None
        self._turn: AbstractContextManager[None] = Turnstile() if self.path else nullcontext()

    @property
    def path(self) -> Path | None:
        """The SQLite file; None on PostgreSQL."""
        return Path(str(self._url.database)) if self._url.get_backend_name() == "sqlite" else None

    @staticmethod
    def open(url: str, *, create: bool = True) -> Store:
        """Open a database, without migrating it; raise TicketdError with one sentence where that fails."""
        parsed = read_url(url)
        if parsed.get_backend_name() == "sqlite":
            if not parsed.database or parsed.database == ":memory:":
                raise UsageError("The database is a file: nothing is kept in memory alone.")
            prepare_file(Path(parsed.database), create)
        store = Store(parsed)
        try:
            current = store.schema_current()
        except BaseException:
            store.close()
            raise
        if current is not None and current not in KNOWN:
            store.close()
            raise TicketdError(
                f"The database {store.where} has schema {current}, from a newer ticketd than this one."
            )
        return store

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def schema_current(self) -> str | None:
        """The schema's revision; None where there is none yet."""
        with telling(self.where), self._engine.connect() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return None
            found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
            return found

    def schema_head(self) -> str:
        """The revision that this program works with."""
        return HEAD

    def migrate(self) -> None:
        """Bring the schema to the head, in one transaction: the old one or the new one, nothing between."""
        if self.schema_current() != HEAD:
            from ticketd.store.migrations.run import upgrade  # alembic is slow to import

            with telling(self.where), self._turn, self._writing.connect() as connection, connection.begin():
                upgrade(connection)
                hooks.at("before-commit:migrate")
            hooks.at("after-commit:migrate")
        with self.begin("found") as tx:
            tx.connection.execute(insert_or_ignore(tx.connection.dialect.name, desk), _new_desk())
        if self.path and not marker_of(self.path).exists():
            restore.write_marker(self.path, 0)

    def desk(self) -> Desk:
        """Who this desk is; raise TicketdError before the first ``migrate``."""
        row = None
        if self.schema_current() is not None:
            with self.view() as view:
                row = view.connection.execute(select(desk)).one_or_none()
        if row is None:
            raise self._empty()
        keys = (row.signing_key, *(bytes.fromhex(key) for key in row.previous_keys))
        return Desk(row.instance, keys, row.created_at)

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Be the one daemon of this database; raise Busy naming the other one."""
        if self.path:
            with hold_file(self.path):
                self._examine()
                yield
            return
        with hold_session(self._engine, self.where) as self._held:
            self._examine()
            yield
        self._held = None

    def _examine(self) -> None:
        if self.schema_current() == HEAD:
            restore.examine(self, datetime.now(UTC))

    def alive(self, now: datetime) -> None:
        """Note every minute that the desk is at work: it dates a backup (``restore``) and renews the hold.

        Raise Busy where another daemon took PostgreSQL over while its server was away.
        """
        if self._held is not None:
            self._held.renew()
        restore.note_alive(self, now)

    def restored(self, now: datetime) -> None:
        """Say that this is an older copy, put back: nothing that followed since is sent again."""
        restore.note_restored(self, now)

    @contextmanager
    def begin(self, name: str = "write") -> Iterator[Transaction]:
        """A write transaction. Trouble of the database itself is raised as a TicketdError."""
        if self.path and identity(self.path) != self._file:
            self.damage = f"The database {self.where} was removed or replaced while in use."
            raise Damaged(self.damage)
        try:
            with self._turn, self._writing.connect() as connection:
                with connection.begin() as transaction:
                    tx = Transaction(connection)
                    yield tx
                    hooks.at(f"before-commit:{name}")
                    transaction.commit()
                if tx.heavy:  # SQLite keeps what a prepared statement was last given: 50 MB of a big mail
                    connection.invalidate()
                hooks.at(f"after-commit:{name}")
        except (DBAPIError, PoolTimeout) as error:
            self._tell(error)
            raise

    @contextmanager
    def view(self) -> Iterator[View]:
        """A reader that sees one moment and never waits for a writer."""
        try:
            with self._reading.connect() as connection, connection.begin():
                yield View(connection)
        except (DBAPIError, PoolTimeout) as error:
            self._tell(error)
            raise

    def _tell(self, error: DBAPIError | PoolTimeout) -> None:
        """Raise the database's own trouble as one sentence; a wrong statement is ours and stays itself."""
        if isinstance(error, PoolTimeout):
            raise Unavailable(f"The database {self.where} is too busy: no connection came free.") from error
        if is_outage(error):
            self._engine.dispose()  # after an I/O error SQLite wants its file opened anew
            trouble = explain(error, self.where)
            self.damage = self.damage or (str(trouble) if isinstance(trouble, Damaged) else "")
            raise trouble from error
        if self.schema_current() is None:
            raise self._empty() from error

    def _empty(self) -> TicketdError:
        return NotFound(f"The database {self.where} is empty: run `ticketd db upgrade`.")

    def scrub(self) -> str | None:
        """After forgetting: leave nothing in SQLite's files that is in no table (``scrub``).

        The sentence that says what may be left there; on PostgreSQL old rows are its VACUUM's.
        """
        return scrub(self.path, self._writing_alone) if self.path else None

    @contextmanager
    def _writing_alone(self) -> Iterator[Connection]:
        with self.begin("scrub") as tx:
            yield tx.connection

    def backup(self, path: Path) -> None:
        """Copy the database to a new file while others read and write it.

        SQLite's is a database again, PostgreSQL's is for pg_restore.
        """
        try:
            if path.exists():
                raise UsageError(f"The file {path} is there already.")
            self._copy(path)
        except (OSError, sqlite3.Error) as error:
            reason = getattr(error, "strerror", None) or error
            raise TicketdError(f"I cannot back up to {path}: {reason}.") from error

    def _copy(self, path: Path) -> None:
        if self.path is not None:
            restore.copy(self.path, path, datetime.now(UTC))
            return
        named = self._url.translate_connect_args(username="user", database="dbname")
        dump({**named, **self._url.query}, path)


def _new_desk() -> dict[str, object]:
    instance = base64.b32encode(secrets.token_bytes(10)).decode("ascii").lower()
    founded = {"id": 1, "instance": instance, "signing_key": secrets.token_bytes(32)}
    return founded | {"previous_keys": [], "next_ticket": 1, "created_at": datetime.now(UTC)}
