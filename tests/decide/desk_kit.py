"""What the tests of the pure core share: a small desk, and mails to it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from ticketd.decide import tokens
from ticketd.decide.context import Clues, Context, History, Issued
from ticketd.decide.effects import Token
from ticketd.decide.model import Address, Entry, Envelope, Kind, Message, Purpose, Ticket
from ticketd.decide.policy import Agent, Mailbox, Policy
from ticketd.decide.rules import Decision, decide, read_clues
from ticketd.texts_files import load

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
JANE = Address("jane@example.org", "Jane Doe")
ANNA = Address("anna@example.com", "Anna")
BOB = Address("bob@example.com", "Bob")
DESK = Address("support@example.com", "Example Support")
AGENTS = {
    "anna": Agent(name="anna", address="anna@example.com", display_name="Anna"),
    "bob": Agent(name="bob", address="bob@example.com", display_name="Bob"),
}
SUPPORT = Mailbox(name="support", address="support@example.com", display_name="Example Support")
POLICY = Policy(
    name="Example Help Desk",
    instance="abcdefgh234567ab",
    keys=(b"k" * 32,),
    mailboxes={"support": SUPPORT},
    agents=AGENTS,
    canned={"refund": "The refund is on its way."},
    texts=load(),
)


def with_mailbox(**changes: Any) -> Policy:
    """The desk with its one mailbox set otherwise."""
    return replace(POLICY, mailboxes={"support": SUPPORT.model_copy(update=changes)})


_serial = 0


def mail(author: Address | None = JANE, text: str = "My printer is on fire.", **fields: Any) -> Message:
    """A mail to the desk."""
    global _serial
    _serial += 1
    defaults: dict[str, Any] = {
        "fingerprint": f"print-{_serial}",
        "size": len(text),
        "message_id": f"<mail-{_serial}@example.org>",
        "subject": "Printer on fire",
        "author": author,
        "to": (DESK,),
        "text": text,
        "date": NOW,
    }
    return Message(**{**defaults, **fields})


def ticket(number: int = 1, **fields: Any) -> Ticket:
    """Jane's ticket."""
    defaults: dict[str, Any] = {
        "id": number,
        "subject": "Printer on fire",
        "mailbox": "support",
        "created_at": NOW - timedelta(hours=2),
        "updated_at": NOW - timedelta(hours=2),
        "requester": JANE,
        "participants": (JANE,),
    }
    return Ticket(**{**defaults, **fields})


def entry(kind: Kind = Kind.CUSTOMER, author: Address = JANE, **fields: Any) -> Entry:
    """A message on Jane's ticket."""
    defaults: dict[str, Any] = {
        "text": "My printer is on fire.",
        "new_text": "My printer is on fire.",
        "at": NOW - timedelta(hours=2),
        "id": 1,
        "message_id": "<first@example.org>",
        "subject": "Printer on fire",
    }
    return Entry(kind=kind, author=author, **{**defaults, **fields})


def history(number: int = 1, *entries: Entry, **fields: Any) -> History:
    """Jane's ticket with its messages (one mail of hers where none are given)."""
    said = entries or (entry(),)
    customer = next((one for one in reversed(said) if one.kind is Kind.CUSTOMER), None)
    return History(ticket(number, **fields), said, last_customer=customer)


def token(purpose: Purpose = Purpose.REPLY, number: int = 1, recipient: str = "anna@example.com") -> Token:
    """A token as a notification carries it."""
    return tokens.mint(POLICY, purpose, number, recipient, "a cause")


def issued(made: Token, last_message: int = 1, revoked: bool = False, days: int = 0) -> Issued:
    """The row of a token."""
    return Issued(made, revoked, NOW - timedelta(days=days), last_message)


def context(*histories: History, given: tuple[Issued, ...] = (), **fields: Any) -> Context:
    """The past, as the store would tell it."""
    stored: dict[str, tuple[int, ...]] = {}
    for one in histories:
        for said in one.entries:
            if said.message_id:
                stored[said.message_id] = (one.ticket.id,)
    highest = max((one.ticket.id for one in histories), default=0)
    return Context(
        next_ticket=highest + 1,
        tickets={one.ticket.id: one for one in histories},
        issued={(one.token.ticket, str(one.token.purpose), one.token.serial): one for one in given},
        stored=stored,
        **fields,
    )


def decided(message: Message, past: Context, policy: Policy = POLICY, **envelope: Any) -> Decision:
    """Decide on one mail that came to support."""
    how = Envelope(mailbox="support", received_at=NOW, cause=message.fingerprint, item=7, **envelope)
    clues: Clues = read_clues(message, "support", policy)
    return decide(message, how, clues, past, policy, NOW)


def effects_of(decision: Decision, kind: type[Any]) -> list[Any]:
    """The effects of one kind."""
    return [one for one in decision.effects if isinstance(one, kind)]
