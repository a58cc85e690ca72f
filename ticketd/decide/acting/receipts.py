"""Read receipts (RFC 8098): recorded on the ticket whose mail was read, and nothing changes.

Like a bounce, a receipt names the mail that it is about; it is believed where that id is our own,
signed, and went to whoever read it. One that belongs to nothing waits in the spam folder.
"""

from __future__ import annotations

from ticketd.decide.acting.arrivals import take_arrival
from ticketd.decide.acting.bounced import TO_CUSTOMERS, mailed_as
from ticketd.decide.case import Case
from ticketd.decide.context import Mailed
from ticketd.decide.effects import Conclude
from ticketd.decide.model import READ_BY_AGENT, Kind, Message, Outcome, address_key
from ticketd.decide.work import Work

TYPE = "disposition-notification"


def is_receipt(message: Message) -> bool:
    """Whether the mail says that an earlier one was read, or was not."""
    return message.report is not None and message.report.type == TYPE


def take_receipt(case: Case, work: Work) -> Conclude:
    """Record a receipt where it belongs: on the ticket that it answers, else that of the mail it names."""
    reader = case.author.address or None
    if case.placement.ticket is not None:
        conclusion = take_arrival(case, work)
        work.record(case.placement.ticket, "read", after=reader)
        return conclusion
    mailed = _mailed(case)
    if mailed is None:
        return take_arrival(case, work)
    if mailed.kind not in TO_CUSTOMERS:
        return Conclude(Outcome.IGNORED, mailed.ticket or None, READ_BY_AGENT)
    number = case.context.tickets[mailed.ticket].ticket.id
    work.append(number, case.entry(Kind.AUTOMATIC))
    work.record(number, "read", after=reader)
    return Conclude(Outcome.TICKET, number)


def _mailed(case: Case) -> Mailed | None:
    """The mail of ours that was read, by somebody whom we sent it to; None where that is not shown."""
    report = case.message.report
    if report is None:
        return None
    readers = {address_key(one.address) for one in report.recipients}
    readers |= {case.message.author.key} if case.message.author else set()
    return mailed_as(case, report.message_ids, readers)
