"""The schema equals the migrations, in both directions; an upgrade is whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from ticketd.errors import TicketdError
from ticketd.store import Store, hooks
from ticketd.store.migrations import HEAD, KNOWN
from ticketd.store.migrations.run import config, include_name
from ticketd.store.tables import Row


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.server)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database that has nothing in it."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'new' / 'ticketd.db'}"
    return str(request.getfixturevalue("pg_url"))


def tables(store: Store) -> set[str]:
    with store.view() as view:
        return set(inspect(view.connection).get_table_names())


def test_the_known_revisions_are_the_scripts() -> None:
    scripts = [script.revision for script in ScriptDirectory.from_config(config()).walk_revisions()]
    assert tuple(reversed(scripts)) == KNOWN
    assert KNOWN[-1] == HEAD


def test_the_migrated_schema_is_what_the_row_classes_say(store: Store) -> None:
    with store.view() as view:
        options = {"compare_type": True, "include_name": include_name}
        context = MigrationContext.configure(view.connection, opts=options)
        assert compare_metadata(context, Row.metadata) == []
        inspector = inspect(view.connection)
        for name, table in Row.metadata.tables.items():
            found = {column["name"]: column["nullable"] for column in inspector.get_columns(name)}
            assert found == {column.name: column.nullable for column in table.columns}, name
            indexes = {index["name"]: index["unique"] for index in inspector.get_indexes(name)}
            assert {key: bool(unique) for key, unique in indexes.items()} == {
                index.name: index.unique for index in table.indexes
            }, name


def test_an_empty_database_is_migrated_once_and_the_desk_founded_once(empty_url: str) -> None:
    store = Store.open(empty_url)
    assert store.schema_current() is None
    with pytest.raises(TicketdError):
        store.desk()
    store.migrate()
    desk = store.desk()
    store.migrate()
    assert store.schema_current() == store.schema_head() == HEAD
    assert store.desk() == desk
    assert len(desk.instance) == 16
    assert set(desk.instance) <= set("abcdefghijklmnopqrstuvwxyz234567")
    assert len(desk.keys[0]) == 32
    assert "keys" not in repr(desk)
    store.close()


@pytest.mark.parametrize("point", [f"migrated:{revision}" for revision in KNOWN] + ["before-commit:migrate"])
def test_a_crash_in_a_migration_leaves_the_old_schema(empty_url: str, point: str) -> None:
    class Stopped(BaseException):
        pass

    def stop(reached: str) -> None:
        if reached == point:
            raise Stopped

    store = Store.open(empty_url)
    hooks.install(stop)
    try:
        with pytest.raises(Stopped):
            store.migrate()
    finally:
        hooks.install(None)
    assert tables(store) == set()
    store.migrate()
    assert store.schema_current() == HEAD
    store.close()


def test_a_newer_schema_is_refused(store: Store, url: str) -> None:
    with store.begin() as tx:
        tx.connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    try:
        with pytest.raises(TicketdError, match="newer"):
            Store.open(url)
    finally:
        with store.begin() as tx:
            tx.connection.execute(text(f"UPDATE alembic_version SET version_num = '{HEAD}'"))
