"""The demo's mail world: an IMAP and an SMTP server in this process, with accounts for everybody.

Needs nothing but the packages of ``ticketd[demo]`` (pymap, aiosmtpd), which are imported when the
servers start. What SMTP accepts stands in the recipient's INBOX at once, with the headers that a
delivering server adds (RFC 5321 §4.4). Loopback and memory only; knows nothing of tickets.
"""

from __future__ import annotations

import asyncio
import threading
from argparse import Namespace
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from ticketd.errors import NotFound, Unavailable
from ticketd.wire import Server

HOST = "127.0.0.1"
_START = 30.0  # seconds
_SIZE_LIMIT = 50_000_000  # bytes of one mail


class EmbeddedServers:
    """Two servers in a thread of their own: ``start``, then reach them at ``imap_port`` and ``smtp_port``.

    ``accounts`` maps each address to its password. Mail to ``address+anything`` goes to the address.
    """

    def __init__(self, accounts: Mapping[str, str], folders: Sequence[str] = ("Archive",)) -> None:
        self.accounts = {address.lower(): password for address, password in accounts.items()}
        self.imap_port = self.smtp_port = 0
        self._folders = folders
        self._talks: set[asyncio.Task[None]] = set()
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> Self:
        """Listen on free ports; returns when both servers answer. Raises ``Unavailable``."""
        _need_packages()
        self._thread = threading.Thread(target=self._run, name="embedded-servers", daemon=True)
        self._thread.start()
        if not self._ready.wait(_START) or self._failure:
            raise Unavailable(f"the demo's servers do not start: {self._failure}") from self._failure
        return self

    def stop(self) -> None:
        """Close every connection and end the thread; the mail is forgotten."""
        if self._thread is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(_START)
        self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def imap(self, address: str) -> Server:
        """How the account's owner reads mail."""
        return self._server(self.imap_port, address)

    def smtp(self, address: str) -> Server:
        """How the account's owner sends mail."""
        return self._server(self.smtp_port, address)

    def deliver(self, sender: str, recipient: str, content: bytes) -> None:
        """Put a mail into the recipient's INBOX, as SMTP does. Raises ``NotFound``."""
        work = self._take_in(sender, recipient, content)
        asyncio.run_coroutine_threadsafe(work, self._loop).result(_START)

    def _server(self, port: int, address: str) -> Server:
        password = self.accounts[address.lower()]
        return Server(HOST, port, "none", address.lower(), lambda: password, timeout=30.0)

    # In the thread

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as failure:  # noqa: BLE001  # whoever waits in start() raises it
            self._failure = failure
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        imap = await self._start_imap()
        smtp = await self._start_smtp()
        self.imap_port, self.smtp_port = (each.sockets[0].getsockname()[1] for each in (imap, smtp))
        self._ready.set()
        await self._stopping.wait()
        imap.close()
        smtp.close()

    async def _start_imap(self) -> asyncio.Server:
        """IMAP: pymap with its in-memory backend, and all accounts in it."""
        from proxyprotocol.sock import SocketInfo
        from pymap.backend.dict import DictBackend
        from pymap.imap import IMAPServer
        from pysasl.hashing import Cleartext

        # Passwords of a demo need no hashing, and a wrong one no delay.
        self._backend, config = await DictBackend.init(
            _arguments(), hash_context=Cleartext(), invalid_user_sleep=0.0
        )
        config.apply_context()
        for address, password in self.accounts.items():
            await self._add_account(config, address, password)
        server = IMAPServer(self._backend.login, config)

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            # pymap's own service keeps no reference: a quiet conversation may be garbage-collected
            talk = self._loop.create_task(server(reader, writer, SocketInfo.get(writer, None)))
            self._talks.add(talk)
            talk.add_done_callback(self._talks.discard)

        return await asyncio.start_server(accept, HOST, 0)

    async def _add_account(self, config: Any, address: str, password: str) -> None:
        from pymap.user import UserMetadata

        await self._identity(address).set(UserMetadata(config, address, password=password))
        async with self._identity(address).new_session() as session:
            for folder in self._folders:
                await session.create_mailbox(folder)

    def _identity(self, address: str) -> Any:
        from pymap.backend.dict import Identity

        return Identity(address, self._backend.login, None, frozenset())

    async def _start_smtp(self) -> asyncio.Server:
        """SMTP: aiosmtpd, where anybody may send to the accounts, and only to them."""
        from aiosmtpd.smtp import SMTP

        settings: dict[str, Any] = {
            "hostname": "mail.example.test",
            "ident": "ready",
            "data_size_limit": _SIZE_LIMIT,
            "enable_SMTPUTF8": True,
            "auth_require_tls": False,
            "authenticator": self._authenticate,
        }
        handler = _Handler(self)
        return await self._loop.create_server(lambda: SMTP(handler, loop=self._loop, **settings), HOST, 0)

    def _authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, login: Any) -> Any:
        from aiosmtpd.smtp import AuthResult

        expected = self.accounts.get(login.login.decode("utf-8", "replace").lower())
        good = expected is not None and login.password == expected.encode()
        return AuthResult(success=good, handled=False, auth_data=login if good else None)

    async def _take_in(self, sender: str, recipient: str, content: bytes) -> None:
        from pymap.parsing.message import AppendMessage

        account = self.account_of(recipient)
        if account is None:
            raise NotFound(f"the demo has no account {recipient}")
        now = datetime.now(UTC)
        mail = AppendMessage(_traced(sender, recipient, now) + content, now, frozenset())
        async with self._identity(account).new_session() as session:
            await session.append_messages("INBOX", [mail])

    def account_of(self, recipient: str) -> str | None:
        """The account that takes mail to this address, the part after "+" aside; None for nobody's."""
        local, _, domain = recipient.lower().rpartition("@")
        address = f"{local.partition('+')[0]}@{domain}"
        return address if address in self.accounts else None


class _Handler:
    """What the SMTP server asks us."""

    def __init__(self, servers: EmbeddedServers) -> None:
        self._servers = servers

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if self._servers.account_of(address) is None:
            return "550 5.1.1 nobody here by that name"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        for recipient in envelope.rcpt_tos:
            await self._servers._take_in(envelope.mail_from or "", recipient, envelope.original_content)
        return "250 2.0.0 delivered"


def _traced(sender: str, recipient: str, now: datetime) -> bytes:
    """The headers that a delivering server puts on top."""
    lines = (
        f"Return-Path: <{sender.strip('<>')}>",
        f"Delivered-To: {recipient}",
        f"Received: from demo by mail.example.test with ESMTP; {now:%a, %d %b %Y %H:%M:%S} +0000",
    )
    return "".join(f"{line}\r\n" for line in lines).encode()


def _arguments() -> Namespace:
    """What pymap would read from its command line."""
    return Namespace(
        host=HOST,
        port=0,
        cert=None,
        key=None,
        tls=False,
        proxy_protocol=None,
        inherited_sockets=None,
        passlib_cfg=None,
        skip_services=[],
        set_uid=None,
        set_gid=None,
        debug=False,
        demo_data=False,
        demo_user="nobody",
        demo_password="",
    )


def _need_packages() -> None:
    try:
        import aiosmtpd.smtp  # noqa: F401
        import pymap.imap  # noqa: F401
    except ImportError as missing:
        raise Unavailable(f"the demo needs the package {missing.name}: install ticketd[demo]") from missing
