"""Which ticket a mail belongs to (RFC 5322 §3.6.4; product.md, "thread").

The signals are tried in order and the first ticket that the author may join wins.
Nobody joins a ticket they take no part in, whatever ids their mail carries. Reads no
database: ``clues`` says what to look up, ``place`` decides on the answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ticketd.decide import tokens
from ticketd.decide.context import Clues, Context, SignedId
from ticketd.decide.judging.identify import Identity, Standing, Who
from ticketd.decide.model import Message
from ticketd.decide.policy import Policy
from ticketd.decide.reading.files import possible_logos

_MOST_SIGNED = 25  # beyond this a References chain is somebody's guessing


@dataclass(frozen=True, slots=True)
class Placement:
    """The ticket (None: a new one), the signal that showed it, and what was tried.

    ``by`` is ``address``, ``own-id``, ``stored-id``, ``subject`` or ``new``. ``perhaps`` is
    the first ticket that a signal showed and the author may not join. ``also`` are
    other tickets of the same requester that this mail shows to be one conversation.
    """

    ticket: int | None
    by: str = "new"
    perhaps: int | None = None
    also: tuple[int, ...] = ()
    trace: tuple[str, ...] = ()


def signed_ids(message: Message) -> tuple[SignedId, ...]:
    """Everything in a mail with the form of our ids, in the order of the signals."""
    people = (*message.delivered_to, *message.to, *message.cc)
    in_addresses = [tokens.read_address(person.address) for person in people]
    codes = tokens.read_codes(message.subject)
    in_ids = [tokens.read_message_id(one) for one in answered_ids(message)]
    found = [signed for signed in (*in_addresses, *codes, *in_ids) if signed is not None]
    return tuple(dict.fromkeys(found))[:_MOST_SIGNED]


def answered_ids(message: Message) -> tuple[str, ...]:
    """The ids a mail answers: In-Reply-To, then References newest first, then Microsoft's.

    Exchange rewrites Message-ID and keeps the first one in a field of its own.
    """
    original = message.header("X-Microsoft-Original-Message-ID")
    found = (*message.in_reply_to, *reversed(message.references), *((original.strip(),) if original else ()))
    return tuple(dict.fromkeys(one for one in found if one != message.message_id))


def clues(message: Message, mailbox: str, bounced: tuple[str, ...] = ()) -> Clues:
    """What to look up to place this mail; ``bounced`` are the ids that a bounce embeds."""
    tags = tokens.read_tags(message.subject)
    return Clues(
        mailbox=mailbox,
        fingerprint=message.fingerprint,
        author=message.author.key if message.author else None,
        message_id=message.message_id,
        signed=signed_ids(message),
        ids=answered_ids(message),
        tags=tags,
        tickets=tags,
        bounced=bounced[:_MOST_SIGNED],
        pictures=possible_logos(message.attachments),
    )


_SIGNAL = {"address": "address", "code": "address", "id": "own-id", "root": "own-id"}


def _candidates(clues: Clues, context: Context, policy: Policy) -> Iterator[tuple[str, int]]:
    """Every (signal, ticket) that the clues show, in the order of the signals."""
    for signed in clues.signed:
        issued = context.issued.get((signed.ticket, signed.purpose, signed.serial))
        if signed.ticket and tokens.is_genuine(policy, signed, issued):
            yield _SIGNAL[signed.form], signed.ticket
    for message_id in clues.ids:
        for ticket in context.stored.get(message_id, ()):
            yield "stored-id", ticket
    for ticket in context.expecting:
        yield "stored-id", ticket
    for ticket in clues.tags:
        yield "subject", ticket


def _may_join(identity: Identity, key: str | None, ticket: int, by: str, context: Context) -> bool:
    history = context.tickets.get(ticket)
    if history is None:
        return False
    if identity.who is Who.AGENT and identity.standing is Standing.PROVEN:
        if identity.confirmed or history.ticket.has_participant(key or ""):
            return True
        # A token proves the agent for its own ticket alone.
        return by != "subject" and (identity.tickets is None or ticket in identity.tickets)
    return identity.who is not Who.UNKNOWN and history.ticket.has_participant(key or "")


def place(clues: Clues, identity: Identity, context: Context, policy: Policy) -> Placement:
    """The ticket for a mail, by the first signal that holds."""
    chosen: tuple[str, int] | None = None
    perhaps: int | None = None
    trace: list[str] = []
    also: list[int] = []
    for by, number in _candidates(clues, context, policy):
        history = context.tickets.get(number)
        if history is None:
            trace.append(f"{by}: #{number} does not exist")
        elif not _may_join(identity, clues.author, number, by, context):
            perhaps = perhaps or history.ticket.id
            trace.append(f"{by}: #{history.ticket.id}, but the author may not join it")
        elif chosen is None:
            chosen = (by, history.ticket.id)
            trace.append(f"{by}: #{history.ticket.id}")
        elif _is_same_conversation(clues, context, chosen[1], history.ticket.id):
            also.append(history.ticket.id)
            trace.append(f"{by}: #{history.ticket.id} is the same conversation")
    if chosen is None:
        return Placement(None, "new", perhaps, (), (*trace, "no signal: a new ticket"))
    return Placement(chosen[1], chosen[0], perhaps, tuple(dict.fromkeys(also)), tuple(trace))


def _is_same_conversation(clues: Clues, context: Context, one: int, other: int) -> bool:
    """Whether a late parent shows two tickets of its author to be one.

    Only where one of them was waiting for this very mail, and both are its author's own.
    """
    if one == other or not ({one, other} & set(context.expecting)):
        return False
    requesters = (context.tickets[number].ticket.requester for number in (one, other))
    return all(requester is not None and requester.key == clues.author for requester in requesters)
