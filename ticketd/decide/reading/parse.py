"""Turn any bytes into a Message: total, linear, under limits (RFC 5322, 2045–2047, 2231).

``limits`` cuts the bytes, ``fields`` and ``addresses`` read header fields, ``parts`` takes the
structure apart, ``reader`` tells text from files and ``bodies`` puts them together. Knows nothing
of tickets, customers or what mails mean.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

from ticketd.decide.model import Message
from ticketd.decide.policy import Limits
from ticketd.decide.reading.addresses import bare_addresses, correspondents
from ticketd.decide.reading.bodies import Body
from ticketd.decide.reading.charsets import exact
from ticketd.decide.reading.fields import (
    message_id,
    message_ids,
    parametrised,
    references,
    text_of,
    unfold,
)
from ticketd.decide.reading.limits import Head, read_head
from ticketd.decide.reading.parts import EXTRA_PARTS, TOO_DEEP, Budget, read_parts
from ticketd.decide.reading.reader import read_body
from ticketd.decide.reading.reports import read_report

MAX_SUBJECT = 2000  # characters
_DEFAULT = Limits()

# Fields that machines read: their words are never decoded, so that nothing can be hidden in them.


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_FOR_MACHINES = _names(
    "authentication-results arc-authentication-results arc-message-signature arc-seal dkim-signature "
    "received return-path delivered-to x-original-to envelope-to message-id in-reply-to references "
    "content-type content-disposition content-transfer-encoding auto-submitted precedence "
    "x-ticketd-loop x-ticketd-ticket"
)


def parse(content: bytes, limits: Limits = _DEFAULT) -> Message:
    """Read a mail. Never raises; what was not read is said in ``defects``."""
    budget = Budget(
        parts=limits.attachments + EXTRA_PARTS,
        attachments=limits.attachments,
        depth=limits.mime_depth,
        content=2 * min(len(content), limits.message_size) + 1_000_000,
    )
    if len(content) > limits.message_size:
        budget.note(f"mail of {len(content)} bytes: read the first {limits.message_size}")
    return _parse(content, min(len(content), limits.message_size), budget, 0)


def peek(head: bytes) -> Message:
    """Read only the header block: ids, date and author, enough to put waiting mails in order."""
    return _message(head, read_head(head), None, (), Budget(0, 0, 0, 0))


def _parse(content: bytes, end: int, budget: Budget, depth: int) -> Message:
    """Read a mail and the mails inside it, all within one budget."""
    head = read_head(content, end)
    root = read_parts(content, head, end, budget, depth)
    body = read_body(root, budget)
    enclosed: list[Message] = []
    for mail in body.mails:
        if depth + 1 >= budget.depth or budget.parts <= 0:
            budget.note(TOO_DEEP)
            break
        inner = replace(budget, defects=[])
        enclosed.append(_parse(mail, len(mail), inner, depth + 1))
        budget.spend(inner)
    return _message(content, head, body, tuple(enclosed), budget, root.text_charset)


def _message(
    content: bytes,
    head: Head,
    body: Body | None,
    enclosed: tuple[Message, ...],
    budget: Budget,
    hint: str | None = None,
) -> Message:
    """Put together what the header block and the body say.

    ``hint`` is the charset of the body's text: who sends raw 8-bit headers writes them in it, too.
    """
    kind = parametrised(head.first("content-type"))
    people = correspondents(head, hint)
    defects = list(head.defects)
    chain = references(head.every("references"), defects)
    text = body.text() if body is not None else ""
    return Message(
        fingerprint=_fingerprint(head, body),
        size=len(content),
        message_id=message_id(head.first("message-id")),
        in_reply_to=message_ids(head.every("in-reply-to"))[:20],
        references=chain,
        subject=_subject(head, hint),
        author=people.author,
        from_text=people.from_text,
        sender=people.sender,
        reply_to=people.reply_to,
        to=people.to,
        cc=people.cc,
        delivered_to=bare_addresses(
            value for name in ("delivered-to", "x-original-to", "envelope-to") for value in head.every(name)
        ),
        return_path=_return_path(head),
        date=people.date,
        text=text,
        html=body.html() if body is not None else None,
        unread=tuple(dict.fromkeys(body.unread)) if body is not None else (),
        attachments=body.attachments([mail.subject for mail in enclosed]) if body is not None else (),
        enclosed=enclosed,
        report=read_report(kind, body.reports, enclosed) if body is not None else None,
        headers=tuple((name, _shown_value(key, value, hint)) for key, name, value in head.fields),
        defects=tuple(dict.fromkeys((*defects, *people.defects, *budget.defects))),
    )


def _subject(head: Head, hint: str | None) -> str:
    """The first Subject on one line."""
    raw = head.first("subject")
    return text_of(raw, hint)[:MAX_SUBJECT] if raw is not None else ""


def _return_path(head: Head) -> str | None:
    """The envelope sender: empty for ``<>``, None where no server wrote it down."""
    raw = head.first("return-path")
    if raw is None:
        return None
    found = bare_addresses([raw])
    return found[0].address if found else ""


def _shown_value(key: str, value: bytes, hint: str | None) -> str:
    """A field's value on one line; words are decoded only in fields for people."""
    return exact(unfold(value, hint)).strip() if key in _FOR_MACHINES else text_of(value, hint)


def _fingerprint(head: Head, body: Body | None) -> str:
    """What makes two deliveries the same mail: ids, date, sender, subject and the decoded parts."""
    digest = hashlib.sha256() if body is None else body.digest.copy()
    for name in ("message-id", "date", "from", "subject"):
        for value in head.every(name):
            digest.update(name.encode() + b":" + b" ".join(value.split()) + b"\n")
    return str(digest.hexdigest())
