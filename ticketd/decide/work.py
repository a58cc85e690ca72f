"""The sheet on which one decision is written: the tickets as they will stand, and the effects.

A builder that lives for one call of ``decide``: it touches nothing outside itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from ticketd.decide.context import Context, History
from ticketd.decide.effects import (
    Append,
    Conclude,
    Effect,
    Outgoing,
    Record,
    Save,
    Send,
)
from ticketd.decide.model import Entry, Ticket
from ticketd.decide.policy import Agent, Mailbox, Policy


class Work:
    """Collects what one mail or command decides.

    ``cause`` names the mail or command for good; the ids of what is sent derive from it.
    """

    def __init__(self, policy: Policy, context: Context, now: datetime, cause: str) -> None:
        self.policy = policy
        self.context = context
        self.now = now
        self.cause = cause
        self._tickets: dict[int, Ticket] = {}
        self._appended: dict[int, list[Entry]] = {}
        self._effects: list[Effect] = []
        self._next_ticket = context.next_ticket

    def new_number(self) -> int:
        """The number of a ticket that this decision opens."""
        number, self._next_ticket = self._next_ticket, self._next_ticket + 1
        return number

    def ticket(self, number: int) -> Ticket:
        """The ticket as it stands by now."""
        if number in self._tickets:
            return self._tickets[number]
        return self.context.tickets[number].ticket

    def history(self, number: int) -> History:
        """The ticket with what was said on it, this decision's messages included."""
        known = self.context.tickets.get(number) or History(self.ticket(number))
        entries = (*known.entries, *self._appended.get(number, ()))
        return replace(known, ticket=self.ticket(number), entries=entries)

    def save(self, ticket: Ticket) -> Ticket:
        """The ticket stands like this from now on."""
        self._tickets[ticket.id] = ticket
        return ticket

    def append(self, number: int, entry: Entry) -> None:
        """A message joins the ticket."""
        self._appended.setdefault(number, []).append(entry)
        self._effects.append(Append(number, entry))
        self.save(replace(self.ticket(number), updated_at=self.now))

    def record(
        self,
        number: int,
        kind: str,
        actor: str = "system",
        before: str | None = None,
        after: str | None = None,
        detail: str = "",
    ) -> None:
        """A line joins the ticket's events."""
        self._effects.append(Record(number, kind, actor, before, after, detail))

    def add(self, *effects: Effect) -> None:
        """Any other effect."""
        self._effects.extend(effects)

    def send(self, *mails: Outgoing) -> None:
        """Mails join the outbox."""
        self._effects.extend(Send(mail) for mail in mails)

    def wipe(self) -> None:
        """Forget everything written so far: the mail is held, so nothing of it takes effect."""
        self._tickets.clear()
        self._appended.clear()
        self._effects.clear()
        self._next_ticket = self.context.next_ticket

    def mailbox(self, number: int) -> Mailbox:
        """The mailbox of a ticket; one that left the config answers with bare defaults."""
        name = self.ticket(number).mailbox
        return self.policy.mailboxes.get(name) or Mailbox(name=name, address=f"{name}@localhost")

    def assignee(self, number: int) -> Agent | None:
        """The assigned agent, where the config still knows them."""
        return self.policy.agent_by_key(self.ticket(number).assignee)

    def audience(self, number: int, but: Iterable[str] = ()) -> tuple[Agent, ...]:
        """Who is told of a customer's mail: the assignee, else all agents of the mailbox."""
        assignee = self.assignee(number)
        agents = (assignee,) if assignee else self.policy.agents_of(self.ticket(number).mailbox)
        left_out = set(but)
        return tuple(agent for agent in agents if agent.key not in left_out)

    def effects(self, conclusion: Conclude | None = None) -> tuple[Effect, ...]:
        """All effects: tickets first, since everything else stands on them."""
        saves = tuple(Save(self._tickets[number]) for number in sorted(self._tickets))
        return (*saves, *self._effects, *((conclusion,) if conclusion else ()))
