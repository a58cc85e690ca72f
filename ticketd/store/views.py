"""What people and scripts see: dicts exactly as the contract's JSON, read at one moment.

Reads only. Knows nothing of tables on a terminal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, select

from ticketd.decide.model import Ticket
from ticketd.decide.tokens import proves_agent
from ticketd.errors import NotFound
from ticketd.store.cases import attachment, blob, event, message
from ticketd.store.cases import ticket as ticket_table
from ticketd.store.folders import folder_query
from ticketd.store.quarantine import SET_ASIDE
from ticketd.store.search import search_query
from ticketd.store.status import status, stranded
from ticketd.store.tables import ledger, outbox, raw_mail
from ticketd.store.traces import Mails, Traces, find_mails, find_traces
from ticketd.store.values import ticket_from_row
from ticketd.store.waiting import Waitings

Json = dict[str, Any]


def iso(moment: datetime | None) -> str | None:
    """A moment as the contract writes it: ISO 8601, UTC, Z."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def person(address: str | None, name: str | None) -> Json:
    """A person; whoever is unknown has no address, and a name only where one was given."""
    return {"address": address or None, "name": name if address else name or None}


def people(packed: Sequence[Sequence[str]]) -> list[Json]:
    """People of a JSON column."""
    return [person(address, name) for address, name in packed]


def ticket_json(ticket: Ticket) -> Json:
    """A ticket as ``list`` shows it."""
    requester = ticket.requester
    return {
        "id": ticket.id,
        "subject": ticket.subject,
        "status": str(ticket.status),
        "priority": str(ticket.priority),
        "requester": person(requester.address, requester.name) if requester else person(None, None),
        "participants": [person(each.address, each.name) for each in ticket.participants],
        "suggested": [person(each.address, each.name) for each in ticket.suggested],
        "assignee": ticket.assignee,
        "mailbox": ticket.mailbox,
        "channel": str(ticket.channel),
        "tags": list(ticket.tags),
        "policy": ticket.policy,
        "created_at": iso(ticket.created_at),
        "updated_at": iso(ticket.updated_at),
        "first_replied_at": iso(ticket.first_replied_at),
        "due_at": iso(ticket.due_at),
        "first_reply_due_at": iso(ticket.first_reply_due_at),
        "next_reply_due_at": iso(ticket.next_reply_due_at),
        "solve_due_at": iso(ticket.solve_due_at),
        "solved_at": iso(ticket.solved_at),
        "snoozed_until": iso(ticket.snoozed_until),
        "merged_into": ticket.merged_into,
        "spam": ticket.spam,
    }


def message_json(row: Any, files: list[Json]) -> Json:
    """A message with its files."""
    bounce = row.bounce or None
    return {
        "id": row.id,
        "kind": row.kind,
        "author": person(row.author_address, row.author_name),
        "message_id": row.message_id,
        # What an agent's mail answers is often a notification, whose id would prove that agent.
        "in_reply_to": None if row.in_reply_to is None or proves_agent(row.in_reply_to) else row.in_reply_to,
        "references": [one for one in row.references if not proves_agent(one)],
        "to": people(row.to),
        "cc": people(row.cc),
        "reply_to": next(iter(people(row.reply_to)), None),
        "subject": row.subject,
        "date": iso(row.date),
        "received_at": iso(row.at),
        "text": row.text,
        "new_text": row.new_text,
        "html": row.html,
        "verdict": row.verdict,
        "bounce": {name: bounce[name] for name in ("permanent", "recipient", "status")} if bounce else None,
        "defects": row.defects,
        "attachments": files,
    }


def event_json(row: Any) -> Json:
    """One line of a ticket's history."""
    shown = {"at": iso(row.at), "actor": row.actor, "kind": row.kind}
    return shown | {"from": row.before, "to": row.after, "detail": row.detail}


def file_json(row: Any) -> Json:
    """A file without its content."""
    shown = {"filename": row.filename, "content_type": row.content_type, "size": row.size}
    return shown | {"sha256": row.sha256, "inline": row.inline, "content_id": row.content_id}


