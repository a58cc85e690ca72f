"""A loopback TCP proxy that makes one fault a connection, between ticketd and a server that makes none.

    with a fresh ``proxy``:  port = proxy.to(dovecot.port, Fault("reset", towards="client", after=50_000))

The n-th fault meets the n-th connection; the last one meets all that follow. None means a faithful proxy.
"""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from tests.servers.loop import LoopThread

Kind = Literal["pass", "refuse", "silence", "stall", "reset", "close", "swallow", "lose", "say", "flip"]


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one connection.

    refuse    reset at once                 silence   accept, then answer nothing
    stall     forward ``after`` bytes in the direction, then no more, the connection stays
    reset     forward ``after`` bytes, then reset both sides;  close: end both sides in order
    flip      invert the byte number ``after``
    swallow   once ``seen`` went to the server, nothing that it says arrives any more
    lose      the answer to the ``after``-th ``seen`` of all connections never arrives: both sides are reset
    say       once ``seen`` went past in the direction, ``text`` goes to the client instead, and the end
    """

    kind: Kind = "pass"
    towards: Literal["client", "server"] = "client"
    after: int = 0
    seen: bytes = b""
    text: bytes = b""


class Proxy:
    """All the proxies of one test; ``close`` ends them."""

    def __init__(self) -> None:
        self._loop = LoopThread()
        self._servers: list[asyncio.Server] = []
        self._writers: list[asyncio.StreamWriter] = []
        self.connections = 0
        self.asked = 0  # lines that clients sent: in IMAP, commands
        self.seen: Counter[bytes] = Counter()  # how often each ``lose`` has met what it waits for

    def to(self, port: int, *faults: Fault) -> int:
        """Forward to a loopback port with these faults; the port to connect to."""
        return self._loop.call(self._listen(port, faults or (Fault(),)))

    def cut(self) -> None:
        """Reset every connection that is open now."""
        self._loop.call(self._cut_all())

    def close(self) -> None:
        """End every connection and every port."""
        self._loop.call(self._close_servers())
        self._loop.stop()

    async def _listen(self, port: int, faults: tuple[Fault, ...]) -> int:
        left = list(faults)

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.connections += 1
            fault = left.pop(0) if len(left) > 1 else left[0]
            self._writers.append(writer)
            await _Connection(fault, reader, writer, self._count, self.seen).run(port)

        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    def _count(self, data: bytes) -> None:
        self.asked += data.count(b"\n")

    async def _cut_all(self) -> None:
        for writer in self._writers:
            _reset(writer)

    async def _close_servers(self) -> None:
        for server in self._servers:
            server.close()


class _Connection:
    """One client, one server and what goes between them."""

    def __init__(
        self,
        fault: Fault,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        count: Callable[[bytes], None],
        seen: Counter[bytes],
    ) -> None:
        self._fault, self._client, self._count = fault, (reader, writer), count
        self._swallowing = self._losing = False
        self._seen = seen

    async def run(self, port: int) -> None:
        reader, writer = self._client
        if self._fault.kind == "refuse":
            return _reset(writer)
        if self._fault.kind == "silence":
            await reader.read()
            writer.close()
            return None
        server = await asyncio.open_connection("127.0.0.1", port)
        self._ends = (writer, server[1])
        try:
            await asyncio.gather(
                self._pump(reader, server[1], "server"), self._pump(server[0], writer, "client")
            )
        except (_Cut, OSError):
            pass
        finally:
            for each in self._ends:
                each.close()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, towards: str) -> None:
        past, recent = 0, b""
        while data := await source.read(65536):
            if towards == "server":
                self._count(data)
            recent = (recent + data)[-70000:]
            data = await self._disturb(data, recent, past, towards, sink)
            past += len(data)
            sink.write(data)
            await sink.drain()
        if not self._swallowing and sink.can_write_eof():
            sink.write_eof()

    async def _disturb(
        self, data: bytes, recent: bytes, past: int, towards: str, sink: asyncio.StreamWriter
    ) -> bytes:
        fault = self._fault
        if fault.kind == "swallow":
            self._swallowing = self._swallowing or (
                towards == "server" and bool(re.search(fault.seen, recent))
            )
            return b"" if self._swallowing and towards == "client" else data
        if fault.kind == "lose":
            return await self._lose(data, towards)
        if fault.towards != towards:
            return data
        if fault.kind == "say" and re.search(fault.seen, recent):
            self._ends[0].write(fault.text)
            await self._ends[0].drain()
            raise _Cut
        at = fault.after - past
        if fault.kind == "flip" and 0 <= at < len(data):
            return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]
        if fault.kind in ("stall", "reset", "close") and at <= len(data):
            sink.write(data[:at])
            await sink.drain()
            await self._cut()
        return data

    async def _lose(self, data: bytes, towards: str) -> bytes:
        """Note a question that is to have no answer; at its answer, the end."""
        if towards == "server":
            before = self._seen[self._fault.seen]
            self._seen[self._fault.seen] += len(re.findall(self._fault.seen, data))
            self._losing = self._losing or before < self._fault.after <= self._seen[self._fault.seen]
        elif self._losing:
            await self._cut()
        return data

    async def _cut(self) -> None:
        if self._fault.kind == "stall":
            await asyncio.Event().wait()
        if self._fault.kind in ("reset", "lose"):
            for each in self._ends:
                _reset(each)
        raise _Cut


class _Cut(Exception):
    """The fault has happened: this connection is over."""


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST: the far side sees 'connection reset', and loses what it has not read."""
    raw = writer.get_extra_info("socket")
    if raw is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
