"""Read the reports that mail systems send about an earlier mail (RFC 3464, 8098, 5965, 6522).

Knows nothing of verdicts: only what a report says.
"""

from __future__ import annotations

from collections.abc import Sequence

from ticketd.decide.model import Message, Recipient, Report
from ticketd.decide.reading.charsets import shown
from ticketd.decide.reading.fields import Parametrised, message_id, message_ids, text_of, unfold
from ticketd.decide.reading.limits import Head, read_head

MAX_RECIPIENTS = 200

_TYPES = {
    "message/delivery-status": "delivery-status",
    "message/global-delivery-status": "delivery-status",
    "message/disposition-notification": "disposition-notification",
    "message/global-disposition-notification": "disposition-notification",
    "message/feedback-report": "feedback-report",
}


def read_report(
    kind: Parametrised, parts: Sequence[tuple[str, bytes]], enclosed: Sequence[Message]
) -> Report | None:
    """The report among a mail's parts, None when it is no report."""
    told = next(((_TYPES[name], content) for name, content in parts if name in _TYPES), None)
    if told is None:
        said = kind.parameters.get("report-type", "").lower()
        if kind.value != "multipart/report" or said not in _TYPES.values():
            return None
        told = (said, b"")
    recipients = _recipients(told[1]) if told[0] != "feedback-report" else ()
    return Report(told[0], recipients, _about(told[1], parts, enclosed))


def _recipients(content: bytes) -> tuple[Recipient, ...]:
    """The recipient blocks of a delivery status; a receipt has one, of who read the mail."""
    found = []
    for block in _blocks(content):
        said = (
            block.first("original-recipient")
            or block.first("final-recipient")
            or block.first("x-actual-recipient")
        )
        address = _typed(said)
        if said is None or not address:
            continue
        found.append(
            Recipient(
                address=address.strip("<>").strip(),
                action=_word(block.first("action")),
                status=_word(block.first("status")),
                diagnostic=_typed(block.first("diagnostic-code"))[:1000],
                remote_mta=_typed(block.first("remote-mta"))[:255],
            )
        )
    return tuple(found[:MAX_RECIPIENTS])


def _blocks(content: bytes) -> list[Head]:
    """The groups of fields that empty lines part."""
    text = content.replace(b"\r\n", b"\n").replace(b"\n \n", b"\n\n")
    return [read_head(block + b"\n\n") for block in text.split(b"\n\n", MAX_RECIPIENTS + 2) if block.strip()]


def _typed(value: bytes | None) -> str:
    """The text behind the type of a field like ``rfc822; jane@example.com``."""
    if value is None:
        return ""
    text = text_of(value)
    kind, semicolon, rest = text.partition(";")
    return rest.strip() if semicolon and len(kind) < 30 and " " not in kind.strip() else text


def _word(value: bytes | None) -> str:
    """The first word of a field, comments left out."""
    words = shown(unfold(value or b"")).partition("(")[0].split()
    return words[0].lower().rstrip(";,") if words else ""


def _about(
    content: bytes, parts: Sequence[tuple[str, bytes]], enclosed: Sequence[Message]
) -> tuple[str, ...]:
    """The ids of the mail that the report is about, its Message-ID first, then its References."""
    ids: dict[str, None] = {}
    for block in _blocks(content)[:3]:
        for name in ("original-message-id", "x-original-message-id"):
            if (found := message_id(block.first(name))) is not None:
                ids[found] = None
    for kind, headers in parts:
        if kind in ("text/rfc822-headers", "message/rfc822-headers", "message/global-headers"):
            ids |= dict.fromkeys(ids_in(headers))
    for mail in enclosed:
        ids |= dict.fromkeys(filter(None, (mail.message_id, *mail.references, *mail.in_reply_to)))
    return tuple(ids)


def ids_in(headers: bytes) -> tuple[str, ...]:
    """The Message-ID, then the References, of a header block."""
    head = read_head(headers)
    own = message_id(head.first("message-id"))
    others = message_ids([*head.every("references"), *head.every("in-reply-to")])
    return tuple(dict.fromkeys(((own,) if own else ()) + others[:21]))
