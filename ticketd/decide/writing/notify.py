"""Mails that tell an agent something: what a customer or colleague wrote, what failed; and alerts.

To exactly one agent, from the desk, answered to the desk: nothing in their headers
leads around it. Knows nothing of who must be told of what.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from ticketd.decide import clean, tokens
from ticketd.decide.context import History
from ticketd.decide.effects import MailKind, Outgoing, Token
from ticketd.decide.model import Address, Attachment, Entry, Kind, Purpose, Ticket
from ticketd.decide.policy import Agent, Policy
from ticketd.decide.writing import card, letter

ATTACHED = 10_000_000  # bytes of files that one notification carries; the ticket keeps all


def notification(
    policy: Policy,
    ticket: Ticket,
    history: History | None,
    entry: Entry | None,
    agent: Agent,
    reason: str,
    cause: str,
    now: datetime,
    conversation: Sequence[Entry] = (),
    perhaps: int | None = None,
) -> Outgoing:
    """Tell one agent of ``entry`` (or, without one, of ``reason`` alone), with the ticket's card.

    ``conversation`` are earlier entries, oldest first, for one who is new to the ticket; ``perhaps``
    is a ticket that the mail seems to be about, and which its author may not join.
    """
    agents = (agent,)
    (mail,) = notifications(policy, ticket, history, entry, agents, reason, cause, now, conversation, perhaps)
    return mail


def notifications(
    policy: Policy,
    ticket: Ticket,
    history: History | None,
    entry: Entry | None,
    agents: Sequence[Agent],
    reason: str,
    cause: str,
    now: datetime,
    conversation: Sequence[Entry] = (),
    perhaps: int | None = None,
) -> list[Outgoing]:
    """``notification`` for each of these agents: what is the same in all is made once."""
    purpose = answer_to((*conversation, *((entry,) if entry else ())))
    files, left_out = _files(entry)
    shared = _values(policy, ticket, entry, now, is_first(history, entry), perhaps) | {
        "reason": _sentence(reason),
        "note": purpose is Purpose.NOTE,
        "files": card.file_names(files),
        "left_out": card.file_names(left_out),
        "earlier": [told(policy, one) for one in conversation],
    }
    return [
        _for_agent(policy, ticket, entry, agent, shared, files, cause, now, purpose, perhaps)
        for agent in agents
    ]


def _for_agent(
    policy: Policy,
    ticket: Ticket,
    entry: Entry | None,
    agent: Agent,
    shared: Mapping[str, object],
    files: tuple[Attachment, ...],
    cause: str,
    now: datetime,
    purpose: Purpose,
    perhaps: int | None,
) -> Outgoing:
    mailbox = letter.desk_of(policy, ticket.mailbox)
    token = tokens.mint(policy, purpose, ticket.id, agent.key, f"{cause}/told")
    values = {
        **shared,
        "links": [
            *_joining(policy, ticket, token, perhaps),
            *card.links(policy, ticket, mailbox, token, agent),
        ],
        "suggested": card.suggestions(policy, ticket, mailbox, token),
    }
    texts = letter.texts_of(policy)
    return letter.seal(
        policy,
        ticket_draft(
            policy,
            ticket,
            agent,
            token,
            cause=cause,
            now=now,
            sender=f"{_speaker(entry)} via {mailbox.shown}" if entry else mailbox.shown,
            text=texts.render("notification.txt", **values),
            html=texts.render("notification.html", **values),
            files=files,
        ),
    )


def answer_to(shown: Sequence[Entry]) -> Purpose:
    """What answering a mail means that shows these, oldest first.

    Where a note is newer than all that the customer wrote, a note: in doubt private.
    """
    newest = next((one.kind for one in reversed(shown) if one.kind in (Kind.NOTE, Kind.CUSTOMER)), None)
    return Purpose.NOTE if newest is Kind.NOTE else Purpose.REPLY


def ticket_draft(
    policy: Policy,
    ticket: Ticket,
    agent: Agent,
    token: Token,
    *,
    cause: str,
    now: datetime,
    sender: str,
    text: str,
    html: str,
    kind: MailKind = MailKind.NOTIFICATION,
    files: tuple[Attachment, ...] = (),
) -> letter.Draft:
    """A mail to an agent in the ticket's own conversation: one subject, one root."""
    mailbox = letter.desk_of(policy, ticket.mailbox)
    root = tokens.root_id(policy, ticket.id, mailbox.domain)
    return letter.Draft(
        kind=kind,
        mailbox=mailbox,
        token=token,
        cause=cause,
        now=now,
        sender=sender,
        to=(letter.agent_address(agent),),
        subject=f"[#{ticket.id}] {letter.title(ticket.subject)}".strip(),
        text=text,
        html=html,
        files=files,
        in_reply_to=root,
        # its own id too: a relay that rewrites Message-ID leaves References alone
        references=(tokens.message_id(policy, token, mailbox.domain), root),
        fields=letter.agent_fields(policy, mailbox, token, ticket.id),
        ticket=ticket.id,
    )


def is_first(history: History | None, entry: Entry | None) -> bool:
    """Whether this entry opened the ticket: then all of it is shown, forwarded mail too."""
    earlier = history.entries if history else ()
    return (
        not any(one.fingerprint != entry.fingerprint or one.id != entry.id for one in earlier)
        if entry
        else False
    )


