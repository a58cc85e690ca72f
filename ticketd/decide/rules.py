"""The desk's whole policy: which rule a mail falls under, first to last.

``decide`` is pure: mail, past, settings and time in, effects out. Each rule answers
with what became of the mail, or None where it is not concerned.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from ticketd.decide import tokens
from ticketd.decide.acting import parking
from ticketd.decide.acting.arrivals import take_arrival
from ticketd.decide.acting.bounced import take_bounce
from ticketd.decide.acting.membership import take_elsewhere
from ticketd.decide.acting.receipts import is_receipt, take_receipt
from ticketd.decide.acting.speak import speak
from ticketd.decide.case import Case
from ticketd.decide.context import Clues, Context
from ticketd.decide.effects import Conclude, Effect
from ticketd.decide.excerpts.commands import read_commands
from ticketd.decide.excerpts.excerpt import excerpt
from ticketd.decide.judging.classify import classify
from ticketd.decide.judging.identify import Identity, Proof, Standing, Who, identify
from ticketd.decide.judging.reactions import is_reaction
from ticketd.decide.judging.thread import Placement, clues, place
from ticketd.decide.model import Classification, Envelope, Message, Outcome, Verdict
from ticketd.decide.policy import Policy
from ticketd.decide.reading.files import mark_logos
from ticketd.decide.work import Work
from ticketd.decide.writing.card import MARKER

MOST_HOPS = 50
"""A mail with more Received fields than this goes round in circles (RFC 5321 §6.3)."""

Rule = Callable[[Case, Work], Conclude | None]


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided, and the reasons that ``explain`` shows."""

    effects: tuple[Effect, ...]
    identity: Identity
    classification: Classification
    placement: Placement
    rule: str


def read_clues(message: Message, mailbox: str, policy: Policy) -> Clues:
    """What must be looked up before this mail can be decided."""
    kind = classify(message)
    about = kind.bounce or (message.report if is_receipt(message) else None)
    found = clues(message, mailbox, about.message_ids if about else ())
    acknowledges = bool(policy.mailboxes[mailbox].acknowledge)
    found = replace(found, acknowledges=acknowledges, classification=kind)
    agent = policy.agent_by_key(found.author)
    if agent is None:
        return found
    said = read_commands(excerpt(message.text, message.html, agent=True, marker=MARKER).new_text)
    named = (*said.all("merge"), *(number for number in said.all("show") if number))
    return replace(
        found,
        tickets=(*found.tickets, *(int(number) for number in named)),
        folders=said.all("list"),
        agent=agent.key,
    )


def decide(
    message: Message, envelope: Envelope, found: Clues, context: Context, policy: Policy, now: datetime
) -> Decision:
    """Everything that one mail does, as effects. Total: every mail gives at least one."""
    identity = identify(message, found, context, policy, now)
    if envelope.released in ("yes", "note", "accept") and identity.agent is not None:
        identity = replace(identity, standing=Standing.PROVEN, confirmed=True)
    own = is_own(message, found, context, policy)
    known = None if own else found.classification
    classification = known or classify(message, own=own)
    placement = place(found, identity, context, policy)
    message = replace(message, attachments=mark_logos(message.attachments, context.seen_pictures))
    case = Case(message, envelope, found, context, policy, identity, classification, placement)
    work = Work(policy, context, now, envelope.cause)
    for rule in RULES:
        conclusion = rule(case, work)
        if conclusion is not None:
            effects = work.effects(conclusion)
            return Decision(effects, identity, classification, placement, rule.__name__)
    raise AssertionError("the last rule takes every mail")


def is_own(message: Message, found: Clues, context: Context, policy: Policy) -> bool:
    """Whether this is our own mail come back: our signed Message-ID, or our signed loop mark."""
    signed = tokens.read_message_id(message.message_id or "")
    if signed is not None and signed.form == "id":
        issued = context.issued.get((signed.ticket, signed.purpose, signed.serial))
        if tokens.is_genuine(policy, signed, issued):
            return True
    tickets = tuple(dict.fromkeys(one.ticket for one in found.signed))
    marks = message.header_all("X-Ticketd-Loop")[:5]
    return any(tokens.is_own_loop(policy, mark, (0, *tickets)) for mark in marks)


def already_known(case: Case, work: Work) -> Conclude | None:
    """The same mail twice is one message, whichever mailbox it came through."""
    known = case.context.known
    if known is None or case.envelope.released:
        return None
    if known.ticket and known.mailbox != case.envelope.mailbox and known.ticket in case.context.tickets:
        number = case.context.tickets[known.ticket].ticket.id
        work.record(number, "duplicate", detail=f"the same mail came to {case.envelope.mailbox}, too")
    return Conclude(Outcome.DUPLICATE, known.ticket)


def own_mail(case: Case, work: Work) -> Conclude | None:
    """Our own mail come back: the ledger only."""
    if case.classification.verdict is not Verdict.OWN:
        return None
    return Conclude(Outcome.OWN, case.placement.ticket)


