"""Mails that wait for an agent's word: parked (is this yours?) and held (is this right?).

Kept, nothing sent, nothing changed. The agent's registered address is asked about what was
parked once a batch is taken in (``collect.questions``), about a held mail at once; ``#yes``,
``#no`` or ``#note`` in answer to that question is the word.
"""

from __future__ import annotations

from ticketd.decide.case import Case
from ticketd.decide.effects import Conclude, Drop, Release, Revoke
from ticketd.decide.excerpts.commands import Commands, Problem, read_commands
from ticketd.decide.excerpts.excerpt import excerpt
from ticketd.decide.model import OLD_OF_AGENT, Kind, Outcome, Purpose, Ticket, Verdict
from ticketd.decide.policy import Agent
from ticketd.decide.work import Work
from ticketd.decide.writing import compose, letter
from ticketd.decide.writing.card import MARKER


def park(case: Case, work: Work, agent: Agent, reason: str) -> Conclude:
    """Keep a mail that claims to be an agent's, to be asked about."""
    for issued in case.identity.foreign:
        work.add(Revoke(issued.token))
    return Conclude(Outcome.PARKED, case.placement.ticket, reason, agent.key)


def keep_unconfirmed(case: Case, work: Work, agent: Agent) -> Conclude:
    """Nobody confirmed it for a week: an internal note, on the ticket that it seems to be about."""
    number = _keep_as_note(case, work, "from a mail that nobody confirmed")
    work.record(number, "unconfirmed", detail=f"it says From {agent.address} and was never confirmed")
    return Conclude(Outcome.TICKET, number, "unconfirmed")


def keep_archived(case: Case, work: Work, agent: Agent) -> Conclude:
    """An agent's mail from an archive: a note as well, and nobody is asked whether it is theirs."""
    number = _keep_as_note(case, work, "from an agent's old mail")
    work.record(number, "archived", detail=f"it says From {agent.address}, is old and takes no effect")
    return Conclude(Outcome.TICKET, number, OLD_OF_AGENT)


def _keep_as_note(case: Case, work: Work, detail: str) -> int:
    """The mail as a note where it seems to belong, else on a ticket of its own; the ticket's number."""
    number = case.placement.ticket or case.placement.perhaps
    if number is None:
        number = work.new_number()
        subject = letter.without_codes(case.message.subject) or letter.NO_SUBJECT
        at = case.envelope.received_at
        work.save(Ticket(number, subject, case.envelope.mailbox, created_at=at, updated_at=work.now))
        work.record(number, "created", detail=detail)
    work.append(number, case.entry(Kind.NOTE))
    return number


def hold(
    case: Case,
    work: Work,
    agent: Agent,
    reason: str,
    problem: Problem | None = None,
    choices: tuple[str, ...] = ("yes", "note", "no"),
) -> Conclude:
    """Keep an agent's mail that must not take effect as it is; give it back with the reason.

    ``choices`` are the answers that the agent is offered.
    """
    number = case.placement.ticket
    work.send(
        compose.held(
            work.policy,
            agent,
            work.ticket(number) if number else None,
            case.message.subject,
            _own_words(case),
            reason,
            problem.nearest if problem else "",
            case.envelope.item,
            case.envelope.mailbox,
            work.cause,
            work.now,
            choices,
        )
    )
    return Conclude(Outcome.HELD, number, reason, agent.key)


def _own_words(case: Case) -> str:
    """What the agent wrote, without the quote below it; all of it where that is in doubt."""
    read = excerpt(case.message.text, case.message.html, agent=True, marker=MARKER)
    return read.new_text if read.certain and read.new_text.strip() else case.message.text


def is_answer(case: Case) -> bool:
    """Whether the mail answers a question of ours, in the hand of the agent who was asked."""
    token = case.identity.token
    return token is not None and token.token.purpose == Purpose.QUESTION


def take_answer(case: Case, work: Work) -> Conclude:
    """Let go, drop or turn into a note what was asked about; anything else changes nothing."""
    if case.classification.verdict is not Verdict.PERSON or case.robotic:
        return Conclude(Outcome.IGNORED, reason="an automatic answer to a question")
    if len({one.serial for one in case.clues.signed if one.purpose == Purpose.QUESTION}) > 1:
        return Conclude(Outcome.IGNORED, reason="an answer to two questions at once")
    said = read_commands(excerpt(case.message.text, case.message.html, agent=True, marker=MARKER).new_text)
    chosen = _chosen(said, case.context.asked)
    if chosen is None:
        return Conclude(Outcome.IGNORED, reason="an answer to a question without #yes, #no or #note")
    parked = {one.item for one in case.context.waiting if one.state == "parked"}
    for item, how in chosen.items():
        # Theirs, which is what was asked: whether it may go out as it is was not.
        word = "accept" if how == "yes" and item in parked else how
        work.add(Drop(item) if how == "no" else Release(item, word))
    return Conclude(Outcome.IGNORED, reason="an answer to a question")


def _chosen(said: Commands, asked: tuple[int, ...]) -> dict[int, str] | None:
    """What was said of each item; None where the answer cannot be understood whole."""
    if said.problems or not said.instructions:
        return None
    chosen: dict[int, str] = {}
    for one in said.instructions:
        if one.name not in ("yes", "no", "note"):
            return None
        place = int(one.argument) if one.argument else 0
        if place > len(asked):
            return None
        for item in (asked[place - 1],) if place else asked:
            chosen[item] = one.name
    return chosen
