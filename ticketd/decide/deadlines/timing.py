"""How a ticket's due times follow what happens to it: ``sla`` and ``clock`` applied to tickets.

Each function takes a ticket and returns it with its policy, clock and due times anew.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from ticketd.decide.deadlines import clock as clocks
from ticketd.decide.deadlines import sla
from ticketd.decide.deadlines.clock import Clock
from ticketd.decide.model import Status, Ticket
from ticketd.decide.policy import Policy


def on_open(
    ticket: Ticket, policy: Policy, recipients: Collection[str], at: datetime, clock: Clock | None = None
) -> Ticket:
    """A new ticket gets the first policy that matches, its priority, and a clock.

    The clock runs from ``at`` for a customer's mail unless another is given: ``Clock()``
    where a robot wrote, ``start(at, owed=False)`` where an agent wrote first.
    """
    found = sla.match_policy(
        policy.sla,
        mailbox=ticket.mailbox,
        channel=ticket.channel,
        address=ticket.requester.address if ticket.requester else None,
        recipients=recipients,
        subject=ticket.subject,
        tags=ticket.tags,
    )
    if found is None:
        return ticket
    priority = found.priority or ticket.priority
    governed = replace(ticket, policy=found.name, priority=priority)
    return _with_clock(governed, clocks.start(at) if clock is None else clock, policy)


def on_customer_mail(ticket: Ticket, before: Status, policy: Policy, at: datetime) -> Ticket:
    """A participant wrote on a ticket that had the status ``before``."""
    found = sla.policy_named(policy.sla, ticket.policy)
    clock = clocks.on_customer_mail(_clock(ticket), before, found, policy.sla, ticket.priority, at)
    return _with_clock(ticket, clock, policy)


def on_reply(ticket: Ticket, policy: Policy, at: datetime) -> Ticket:
    """An agent's reply went to the customer: no reply is owed."""
    replied = replace(ticket, first_replied_at=ticket.first_replied_at or at)
    return _with_clock(replied, clocks.on_agent_reply(_clock(ticket)), policy)


def on_status(ticket: Ticket, policy: Policy, at: datetime) -> Ticket:
    """The ticket got its present status at ``at``."""
    found = sla.policy_named(policy.sla, ticket.policy)
    clock = clocks.on_status(_clock(ticket), ticket.status, found, policy.sla, ticket.priority, at)
    return _with_clock(ticket, clock, policy)


def on_priority(ticket: Ticket, policy: Policy) -> Ticket:
    """The ticket got its present priority: what is due is counted anew from the start."""
    return _with_clock(ticket, _clock(ticket), policy)


def on_merge(kept: Ticket, gone: Ticket, policy: Policy) -> Ticket:
    """``gone`` was merged into ``kept``: a reply that is owed on either is owed on the one."""
    return _with_clock(kept, clocks.merge(_clock(kept), _clock(gone)), policy)


def _clock(ticket: Ticket) -> Clock:
    return Clock.from_json(ticket.clock)


def _with_clock(ticket: Ticket, clock: Clock, policy: Policy) -> Ticket:
    found = sla.policy_named(policy.sla, ticket.policy)
    due = clocks.dues(clock, found, policy.sla, ticket.priority)
    return replace(
        ticket,
        clock=clock.to_json(),
        first_reply_due_at=due.first_reply,
        next_reply_due_at=due.next_reply,
        solve_due_at=due.solve,
    )
