"""Mails to customers: an agent's reply, and the word that theirs has arrived.

RFC 5322 §3.6.4 (threading), RFC 3676 §4.3 (signature), RFC 3834 (automatic answers).
Knows nothing of agents' private addresses, notes and tokens: none of them gets in.
"""

from __future__ import annotations

from datetime import datetime

from ticketd.decide import clean, tokens
from ticketd.decide.effects import MailKind, Outgoing
from ticketd.decide.model import Address, Attachment, Entry, Purpose, Ticket
from ticketd.decide.policy import Agent, Mailbox, Policy
from ticketd.decide.writing import leak, letter, mime


def relay(
    policy: Policy,
    ticket: Ticket,
    entry: Entry,
    agent: Agent | None,
    answering: Entry | None,
    cause: str,
    now: datetime,
    not_before: datetime | None = None,
) -> tuple[Outgoing, str]:
    """The reply ``entry`` as a mail to all participants, in their own thread; and its Message-ID.

    ``answering`` is their last mail; without one the subject is that of ``entry``. Without ``agent``
    it comes from the mailbox itself. Raises ValueError where there is nobody to send it to.
    """
    mailbox = letter.desk_of(policy, ticket.mailbox)
    to, cc = _recipients(policy, ticket)
    values = _values(mailbox, entry)
    mail = letter.seal(
        policy,
        letter.Draft(
            kind=MailKind.REPLY,
            mailbox=mailbox,
            token=tokens.mint(policy, Purpose.CUSTOMER, ticket.id, f"ticket:{ticket.id}", cause),
            cause=cause,
            now=now,
            sender=f"{agent.shown} at {mailbox.shown}" if agent else mailbox.shown,
            to=to,
            cc=cc,
            subject=_subject(ticket, mailbox, entry, answering),
            text=letter.texts_of(policy).render("reply.txt", **values),
            html=letter.texts_of(policy).render("reply.html", **values),
            files=_files(entry),
            author=agent.address if agent else None,
            not_before=not_before,
            in_reply_to=_answered(answering),
            references=_references(policy, ticket, mailbox, answering),
        ),
    )
    return mail, mail.message_id


def _recipients(policy: Policy, ticket: Ticket) -> tuple[tuple[Address, ...], tuple[Address, ...]]:
    """To and Cc: the requester, then who else takes part; no agent and no address of ours."""
    requester = (ticket.requester,) if ticket.requester else ()
    people = [
        person for person in letter.unique((*requester, *ticket.participants)) if _can_get(policy, person)
    ]
    if ticket.requester and ticket.requester.address and not policy.is_ours(ticket.requester.key):
        others = tuple(one for one in people if one.key != ticket.requester.key)
        return requester, others
    if not people:
        raise ValueError(f"ticket {ticket.id} has nobody to send a reply to")
    return tuple(people[:1]), tuple(people[1:])


def _can_get(policy: Policy, person: Address) -> bool:
    try:
        mime.wire_address(person.address)
    except ValueError:
        return False
    return not policy.is_ours(person.key) and policy.agent_by_key(person.key) is None


def _subject(ticket: Ticket, mailbox: Mailbox, entry: Entry, answering: Entry | None) -> str:
    """The subject of their thread. What agents call the ticket meanwhile is for agents alone."""
    if answering:
        theirs = answering.subject.replace(f"[#{ticket.id}]", "")
        words = f"Re: {letter.base_subject(theirs) or letter.NO_SUBJECT}"
    else:  # an agent's subject: a tag in it is ours, whichever ticket it names
        words = letter.title(entry.subject or ticket.subject) or mailbox.shown
    return _tagged(words, ticket, mailbox)


def _tagged(subject: str, ticket: Ticket, mailbox: Mailbox) -> str:
    return f"{subject} [#{ticket.id}]" if mailbox.subject_tag else subject


def _answered(answering: Entry | None) -> str | None:
    """The id of their mail; never one that only an agent may have."""
    return answering.message_id if answering and _may_show(answering.message_id) else None


def _references(policy: Policy, ticket: Ticket, mailbox: Mailbox, answering: Entry | None) -> tuple[str, ...]:
    root = tokens.root_id(policy, ticket.id, mailbox.domain)
    if answering is None:
        return (root,)
    own = (answering.message_id,) if answering.message_id else ()
    return (root, *(one for one in (*answering.references, *own) if _may_show(one)))


def _may_show(message_id: str | None) -> bool:
    """Whether an id may stand in a customer's mail: not ours, or made for customers."""
    if message_id is None or not tokens.holds_token(message_id):
        return True
    signed = tokens.read_message_id(message_id)
    return signed is not None and signed.purpose == Purpose.CUSTOMER


def _values(mailbox: Mailbox, entry: Entry) -> dict[str, object]:
    text = clean.body(leak.scrub(entry.new_text))
    signature = clean.body(mailbox.signature)
    return {
        "text": text,
        "signature": signature,
        "text_html": letter.paragraphs(text),
        "signature_html": letter.paragraphs(signature),
    }


def _files(entry: Entry) -> tuple[Attachment, ...]:
    return tuple(file for file in entry.attachments if not file.inline)


def acknowledgement(policy: Policy, ticket: Ticket, answering: Entry, cause: str, now: datetime) -> Outgoing:
    """The word that their mail has arrived. Nothing that they wrote stands in it, not even the subject."""
    mailbox = letter.desk_of(policy, ticket.mailbox)
    subject, text = acknowledgement_text(policy, mailbox)
    return letter.seal(
        policy,
        letter.Draft(
            kind=MailKind.ACKNOWLEDGEMENT,
            mailbox=mailbox,
            token=tokens.mint(
                policy, Purpose.CUSTOMER, ticket.id, f"ticket:{ticket.id}", f"{cause}/acknowledged"
            ),
            cause=cause,
            now=now,
            sender=mailbox.shown,
            to=(Address(answering.author.address),),
            subject=_tagged(subject, ticket, mailbox),
            text=text,
            in_reply_to=_answered(answering),
            references=_references(policy, ticket, mailbox, answering),
            fields=letter.REPLIED,
        ),
    )


def acknowledgement_text(policy: Policy, mailbox: Mailbox) -> tuple[str, str]:
    """Subject and text of an acknowledgement: its template's first line is ``Subject: …``."""
    own = mailbox.acknowledge if isinstance(mailbox.acknowledge, str) else ""
    texts = letter.texts_of(policy)
    name = f"{own}.txt" if f"{own}.txt" in texts.names else "acknowledgement.txt"
    text = clean.body(texts.render(name, mailbox=mailbox.shown, signature=mailbox.signature))
    first, _, rest = text.partition("\n")
    if not first.lower().startswith("subject:"):
        return f"We have your message – {mailbox.shown}", text
    return first[len("subject:") :].strip(), clean.body(rest)