class View(Waitings):
    """One moment of the desk, for reading."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def list_tickets(
        self,
        folder: str = "all-open",
        agent: str | None = None,
        mailbox: str | None = None,
        search: str | None = None,
        limit: int = 100,
    ) -> list[Json]:
        """The tickets of a folder, most pressing first; ``search`` keeps those that hold all the words."""
        query = folder_query(folder, agent, mailbox, limit)
        if search is not None:
            query = search_query(self.connection, query, search)
        return [ticket_json(ticket_from_row(row)) for row in self.connection.execute(query)]

    def ticket_value(self, number: int) -> Ticket:
        """A ticket, or the one that it was merged into; raise NotFound for a number that is none."""
        for _ in range(100):
            row = self.connection.execute(
                select(ticket_table).where(ticket_table.c.id == number)
            ).one_or_none()
            if row is None:
                raise NotFound(f"There is no ticket {number}.")
            if row.merged_into is None:
                break
            number = row.merged_into
        return ticket_from_row(row)

    def ticket(self, number: int) -> Json:
        """One ticket whole, with messages and events."""
        return self.whole(self.ticket_value(number))

    def whole(self, ticket: Ticket) -> Json:
        """A ticket with its messages and events."""
        rows = self.connection.execute(
            select(message).where(message.c.ticket == ticket.id).order_by(message.c.id)
        ).all()
        happened = select(event).where(event.c.ticket == ticket.id).order_by(event.c.id)
        shown = ticket_json(ticket)
        shown["messages"] = [message_json(row, self._files(row)) for row in rows]
        shown["events"] = [event_json(row) for row in self.connection.execute(happened)]
        return shown

    def _files(self, row: Any) -> list[Json]:
        if not row.files:
            return []
        query = select(attachment).where(attachment.c.message == row.id).order_by(attachment.c.position)
        return [file_json(file) for file in self.connection.execute(query)]

    def files(self, message_id: int) -> Iterator[tuple[Json, bytes]]:
        """The files of a message (by its number), with their contents, one at a time."""
        query = (
            select(attachment, blob.c.content)
            .join(blob, blob.c.sha256 == attachment.c.sha256)
            .where(attachment.c.message == message_id)
            .order_by(attachment.c.position)
        )
        for row in self.connection.execute(query):
            yield file_json(row), row.content

    def raw_mails(self, number: int) -> Iterator[tuple[int, bytes]]:
        """The mails of a ticket as they came: the message's number and the bytes."""
        query = (
            select(message.c.id, raw_mail.c.content)
            .join(ledger, ledger.c.id == message.c.ledger)
            .join(raw_mail, raw_mail.c.sha256 == ledger.c.sha256)
            .where(message.c.ticket == number)
            .order_by(message.c.id)
        )
        for row in self.connection.execute(query):
            yield row.id, row.content

    def raw_mail(self, ledger_id: int) -> bytes:
        """The bytes of a ledger row's mail; raise NotFound where none are kept."""
        query = select(raw_mail.c.content).join(ledger, ledger.c.sha256 == raw_mail.c.sha256)
        content: bytes | None = self.connection.scalar(query.where(ledger.c.id == ledger_id))
        if content is None:
            raise NotFound(f"No bytes are kept of mail {ledger_id}.")
        return content

    def ledger(self, mailbox: str | None = None, message_id: str | None = None) -> list[Json]:
        """What became of every mail, oldest first; all of them, or one mailbox's, or one Message-ID's."""
        query = select(ledger).order_by(ledger.c.id)
        if mailbox is not None:
            query = query.where(ledger.c.mailbox == mailbox)
        if message_id is not None:
            query = query.where(ledger.c.message_id == message_id)
        return [ledger_json(row) for row in self.connection.execute(query)]

    def outbox(self, state: str | None = None) -> list[Json]:
        """Every mail of ours, one row a recipient, oldest first."""
        query = select(outbox).order_by(outbox.c.id)
        if state is not None:
            query = query.where(outbox.c.state == state)
        return [outbox_json(row) for row in self.connection.execute(query)]

    def quarantine(self) -> list[Json]:
        """Mails that are parked, held or quarantined, oldest first."""
        query = select(ledger).where(ledger.c.outcome.in_(SET_ASIDE)).order_by(ledger.c.id)
        return [_quarantine_json(row) for row in self.connection.execute(query)]

    def quarantine_item(self, ledger_id: int) -> Json:
        """One of them, with its traceback; raise NotFound for any other mail."""
        query = select(ledger).where(ledger.c.id == ledger_id, ledger.c.outcome.in_(SET_ASIDE))
        row = self.connection.execute(query).one_or_none()
        if row is None:
            raise NotFound(f"There is no mail {ledger_id} in quarantine.")
        return _quarantine_json(row) | {
            "traceback": row.traceback,
            "attempts": row.attempts,
            "agent": row.agent,
        }

    def traces(self, address: str) -> Traces:
        """Everything kept about a person (a folded address)."""
        return find_traces(self.connection, address)

    def mails_naming(self, address: str) -> Mails:
        """The mails whose bytes name a person (a folded address)."""
        return find_mails(self.connection, address)

    def came(self, digest: str) -> bytes:
        """The bytes of a mail that came, by its digest; nothing where they are gone."""
        query = select(raw_mail.c.content).where(raw_mail.c.sha256 == digest)
        content: bytes | None = self.connection.scalar(query)
        return content or b""

    def find_message(self, message_id: str) -> Json | None:
        """Where the mail with this Message-ID is: its ticket and number; None where it is not."""
        query = select(message.c.id, message.c.ticket).where(message.c.message_id == message_id)
        row = self.connection.execute(query.order_by(message.c.id).limit(1)).one_or_none()
        return {"ticket": row.ticket, "message": row.id} if row else None

    def stranded(self, mailboxes: Sequence[str]) -> list[Json]:
        """What waits in mailboxes that are not among these."""
        return stranded(self.connection, mailboxes)

    def status(self, mailboxes: Sequence[str], now: datetime) -> Json:
        """How the desk fares; ``mailboxes`` are the configured ones."""
        return status(self.connection, mailboxes, now)


