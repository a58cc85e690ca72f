"""Everything that is kept, for whoever leaves: piece by piece, so that memory stays bounded.

Reads one moment, that of its view. What was told to agents stays out: it says nothing
that tickets do not, and its ids are what agents are believed by. Knows nothing of files.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, false, func, select

from ticketd.decide.effects import MailKind
from ticketd.decide.model import BOUNCED_TO_AGENT, READ_BY_AGENT, Outcome
from ticketd.store.cases import blob
from ticketd.store.cases import ticket as ticket_table
from ticketd.store.tables import ledger, outbox, outgoing, raw_mail
from ticketd.store.values import ticket_from_row
from ticketd.store.views import Json, View, ledger_json, outbox_json

_PAGE = 200
_OUTSIDE = outbox.c.kind.in_([MailKind.REPLY, MailKind.ACKNOWLEDGEMENT])
_WENT = outbox.c.state.in_(["sent", "unsure"])


def _of_agents_mail(column: ColumnElement[Any]) -> Select[Any]:
    """The digests or fingerprints of bounces and receipts of mails to agents, which may hold those mails."""
    concluded = ledger.c.outcome == Outcome.IGNORED
    about = ledger.c.reason.in_([BOUNCED_TO_AGENT, READ_BY_AGENT])
    return select(column).where(concluded, about, column.is_not(None))


# By both: the same bounce may have come to another mailbox, where it is a duplicate.
_SPEAKS_TO_AGENT = ledger.c.sha256.in_(_of_agents_mail(ledger.c.sha256)) | func.coalesce(
    ledger.c.fingerprint.in_(_of_agents_mail(ledger.c.fingerprint)), false()
)

Dated = tuple[datetime, bytes]
"""When a mail came or went, and its bytes."""


class Everything:
    """All that one view shows."""

    def __init__(self, view: View) -> None:
        self._view, self._connection = view, view.connection

    def tickets(self) -> Iterator[Json]:
        """Every ticket whole, spam too; one that was merged has its own past and no messages."""
        for row in self._rows(select(ticket_table), ticket_table.c.id):
            yield self._view.whole(ticket_from_row(row))

    def ledger(self) -> Iterator[Json]:
        """What became of every mail that came."""
        for row in self._rows(select(ledger), ledger.c.id):
            yield ledger_json(row)

    def outbox(self) -> Iterator[Json]:
        """What became of every mail to somebody who is no agent."""
        for row in self._rows(select(outbox).where(_OUTSIDE), outbox.c.id):
            yield outbox_json(row)

    def mailboxes(self) -> list[str]:
        """The names of all mailboxes that mail came to or went from, in order."""
        came, went = select(ledger.c.mailbox), select(outbox.c.mailbox).where(_OUTSIDE)
        return sorted(self._connection.scalars(came.union(went)))

    def received(self, mailbox: str) -> Iterator[Dated]:
        """The mails that came to a mailbox, as they came and in that order, each once.

        Without what mail systems sent back of mails to agents: in it are the ids of those.
        """
        other = ledger.alias()
        again = (
            select(other.c.id)
            .where(other.c.sha256 == ledger.c.sha256, other.c.mailbox == mailbox, other.c.id < ledger.c.id)
            .exists()
        )
        at = func.coalesce(ledger.c.internal_date, ledger.c.seen_at, type_=ledger.c.seen_at.type)
        found = select(ledger.c.id, ledger.c.sha256, at.label("at")).where(
            ledger.c.mailbox == mailbox, ledger.c.sha256.is_not(None), ~again, ~_SPEAKS_TO_AGENT
        )
        for row in self._rows(found, ledger.c.id):
            content = self._connection.scalar(
                select(raw_mail.c.content).where(raw_mail.c.sha256 == row.sha256)
            )
            if content:
                yield row.at, content

    def sent(self, mailbox: str) -> Iterator[Dated]:
        """The mails that went from a mailbox to people who are no agents, as they went, each once."""
        other = outbox.alias()
        again = (
            select(other.c.id)
            .where(other.c.message_id == outbox.c.message_id, other.c.id < outbox.c.id)
            .where(other.c.state.in_(["sent", "unsure"]))
            .exists()
        )
        at = func.coalesce(outbox.c.sent_at, outbox.c.created_at, type_=outbox.c.created_at.type)
        found = select(outbox.c.id, outbox.c.sha256, at.label("at"))
        for row in self._rows(found.where(outbox.c.mailbox == mailbox, _OUTSIDE, _WENT, ~again), outbox.c.id):
            content = self._connection.scalar(
                select(outgoing.c.content).where(outgoing.c.sha256 == row.sha256)
            )
            if content:
                yield row.at, content

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Every attached file by its digest, as tickets name it."""
        for row in self._rows(select(blob.c.sha256), blob.c.sha256):
            content = self._connection.scalar(select(blob.c.content).where(blob.c.sha256 == row.sha256))
            if content is not None:
                yield row.sha256, content

    def _rows(self, query: Select[Any], key: ColumnElement[Any]) -> Iterator[Any]:
        """The rows of a query in the order of a key, a page at a time."""
        page = query.order_by(key).limit(_PAGE)
        rows = self._connection.execute(page).all()
        while rows:
            yield from rows
            last = getattr(rows[-1], str(key.key))
            rows = self._connection.execute(page.where(key > last)).all()
