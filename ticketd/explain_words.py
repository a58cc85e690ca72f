"""A mail and what was decided about it, as JSON and in words: what ``explain`` shows.

Pure: values of ``decide`` in, dicts and sentences out. Shapes are the contract's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email import policy as rules
from email.parser import BytesHeaderParser
from typing import Any

from ticketd.decide import effects as e
from ticketd.decide.excerpts.excerpt import excerpt
from ticketd.decide.judging.identify import Who
from ticketd.decide.model import Address, Attachment, Entry, Kind, Message, Ticket, Verdict
from ticketd.decide.rules import Decision

Json = dict[str, Any]

_KINDS = {Verdict.VACATION: Kind.AUTOMATIC, Verdict.BOUNCE: Kind.BOUNCE, Verdict.OWN: Kind.AUTOMATIC}


def moment(at: datetime | None) -> str | None:
    """ISO 8601 in UTC with Z; years that UTC cannot hold are left out."""
    if at is None:
        return None
    try:
        return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    except (OverflowError, ValueError):
        return None


def person(who: Address | None) -> Json:
    """A person; whoever is unknown has neither address nor name."""
    return {"address": who.address, "name": who.name} if who and who.address else _NOBODY.copy()


_NOBODY: Json = {"address": None, "name": None}


def people(many: Sequence[Address]) -> list[Json]:
    """People, in order."""
    return [person(one) for one in many]


def file_json(one: Attachment) -> Json:
    """A file without its content."""
    shown = {"filename": one.filename, "content_type": one.content_type, "size": one.size}
    return shown | {"sha256": one.sha256, "inline": one.inline, "content_id": one.content_id}


def message_json(message: Message, decision: Decision, received_at: datetime) -> Json:
    """The mail as the contract's Message, and beside it what only the mail itself says."""
    entry = _entry_of(message, decision)
    bounce = decision.classification.bounce
    return {
        "id": None,
        "kind": str(entry.kind if entry else _kind(decision)),
        "author": person(message.author),
        "from": message.from_text,
        "sender": person(message.sender),
        "message_id": message.message_id,
        "in_reply_to": message.in_reply_to[0] if message.in_reply_to else None,
        "references": list(message.references),
        "to": people(message.to),
        "cc": people(message.cc),
        "reply_to": person(message.reply_to[0]) if message.reply_to else None,
        "delivered_to": people(message.delivered_to),
        "subject": message.subject,
        "date": moment(message.date),
        "received_at": moment(received_at),
        "text": message.text,
        "new_text": entry.new_text if entry else _new_text(message, decision),
        "html": message.html,
        "verdict": str(decision.classification.verdict),
        "signs": list(decision.classification.signs),
        "bounce": {"permanent": bounce.permanent, "recipient": bounce.recipient, "status": bounce.status}
        if bounce
        else None,
        "attachments": [file_json(one) for one in message.attachments],
        "defects": list(message.defects),
        "fingerprint": message.fingerprint,
        "size": message.size,
    }


def _kind(decision: Decision) -> Kind:
    """What a mail that becomes no message would be one as."""
    usual = Kind.REPLY if decision.identity.who is Who.AGENT else Kind.CUSTOMER
    return _KINDS.get(decision.classification.verdict, usual)


def _entry_of(message: Message, decision: Decision) -> Entry | None:
    """The message that this mail becomes on a ticket; None where it becomes none."""
    appended = (one.entry for one in decision.effects if isinstance(one, e.Append))
    return next((one for one in appended if one.fingerprint == message.fingerprint), None)


def _new_text(message: Message, decision: Decision) -> str:
    agent = decision.identity.who is Who.AGENT
    return excerpt(message.text, message.html, agent=agent).new_text


def ticket_words(ticket: Ticket) -> str:
    """A ticket as it stands, in a few words."""
    who = ticket.requester.address if ticket.requester else "somebody unknown"
    assigned = f"assigned to {ticket.assignee}" if ticket.assignee else "unassigned"
    spam = ", spam" if ticket.spam else ""
    return f"#{ticket.id} of {who} is {ticket.status}, {ticket.priority}, {assigned}{spam}"


