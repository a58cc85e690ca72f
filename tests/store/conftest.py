"""A fresh store on each of the two databases, and values to put into it."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.servers.postgres import Postgres
from ticketd.store import Store
from ticketd.store.tables import Row


@pytest.fixture(scope="session")
def _migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy, since migrating takes longer than most tests."""
    path = tmp_path_factory.mktemp("template") / "ticketd.db"
    store = Store.open(f"sqlite:///{path}")
    store.migrate()
    store.close()
    return path


@pytest.fixture(scope="session")
def _migrated_url(postgres: Postgres) -> str:
    """One migrated PostgreSQL database for the session."""
    url = postgres.new_database()
    store = Store.open(url)
    store.migrate()
    store.close()
    return url


@pytest.fixture
def fresh_sqlite(tmp_path: Path, _migrated: Path) -> Callable[[], str]:
    """Makes fresh, migrated SQLite databases: their URLs."""
    serials = itertools.count(1)

    def make() -> str:
        path = tmp_path / f"state{next(serials)}" / "ticketd.db"
        path.parent.mkdir()
        shutil.copy(_migrated, path)
        path.with_name("ticketd.db.initialised").touch()
        return f"sqlite:///{path}"

    return make


@pytest.fixture
def fresh_postgresql(_migrated_url: str) -> Callable[[], str]:
    """Empties the migrated PostgreSQL database: a new one takes longer than most tests."""
    tables = [*Row.metadata.tables, "search_message", "search_ticket"]

    def make() -> str:
        with psycopg.connect(_migrated_url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY CASCADE")
        store = Store.open(_migrated_url)
        store.migrate()
        store.close()
        return _migrated_url

    return make


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.server)])
def fresh_url(request: pytest.FixtureRequest) -> Callable[[], str]:
    """Makes a fresh, migrated database of either kind; on PostgreSQL one at a time."""
    made: Callable[[], str] = request.getfixturevalue(f"fresh_{request.param}")
    return made


@pytest.fixture
def url(fresh_url: Callable[[], str]) -> str:
    """The URL of a fresh, migrated database of either kind."""
    return fresh_url()


@pytest.fixture
def sqlite_url(fresh_sqlite: Callable[[], str]) -> str:
    """The URL of a fresh, migrated SQLite database."""
    return fresh_sqlite()


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """A fresh store on either database."""
    store = Store.open(url)
    yield store
    store.close()


@pytest.fixture
def sqlite_store(sqlite_url: str) -> Iterator[Store]:
    """A fresh store on SQLite, for what concerns its file."""
    store = Store.open(sqlite_url)
    yield store
    store.close()
