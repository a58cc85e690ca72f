"""What waits to be taken in: the received mails, as readers and writers see them.

Reads only; ``receive`` puts them there, ``apply`` concludes them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, bindparam, func, literal_column, select

from ticketd.decide.model import OLD_OF_AGENT, ONE_OF_MANY, Outcome
from ticketd.errors import NotFound
from ticketd.store.tables import ledger, mailbox, raw_mail

HEAD = 65_536
"""Bytes of a waiting mail that are read at once: its references, and most mails are no longer."""


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail that is to be taken in. ``internal_date`` is when it was seen, if unknown.

    ``content`` is all of it, or its first 64 KiB where ``waiting`` gave it; ``kept`` is
    how many bytes there are.
    """

    ledger_id: int
    mailbox: str
    folder: str
    uidvalidity: int
    uid: int
    content: bytes = field(repr=False)
    kept: int
    internal_date: datetime
    late: bool
    released: str | None
    attempts: int
    complete: bool
    outcome: str
    sha256: str

    @property
    def is_whole(self) -> bool:
        """Whether ``content`` is all of the mail."""
        return len(self.content) == self.kept

    @property
    def head(self) -> bytes:
        """The first 64 KiB: enough for the header fields."""
        return self.content[:HEAD]


_INTERNAL = func.coalesce(ledger.c.internal_date, ledger.c.seen_at, type_=ledger.c.seen_at.type)
_KEPT = func.coalesce(func.length(raw_mail.c.content), 0)


def _mails(content: ColumnElement[bytes]) -> Select[Any]:
    """Mails as ``Mail`` has them; those whose bytes were dropped are empty."""
    this = ledger.c
    place = (this.id, this.mailbox, this.folder, this.uidvalidity, this.uid)
    state = (this.late, this.released, this.attempts, this.complete, this.outcome, this.sha256)
    kept = ledger.outerjoin(raw_mail, raw_mail.c.sha256 == this.sha256)
    whole = func.coalesce(content, b"", type_=raw_mail.c.content.type)
    return select(*place, whole, _KEPT, _INTERNAL, *state).select_from(kept)


_MAIL = _mails(raw_mail.c.content).where(ledger.c.id == bindparam("id"))
_WAITING = (
    _mails(func.substr(raw_mail.c.content, 1, literal_column(str(HEAD)), type_=raw_mail.c.content.type))
    .where(ledger.c.outcome == Outcome.RECEIVED)
    .order_by(ledger.c.mailbox, ledger.c.id)
    .limit(bindparam("limit"))
)
_WAITING_IN = _WAITING.where(ledger.c.mailbox == bindparam("mailbox"))
_OUTCOME = select(ledger.c.outcome).where(ledger.c.id == bindparam("id"))
_COUNT = select(func.count()).where(
    ledger.c.outcome == Outcome.RECEIVED, ledger.c.mailbox == bindparam("mailbox")
)
_READING = select(mailbox.c.last_poll_at, mailbox.c.to_fetch, mailbox.c.old_mails).where(
    mailbox.c.name == bindparam("name")
)

_LAST_OLD = (
    select(ledger.c.reason)
    .where(ledger.c.mailbox == bindparam("mailbox"), ledger.c.late)
    .order_by(ledger.c.id.desc())
    .limit(bindparam("limit"))
    .subquery()
)
_QUIET = select(func.count()).where(_LAST_OLD.c.reason.in_([ONE_OF_MANY, OLD_OF_AGENT]))


class Waitings:
    """The part of a transaction or a view that knows what waits."""

    connection: Connection

    def waiting(self, name: str | None = None, limit: int = 100) -> list[Mail]:
        """Mails that are to be taken in, in the order they were received; long ones cut to their head."""
        if name is None:
            rows = self.connection.execute(_WAITING, {"limit": limit})
        else:
            rows = self.connection.execute(_WAITING_IN, {"limit": limit, "mailbox": name})
        return [Mail(*row) for row in rows]

    def count_waiting(self, name: str) -> int:
        """How many mails of a mailbox are to be taken in."""
        return self.connection.scalar(_COUNT, {"mailbox": name}) or 0

    def old_mails(self, name: str) -> int:
        """How many old mails were met since agents were last told of such, or may yet be met.

        A reading that was cut short goes on: what it has still to fetch counts as old, lest the
        beginning of an archive be taken for a handful, however long its server stays away.
        """
        row = self.connection.execute(_READING, {"name": name}).one_or_none()
        return row.old_mails + row.to_fetch if row else 0

    def quietly_taken_in(self, name: str, met: int) -> int:
        """Of the last so many old mails that were met, those of which nobody was told: no duplicates."""
        return self.connection.scalar(_QUIET, {"mailbox": name, "limit": met}) or 0

    def all_taken_in(self, name: str) -> bool:
        """Whether the mailbox was read to its end and everything in it taken in."""
        row = self.connection.execute(_READING, {"name": name}).one_or_none()
        read = row is not None and row.last_poll_at is not None and row.to_fetch == 0
        return read and self.count_waiting(name) == 0

    def mail(self, ledger_id: int) -> Mail:
        """The mail of a ledger row, whole."""
        row: Any = self.connection.execute(_MAIL, {"id": ledger_id}).one_or_none()
        if row is None:
            raise NotFound(f"There is no mail {ledger_id} in the ledger.")
        return Mail(*row)

    def is_waiting(self, ledger_id: int) -> bool:
        """Whether this mail is still to be taken in."""
        return self.connection.scalar(_OUTCOME, {"id": ledger_id}) == Outcome.RECEIVED
