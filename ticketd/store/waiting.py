"""What waits to be taken in: the received mails, as readers and writers see them.

Reads only; ``receive`` puts them there, ``apply`` concludes them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, literal_column, select

from ticketd.decide.model import Outcome
from ticketd.errors import NotFound
from ticketd.store.tables import ledger, raw_mail

HEAD = 65_536
"""Bytes of a waiting mail that are read for its references."""


@dataclass(frozen=True, slots=True)
class WaitingMail:
    """A mail that is to be taken in, with its first 64 KiB."""

    ledger_id: int
    mailbox: str
    folder: str
    uid: int
    internal_date: datetime
    head: bytes = field(repr=False)
    late: bool
    released: str | None
    attempts: int


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail that is to be taken in, whole. ``internal_date`` is when it was seen, if unknown."""

    ledger_id: int
    mailbox: str
    folder: str
    uidvalidity: int
    uid: int
    content: bytes = field(repr=False)
    internal_date: datetime
    late: bool
    released: str | None
    attempts: int
    complete: bool
    outcome: str
    sha256: str


_INTERNAL = func.coalesce(ledger.c.internal_date, ledger.c.seen_at, type_=ledger.c.seen_at.type)
_MAIL = (
    select(
        ledger.c.id,
        ledger.c.mailbox,
        ledger.c.folder,
        ledger.c.uidvalidity,
        ledger.c.uid,
        func.coalesce(raw_mail.c.content, b"", type_=raw_mail.c.content.type),
        _INTERNAL,
        ledger.c.late,
        ledger.c.released,
        ledger.c.attempts,
        ledger.c.complete,
        ledger.c.outcome,
        ledger.c.sha256,
    )
    .select_from(ledger.outerjoin(raw_mail, raw_mail.c.sha256 == ledger.c.sha256))
    .where(ledger.c.id == bindparam("id"))
)
_WAITING = (
    select(
        ledger.c.id,
        ledger.c.mailbox,
        ledger.c.folder,
        ledger.c.uid,
        _INTERNAL,
        func.substr(raw_mail.c.content, 1, literal_column(str(HEAD)), type_=raw_mail.c.content.type),
        ledger.c.late,
        ledger.c.released,
        ledger.c.attempts,
    )
    .select_from(ledger.join(raw_mail, raw_mail.c.sha256 == ledger.c.sha256))
    .where(ledger.c.outcome == Outcome.RECEIVED)
    .order_by(ledger.c.mailbox, ledger.c.id)
    .limit(bindparam("limit"))
)
_WAITING_IN = _WAITING.where(ledger.c.mailbox == bindparam("mailbox"))
_OUTCOME = select(ledger.c.outcome).where(ledger.c.id == bindparam("id"))


class Waitings:
    """The part of a transaction or a view that knows what waits."""

    connection: Connection

    def waiting(self, name: str | None = None, limit: int = 100) -> list[WaitingMail]:
        """Mails that are to be taken in, in the order they were received."""
        if name is None:
            rows = self.connection.execute(_WAITING, {"limit": limit})
        else:
            rows = self.connection.execute(_WAITING_IN, {"limit": limit, "mailbox": name})
        return [WaitingMail(*row) for row in rows]

    def mail(self, ledger_id: int) -> Mail:
        """The mail of a ledger row, whole."""
        row: Any = self.connection.execute(_MAIL, {"id": ledger_id}).one_or_none()
        if row is None:
            raise NotFound(f"There is no mail {ledger_id} in the ledger.")
        return Mail(*row)

    def is_waiting(self, ledger_id: int) -> bool:
        """Whether this mail is still to be taken in."""
        return self.connection.scalar(_OUTCOME, {"id": ledger_id}) == Outcome.RECEIVED
