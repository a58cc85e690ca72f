"""Questions to an agent: is this mail yours, and what shall become of a reply that was held.

A question tells no more of a mail than its owner needs to know it again. Its answer is
proven by the token that it carries (purpose ``q``, ticket 0).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from ticketd.decide import clean, tokens
from ticketd.decide.context import Waiting
from ticketd.decide.effects import MailKind, Outgoing, Token
from ticketd.decide.model import Purpose, Ticket
from ticketd.decide.policy import Agent, Mailbox, Policy
from ticketd.decide.writing import card, letter

_ONE = [("It is mine", "#yes"), ("It is not mine", "#no")]
_ALL = [("All are mine", "#yes"), ("None is mine", "#no")]
_CHOICES = {"yes": "Send it anyway", "note": "Make it a note", "no": "Drop it"}


def question(
    policy: Policy, agent: Agent, items: Sequence[Waiting], mailbox: str, cause: str, now: datetime
) -> Outgoing:
    """Ask an agent whether parked mails are theirs. The numbers are those of ``#yes 2``: from 1, in order."""
    desk = letter.desk_of(policy, mailbox)
    token = tokens.mint(policy, Purpose.QUESTION, 0, agent.key, f"{cause}/asked")
    values = {
        "marker": card.MARKER,
        "desk": desk.shown,
        "items": [
            {
                "number": number,
                "subject": clean.line(item.subject, 80) or "(no subject)",
                "at": letter.moment(policy, item.at),
                "reason": clean.line(item.reason),
                "links": _links(policy, desk, token, _numbered(number)),
            }
            for number, item in enumerate(items, start=1)
        ],
        "links": _links(policy, desk, token, _ALL if len(items) > 1 else _ONE),
    }
    many = f"Are these {len(items)} mails yours?" if len(items) > 1 else "Is this mail yours?"
    return _seal(
        policy, desk, agent, token, "question", values, many, cause, now, [item.item for item in items]
    )


def _numbered(number: int) -> list[tuple[str, str]]:
    return [("Mine", f"#yes {number}"), ("Not mine", f"#no {number}")]


def held(
    policy: Policy,
    agent: Agent,
    ticket: Ticket | None,
    subject: str,
    their_text: str,
    reason: str,
    suggestion: str | None,
    item: int,
    mailbox: str,
    cause: str,
    now: datetime,
    choices: Sequence[str] = ("yes", "note", "no"),
) -> Outgoing:
    """Give an agent's mail back: why it is held, what they wrote, and what they can do now.

    ``suggestion`` is the nearest command where one was not known; ``choices`` are the
    answers that make sense, of ``yes``, ``note`` and ``no``.
    """
    desk = letter.desk_of(policy, mailbox)
    token = tokens.mint(policy, Purpose.QUESTION, 0, agent.key, f"{cause}/held")
    text = card.cut(their_text)
    values = {
        "marker": card.MARKER,
        "number": ticket.id if ticket else None,
        "subject": letter.title(subject) or "(no subject)",
        "reason": clean.line(reason),
        "suggestion": clean.line(suggestion or ""),
        "choices": list(choices),
        "text": card.quoted(text),
        "html": card.quoted_html(text),
        "links": _links(policy, desk, token, [(_CHOICES[choice], f"#{choice}") for choice in choices]),
    }
    title = letter.title(ticket.subject if ticket else subject)
    line = f"[#{ticket.id}] {title}" if ticket else f"Not done: {title}"
    return _seal(policy, desk, agent, token, "held", values, line, cause, now, [item], ticket)


def _links(
    policy: Policy, desk: Mailbox, token: Token, answers: Sequence[tuple[str, str]]
) -> list[card.Link]:
    ready = card.Desk.of(policy, desk, token, "Answer")
    return [ready.link(label, command) for label, command in answers]


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
    items: Sequence[int],
    ticket: Ticket | None = None,
) -> Outgoing:
    number = ticket.id if ticket else 0
    texts = letter.texts_of(policy)
    root = tokens.root_id(policy, number, desk.domain)
    return letter.seal(
        policy,
        letter.Draft(
            kind=MailKind.QUESTION,
            mailbox=desk,
            token=token,
            cause=cause,
            now=now,
            sender=f"{'Not sent' if template == 'held' else 'A question'} via {desk.shown}",
            to=(letter.agent_address(agent),),
            subject=subject,
            text=texts.render(f"{template}.txt", **values),
            html=texts.render(f"{template}.html", **values),
            in_reply_to=root if ticket else None,
            references=(tokens.message_id(policy, token, desk.domain), root),
            fields=letter.agent_fields(policy, desk, token, number),
            items=tuple(items),
            ticket=number,
        ),
    )
