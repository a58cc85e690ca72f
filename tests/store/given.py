"""Values for store tests: a ticket, a mail, a notification, all of them invented."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from ticketd.decide.context import Clues, Context, SignedId
from ticketd.decide.effects import Append, Conclude, Effect, MailKind, Outgoing, Save, Token
from ticketd.decide.model import Address, Entry, Kind, Outcome, Purpose, Ticket
from ticketd.store import Applied, Received, Store

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
JANE = Address("Jane@Example.COM", "Jane Doe")
JOE = Address("joe@example.org", "Joe")
ANNA = "anna@example.com"
BOB = "bob@example.com"
HOUR = timedelta(hours=1)


def ticket(number: int = 1, **fields: Any) -> Ticket:
    """An open ticket of Jane's."""
    base = Ticket(number, "Printer on fire", "support", NOW, NOW, requester=JANE, participants=(JANE,))
    return replace(base, **fields)


def entry(
    kind: Kind = Kind.CUSTOMER, author: Address = JANE, text: str = "It burns.", **fields: Any
) -> Entry:
    """A message, Jane's unless said otherwise."""
    return replace(Entry(kind, author, text, text, NOW, subject="Printer on fire"), **fields)


def token(number: int = 1, serial: str = "aaaaaaaa", recipient: str = ANNA, **fields: Any) -> Token:
    """A token of a notification to Anna."""
    return replace(Token(Purpose.REPLY, number, recipient, serial), **fields)


def outgoing(number: int = 1, *recipients: str, cause: str = "cause", **fields: Any) -> Outgoing:
    """A notification to Anna, unless said otherwise."""
    made_for = fields.pop("token", token(number, cause[:8].ljust(8, "a")))
    base = Outgoing(
        kind=MailKind.NOTIFICATION,
        mailbox="support",
        ticket=number,
        recipients=recipients or (ANNA,),
        message_id=f"<{cause}@example.com>",
        content=b"Subject: x\r\n\r\ntext\r\n",
        cause=cause,
        token=made_for,
    )
    return replace(base, **fields)


def clues(**fields: Any) -> Clues:
    """No clue but the mailbox."""
    return replace(Clues("support"), **fields)


def signed(number: int, serial: str = "aaaaaaaa", purpose: str = "r") -> SignedId:
    """A signed id of ours."""
    return SignedId("id", number, "m" * 16, purpose, serial)


def received(*uids: int, content: bytes = b"Subject: %d\r\n\r\nx\r\n", **fields: Any) -> list[Received]:
    """Mails with these UIDs, each with content of its own where it has a place for it."""
    mails = []
    for uid in uids:
        raw = content % uid if b"%d" in content else content
        mails.append(replace(Received(uid, NOW, len(raw), raw), **fields))
    return mails


def do(store: Store, *effects: Effect, now: datetime = NOW, ledger_id: int | None = None) -> Applied:
    """Apply effects in a transaction of their own."""
    with store.begin() as tx:
        return tx.apply(effects, now, ledger_id)


def look(store: Store, now: datetime = NOW, ledger_id: int | None = None, **fields: Any) -> Context:
    """The context for these clues."""
    with store.begin() as tx:
        return tx.context(clues(**fields), now, ledger_id)


def take(store: Store, *uids: int, mailbox: str = "support", **fields: Any) -> list[int]:
    """Receive mails in a transaction of their own."""
    with store.begin() as tx:
        return tx.receive(mailbox, "INBOX", 7, received(*uids, **fields), NOW)


def opened(store: Store, **fields: Any) -> int:
    """A ticket with Jane's first mail; its number."""
    with store.begin() as tx:
        number = tx.context(clues(), NOW).next_ticket
        first = entry(message_id=f"<first{number}@example.com>")
        tx.apply([Save(ticket(number, **fields)), Append(number, first)], NOW)
    return number


def concluded(outcome: Outcome, **fields: Any) -> Conclude:
    """What became of a mail."""
    return replace(Conclude(outcome), **fields)
