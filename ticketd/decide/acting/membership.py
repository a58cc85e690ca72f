"""Where an agent acts: in the mailboxes that they work, and on a ticket that they were told of.

Elsewhere they are a person like any other, who may have a wish; what they command there is given back,
and nothing of the ticket is shown with it. Knows nothing of how well an agent is proven.
"""

from __future__ import annotations

from dataclasses import replace

from ticketd.decide.acting.arrivals import take_arrival
from ticketd.decide.acting.checks import QUERIES
from ticketd.decide.acting.parking import hold
from ticketd.decide.case import Case, may_see
from ticketd.decide.context import Issued
from ticketd.decide.effects import Conclude
from ticketd.decide.excerpts.commands import read_commands
from ticketd.decide.excerpts.excerpt import excerpt
from ticketd.decide.judging.thread import Placement
from ticketd.decide.policy import Agent
from ticketd.decide.work import Work
from ticketd.decide.writing.card import MARKER


def take_elsewhere(case: Case, work: Work, agent: Agent) -> Conclude | None:
    """An agent's mail where they write as anybody does, or do not act; None where they act."""
    number = case.placement.ticket
    read = excerpt(case.message.text, case.message.html, agent=True, marker=MARKER)
    said = read_commands(read.new_text)
    commands = said.instructions or said.problems
    if number is not None and _has_asked(case, work, agent, number) and not commands:
        return take_arrival(case, work)
    if _acts(case, work, agent):
        return None
    if number is not None and any(work.ticket(number).has_participant(key) for key in agent.keys):
        if not commands:
            return take_arrival(case, work)
    elif number is None:
        if any(one.name in QUERIES for one in said.instructions):
            return None  # they show nothing that is not theirs to see
        if not commands and not case.outsiders():
            return take_arrival(case, work)
    mailbox = work.policy.mailboxes[case.envelope.mailbox]
    names = ", ".join(one.name for one in work.policy.agents_of(mailbox.name)) or "nobody"
    reason = f"you do not work {mailbox.shown} (its agents: {names}), and this answers nothing made for you"
    # Whatever ids the mail carries, its agent is shown nothing of the ticket.
    return hold(replace(case, placement=Placement(None)), work, agent, reason, choices=("no",))


def _has_asked(case: Case, work: Work, agent: Agent, number: int) -> bool:
    """Whether the agent goes on with a wish of their own, and answers no notification of the desk's."""
    requester = work.ticket(number).requester
    return requester is not None and requester.key in agent.keys and not _told_of(case, agent, number)


def _acts(case: Case, work: Work, agent: Agent) -> bool:
    number = case.placement.ticket
    if number is None:
        return agent in work.policy.agents_of(case.envelope.mailbox)
    return may_see(work.policy, agent, work.ticket(number)) or _told_of(case, agent, number)


def _told_of(case: Case, agent: Agent, number: int) -> bool:
    """Whether the mail answers a notification of this ticket that was made for this agent."""
    token: Issued | None = case.identity.token
    if token is None or token.revoked or token.token.recipient != agent.key:
        return False
    told = case.context.tickets.get(token.token.ticket)
    return told is not None and told.ticket.id == number
