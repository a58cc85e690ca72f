"""What a proven agent's mail does: a reply, a note, commands, a new ticket, or it is held.

Checks everything before anything takes effect: a wrong command, a doubt, a collision or
a leak holds the whole mail. ``act`` then carries out what was understood.
"""

from __future__ import annotations

from datetime import timedelta

from ticketd.decide.acting import act
from ticketd.decide.acting.act import Mode
from ticketd.decide.acting.checks import QUERIES, problems_of
from ticketd.decide.acting.deeds import deed_of, is_recorded, leaks_of, mode_of, text_of
from ticketd.decide.acting.onbehalf import make_theirs, speak_anew
from ticketd.decide.acting.parking import hold
from ticketd.decide.acting.released import as_released, choices
from ticketd.decide.case import Case, may_see
from ticketd.decide.context import History
from ticketd.decide.effects import Conclude
from ticketd.decide.excerpts.commands import Commands, Instruction, read_commands
from ticketd.decide.excerpts.excerpt import excerpt
from ticketd.decide.excerpts.forwarded import is_forward
from ticketd.decide.model import Excerpt, Kind, Outcome
from ticketd.decide.policy import Agent
from ticketd.decide.work import Work
from ticketd.decide.writing import compose
from ticketd.decide.writing.card import MARKER

_LATELY = timedelta(hours=1)
_MOST_ECHOES = 5


def speak(case: Case, work: Work, agent: Agent) -> Conclude:
    """Take a proven agent's mail: hold it whole, or let it take effect whole."""
    read = _read(case, work, agent)
    said = read_commands(read.new_text)
    if case.approved and case.envelope.released:
        said = as_released(case, work, agent, said, case.envelope.released)
    problem = next(problems_of(case, work, agent, said), None)
    if problem is not None:
        reason = f"{problem.line}: {problem.reason}".strip(": ")
        return hold(case, work, agent, reason, problem, tuple(choices(case, work, agent, said)))
    query = next((one for one in said.instructions if one.name in QUERIES), None)
    if query is not None:
        return _answer_query(case, work, agent, query)
    if case.placement.ticket is None:
        return speak_anew(case, work, agent, said)
    return _on_ticket(case, work, agent, said, read)


def _read(case: Case, work: Work, agent: Agent) -> Excerpt:
    """The agent's own words: what stands above the quoted notification."""
    number = case.placement.ticket
    known = work.history(number).entries if number else ()
    return excerpt(
        case.message.text,
        case.message.html,
        agent=True,
        marker=MARKER,
        parents=tuple(one.new_text for one in known[-5:] if one.author.key != agent.key),
        disclaimers=work.policy.disclaimers,
    )


def _on_ticket(case: Case, work: Work, agent: Agent, said: Commands, read: Excerpt) -> Conclude:
    number = case.placement.ticket
    assert number is not None
    if said.has("fwd"):
        return make_theirs(case, work, agent, said, number)
    mode = mode_of(case, work, said)
    if mode is Mode.NOTHING and not said.instructions and not case.approved:
        return hold(case, work, agent, "nothing new was found in it: no text, no file, no command")
    if mode is Mode.REPLY and not is_recorded(case, said):
        history = work.history(number)
        # A leak stays one, whatever the agent says: it may become a note or be dropped.
        if leak := leaks_of(case, work, said, history):
            return hold(case, work, agent, leak, choices=("note", "no"))
        if doubt := _doubt(case, work, agent, said, read, history):
            return hold(case, work, agent, doubt)
    if mode is Mode.REPLY and _requester_after(work, number, said) is None:
        return hold(case, work, agent, "the requester is not known: #requester jane@example.com names them")
    act.perform(work, number, deed_of(case, work, agent, said, mode))
    return Conclude(Outcome.TICKET, number)


def _requester_after(work: Work, number: int, said: Commands) -> object:
    return said.last("requester") or work.ticket(number).requester


def _doubt(case: Case, work: Work, agent: Agent, said: Commands, read: Excerpt, history: History) -> str:
    """Why a reply must not go out as it is; empty where it may."""
    if case.approved:
        return ""
    if is_forward(case.message):
        return "this looks like a forwarded mail, not like an answer"
    if not read.certain:
        return "it is not clear which part of the mail is yours and which is quoted"
    if _is_echo(case, agent, text_of(work, said), history):
        return "it says the same as your last replies: did a machine write it?"
    return _collision(case, agent, history)


def _is_echo(case: Case, agent: Agent, text: str, history: History) -> bool:
    """Whether the agent said just this again and again of late, as a robot that answers a robot does."""
    since = case.envelope.received_at - _LATELY
    replies = [one for one in history.entries if one.kind is Kind.REPLY and one.at >= since]
    return sum(one.author.key == agent.key and one.new_text == text for one in replies) >= _MOST_ECHOES


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


def _answer_query(case: Case, work: Work, agent: Agent, query: Instruction) -> Conclude:
    """``#show``, ``#list`` and ``#help`` are answered by mail and change nothing."""
    if query.name == "help":
        mail = compose.help_text(work.policy, agent, case.envelope.mailbox, work.cause, work.now)
    elif query.name == "list":
        found = case.context.folders.get(query.argument, ())
        tickets = tuple(one for one in found if may_see(work.policy, agent, one))
        mail = compose.listing(
            work.policy, agent, query.argument, tickets, case.envelope.mailbox, work.cause, work.now
        )
    else:
        number = int(query.argument) if query.argument else case.placement.ticket
        history = case.context.tickets.get(number) if number else None
        named = number != case.placement.ticket
        if history is None or (named and not may_see(work.policy, agent, history.ticket)):
            return hold(
                case, work, agent, f"#show {query.argument}: there is no such ticket".replace("  ", " ")
            )
        mail = compose.shown(work.policy, agent, history, case.envelope.mailbox, work.cause, work.now)
    work.send(mail)
    return Conclude(Outcome.IGNORED, case.placement.ticket, f"answered #{query.name}")
