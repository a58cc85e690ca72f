"""A bell that wakes a thread which waits on a socket: a pipe, so that both can be waited for at once."""

from __future__ import annotations

import os
import select
import threading
from contextlib import suppress


class Bell:
    """Anybody may ring; one thread waits."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        for end in (self._read, self._write):
            os.set_blocking(end, False)
        self._guard, self._closed = threading.RLock(), False

    def fileno(self) -> int:
        """Readable once the bell has rung."""
        return self._read

    def ring(self) -> None:
        """Wake whoever waits, now or next; ringing twice is ringing once."""
        with self._guard, suppress(BlockingIOError):  # blocking: it rings already
            if not self._closed:
                os.write(self._write, b"!")

    def wait(self, seconds: float) -> bool:
        """Wait until the bell rings; False when time is up."""
        poll = select.poll()
        poll.register(self._read, select.POLLIN)
        return bool(poll.poll(seconds * 1000))

    def hush(self) -> None:
        """Forget that it rang."""
        with suppress(BlockingIOError):
            os.read(self._read, 4096)

    def close(self) -> None:
        """Give back both ends; ringing a closed bell does nothing."""
        with self._guard:
            if not self._closed:
                self._closed = True
                os.close(self._read)
                os.close(self._write)
