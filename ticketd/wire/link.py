"""One IMAP connection under imapclient: ours to dial, to time and to bound (RFC 9051 §2.2).

imaplib reads whatever a server announces for as long as it sends; this one refuses long
lines and long literals and ends slow answers. What was buffered before a TLS handshake is
refused (RFC 9051 §6.2.1). Knows nothing of folders or mail.
"""

from __future__ import annotations

import imaplib
import socket
import ssl
from typing import Any, NoReturn

from imapclient import IMAPClient, SocketTimeout

from ticketd.wire import Server, tls
from ticketd.wire.patience import PatientReader

LONGEST_LINE = 1_000_000  # bytes; an answer to SEARCH is one line
LONGEST_LITERAL = 64_000_000  # bytes; the connection's owner narrows it


class Link(imaplib.IMAP4):
    """imaplib's protocol over a socket and a reader of ours."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.longest_literal = LONGEST_LITERAL
        self._reader: PatientReader | None = None
        super().__init__(server.host, server.port)

    @property
    def reader(self) -> PatientReader:
        """The reader of the present socket; a new socket (STARTTLS) gets a new one."""
        if self._reader is None or self._reader.sock is not self.sock:
            if self._reader is not None and self._reader.waiting():
                raise self.abort("the server spoke out of turn before TLS began")
            self._reader = PatientReader(self.sock, self.server.timeout, self.server.allowance)
        return self._reader

    def read(self, size: int) -> bytes:
        """A literal; one that is longer than allowed ends the connection unread."""
        if size > self.longest_literal:
            raise self.abort(f"the server wants to send {size} bytes at once: more than we take")
        data = self.reader.read(size)
        if len(data) < size:
            self._ended()
        return data

    def readline(self) -> bytes:
        """One line; one that is too long ends the connection."""
        line = self.reader.readline(LONGEST_LINE)
        if len(line) >= LONGEST_LINE:
            raise self.abort(f"the server sends a line of more than {LONGEST_LINE} bytes")
        return line

    def send(self, data: Any) -> None:
        """Send, and start the clock of the answer."""
        self.reader.begin()
        super().send(data)

    def starttls(self, ssl_context: ssl.SSLContext | None = None) -> Any:
        """STARTTLS; nothing that was said before the handshake is believed after it."""
        answer = super().starttls(ssl_context)
        self.untagged_responses = {}
        return answer

    def _ended(self) -> NoReturn:
        raise self.abort("the connection ended in the middle of an answer")

    def _create_socket(self, timeout: float | None = None) -> socket.socket:
        sock = tls.reach(self.server)
        return tls.wrap(sock, self.server) if self.server.security == "tls" else sock


class Client(IMAPClient):  # type: ignore[misc]  # imapclient ships no types
    """imapclient over a ``Link``: aware times, no bodies in debug logs."""

    def __init__(self, server: Server) -> None:
        self._server = server
        timeout = SocketTimeout(connect_timeout(server), server.timeout)
        super().__init__(server.host, server.port, ssl=server.security == "tls", timeout=timeout)
        self.normalise_times = False
        self._imap.debug = 0

    @property
    def link(self) -> Link:
        """The connection underneath."""
        link: Link = self._imap
        return link

    def _create_IMAP4(self) -> Link:
        return Link(self._server)


def connect_timeout(server: Server) -> float:
    """Seconds for connecting and the greeting."""
    return min(tls.CONNECT_TIMEOUT, server.timeout)
