"""A worker's promise of when it will be heard of next, for the watchdog.

Monotonic time, so that a clock that jumps breaks no promise. Knows nothing of workers.
"""

from __future__ import annotations

import time


class Progress:
    """One worker's promise. Written by the worker, read by the watchdog."""

    def __init__(self, seconds: float = 60.0) -> None:
        self.promise(seconds)

    def promise(self, seconds: float) -> None:
        """I shall be back within ``seconds``: said before each step that may take long."""
        self._due = time.monotonic() + seconds

    @property
    def kept(self) -> bool:
        """Whether the promise still holds."""
        return self.left >= 0

    @property
    def left(self) -> float:
        """Seconds until the promise is broken."""
        return self._due - time.monotonic()
