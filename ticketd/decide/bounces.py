"""Read what a bounce says: whom it could not reach, for good or for now (RFC 3464, 3463).

The standard report first, then flufl.bounce's knowledge of the others, then headers and words.
Knows nothing of whether a bounce is to be believed: our signed ids decide that elsewhere.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from email.message import Message as Compat32

from flufl.bounce import all_failures

from ticketd.decide.charsets import shown
from ticketd.decide.fields import message_ids
from ticketd.decide.model import Bounce, Message, Recipient, address_key
from ticketd.decide.reports import ids_in

# It logs each step that it takes, and as an error what is caught below.
logging.getLogger("flufl.bounce").disabled = True

MAX_READ = 20_000  # characters of a bounce's own words
MAX_LINES = 300
MAX_LINE = 500

_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_REPLY = re.compile(r"(?<![\d.])([45])\d\d[ -]")
_DELAYS = (
    "is delayed",
    "was delayed",
    "been delayed",
    "delivery delayed",
    "delayed delivery",
    "message delayed",
    "delayed mail",
    "delayed 24 hours",
    "mail is delayed",
    "status notification (delay)",
    "not yet been delivered",
    "not been delivered yet",
    "still being retried",
    "will be retried",
    "will retry",
    "will keep trying",
    "will continue to try",
    "continue to be made",
    "no action is required",
    "do not need to resend",
    "do not need to take any action",
    "just a warning",
    "warning: could not send",
    "warning message only",
    "delivery incomplete",
    "verzögert",
    "retardé",
    "retrasado",
)
_FAILURES = (
    "could not be delivered",
    "couldn't be delivered",
    "could not deliver",
    "not able to deliver",
    "wasn't able to deliver",
    "unable to deliver",
    "cannot be delivered",
    "was not delivered",
    "were not delivered",
    "not been delivered",
    "delivery failed",
    "delivery has failed",
    "delivery failure",
    "delivery to the following",
    "failed to deliver",
    "failed permanently",
    "undeliverable",
    "undelivered",
    "user unknown",
    "unknown user",
    "no such user",
    "unknown recipient",
    "mailbox full",
    "mailbox is full",
    "over quota",
    "does not exist",
    "did not reach",
    "has been rejected",
    "was rejected",
    "message rejected",
    "rcpt to",
    "permanent error",
    "fatal error",
    "nicht zugestellt",
    "unzustellbar",
    "n'a pas pu être",
    "no se pudo entregar",
)
# Where a mail system stops speaking and the mail that came back begins.
_COPY = (
    "received:",
    "return-path:",
    "message-id:",
    "mime-version:",
    "dkim-signature:",
    "--- below this line",
    "------ this is a copy",
    "this is a copy of the message",
    "----- original message",
    "-----original message",
    "--- original message",
    "original message follows",
    "----- unsent message",
    "----- returned message",
    "----- message header",
    "--------returned mail",
    "----------returned",
    "start of returned message",
)
_SUBJECTS = (
    "undeliver",
    "undelivered mail",
    "returned mail",
    "returned to sender",
    "failure notice",
    "mail delivery fail",
    "mail delivery problem",
    "message delivery fail",
    "delivery failure",
    "delivery failed",
    "delivery status notification",
    "delivery notification",
    "delivery report",
    "delivery has failed",
    "delivery delayed",
    "delayed mail",
    "mail delivery system",
    "mail delivery error",
    "mail system error",
    "mail could not be delivered",
    "failure delivery",
    "delivery error",
    "deliver error",
    "delivery problem",
    "error delivering",
    "notice: mail delivery status",
    "mail delivery status",
    "[bounce]",
    "bounced mail",
    "invalid recipient",
    "address not found",
    "unable to deliver",
    "returned message",
    "message returned",
    "returning message to sender",
    "error mail",
    "mail failure",
    "mail returned",
    "message undeliverable",
    "message could not be delivered",
    "message not delivered",
    "message delayed",
    "could not be delivered",
    "nondeliverable",
    "non delivery",
    "non-delivery",
    "nondelivery",
    "warning: could not send",
    "warning: message",
    "rejected mail",
    "user unknown",
    "permanent delivery failure",
    "unzustellbar",
    "zustellung fehlgeschlagen",
    "non remis",
    "échec de la remise",
    "no se puede entregar",
    "no se ha podido entregar",
    "mancata consegna",
    "não é possível entregar",
    "onbestelbaar",
    "niedostarczona",
    "недоставленное",
    "не доставлено",
    "退信",
    "配信不能",
)


def has_bounce_subject(message: Message) -> bool:
    """Whether the subject is one that mail systems give to bounces; forwarding one is not."""
    subject = message.subject.casefold()[:200]
    if subject.startswith(("re:", "fw:", "fwd:", "aw:", "wg:", "tr:", "rv:")):
        return False
    return any(words in subject for words in _SUBJECTS)


def own_words(message: Message) -> str:
    """What the mail system says itself, above the mail that came back."""
    kept: list[str] = []
    for line in message.text[:MAX_READ].split("\n")[:MAX_LINES]:
        if line.lstrip(" |>*")[:60].lower().startswith(_COPY) and kept:
            break
        kept.append(line[:MAX_LINE])
    return "\n".join(kept)


def has_bounce_words(message: Message) -> bool:
    """Whether the words tell of a failed delivery, and with the code that servers give."""
    words = own_words(message)
    folded = words.casefold()
    told = any(phrase in folded for phrase in (*_FAILURES, *_DELAYS))
    return told and bool(_STATUS.search(words) or _REPLY.search(words))


def failed_recipients(message: Message) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The recipients that a mail names as failing for now and for good, by flufl.bounce."""
    mail = Compat32()
    mail["From"] = message.author.address if message.author is not None else "unknown@invalid"
    for name in ("Subject", "X-Failed-Recipients", "Received"):
        for value in message.header_all(name)[:5]:
            mail[name] = value[:MAX_LINE]
    mail["Content-Type"] = "text/plain"
    lines = message.text[:MAX_READ].split("\n")[:MAX_LINES]
    mail.set_payload("\n".join(line[:MAX_LINE] for line in lines).encode("ascii", "replace").decode("ascii"))
    try:
        temporary, permanent = all_failures(mail)
    except Exception:  # noqa: BLE001 - its readers of odd formats raise on odder ones
        return (), ()
    return _addresses(temporary), _addresses(permanent)


def _addresses(found: Iterable[bytes | str]) -> tuple[str, ...]:
    texts = (item.decode("ascii", "replace") if isinstance(item, bytes) else item for item in found)
    return tuple(sorted(shown(text) for text in texts if "@" in text and len(text) <= 320))


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
    said = _STATUS.search(recipient.status)
    told = _STATUS.search(recipient.diagnostic[:MAX_LINE])
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
    status = next((code for code in _STATUS.findall(words) if code[0] != "2"), None)
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
    folded = said.casefold()
    if delayed or any(words in folded for words in _DELAYS):
        return False
    if status is not None:
        return not status.startswith("4")
    code = _REPLY.search(line)
    return code is None or code.group(1) != "4"


def _telling_line(words: str) -> str:
    """The first line with a server's code in it."""
    for line in words.split("\n")[:MAX_LINES]:
        cut = line[:MAX_LINE]
        if _STATUS.search(cut) or _REPLY.search(cut):
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
