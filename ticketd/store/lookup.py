"""The one read before a decision: clues in, a context out, under the desk's lock.

Few statements, each prepared once; a stranger's first mail costs three. Knows nothing
of what a clue proves.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, exists, func, select, text, tuple_

from ticketd.decide.context import Clues, Context, History, Issued, Known, Mailed, Waiting
from ticketd.decide.effects import MailKind, Token
from ticketd.decide.model import Outcome, Purpose, Ticket, address_key
from ticketd.decide.tokens import read_message_id
from ticketd.store.blocks import digest_of
from ticketd.store.cases import attachment, block, expectation, message, question, token
from ticketd.store.cases import ticket as ticket_table
from ticketd.store.folders import folder_query
from ticketd.store.history import Histories
from ticketd.store.quarantine import WAITING_COLUMNS, waiting_of
from ticketd.store.tables import ACKNOWLEDGED, BUDGETED, desk, ledger, outbox
from ticketd.store.types import KeyText
from ticketd.store.values import ticket_from_row
from ticketd.store.work import Work

_MOST_ACKS = 2000  # more than any budget allows

_LOCK = select(desk.c.next_ticket, desk.c.restored_at, desk.c.signing_key).with_for_update()
_AUTHOR = bindparam("author", type_=KeyText)
_DIGEST = bindparam("digest", type_=KeyText)
_ACKED = (
    select(func.count())
    .select_from(outbox)
    .where(
        text(BUDGETED),
        outbox.c.recipient_key == _AUTHOR,
        outbox.c.kind == MailKind.ACKNOWLEDGEMENT,
        outbox.c.state != "cancelled",
    )
)
_WAITS = ledger.c.outcome.in_([Outcome.PARKED, Outcome.HELD])
_SAME = (
    select(ledger.c.id)
    .where(
        ledger.c.fingerprint == bindparam("fingerprint"),
        ledger.c.id != bindparam("hand"),
        ledger.c.outcome != Outcome.DUPLICATE,
    )
    .order_by(ledger.c.id)
    .limit(1)
)
_GLANCE = select(
    _SAME.scalar_subquery(),
    exists(select(block.c.address).where(block.c.address.in_([_AUTHOR, _DIGEST]))),
    _ACKED.where(outbox.c.created_at > bindparam("hour", type_=outbox.c.created_at.type)).scalar_subquery(),
    _ACKED.where(outbox.c.created_at > bindparam("day", type_=outbox.c.created_at.type)).scalar_subquery(),
    exists(select(ledger.c.id).where(ledger.c.agent == _AUTHOR, _WAITS)),
)
_KNOWN = select(ledger.c.ticket, ledger.c.mailbox).where(ledger.c.id == bindparam("id"))
_WAITING = (
    select(*WAITING_COLUMNS)
    .where(ledger.c.agent.in_(bindparam("agents", expanding=True)), _WAITS)
    .order_by(ledger.c.id)
)
_STORED = (
    select(message.c.message_id, message.c.ticket)
    .where(message.c.message_id.in_(bindparam("ids", expanding=True)))
    .order_by(message.c.ticket)
)
_ISSUED = select(token).where(
    tuple_(token.c.serial, token.c.purpose, token.c.ticket).in_(bindparam("keys", expanding=True))
)
_EXPECTING = (
    select(expectation.c.ticket)
    .where(
        expectation.c.message_id.in_(bindparam("message_ids", expanding=True)),
        expectation.c.requester == _AUTHOR,
        expectation.c.mailbox == bindparam("mailbox"),
    )
    .order_by(expectation.c.ticket)
)
_MAILED = select(
    outbox.c.message_id, outbox.c.recipient, outbox.c.ticket, outbox.c.kind, outbox.c.author
).where(outbox.c.message_id.in_(bindparam("ids", expanding=True)))
_TICKETS = select(ticket_table).where(ticket_table.c.id.in_(bindparam("ids", expanding=True)))
_PICTURES = (
    select(attachment.c.sha256)
    .join(message, message.c.id == attachment.c.message)
    .where(
        message.c.author_key == _AUTHOR,
        attachment.c.sha256.in_(bindparam("pictures", expanding=True)),
    )
)
_ASKED = (
    select(question.c.item)
    .where(question.c.serial.in_(bindparam("serials", expanding=True)))
    .order_by(question.c.item)
)


class Looking(Work):
    """The part of a transaction that answers clues."""

    def lock_desk(self) -> None:
        """Let one decision at a time read and write tickets, until this transaction ends."""
        self.next_ticket, self.restored_at, self.key = self.connection.execute(_LOCK).one()

    def context(self, clues: Clues, now: datetime, ledger_id: int | None = None) -> Context:
        """Everything that a decision may know of the past; ``ledger_id`` is the mail in hand."""
        if self.next_ticket is None:
            self.lock_desk()
        assert self.next_ticket is not None
        self.hand = clues
        known, about_author = self._glance(clues, now, ledger_id)
        stored = self._stored(clues.ids)
        issued = self._issued(clues)
        expecting = self._expecting(clues)
        self.expected = bool(expecting)
        mailed = self._mailed(clues.bounced)
        led = [signed.ticket for signed in clues.signed]
        led += [number for numbers in stored.values() for number in numbers]
        led += [*clues.tickets, *expecting, *(mail.ticket for mail in mailed)]
        led += [known.ticket] if known and known.ticket else []
        return Context(
            next_ticket=self.next_ticket,
            known=known,
            tickets=self._histories(led, now),
            issued=issued,
            stored=stored,
            expecting=expecting,
            mailed=mailed,
            asked=self._asked(clues),
            seen_pictures=self._seen_pictures(clues),
            **self._acknowledged(clues, now),
            folders={name: self._folder(name, clues.agent) for name in clues.folders},
            **about_author,
        )

    def _stored(self, ids: tuple[str, ...]) -> dict[str, tuple[int, ...]]:
        stored: dict[str, tuple[int, ...]] = {}
        if ids:
            for id, number in self.connection.execute(_STORED, {"ids": ids}):
                if number not in stored.get(id, ()):
                    stored[id] = (*stored.get(id, ()), number)
        return stored

    def _issued(self, clues: Clues) -> dict[tuple[int, str, str], Issued]:
        reported = (read_message_id(one) for one in clues.bounced)
        claimed = (*clues.signed, *(signed for signed in reported if signed))
        keys = {(signed.serial, signed.purpose, signed.ticket) for signed in claimed if signed.serial}
        if not keys:
            return {}
        rows = self.connection.execute(_ISSUED, {"keys": sorted(keys)})
        return {
            (row.ticket, row.purpose, row.serial): Issued(
                Token(Purpose(row.purpose), row.ticket, row.recipient, row.serial),
                row.revoked,
                row.issued_at,
                row.last_message,
            )
            for row in rows
        }

    def _expecting(self, clues: Clues) -> tuple[int, ...]:
        """Tickets of this author that await this mail, or one that this mail answers as well."""
        ids = tuple(one for one in (clues.message_id, *clues.ids) if one)
        if not ids or clues.author is None:
            return ()
        wanted = {"message_ids": ids, "author": clues.author, "mailbox": clues.mailbox}
        return tuple(dict.fromkeys(self.connection.scalars(_EXPECTING, wanted)))

    def _mailed(self, ids: tuple[str, ...]) -> tuple[Mailed, ...]:
        if not ids:
            return ()
        rows = self.connection.execute(_MAILED, {"ids": ids})
        return tuple(
            Mailed(row.message_id, row.recipient, row.ticket, MailKind(row.kind), row.author) for row in rows
        )

    def _acknowledged(self, clues: Clues, now: datetime) -> dict[str, Any]:
        """What was acknowledged within the hour, and what the author opened within the day."""
        if not clues.acknowledges or clues.author is None:
            return {}
        acks = select(outbox.c.recipient_key).where(
            text(ACKNOWLEDGED), outbox.c.created_at > now - timedelta(hours=1)
        )
        subjects = select(ticket_table.c.subject).where(
            ticket_table.c.requester_key == clues.author,
            ticket_table.c.created_at > now - timedelta(days=1),
        )
        return {
            "acknowledged": tuple(self.connection.scalars(acks.limit(_MOST_ACKS))),
            "subjects_last_day": tuple(self.connection.scalars(subjects.limit(_MOST_ACKS))),
        }

    def _seen_pictures(self, clues: Clues) -> frozenset[str]:
        """Which of the mail's pictures came with an earlier mail of its author."""
        if not clues.pictures or clues.author is None:
            return frozenset()
        wanted = {"author": clues.author, "pictures": clues.pictures}
        return frozenset(self.connection.scalars(_PICTURES, wanted))

    def _asked(self, clues: Clues) -> tuple[int, ...]:
        serials = [signed.serial for signed in clues.signed if signed.purpose == Purpose.QUESTION]
        return tuple(self.connection.scalars(_ASKED, {"serials": serials})) if serials else ()

    def _folder(self, name: str, agent: str | None) -> tuple[Ticket, ...]:
        whose = agent if name == "my-open" else None
        return tuple(ticket_from_row(row) for row in self.connection.execute(folder_query(name, whose)))

    def _glance(
        self, clues: Clues, now: datetime, ledger_id: int | None
    ) -> tuple[Known | None, dict[str, Any]]:
        """Whether the mail is known, and what is known of its author: blocked, budgets, questions."""
        author = clues.author or (address_key(clues.agent) if clues.agent else None)
        wanted: dict[str, Any] = {"author": author, "fingerprint": clues.fingerprint}
        wanted["digest"] = digest_of(author, self.key) if author else None
        wanted |= {"hour": now - timedelta(hours=1), "day": now - timedelta(days=1), "hand": ledger_id or 0}
        same, blocked, hour, day, waits = self.connection.execute(_GLANCE, wanted).one()
        known = Known(*self.connection.execute(_KNOWN, {"id": same}).one()) if same else None
        return known, {
            "blocked": bool(blocked),
            "acks_last_hour": hour,
            "automatic_last_day": day,
            "waiting": self._waiting(clues, author) if waits or clues.agent else (),
        }

    def _waiting(self, clues: Clues, author: str | None) -> tuple[Waiting, ...]:
        agents = {key for key in (author, address_key(clues.agent or "")) if key}
        rows = self.connection.execute(_WAITING, {"agents": sorted(agents)})
        return tuple(waiting_of(row) for row in rows)

    def tickets(self, numbers: Iterable[int]) -> dict[int, Ticket]:
        """These tickets as they stand, merges followed; a number that is none is left out."""
        wanted = {number for number in numbers if 0 < number < 2**53}
        rows: dict[int, Ticket] = {}
        missing = wanted
        while missing:
            found = [
                ticket_from_row(row) for row in self.connection.execute(_TICKETS, {"ids": sorted(missing)})
            ]
            rows |= {ticket.id: ticket for ticket in found}
            missing = {ticket.merged_into for ticket in found if ticket.merged_into} - rows.keys()
        self.seen |= rows
        return {number: _follow(rows, number) for number in wanted if number in rows}

    def _histories(self, numbers: Iterable[int], now: datetime) -> dict[int, History]:
        if not numbers:
            return {}
        tickets = self.tickets(numbers)
        histories = Histories(self.connection, now)
        final = {ticket.id: histories.of(ticket) for ticket in {t.id: t for t in tickets.values()}.values()}
        return final | {number: final[ticket.id] for number, ticket in tickets.items()}


def _follow(rows: dict[int, Ticket], number: int) -> Ticket:
    ticket, steps = rows[number], 0
    while ticket.merged_into in rows and steps < len(rows):
        ticket, steps = rows[ticket.merged_into], steps + 1
    return ticket
