"""Forget a person, and drop raw mails that are older than the desk keeps them.

What they wrote and what was written to them goes, with its files and copies; tickets,
kinds and times stay, so that the counts do. Digests of forgotten mails stay too: a
rescan of the mailbox must not bring them back. Knows nothing of why.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Text, delete, or_, select, update

from ticketd.decide.effects import MailKind
from ticketd.decide.model import Outcome, address_key
from ticketd.store.cases import attachment, blob, event, expectation, message, ticket, token
from ticketd.store.dialect import index_ticket, unindex_ticket
from ticketd.store.search import forget_words, named
from ticketd.store.tables import ledger, outbox, outgoing, raw_mail
from ticketd.store.values import unpack
from ticketd.store.work import Work

FORGOTTEN = "(forgotten)"
_AT_ONCE = 500  # parameters in one statement: SQLite takes a bounded number
_WAITING = (Outcome.RECEIVED, Outcome.PARKED, Outcome.HELD, Outcome.QUARANTINED)
_DONE = ("sent", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How much was forgotten."""

    tickets: int
    messages: int
    raw_mails: int


class Forgetting(Work):
    """The part of a transaction that removes what is kept about a person."""

    def forget(self, address: str) -> Forgotten:
        """Remove everything kept about this address (folded for comparison)."""
        own = list(self.connection.scalars(select(ticket.c.id).where(ticket.c.requester_key == address)))
        theirs = message.c.author_key == address
        wanted = or_(theirs, message.c.ticket.in_(own)) if own else theirs
        found = self.connection.execute(
            select(message.c.id, message.c.ticket, message.c.ledger).where(wanted)
        ).all()
        touched = sorted({*own, *(row.ticket for row in found), *taking_part(self.connection, address)})
        self._empty_messages([row.id for row in found], address)
        raw = self._drop_bytes([row.ledger for row in found if row.ledger])
        self._empty_mails_about(touched, own, address)
        for number in touched:
            self._strike_from_ticket(number, address)
        self.connection.execute(delete(expectation).where(expectation.c.requester == address))
        return Forgotten(len(touched), len(found), raw)

    def _empty_messages(self, ids: Sequence[int], address: str) -> None:
        nothing: dict[str, Any] = {
            "text": FORGOTTEN,
            "new_text": FORGOTTEN,
            "html": None,
            "subject": FORGOTTEN,
        }
        nothing |= {"message_id": None, "in_reply_to": None, "references": [], "to": [], "cc": []}
        nothing |= {"reply_to": [], "bounce": None, "files": 0, "defects": []}
        for part in _parts(ids):
            here = message.c.id.in_(part)
            forget_words(self.connection, part)
            self.connection.execute(update(message).where(here).values(**nothing))
            self.connection.execute(delete(attachment).where(attachment.c.message.in_(part)))
        anonymous = {"author_address": "", "author_name": FORGOTTEN, "author_key": ""}
        self.connection.execute(update(message).where(message.c.author_key == address).values(**anonymous))
        kept = select(attachment.c.sha256)
        self.connection.execute(delete(blob).where(blob.c.sha256.not_in(kept)))

    def _drop_bytes(self, ledger_ids: Sequence[int]) -> int:
        count = 0
        for part in _parts(ledger_ids):
            here = ledger.c.id.in_(part)
            digests = list(self.connection.scalars(select(ledger.c.sha256).where(here)))
            self.connection.execute(
                update(ledger).where(here).values(message_id=None, subject="", agent=None)
            )
            gone = delete(raw_mail).where(raw_mail.c.sha256.in_([one for one in digests if one]))
            count += self.connection.execute(gone).rowcount
        return count

    def _empty_mails_about(self, tickets: Sequence[int], own: Sequence[int], address: str) -> None:
        """Copies of what was said. What still waits is not sent, a reply on somebody else's ticket aside."""
        for part in _parts(tickets):
            here = outbox.c.ticket.in_(part)
            keeps = (outbox.c.kind == MailKind.REPLY) & outbox.c.ticket.not_in(own)
            waits = outbox.c.state.not_in(_DONE) & ~keeps
            cancelled = {"state": "cancelled", "last_error": FORGOTTEN}
            self.connection.execute(update(outbox).where(here, waits).values(**cancelled))
            digests = select(outbox.c.sha256).where(here, outbox.c.state.in_(_DONE))
            self.connection.execute(
                update(outgoing).where(outgoing.c.sha256.in_(digests)).values(content=b"")
            )
        theirs = (outbox.c.recipient_key == address) & outbox.c.state.in_(_DONE)
        nobody = {"recipient": FORGOTTEN, "recipient_key": "", "last_error": None, "response": None}
        self.connection.execute(update(outbox).where(theirs).values(**nobody))

    def _strike_from_ticket(self, number: int, address: str) -> None:
        row = self.connection.execute(select(ticket).where(ticket.c.id == number)).one()
        values: dict[str, Any] = {
            "participants": _without(row.participants, address),
            "suggested": _without(row.suggested, address),
        }
        if row.requester_key == address:
            values |= {"requester_address": None, "requester_name": None, "requester_key": None}
            values |= {"subject": FORGOTTEN}
        self.connection.execute(update(ticket).where(ticket.c.id == number).values(**values))
        unindex_ticket(self.connection, number)
        left = unpack(values["participants"])
        index_ticket(self.connection, number, values.get("subject", row.subject), named(left))
        self._strike_from_events(number, address, whole=row.requester_key == address)

    def _strike_from_events(self, number: int, address: str, *, whole: bool) -> None:
        """Events that name the person; on their own ticket every free text."""
        query = select(event.c.id, event.c.before, event.c.after, event.c.detail)
        for row in self.connection.execute(query.where(event.c.ticket == number)).all():
            values = {
                name: _struck(getattr(row, name), address, whole=whole and name == "detail")
                for name in ("before", "after", "detail")
            }
            self.connection.execute(update(event).where(event.c.id == row.id).values(**values))

    def revoke_tokens(self, recipient: str, number: int | None) -> int:
        """Revoke what was given to this agent (a folded address), for one ticket or all; how many."""
        here = update(token).where(token.c.recipient == recipient, token.c.revoked.is_(False))
        if number is not None:
            here = here.where(token.c.ticket == number)
        return self.connection.execute(here.values(revoked=True)).rowcount

    def drop_raw(self, before: datetime, limit: int = 500) -> int:
        """Drop the bytes of mails that came before, a page of them; nothing that still waits."""
        waits = select(ledger.c.sha256).where(
            ledger.c.sha256.is_not(None), or_(ledger.c.outcome.in_(_WAITING), ledger.c.seen_at >= before)
        )
        old = (
            select(raw_mail.c.sha256)
            .join(ledger, ledger.c.sha256 == raw_mail.c.sha256)
            .where(ledger.c.seen_at < before, raw_mail.c.sha256.not_in(waits))
            .distinct()
            .limit(limit)
        )
        digests = list(self.connection.scalars(old))
        self.connection.execute(delete(raw_mail).where(raw_mail.c.sha256.in_(digests)))
        return len(digests)


