"""A desk under attack: real bytes in, a real SQLite database, every mail that it queues."""

from __future__ import annotations

import email
import email.policy
import re
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from tests.journeys.stage import PEOPLE, START, Stage, desk_policy, text_of, with_policy
from ticketd.store import Store

AGENTS = {"anna@example.com", "bob@example.com"}
DESK = "support@example.com"
SECRET = "Between us: this customer owes forty euro since March."
ANNAS_WORDS = "Pour water on it."
Fields = Iterable[tuple[str, str | bytes]]


def as_bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()


def raw(fields: Fields, body: str | bytes = "Hello.") -> bytes:
    """A mail of exactly these fields, CRLF, nothing tidied."""
    head = b"".join(name.encode() + b": " + as_bytes(value) + b"\r\n" for name, value in fields)
    return head + b"\r\n" + as_bytes(body).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") + b"\r\n"


class Desk(Stage):
    """A stage with the words that attacks are made of."""

    _letters = 0

    def mails(self) -> list[tuple[dict[str, Any], EmailMessage]]:
        """Every mail that the desk queued, with its outbox row; each is parsed once."""
        read = self.__dict__.setdefault("_read", [])
        query = (
            "SELECT outbox.id, outbox.recipient, outbox.kind, outgoing.content FROM outbox"
            " JOIN outgoing ON outgoing.sha256 = outbox.sha256"
            f" WHERE outbox.id > {read[-1][0]['id'] if read else 0} ORDER BY outbox.id"
        )
        for number, to, kind, content in self.rows(query):
            mail = email.message_from_bytes(bytes(content), policy=email.policy.SMTP)
            read.append(({"id": number, "to": to, "kind": kind}, mail))
        return list(read)

    def fields(self, author: str | bytes, **more: str | bytes | None) -> list[tuple[str, str | bytes]]:
        """The usual fields; ``In_Reply_To`` stands for In-Reply-To, None leaves one out."""
        Desk._letters += 1
        usual: dict[str, str | bytes | None] = {
            "From": author,
            "To": DESK,
            "Subject": "Printer on fire",
            "Message-ID": f"<abuse-{Desk._letters}@mail.test>",
            "Date": format_datetime(self.now),
            "MIME-Version": "1.0",
            "Content-Type": "text/plain; charset=utf-8",
        }
        usual |= {name.replace("_", "-"): value for name, value in more.items()}
        return [(name, value) for name, value in usual.items() if value is not None]

    def mail(
        self, author: str | bytes, body: str | bytes = "Hello.", **more: str | bytes | None
    ) -> dict[str, int]:
        """Somebody's mail comes and is taken in: how many mails came to which outcome."""
        return self.send(raw(self.fields(author, **more), body))

    def answer(self, person: str, body: str, **more: str | bytes | None) -> dict[str, int]:
        """A person answers the last mail that they got, as mail clients do."""
        got = self.last_to(person)
        known = {
            "To": got["Reply-To"] or got["From"],
            "Subject": f"Re: {got['Subject']}",
            "In_Reply_To": got["Message-ID"],
            "References": f"{got['References'] or ''} {got['Message-ID']}".strip(),
        }
        return self.mail(PEOPLE[person], body, **{**known, **more})

    def ids(self) -> dict[str, str]:
        """The Message-IDs of the prepared desk's mails, by whom and what they were made for."""
        names = ("anna-1", "bob-1", "jane", "anna-note", "anna-2", "bob-2", "bob-question")
        rows = self.rows("SELECT message_id FROM outbox ORDER BY id")
        return dict(zip(names, (row[0] for row in rows), strict=False))

    def to_outsiders(self) -> list[EmailMessage]:
        """Every mail to somebody who is no agent."""
        return [mail for row, mail in self.mails() if row["to"] not in AGENTS]

    def numbers(self) -> list[int]:
        """All tickets, the spam folder's included."""
        with self.store.view() as view:
            return sorted(one["id"] for one in view.list_tickets("all") + view.list_tickets("spam"))

    def ledger(self) -> list[tuple[str, int | None, str]]:
        """Outcome, ticket and reason of every mail ever seen, oldest first."""
        rows = self.rows("SELECT outcome, ticket, reason FROM ledger ORDER BY id")
        return [(row[0], row[1], row[2] or "") for row in rows]

    def last_outcome(self) -> str:
        return self.ledger()[-1][0]

    def kinds(self, number: int) -> list[str]:
        """The kinds of a ticket's messages, in order."""
        return [one["kind"] for one in self.ticket(number)["messages"]]

    def events(self, number: int) -> list[str]:
        return [one["kind"] for one in self.ticket(number)["events"]]

    def rows(self, query: str) -> list[Any]:
        """Look straight into the database: most of an attack's cost is looking at what it did."""
        with self.store.begin("look") as tx:
            return list(tx.connection.exec_driver_sql(query).all())

    def mailed(self) -> int:
        """How many mails were queued to people who are no agents."""
        return len(self.rows(f"SELECT id FROM outbox WHERE recipient NOT IN {tuple(sorted(AGENTS))}"))

    def state(self) -> dict[int, dict[str, Any]]:
        """What an attack must not change of the tickets there are."""
        tickets = {row[0]: row for row in self.rows(_TICKETS)}
        said: dict[int, list[tuple[str, str]]] = {number: [] for number in tickets}
        for number, kind, author in self.rows("SELECT ticket, kind, author_address FROM message ORDER BY id"):
            said[number].append((kind, author))
        return {
            number: {"status": row[1], "assignee": row[2], "rest": row[3:], "messages": said[number]}
            for number, row in tickets.items()
        }