def _subject(content: bytes) -> str:
    """The subject of a mail of ours, decoded."""
    head = BytesHeaderParser(policy=rules.SMTP).parsebytes(content.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
    return str(head["Subject"] or "")


def _send(one: e.Send) -> tuple[Json, str]:
    mail = one.mail
    subject = _subject(mail.content)
    shown: Json = {"mailbox": mail.mailbox, "ticket": mail.ticket or None, "mail": str(mail.kind)}
    shown |= {"to": list(mail.recipients), "message_id": mail.message_id, "subject": subject}
    return shown, f"send the {mail.kind} {subject!r} to {', '.join(mail.recipients)}"


def _append(one: e.Append) -> tuple[Json, str]:
    entry = one.entry
    author = entry.author.address or entry.author.name
    shown = {"ticket": one.ticket, "kind": str(entry.kind), "author": person(entry.author)}
    shown |= {"message_id": entry.message_id, "new_text": entry.new_text, "files": len(entry.attachments)}
    return shown, f"add the {entry.kind} message of {author} to #{one.ticket}"


def _save(one: e.Save) -> tuple[Json, str]:
    ticket = one.ticket
    shown: Json = {"ticket": ticket.id, "subject": ticket.subject, "status": str(ticket.status)}
    shown |= {"priority": str(ticket.priority), "assignee": ticket.assignee, "spam": ticket.spam}
    shown |= {"requester": person(ticket.requester), "participants": people(ticket.participants)}
    return shown | {"tags": list(ticket.tags), "due_at": moment(ticket.due_at)}, ticket_words(ticket)


def _record(one: e.Record) -> tuple[Json, str]:
    shown: Json = {"ticket": one.ticket, "kind": one.kind, "actor": one.actor}
    shown |= {"from": one.before, "to": one.after, "detail": one.detail}
    change = " to ".join(side for side in (one.before, one.after) if side)
    return shown, " ".join(filter(None, (f"note on #{one.ticket}: {one.kind}", change, one.detail)))


def _conclude(one: e.Conclude) -> tuple[Json, str]:
    shown: Json = {"outcome": str(one.outcome), "ticket": one.ticket, "reason": one.reason}
    where = f", #{one.ticket}" if one.ticket else ""
    why = f": {one.reason}" if one.reason else ""
    return shown | {"agent": one.agent}, f"the ledger says {one.outcome}{where}{why}"


_SHOWN: dict[type[Any], tuple[str, Callable[[Any], tuple[Json, str]]]] = {
    e.Save: ("save", _save),
    e.Append: ("append", _append),
    e.Record: ("record", _record),
    e.Send: ("send", _send),
    e.Conclude: ("conclude", _conclude),
    e.Expect: (
        "expect",
        lambda one: (
            {"ticket": one.ticket, "message_ids": list(one.message_ids), "requester": one.requester},
            f"await {len(one.message_ids)} mails that #{one.ticket} refers to",
        ),
    ),
    e.Revoke: (
        "revoke",
        lambda one: (
            {"ticket": one.token.ticket, "recipient": one.token.recipient},
            f"revoke the token of {one.token.recipient} on #{one.token.ticket}: somebody else used it",
        ),
    ),
    e.Block: (
        "block",
        lambda one: (
            {"address": one.address, "blocked": one.blocked},
            f"{'block' if one.blocked else 'no longer block'} {one.address}",
        ),
    ),
    e.MoveMessages: (
        "move",
        lambda one: (
            {"from": one.source, "ticket": one.target, "message": one.message},
            f"move {'a message' if one.message else 'all messages'} of #{one.source} to #{one.target}",
        ),
    ),
    e.CancelQueued: (
        "cancel",
        lambda one: (
            {"ticket": one.ticket, "author": one.author},
            f"cancel what {one.author} has waiting on #{one.ticket}",
        ),
    ),
    e.Release: (
        "release",
        lambda one: ({"item": one.item, "how": one.how}, f"take in the waiting mail {one.item} ({one.how})"),
    ),
    e.Drop: ("drop", lambda one: ({"item": one.item}, f"drop the waiting mail {one.item}")),
    e.Alert: (
        "alert",
        lambda one: ({"kind": one.kind, "text": one.text}, f"tell the admins: {one.kind}: {one.text}"),
    ),
}


def effect_json(effect: e.Effect) -> Json:
    """An effect: which one, its values, and ``words``."""
    name, show = _SHOWN[type(effect)]
    values, words = show(effect)
    return {"effect": name, **values, "words": words}
