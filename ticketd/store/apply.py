"""Applying a decision: every effect as rows, in the one transaction that also concludes the mail.

The instant of hand-over from a mail to its ticket and to the outbox is that
transaction's commit: before it nothing happened, after it all of it did. Knows nothing
of why an effect was decided.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import bindparam, delete, func, insert, select, update

from ticketd.decide.effects import (
    Append,
    Block,
    CancelQueued,
    Conclude,
    Drop,
    Effect,
    Expect,
    MailKind,
    MoveMessages,
    Outgoing,
    Record,
    Release,
    Revoke,
    Save,
    Send,
    Token,
)
from ticketd.decide.model import Entry, Kind, Message, Ticket, address_key
from ticketd.store.blocks import blocked_as
from ticketd.store.cases import attachment, blob, block, event, expectation, message, question, token
from ticketd.store.cases import ticket as ticket_table
from ticketd.store.dialect import index_ticket
from ticketd.store.lookup import Looking
from ticketd.store.quarantine import Quarantining
from ticketd.store.restore import NOT_AGAIN
from ticketd.store.search import index, named
from ticketd.store.tables import desk, ledger, outbox, outgoing
from ticketd.store.values import entry_to_row, ticket_to_row

RANK = {kind: rank for rank, kind in enumerate(MailKind)}
"""The order of sending: people first."""

_INSERT_TICKET = insert(ticket_table)
_UPDATE_TICKET = update(ticket_table).where(ticket_table.c.id == bindparam("this"))
_INSERT_MESSAGE = insert(message)
_INSERT_EVENT = insert(event)
_BATCH = select(func.coalesce(func.max(event.c.batch), 0)).where(event.c.ticket == bindparam("ticket"))
_NEWEST = select(func.coalesce(func.max(message.c.id), 0)).where(message.c.ticket == bindparam("ticket"))
_ADVANCE = update(desk).values(next_ticket=bindparam("next"))
_CONCLUDE = update(ledger).where(ledger.c.id == bindparam("this"))


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a decision: the ticket it was about, the new messages, how many mails it queued."""

    ticket: int | None
    entries: tuple[int, ...] = ()
    queued: int = 0


def dedupe_key(mail: Outgoing, recipient: str) -> str:
    """The same cause, kind, recipient and id is the same mail, whenever it is decided again."""
    text = "|".join((mail.cause, mail.kind, recipient, mail.message_id))
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


