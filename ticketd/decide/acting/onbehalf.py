"""An agent's mail that answers nothing: a ticket on behalf of a customer, or none.

By ``#requester``, by forwarding the customer's mail with ``#fwd``, or by writing to the
customer with the desk in Cc. Anything else of an agent's is a ticket like anybody's.
"""

from __future__ import annotations

from dataclasses import replace

from ticketd.decide.acting import act, changes
from ticketd.decide.acting.act import Mode
from ticketd.decide.acting.arrivals import take_arrival
from ticketd.decide.acting.deeds import deed_of, files_of, leaks_of, mode_of
from ticketd.decide.acting.parking import hold
from ticketd.decide.case import Case, outsiders
from ticketd.decide.deadlines import clock as clocks
from ticketd.decide.deadlines import timing
from ticketd.decide.deadlines.clock import Clock
from ticketd.decide.effects import Conclude
from ticketd.decide.excerpts.commands import Commands
from ticketd.decide.excerpts.forwarded import is_forward
from ticketd.decide.excerpts.transcripts import find_theirs
from ticketd.decide.model import Address, Channel, Entry, Kind, Outcome, Status, Ticket
from ticketd.decide.policy import Agent
from ticketd.decide.work import Work
from ticketd.decide.writing import letter


def speak_anew(case: Case, work: Work, agent: Agent, said: Commands) -> Conclude:
    """An agent's mail that answers nothing."""
    if said.has("fwd"):
        return make_theirs(case, work, agent, said, None)
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


def _new_ticket(
    case: Case,
    work: Work,
    requester: Address,
    others: tuple[Address, ...],
    subject: str,
    clock: Clock,
    channel: Channel = Channel.EMAIL,
) -> int:
    number = work.new_number()
    people = (requester, *(person for person in others if person.key != requester.key))
    ticket = Ticket(
        id=number,
        subject=letter.without_codes(subject) or letter.NO_SUBJECT,
        mailbox=case.envelope.mailbox,
        created_at=work.now,
        updated_at=work.now,
        requester=requester,
        participants=people,
        status=Status.OPEN,
        channel=channel,
    )
    work.save(timing.on_open(ticket, work.policy, tuple(case.mailbox.keys), work.now, clock))
    work.record(number, "created", case.identity.agent.address if case.identity.agent else "system")
    return number


def _open_for(case: Case, work: Work, agent: Agent, said: Commands, requester: Address) -> Conclude:
    """A ticket on behalf of a customer: they get the text as a mail; without one they wait for an answer."""
    mode = mode_of(case, work, said)
    clock = clocks.start(work.now, owed=mode is not Mode.REPLY)
    number = _new_ticket(case, work, requester, (), case.message.subject, clock)
    rest = replace(said, instructions=tuple(one for one in said.instructions if one.name != "requester"))
    deed = replace(deed_of(case, work, agent, rest, mode), opening=True)
    if mode is Mode.REPLY:
        found = leaks_of(case, work, said)
        if found:
            return _held_instead(case, work, agent, found)
    act.perform(work, number, deed)
    act.open_ticket_notices(work, number, next(iter(work.history(number).entries), None), deed)
    return Conclude(Outcome.TICKET, number)


def _held_instead(case: Case, work: Work, agent: Agent, reason: str) -> Conclude:
    """Nothing of what was begun takes effect: the sheet is wiped before the hold is written."""
    work.wipe()
    return hold(case, work, agent, reason, choices=("note", "no"))


def _record_sent(
    case: Case, work: Work, agent: Agent, said: Commands, outsiders: tuple[Address, ...]
) -> Conclude:
    """The agent wrote to the customer with the desk in Cc: recorded, not sent again."""
    clock = clocks.start(work.now, owed=False)
    number = _new_ticket(case, work, outsiders[0], outsiders[1:], case.message.subject, clock)
    deed = deed_of(case, work, agent, said, Mode.REPLY)
    act.perform(work, number, deed)
    return Conclude(Outcome.TICKET, number)


def make_theirs(case: Case, work: Work, agent: Agent, said: Commands, number: int | None) -> Conclude:
    """The forwarded mail is the customer's: the ticket is theirs, the agent's own words are a note."""
    theirs = find_theirs(case.message, lambda person: not outsiders((person,), work.policy))
    assert theirs is not None
    found, named = theirs.mail, said.last("requester")
    requester = Address(named) if named else found.author
    entry = Entry(
        kind=Kind.CUSTOMER,
        author=found.author,
        text=found.text,
        new_text=found.text,
        at=case.envelope.received_at,
        message_id=found.message_id,
        to=found.to,
        subject=found.subject,
        attachments=files_of(case),
        fingerprint=case.message.fingerprint,
    )
    if number is None:
        subject = found.subject or case.message.subject
        channel = Channel.CHAT if theirs.chat else Channel.EMAIL
        clock = clocks.start(case.envelope.received_at)  # the customer wrote, and waits
        number = _new_ticket(case, work, requester, (), subject, clock, channel)
    rest = tuple(one for one in said.instructions if one.name not in ("fwd", "requester"))
    changes.set_requester(work, number, requester, agent.address)
    work.append(number, entry)
    pasted = theirs.chat and said.text.strip() and said.text.strip() in found.text
    mode = Mode.NOTE if said.text.strip() and not pasted else Mode.NOTHING
    deed = replace(
        deed_of(case, work, agent, replace(said, instructions=rest), mode),
        attachments=(),
        message=None,
        opening=True,
    )
    act.perform(work, number, deed)
    act.open_ticket_notices(work, number, entry, deed)
    return Conclude(Outcome.TICKET, number)
