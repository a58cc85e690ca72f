"""A socket reader whose patience ends: bounded lines, bounded time, for line protocols.

A read time-out alone lets a server that sends a byte a minute hold us for ever. Here a whole
answer may take the time-out plus its own length at 50 KB/s. Knows nothing of any protocol.
"""

from __future__ import annotations

import math
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager

SLOWEST = 50_000  # bytes a second that a living connection brings at least
_CHUNK = 65_536
_FREE = 1.0  # seconds


class Allowance:
    """How long a server may keep us waiting in all, whatever it is that it lets us wait for.

    What it brings and takes buys it more. Until it is ``opened`` (greeted, secured, logged in) every
    moment counts; afterwards the first second of an answer is free, so that one who works
    is not given up for having much to do.
    """

    def __init__(self, seconds: float = math.inf) -> None:
        self._left, self._free, self._opened = seconds, 0.0, False

    @property
    def left(self) -> float:
        """Seconds that it may still take, as a time-out: never quite none."""
        return max(0.01, self._left + self._free)

    def open(self) -> None:
        """The server has let us in."""
        self._opened = True

    def begin(self) -> None:
        """An answer is awaited."""
        self._free = _FREE if self._opened else 0.0

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Whatever is done inside is waiting for the server."""
        began = time.monotonic()
        try:
            yield
        finally:
            self._spend(time.monotonic() - began)

    def _spend(self, seconds: float) -> None:
        free = min(self._free, seconds)
        self._free -= free
        self._left -= seconds - free

    def moved(self, size: int) -> None:
        """So many bytes came or went."""
        self._left += size / SLOWEST if self._opened else 0.0


class PatientReader:
    """Reads lines and blocks from a socket; each answer is timed from ``begin``.

    What was read ahead stays in it, so that ``waiting`` can say whether the far side has spoken.
    """

    def __init__(self, sock: socket.socket, timeout: float, allowance: Allowance | None = None) -> None:
        self.sock = sock
        self.timeout = timeout
        self._allowance = allowance or Allowance()
        self.lines_left: int | None = None  # of this answer; None for any number
        self._ahead = bytearray()
        self._began, self._received = time.monotonic(), 0

    def begin(self) -> None:
        """A new answer is awaited: start its clock."""
        self._began, self._received = time.monotonic(), 0
        self._allowance.begin()

    def readline(self, limit: int = -1) -> bytes:
        """One line with its end; without an end where the connection or ``limit`` bytes ended it."""
        if self.lines_left is not None:
            if not self.lines_left:
                raise ConnectionError("the answer has too many lines")
            self.lines_left -= 1
        searched = 0
        while (found := self._ahead.find(b"\n", searched)) < 0:
            searched = len(self._ahead)
            if 0 <= limit <= searched or not self._fill():
                break
        end = found + 1 or len(self._ahead)
        return self._take(end if limit < 0 else min(end, limit))

    def read(self, size: int) -> bytes:
        """Exactly ``size`` bytes; fewer where the connection ended."""
        parts = [self._take(size)]
        missing = size - len(parts[0])
        while missing and self._fill():
            parts.append(self._take(missing))
            missing -= len(parts[-1])
        return b"".join(parts)

    def waiting(self) -> bool:
        """Whether something was received that nobody has read yet."""
        pending = isinstance(self.sock, ssl.SSLSocket) and self.sock.pending() > 0
        return bool(self._ahead) or pending

    def look(self) -> bool:
        """Take in what has arrived, without waiting; whether anything did. ``EOFError`` at the end.

        A readable TLS socket may hold nothing for us (a session ticket), so a blocking read could hang.
        """
        self.begin()
        self.sock.settimeout(0)
        try:
            if not self._fill():
                raise EOFError
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        finally:
            self.sock.settimeout(self.timeout)
        return True

    def close(self) -> None:
        """Forget what was read ahead; the socket is its owner's to close."""
        self._ahead.clear()

    def _take(self, count: int) -> bytes:
        taken = bytes(self._ahead[:count])
        del self._ahead[:count]
        return taken

    def _fill(self) -> bool:
        """Receive something; False at the end of the connection, ``TimeoutError`` when it takes too long."""
        if time.monotonic() - self._began > self.timeout + self._received / SLOWEST:
            raise TimeoutError("the answer takes too long")
        data = self._receive()
        self._received += len(data)
        self._ahead += data
        return bool(data)

    def _receive(self) -> bytes:
        """What comes next; waits as long as the socket's time-out and the server's allowance say."""
        patience = self.sock.gettimeout()
        self.sock.settimeout(_shorter(patience, self._allowance.left))
        try:
            with self._allowance.waiting():
                data = self.sock.recv(_CHUNK)
        finally:
            self.sock.settimeout(patience)
        self._allowance.moved(len(data))
        return data


def _shorter(patience: float | None, left: float) -> float | None:
    return patience if math.isinf(left) else min(left, left if patience is None else patience)