def ledger_json(row: Any) -> Json:
    """What became of one mail that came."""
    shown = {"id": row.id, "mailbox": row.mailbox, "folder": row.folder, "uidvalidity": row.uidvalidity}
    shown |= {"uid": row.uid if row.uid > 0 else None, "message_id": row.message_id, "sha256": row.sha256}
    shown |= {"outcome": row.outcome, "ticket": row.ticket, "seen_at": iso(row.seen_at)}
    shown |= {"reason": row.reason, "late": row.late, "attempts": row.attempts}
    return shown | {"agent": row.agent}


def outbox_json(row: Any) -> Json:
    """What became of one mail of ours, for one recipient."""
    shown = {"id": row.id, "ticket": row.ticket or None, "mailbox": row.mailbox, "kind": row.kind}
    shown |= {"to": row.recipient, "message_id": row.message_id, "state": row.state}
    shown |= {"attempts": row.attempts, "next_attempt_at": None, "last_error": row.last_error}
    if row.state in {"waiting", "unsure"}:
        shown["next_attempt_at"] = iso(row.next_attempt_at)
    return shown | {"created_at": iso(row.created_at), "sent_at": iso(row.sent_at), "response": row.response}


def _quarantine_json(row: Any) -> Json:
    shown = {"id": row.id, "mailbox": row.mailbox, "folder": row.folder}
    shown |= {"uid": row.uid if row.uid > 0 else None, "message_id": row.message_id, "sha256": row.sha256}
    shown |= {"state": row.outcome, "reason": row.reason}
    return shown | {"at": iso(row.concluded_at or row.seen_at), "subject": row.subject}
