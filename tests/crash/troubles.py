"""Troubles that come from inside the process: a mail that eats all memory or kills, work that hangs.

Made in a forked process, by name. What hangs goes on when the test says so; the promises
that the watchdog listens to are shortened, since a test cannot wait for minutes.
"""

from __future__ import annotations

import os
import resource
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ticketd import crew
from ticketd.collect import intake
from ticketd.deliver import dispatch

POISON = b"Subject: Question 2\r\n"  # the second mail's
_ROOM = 120_000_000  # bytes that a process may still take


def memory_runs_out() -> None:
    """Reading the second mail takes all memory that there is."""

    def eats() -> None:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + _ROOM
        resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
        hoard = []
        while True:
            hoard.append(bytearray(100_000))

    _at_parsing(eats)


def a_mail_kills() -> None:
    """Reading the second mail is the end of the process, as when the system is out of memory."""
    _at_parsing(lambda: os.kill(os.getpid(), signal.SIGKILL))


def parsing_hangs() -> None:
    """Reading the second mail takes for ever."""
    crew._ONE_MAIL = 0.5
    _at_parsing(lambda: threading.Event().wait())


def short_promises() -> None:
    """The dispatcher and the one who takes in are to be heard of within half a second."""
    crew._ONE_MAIL = dispatch._DEADLINE = 0.5
    dispatch._LOOK_EVERY = 0.1


def dispatching_hangs() -> None:
    """The dispatcher never comes back from its second look."""
    short_promises()
    launch, looks = dispatch.Dispatcher.launch_due, []

    def hangs(self: dispatch.Dispatcher) -> None:
        looks.append(1)
        if len(looks) > 1:
            threading.Event().wait()
        launch(self)

    dispatch.Dispatcher.launch_due = hangs  # type: ignore[method-assign]


def _at_parsing(trouble: Callable[[], None]) -> None:
    parse = intake.parse

    def parses(content: bytes, *rest: Any) -> Any:
        if POISON in content:
            trouble()
        return parse(content, *rest)

    intake.parse = parses


TROUBLES: dict[str, Callable[[], None]] = {
    "memory runs out": memory_runs_out,
    "a mail kills": a_mail_kills,
    "parsing hangs": parsing_hangs,
    "dispatching hangs": dispatching_hangs,
    "short promises": short_promises,
}