def circling(case: Case, work: Work) -> Conclude | None:
    """A mail that has gone round in circles is kept apart."""
    hops = len(case.message.header_all("Received"))
    if hops <= MOST_HOPS or case.envelope.released:
        return None
    return Conclude(Outcome.QUARANTINED, reason=f"a loop: {hops} Received fields")


def bounced(case: Case, work: Work) -> Conclude | None:
    """A bounce goes to the ticket whose mail it is about."""
    return take_bounce(case, work) if case.classification.verdict is Verdict.BOUNCE else None


def robot_of_agent(case: Case, work: Work) -> Conclude | None:
    """An agent's own vacation mail or receipt is never relayed, never a command."""
    is_robot = case.classification.verdict is Verdict.VACATION or case.message.report is not None
    if case.identity.who is not Who.AGENT or not is_robot:
        return None
    return Conclude(Outcome.IGNORED, case.placement.ticket, "an agent's automatic mail")


def reaction_of_agent(case: Case, work: Work) -> Conclude | None:
    """An agent pressed a thumb below a mail: nobody is told, least of all the customer."""
    if case.identity.who is not Who.AGENT:
        return None
    said = excerpt(case.message.text, case.message.html, agent=True, marker=MARKER).new_text
    if not is_reaction(case.message, said):
        return None
    return Conclude(Outcome.IGNORED, case.placement.ticket, "an agent's reaction")


def receipt(case: Case, work: Work) -> Conclude | None:
    """A read receipt is recorded where the mail that was read is."""
    return take_receipt(case, work) if is_receipt(case.message) else None


def forged_agent(case: Case, work: Work) -> Conclude | None:
    """From says an agent, a trusted server says no, and no token speaks for it: unanswered."""
    if case.identity.standing is not Standing.QUARANTINE:
        return None
    return Conclude(Outcome.QUARANTINED, reason="it claims to be an agent's, and DMARC says it is not")


def archived_agent(case: Case, work: Work) -> Conclude | None:
    """What an agent wrote long ago, in answer to nothing of ours, was not written to this desk."""
    agent = case.identity.agent
    if agent is None or not case.envelope.archived or case.identity.token or case.envelope.released:
        return None
    return parking.keep_archived(case, work, agent)


def unproven_agent(case: Case, work: Work) -> Conclude | None:
    """What may be an agent's waits until that agent says so."""
    agent = case.identity.agent
    if agent is not None and case.envelope.released == "unconfirmed":
        return parking.keep_unconfirmed(case, work, agent)
    if agent is None or case.identity.standing is not Standing.PARK:
        return None
    if parking.is_answer(case):
        return Conclude(Outcome.IGNORED, reason="an answer to a question, not proven")
    return parking.park(case, work, agent, _why_not_proven(case))


def _why_not_proven(case: Case) -> str:
    found = case.identity
    token = "a token" if found.proof in (Proof.TOKEN, Proof.BOTH) else "no token"
    return f"not proven: {found.authentication.sign}, {token}" + (f"; {found.doubt}" if found.doubt else "")


def answer_to_question(case: Case, work: Work) -> Conclude | None:
    """``#yes`` in answer to a question is the proof that was asked for."""
    return parking.take_answer(case, work) if parking.is_answer(case) else None


def doubtful_agent(case: Case, work: Work) -> Conclude | None:
    """A proven agent's mail that may be a robot's, or that shows its ticket by too little, is asked about."""
    agent, found = case.identity.agent, case.placement
    if agent is None or case.identity.confirmed:
        return None
    if case.robotic:
        return parking.park(case, work, agent, f"it looks like an automatic mail: {case.robotic}")
    if found.ticket is None and found.perhaps is not None:
        return parking.park(case, work, agent, f"it answers nothing, but seems to be about #{found.perhaps}")
    return None


def cut_short(case: Case, work: Work) -> Conclude | None:
    """An agent's mail of which only the header was fetched: nobody knows what it says."""
    if case.identity.agent is None or case.envelope.complete:
        return None
    return parking.hold(case, work, case.identity.agent, "the mail is larger than this desk takes")


def agent_elsewhere(case: Case, work: Work) -> Conclude | None:
    """An agent writes to a mailbox that they do not work."""
    agent = case.identity.agent
    return take_elsewhere(case, work, agent) if agent is not None else None


def proven_agent(case: Case, work: Work) -> Conclude | None:
    """An agent speaks."""
    agent = case.identity.agent
    return speak(case, work, agent) if agent is not None else None


def anybody_else(case: Case, work: Work) -> Conclude | None:
    """A customer or a robot writes."""
    return take_arrival(case, work)


RULES: tuple[Rule, ...] = (
    already_known,
    own_mail,
    circling,
    bounced,
    robot_of_agent,
    reaction_of_agent,
    receipt,
    forged_agent,
    archived_agent,
    unproven_agent,
    answer_to_question,
    cut_short,
    doubtful_agent,
    agent_elsewhere,
    proven_agent,
    anybody_else,
)
