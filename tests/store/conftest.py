"""A fresh store on each of the two databases, and values to put into it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
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


@pytest.fixture
def sqlite_url(tmp_path: Path, _migrated: Path) -> str:
    """The URL of a fresh, migrated SQLite database."""
    shutil.copy(_migrated, tmp_path / "ticketd.db")
    (tmp_path / "ticketd.db.initialised").touch()
    return f"sqlite:///{tmp_path / 'ticketd.db'}"


@pytest.fixture(scope="session")
def _migrated_url(postgres: Postgres) -> str:
    """One migrated PostgreSQL database for the session."""
    url = postgres.new_database()
    store = Store.open(url)
    store.migrate()
    store.close()
    return url


@pytest.fixture
def postgresql_url(_migrated_url: str) -> str:
    """The URL of a migrated PostgreSQL database, emptied: a new one takes longer than most tests."""
    tables = [*Row.metadata.tables, "search_message", "search_ticket"]
    with psycopg.connect(_migrated_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY CASCADE")
    store = Store.open(_migrated_url)
    store.migrate()
    store.close()
    return _migrated_url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.server)])
def url(request: pytest.FixtureRequest) -> str:
    """The URL of a fresh, migrated database of either kind."""
    return str(request.getfixturevalue(f"{request.param}_url"))


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
