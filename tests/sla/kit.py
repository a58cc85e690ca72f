"""A stage whose desk keeps promises, and which may be restarted between any two steps."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from tests.journeys.stage import Stage
from ticketd.collect.timed import run_due
from ticketd.decide.policy import Sla
from ticketd.store import Store

LEAD = "lead@example.net"
FIRST = (
    "From: Jane Doe <jane@example.org>\nTo: support@example.com\nSubject: {subject}\n"
    "Message-ID: <{subject}@example.org>\n\n{text}\n"
)
ANSWER = (
    "From: {who}@example.com\nTo: {{{{{who}.reply_to}}}}\nSubject: Re: {{{{{who}.subject}}}}\n"
    "Message-ID: <{id}@example.com>\nIn-Reply-To: {{{{{who}.message_id}}}}\n"
    "\n{text}\n\n{{{{{who}.quoted}}}}\n"
)


def sla(**fields: Any) -> Sla:
    """First reply within 1 h, next within 2 h, solved within 8 h, round the clock, unless said otherwise."""
    policy: dict[str, Any] = {"name": "all", "first_reply": "1h", "next_reply": "2h", "solve": "8h"}
    own = {name: fields.pop(name) for name in ("first_reply", "next_reply", "solve") if name in fields}
    policy |= own | {"on_breach": fields.pop("on_breach", [])}
    return Sla.model_validate({"escalate_to": LEAD, "policies": [policy], **fields})


class Desk(Stage):
    """A stage with the promises of ``sla``."""

    def __init__(self, directory: Path, **fields: Any) -> None:
        self.file = directory / "ticketd.db"
        store = Store.open(f"sqlite:///{self.file}")
        store.migrate()
        super().__init__(store, directory)
        self.promise(**fields)

    def promise(self, **fields: Any) -> None:
        """Another config is in force."""
        self.policy = replace(self.policy, sla=sla(**fields))

    def restart(self) -> None:
        """The daemon ends; another begins on the same database."""
        self.store.close()
        self.store = Store.open(f"sqlite:///{self.file}")

    def jane_writes(self, subject: str = "printer", text: str = "It burns.") -> int:
        """A new mail of Jane's; the ticket's number."""
        self.send(FIRST.format(subject=subject, text=text))
        with self.store.view() as view:
            return max(one["id"] for one in view.list_tickets("all"))

    def answers(self, who: str, text: str, id: str = "answer") -> None:
        """An agent answers the last mail they got."""
        self.send(ANSWER.format(who=who, text=text, id=id))

    def live(self, time: timedelta, step: timedelta = timedelta(minutes=1)) -> None:
        """Time passes, minute by minute."""
        end = self.now + time
        while self.now < end:
            self.wait(step)

    def tick_at(self, shift: timedelta) -> None:
        """A tick under a clock that is wrong by ``shift``; it is put right again after."""
        run_due(self.store, self.policy, self.now + shift)

    def told(self, address: str) -> list[EmailMessage]:
        """What was queued to an address since this was last asked of it."""
        if not hasattr(self, "_heard"):
            self._heard: dict[str, int] = {}
        found = [mail for row, mail in self.mails() if row["to"] == address]
        new, self._heard[address] = found[self._heard.get(address, 0) :], len(found)
        return new

    def sla_events(self, number: int) -> list[str]:
        """What the ticket's history says of promises."""
        events = [one for one in self.ticket(number)["events"] if one["kind"] == "sla"]
        return [f"{one['to']}: {re.split(r' (?:was )?due ', one['detail'])[0]}" for one in events]
