"""What customers and robots write: it joins a ticket or opens one.

Knows nothing of agents' commands; those are ``speak`` and ``act``.
"""

from __future__ import annotations

from dataclasses import replace

from ticketd.decide.acting import changes
from ticketd.decide.acting.transition import Happening, transition
from ticketd.decide.case import Case
from ticketd.decide.deadlines import timing
from ticketd.decide.deadlines.clock import Clock
from ticketd.decide.effects import Conclude, Expect, Revoke
from ticketd.decide.excerpts.excerpt import excerpt
from ticketd.decide.judging.authentication import Authenticated, authenticate
from ticketd.decide.judging.identify import Who
from ticketd.decide.judging.thread import Placement
from ticketd.decide.model import (
    ONE_OF_MANY,
    Address,
    Channel,
    Entry,
    Excerpt,
    Kind,
    Outcome,
    Status,
    Ticket,
    Verdict,
)
from ticketd.decide.tokens import read_message_id
from ticketd.decide.work import Work
from ticketd.decide.writing import compose, letter

_KINDS = {
    Verdict.PERSON: Kind.CUSTOMER,
    Verdict.BULK: Kind.CUSTOMER,
    Verdict.VACATION: Kind.AUTOMATIC,
    Verdict.BOUNCE: Kind.BOUNCE,
}
_ROBOTS = (Verdict.VACATION, Verdict.BOUNCE)
_SAME_SUBJECT = 2


def take_arrival(case: Case, work: Work) -> Conclude:
    """A mail that is nobody's command: append it where it belongs."""
    number = case.placement.ticket
    if number is None:
        return _open(case, work)
    if case.context.blocked and not work.ticket(number).spam:
        return _open(replace(case, placement=Placement(None, perhaps=number)), work)
    return _join(case, work, number)


def _join(case: Case, work: Work, number: int) -> Conclude:
    for other in case.placement.also:
        _merge_conversations(work, number, other)
        number = min(number, other)
    _revoke_misused(case, work, number)
    if case.placement.perhaps not in (None, number):
        _record_perhaps(case, work, number)
    entry = _entry(case, work, number)
    work.append(number, entry)
    changes.suggest_participants(work, number, case.outsiders())
    _expect(case, work, number)
    if case.classification.verdict is Verdict.PERSON and not case.classification.recorded:
        _wake(case, work, number)
    if _stirs(case):
        notify_agents(work, number, entry, _themselves(case))
    return Conclude(Outcome.TICKET, number, ONE_OF_MANY if case.envelope.archived else "")


def _merge_conversations(work: Work, one: int, other: int) -> None:
    """A late mail shows two tickets of one requester to be one: the older one stays."""
    changes.merge(work, max(one, other), min(one, other), "system", "one conversation")


def _wake(case: Case, work: Work, number: int) -> None:
    """A person among the participants wrote: open, within the budget of reopenings."""
    ticket = work.ticket(number)
    if over_budget(work, number):
        return
    # The clock first: it counts from when the mail came, the status changes now.
    if not case.envelope.archived:
        at = case.envelope.received_at
        work.save(timing.on_customer_mail(ticket, ticket.status, work.policy, at))
    to = transition(ticket.status, Happening.PERSON_WROTE)
    changes.set_status(work, number, to, "system", "a participant wrote")


def over_budget(work: Work, number: int) -> bool:
    """Whether a solved ticket was reopened too often of late: it stays solved, an event says so."""
    limit = work.policy.limits.reopens_per_ticket_per_hour
    if work.ticket(number).status is not Status.SOLVED or work.history(number).reopened < limit:
        return False
    work.record(number, "budget", detail=f"not reopened: {limit} reopenings within an hour")
    return True


def _stirs(case: Case) -> bool:
    """Whether anybody is told: not of robots, of what is only recorded, nor of each mail of an archive."""
    quiet = case.classification.recorded or case.envelope.archived
    return case.classification.verdict not in _ROBOTS and not quiet


def _themselves(case: Case) -> tuple[str, ...]:
    """The agent whose own mail it is, where an agent writes as a customer does: they know of it."""
    return (case.identity.agent.key,) if case.identity.agent else ()


def _kind(case: Case) -> Kind:
    return Kind.AUTOMATIC if case.classification.recorded else _KINDS[case.classification.verdict]


def _entry(case: Case, work: Work, number: int | None) -> Entry:
    """The mail as a message; agents are warned where the domain in From disowns it."""
    entry = case.entry(_kind(case), _new_text(case, work, number))
    found = authenticate(case.message, case.mailbox.trusted_authserv)
    if found.result is not Authenticated.FAIL:
        return entry
    return replace(entry, defects=(*entry.defects, f"the sender is not verified: {found.sign}"))


def _new_text(case: Case, work: Work, number: int | None) -> Excerpt:
    """What is new in the customer's mail; in doubt all of it."""
    known = work.history(number).entries if number else ()
    return excerpt(
        case.message.text,
        case.message.html,
        parents=tuple(entry.new_text for entry in known[-5:]),
        disclaimers=work.policy.disclaimers,
        names=(case.author.name,) if case.author.name else (),
    )


def _open(case: Case, work: Work) -> Conclude:
    number = work.new_number()
    entry = _entry(case, work, None)
    ticket = _new_ticket(case, work, number)
    # A robot's mail starts no clock, nor does an archive; the first person's does.
    starts = case.classification.verdict is Verdict.PERSON and not case.envelope.archived
    clock = None if starts else Clock()
    work.save(timing.on_open(ticket, work.policy, _recipients(case), case.envelope.received_at, clock))
    old = f", {ONE_OF_MANY}" if case.envelope.archived else ""
    work.record(number, "created", detail=f"by mail, {case.classification.verdict}{old}")
    if case.placement.perhaps:
        _record_perhaps(case, work, number)
    _revoke_misused(case, work, number)
    work.append(number, entry)
    _expect(case, work, number)
    if not ticket.spam:
        _acknowledge(case, work, number, entry)
        if _stirs(case):
            notify_agents(work, number, entry, _themselves(case), case.placement.perhaps)
    return Conclude(Outcome.TICKET, number, ONE_OF_MANY if case.envelope.archived else "")


