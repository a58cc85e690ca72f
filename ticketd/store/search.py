"""Full text over subjects, addresses and bodies: the user's words, all of them, taken literally.

FTS5 on SQLite, tsvector on PostgreSQL (``dialect``). Knows nothing of folders.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Select, column, false, select

from ticketd.decide.model import Address, Entry
from ticketd.store.cases import message, ticket
from ticketd.store.dialect import found, holds, index_message, is_common, quote_words, unindex_message
from ticketd.store.values import unpack


def index(connection: Connection, id: int, entry: Entry) -> None:
    """Make a new message findable by its subject, its people and its text."""
    people = (entry.author, *entry.to, *entry.cc)
    index_message(connection, id, entry.subject, named(people), entry.text or entry.new_text)


def index_row(connection: Connection, id: int) -> None:
    """Make a message findable by what its row says now."""
    row = connection.execute(select(message).where(message.c.id == id)).one()
    index_message(connection, id, row.subject, _people(row), row.text or row.new_text)


def forget_words(connection: Connection, ids: Sequence[int]) -> None:
    """Make messages unfindable; call it while their rows still say what was indexed."""
    for row in connection.execute(select(message).where(message.c.id.in_(ids))).all():
        unindex_message(connection, row.id, row.subject, _people(row), row.text or row.new_text)


def _people(row: Any) -> str:
    return named((Address(row.author_address, row.author_name), *unpack(row.to), *unpack(row.cc)))


def named(people: Iterable[Address]) -> str:
    """People as searchable text."""
    return " ".join(f"{person.name} {person.address}" for person in people)


def search_query(connection: Connection, query: Select[Any], words: str) -> Select[Any]:
    """``query`` narrowed to tickets that hold all ``words``; words without a letter or digit find nothing."""
    dialect = connection.dialect.name
    quoted = quote_words(dialect, words)
    if not quoted:
        return query.where(false())
    if is_common(connection, quoted):
        return query.where(holds(quoted))
    hits = found(dialect).bindparams(words=quoted).columns(column("ticket")).subquery("hits")
    return query.where(ticket.c.id.in_(hits.select()))
