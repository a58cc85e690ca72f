"""Forget a person, and drop raw mails that are older than the desk keeps them.

What they wrote and what was written to them goes, with its files and copies; tickets,
kinds and times stay, so that the counts do. What others wrote stays, without the person:
their address is struck out, and the mail as it came, which names them, goes. Digests of
forgotten mails stay too: a rescan of the mailbox must not bring them back; and one of a
blocked address, by which its mail still goes to spam. Knows nothing of why.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Table, delete, or_, select, update

from ticketd.decide.effects import MailKind
from ticketd.decide.model import Outcome
from ticketd.decide.reading.parse import peek
from ticketd.store.blocks import blocked_as
from ticketd.store.cases import attachment, blob, block, event, expectation, message, ticket, token
from ticketd.store.dialect import index_ticket, unindex_ticket
from ticketd.store.search import forget_words, index_row, named
from ticketd.store.tables import alert, ledger, mailbox, outbox, outgoing, raw_mail
from ticketd.store.traces import Mails, Person, Traces, find_traces, mentioning
from ticketd.store.values import unpack
from ticketd.store.work import Work

FORGOTTEN = "(forgotten)"
_AT_ONCE = 500  # parameters in one statement: SQLite takes a bounded number
_WAITING = (Outcome.RECEIVED, Outcome.PARKED, Outcome.HELD, Outcome.QUARANTINED)
_DONE = ("sent", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How much was forgotten, and what is left for now: mails that wait to be sent or decided on.

    ``blocked`` is whether a digest of the address is kept, since its mail goes to spam.
    """

    tickets: int
    messages: int
    raw_mails: int
    waiting: int
    blocked: bool
    found: bool = True


