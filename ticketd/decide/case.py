"""One mail with everything that is known about it: what the rules look at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ticketd.decide.context import Clues, Context
from ticketd.decide.judging.identify import Identity, Proof, is_desk
from ticketd.decide.judging.thread import Placement
from ticketd.decide.model import (
    Address,
    Classification,
    Entry,
    Envelope,
    Excerpt,
    Kind,
    Message,
    Ticket,
)
from ticketd.decide.policy import Agent, Mailbox, Policy

CUT_SHORT = "the mail is larger than limits.message_size: its header alone was read, it is on the server"
UNKNOWN = Address("", "unknown sender")
_ROBOTIC = ("an autoresponder's subject", "Precedence: bulk", "Precedence: junk")


@dataclass(frozen=True, slots=True)
class Case:
    """A mail, how it came, who wrote it, what it is and where it belongs."""

    message: Message
    envelope: Envelope
    clues: Clues
    context: Context
    policy: Policy
    identity: Identity
    classification: Classification
    placement: Placement

    @property
    def mailbox(self) -> Mailbox:
        """The mailbox that the mail came to."""
        return self.policy.mailboxes[self.envelope.mailbox]

    @property
    def approved(self) -> bool:
        """Whether the agent saw why the mail was held, and wants it all the same."""
        return self.envelope.released in ("yes", "note")

    @property
    def robotic(self) -> str:
        """The sign that a machine wrote it, where none proves it; empty where there is none."""
        return next((sign for sign in self.classification.signs if sign in _ROBOTIC), "")

    @property
    def author(self) -> Address:
        """Who wrote, for showing; an unknown sender has no address."""
        return self.message.author or Address("", self.message.from_text or UNKNOWN.name)

    @property
    def is_copy(self) -> bool:
        """Whether the agent wrote to others and let the desk have a copy: it is not for the desk to send.

        The desk in To is asked to send; but a mail that answers none of its notifications and names
        people outside went to them already.
        """
        to_desk = any(is_desk(self.policy, person.key) for person in self.message.to)
        in_cc = any(is_desk(self.policy, person.key) for person in self.message.cc)
        if self.identity.proof in (Proof.TOKEN, Proof.BOTH):
            return in_cc and not to_desk
        return not to_desk or bool(self.outsiders())

    def outsiders(self) -> tuple[Address, ...]:
        """The people in To and Cc who are neither agents nor ourselves, each once."""
        named = (*self.message.to, *self.message.cc)
        return outsiders(named, self.policy)[: self.policy.limits.recipients]

    def entry(self, kind: Kind, excerpt: Excerpt | None = None) -> Entry:
        """The mail as a message on a ticket."""
        message = self.message
        answered = message.in_reply_to[0] if message.in_reply_to else None
        return Entry(
            kind=kind,
            author=self.author,
            text=message.text,
            new_text=excerpt.new_text if excerpt else message.text,
            at=self.envelope.received_at,
            message_id=message.message_id,
            in_reply_to=answered,
            references=message.references,
            to=message.to,
            cc=message.cc,
            reply_to=message.reply_to[0] if message.reply_to else None,
            subject=message.subject,
            date=message.date,
            html=message.html,
            verdict=self.classification.verdict,
            bounce=self.classification.bounce,
            attachments=message.attachments,
            fingerprint=message.fingerprint,
            defects=message.defects if self.envelope.complete else (*message.defects, CUT_SHORT),
        )


def outsiders(people: Iterable[Address], policy: Policy) -> tuple[Address, ...]:
    """Those who are neither agents nor one of our mailboxes (plus tags included), each once."""
    found: dict[str, Address] = {}
    for person in people:
        key = person.key
        if not key.rpartition("@")[0] or is_desk(policy, key) or policy.agent_by_key(key):
            continue
        found.setdefault(key, person)
    return tuple(found.values())


def may_see(policy: Policy, agent: Agent, ticket: Ticket) -> bool:
    """Whether a ticket is of a mailbox that the agent works, or theirs."""
    return ticket.assignee == agent.key or agent in policy.agents_of(ticket.mailbox)
