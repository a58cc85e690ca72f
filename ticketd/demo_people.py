"""The people of the demo, and their mail clients: they read by IMAP, write by SMTP, press Reply.

What a client sends is built as clients build it: In-Reply-To, References, the text on top
and the quoted mail below. Knows nothing of the desk.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr, make_msgid

from ticketd.decide.model import Message
from ticketd.decide.reading.parse import parse
from ticketd.wire.embedded import EmbeddedServers
from ticketd.wire.imap import ImapConnection
from ticketd.wire.smtp import SmtpConnection

DEADLINE = 40.0
"""Seconds that anything may take to be seen."""

_LOOK_EVERY = 0.1
_MOST = 10_000_000  # bytes of a mail


class Missing(Exception):
    """Something that the story needs was not seen in time."""


@dataclass(slots=True)
class Person:
    """Somebody with a mail account.

    ``mails`` is what they have seen, as bytes, in order. They wait for mail while they are ``hopeful``.
    """

    name: str
    address: str
    servers: EmbeddedServers
    mails: list[bytes] = field(default_factory=list)
    hopeful: Callable[[], bool] = lambda: True
    _last: int = 0
    _inbox: ImapConnection | None = None

    def sign_in(self) -> None:
        """Open the mailbox."""
        self._inbox = ImapConnection.connect(self.servers.imap(self.address))
        self._inbox.select("INBOX", readonly=True)

    def sign_out(self) -> None:
        """Close the mailbox."""
        if self._inbox is not None:
            self._inbox.close()

    def look(self) -> list[Message]:
        """The mails that came since the last look."""
        assert self._inbox is not None
        self._inbox.noop()
        uids = self._inbox.uids_after(self._last)
        came = [mail.content for mail in self._inbox.fetch(uids, _MOST) if mail.content]
        self._last = max((self._last, *uids))
        self.mails += came
        return [parse(content) for content in came]

    def await_mail(self, what: str, wanted: Callable[[Message], bool]) -> Message:
        """The first mail to come that is ``wanted``; raises Missing with ``what`` it was to be."""
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end and self.hopeful():
            for message in self.look():
                if wanted(message):
                    return message
            time.sleep(_LOOK_EVERY)
        raise Missing(f"{self.name} did not receive {what} within {DEADLINE:.0f} s")

    def write(self, to: str, subject: str, text: str) -> Message:
        """Write a new mail and send it."""
        return self._send(to, self._draft(to, subject, text))

    def reply(self, message: Message, text: str) -> Message:
        """Press Reply, type on top, send."""
        to = (message.reply_to or (message.author,))[0]
        assert to is not None
        subject = message.subject if message.subject.lower().startswith("re:") else f"Re: {message.subject}"
        mail = self._draft(to.address, subject, f"{text}\n\n{_quoted(message)}")
        mail["In-Reply-To"] = message.message_id or ""
        mail["References"] = " ".join((*message.references, message.message_id or ""))
        return self._send(to.address, mail)

    def _draft(self, to: str, subject: str, text: str) -> EmailMessage:
        mail = EmailMessage(policy=SMTP)
        mail["From"] = formataddr((self.name, self.address))
        mail["To"] = to
        mail["Subject"] = subject
        mail["Date"] = format_datetime(datetime.now(UTC))
        mail["Message-ID"] = make_msgid(domain=self.address.rpartition("@")[2])
        mail.set_content(text)
        return mail

    def _send(self, to: str, mail: EmailMessage) -> Message:
        content = mail.as_bytes()
        with SmtpConnection.connect(self.servers.smtp(self.address)) as connection:
            connection.send(self.address, to, content)
        return parse(content)


def _quoted(message: Message) -> str:
    """The mail below the answer, as clients quote it."""
    when = f"{message.date:%a, %d %b %Y at %H:%M}" if message.date else "some day"
    lines = (f"> {line}".rstrip() for line in message.text.rstrip().splitlines())
    return f"On {when}, {message.from_text} wrote:\n\n" + "\n".join(lines) + "\n"
