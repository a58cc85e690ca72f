"""Where a process can be killed: before and after every commit, every SMTP step and every IMAP step.

``watch`` wraps the program's own functions from outside; each point has a name, and is
passed in an order that is the same every time. Knows nothing of what happens at a point.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ticketd.store import hooks
from ticketd.wire.imap import ImapConnection
from ticketd.wire.smtp import SmtpConnection
from ticketd.wire.smtp_dialogue import Dialogue

Reached = Callable[[str], None]


def watch(reached: Reached) -> None:
    """Call ``reached`` with the name of each point from now on; once a process."""
    hooks.install(reached)
    _watch_imap(reached)
    _watch_smtp(reached)


def _watch_imap(reached: Reached) -> None:
    asking, connect = ImapConnection._asking, ImapConnection.connect.__func__  # type: ignore[attr-defined]

    @contextmanager
    def asked(self: ImapConnection, what: str, folder: str | None = None) -> Iterator[None]:
        reached(f"before-imap:{what}")
        with asking(self, what, folder):
            yield
        reached(f"after-imap:{what}")

    def connected(cls: type[ImapConnection], *arguments: Any, **options: Any) -> ImapConnection:
        reached("before-imap:login")
        return connect(cls, *arguments, **options)  # type: ignore[no-any-return]

    ImapConnection._asking = asked  # type: ignore[method-assign]
    ImapConnection.connect = classmethod(connected)  # type: ignore[assignment]


def _watch_smtp(reached: Reached) -> None:
    """Before a command leaves, after it has left, and when its answer is here."""
    connect, send, reply = SmtpConnection.connect.__func__, Dialogue.send, Dialogue.getreply  # type: ignore[attr-defined]
    said = [""]

    def connected(cls: type[SmtpConnection], *arguments: Any, **options: Any) -> SmtpConnection:
        said[0] = "connect"
        reached("before-smtp:connect")
        return connect(cls, *arguments, **options)  # type: ignore[no-any-return]

    def sent(self: Dialogue, s: Any) -> None:
        data = s if isinstance(s, bytes) else s.encode()
        known = data.split()[:1] if len(data) < 1000 else []
        verb = known[0].decode("ascii", "replace").lower() if known else ""
        said[0] = "dot" if data == b".\r\n" else verb if verb in _VERBS else "content"
        name = said[0]
        reached(f"before-smtp:{name}")
        send(self, s)
        reached(f"after-smtp:{name}")

    def replied(self: Dialogue) -> tuple[int, bytes]:
        answer = reply(self)
        reached(f"answered-smtp:{said[0]}")
        return answer

    SmtpConnection.connect = classmethod(connected)  # type: ignore[assignment]
    Dialogue.send = sent  # type: ignore[method-assign]
    Dialogue.getreply = replied  # type: ignore[method-assign]


_VERBS = {"ehlo", "helo", "mail", "rcpt", "data", "rset", "quit", "auth", "starttls"}
