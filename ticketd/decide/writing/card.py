"""What stands around a customer's words in a mail to an agent: the marker, the card, the links.

``mailto:`` links as RFC 6068 has them. Every line that a customer wrote is marked, so
that nothing in it can ever be taken for a command. Knows nothing of headers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from urllib.parse import quote

from markupsafe import Markup, escape

from ticketd.decide import clean, tokens
from ticketd.decide.deadlines import words
from ticketd.decide.effects import Token
from ticketd.decide.excerpts.squeeze import squeeze
from ticketd.decide.model import Address, Attachment, Entry, Kind, Priority, Purpose, Status, Ticket
from ticketd.decide.policy import Agent, Mailbox, Policy
from ticketd.decide.reading.markup import sanitise_to_quote
from ticketd.decide.writing import letter

# The first line of every mail to an agent: whatever a client puts around what it quotes, ours lies below it.
MARKER = "--- Write your answer above this line ---"
BAR = "| "
_FIRST_LINE, _LAST_LINE = Markup('<div class="l"><i class="q">|</i>&nbsp;'), Markup("</div>")
_NEXT_LINE = _LAST_LINE + Markup("\n") + _FIRST_LINE
_QUOTE = Markup(
    '<blockquote type="cite" class="said quote"'
    ' style="margin:0;padding:0 0 0 10px;border-left:3px solid #b4bfcc">'
)
_PAGE = 60_000  # characters of a page that is shown as one; of a larger one the text is
_SHOWN = 100_000  # characters of one text that a mail shows; the ticket keeps it whole
_COLLEAGUES = 8
_VERBS = {
    Kind.CUSTOMER: "wrote",
    Kind.REPLY: "replied",
    Kind.NOTE: "noted",
    Kind.AUTOMATIC: "answered automatically",
    Kind.BOUNCE: "reported a failure",
}


@dataclass(frozen=True, slots=True)
class Link:
    """A ready mail: what it does in words, the command in it, the ``mailto:``.

    ``bare`` is the ``mailto:`` without words in its subject, for plain text.
    """

    label: str
    command: str
    href: str
    bare: str


@dataclass(frozen=True, slots=True)
class Desk:
    """Where an agent's ready mails go, and what in them proves for whom they were made."""

    plain: str
    worded: str

    @staticmethod
    def of(policy: Policy, mailbox: Mailbox, token: Token, subject: str) -> Desk:
        """The signed address, else the desk's with a signed code in the subject (RFC 6068)."""
        if mailbox.plus_addressing:
            address = tokens.reply_address(policy, token, mailbox)
            code = f"[#{token.ticket}]" if token.ticket else ""
        else:
            address, code = mailbox.address, tokens.subject_code(policy, token)
        plain = f"mailto:{quote(address, safe='@')}?subject={_escaped(code)}"
        return Desk(plain, f"{plain}{_escaped(f' {clean.line(subject, 60)}'.rstrip())}")

    def link(self, label: str, command: str) -> Link:
        """A ready mail with one command."""
        body = f"&body={_escaped(command)}%0D%0A"
        return Link(label, command, self.worded + body, self.plain + body)


@lru_cache(maxsize=256)  # the same commands stand in every mail
def _escaped(text: str) -> str:
    """Text as it stands in a ``mailto:`` (RFC 6068 §2)."""
    return quote(text, safe="")


def links(policy: Policy, ticket: Ticket, mailbox: Mailbox, token: Token, agent: Agent) -> list[Link]:
    """The usual actions on a ticket as it stands, for this agent."""
    desk = Desk.of(policy, mailbox, token, letter.title(ticket.subject))
    actions = _actions(policy, ticket, agent, answer_is_note=token.purpose is Purpose.NOTE)
    return [desk.link(label, command) for label, command in actions]


def _actions(policy: Policy, ticket: Ticket, agent: Agent, *, answer_is_note: bool) -> list[tuple[str, str]]:
    assignee = policy.agent_by_key(ticket.assignee)
    mine = assignee is not None and assignee.name == agent.name
    actions = [("Give back", "#unassign")] if mine else [("Take", "#take")]
    if ticket.requester is None:
        actions.append(("Name the requester", "#requester "))
    wanted = {Status.OPEN: "Open", Status.PENDING: "Pending", Status.SOLVED: "Solved"}
    actions += [(word, f"#{status}") for status, word in wanted.items() if status is not ticket.status]
    urgent = ticket.priority is Priority.URGENT
    actions += [("Not urgent", "#normal")] if urgent else [("Urgent", "#urgent")]
    others = [one for one in policy.agents_of(ticket.mailbox) if one not in (agent, assignee)]
    if len(others) <= _COLLEAGUES:
        actions += [(f"Give to {clean.name(one.shown)}", f"#assign {one.name}") for one in others]
    write = ("Reply to the customer", "#reply") if answer_is_note else ("Note", "#note")
    return [*actions, write, ("Spam", "#spam"), ("Show all", "#show")]


def merge_link(policy: Policy, ticket: Ticket, mailbox: Mailbox, token: Token, into: int) -> Link:
    """The ready mail that merges a ticket into another, which it seems to be about."""
    desk = Desk.of(policy, mailbox, token, letter.title(ticket.subject))
    return desk.link(f"Merge into {into}", f"#merge {into}")


