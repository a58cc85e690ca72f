"""The only sockets: IMAP in, SMTP out, TLS under both, and the demo's own servers.

Whatever a server does, a caller here sees one of three things: a value, a refusal of one
command (``Refused``, ``SmtpTrouble``: the connection lives), or ``errors.Unavailable`` (it
does not; close it). Knows nothing of tickets, of the database or of what is worth sending.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

from ticketd.errors import Unavailable
from ticketd.wire.patience import Allowance

Security = Literal["tls", "starttls", "none"]


class Tokens(Protocol):
    """Where access tokens come from (RFC 6750)."""

    def token(self) -> str:
        """A token to log in with; raises ``LoginRefused`` or ``Unavailable`` where there is none."""

    def refused(self, token: str) -> bool:
        """The server refused this token; whether another one may do better."""


@dataclass(frozen=True, slots=True)
class Server:
    """How to reach a server and log in to it. Secrets are asked for when they are needed, never kept.

    Without ``username`` nobody logs in. ``oauth`` gives access tokens and is used instead of
    ``password``. ``timeout`` (seconds) is for one command; connecting takes 15 s at most.
    ``allowance`` is for all that we wait for together: without end, unless somebody sets one.
    """

    host: str
    port: int
    security: Security = "tls"
    username: str | None = None
    password: Callable[[], str] | None = field(default=None, repr=False)
    timeout: float = 60.0
    ca_file: str | None = None
    oauth: Tokens | None = field(default=None, repr=False)
    allowance: Allowance = field(default_factory=Allowance, repr=False, compare=False)

    def __str__(self) -> str:
        return f"{self.host} port {self.port}"


class FolderMissing(Unavailable):
    """The mailbox has no folder of that name: the operator must make it or name another."""


class Refused(Unavailable):
    """The server refuses this one command; the connection can still be used."""
