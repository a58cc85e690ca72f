"""Read what a bounce says: whom it could not reach, for good or for now (RFC 3464, 3463).

The standard report first, then flufl.bounce's knowledge of the others, then headers and words.
Knows nothing of whether a bounce is to be believed: our signed ids decide that elsewhere.
"""

from __future__ import annotations

from ticketd.decide.judging.bouncesigns import (
    MAX_LINE,
    MAX_LINES,
    REPLY,
    STATUS,
    failed_recipients,
    own_words,
    tells_of_delay,
)
from ticketd.decide.model import Bounce, Message, Recipient, address_key
from ticketd.decide.reading.fields import message_ids
from ticketd.decide.reading.reports import ids_in


def read_bounce(message: Message) -> Bounce:
    """What the bounce says, from the best source that it has."""
    ids = _about(message)
    if message.report is not None and message.report.recipients:
        return _from_report(message.report.recipients, ids)
    return _from_words(message, ids)


def _from_report(recipients: tuple[Recipient, ...], ids: tuple[str, ...]) -> Bounce:
    """The first recipient that failed for good, else the first that failed, else the first."""
    worst = min(recipients, key=_severity)
    status = _status(worst)
    return Bounce(
        permanent=_severity(worst) == 0,
        recipient=worst.address,
        status=status,
        diagnostic=worst.diagnostic,
        remote_mta=worst.remote_mta,
        message_ids=ids,
    )


def _severity(recipient: Recipient) -> int:
    """0 failed for good, 1 failed for now, 2 delayed, 3 anything else (delivered, relayed)."""
    action, status = recipient.action, _status(recipient) or ""
    if action.startswith("delay"):
        return 2
    if action.startswith(("fail", "error")) or (not action and status[:1] in ("4", "5")):
        return 1 if status.startswith("4") else 0
    return 3


def _status(recipient: Recipient) -> str | None:
    """The status code; a vague one gives way to the one of its class in the server's words."""
    said = STATUS.search(recipient.status)
    told = STATUS.search(recipient.diagnostic[:MAX_LINE])
    if said is None:
        return told.group(1) if told else None
    if said.group(1).endswith(".0.0") and told and told.group(1)[0] == said.group(1)[0]:
        return told.group(1)
    return said.group(1)


def _from_words(message: Message, ids: tuple[str, ...]) -> Bounce:
    """A bounce in a mail system's own words."""
    words = own_words(message)
    named = [address for value in message.header_all("X-Failed-Recipients") for address in value.split(",")]
    temporary, permanent = failed_recipients(message)
    found = [address.strip() for address in named if "@" in address] or list(permanent or temporary)
    found = found or _named(message, words)
    line = _telling_line(words)
    status = next((code for code in STATUS.findall(words) if code[0] != "2"), None)
    return Bounce(
        permanent=_is_permanent(
            f"{message.subject}\n{words}", status, line, bool(temporary) and not permanent
        ),
        recipient=found[0] if found else None,
        status=status,
        diagnostic=line,
        message_ids=ids,
    )


def _named(message: Message, words: str) -> list[str]:
    """The addresses in a bounce's words that are neither the mail system's nor ours."""
    others = {person.key for person in (*message.to, *message.delivered_to)}
    if message.author is not None:
        others.add(message.author.key)
    bare = (_without_marks(word) for word in words.split() if "@" in word)
    return [address for address in bare if _is_mailbox(address) and address_key(address) not in others]


def _without_marks(word: str) -> str:
    word = word.strip("<>()[]{}\"'`,;:.*")
    return word.partition(":")[2] if word[:7].lower() == "mailto:" else word


def _is_mailbox(address: str) -> bool:
    local, _, domain = address.rpartition("@")
    system = local.lower().startswith(("mailer-daemon", "postmaster"))
    return bool(local) and "." in domain and len(address) <= 320 and not system


def _is_permanent(said: str, status: str | None, line: str, delayed: bool) -> bool:
    """Whether it is for good: by what is said of a delay, then by the code, else yes."""
    if delayed or tells_of_delay(said):
        return False
    if status is not None:
        return not status.startswith("4")
    code = REPLY.search(line)
    return code is None or code.group(1) != "4"


def _telling_line(words: str) -> str:
    """The first line with a server's code in it."""
    for line in words.split("\n")[:MAX_LINES]:
        cut = line[:MAX_LINE]
        if STATUS.search(cut) or REPLY.search(cut):
            return cut.strip()
    return ""


def _about(message: Message) -> tuple[str, ...]:
    """The ids of the mail that came back: embedded whole, as headers, or pasted as text."""
    ids: dict[str, None] = dict.fromkeys(message.report.message_ids) if message.report is not None else {}
    for mail in message.enclosed:
        ids |= dict.fromkeys(filter(None, (mail.message_id, *mail.references, *mail.in_reply_to)))
    for attached in message.attachments:
        if attached.content_type in ("text/rfc822-headers", "text/rfc822"):
            ids |= dict.fromkeys(ids_in(attached.content))
    if not ids:
        ids |= dict.fromkeys(_pasted(message.text))
    if not ids:
        ids |= dict.fromkeys((*message.in_reply_to, *message.references))
    return tuple(ids)


def _pasted(text: str) -> tuple[str, ...]:
    """The ids in the header lines of a mail that stands as text in the bounce."""
    wanted = ("message-id:", "references:", "in-reply-to:")
    lines = [line.lstrip("> \t")[:2000] for line in text[:200_000].split("\n")]
    return message_ids(
        line.partition(":")[2].encode("utf-8", "replace")
        for line in lines
        if line[:12].lower().startswith(wanted)
    )[:21]
