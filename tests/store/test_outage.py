"""The database's own trouble: one sentence, nothing half done, and the next transaction works."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.store.given import NOW, do, entry, look, opened, received
from ticketd.decide.effects import Append, Record
from ticketd.errors import Busy, NotFound, Unavailable
from ticketd.store import Store

pytestmark = pytest.mark.filterwarnings("error")


@contextmanager
def cut_off(store: Store) -> Iterator[None]:
    """A transaction whose PostgreSQL session is ended amid it."""
    with store.begin() as tx:
        tx.receive("support", "INBOX", 7, received(1), NOW)
        ours = tx.connection.scalar(text("SELECT pg_backend_pid()"))
        with store.view() as other:
            other.connection.execute(text("SELECT pg_terminate_backend(:ours)"), {"ours": ours})
        tx.set_cursor("support", "INBOX", 7, 1)
        yield


@pytest.fixture
def postgresql_url(fresh_postgresql: Callable[[], str]) -> str:
    return fresh_postgresql()


@pytest.fixture
def postgresql(postgresql_url: str) -> Iterator[Store]:
    store = Store.open(postgresql_url)
    yield store
    store.close()


@pytest.mark.server
def test_a_session_that_ends_leaves_nothing_and_the_next_works(postgresql: Store) -> None:
    with pytest.raises(Unavailable, match="cannot be used just now"), cut_off(postgresql):
        pass
    with postgresql.view() as view:
        assert view.ledger() == []
    assert opened(postgresql) == 1


@pytest.mark.server
def test_idle_sessions_that_were_ended_are_replaced_unseen(postgresql: Store) -> None:
    opened(postgresql)
    with postgresql.begin() as tx, postgresql.view():
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        tx.connection.execute(text(f"{others} AND pid <> pg_backend_pid() AND state = 'idle'"))
    assert opened(postgresql) == 2


def end_all_others(store: Store) -> None:
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
    with store.begin() as tx:
        tx.connection.execute(text(f"{others} AND pid <> pg_backend_pid()"))


@pytest.mark.server
def test_a_hold_that_the_server_lost_is_taken_again(postgresql: Store, postgresql_url: str) -> None:
    other = Store.open(postgresql_url)
    with postgresql.hold():
        end_all_others(other)
        postgresql.alive(NOW)
        with pytest.raises(Busy), other.hold():
            pass
        end_all_others(other)
        with other.hold(), pytest.raises(Busy, match=f"process {os.getpid()} on "):
            postgresql.alive(NOW)
    other.close()


@pytest.mark.server
def test_an_empty_database_can_be_held(pg_url: str) -> None:
    store, other = Store.open(pg_url), Store.open(pg_url)
    with store.hold(), pytest.raises(Busy, match="process"), other.hold():
        pass
    store.close()
    other.close()


@pytest.mark.server
def test_a_server_that_turned_read_only_is_an_outage(postgresql: Store) -> None:
    with postgresql.begin() as tx:
        tx.connection.execute(text("ALTER ROLE ticketd SET default_transaction_read_only = on"))
    postgresql.close()
    try:
        with pytest.raises(Unavailable, match="read-only"):
            opened(postgresql)
    finally:
        postgresql.close()
        with postgresql.begin() as tx:
            tx.connection.execute(text("SET TRANSACTION READ WRITE"))
            tx.connection.execute(text("ALTER ROLE ticketd RESET default_transaction_read_only"))
        postgresql.close()


def test_a_wrong_statement_is_ours_and_shows_nobodys_words(store: Store) -> None:
    with pytest.raises(DBAPIError) as caught:
        do(store, Append(99, entry(text="a secret thing")))
    assert "secret" not in str(caught.value)
    assert opened(store) == 1


def test_an_empty_database_says_what_to_do(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'ticketd.db'}")
    with pytest.raises(NotFound, match="db upgrade"), store.view() as view:
        view.list_tickets()
    with pytest.raises(NotFound, match="db upgrade"):
        look(store)
    store.close()


def test_what_is_about_no_ticket_has_no_history(store: Store) -> None:
    opened(store)
    do(store, Record(0, "failed"), Record(1, "failed"))
    with store.view() as view:
        assert [event["kind"] for event in view.ticket(1)["events"]] == ["failed"]


def test_a_reader_sees_one_moment(store: Store) -> None:
    opened(store)
    with store.view() as view:
        assert len(view.list_tickets()) == 1
        opened(store)
        assert len(view.list_tickets()) == 1
