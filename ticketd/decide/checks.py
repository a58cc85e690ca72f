"""Whether an agent's commands make sense here: each is checked before any takes effect.

Gives problems in words and changes nothing. What a command does is ``act``'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from ticketd.decide import act
from ticketd.decide.case import Case
from ticketd.decide.commands import Commands, Problem
from ticketd.decide.forwarded import find_forwarded
from ticketd.decide.model import Address, Kind
from ticketd.decide.policy import Agent
from ticketd.decide.work import Work

QUERIES = ("show", "list", "help")
_ALONE = (*QUERIES, "undo")
_Check = Callable[[Case, Work, Agent, str], str]


def problems_of(case: Case, work: Work, agent: Agent, said: Commands) -> Iterator[Problem]:
    """Everything that would make the commands half right."""
    yield from said.problems
    alone = [one.name for one in said.instructions if one.name in _ALONE]
    if alone and (len(said.instructions) > 1 or (said.text and alone[0] != "help")):
        yield Problem(f"#{alone[0]}", "stands alone in a mail: nothing else may be with it")
    if said.has("yes") or said.has("no"):
        yield Problem("#yes", "only answers a question, and this mail answers none")
    for name, check in _CHECKS.items():
        for argument in said.all(name):
            if wrong := check(case, work, agent, argument):
                yield Problem(f"#{name} {argument}".strip(), wrong)


def _check_assign(case: Case, work: Work, agent: Agent, argument: str) -> str:
    try:
        act.resolve_agent(argument, work.policy, agent)
    except LookupError:
        names = ", ".join(work.policy.agents)
        return f"is not the name of one agent; the agents are: {names}"
    return ""


def _check_canned(case: Case, work: Work, agent: Agent, argument: str) -> str:
    if argument in work.policy.canned:
        return ""
    names = ", ".join(work.policy.canned) or "none"
    return f"is not a canned text; there are: {names}"


def _check_merge(case: Case, work: Work, agent: Agent, argument: str) -> str:
    source, target = case.placement.ticket, case.context.tickets.get(int(argument))
    if source is None:
        return "needs a ticket: answer one of its notifications"
    if target is None:
        return f"ticket #{argument} does not exist"
    if target.ticket.id == source:
        return f"ticket #{argument} is this very ticket"
    return ""


def _check_snooze(case: Case, work: Work, agent: Agent, argument: str) -> str:
    try:
        act.snooze_until(argument, work.now, work.policy.sla.timezone)
    except (ValueError, OverflowError) as error:
        return str(error)
    return ""


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
    found = find_forwarded(case.message)
    if found is None:
        return "found no forwarded mail with one clear sender; #requester names the customer instead"
    return _check_outsider(case, work, agent, found.author.address)


_CHECKS: Mapping[str, _Check] = {
    "assign": _check_assign,
    "canned": _check_canned,
    "merge": _check_merge,
    "snooze": _check_snooze,
    "split": _check_split,
    "requester": _check_outsider,
    "cc": _check_outsider,
    "uncc": _check_uncc,
    "fwd": _check_forward,
}