_TICKETS = (
    "SELECT id, status, assignee, priority, subject, requester_address, participants, tags, snoozed_until,"
    " merged_into, spam FROM ticket ORDER BY id"
)


def open_desk(directory: Path) -> Desk:
    """A desk with nothing in it."""
    directory.mkdir(parents=True, exist_ok=True)
    store = Store.open(f"sqlite:///{directory / 'ticketd.db'}")
    store.migrate()
    return Desk(store, directory, desk_policy(store))


def again(desk: Desk, prepared: sqlite3.Connection, **mailbox: Any) -> Desk:
    """The desk as it was prepared: the same open store, its database taken back (opening costs more)."""
    with closing(sqlite3.connect(desk.directory / "ticketd.db")) as target:
        prepared.backup(target)
    fresh = Desk(desk.store, desk.directory, desk_policy(desk.store))
    fresh.now = START + timedelta(hours=1)
    fresh._uid = len(fresh.ledger())
    return with_policy(fresh, **mailbox) if mailbox else fresh  # type: ignore[return-value]


def acted(desk: Desk, before: Mapping[int, Mapping[str, Any]], mailed: int) -> list[str]:
    """What a mail did that only a proven agent's may; empty where it did nothing of it."""
    after = desk.state()
    found = [f"ticket {number} changed" for number in before if before[number] != after.get(number)]
    found += [
        f"ticket {number} has a {kind}"
        for number in after.keys() - before.keys()
        for kind, _ in after[number]["messages"]
        if kind in ("reply", "note")
    ]
    found += [f"ticket {n} is not open" for n in after.keys() - before.keys() if after[n]["status"] != "open"]
    found += [f"ticket {n} is assigned" for n in after.keys() - before.keys() if after[n]["assignee"]]
    new = desk.mailed() - mailed
    return found + ([f"{new} mails to customers"] if new else [])


_SIGNED = re.compile(r"t\d+\.[a-z2-7]{8}\.([rnql])\.[a-z2-7]{16}|\.([rnql])\.[a-z2-7]{8}\.[a-z2-7]{16}")


def holds_agents_token(text: str) -> bool:
    """Whether a signed id of an agent's stands in what a customer gets."""
    return _SIGNED.search(text.lower()) is not None


def everything(mail: EmailMessage) -> str:
    """All that a reader of a mail can see: fields and decoded texts, and the raw bytes beside them."""
    texts = [part.get_content() for part in mail.walk() if part.get_content_maintype() == "text"]
    return "\n".join((mail.as_string(), *texts))


def with_limits(desk: Desk, **limits: int) -> Desk:
    desk.policy = replace(desk.policy, limits=desk.policy.limits.model_copy(update=limits))
    return desk


__all__ = [
    "AGENTS",
    "ANNAS_WORDS",
    "DESK",
    "SECRET",
    "Desk",
    "acted",
    "again",
    "everything",
    "holds_agents_token",
    "open_desk",
    "raw",
    "text_of",
    "with_limits",
]
