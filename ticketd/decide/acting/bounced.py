"""Bounces: believed only with our signed id and a recipient that we mailed.

A believed bounce joins the ticket whose mail it is about; any other becomes a ticket
of its own in the spam folder. Nothing is ever sent to whoever bounced.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from ticketd.decide.acting import changes
from ticketd.decide.acting.arrivals import over_budget, take_arrival
from ticketd.decide.acting.transition import Happening, transition
from ticketd.decide.case import Case
from ticketd.decide.context import Mailed
from ticketd.decide.effects import Alert, Conclude, MailKind
from ticketd.decide.judging.thread import Placement
from ticketd.decide.model import (
    BOUNCED_TO_AGENT,
    Bounce,
    Kind,
    Outcome,
    address_key,
)
from ticketd.decide.tokens import is_genuine, read_message_id
from ticketd.decide.work import Work
from ticketd.decide.writing import compose

TO_CUSTOMERS = (MailKind.REPLY, MailKind.ACKNOWLEDGEMENT)


def take_bounce(case: Case, work: Work) -> Conclude:
    """Attach a believed bounce to its ticket, tell those who must know."""
    bounce = case.classification.bounce or Bounce(permanent=False)
    mailed = believed(case, bounce)
    if mailed is None:
        return _unbelieved(case, work)
    if mailed.kind not in TO_CUSTOMERS:
        work.add(
            Alert("agent-bounce", f"mail to the agent {mailed.recipient} bounced", case.envelope.mailbox)
        )
        return Conclude(Outcome.IGNORED, mailed.ticket or None, BOUNCED_TO_AGENT)
    number = case.context.tickets[mailed.ticket].ticket.id
    entry = case.entry(Kind.BOUNCE)
    work.append(number, entry)
    words = in_words(bounce)
    work.record(number, "bounce", after=mailed.recipient, detail=words)
    if bounce.permanent:
        _tell(work, number, mailed, words)
    return Conclude(Outcome.TICKET, number)


def believed(case: Case, bounce: Bounce) -> Mailed | None:
    """The mail of ours that a bounce is about, None where the bounce proves nothing."""
    return mailed_as(case, bounce.message_ids, {address_key(bounce.recipient)} if bounce.recipient else ())


def mailed_as(case: Case, message_ids: Iterable[str], recipients: Collection[str]) -> Mailed | None:
    """The mail of ours under one of these ids, signed, to one of these recipients' keys; else None."""
    for message_id in message_ids:
        signed = read_message_id(message_id)
        if signed is None or signed.form != "id":
            continue
        issued = case.context.issued.get((signed.ticket, signed.purpose, signed.serial))
        if not is_genuine(case.policy, signed, issued):
            continue
        for mailed in case.context.mailed:
            if mailed.message_id == message_id and address_key(mailed.recipient) in recipients:
                return mailed
    return None


def in_words(bounce: Bounce) -> str:
    """``jane@example.com does not exist, says mx.example.com``."""
    who = bounce.recipient or "a recipient"
    said = f", says {bounce.remote_mta}" if bounce.remote_mta else ""
    status = bounce.status or ""
    if not bounce.permanent:
        return f"mail to {who} is delayed{said}"
    if status.startswith(("5.1.1", "5.1.10", "5.1.6")):
        return f"{who} does not exist{said}"
    if status.startswith(("5.2.2",)):
        return f"the mailbox of {who} is full{said}"
    if status.startswith(("5.1.2", "5.4.4")):
        return f"the domain of {who} takes no mail{said}"
    return f"mail to {who} was refused{said}" + (f" ({status})" if status else "")


def _tell(work: Work, number: int, mailed: Mailed, words: str) -> None:
    """A permanent bounce opens the ticket; the assignee is told, else the mailbox's agents."""
    if not over_budget(work, number):
        to = transition(work.ticket(number).status, Happening.BOUNCED)
        changes.set_status(work, number, to, "system", words)
    after = work.ticket(number)
    for agent in work.audience(number):
        work.send(
            compose.failure(
                work.policy,
                agent,
                after,
                mailed.recipient,
                words,
                _what_was_said(work, number, mailed),
                permanent=True,
                cause=work.cause,
                now=work.now,
            )
        )


def _what_was_said(work: Work, number: int, mailed: Mailed) -> str:
    entries = work.history(number).entries
    return next((one.new_text for one in entries if one.message_id == mailed.message_id), "")


def _unbelieved(case: Case, work: Work) -> Conclude:
    """A bounce that proves nothing: kept in the spam folder, nobody is told."""
    # The mail system that quotes an agent's token does not use it.
    identity = replace(case.identity, foreign=())
    conclusion = take_arrival(replace(case, placement=Placement(None), identity=identity), work)
    assert conclusion.ticket is not None
    work.record(conclusion.ticket, "bounce", detail="it names no mail that we sent, so it is not believed")
    return conclusion
