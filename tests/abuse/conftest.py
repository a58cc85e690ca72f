"""Desks that were prepared once and are taken back to that for each attack."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from .kit import ANNAS_WORDS, SECRET, Desk, again, open_desk

Make = Callable[..., Desk]


@pytest.fixture(scope="session")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Desk]]:
    """Two open desks that all tests share, one after the other."""
    desks = [open_desk(tmp_path_factory.mktemp("desk")) for _ in range(2)]
    yield desks
    for desk in desks:
        desk.store.close()


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    """A database with nothing in it."""
    desk = open_desk(tmp_path_factory.mktemp("empty"))
    yield from _prepared(desk)


@pytest.fixture(scope="session")
def peopled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    """A database with two tickets.

    The first is Jane's and assigned to Anna, pending, with a note of Bob's; the second is
    Lee's and nobody's. A mail that may be Bob's is parked.
    """
    desk = open_desk(tmp_path_factory.mktemp("peopled"))
    assert desk.mail("Jane Doe <jane@example.org>", "My printer is on fire.") == {"ticket": 1}
    assert desk.answer("anna", ANNAS_WORDS) == {"ticket": 1}
    assert desk.answer("bob", f"#note\n{SECRET}") == {"ticket": 1}
    assert desk.mail("lee@example.org", "Where is my parcel?", Subject="Parcel") == {"ticket": 1}
    assert desk.mail("bob@example.com", "#requester lee@example.org\n\nSoon.") == {"parked": 1}
    assert desk.ticket(1)["assignee"] == "anna@example.com"
    assert desk.ticket(1)["status"] == "pending"
    yield from _prepared(desk)


def _prepared(desk: Desk) -> Iterator[sqlite3.Connection]:
    desk.store.close()
    with closing(sqlite3.connect(desk.directory / "ticketd.db")) as connection:
        yield connection


@pytest.fixture
def bare(pool: list[Desk], empty: sqlite3.Connection) -> Make:
    """Makes desks with nothing in them, their mailbox set as asked; two at most."""
    return _maker(pool, empty)


@pytest.fixture
def busy(pool: list[Desk], peopled: sqlite3.Connection) -> Make:
    """Makes desks with the two tickets, their mailbox set as asked; two at most."""
    return _maker(pool, peopled)


def _maker(pool: list[Desk], prepared: sqlite3.Connection) -> Make:
    waiting = iter(pool)

    def make(**mailbox: Any) -> Desk:
        return again(next(waiting), prepared, **mailbox)

    return make
