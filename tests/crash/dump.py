"""The whole database as text, without ids of ours and times of attempts, on SQLite and on PostgreSQL.

Also makes, keeps and restores the database of a ``Ground``. Reads tables directly: it is
no part of the program that is put to the test.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

import psycopg

from tests.servers.postgres import Postgres
from ticketd.store import Store
from ticketd.store.tables import Row

Dump = dict[str, list[str]]

SIGNED = r"([a-z2-7]{16}|\.[a-z2-7]{8}(\.[a-z])?)?[.:][a-z2-7]{16}\b"
"""The part of our ids that was drawn from the desk's keys and from numbers that the database gave."""

_OURS = re.compile(SIGNED)
_LEFT_OUT = {
    "desk": {"instance", "signing_key", "previous_keys", "created_at", "alive_at", "copied_at", "generation"},
    "mailbox": {"last_poll_at", "uidvalidity", "floor_uidvalidity", "floor_at"},
    "ledger": {"id", "uidvalidity", "attempts", "traceback", "reason", "seen_at", "concluded_at"},
    "outbox": {"id", "dedupe", "sha256", "cause", "attempts", "response", "last_error", "last_attempt_at"},
    "outgoing": {"sha256", "content"},
    "message": {"id", "ledger"},
    "attachment": {"message"},
    "event": {"id", "batch"},
    "token": {"serial", "last_message"},
    "question": {"serial", "item"},
    "holder": {"who"},
    "notice": {"key"},
}
"""What rightly differs from run to run: ids that the database gave, what was drawn from them, attempts."""


def settled_dump(dump: Dump) -> tuple[Dump, int]:
    """A dump as if no answer had been lost, and how many were.

    A mail in doubt says so: the event ``resent``, or for an acknowledgement, which is not
    sent again, the state ``failed`` and the event ``ack``. All else must be as it would be.
    """
    doubts = sum("doubts=1" in row for row in dump["outbox"]) + 2 * sum(
        bool(re.search("doubts=[2-9]", row)) for row in dump["outbox"]
    )
    events = [row for row in dump["event"] if not ("kind=resent" in row or "kind=ack " in row)]
    outbox = [_settled(row) for row in dump["outbox"]]
    return {**dump, "event": events, "outbox": outbox}, doubts


def _settled(row: str) -> str:
    if "kind=acknowledgement" in row and "doubts=1" in row:
        row = row.replace("state=failed", "state=sent").replace("sent_at=None", "sent_at=set")
    return row.replace("doubts=1", "doubts=0")


class Databases(Protocol):
    """The databases of one ground."""

    setting: str

    def found(self, state: Path, *, founded: bool) -> None:
        """A fresh database; ``founded`` one that is migrated already."""

    def keep(self, number: int) -> str:
        """Remember the database as it stands; what ``restore`` calls it."""

    def restore(self, kept: str) -> None:
        """The database as it was."""

    def dump(self, state: Path) -> Dump:
        """Every table, every row."""

    def close(self) -> None:
        """Give everything back."""


class SqliteDatabases:
    """SQLite stands in the state directory: whoever copies that has copied it."""

    setting = ""

    def found(self, state: Path, *, founded: bool) -> None:
        if founded:
            state.mkdir(mode=0o700, parents=True)
            migrate(f"sqlite:///{state / 'ticketd.db'}")

    def keep(self, number: int) -> str:
        return ""

    def restore(self, kept: str) -> None:
        pass

    def dump(self, state: Path) -> Dump:
        with closing(sqlite3.connect(state / "ticketd.db")) as connection:
            return _dump(connection.execute)

    def close(self) -> None:
        pass


class PostgresDatabases:
    """Copies of PostgreSQL databases, made by the server from templates."""

    def __init__(self, server: Postgres) -> None:
        self._server = server
        self._url = server.new_database()
        self._name = self._url.rpartition("/")[2]
        self._kept: set[str] = set()
        self.setting = f'database = "{self._url.replace("+psycopg", "")}"'

    def found(self, state: Path, *, founded: bool) -> None:
        self._again("template0")
        if founded:
            migrate(self._url)

    def keep(self, number: int) -> str:
        name = f"{self._name}_{'after' if number < 0 else number}"
        self._copy(self._name, name)
        self._kept.add(name)
        return name

    def restore(self, kept: str) -> None:
        self._again(kept)

    def dump(self, state: Path) -> Dump:
        with psycopg.connect(self._url.replace("+psycopg", "")) as connection:
            return _dump(connection.execute)

    def close(self) -> None:
        """Drop them all."""
        for name in (self._name, *self._kept):
            self._server.drop_database(f"/{name}")

    def _again(self, template: str) -> None:
        self._copy(template, self._name)

    def _copy(self, template: str, name: str) -> None:
        self._server.drop_database(f"/{name}")
        self._server._administer(f"CREATE DATABASE {name} TEMPLATE {template}")


def migrate(url: str) -> None:
    """Make a database what the program works with."""
    store = Store.open(url)
    try:
        store.migrate()
    finally:
        store.close()


def _dump(ask: Any) -> Dump:
    return {name: _rows(ask, name) for name in sorted(Row.metadata.tables)}


def _rows(ask: Any, name: str) -> list[str]:
    table = Row.metadata.tables[name]
    columns = [column.name for column in table.columns]
    keys = [column.name for column in table.primary_key]
    order = ", ".join(f'"{key}"' for key in keys)
    names = ", ".join(f'"{column}"' for column in columns)
    found = ask(f"SELECT {names} FROM {name} ORDER BY {order}").fetchall()
    left_out = _LEFT_OUT.get(name, set())
    rows = [
        " ".join(f"{column}={_shown(column, value)}" for column, value in _pairs(columns, row, left_out))
        for row in found
    ]
    return rows if name in ("message", "event") else sorted(rows)


def _pairs(columns: list[str], row: Iterable[Any], left_out: set[str]) -> list[tuple[str, Any]]:
    return [(column, value) for column, value in zip(columns, row, strict=True) if column not in left_out]


def _shown(column: str, value: Any) -> str:
    if column == "sent_at":
        return "set" if value else "None"
    if isinstance(value, bytes | memoryview):
        return f"{len(bytes(value))} bytes"
    return _OURS.sub("", str(value))
