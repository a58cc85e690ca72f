"""Where the two databases differ: inserting once, full text, what an error means.

Everything else in the store is one code for SQLite and PostgreSQL. SQLite searches with
FTS5, PostgreSQL with tsvector; both tables stand outside the metadata.
"""

from __future__ import annotations

import re
import sqlite3
from functools import cache
from typing import Any
from unicodedata import combining, normalize

from sqlalchemy import Connection, Table, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.dml import Insert
from sqlalchemy.sql.elements import TextClause

from ticketd.errors import Damaged, TicketdError, Unavailable
from ticketd.store.types import clean

SEARCH_CAP = 100_000
"""Characters of a body that are searchable: a tsvector holds 1 MB."""

_SEPARATORS = re.compile(r"[\W_]+")

_INDEX = {
    "sqlite": text(
        "INSERT INTO search_message (rowid, subject, addresses, body)"
        " VALUES (:id, :subject, :addresses, :body)"
    ),
    "postgresql": text(
        "INSERT INTO search_message (id, document) VALUES (:id, to_tsvector('simple', :document))"
        " ON CONFLICT DO NOTHING"
    ),
}
_UNINDEX = {
    "sqlite": text(
        "INSERT INTO search_message (search_message, rowid, subject, addresses, body)"
        " VALUES ('delete', :id, :subject, :addresses, :body)"
    ),
    "postgresql": text("DELETE FROM search_message WHERE id = :id"),
}
_REINDEX = {
    "sqlite": text(
        "INSERT OR REPLACE INTO search_ticket (rowid, subject, addresses) VALUES (:id, :subject, :addresses)"
    ),
    "postgresql": text(
        "INSERT INTO search_ticket (id, document) VALUES (:id, to_tsvector('simple', :document))"
        " ON CONFLICT (id) DO UPDATE SET document = excluded.document"
    ),
}
_FOUND = {
    "sqlite": "SELECT ticket FROM message WHERE id IN"
    " (SELECT rowid FROM search_message WHERE search_message MATCH :words)"
    " UNION SELECT rowid FROM search_ticket WHERE search_ticket MATCH :words",
    "postgresql": "SELECT message.ticket FROM message JOIN search_message ON search_message.id = message.id"
    " WHERE search_message.document @@ to_tsquery('simple', :words)"
    " UNION SELECT id FROM search_ticket WHERE document @@ to_tsquery('simple', :words)",
}


@cache
def insert_or_ignore(name: str, table: Table) -> Insert:
    """An INSERT that does nothing where the row is already there."""
    if name == "postgresql":
        insert: Insert = postgresql.insert(table).on_conflict_do_nothing()
    else:
        insert = sqlite.insert(table).on_conflict_do_nothing()
    return insert.execution_options(preserve_rowcount=True)


def _plain(*parts: str) -> str:
    """Text as words and spaces, without accents: PostgreSQL's parser would keep an address whole."""
    text = clean(" ".join(parts))
    if not text.isascii():
        text = "".join(sign for sign in normalize("NFKD", text) if not combining(sign))
    return _SEPARATORS.sub(" ", text)


def index_message(connection: Connection, id: int, subject: str, addresses: str, body: str) -> None:
    """Make a new message findable."""
    name = connection.dialect.name
    connection.execute(_INDEX[name], _message(name, id, subject, addresses, body))


def unindex_message(connection: Connection, id: int, subject: str, addresses: str, body: str) -> None:
    """Undo ``index_message``: SQLite's index keeps no text, so that it must be told the same again."""
    name = connection.dialect.name
    connection.execute(_UNINDEX[name], _message(name, id, subject, addresses, body))


def _message(name: str, id: int, subject: str, addresses: str, body: str) -> dict[str, Any]:
    body = body[:SEARCH_CAP]
    if name == "sqlite":
        return {"id": id, "subject": clean(subject), "addresses": clean(addresses), "body": clean(body)}
    return {"id": id, "document": _plain(subject, addresses, body)}


def index_ticket(connection: Connection, id: int, subject: str, addresses: str) -> None:
    """Make a ticket findable by its new subject and people."""
    name = connection.dialect.name
    if name == "sqlite":
        row = {"subject": clean(subject), "addresses": clean(addresses)}
    else:
        row = {"document": _plain(subject, addresses)}
    connection.execute(_REINDEX[name], {"id": id, **row})


def unindex_ticket(connection: Connection, id: int) -> None:
    """Make a ticket unfindable by its subject and people."""
    key = "rowid" if connection.dialect.name == "sqlite" else "id"
    connection.execute(text(f"DELETE FROM search_ticket WHERE {key} = :id"), {"id": id})  # noqa: S608 - ours


def quote_words(name: str, words: str) -> str:
    """The user's words as a query that finds all of them, whatever signs stand in them."""
    phrases = [_plain(word).split() for word in words.split()]
    if name == "sqlite":
        return " ".join('"' + " ".join(phrase) + '"' for phrase in phrases if phrase)
    return " & ".join(
        "(" + " <-> ".join(f"'{word}'" for word in phrase) + ")" for phrase in phrases if phrase
    )


_COMMON = 60_000
"""From so many hits on it is quicker to walk a folder and ask each ticket than to fetch all hits."""

_COUNT = text(
    "SELECT count(*) FROM (SELECT rowid FROM search_message WHERE search_message MATCH :words LIMIT :most)"
)
_HOLDS = (
    "(EXISTS (SELECT 1 FROM message JOIN search_message ON search_message.rowid = message.id"
    " WHERE message.ticket = ticket.id AND search_message MATCH :words)"
    " OR EXISTS (SELECT 1 FROM search_ticket WHERE search_ticket.rowid = ticket.id"
    " AND search_ticket MATCH :words))"
)


def is_common(connection: Connection, words: str) -> bool:
    """Whether SQLite would find very many messages with these quoted words; PostgreSQL knows by itself."""
    if connection.dialect.name != "sqlite":
        return False
    hits: int | None = connection.scalar(_COUNT, {"words": words, "most": _COMMON})
    return (hits or 0) >= _COMMON


def holds(words: str) -> TextClause:
    """The condition that a ticket holds the quoted words, asked ticket by ticket."""
    return text(_HOLDS).bindparams(words=words)


def found(name: str) -> TextClause:
    """The query for the tickets that hold ``:words``."""
    return text(_FOUND[name])


def explain(error: DBAPIError, where: str) -> TicketdError:
    """A database error as one sentence: passing trouble, or damage that somebody must mend."""
    cause: Any = error.orig
    reason = str(cause).strip().splitlines()[0] if str(cause).strip() else type(cause).__name__
    if isinstance(cause, sqlite3.DatabaseError) and not isinstance(cause, sqlite3.OperationalError):
        return Damaged(f"The database {where} is damaged: {reason}; restore a backup.")
    if isinstance(cause, sqlite3.Error) and "readonly" in reason:
        return Damaged(f"The database {where} cannot be written: {reason}.")
    return Unavailable(f"The database {where} cannot be used just now: {reason}.")


def is_outage(error: DBAPIError) -> bool:
    """Whether the database is in trouble, rather than the statement wrong."""
    cause = error.orig
    if isinstance(cause, sqlite3.IntegrityError | sqlite3.ProgrammingError | sqlite3.DataError):
        return False
    if isinstance(cause, sqlite3.OperationalError):
        return not any(sign in str(cause) for sign in ("no such", "syntax", "has no column"))
    if isinstance(cause, sqlite3.DatabaseError):
        return True
    state = getattr(cause, "sqlstate", None)
    return error.connection_invalidated or state is None or state[:2] in {"08", "25", "40", "53", "57", "58"}
