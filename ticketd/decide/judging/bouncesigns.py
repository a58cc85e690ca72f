"""Tell a bounce without a standard report: by its sender, its subject and a mail system's own words.

The non-standard bounces of large providers and old servers, with flufl.bounce's knowledge of them.
People paste bounces when they ask about them: a subject or words alone are never enough.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from email.message import Message as Compat32

from flufl.bounce import all_failures

from ticketd.decide.model import Message
from ticketd.decide.reading.charsets import shown

# It logs each step that it takes, and as an error what is caught below.
logging.getLogger("flufl.bounce").disabled = True

MAX_READ = 20_000  # characters of a bounce's own words
MAX_LINES = 300
MAX_LINE = 500

# An enhanced status code (RFC 3463), a reply code (RFC 5321 §4.2).
STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
REPLY = re.compile(r"(?<![\d.])([45])\d\d[ -]")

_DAEMONS = ("mailer-daemon", "mailerdaemon", "mail-daemon", "mail.daemon", "mdaemon", "microsoftexchange")
_POSTMASTERS = frozenset(
    ("postmaster", "post_master", "mail-admin", "mailadmin", "mailsystem", "mail-system")
)
_DAEMON_NAMES = ("mail delivery s", "mail deliver s", "mailer-daemon", "mailer daemon", "mail administrator")
_MACHINES = frozenset(
    (
        "administrator",
        "admin",
        "sysadmin",
        "system",
        "mail",
        "mailer",
        "mailmaster",
        "daemon",
        "nobody",
        "root",
    )
)
_MACHINE_NAMES = ("system administrator", "mail server", "mail system", "administrator", "postmaster")
_REPLIES = ("re:", "fw:", "fwd:", "aw:", "wg:", "tr:", "rv:")
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
    "delivery status",
    "error sending your mail",
    "error delivering your mail",
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


def sign(message: Message) -> str | None:
    """Why the mail is a bounce, in a few words; None where it is none."""
    daemon, postmaster, subject = is_daemon(message), _is_postmaster(message), _has_subject(message)
    if message.header("X-Failed-Recipients"):
        return "X-Failed-Recipients"
    if (daemon or postmaster) and message.return_path == "":
        return "empty Return-Path and a mail system's sender"
    if (daemon or postmaster or _is_nobody(message)) and subject:
        return "a mail system's subject"
    if daemon and (_tells(message) or _embeds(message) or _names_failures(message)):
        return "a mail system's words"
    if (postmaster or _is_nobody(message)) and _tells(message) and _quotes_server(message):
        return "nobody's mail in a mail system's words"
    if subject and _is_machine(message) and _quotes_server(message) and _tells(message):
        return "a machine's mail in a mail system's words"
    return None


def is_daemon(message: Message) -> bool:
    """Whether the sender is a mail system, where no person writes from."""
    local, said = _local_part(message), message.from_text.casefold()
    if local.startswith(_DAEMONS) or any(word in said for word in _DAEMON_NAMES):
        return True
    return (message.return_path or "").lower().startswith("mailer-daemon")


def _is_postmaster(message: Message) -> bool:
    """Whether the sender is a mail system or the person who keeps it."""
    local = _local_part(message)
    return local in _POSTMASTERS or (not local and "postmaster" in message.from_text.casefold())


def _local_part(message: Message) -> str:
    return message.author.address.rpartition("@")[0].strip('"').lower() if message.author is not None else ""


def _is_nobody(message: Message) -> bool:
    """Whether the mail came from nobody: an empty envelope sender, or an empty From."""
    return message.return_path == "" or (message.author is None and message.from_text.strip() in ("", "<>"))


def _is_machine(message: Message) -> bool:
    """Whether something besides the subject says that no person wrote."""
    local = _local_part(message)
    automatic = (value.strip().lower() for value in message.header_all("Auto-Submitted"))
    return (
        any(value and not value.startswith("no") for value in automatic)
        or local in _MACHINES
        or local.startswith(("bounce", "noreply", "no-reply", "no_reply", "donotreply", "do-not-reply"))
        or (message.author is not None and message.author.name.casefold() in _MACHINE_NAMES)
        or _embeds(message)
    )


def _embeds(message: Message) -> bool:
    """Whether another mail, or its header block, came with it."""
    kinds = ("text/rfc822-headers", "text/rfc822")
    return bool(message.enclosed) or any(item.content_type in kinds for item in message.attachments)


def _has_subject(message: Message) -> bool:
    """Whether the subject is one that mail systems give to bounces; forwarding one is not."""
    subject = message.subject.casefold()[:200]
    return not subject.startswith(_REPLIES) and any(words in subject for words in _SUBJECTS)


def _tells(message: Message) -> bool:
    folded = own_words(message).casefold()
    return any(phrase in folded for phrase in (*_FAILURES, *_DELAYS))


def _quotes_server(message: Message) -> bool:
    words = own_words(message)
    return bool(STATUS.search(words) or REPLY.search(words))


def _names_failures(message: Message) -> bool:
    return any(failed_recipients(message))


def tells_of_delay(words: str) -> bool:
    """Whether words say that delivery is only delayed."""
    folded = words.casefold()
    return any(phrase in folded for phrase in _DELAYS)


def own_words(message: Message) -> str:
    """What the mail system says itself, above the mail that came back."""
    kept: list[str] = []
    for line in message.text[:MAX_READ].split("\n")[:MAX_LINES]:
        if line.lstrip(" |>*")[:60].lower().startswith(_COPY) and kept:
            break
        kept.append(line[:MAX_LINE])
    return "\n".join(kept)


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