def suggestions(policy: Policy, ticket: Ticket, mailbox: Mailbox, token: Token) -> list[Link]:
    """People who were in Cc later and do not take part yet, each with the mail that admits them."""
    if not ticket.suggested:
        return []
    desk = Desk.of(policy, mailbox, token, letter.title(ticket.subject))
    return [
        desk.link(person_text(person), f"#cc {clean.name(person.address, 254)}")
        for person in ticket.suggested
    ]


def rows(policy: Policy, ticket: Ticket, now: datetime) -> list[tuple[str, str]]:
    """The card: what a ticket is, as label and value."""
    assignee = policy.agent_by_key(ticket.assignee)
    requester = person_text(ticket.requester) if ticket.requester else "unknown"
    found = [
        ("Subject", letter.title(ticket.subject) or "(none)"),
        ("Status", _status(policy, ticket)),
        ("Priority", str(ticket.priority)),
        ("Assignee", clean.name(assignee.shown) if assignee else "nobody"),
        ("Due", due(policy, ticket, now)),
        ("Requester", requester),
        ("With", ", ".join(person_text(person) for person in others_than_requester(ticket))),
        ("Tags", ", ".join(clean.name(tag) for tag in ticket.tags)),
    ]
    return [(label, value) for label, value in found if value]


def _status(policy: Policy, ticket: Ticket) -> str:
    if ticket.merged_into:
        return f"merged into {ticket.merged_into}"
    if ticket.snoozed_until:
        return f"{ticket.status}, until {letter.moment(policy, ticket.snoozed_until)}"
    return f"{ticket.status}, spam" if ticket.spam else str(ticket.status)


def due(policy: Policy, ticket: Ticket, now: datetime) -> str:
    """What is due next, in words; empty where nothing is."""
    if ticket.status is not Status.OPEN or ticket.due_at is None:
        return ""
    text = words.due_in_words(ticket, now, letter.zone(policy))
    return text if ticket.due_at <= now else f"{text} ({letter.moment(policy, ticket.due_at)})"


def others_than_requester(ticket: Ticket) -> tuple[Address, ...]:
    """The participants but the requester."""
    requester = ticket.requester.key if ticket.requester else None
    return tuple(person for person in ticket.participants if person.key != requester)


def address_text(person: Address) -> str:
    """An address as it was received; in a script that can look like another, as A-labels (RFC 5890)."""
    return clean.name(person.address.strip() if person.address.isascii() else person.key, 254)


def person_text(person: Address) -> str:
    """The bare address first, then the name, nothing invisible in either."""
    address, name = address_text(person), clean.name(person.name)
    if not address:
        return f"unknown ({name})" if name else "unknown"
    return f"{address} ({name})" if name and name != address else address


def short_name(person: Address) -> str:
    """A name to call somebody by; never an address."""
    name = clean.name(person.name)
    if name and "@" not in name:
        return name
    return clean.name(person.address.partition("@")[0]) or "Somebody unknown"


def headline(entry: Entry) -> str:
    """``Jane Doe wrote``."""
    return f"{short_name(entry.author)} {_VERBS[entry.kind]}"


def said(entry: Entry, whole: bool = False) -> str:
    """What an entry says: its new text, or the whole of it where asked or where nothing is new."""
    return cut(entry.text if whole or not entry.new_text.strip() else entry.new_text)


@lru_cache(maxsize=16)  # one mail is told to several agents
def cut(text: str) -> str:
    """A text cleaned, and cut where it is too long for a mail."""
    cleaned = clean.body(text)
    if len(cleaned) <= _SHOWN:
        return cleaned
    return f"{cleaned[:_SHOWN]}\n… (cut here: the ticket keeps it whole)"


@lru_cache(maxsize=16)
def quoted(text: str) -> str:
    """Every line marked with a bar."""
    return (BAR + text.replace("\n", f"\n{BAR}")).replace(f"{BAR}\n", "|\n")


@lru_cache(maxsize=16)
def quoted_html(text: str) -> Markup:
    """Every line marked with a bar, as HTML, nothing in it markup, indents kept."""
    lines = escape(text).replace("  ", Markup("&nbsp; ")).replace("\n", _NEXT_LINE)
    return _FIRST_LINE + lines + _LAST_LINE


def is_rich(entry: Entry, whole: bool = False) -> bool:
    """Whether a customer's mail is shown as the page it is: nothing of it is cut, and it is no large one."""
    if entry.kind is not Kind.CUSTOMER or not entry.html or len(entry.html) > _PAGE:
        return False
    return bool(entry.text.strip()) and (whole or squeeze(entry.new_text) == squeeze(entry.text))


@lru_cache(maxsize=16)
def rich_html(html: str) -> Markup:
    """The customer's page, sanitised, as a quote: mail programs mark it, we take no command from it."""
    return _QUOTE + Markup(sanitise_to_quote(html)) + Markup("</blockquote>")  # noqa: S704 - sanitised


def file_names(files: Sequence[Attachment]) -> list[str]:
    """Each file's name with its size where that is known."""
    return [_file_name(file) for file in files]


def _file_name(file: Attachment) -> str:
    name = clean.name(file.filename, 150)
    return f"{name} ({_size(file.size)})" if file.size else name


def _size(size: int) -> str:
    for unit, factor in (("MB", 1000**2), ("KB", 1000)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} bytes"
