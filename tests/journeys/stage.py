"""A desk on a real database, on which stories are played: mails in, mails out, time passing.

A story is a folder of numbered steps: ``01-jane.eml`` is a mail that Jane sends to the
desk, ``05-wait.txt`` lets time pass. In a mail ``{{anna.message_id}}`` is that of the last
mail Anna got; ``subject``, ``reply_to``, ``references``, ``quoted`` and ``outlook`` likewise.
"""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from ticketd.collect.inhand import InHand
from ticketd.collect.intake import take_in_waiting
from ticketd.collect.timed import run_due
from ticketd.decide.policy import Agent, Mailbox, Policy
from ticketd.store import Received, Store
from ticketd.texts_files import load

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
PEOPLE = {
    "jane": "jane@example.org",
    "lee": "lee@example.org",
    "mallory": "mallory@evil.test",
    "anna": "anna@example.com",
    "bob": "bob@example.com",
    "robot": "mailer-daemon@mx.example.org",
}
_HOLE = re.compile(r"\{\{(\w+)\.(\w+)\}\}")
_SIGNED = re.compile(r"(<t\d+|\+t\d+|\[#\d+)\.[a-z2-7.]{16,40}")
TEXTS = load()


def desk_policy(store: Store) -> Policy:
    """The desk of the stories: one mailbox, Anna and Bob; no DMARC to trust."""
    desk = store.desk()
    return Policy(
        name="Example Help Desk",
        instance=desk.instance,
        keys=desk.keys,
        mailboxes={
            "support": Mailbox(
                name="support",
                address="support@example.com",
                display_name="Example Support",
                signature="Example Support",
            )
        },
        agents={
            "anna": Agent(name="anna", address="anna@example.com", display_name="Anna"),
            "bob": Agent(name="bob", address="bob@example.com", display_name="Bob"),
        },
        canned={"refund": "The refund is on its way."},
        texts=TEXTS,
    )


class Stage:
    """Plays steps; knows what every person received."""

    def __init__(self, store: Store, directory: Path, policy: Policy | None = None) -> None:
        self.store = store
        self.directory = directory
        self.policy = policy or desk_policy(store)
        self.now = START
        self._uid = 0
        self._seen = 0

    def clock(self) -> datetime:
        """The stage's own time."""
        return self.now

    def mails(self) -> list[tuple[dict[str, Any], EmailMessage]]:
        """Every mail that the desk queued and nobody called back, with its outbox row."""
        with self.store.begin("look") as tx:
            rows = tx.connection.exec_driver_sql(
                "SELECT outbox.id, outbox.recipient, outbox.kind, outgoing.content FROM outbox"
                " JOIN outgoing ON outgoing.sha256 = outbox.sha256"
                " WHERE outbox.state <> 'cancelled' ORDER BY outbox.id"
            ).all()
        return [
            (
                {"id": row[0], "to": row[1], "kind": row[2]},
                email.message_from_bytes(bytes(row[3]), policy=email.policy.SMTP),
            )
            for row in rows
        ]

    def new_mails(self) -> list[tuple[dict[str, Any], EmailMessage]]:
        """What was queued since this was last asked."""
        found = [pair for pair in self.mails() if pair[0]["id"] > self._seen]
        self._seen = max((row["id"] for row, _ in found), default=self._seen)
        return found

    def last_to(self, person: str) -> EmailMessage:
        """The last mail that a person got."""
        address = PEOPLE[person]
        return [mail for row, mail in self.mails() if row["to"] == address][-1]

    def fill(self, text: str) -> str:
        """A step's text with its holes filled from what people received."""

        def value(found: re.Match[str]) -> str:
            mail = self.last_to(found[1])
            body = text_of(mail)
            return {
                "message_id": lambda: mail["Message-ID"],
                "subject": lambda: mail["Subject"],
                "reply_to": lambda: mail["Reply-To"] or mail["From"],
                "references": lambda: f"{mail['References'] or ''} {mail['Message-ID']}".strip(),
                "quoted": lambda: "\n".join(f"> {line}" for line in body.splitlines()),
                "outlook": lambda: body,
            }[found[2]]()

        return _HOLE.sub(value, text)

    def receive(self, *contents: bytes, mailbox: str = "support") -> None:
        """The server had these mails: received, not yet taken in."""
        mails = []
        for content in contents:
            self._uid += 1
            mails.append(Received(self._uid, self.now, len(content), content))
        with self.store.begin("receive") as tx:
            tx.mailbox_state(mailbox)
            tx.receive(mailbox, "INBOX", 1, mails, self.now)

    def take_in(self, mailbox: str = "support") -> dict[str, int]:
        """Take in what was received."""
        with InHand(self.directory, mailbox) as in_hand:
            found = take_in_waiting(self.store, self.policy, mailbox, self.clock, in_hand)
        return {str(key): count for key, count in found.items()}

    def send(self, content: str | bytes) -> dict[str, int]:
        """One mail comes and is taken in, a minute after the last."""
        self.now += timedelta(minutes=1)
        filled = (
            self.fill(content).replace("\r\n", "\n").replace("\n", "\r\n").encode()
            if isinstance(content, str)
            else content
        )
        self.receive(filled)
        return self.take_in()

    def wait(self, time: timedelta) -> None:
        """Time passes; what it brings is done."""
        self.now += time
        run_due(self.store, self.policy, self.now)
        self.take_in()

    def ticket(self, number: int) -> dict[str, Any]:
        """A ticket whole, as the contract shows it."""
        with self.store.view() as view:
            return view.ticket(number)

    def steps(self, story: Path) -> Iterator[Path]:
        """The steps of a story, in order."""
        return iter(sorted(path for path in story.iterdir() if path.suffix in (".eml", ".txt")))

    def play(self, step: Path) -> dict[str, int]:
        """Play one step."""
        text = step.read_text("utf-8")
        if step.suffix == ".txt":
            self.wait(timedelta(hours=float(text)))
            return {}
        return self.send(text)


