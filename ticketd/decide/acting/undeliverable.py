"""What follows when a mail of ours cannot be delivered, or is delayed for long.

A customer who was not reached opens the ticket again, and the author gets their text
back; a mail to an agent that fails changes no ticket, since that is the admins' trouble.
Knows nothing of SMTP: ``said`` is what the server said, in words.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from ticketd.decide.acting import changes
from ticketd.decide.acting.transition import Happening, transition
from ticketd.decide.context import Context
from ticketd.decide.effects import Alert, Effect, MailKind
from ticketd.decide.policy import Agent, Policy
from ticketd.decide.work import Work
from ticketd.decide.writing import compose

_TO_CUSTOMERS = (MailKind.REPLY, MailKind.ACKNOWLEDGEMENT)


class Letter(Protocol):
    """What must be known of an outbox row."""

    @property
    def id(self) -> int:
        """The row's number."""

    @property
    def ticket(self) -> int:
        """The ticket it belongs to, 0 for none."""

    @property
    def kind(self) -> MailKind:
        """What the mail is."""

    @property
    def mailbox(self) -> str:
        """Whose account sends it."""

    @property
    def recipient(self) -> str:
        """The one address that it goes to."""

    @property
    def author(self) -> str | None:
        """The agent whose words it carries, if any."""

    @property
    def message_id(self) -> str:
        """Its Message-ID."""


def undeliverable(
    context: Context, letter: Letter, said: str, policy: Policy, now: datetime
) -> tuple[Effect, ...]:
    """A mail failed for good: ticket open and the author told, or the admins where it was for an agent."""
    if letter.kind is MailKind.ALERT:
        return ()  # an alert that fails is never answered by another
    if letter.kind not in _TO_CUSTOMERS or letter.ticket not in context.tickets:
        text = f"A {letter.kind} to {letter.recipient} could not be delivered: {said}"
        return (Alert("undeliverable", text, letter.mailbox),)
    work = Work(policy, context, now, f"outbox:{letter.id}:failed")
    number, words = _event(work, letter, "bounce", said)
    opened = transition(work.ticket(number).status, Happening.BOUNCED)
    changes.set_status(work, number, opened, "system", words)
    _tell(work, number, letter, said, permanent=True)
    return work.effects()


def delayed(context: Context, letter: Letter, said: str, policy: Policy, now: datetime) -> tuple[Effect, ...]:
    """A reply still waits after an hour: an event, and its author hears that we keep trying."""
    if letter.kind is not MailKind.REPLY or letter.ticket not in context.tickets:
        return ()
    work = Work(policy, context, now, f"outbox:{letter.id}:delayed")
    number, _ = _event(work, letter, "delay", said)
    _tell(work, number, letter, said, permanent=False)
    return work.effects()


def unacknowledged(
    context: Context, letter: Letter, said: str, policy: Policy, now: datetime
) -> tuple[Effect, ...]:
    """An acknowledgement was given up, perhaps after it arrived: an event is enough."""
    if letter.ticket not in context.tickets:
        return ()
    work = Work(policy, context, now, f"outbox:{letter.id}:given-up")
    _event(work, letter, "ack", said)
    return work.effects()


def repeated(
    context: Context, letter: Letter, said: str, policy: Policy, now: datetime
) -> tuple[Effect, ...]:
    """The server's first answer was never seen, so the same mail went out again: an event says so."""
    if letter.ticket not in context.tickets:
        return ()
    work = Work(policy, context, now, f"outbox:{letter.id}:repeated")
    _event(work, letter, "resent", f"sent again under the same Message-ID, it may arrive twice; {said}")
    return work.effects()


def _event(work: Work, letter: Letter, kind: str, said: str) -> tuple[int, str]:
    """Record it on the ticket (merges followed): the ticket's number, and the words."""
    number = work.context.tickets[letter.ticket].ticket.id
    words = f"{letter.recipient}: {said}"
    work.record(number, kind, after=letter.recipient, detail=words)
    return number, words


def _tell(work: Work, number: int, letter: Letter, said: str, *, permanent: bool) -> None:
    """One mail an agent, with the text that did not arrive."""
    entries = work.history(number).entries
    text = next((one.new_text or one.text for one in entries if one.message_id == letter.message_id), "")
    for agent in _audience(work, number, letter):
        work.send(
            compose.failure(
                work.policy,
                agent,
                work.ticket(number),
                letter.recipient,
                said,
                text,
                permanent=permanent,
                cause=work.cause,
                now=work.now,
            )
        )


def _audience(work: Work, number: int, letter: Letter) -> tuple[Agent, ...]:
    """The author, else the assignee, else every agent of the mailbox."""
    author = work.policy.agent_by_key(letter.author)
    return (author,) if author else work.audience(number)
