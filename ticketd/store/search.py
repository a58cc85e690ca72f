"""Full text over subjects, addresses and bodies: the user's words, all of them, taken literally.

FTS5 on SQLite, tsvector on PostgreSQL (``dialect``). Knows nothing of folders.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, column, false

from ticketd.store.cases import ticket
from ticketd.store.dialect import found, quote_words


def search_query(dialect: str, query: Select[Any], words: str) -> Select[Any]:
    """``query`` narrowed to tickets that hold all ``words``; words without a letter or digit find nothing."""
    quoted = quote_words(dialect, words)
    if not quoted:
        return query.where(false())
    hits = found(dialect).bindparams(words=quoted).columns(column("ticket")).subquery("hits")
    return query.where(ticket.c.id.in_(hits.select()))
