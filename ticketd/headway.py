"""How far a long reading is: a bar on a terminal; elsewhere a line in the log now and then.

Told by whoever fetches mails or takes them in, of which it knows nothing but their number.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

MANY = 100  # fewer mails are done before anybody could read how far it is
EVERY_MAILS, EVERY_SECONDS = 5000, 60.0

Heard = Callable[[str, int, int], None]
"""What is being done, how many mails of it are, out of how many."""

log = structlog.get_logger()


def unheard(what: str, done: int, total: int) -> None:
    """Nobody wants to know."""


@contextmanager
def shown() -> Iterator[Callable[[str], Heard]]:
    """Who is to be told of a mailbox's headway: bars on a terminal, else the log."""
    if not sys.stderr.isatty():
        yield Lines
        return
    bars = Bars()
    try:
        yield bars.of
    finally:
        bars.close()


class Lines:
    """A line in the log every so many mails or seconds; the last one only where others went before."""

    def __init__(self, mailbox: str, elapsed: Callable[[], float] = time.monotonic) -> None:
        self._log, self._elapsed = log.bind(mailbox=mailbox), elapsed
        self._said: dict[str, tuple[int, float, bool]] = {}  # when last, and whether anything was

    def __call__(self, what: str, done: int, total: int) -> None:
        """Hear how far it is; say so where it is time."""
        now = self._elapsed()
        mails, at, spoke = self._said.setdefault(what, (done, now, False))
        ended = done >= total
        if (ended and spoke) or done - mails >= EVERY_MAILS or now - at >= EVERY_SECONDS:
            self._log.info("importing", **{what.replace(" ", "_"): done}, out_of=total)
            self._said[what] = (done, now, True)
        if ended:
            del self._said[what]


class Bars:
    """A bar for each mailbox and what is done in it, while there is much to do. Safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shown: Progress | None = None
        self._bars: dict[tuple[str, str], TaskID] = {}

    def of(self, mailbox: str) -> Heard:
        """Who is to be told of one mailbox's headway."""
        return partial(self._hear, mailbox)

    def _hear(self, mailbox: str, what: str, done: int, total: int) -> None:
        with self._lock:
            key = (mailbox, what)
            if key not in self._bars and done < total >= MANY:
                self._shown = self._shown or _new_bars()
                self._bars[key] = self._shown.add_task(f"{mailbox}: {what}", total=total)
            if key in self._bars and self._shown:
                self._shown.update(self._bars[key], completed=done, total=total)
                if done >= total:
                    del self._bars[key]
            if not self._bars:
                self._hide()

    def close(self) -> None:
        """Give the terminal back."""
        with self._lock:
            self._bars.clear()
            self._hide()

    def _hide(self) -> None:
        if self._shown:
            self._shown.stop()
            self._shown = None


def _new_bars() -> Progress:
    """Bars on standard error; what is logged meanwhile goes above them."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    name = TextColumn("{task.description}", markup=False)
    columns = (name, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bars = Progress(*columns, console=Console(stderr=True), refresh_per_second=4)
    bars.start()
    return bars
