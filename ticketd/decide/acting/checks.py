"""Whether an agent's commands make sense here: each is checked before any takes effect.

Gives problems in words and changes nothing. What a command does is ``act``'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from ticketd.decide.acting import act
from ticketd.decide.case import Case, may_see, outsiders
from ticketd.decide.excerpts.commands import Commands, Instruction, Problem
from ticketd.decide.excerpts.transcripts import find_theirs
from ticketd.decide.model import Address, Kind
from ticketd.decide.policy import Agent
from ticketd.decide.work import Work

QUERIES = ("show", "list", "help")
_ALONE = (*QUERIES, "undo")
_Check = Callable[[Case, Work, Agent, str], str]


def problems_of(case: Case, work: Work, agent: Agent, said: Commands) -> Iterator[Problem]:
    """Everything that would make the mail half right."""
    if case.message.unread:
        unread = "; ".join(case.message.unread)
        yield Problem("", f"its text could not be read ({unread}): write it as plain text or HTML")
    yield from said.problems
    alone = [one.name for one in said.instructions if one.name in _ALONE]
    if alone and (len(said.instructions) > 1 or (said.text and alone[0] != "help")):
        yield Problem(f"#{alone[0]}", "stands alone in a mail: nothing else may be with it")
    if said.has("yes") or said.has("no"):
        yield Problem("#yes", "only answers a question, and this mail answers none")
    for one in said.instructions:
        if reason := wrong(case, work, agent, one):
            yield Problem(f"#{one.name} {one.argument}".strip(), reason)


def wrong(case: Case, work: Work, agent: Agent, one: Instruction) -> str:
    """Why this command cannot be carried out here, in words; empty where it can."""
    check = _CHECKS.get(one.name)
    return check(case, work, agent, one.argument) if check else ""


def _check_assign(case: Case, work: Work, agent: Agent, argument: str) -> str:
    colleagues = work.policy.agents_of(_mailbox(case, work))
    names = ", ".join(one.name for one in colleagues)
    try:
        chosen = act.resolve_agent(argument, work.policy, agent)
    except LookupError:
        return f"is not the name of one agent; the agents are: {names}"
    if chosen is not None and chosen not in colleagues:
        return f"{chosen.name} does not work this mailbox; its agents are: {names}"
    return ""


def _mailbox(case: Case, work: Work) -> str:
    """The mailbox of the ticket, or of the mail where it answers none."""
    number = case.placement.ticket
    return work.ticket(number).mailbox if number else case.envelope.mailbox


def _check_canned(case: Case, work: Work, agent: Agent, argument: str) -> str:
    if work.policy.canned_text(argument) is not None:
        return ""
    names = ", ".join(work.policy.canned) or "none"
    return f"is not a canned text; there are: {names}"


def _check_merge(case: Case, work: Work, agent: Agent, argument: str) -> str:
    source, target = case.placement.ticket, case.context.tickets.get(int(argument))
    if source is None:
        return "needs a ticket: answer one of its notifications"
    if target is None or not may_see(work.policy, agent, target.ticket):
        return f"ticket #{argument} does not exist"
    if target.ticket.id == source:
        return f"ticket #{argument} is this very ticket"
    if target.ticket.spam and not work.ticket(source).spam:
        return f"ticket #{argument} is spam, and this one would be lost in it; #open takes it out"
    return ""


def _check_snooze(case: Case, work: Work, agent: Agent, argument: str) -> str:
    try:
        until = act.snooze_until(argument, work.now, work.policy.sla.timezone)
    except (ValueError, OverflowError) as error:
        return str(error)
    return "" if until > work.now else "that time has passed"


def _check_split(case: Case, work: Work, agent: Agent, argument: str) -> str:
    if case.placement.ticket is None or case.identity.token is None:
        return "answers the notification of the mail to split off"
    entries = work.history(case.placement.ticket).entries
    told = case.identity.token.last_message
    if not any(entry.id == told and entry.kind is Kind.CUSTOMER for entry in entries):
        return "answers the notification of a customer's mail"
    if len(entries) < 2:
        return "would leave nothing behind: it is the ticket's only message"
    return ""


def _check_outsider(case: Case, work: Work, agent: Agent, argument: str) -> str:
    key = Address(argument).key
    if work.policy.is_ours(key):
        return f"{argument} is one of our own mailboxes"
    if work.policy.agent_by_key(key):
        return f"{argument} is an agent"
    return ""


def _check_cc(case: Case, work: Work, agent: Agent, argument: str) -> str:
    number, most = case.placement.ticket, work.policy.limits.recipients
    if number and len(work.ticket(number).participants) >= most:
        return f"{most} people take part already, which is the most"
    return _check_outsider(case, work, agent, argument)


def _check_block(case: Case, work: Work, agent: Agent, argument: str) -> str:
    number = case.placement.ticket
    requester = work.ticket(number).requester if number else None
    if requester is None:
        return "needs a ticket whose sender is known; #spam puts away this one alone"
    return _check_outsider(case, work, agent, requester.address)


def _check_undo(case: Case, work: Work, agent: Agent, argument: str) -> str:
    """Only what did not go out yet can be called back; the agent must not believe otherwise."""
    if case.placement.ticket is None:
        return "needs a ticket: answer one of its notifications"
    history = work.history(case.placement.ticket)
    if any(author == agent.address for author, _ in history.waiting):
        return ""
    replies = [one for one in history.entries if one.kind is Kind.REPLY and one.author.key == agent.key]
    last, changed = (replies[-1].at if replies else None), history.changed.get(agent.address)
    if last is not None and (changed is None or last >= changed):
        return "comes too late: your last reply has gone out already, and a mail cannot be called back"
    return "" if history.restore.get(agent.address) else "finds nothing of yours that it could take back"


def _check_uncc(case: Case, work: Work, agent: Agent, argument: str) -> str:
    if case.placement.ticket is None:
        return "needs a ticket: answer one of its notifications"
    ticket = work.ticket(case.placement.ticket)
    if not ticket.has_participant(Address(argument).key):
        return f"{argument} does not take part"
    if ticket.requester and ticket.requester.key == Address(argument).key:
        return f"{argument} is the requester; #requester gives the ticket to another"
    return ""


def _check_forward(case: Case, work: Work, agent: Agent, argument: str) -> str:
    found = find_theirs(case.message, lambda person: not outsiders((person,), work.policy))
    if found is None:
        return (
            "found no forwarded mail with one clear sender, and no chat with one clear visitor;"
            " #requester names the customer instead"
        )
    return _check_outsider(case, work, agent, found.mail.author.address)


_CHECKS: Mapping[str, _Check] = {
    "assign": _check_assign,
    "canned": _check_canned,
    "merge": _check_merge,
    "snooze": _check_snooze,
    "split": _check_split,
    "requester": _check_outsider,
    "cc": _check_cc,
    "uncc": _check_uncc,
    "fwd": _check_forward,
    "block": _check_block,
    "undo": _check_undo,
}