def tickets_of(connection: Connection, address: str) -> list[int]:
    """The tickets that a person (a folded address) has, takes part in or wrote on."""
    wrote = select(message.c.ticket).where(message.c.author_key == address)
    own = select(ticket.c.id).where(ticket.c.requester_key == address)
    return sorted({*connection.scalars(wrote), *connection.scalars(own), *taking_part(connection, address)})


def taking_part(connection: Connection, address: str) -> set[int]:
    """Tickets that list the person beside their requester: their JSON is searched as text."""
    pattern = f"%{_escaped(address)}%"
    listed = or_(
        ticket.c.participants.cast(Text).ilike(pattern, escape="\\"),
        ticket.c.suggested.cast(Text).ilike(pattern, escape="\\"),
    )
    rows = connection.execute(select(ticket).where(listed))
    return {row.id for row in rows if _names(row.participants, address) or _names(row.suggested, address)}


def _parts(ids: Sequence[int]) -> Iterable[Sequence[int]]:
    return (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")


def _names(people: Sequence[Sequence[str]], address: str) -> bool:
    return any(address_key(person[0]) == address for person in people)


def _without(people: Sequence[Sequence[str]], address: str) -> list[Sequence[str]]:
    return [person for person in people if address_key(person[0]) != address]


def _struck(value: str | None, address: str, *, whole: bool) -> str | None:
    if not value:
        return value
    return FORGOTTEN if whole or address in value.lower() else value
