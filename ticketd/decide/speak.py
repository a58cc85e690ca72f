"""What a proven agent's mail does: a reply, a note, commands, a new ticket, or it is held.

Checks everything before anything takes effect: a wrong command, a doubt, a collision or
a leak holds the whole mail. ``act`` then carries out what was understood.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ticketd.decide import act, changes, compose, timing
from ticketd.decide import clock as clocks
from ticketd.decide.act import Deed, Mode
from ticketd.decide.arrivals import NO_SUBJECT, take_arrival
from ticketd.decide.card import MARKER
from ticketd.decide.case import Case
from ticketd.decide.commands import Commands, Instruction, Problem, read_commands
from ticketd.decide.context import History
from ticketd.decide.effects import Conclude
from ticketd.decide.excerpt import excerpt
from ticketd.decide.forwarded import find_forwarded, is_forward
from ticketd.decide.model import (
    Address,
    Attachment,
    Entry,
    Excerpt,
    Kind,
    Outcome,
    Purpose,
    Status,
    Ticket,
)
from ticketd.decide.parking import hold
from ticketd.decide.policy import Agent
from ticketd.decide.work import Work

_QUERIES = ("show", "list", "help")
_ALONE = (*_QUERIES, "undo")


def speak(case: Case, work: Work, agent: Agent) -> Conclude:
    """Take a proven agent's mail: hold it whole, or let it take effect whole."""
    read = _read(case, work)
    said = read_commands(read.new_text)
    if case.envelope.released:
        said = _as_released(said, case.envelope.released)
    problem = next(_problems(case, work, agent, said), None)
    if problem is not None:
        return hold(case, work, agent, f"{problem.line}: {problem.reason}".strip(": "), problem)
    query = next((one for one in said.instructions if one.name in _QUERIES), None)
    if query is not None:
        return _answer_query(case, work, agent, query)
    if case.placement.ticket is None:
        return _without_ticket(case, work, agent, said)
    return _on_ticket(case, work, agent, said, read)


def _read(case: Case, work: Work) -> Excerpt:
    """The agent's own words: what stands above the quoted notification."""
    number = case.placement.ticket
    known = work.history(number).entries if number else ()
    return excerpt(
        case.message.text,
        case.message.html,
        agent=True,
        marker=MARKER,
        parents=tuple(entry.new_text for entry in known[-5:]),
        disclaimers=work.policy.disclaimers,
    )


def _as_released(said: Commands, how: str) -> Commands:
    """Confirmed by the agent: what was wrong is left out; as a note if they said so."""
    if how == "note" and not said.has("note"):
        kept = tuple(one for one in said.instructions if one.name != "reply")
        return replace(said, instructions=(Instruction("note"), *kept), problems=())
    return replace(said, problems=())


def _problems(case: Case, work: Work, agent: Agent, said: Commands) -> Iterator[Problem]:
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