def text_of(mail: EmailMessage) -> str:
    """The plain text of a mail of ours."""
    part = mail.get_body(("plain",))
    return part.get_content().replace("\r\n", "\n") if part else ""


def shown_of(kind: str, mail: EmailMessage) -> list[str] | None:
    """A reply whole, since a customer reads it; of a question the reason; of others nothing."""
    lines = masked(text_of(mail)).splitlines()
    if kind == "question":
        return [line for line in lines if line.startswith(("Nothing was sent", "Did you mean"))]
    return lines if kind == "reply" else None


def masked(text: str) -> str:
    """Without what differs from run to run: signed ids."""
    return _SIGNED.sub(r"\1.…", text)


def told(stage: Stage, story: Path) -> dict[str, Any]:
    """Play a story; its meaning: what became of each step, who received what, how the tickets stand."""
    steps = {}
    for step in stage.steps(story):
        outcome = stage.play(step)
        steps[step.name] = {
            "outcome": outcome,
            "mails": [
                {
                    "kind": row["kind"],
                    "to": row["to"],
                    "from": str(mail["From"]),
                    "subject": masked(str(mail["Subject"])),
                    "text": shown_of(row["kind"], mail),
                }
                for row, mail in stage.new_mails()
            ],
        }
    with stage.store.view() as view:
        tickets = [view.ticket(one["id"]) for one in view.list_tickets("all") + view.list_tickets("spam")]
    return {"steps": steps, "tickets": [meaning(one) for one in sorted(tickets, key=lambda one: one["id"])]}


def meaning(ticket: dict[str, Any]) -> dict[str, Any]:
    """A ticket without times and ids of ours."""
    kept = ("id", "subject", "status", "priority", "assignee", "tags", "spam", "channel")
    shown = {name: ticket[name] for name in kept}
    shown["requester"] = ticket["requester"]["address"]
    shown["participants"] = [one["address"] for one in ticket["participants"]]
    shown["messages"] = [
        {"kind": one["kind"], "author": one["author"]["address"], "new_text": one["new_text"].splitlines()}
        for one in ticket["messages"]
    ]
    shown["events"] = [
        " ".join(
            str(part) for part in (one["actor"], one["kind"], one["from"], one["to"]) if part is not None
        )
        for one in ticket["events"]
    ]
    return shown


def with_policy(stage: Stage, **mailbox: Any) -> Stage:
    """The stage with its mailbox set otherwise, in the words of the config."""
    before = stage.policy.mailboxes["support"]
    changed = Mailbox(**{**{name: getattr(before, name) for name in before.model_fields_set}, **mailbox})
    stage.policy = replace(stage.policy, mailboxes={"support": changed})
    return stage