class Applying(Looking, Quarantining):
    """The part of a transaction that writes what was decided."""

    def apply(
        self,
        effects: Sequence[Effect],
        now: datetime,
        ledger_id: int | None = None,
        mail: Message | None = None,
    ) -> Applied:
        """Write all effects. ``mail`` gives the ledger row its Message-ID, subject and fingerprint."""
        self._save([effect.ticket for effect in effects if isinstance(effect, Save)])
        entries = []
        for effect in effects:
            if isinstance(effect, Append):
                entries.append(self._append(effect.ticket, effect.entry, ledger_id))
            elif isinstance(effect, MoveMessages):
                self._move(effect)
        # What is about no ticket (a digest, a question) has no history to stand in.
        self._record([effect for effect in effects if isinstance(effect, Record) and effect.ticket], now)
        queued = self._send([effect.mail for effect in effects if isinstance(effect, Send)], now, ledger_id)
        for effect in effects:
            act = self._ACTS.get(type(effect))
            if act:
                act(self, effect, now)
        concluded = next((effect for effect in effects if isinstance(effect, Conclude)), None)
        if concluded and ledger_id is not None:
            self._conclude(concluded, now, ledger_id, mail)
        return Applied(_subject_of(effects, concluded), tuple(entries), queued)

    def _save(self, tickets: list[Ticket]) -> None:
        if self.next_ticket is None and tickets:
            self.lock_desk()
        for ticket in {ticket.id: ticket for ticket in tickets}.values():
            assert self.next_ticket is not None
            row = ticket_to_row(ticket)
            if ticket.id >= self.next_ticket:
                self.connection.execute(_INSERT_TICKET, row)
                self.next_ticket = ticket.id + 1
                self.batches[ticket.id] = 1
                self.connection.execute(_ADVANCE, {"next": self.next_ticket})
            else:
                self.connection.execute(_UPDATE_TICKET, {**row, "this": ticket.id})
                self._index_again(ticket)
            self.seen[ticket.id] = ticket

    def _index_again(self, ticket: Ticket) -> None:
        """A ticket is found by its messages; by itself only once its subject or people changed."""
        old = self.seen.get(ticket.id)
        if old is None or (old.subject, old.participants) != (ticket.subject, ticket.participants):
            index_ticket(self.connection, ticket.id, ticket.subject, named(ticket.participants))

    def _append(self, number: int, entry: Entry, ledger_id: int | None) -> int:
        row = entry_to_row(number, entry, ledger_id)
        inserted = self.connection.execute(_INSERT_MESSAGE, row).inserted_primary_key
        assert inserted is not None
        self.newest[number] = id = int(inserted[0])
        if entry.attachments:
            self._attach(id, entry)
        index(self.connection, id, entry)
        if self.expected and entry.message_id:
            arrived = delete(expectation).where(expectation.c.message_id == entry.message_id)
            self.connection.execute(arrived)
        return id

    def _attach(self, id: int, entry: Entry) -> None:
        digests = [file.sha256 for file in entry.attachments]
        files = list(zip(digests, entry.attachments, strict=True))
        blobs = {digest: {"sha256": digest, "content": file.content} for digest, file in files}
        self.put(blob, list(blobs.values()))
        rows = [
            {"message": id, "position": position, "sha256": digest, "size": file.size}
            | {"filename": file.filename, "content_type": file.content_type}
            | {"inline": file.inline, "content_id": file.content_id}
            for position, (digest, file) in enumerate(files)
        ]
        self.connection.execute(insert(attachment), rows)

    def _move(self, effect: MoveMessages) -> None:
        moved = update(message).where(message.c.ticket == effect.source)
        if effect.message is not None:
            moved = moved.where(message.c.id == effect.message)
        self.connection.execute(moved, {"ticket": effect.target})
        self.newest.pop(effect.source, None)
        self.newest.pop(effect.target, None)

    def _record(self, records: list[Record], now: datetime) -> None:
        for number in {record.ticket for record in records} - self.batches.keys():
            self.batches[number] = (self.connection.scalar(_BATCH, {"ticket": number}) or 0) + 1
        rows = [
            {"ticket": record.ticket, "batch": self.batches[record.ticket], "at": now, "kind": record.kind}
            | {"actor": record.actor, "before": record.before, "after": record.after}
            | {"detail": record.detail}
            for record in records
        ]
        if rows:
            self.connection.execute(_INSERT_EVENT, rows)

    def _send(self, mails: list[Outgoing], now: datetime, ledger_id: int | None) -> int:
        if not mails:
            return 0
        state = self._state_of_new_mail(ledger_id)
        contents: dict[str, dict[str, Any]] = {}
        rows: list[dict[str, Any]] = []
        for mail in mails:
            digest = hashlib.sha256(mail.content).hexdigest()
            contents[digest] = {"sha256": digest, "content": mail.content}
            rows += [_outbox_row(mail, recipient, digest, now) | state for recipient in mail.recipients]
        self.put(outgoing, list(contents.values()))
        queued = self.put(outbox, rows)
        self._issue({mail.token: None for mail in mails}, now)
        asked = [{"serial": mail.token.serial, "item": item} for mail in mails for item in mail.items]
        self.put(question, asked)
        return queued

    def _state_of_new_mail(self, ledger_id: int | None) -> dict[str, Any]:
        """After a backup was restored, what follows from mail of before was sent already."""
        if self.next_ticket is None:
            self.lock_desk()
        restored_at = self.restored_at
        if restored_at is None or ledger_id is None:
            return {"state": "waiting", "last_error": None}
        arrived = select(func.coalesce(ledger.c.internal_date, ledger.c.seen_at, type_=ledger.c.seen_at.type))
        if (self.connection.scalar(arrived.where(ledger.c.id == ledger_id)) or restored_at) > restored_at:
            return {"state": "waiting", "last_error": None}
        return {"state": "cancelled", "last_error": NOT_AGAIN}

    def _issue(self, tokens: dict[Token, None], now: datetime) -> None:
        for number in {each.ticket for each in tokens} - self.newest.keys():
            self.newest[number] = self.connection.scalar(_NEWEST, {"ticket": number}) or 0
        rows = [
            {"serial": t.serial, "purpose": str(t.purpose), "ticket": t.ticket, "recipient": t.recipient}
            | {"revoked": False, "issued_at": now, "last_message": self.newest[t.ticket]}
            for t in tokens
        ]
        self.put(token, rows)

    def _expect(self, effect: Expect, now: datetime) -> None:
        who = {"requester": effect.requester, "mailbox": effect.mailbox, "ticket": effect.ticket}
        self.put(expectation, [{"message_id": id, **who} for id in dict.fromkeys(effect.message_ids)])

    def _revoke(self, effect: Revoke, now: datetime) -> None:
        this = effect.token
        self.connection.execute(
            update(token)
            .where(token.c.serial == this.serial, token.c.purpose == this.purpose)
            .where(token.c.ticket == this.ticket)
            .values(revoked=True)
        )

    def _block(self, effect: Block, now: datetime) -> None:
        address = address_key(effect.address)
        if effect.blocked:
            self.put(block, [{"address": address, "at": now}])
        else:
            known = blocked_as(self.connection, address)
            self.connection.execute(delete(block).where(block.c.address.in_(known)))

    def _cancel(self, effect: CancelQueued, now: datetime) -> None:
        theirs = (outbox.c.ticket == effect.ticket, outbox.c.author == effect.author)
        waits = (outbox.c.state == "waiting", outbox.c.lease_until.is_(None))
        ids = self.connection.scalars(select(outbox.c.message_id).where(*theirs, *waits).distinct()).all()
        self.connection.execute(update(outbox).where(*theirs, *waits).values(state="cancelled"))
        gone = select(outbox.c.message_id).where(*theirs, outbox.c.state != "cancelled")
        self.connection.execute(
            update(message)
            .where(message.c.ticket == effect.ticket, message.c.kind == Kind.REPLY)
            .where(message.c.message_id.in_(ids), message.c.message_id.not_in(gone))
            .values(kind=str(Kind.NOTE))
        )

    def _release(self, effect: Release, now: datetime) -> None:
        self.release(effect.item, effect.how)

    def _drop(self, effect: Drop, now: datetime) -> None:
        self.drop(effect.item)

    _ACTS: ClassVar[dict[type, Callable[[Any, Any, datetime], None]]] = {
        Expect: _expect,
        Revoke: _revoke,
        Block: _block,
        CancelQueued: _cancel,
        Release: _release,
        Drop: _drop,
    }

    def _conclude(self, effect: Conclude, now: datetime, ledger_id: int, mail: Message | None) -> None:
        row: dict[str, Any] = {"outcome": str(effect.outcome)}
        row |= {"ticket": effect.ticket, "reason": effect.reason}
        row |= {"agent": effect.agent, "concluded_at": now, "traceback": None}
        if mail is not None:
            row |= {"message_id": mail.message_id, "fingerprint": mail.fingerprint, "subject": mail.subject}
        elif self.hand is not None:
            row |= {"message_id": self.hand.message_id, "fingerprint": self.hand.fingerprint}
        self.connection.execute(_CONCLUDE, {**row, "this": ledger_id})


def _outbox_row(mail: Outgoing, recipient: str, digest: str, now: datetime) -> dict[str, Any]:
    return {
        "dedupe": dedupe_key(mail, recipient),
        "ticket": mail.ticket,
        "mailbox": mail.mailbox,
        "kind": str(mail.kind),
        "rank": RANK[mail.kind],
        "recipient": recipient,
        "recipient_key": address_key(recipient),
        "message_id": mail.message_id,
        "sha256": digest,
        "author": mail.author,
        "cause": mail.cause,
        "created_at": now,
        "next_attempt_at": mail.not_before or now,
    }


def _subject_of(effects: Sequence[Effect], concluded: Conclude | None) -> int | None:
    if concluded and concluded.ticket is not None:
        return concluded.ticket
    for effect in effects:
        if isinstance(effect, Save):
            return effect.ticket.id
        if isinstance(effect, Append | Record):
            return effect.ticket
    return None