class Forgetting(Work):
    """The part of a transaction that removes what is kept about a person."""

    def forget(self, address: str, mails: Mails | None = None) -> Forgotten:
        """Remove everything kept about this address (folded for comparison).

        ``mails`` are those that name it, where a view has found them before: that takes long.
        """
        person = Person(address)
        traces = find_traces(self.connection, address, mails)
        own = list(self.connection.scalars(select(ticket.c.id).where(ticket.c.requester_key == address)))
        theirs = message.c.author_key == address
        wanted = or_(theirs, message.c.ticket.in_(own)) if own else theirs
        found = self.connection.execute(
            select(message.c.id, message.c.ticket, message.c.ledger).where(wanted)
        ).all()
        emptied = {row.id for row in found}
        self._empty_messages(sorted(emptied), address)
        self._strike_from_messages([one for one in traces.named_in if one not in emptied], person)
        raw = self._drop_bytes([row.ledger for row in found if row.ledger])
        raw += self._drop_mails_that_came(traces.mails.came, person)
        self._empty_mails_about(traces.tickets, own, person)
        self._empty_mails_sent(traces.mails.sent)
        for number in traces.tickets:
            self._strike_from_ticket(number, person)
        self._strike_from_the_rest(person)
        blocked = self._keep_block(address)
        self.connection.execute(delete(expectation).where(expectation.c.requester == address))
        waiting = self._left_waiting(traces)
        return Forgotten(len(traces.tickets), len(found), raw, waiting, blocked, bool(traces))

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

    def _strike_from_messages(self, ids: Sequence[int], person: Person) -> None:
        """What others wrote stays theirs; the person is taken out of it."""
        for part in _parts(ids):
            forget_words(self.connection, part)
            for row in self.connection.execute(select(message).where(message.c.id.in_(part))).all():
                here = update(message).where(message.c.id == row.id)
                self.connection.execute(here.values(**_struck_message(row, person)))
                index_row(self.connection, row.id)

    def _drop_mails_that_came(self, digests: Sequence[str], person: Person) -> int:
        """Mails that name the person; one that waits to be decided on only if it is theirs."""
        count = 0
        for digest in digests:
            rows = self.connection.execute(select(ledger).where(ledger.c.sha256 == digest)).all()
            waits = [row for row in rows if row.outcome in _WAITING]
            if waits and not self._is_by(digest, person):
                continue
            if any(row.outcome == Outcome.RECEIVED for row in waits):
                continue  # it is taken in within a minute, and is news then
            here = ledger.c.sha256 == digest
            set_aside = ledger.c.outcome.in_(_WAITING)
            done = {"outcome": str(Outcome.IGNORED), "reason": FORGOTTEN, "message_id": None, "subject": ""}
            self.connection.execute(update(ledger).where(here, set_aside).values(**done, agent=None))
            count += self.connection.execute(delete(raw_mail).where(raw_mail.c.sha256 == digest)).rowcount
        return count

    def _is_by(self, digest: str, person: Person) -> bool:
        content = self.connection.scalar(select(raw_mail.c.content).where(raw_mail.c.sha256 == digest))
        author = peek(content or b"").author
        return author is not None and author.key == person.address

    def _empty_mails_about(self, tickets: Sequence[int], own: Sequence[int], person: Person) -> None:
        """Copies of what was said. What still waits is not sent, a reply on somebody else's ticket aside."""
        theirs = outbox.c.recipient_key == person.address
        cancelled = {"state": "cancelled", "last_error": FORGOTTEN}
        for part in _parts(tickets):
            here = outbox.c.ticket.in_(part)
            keeps = (outbox.c.kind == MailKind.REPLY) & outbox.c.ticket.not_in(own)
            waits = outbox.c.state.not_in(_DONE) & ~keeps
            self.connection.execute(update(outbox).where(here, waits).values(**cancelled))
        self.connection.execute(
            update(outbox).where(theirs, outbox.c.state.not_in(_DONE)).values(**cancelled)
        )
        for part in _parts(tickets):
            done = outbox.c.state.in_(_DONE)
            digests = select(outbox.c.sha256).where(outbox.c.ticket.in_(part), done)
            self._empty_mails_sent(list(self.connection.scalars(digests.distinct())))
        nobody = {"recipient": FORGOTTEN, "recipient_key": "", "last_error": None, "response": None}
        self.connection.execute(update(outbox).where(theirs).values(**nobody))

    def _empty_mails_sent(self, digests: Sequence[str]) -> None:
        """Mails of ours lose their bytes, but for those that are still to be sent to somebody."""
        for part in _parts(digests):
            waits = select(outbox.c.sha256).where(outbox.c.sha256.in_(part), outbox.c.state.not_in(_DONE))
            here = outgoing.c.sha256.in_(part) & outgoing.c.sha256.not_in(waits)
            self.connection.execute(update(outgoing).where(here).values(content=b""))

    def _left_waiting(self, traces: Traces) -> int:
        """How many mails name the person still, since they wait to be sent or decided on."""
        count = 0
        for table, digests in ((raw_mail, traces.mails.came), (outgoing, traces.mails.sent)):
            for part in _parts(digests):
                kept = select(table.c.sha256).where(table.c.sha256.in_(part), table.c.content != b"")
                count += len(self.connection.scalars(kept).all())
        return count

    def _strike_from_ticket(self, number: int, person: Person) -> None:
        row = self.connection.execute(select(ticket).where(ticket.c.id == number)).one()
        own = row.requester_key == person.address
        values: dict[str, Any] = {
            "participants": person.without(row.participants),
            "suggested": person.without(row.suggested),
            "subject": FORGOTTEN if own else person.struck_from(row.subject, FORGOTTEN),
        }
        if own:
            values |= {"requester_address": None, "requester_name": None, "requester_key": None}
        self.connection.execute(update(ticket).where(ticket.c.id == number).values(**values))
        unindex_ticket(self.connection, number)
        index_ticket(self.connection, number, values["subject"], named(unpack(values["participants"])))
        if own:  # every free text on it
            here = (event.c.ticket == number, event.c.detail != "")
            self.connection.execute(update(event).where(*here).values(detail=FORGOTTEN))

    def _strike_from_the_rest(self, person: Person) -> None:
        """Sentences of ours that name the person: what happened, why, and what servers said."""
        for table, columns in _SENTENCES.items():
            keys = list(table.primary_key.columns)
            for row in mentioning(self.connection, table, person, *columns):
                here = update(table).where(*(column == getattr(row, column.name) for column in keys))
                values = {name: _struck(getattr(row, name), person) for name in columns}
                self.connection.execute(here.values(**values))

    def _keep_block(self, address: str) -> bool:
        """Whoever is blocked stays so, by a digest; whether they are."""
        plain, digest = blocked_as(self.connection, address)
        known = block.c.address.in_([plain, digest])
        since = self.connection.scalar(select(block.c.at).where(known).order_by(block.c.at))
        if since is not None:
            self.connection.execute(delete(block).where(known))
            self.put(block, [{"address": digest, "at": since}])
        return since is not None

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


def _parts(ids: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE))


_SENTENCES: dict[Table, tuple[str, ...]] = {
    event: ("actor", "before", "after", "detail"),
    ledger: ("subject", "reason", "traceback"),
    outbox: ("last_error", "response"),
    alert: ("detail",),
    mailbox: ("last_error", "held_reason"),
}
"""Where a text of ours may name somebody."""


def _struck(value: str | None, person: Person) -> str | None:
    return FORGOTTEN if person.named_in(value) else value


def _struck_message(row: Any, person: Person) -> dict[str, Any]:
    """What a message is without the person."""
    values: dict[str, Any] = {name: person.without(getattr(row, name)) for name in ("to", "cc", "reply_to")}
    for name in ("text", "new_text", "html", "subject"):
        text = getattr(row, name)
        values[name] = text and person.struck_from(text, FORGOTTEN)
    if row.bounce and person.named_in(repr(row.bounce)):
        values["bounce"] = None
    return values
