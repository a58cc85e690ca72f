"""What the parts of a transaction share: its connection, and what it has read so far."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table

from ticketd.decide.context import Clues
from ticketd.decide.model import Ticket
from ticketd.store.dialect import insert_or_ignore


class Work:
    """The base of a transaction's parts."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.next_ticket: int | None = None
        self.restored_at: datetime | None = None
        self.key = b""  # the desk's own, kept in the database
        self.seen: dict[int, Ticket] = {}
        self.hand: Clues | None = None
        self.expected = False
        self.newest: dict[int, int] = {}  # a ticket's newest message
        self.batches: dict[int, int] = {}  # what binds this transaction's events of a ticket

    def put(self, table: Table, rows: list[dict[str, Any]]) -> int:
        """Insert rows that are not there yet; how many were new."""
        if not rows:
            return 0
        statement = insert_or_ignore(self.connection.dialect.name, table)
        return self.connection.execute(statement, rows if len(rows) > 1 else rows[0]).rowcount
