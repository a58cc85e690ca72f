"""A small invented desk for the tests of what it sends."""

from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import Message

from ticketd import texts_files
from ticketd.decide.model import Address, Entry, Kind, Priority, Ticket
from ticketd.decide.policy import Agent, Mailbox, Policy

NOW = datetime(2026, 11, 23, 12, 10, 5, tzinfo=UTC)
JANE = Address("Jane@Example.org", "Jane Doe")
JOE = Address("joe@example.net", "Żółw, Joe")
TEXTS = texts_files.load()


def policy(**mailbox):
    desk = Mailbox(
        name="support",
        address="support@example.com",
        display_name="Example Support",
        **{"signature": "Yours", **mailbox},
    )
    agents = {
        name: Agent(name=name, address=f"{name}@private.example.com", display_name=name.title())
        for name in ("anna", "bob", "cleo")
    }
    return Policy(
        name="Example Help Desk",
        instance="abcdefgh23456777",
        keys=(b"k" * 32,),
        mailboxes={"support": desk},
        agents=agents,
        texts=TEXTS,
    )


def ticket(**fields):
    values = {
        "id": 42,
        "subject": "Printer on fire",
        "mailbox": "support",
        "created_at": NOW,
        "updated_at": NOW,
        "requester": JANE,
        "participants": (JANE, JOE),
        "priority": Priority.URGENT,
        "next_reply_due_at": NOW + timedelta(hours=2),
    }
    return Ticket(**{**values, **fields})


def entry(text="The printer burns.\n#solved\n", kind=Kind.CUSTOMER, author=JANE, **fields):
    values = {
        "new_text": text,
        "at": NOW,
        "id": 1,
        "message_id": "<a1@example.org>",
        "subject": "RE: AW: Printer on fire",
    }
    return Entry(kind, author, text, **{**values, **fields})


def read(mail) -> Message:
    return message_from_bytes(mail.content)


def part(message, content_type):
    """The decoded text of the first part of this type."""
    found = next(one for one in message.walk() if one.get_content_type() == content_type)
    return found.get_payload(decode=True).decode("utf-8").replace("\r\n", "\n")
