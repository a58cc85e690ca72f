"""Answers to ``#list``, ``#show`` and ``#help``: what an agent asked to see.

Knows nothing of how tickets were found; it shows those it is given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from ticketd.decide import clean, tokens
from ticketd.decide.context import History
from ticketd.decide.effects import MailKind, Outgoing, Token
from ticketd.decide.model import Purpose, Ticket
from ticketd.decide.policy import Agent, Mailbox, Policy
from ticketd.decide.writing import card, letter, notify

MOST = 100  # tickets that one list shows
FOLDERS = {
    "mine": "Your open tickets",
    "my-open": "Your open tickets",
    "unassigned": "Tickets that nobody has taken",
    "open": "Open tickets",
    "all-open": "Open tickets",
    "pending": "Tickets that await the customer",
    "solved": "Solved tickets",
    "spam": "Spam",
    "all": "All tickets",
}


def listing(
    policy: Policy,
    agent: Agent,
    folder: str,
    tickets: Sequence[Ticket],
    mailbox: str,
    cause: str,
    now: datetime,
) -> Outgoing:
    """A folder as a mail; each row opens its ticket (a ready mail with ``#show 42``)."""
    name = FOLDERS.get(folder, clean.name(folder))
    subject = f"{name}: {len(tickets)}"
    return _table(policy, agent, tickets, mailbox, name, subject, f"{cause}/list/{folder}", cause, now)


def digest(
    policy: Policy, agent: Agent, tickets: Sequence[Ticket], mailbox: str, cause: str, now: datetime
) -> Outgoing:
    """An agent's day: their open tickets as ``#list mine`` shows them, what is due in the subject."""
    zone = letter.zone(policy)
    today = now.astimezone(zone).date()
    dues = [one.due_at for one in tickets if one.due_at is not None]
    overdue = sum(due <= now for due in dues)
    later = sum(due > now and due.astimezone(zone).date() == today for due in dues)
    parts = [f"{len(tickets)} open"]
    parts += [f"{count} {word}" for count, word in ((overdue, "overdue"), (later, "due today")) if count]
    subject = f"Your tickets today: {', '.join(parts)}"
    return _table(policy, agent, tickets, mailbox, FOLDERS["mine"], subject, f"{cause}/digest", cause, now)


def _table(
    policy: Policy,
    agent: Agent,
    tickets: Sequence[Ticket],
    mailbox: str,
    name: str,
    subject: str,
    seed: str,
    cause: str,
    now: datetime,
) -> Outgoing:
    desk = letter.desk_of(policy, mailbox)
    token = tokens.mint(policy, Purpose.LIST, 0, agent.key, seed)
    ready = card.Desk.of(policy, desk, token, "Show")
    values = {
        "marker": card.MARKER,
        "name": name,
        "count": len(tickets),
        "rows": [_row(policy, ready, ticket, now) for ticket in tickets[:MOST]],
        "left_out": max(0, len(tickets) - MOST),
    }
    return _seal(policy, desk, agent, token, "list", values, subject, cause, now)


def _row(policy: Policy, ready: card.Desk, ticket: Ticket, now: datetime) -> dict[str, object]:
    assignee = policy.agent_by_key(ticket.assignee)
    subject = letter.title(ticket.subject) or "(no subject)"
    return {
        "number": ticket.id,
        "subject": subject,
        "status": str(ticket.status),
        "priority": str(ticket.priority),
        "requester": card.address_text(ticket.requester) if ticket.requester else "unknown",
        "assignee": clean.name(assignee.shown) if assignee else "nobody",
        "created": letter.moment(policy, ticket.created_at),
        "updated": letter.moment(policy, ticket.updated_at),
        "due": card.due(policy, ticket, now),
        "link": ready.link(subject, f"#show {ticket.id}"),
    }


def shown(
    policy: Policy, agent: Agent, history: History, mailbox: str, cause: str, now: datetime
) -> Outgoing:
    """One ticket whole, notes included; ``notify.answer_to`` says what answering it means."""
    ticket = history.ticket
    desk = letter.desk_of(policy, ticket.mailbox)
    purpose = notify.answer_to(history.entries)
    token = tokens.mint(policy, purpose, ticket.id, agent.key, f"{cause}/shown")
    values = {
        "marker": card.MARKER,
        "number": ticket.id,
        "note": purpose is Purpose.NOTE,
        "customer": card.short_name(ticket.requester) if ticket.requester else "the customer",
        "entries": [
            notify.told(policy, entry, whole=number == 0) for number, entry in enumerate(history.entries)
        ],
        "card": card.rows(policy, ticket, now),
        "links": card.links(policy, ticket, desk, token, agent),
        "suggested": card.suggestions(policy, ticket, desk, token),
    }
    texts = letter.texts_of(policy)
    draft = notify.ticket_draft(
        policy,
        ticket,
        agent,
        token,
        cause=cause,
        now=now,
        sender=desk.shown,
        text=texts.render("show.txt", **values),
        html=texts.render("show.html", **values),
        kind=MailKind.LIST,
    )
    return letter.seal(policy, draft)


def archive(policy: Policy, agent: Agent, count: int, mailbox: str, cause: str, now: datetime) -> Outgoing:
    """So many old mails were taken in: instead of a notification of each."""
    desk = letter.desk_of(policy, mailbox)
    token = tokens.mint(policy, Purpose.LIST, 0, agent.key, f"{cause}/archive")
    ready = card.Desk.of(policy, desk, token, "List")
    links = [ready.link(FOLDERS[name], f"#list {name}") for name in ("unassigned", "open")]
    values = {"marker": card.MARKER, "count": f"{count:,}", "desk": desk.shown, "links": links}
    subject = f"{count:,} old mails of {desk.shown} were taken in"
    return _seal(policy, desk, agent, token, "archive", values, subject, cause, now)


def help_text(policy: Policy, agent: Agent, mailbox: str, cause: str, now: datetime) -> Outgoing:
    """The commands, on one page."""
    desk = letter.desk_of(policy, mailbox)
    token = tokens.mint(policy, Purpose.LIST, 0, agent.key, f"{cause}/help")
    ready = card.Desk.of(policy, desk, token, "List")
    folders = ("mine", "unassigned", "open", "pending", "solved")
    values = {
        "marker": card.MARKER,
        "desk": desk.shown,
        "canned": sorted(policy.canned),
        "links": [ready.link(FOLDERS[name], f"#list {name}") for name in folders],
    }
    return _seal(
        policy, desk, agent, token, "help", values, f"How to work tickets at {desk.shown}", cause, now
    )


def _seal(
    policy: Policy,
    desk: Mailbox,
    agent: Agent,
    token: Token,
    template: str,
    values: Mapping[str, object],
    subject: str,
    cause: str,
    now: datetime,
) -> Outgoing:
    texts = letter.texts_of(policy)
    own, root = tokens.message_id(policy, token, desk.domain), tokens.root_id(policy, 0, desk.domain)
    return letter.seal(
        policy,
        letter.Draft(
            kind=MailKind.LIST,
            mailbox=desk,
            token=token,
            cause=cause,
            now=now,
            sender=desk.shown,
            to=(letter.agent_address(agent),),
            subject=subject,
            text=texts.render(f"{template}.txt", **values),
            html=texts.render(f"{template}.html", **values),
            references=(own, root),
            fields=letter.agent_fields(policy, desk, token, 0),
        ),
    )