def _values(
    policy: Policy, ticket: Ticket, entry: Entry | None, now: datetime, whole: bool, perhaps: int | None
) -> dict[str, object]:
    return {
        "marker": card.MARKER,
        "number": ticket.id,
        "customer": card.short_name(ticket.requester) if ticket.requester else "the customer",
        "entry": told(policy, entry, whole) if entry else None,
        "warnings": [*_perhaps(perhaps), *(warnings(policy, entry) if entry else [])],
        "card": card.rows(policy, ticket, now),
    }


def _perhaps(perhaps: int | None) -> list[str]:
    """What is said of another ticket that a stranger's mail points at."""
    if perhaps is None:
        return []
    return [
        f"It seems to be about #{perhaps}, in which the sender takes no part: #merge {perhaps} admits them."
    ]


def _joining(policy: Policy, ticket: Ticket, token: Token, perhaps: int | None) -> list[card.Link]:
    """The ready mail that joins the two tickets."""
    if perhaps is None:
        return []
    return [card.merge_link(policy, ticket, letter.desk_of(policy, ticket.mailbox), token, perhaps)]


def told(policy: Policy, entry: Entry, whole: bool = False) -> dict[str, object]:
    """One entry as the templates show it; ``whole`` shows what it quotes, too."""
    text = card.said(entry, whole)
    return {
        "headline": card.headline(entry),
        "at": letter.moment(policy, entry.at),
        "note": entry.kind is Kind.NOTE,
        "text": card.quoted(text),
        "html": card.rich_html(entry.html or "") if card.is_rich(entry, whole) else card.quoted_html(text),
        "files": card.file_names(entry.attachments),
    }


def warnings(policy: Policy, entry: Entry) -> list[str]:
    """What an agent should know before believing this mail."""
    if entry.kind is not Kind.CUSTOMER:
        return []
    found = []
    shown, address = clean.name(entry.author.name), card.address_text(entry.author)
    if not address:
        found.append("The sender could not be made out" + (f": From said {shown}." if shown else "."))
    elif "@" in shown and address.lower() not in shown.lower():
        found.append(f"The sender calls themselves {shown}, but the address is {address}.")
    if entry.reply_to and entry.reply_to.key != entry.author.key:
        found.append(
            f"They ask for answers at {card.person_text(entry.reply_to)}; yours will go to the requester."
        )
    return [*found, *(clean.line(defect) for defect in entry.defects)]


def _sentence(reason: str) -> str:
    """A reason as a sentence: ``Assigned to you.``."""
    plain = clean.line(reason)
    end = "" if plain.endswith((".", "!", "?", "…")) else "."
    return f"{plain[:1].upper()}{plain[1:]}{end}" if plain else ""


def _speaker(entry: Entry) -> str:
    name = card.short_name(entry.author)
    return f"{name} (note)" if entry.kind is Kind.NOTE else name


def _files(entry: Entry | None) -> tuple[tuple[Attachment, ...], tuple[Attachment, ...]]:
    """The files that go along, and those that do not: too big, or not at hand."""
    taken: list[Attachment] = []
    left: list[Attachment] = []
    room = ATTACHED
    for file in entry.attachments if entry else ():
        fits = 0 < file.size <= room
        (taken if fits else left).append(file)
        room -= file.size if fits else 0
    return tuple(taken), tuple(left)


def failure(
    policy: Policy,
    agent: Agent,
    ticket: Ticket,
    recipient: str,
    error: str,
    their_text: str,
    permanent: bool,
    cause: str,
    now: datetime,
) -> Outgoing:
    """Tell an agent that somebody did not get their mail (or not yet), with the text of it."""
    mailbox = letter.desk_of(policy, ticket.mailbox)
    token = tokens.mint(policy, Purpose.REPLY, ticket.id, agent.key, f"{cause}/failed")
    text = card.cut(their_text)
    values = {
        "marker": card.MARKER,
        "number": ticket.id,
        "recipient": clean.name(recipient, 254),
        "error": clean.line(error),
        "permanent": permanent,
        "text": card.quoted(text),
        "html": card.quoted_html(text),
        "card": card.rows(policy, ticket, now),
        "links": card.links(policy, ticket, mailbox, token, agent),
    }
    texts = letter.texts_of(policy)
    return letter.seal(
        policy,
        ticket_draft(
            policy,
            ticket,
            agent,
            token,
            cause=cause,
            now=now,
            sender=f"Not delivered via {mailbox.shown}" if permanent else f"Delayed via {mailbox.shown}",
            text=texts.render("failure.txt", **values),
            html=texts.render("failure.html", **values),
        ),
    )


def alert(
    policy: Policy, address: str, mailbox: str, subject: str, text: str, cause: str, now: datetime
) -> Outgoing:
    """Tell an admin of trouble."""
    desk = letter.desk_of(policy, mailbox)
    token = tokens.mint(policy, Purpose.LIST, 0, address.lower(), f"{cause}/alert")
    root = tokens.root_id(policy, 0, desk.domain)
    return letter.seal(
        policy,
        letter.Draft(
            kind=MailKind.ALERT,
            mailbox=desk,
            token=token,
            cause=cause,
            now=now,
            sender=policy.name or desk.shown,
            to=(Address(address),),
            subject=f"[ticketd] {clean.line(subject)}",
            text=letter.texts_of(policy).render("alert.txt", text=clean.body(text), name=policy.name),
            references=(root,),
            fields=letter.GENERATED,
        ),
    )
