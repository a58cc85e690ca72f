"""What the clock decides: snoozes that end, reminders, breaches, pending tickets gone quiet.

Each call decides about one ticket, from values. Whether a notice was told before is the
store's to say; a notice that comes here is to be told.
"""

from __future__ import annotations

from dataclasses import replace

from ticketd.decide.acting import changes
from ticketd.decide.deadlines import promises, sla
from ticketd.decide.deadlines.sla import Notice
from ticketd.decide.deadlines.words import due_in_words, time_in_words
from ticketd.decide.model import Status
from ticketd.decide.policy import Agent, SlaPolicy
from ticketd.decide.work import Work
from ticketd.decide.writing import compose


def wake(work: Work, number: int) -> None:
    """A snooze is over: the ticket is open again and its agents are told."""
    ticket = work.ticket(number)
    if ticket.snoozed_until is None or ticket.snoozed_until > work.now:
        return
    work.save(replace(ticket, snoozed_until=None))
    work.record(number, "snooze", before=ticket.snoozed_until.isoformat().replace("+00:00", "Z"))
    if ticket.status is Status.PENDING:
        changes.set_status(work, number, Status.OPEN, "system", "the snooze is over")
        _tell_agents(work, number, "the snooze is over", "awake")


def solve_quiet(work: Work, number: int) -> None:
    """A pending ticket on which nothing happened for long is solved; nobody is mailed."""
    changes.set_status(work, number, Status.SOLVED, "system", "nothing happened for auto_solve_after")


def tell(work: Work, number: int, notice: Notice) -> None:
    """Remind the agents before a due time; at a breach escalate and do what the policy says."""
    what = promises.WORDS[notice.target]
    due = promises.iso(notice.due_at)
    if notice.kind == "warning":
        work.record(number, "sla", before=notice.since, after="warning", detail=f"{what} due {due}")
        _tell_agents(work, number, due_in_words(work.ticket(number), work.now), notice.key)
        return
    work.record(number, "sla", before=notice.since, after="breach", detail=f"{what} was due {due}")
    policy = sla.policy_named(work.policy.sla, work.ticket(number).policy)
    _on_breach(work, number, policy)
    _escalate(work, number, policy, notice)


def _on_breach(work: Work, number: int, policy: SlaPolicy | None) -> None:
    for action in policy.on_breach if policy else ():
        if action == "raise":
            changes.set_priority(work, number, sla.raised(work.ticket(number).priority), "system", "breach")
        else:
            changes.assign(work, number, None, "system", "breach")


def _escalate(work: Work, number: int, policy: SlaPolicy | None, notice: Notice) -> None:
    """Tell the escalation address: an agent sees the ticket, anybody else is told of it."""
    address = sla.escalate_to(policy, work.policy.sla)
    if address is None:
        return
    what = f"{promises.WORDS[notice.target]} overdue since {time_in_words(notice.due_at, work.now)}"
    agent = work.policy.agent_by_key(address.lower())
    if agent is not None:
        _show(work, number, agent, what, notice.key)
        return
    ticket = work.ticket(number)
    subject = f"Ticket #{number}: {what}"
    text = f"Ticket #{number} ({ticket.subject}): {what}.\nAssigned to {ticket.assignee or 'nobody'}."
    work.send(
        compose.alert(
            work.policy, address, ticket.mailbox, subject, text, f"{work.cause}|{notice.key}", work.now
        )
    )


def _tell_agents(work: Work, number: int, reason: str, cause: str) -> None:
    for agent in work.audience(number):
        _show(work, number, agent, reason, cause)


def _show(work: Work, number: int, agent: Agent, reason: str, cause: str) -> None:
    history = work.history(number)
    entry = history.entries[-1] if history.entries else None
    work.send(
        compose.notification(
            work.policy, history.ticket, history, entry, agent, reason, f"{work.cause}|{cause}", work.now
        )
    )