_CHECKS = {
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


def _files(case: Case) -> tuple[Attachment, ...]:
    """The agent's attached files; inline pictures do not count."""
    return tuple(one for one in case.message.attachments if not one.inline)


def _canned(work: Work, said: Commands) -> str:
    """The agent's text below the configured text that they named."""
    name = said.last("canned")
    parts = (work.policy.canned[name] if name else "", said.text)
    return "\n\n".join(part.strip("\n") for part in parts if part.strip())


def _deed(case: Case, work: Work, agent: Agent, said: Commands, mode: Mode) -> Deed:
    token = case.identity.token
    reached = {person.key for person in (*case.message.to, *case.message.cc)}
    return Deed(
        agent=agent,
        commands=said,
        mode=mode,
        text=_canned(work, said),
        attachments=_files(case),
        message=case.message,
        reached=frozenset(reached),
        told=token.last_message if token else 0,
    )


def _mode(case: Case, work: Work, said: Commands) -> Mode:
    """A note where commanded, or where a note's notification is answered; in doubt private."""
    if not (_canned(work, said).strip() or _files(case)):
        return Mode.NOTHING
    token = case.identity.token
    answers_note = token is not None and token.token.purpose == Purpose.NOTE
    if said.has("note") or (answers_note and not said.has("reply")):
        return Mode.NOTE
    return Mode.REPLY


def _on_ticket(case: Case, work: Work, agent: Agent, said: Commands, read: Excerpt) -> Conclude:
    number = case.placement.ticket
    assert number is not None
    if said.has("fwd"):
        return _make_theirs(case, work, agent, said, number)
    mode = _mode(case, work, said)
    if mode is Mode.REPLY and not case.envelope.released:
        doubt = _doubt(case, work, agent, said, read, work.history(number))
        if doubt:
            return hold(case, work, agent, doubt)
    if mode is Mode.REPLY and _requester_after(work, number, said) is None:
        return hold(case, work, agent, "the requester is not known: #requester jane@example.com names them")
    act.perform(work, number, _deed(case, work, agent, said, mode))
    return Conclude(Outcome.TICKET, number)


def _requester_after(work: Work, number: int, said: Commands) -> object:
    return said.last("requester") or work.ticket(number).requester


def _doubt(case: Case, work: Work, agent: Agent, said: Commands, read: Excerpt, history: History) -> str:
    """Why a reply must not go out as it is; empty where it may."""
    if is_forward(case.message):
        return "this looks like a forwarded mail, not like an answer"
    if not read.certain:
        return "it is not clear which part of the mail is yours and which is quoted"
    if found := _leaks(case, work, said, history):
        return found
    return _collision(case, agent, history)


def _leaks(case: Case, work: Work, said: Commands, history: History | None = None) -> str:
    """What of the reply is internal. A first line with ``#`` was written ``##``: it is meant."""
    found = act.leaks_of(work.policy, _canned(work, said), _files(case), history, escaped=True)
    return "it would show the customer what is internal: " + "; ".join(found) if found else ""


def _collision(case: Case, agent: Agent, history: History) -> str:
    """Somebody wrote between the notification and this answer to it."""
    token = case.identity.token
    if case.mailbox.collision == "off" or token is None:
        return ""
    newer = [entry for entry in history.entries if entry.id > token.last_message]
    for entry in reversed(newer):
        if entry.kind is Kind.REPLY and entry.author.key != agent.key:
            return f"{entry.author.name or entry.author.address} answered the customer meanwhile"
        if entry.kind is Kind.CUSTOMER:
            return f"{entry.author.name or entry.author.address} wrote again meanwhile"
    return ""


def _without_ticket(case: Case, work: Work, agent: Agent, said: Commands) -> Conclude:
    """An agent's mail that answers nothing."""
    if said.has("fwd"):
        return _make_theirs(case, work, agent, said, None)
    requester = said.last("requester")
    if requester is not None:
        return _open_for(case, work, agent, said, Address(requester))
    outsiders = case.outsiders()
    if outsiders and case.message.to and not said.instructions:
        return _record_sent(case, work, agent, said, outsiders)
    if said.instructions:
        return hold(case, work, agent, "the mail answers no ticket; #requester jane@example.com opens one")
    if is_forward(case.message):
        return hold(case, work, agent, "a forwarded mail: #fwd makes it a ticket of the customer's")
    return take_arrival(case, work)


def _new_ticket(case: Case, work: Work, requester: Address, others: tuple[Address, ...], subject: str) -> int:
    number = work.new_number()
    people = (requester, *(person for person in others if person.key != requester.key))
    ticket = Ticket(
        id=number,
        subject=subject.strip() or NO_SUBJECT,
        mailbox=case.envelope.mailbox,
        created_at=work.now,
        updated_at=work.now,
        requester=requester,
        participants=people,
        status=Status.OPEN,
    )
    work.save(
        timing.on_open(
            ticket, work.policy, tuple(case.mailbox.keys), work.now, clocks.start(work.now, owed=False)
        )
    )
    work.record(number, "created", case.identity.agent.address if case.identity.agent else "system")
    return number


def _open_for(case: Case, work: Work, agent: Agent, said: Commands, requester: Address) -> Conclude:
    """A ticket on behalf of a customer: they get the text as a mail."""
    number = _new_ticket(case, work, requester, (), case.message.subject)
    rest = replace(said, instructions=tuple(one for one in said.instructions if one.name != "requester"))
    mode = _mode(case, work, said)
    deed = replace(_deed(case, work, agent, rest, mode), opening=True)
    if mode is Mode.REPLY and not case.envelope.released:
        found = _leaks(case, work, said)
        if found:
            return _held_instead(case, work, agent, found)
    act.perform(work, number, deed)
    history = work.history(number)
    if history.entries:
        act.open_ticket_notices(work, number, history.entries[0], deed)
    return Conclude(Outcome.TICKET, number)


def _held_instead(case: Case, work: Work, agent: Agent, reason: str) -> Conclude:
    """Nothing of what was begun takes effect: the sheet is wiped before the hold is written."""
    work.wipe()
    return hold(case, work, agent, reason)


def _record_sent(
    case: Case, work: Work, agent: Agent, said: Commands, outsiders: tuple[Address, ...]
) -> Conclude:
    """The agent wrote to the customer with the desk in Cc: recorded, not sent again."""
    number = _new_ticket(case, work, outsiders[0], outsiders[1:], case.message.subject)
    deed = _deed(case, work, agent, said, Mode.REPLY)
    act.perform(work, number, deed)
    return Conclude(Outcome.TICKET, number)


def _make_theirs(case: Case, work: Work, agent: Agent, said: Commands, number: int | None) -> Conclude:
    """The forwarded mail is the customer's: the ticket is theirs, the agent's own words are a note."""
    found = find_forwarded(case.message)
    assert found is not None
    entry = Entry(
        kind=Kind.CUSTOMER,
        author=found.author,
        text=found.text,
        new_text=found.text,
        at=case.envelope.received_at,
        message_id=found.message_id,
        to=found.to,
        subject=found.subject,
        attachments=_files(case),
        fingerprint=case.message.fingerprint,
    )
    if number is None:
        number = _new_ticket(case, work, found.author, (), found.subject or case.message.subject)
    rest = tuple(one for one in said.instructions if one.name not in ("fwd", "requester"))
    if said.last("requester") is None:
        changes.set_requester(work, number, found.author, agent.address)
    work.append(number, entry)
    mode = Mode.NOTE if said.text.strip() else Mode.NOTHING
    deed = replace(
        _deed(case, work, agent, replace(said, instructions=rest), mode),
        attachments=(),
        message=None,
        opening=True,
    )
    act.perform(work, number, deed)
    act.open_ticket_notices(work, number, entry, deed)
    return Conclude(Outcome.TICKET, number)


def _answer_query(case: Case, work: Work, agent: Agent, query: Instruction) -> Conclude:
    """``#show``, ``#list`` and ``#help`` are answered by mail and change nothing."""
    if query.name == "help":
        mail = compose.help_text(work.policy, agent, case.envelope.mailbox, work.cause, work.now)
    elif query.name == "list":
        tickets = case.context.folders.get(query.argument, ())
        mail = compose.listing(
            work.policy, agent, query.argument, tickets, case.envelope.mailbox, work.cause, work.now
        )
    else:
        number = int(query.argument) if query.argument else case.placement.ticket
        history = case.context.tickets.get(number) if number else None
        if history is None:
            return hold(
                case, work, agent, f"#show {query.argument}: there is no such ticket".replace("  ", " ")
            )
        mail = compose.shown(work.policy, agent, history, case.envelope.mailbox, work.cause, work.now)
    work.send(mail)
    return Conclude(Outcome.IGNORED, case.placement.ticket, f"answered #{query.name}")
