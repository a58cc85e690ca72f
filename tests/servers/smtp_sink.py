"""A scripted SMTP server: says what a test tells it to, in any phase, and keeps what it accepted.

    smtp_sink.script["rcpt"] = ["450 4.7.1 later"]      the next RCPT; afterwards as usual
    smtp_sink.script["dot"] = [ACCEPT_AND_DROP]         the mail is taken, the answer never arrives
    smtp_sink.refuse["gone@example.com"] = "550 5.1.1 no such user"     every RCPT of that address

Phases: connect, ehlo, helo, starttls, auth, mail, rcpt, data, dot, rset, noop, quit.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.servers.certificates import Certificate
from tests.servers.loop import LoopThread
from tests.servers.process import wait_until

DROP = "drop"  # close the connection instead of answering
ACCEPT_AND_DROP = "accept and drop"  # at the dot: keep the mail, then close without a word
HANG = "hang"  # never answer
ACCEPT_AND_HANG = "accept and hang"  # at the dot: keep the mail, never answer


@dataclass(frozen=True)
class Received:
    """One mail as it was accepted: its envelope and its bytes as they were before dot-stuffing."""

    sender: str
    recipient: str
    content: bytes
    username: str | None
    options: tuple[str, ...] = ()


@dataclass
class SmtpSink:
    """The server. ``port`` speaks plain (and STARTTLS), ``tls_port`` TLS from the first byte."""

    certificate: Certificate | None = None
    username: str = "support@example.test"
    password: str = "correct-horse"
    size_limit: int = 60_000_000
    host: str = "127.0.0.1"
    port: int = 0
    tls_port: int = 0
    messages: list[Received] = field(default_factory=list)
    script: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    refuse: dict[str, str] = field(default_factory=dict)
    commands: list[str] = field(default_factory=list)
    arguments: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    connections: int = 0
    knows: Callable[[str], bool] | None = None
    """Whether an OAuth token is good; None: the server knows no such login."""

    def start(self) -> SmtpSink:
        """Listen on free ports."""
        self._loop = LoopThread()
        self._tls = self._tls_context()
        self.port = self._loop.call(self._listen(None))
        if self._tls:
            self.tls_port = self._loop.call(self._listen(self._tls))
        return self

    def stop(self) -> None:
        """Close every connection and both ports."""
        self._loop.call(self._close())
        self._loop.stop()

    def reset(self) -> None:
        """Forget mails and scripts: as good as new for the next test."""
        self.messages.clear()
        self.script.clear()
        self.refuse.clear()
        self.commands.clear()
        self.arguments.clear()
        self.connections = 0
        self.knows = None

    def wait_for(self, count: int) -> list[Received]:
        """Wait until that many mails were accepted."""
        wait_until(lambda: len(self.messages) >= count, f"{count} mails were submitted")
        return list(self.messages)

    def next_answer(self, phase: str) -> str | None:
        """What the script says to this phase, taken from it; None for nothing special."""
        with _lock:
            answers = self.script.get(phase)
            return answers.pop(0) if answers else None

    async def _listen(self, tls: ssl.SSLContext | None) -> int:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: self._protocol(over_tls=tls is not None), self.host, 0, ssl=tls
        )
        self._servers = [*getattr(self, "_servers", []), server]
        return int(server.sockets[0].getsockname()[1])

    async def _close(self) -> None:
        for server in self._servers:
            server.close()

    def _protocol(self, *, over_tls: bool) -> SMTP:
        self.connections += 1
        return _ScriptedSmtp(
            self,
            _Keeper(self),
            hostname="sink.example.test",
            ident="ready",
            data_size_limit=self.size_limit,
            enable_SMTPUTF8=True,
            tls_context=None if over_tls else self._tls,
            authenticator=self._authenticate,
            auth_require_tls=False,
            auth_exclude_mechanism=["XOAUTH2"] if self.knows is None else [],
            loop=asyncio.get_running_loop(),
        )

    def _authenticate(
        self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any
    ) -> AuthResult:
        good = data.login == self.username.encode() and data.password == self.password.encode()
        return AuthResult(success=good, handled=False, auth_data=data if good else None)

    def _tls_context(self) -> ssl.SSLContext | None:
        if self.certificate is None:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate.certificate, self.certificate.key)
        return context


_lock = threading.Lock()


class _Keeper:
    """Keeps accepted mails, as aiosmtpd's handler hooks ask."""

    def __init__(self, sink: SmtpSink) -> None:
        self._sink = sink

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Envelope, address: str, options: Any
    ) -> str:
        if refusal := self._sink.refuse.get(address):
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 recipient ok"

    async def handle_DATA(self, server: _ScriptedSmtp, session: Session, envelope: Envelope) -> str:
        scripted = self._sink.next_answer("dot")
        if scripted in (None, ACCEPT_AND_DROP, ACCEPT_AND_HANG) or str(scripted).startswith("2"):
            self._keep(session, envelope)
        if scripted is not None:
            await server.act(scripted)
        return scripted or f"250 2.0.0 queued as {len(self._sink.messages)}"

    def _keep(self, session: Session, envelope: Envelope) -> None:
        username = session.auth_data.login.decode() if session.auth_data else None
        for recipient in envelope.rcpt_tos:
            mail = Received(
                "" if envelope.mail_from == "<>" else envelope.mail_from or "",
                recipient,
                envelope.original_content or b"",
                username,
                tuple(envelope.mail_options),
            )
            self._sink.messages.append(mail)


class _ScriptedSmtp(SMTP):
    """aiosmtpd's server, which looks into the script before it does anything."""

    def __init__(self, sink: SmtpSink, *args: Any, **kwargs: Any) -> None:
        self._sink, self._greeted = sink, False
        super().__init__(*args, **kwargs)
        for name, method in list(self._smtp_methods.items()):
            self._smtp_methods[name] = self._asking_first(name.lower(), method)

    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> AuthResult:
        """A login with a token, in the one form that is not RFC 7628's."""
        said = base64.b64decode(args[1]).decode()
        name, _, rest = said.removeprefix("user=").partition("\1auth=Bearer ")
        if self._sink.knows and self._sink.knows(rest.removesuffix("\1\1")):
            return AuthResult(success=True, auth_data=LoginPassword(name.encode(), b""))
        return AuthResult(success=False, handled=False)

    def _asking_first(self, phase: str, method: Any) -> Any:
        async def handle(argument: str | None) -> None:
            self._sink.commands.append(phase)
            self._sink.arguments[phase].append(argument or "")
            scripted = self._sink.next_answer(phase)
            if phase in ("ehlo", "helo") and str(scripted).startswith("250"):
                self.session.host_name, self.session.extended_smtp = argument, True
            if scripted is None:
                await method(argument)
            elif not await self.act(scripted):
                await self.push(scripted)
                if scripted.startswith("421"):
                    self._writer.close()

        return handle

    async def act(self, scripted: str) -> bool:
        """Do what the script says instead of an answer; whether it was such."""
        if scripted in (DROP, ACCEPT_AND_DROP):
            self._writer.transport.abort()
            raise ConnectionResetError
        if scripted in (HANG, ACCEPT_AND_HANG):
            await asyncio.Event().wait()
        return False

    async def push(self, status: Any) -> None:
        if not self._greeted:
            self._greeted = True
            if scripted := self._sink.next_answer("connect"):
                await self.act(scripted)
                await super().push(scripted)
                self._writer.close()
                return
        await super().push(status)
