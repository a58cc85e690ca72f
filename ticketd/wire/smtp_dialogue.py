"""SMTP's commands and replies over a socket and a reader of ours (RFC 5321 §4).

smtplib knows the grammar; this adds the patience, the bounds and the verified TLS.
Knows nothing of phases, mails or what a reply means.
"""

from __future__ import annotations

import smtplib
import socket
from typing import Any

from ticketd.wire import Server, tls
from ticketd.wire.patience import PatientReader

_LINES = 100  # of one reply


class Dialogue(smtplib.SMTP):
    """smtplib's commands and replies over a socket and a reader of ours."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.patience = min(tls.CONNECT_TIMEOUT, server.timeout)
        super().__init__(local_hostname="localhost")  # named properly once we know from where we speak

    @property
    def reader(self) -> PatientReader:
        """The reader of the present socket."""
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("not connected")
        if self.file is None:
            self.file = PatientReader(self.sock, self.patience, self._server.allowance)
        reader: PatientReader = self.file
        return reader

    def dial(self) -> None:
        """Connect; nothing is said yet."""
        self.sock = tls.reach(self._server)
        self.local_hostname = _own_name(self.sock)

    def wrap(self) -> None:
        """TLS from here on: all that was said before is forgotten (RFC 3207 §4.2)."""
        plain, self.sock, self.file = self.reader.sock, None, None
        self.sock = tls.wrap(plain, self._server)
        self.ehlo_resp = self.helo_resp = None
        self.esmtp_features = {}

    def send(self, s: Any) -> None:
        """Send within our patience; the clock of the answer starts."""
        if self.sock is not None:
            self.sock.settimeout(min(self.patience, self._server.allowance.left))
            self.reader.begin()
        with self._server.allowance.waiting():
            super().send(s)
        self._server.allowance.moved(len(s))

    def getreply(self) -> tuple[int, bytes]:
        """One reply, of bounded length and within our patience."""
        reader = self.reader
        reader.begin()
        reader.timeout = self.patience
        reader.sock.settimeout(self.patience)
        reader.lines_left = _LINES
        return super().getreply()


def _own_name(sock: socket.socket) -> str:
    """How we greet: our host's full name, else our address as a literal (RFC 5321 §4.1.3)."""
    name = socket.gethostname()
    if "." in name and name.isascii() and name.replace(".", "").replace("-", "").isalnum():
        return name
    address = str(sock.getsockname()[0])
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"
