"""While entered, SIGTERM and SIGINT ask to stop and SIGHUP to reload; only in the main thread.

A handler must be safe wherever it breaks in: what it is given to call may do no more than
set a flag and wake somebody. A second SIGINT ends the process on the spot, which loses nothing.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any


class Signals:
    """Who is to hear of signals; ``caught`` is the number of the one that asked to stop."""

    def __init__(self, stop: Callable[[], None], reload: Callable[[], None] | None = None) -> None:
        """Without ``reload``, SIGHUP asks to stop as well."""
        self._stop, self._reload = stop, reload
        self._before: dict[int, Any] = {}
        self.caught: int | None = None

    def __enter__(self) -> Signals:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGHUP and self._reload:
            self._reload()
            return
        self.caught = number
        if number == signal.SIGINT:
            signal.signal(number, signal.SIG_DFL)
        self._stop()
