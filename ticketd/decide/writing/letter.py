"""Seal a mail of ours: the fields that every one carries, the bytes, and the last check.

RFC 5322 §3.6, RFC 3834 §5 (Auto-Submitted). Knows nothing of what a mail says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from ticketd.decide import clean, tokens
from ticketd.decide.effects import MailKind, Outgoing, Token
from ticketd.decide.model import Address, Attachment
from ticketd.decide.policy import Agent, Mailbox, Policy
from ticketd.decide.writing import hygiene, mime
from ticketd.decide.writing.texts import Texts
from ticketd.errors import TicketdError

Fields = tuple[tuple[str, str], ...]

GENERATED: Fields = (("Auto-Submitted", "auto-generated"), ("X-Auto-Response-Suppress", "All"))
REPLIED: Fields = (
    ("Auto-Submitted", "auto-replied"),
    ("X-Auto-Response-Suppress", "All"),
    ("Precedence", "bulk"),
)

NO_SUBJECT = "(no subject)"
_URL = re.compile(r"(https?://[^\s<>\"]{1,2000})")
_TAGS = re.compile(r"\[#\d{1,12}\]", re.ASCII)
_AGAIN = re.compile(
    r"(?:re|aw|antw|antwort|sv|vs|odp|rif|ris|ynt|回复|答复|回覆)(?:\[\d{1,3}\])?\s?[:：]\s*", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Draft:
    """A mail in words. ``subject`` is plain text; ``fields`` are further ones, already encoded.

    ``ticket`` is the ticket it belongs to where that is not the token's.
    """

    kind: MailKind
    mailbox: Mailbox
    token: Token
    cause: str
    now: datetime
    sender: str
    to: tuple[Address, ...]
    subject: str
    text: str
    html: str | None = None
    cc: tuple[Address, ...] = ()
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()
    fields: Fields = ()
    files: tuple[Attachment, ...] = ()
    author: str | None = None
    not_before: datetime | None = None
    items: tuple[int, ...] = ()
    ticket: int | None = None
    pictures: tuple[Attachment, ...] = ()


def seal(policy: Policy, draft: Draft) -> Outgoing:
    """The finished mail, checked. Raises ValueError if it is not exactly what was meant."""
    ticket = draft.token.ticket if draft.ticket is None else draft.ticket
    message_id = tokens.message_id(policy, draft.token, draft.mailbox.domain)
    fields = _fields(policy, draft, message_id, ticket)
    content = mime.to_bytes(
        mime.Letter(message_id, fields, draft.text, draft.html, draft.files, draft.pictures)
    )
    recipients = tuple(mime.wire_address(person.address) for person in (*draft.to, *draft.cc))
    author = mime.wire_address(draft.mailbox.address)
    hygiene.check(content, [name for name, _ in fields], author, recipients)
    return Outgoing(
        kind=draft.kind,
        mailbox=draft.mailbox.name,
        ticket=ticket,
        recipients=recipients,
        message_id=message_id,
        content=content,
        cause=draft.cause,
        token=draft.token,
        author=draft.author,
        not_before=draft.not_before,
        items=draft.items,
    )


def _fields(policy: Policy, draft: Draft, message_id: str, ticket: int) -> Fields:
    fields = [
        ("From", mime.mailbox_value(Address(draft.mailbox.address, draft.sender))),
        ("To", mime.address_value(draft.to)),
    ]
    if draft.cc:
        fields.append(("Cc", mime.address_value(draft.cc)))
    fields += [
        ("Subject", mime.unstructured(draft.subject)),
        ("Date", mime.date_value(draft.now)),
        ("Message-ID", message_id),
    ]
    if mime.is_id(draft.in_reply_to):
        fields.append(("In-Reply-To", str(draft.in_reply_to)))
    fields.append(("References", mime.references_value(draft.references)))
    return (*fields, *draft.fields, ("X-Ticketd-Loop", tokens.loop_mark(policy, ticket)))


def agent_fields(policy: Policy, mailbox: Mailbox, token: Token, ticket: int) -> Fields:
    """What every mail to an agent carries: where to answer, and that a machine made it."""
    answer = tokens.reply_address(policy, token, mailbox) if mailbox.plus_addressing else mailbox.address
    reply_to = ("Reply-To", mime.wire_address(answer))
    number = (("X-Ticketd-Ticket", str(ticket)),) if ticket else ()
    return (reply_to, *GENERATED, *number)


def agent_address(agent: Agent) -> Address:
    """Where an agent gets mail: the registered address and nothing else."""
    return Address(agent.address, agent.shown)


def desk_of(policy: Policy, name: str) -> Mailbox:
    """The mailbox of this name. Raises TicketdError when the config has it no longer."""
    try:
        return policy.mailboxes[name]
    except KeyError:
        raise TicketdError(f"the config has no mailbox {name!r}, so it can send nothing from it") from None


def texts_of(policy: Policy) -> Texts:
    """The loaded templates. Raises ValueError if the policy was made without them."""
    if not isinstance(policy.texts, Texts):
        raise ValueError("this policy was made without texts: load them with ticketd.texts_files.load()")
    return policy.texts


def title(subject: str) -> str:
    """A subject without reply prefixes and ticket codes: the part that stays the same."""
    return base_subject(_TAGS.sub("", subject))


def without_codes(subject: str) -> str:
    """A subject without signed ids of ours. Whole ones: they go before anything cuts the subject."""
    rest = tokens.scrub(subject)
    return subject.strip() if rest == subject else " ".join(rest.split())


def base_subject(subject: str) -> str:
    """A subject without reply prefixes and signed codes; tags of other systems stay."""
    rest = clean.line(without_codes(subject))
    while found := _AGAIN.match(rest):
        rest = rest[found.end() :]
    return rest


def zone(policy: Policy) -> tzinfo:
    """The zone of the times that the desk shows: that of its business hours, else UTC."""
    return ZoneInfo(policy.sla.timezone) if policy.sla.timezone else UTC


def moment(policy: Policy, at: datetime) -> str:
    """A time for people, in the desk's zone: ``2026-11-23 13:10 CET``."""
    local = at.astimezone(zone(policy))
    return f"{local:%Y-%m-%d %H:%M} {local.tzname()}"


def paragraphs(text: str) -> Markup:
    """Plain text as HTML: line breaks and indents kept, addresses of pages made links."""
    pieces = (_link(part) if number % 2 else escape(part) for number, part in enumerate(_URL.split(text)))
    return Markup("").join(pieces).replace("\n", Markup("<br>\n")).replace("  ", Markup("&nbsp; "))


def _link(url: str) -> Markup:
    plain = url.rstrip(".,;:!?)]}'")
    return Markup('<a href="{}">{}</a>{}').format(plain, plain, url[len(plain) :])


def unique(people: Iterable[Address]) -> list[Address]:
    """People by address, each once, in order."""
    return list({person.key: person for person in reversed(list(people))}.values())[::-1]
