"""Tickets that are opened by hand, by a chat or by the API: same effects as by mail.

Everything that a new ticket can have: who wrote, what was said, a mail to the customer,
a note, and any command that fits a new ticket.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ticketd.decide.acting import act
from ticketd.decide.acting.act import Deed, Mode
from ticketd.decide.deadlines import clock as clocks
from ticketd.decide.deadlines import timing
from ticketd.decide.excerpts.commands import Commands, Instruction
from ticketd.decide.model import Address, Attachment, Channel, Entry, Kind, Ticket
from ticketd.decide.policy import Agent
from ticketd.decide.work import Work
from ticketd.decide.writing import letter


@dataclass(frozen=True, slots=True)
class Opening:
    """A ticket to open. ``said`` is what the customer said already (a chat's transcript).

    ``requester`` is None where nobody knows the customer's address; ``speaker`` is their name all the same.

    ``text`` is mailed to the requester, where there is any; ``agent`` None is ``system``.
    """

    mailbox: str
    requester: Address | None
    subject: str
    channel: Channel = Channel.MANUAL
    said: str = ""
    text: str = ""
    note: str = ""
    attachments: tuple[Attachment, ...] = ()
    commands: Commands = Commands()  # noqa: RUF009 - frozen
    agent: Agent | None = None
    speaker: str = ""


def open_by_hand(work: Work, opening: Opening) -> int:
    """Open the ticket, mail the customer, tell the agents; the ticket's number."""
    number = work.new_number()
    actor = opening.agent.address if opening.agent else "system"
    desk = work.policy.mailboxes[opening.mailbox]
    tags = tuple(word[1:] for line in opening.commands.all("tag") for word in line.split())
    ticket = Ticket(
        id=number,
        subject=letter.without_codes(opening.subject),
        mailbox=opening.mailbox,
        created_at=work.now,
        updated_at=work.now,
        requester=opening.requester,
        participants=(opening.requester,) if opening.requester else (),
        channel=opening.channel,
        tags=tags,
    )
    deed = _deed(opening)
    # They wait for an answer unless it is we who wrote first.
    clock = clocks.start(work.now, owed=bool(opening.said) or deed.mode is not Mode.REPLY)
    work.save(timing.on_open(ticket, work.policy, tuple(desk.keys), work.now, clock))
    work.record(number, "created", actor, detail=opening.channel)
    if opening.said:
        work.append(number, _transcript(work, opening))
    act.perform(work, number, deed)
    history = work.history(number)
    act.open_ticket_notices(work, number, next(iter(history.entries), None), deed)
    return number


def _transcript(work: Work, opening: Opening) -> Entry:
    return Entry(
        kind=Kind.CUSTOMER,
        author=opening.requester or Address("", opening.speaker),
        text=opening.said,
        new_text=opening.said,
        at=work.now,
        subject=opening.subject,
        date=work.now,
    )


def _deed(opening: Opening) -> Deed:
    kept = tuple(one for one in opening.commands.instructions if one.name != "tag")
    if opening.note:
        kept = (*kept, Instruction("note-line", opening.note))
    says = bool(opening.text.strip() or opening.attachments)
    return Deed(
        agent=opening.agent,
        commands=replace(opening.commands, instructions=kept),
        mode=Mode.REPLY if says else Mode.NOTHING,
        text=opening.text.strip("\n"),
        attachments=opening.attachments,
        opening=True,
    )
