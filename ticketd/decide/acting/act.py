"""Carry out what a proven actor commands on a ticket: from mail, command line or API alike.

Everything was checked before (``speak``, ``desk``): here commands and text take effect
together. Knows nothing of how the actor was proven.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from ticketd.decide.acting import changes
from ticketd.decide.acting.arrivals import notify_agents
from ticketd.decide.acting.transition import Happening, transition
from ticketd.decide.case import outsiders
from ticketd.decide.context import History
from ticketd.decide.deadlines import promises, timing
from ticketd.decide.effects import Block, CancelQueued
from ticketd.decide.excerpts.commands import Commands, Instruction
from ticketd.decide.excerpts.typed import read_typed
from ticketd.decide.model import (
    Address,
    Attachment,
    Entry,
    Kind,
    Message,
    Priority,
    Status,
    address_key,
)
from ticketd.decide.policy import Agent, Policy
from ticketd.decide.work import Work
from ticketd.decide.writing import compose, leak, letter


class Mode(StrEnum):
    """What the text of a mail is."""

    REPLY = "reply"
    NOTE = "note"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Deed:
    """What an actor does on a ticket, checked and ready.

    ``agent`` is None for ``system``. ``reached`` are the keys of those who have the mail
    already, since it was sent to them directly; where it is ``recorded`` alone, nobody else gets it
    either. ``told`` is the newest message that the
    answered notification told of (for ``#split``). ``opening`` is True where the ticket is
    opened by it: a new ticket is open and unassigned unless commanded otherwise.
    """

    agent: Agent | None
    commands: Commands
    mode: Mode
    text: str = ""
    attachments: tuple[Attachment, ...] = ()
    message: Message | None = None
    reached: frozenset[str] = frozenset()
    recorded: bool = False
    told: int = 0
    opening: bool = False

    @property
    def actor(self) -> str:
        """The word for who did it, as events show it."""
        return self.agent.address if self.agent else "system"


def resolve_agent(who: str, policy: Policy, me: Agent | None) -> Agent | None:
    """The agent that WHO of ``#assign`` means: ``me``, a name, a display name or an address, or both.

    Raises:
        LookupError: nobody, or more than one, is called that; or a name beside another's address.

    """
    typed = read_typed(who)
    if typed is None:
        raise LookupError(who)
    word = typed.name.lower()
    named = [one for one in policy.agents.values() if word in (one.name.lower(), one.shown.lower())]
    if typed.address:
        agent = policy.agent_by_key(address_key(typed.address))
        if agent is None or (named and agent not in named):
            raise LookupError(who)
        return agent
    if word == "me" and me is not None:
        return me
    if word in ("none", "nobody"):
        return None
    if len(named) != 1:
        raise LookupError(who)
    return named[0]


def snooze_until(text: str, now: datetime, timezone: str | None) -> datetime:
    """When ``2d``, ``3h`` or ``2026-03-01 09:00`` (the desk's own time zone) is.

    Raises:
        ValueError: not a time, or one that has passed.

    """
    if text[-1:] in "mhd" and text[:-1].isdigit():
        seconds = {"m": 60, "h": 3600, "d": 86400}[text[-1]]
        return now + timedelta(seconds=int(text[:-1]) * seconds)
    local = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(timezone or "UTC"))
    until = local.astimezone(UTC)
    if until <= now:
        raise ValueError("that time has passed")
    return until


def leaks_of(
    policy: Policy,
    text: str,
    files: tuple[Attachment, ...],
    history: History | None = None,
    *,
    escaped: bool = False,
) -> list[str]:
    """What of a text to customers is internal, in words; empty where it may go out."""
    entries = history.entries if history else ()
    return leak.leaks(
        policy,
        text,
        notes=tuple(one.new_text for one in entries if one.kind is Kind.NOTE),
        public=tuple(one.text for one in entries if one.kind in (Kind.CUSTOMER, Kind.REPLY)),
        ticket=history.ticket if history else None,
        files=files,
        escaped=escaped,
    )


def perform(work: Work, number: int, deed: Deed) -> None:
    """Everything that one mail or command does to ticket ``number``."""
    for instruction in deed.commands.instructions:
        if instruction.name in _BEFORE:
            _BEFORE[instruction.name](work, number, deed, instruction)
    _note_lines(work, number, deed)
    if deed.mode is Mode.NOTE:
        _note(work, number, deed, deed.text, deed.attachments)
    elif deed.mode is Mode.REPLY:
        _reply(work, number, deed)
    _commanded_status(work, number, deed)
    for instruction in deed.commands.instructions:
        if instruction.name in _AFTER:
            _AFTER[instruction.name](work, number, deed, instruction)


def _commanded_status(work: Work, number: int, deed: Deed) -> None:
    commanded = deed.commands.last("status")
    if commanded:
        changes.set_status(work, number, Status(commanded), deed.actor)
    if commanded == Status.OPEN:  # what is to be worked on is no spam
        changes.set_spam(work, number, False, deed.actor)


def entry_of(work: Work, deed: Deed, kind: Kind, text: str, attachments: tuple[Attachment, ...]) -> Entry:
    """The message that the actor's words become on the ticket."""
    message = deed.message
    author = Address(deed.agent.address, deed.agent.shown) if deed.agent else Address("", "system")
    return Entry(
        kind=kind,
        author=author,
        text=text,
        new_text=text,
        at=work.now,
        in_reply_to=message.in_reply_to[0] if message and message.in_reply_to else None,
        date=message.date if message else work.now,
        attachments=attachments,
        fingerprint=message.fingerprint if message else None,
        message_id=message.message_id if message else None,
        defects=message.defects if message else (),
    )


def _reply(work: Work, number: int, deed: Deed) -> None:
    """Send the text to the participants; what the agent mailed to them directly is not sent again."""
    history = work.history(number)
    entry = entry_of(work, deed, Kind.REPLY, deed.text, deed.attachments)
    people, wisher = outsiders(history.ticket.participants, work.policy), _wisher(work, number, deed)
    everybody = (*people, *wisher)
    entry = replace(entry, to=everybody[:1], cc=everybody[1:], subject=_thread_subject(history))
    # Apart: nobody outside sees an agent's own address.
    sent = [
        _send_to(work, history, deed, entry, some, f"{work.cause}{mark}")
        for some, mark in ((people, ""), (wisher, "|wish"))
    ]
    message_id = next(filter(None, sent), None)
    if message_id is not None:  # as the customer has it
        answered = history.last_customer.message_id if history.last_customer else None
        entry = replace(entry, message_id=message_id, in_reply_to=answered)
    work.append(number, entry)
    _after_reply(work, number, deed)


def _wisher(work: Work, number: int, deed: Deed) -> tuple[Address, ...]:
    """The requester, where that is a colleague with a wish of their own."""
    requester = work.ticket(number).requester
    agent = work.policy.agent_by_key(requester.key) if requester else None
    return (requester,) if requester and agent and agent != deed.agent else ()


def _send_to(
    work: Work, history: History, deed: Deed, entry: Entry, people: tuple[Address, ...], cause: str
) -> str | None:
    """Mail the reply to those of ``people`` who have it not yet; its Message-ID, None where all have it."""
    left = {person.key for person in people if person.key not in deed.reached and not deed.recorded}
    if not left:
        return None
    ticket = history.ticket
    theirs = ticket.requester is not None and ticket.requester.key in {person.key for person in people}
    first = ticket.requester if theirs else people[0]
    mail, message_id = compose.relay(
        work.policy,
        replace(ticket, requester=first, participants=people),
        entry,
        deed.agent,
        history.last_customer,
        cause,
        work.now,
        not_before=work.now + work.mailbox(ticket.id).undo_window,
    )
    work.send(replace(mail, recipients=tuple(one for one in mail.recipients if Address(one).key in left)))
    return message_id


def _thread_subject(history: History) -> str:
    """What the customers know the conversation by: their own subject, else that of our last mail to them."""
    if history.last_customer:
        return history.last_customer.subject or letter.NO_SUBJECT
    sent = (one.subject for one in reversed(history.entries) if one.kind is Kind.REPLY and one.subject)
    return next(sent, history.ticket.subject)


def _after_reply(work: Work, number: int, deed: Deed) -> None:
    """Clock, assignee and status after a reply, where nothing else is commanded."""
    mailbox = work.mailbox(number)
    ticket = work.ticket(number)
    promises.on_reply(work, number)
    work.save(timing.on_reply(ticket, work.policy, work.now))
    if deed.opening:
        return
    unclaimed = ticket.assignee is None and not deed.commands.has("assign")
    if deed.agent and mailbox.assign_on_reply and unclaimed:
        changes.assign(work, number, deed.agent.key, deed.actor, "replied")
    if not deed.commands.has("status"):
        to = transition(ticket.status, Happening.AGENT_REPLIED, after_reply=mailbox.status_after_reply)
        changes.set_status(work, number, to, deed.actor, "replied")


def _note_lines(work: Work, number: int, deed: Deed) -> None:
    for line in deed.commands.all("note-line"):
        _note(work, number, deed, line, ())


def _note(work: Work, number: int, deed: Deed, text: str, attachments: tuple[Attachment, ...]) -> None:
    """Keep an internal note; the assignee and the agents who took part are told."""
    entry = entry_of(work, deed, Kind.NOTE, text, attachments)
    work.append(number, entry)
    history = work.history(number)
    keys = {history.ticket.assignee, *history.note_agents} - {None, deed.agent.key if deed.agent else None}
    agents = [agent for agent in work.policy.agents.values() if agent.key in keys]
    for agent in agents:
        work.send(
            compose.notification(
                work.policy,
                history.ticket,
                history,
                entry,
                agent,
                "a note",
                f"{work.cause}|note|{len(history.entries)}",
                work.now,
            )
        )


def _assign(work: Work, number: int, deed: Deed, instruction: Instruction) -> None:
    """Assign; who becomes assignee is told, with the conversation so far."""
    agent = resolve_agent(instruction.argument, work.policy, deed.agent)
    changed = changes.assign(work, number, agent.key if agent else None, deed.actor)
    if not changed or agent is None or (deed.agent and agent.key == deed.agent.key):
        return
    tell_assignee(work, number, agent, deed.actor)


def tell_assignee(work: Work, number: int, agent: Agent, actor: str) -> None:
    """Show the ticket to its new assignee."""
    history = work.history(number)
    work.send(
        compose.notification(
            work.policy,
            history.ticket,
            history,
            history.entries[-1] if history.entries else None,
            agent,
            f"assigned to you by {actor}",
            f"{work.cause}|assigned",
            work.now,
            conversation=history.entries[:-1],
        )
    )


def _priority(work: Work, number: int, deed: Deed, instruction: Instruction) -> None:
    changes.set_priority(work, number, Priority(instruction.argument), deed.actor)


def _requester(work: Work, number: int, deed: Deed, instruction: Instruction) -> None:
    changes.set_requester(work, number, Address(instruction.argument), deed.actor)


def _cc(work: Work, number: int, deed: Deed, instruction: Instruction) -> None:
    changes.add_participant(work, number, Address(instruction.argument), deed.actor)


def _uncc(work: Work, number: int, deed: Deed, instruction: Instruction) -> None:
    changes.remove_participant(work, number, Address(instruction.argument).key, deed.actor)


def _tag(work: Work, number: int, deed: Deed, instruction: Instruction) -> None:
    changes.set_tags(work, number, instruction.argument, deed.actor)


def _subject(work: Work, number: int, deed: Deed, instruction: Instruction) -> None:
    changes.set_subject(work, number, instruction.argument, deed.actor)


def _snooze(work: Work, number: int, deed: Deed, instruction: Instruction) -> None:
    until = snooze_until(instruction.argument, work.now, work.policy.sla.timezone)
    changes.snooze(work, number, until, deed.actor)


def _spam(work: Work, number: int, deed: Deed, _instruction: Instruction) -> None:
    changes.set_spam(work, number, True, deed.actor)


def _block(work: Work, number: int, deed: Deed, _instruction: Instruction) -> None:
    """To spam, and every later mail of this sender too."""
    requester = work.ticket(number).requester
    changes.set_spam(work, number, True, deed.actor, "blocked")
    if requester is not None:
        work.add(Block(requester.key))
        work.record(number, "block", deed.actor, None, requester.address)


def _merge(work: Work, number: int, deed: Deed, instruction: Instruction) -> None:
    target = work.context.tickets[int(instruction.argument)].ticket.id
    if work.ticket(number).status is Status.OPEN:  # what still waits for us must not vanish from sight
        changes.set_status(work, target, Status.OPEN, deed.actor, "an open ticket was merged into it")
    changes.merge(work, number, target, deed.actor)


def _split(work: Work, number: int, deed: Deed, _instruction: Instruction) -> None:
    """Make the mail that the answered notification told of a ticket of its own."""
    history = work.history(number)
    entry = next(one for one in history.entries if one.id == deed.told)
    changes.split(work, number, entry, deed.actor)


def _undo(work: Work, number: int, deed: Deed, _instruction: Instruction) -> None:
    """Cancel what still waits of this agent's, and restore the status and assignee they set."""
    assert deed.agent is not None
    history = work.history(number)
    recalled = sum(author == deed.agent.address for author, _ in history.waiting)
    work.add(CancelQueued(number, deed.agent.address))
    work.record(number, "undo", deed.actor, detail="the reply was not sent" if recalled else "")
    before = history.restore.get(deed.agent.address, {})
    if status := before.get("status"):
        changes.set_status(work, number, Status(status), deed.actor, "undone")
    if "assignee" in before:
        changes.assign(work, number, before["assignee"], deed.actor, "undone")
    if "spam" in before:
        changes.set_spam(work, number, before["spam"] == "true", deed.actor, "undone")
    if "block" in before and history.ticket.requester:
        work.add(Block(history.ticket.requester.key, blocked=False))


_Act = Callable[[Work, int, Deed, Instruction], None]
_BEFORE: Mapping[str, _Act] = {
    "requester": _requester,
    "cc": _cc,
    "uncc": _uncc,
    "subject": _subject,
    "tag": _tag,
    "priority": _priority,
}
_AFTER: Mapping[str, _Act] = {
    "assign": _assign,
    "snooze": _snooze,
    "split": _split,
    "merge": _merge,
    "spam": _spam,
    "block": _block,
    "undo": _undo,
}


def open_ticket_notices(work: Work, number: int, entry: Entry | None, deed: Deed) -> None:
    """Agents are told of tickets that a colleague or a chat opened, as of mail, even of a wordless one."""
    told = {deed.agent.key} if deed.agent else set()
    if deed.commands.has("assign"):  # the assignee was told by the command
        told |= {work.ticket(number).assignee or ""}
    notify_agents(work, number, entry, tuple(told))