def _recipients(case: Case) -> tuple[str, ...]:
    message = case.message
    return tuple(person.key for person in (*message.delivered_to, *message.to, *message.cc))


def _new_ticket(case: Case, work: Work, number: int) -> Ticket:
    """The ticket that a mail opens. Who is unknown takes no part, nor does whom they name."""
    requester = case.message.author if case.identity.who is not Who.UNKNOWN else None
    others = case.outsiders()
    participants: tuple[Address, ...] = ()
    if requester is not None:
        participants = (requester, *(person for person in others if person.key != requester.key))
    robot = case.classification.verdict in _ROBOTS or case.classification.recorded
    return Ticket(
        id=number,
        subject=letter.without_codes(case.message.subject) or letter.NO_SUBJECT,
        mailbox=case.envelope.mailbox,
        created_at=case.envelope.received_at,
        updated_at=work.now,
        requester=requester,
        participants=participants,
        suggested=() if requester else others,
        channel=Channel.EMAIL,
        spam=case.context.blocked or robot,
    )


def _record_perhaps(case: Case, work: Work, number: int) -> None:
    other = case.placement.perhaps
    work.record(number, "perhaps", after=str(other), detail=f"perhaps #{other}: #merge {other} admits it")


def _revoke_misused(case: Case, work: Work, number: int) -> None:
    """Somebody else used an agent's token: it is worth nothing from now on."""
    for issued in case.identity.foreign:
        work.add(Revoke(issued.token))
        work.record(
            number,
            "revoked",
            detail=f"the reply address made for {issued.token.recipient} was used by somebody else",
        )


def _expect(case: Case, work: Work, number: int) -> None:
    """Remember the ids that this mail answers and that have not arrived."""
    if case.clues.author is None:
        return
    missing = tuple(
        one for one in case.clues.ids if one not in case.context.stored and read_message_id(one) is None
    )
    if missing:
        work.add(Expect(number, missing[:20], case.clues.author, case.envelope.mailbox))


def notify_agents(
    work: Work,
    number: int,
    entry: Entry | None,
    but: tuple[str, ...] = (),
    perhaps: int | None = None,
) -> None:
    """Tell the assignee, or every agent of the mailbox while nobody is assigned."""
    ticket = work.ticket(number)
    if ticket.spam:
        return
    history, agents = work.history(number), work.audience(number, but)
    alone = [agent.key for agent in agents] == [ticket.assignee]
    reason = "assigned to you" if alone else "nobody is assigned yet"
    work.send(
        *compose.notifications(
            work.policy, ticket, history, entry, agents, reason, work.cause, work.now, perhaps=perhaps
        )
    )


def _acknowledge(case: Case, work: Work, number: int, entry: Entry) -> None:
    """Confirm receipt where the mailbox is set to, and only where nothing speaks against it."""
    if not case.mailbox.acknowledge:
        return
    against = _against_acknowledging(case)
    if against:
        work.record(number, "ack", detail=f"not acknowledged: {against}")
        return
    ticket = work.ticket(number)
    work.send(compose.acknowledgement(work.policy, ticket, entry, work.cause, work.now))
    work.record(number, "ack", after=case.author.address)


def _against_acknowledging(case: Case) -> str:
    """Why this mail is not acknowledged; empty where nothing speaks against it."""
    limits = case.policy.limits
    ours = {person.key for person in (*case.message.to, *case.message.cc)} & case.mailbox.keys
    unproven = bool(case.mailbox.trusted_authserv) and (
        authenticate(case.message, case.mailbox.trusted_authserv).result is not Authenticated.PASS
    )
    reasons = {
        "an unknown sender": case.identity.who is not Who.CUSTOMER,
        f"a {case.classification.verdict} mail": case.classification.verdict is not Verdict.PERSON,
        "the sender asks not to be answered": not case.classification.answerable,
        "an old mail": case.envelope.late,
        "our address is not in To or Cc": not ours,
        "the sender is not authenticated": unproven,
        "the budget of acknowledgements is used up": (
            case.context.acks_last_hour >= limits.acks_per_address_per_hour
        ),
        "the budget of automatic mail is used up": (
            case.context.automatic_last_day >= limits.automatic_per_address_per_day
        ),
    }
    return next((reason for reason, holds in reasons.items() if holds), "") or _used_up(case)


def _used_up(case: Case) -> str:
    """Which budget beyond the address's own is used up; empty where none is.

    A desk that answers ours unmarked opens a ticket of the same subject each time: the third
    within a day is not acknowledged, which breaks the circle.
    """
    limits, sent = case.policy.limits, case.context.acknowledged
    domain = (case.clues.author or "").rpartition("@")[2]
    subject = _bare(case.message.subject)
    same = sum(_bare(one) == subject for one in case.context.subjects_last_day)
    reasons = {
        "the budget of the domain is used up": (
            sum(one.rpartition("@")[2] == domain for one in sent) >= limits.acks_per_domain_per_hour
        ),
        "the budget of the desk is used up": len(sent) >= limits.acks_per_hour,
        "the same subject came twice within a day": same >= _SAME_SUBJECT,
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def _bare(subject: str) -> str:
    """A subject without what answers and robots put before it."""
    return subject.rpartition(":")[2].strip().casefold()
