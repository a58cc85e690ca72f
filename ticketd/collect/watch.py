"""One thread a mailbox: connect, poll, take in, tidy up, wait in IDLE or for the bell; and again.

Trouble of one mailbox stays its own: said once when it changes, backed off with jitter,
a refused login by minutes up to an hour. Knows nothing of what a mail says or who is told.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_when_event_set

from ticketd.collect.bell import Bell
from ticketd.collect.poll import Poller
from ticketd.collect.tidy import Tidier
from ticketd.collect.watched import WatchedConnection
from ticketd.decide import retry
from ticketd.errors import LoginRefused, TicketdError
from ticketd.progress import Progress
from ticketd.wire import FolderMissing, Refused, Server

_LONGEST_WAIT = timedelta(minutes=25)  # a server may hang up after 30 minutes of silence
_STEADY = 60.0  # seconds: a connection that lived so long was a good one
CONNECTING, READING = 300.0, 1500.0  # seconds within which a step ends: 50 MB at 50 KB/s are 1,000
_LASTING = timedelta(minutes=15)  # trouble that lasts so long is worth a mail to the admins

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Watch:
    """What one mailbox's worker works with.

    ``take_in`` takes in what was received and says how many mails; ``trouble`` is told,
    by kind and in words, of what the admins should mend. Whoever reads or takes in for
    long renews the promise of ``progress`` with each step.
    """

    name: str
    server: Callable[[], Server]
    poller: Poller
    tidier: Tidier
    take_in: Callable[[], int]
    trouble: Callable[[str, str], None]
    clock: Callable[[], datetime]
    poll_every: timedelta
    idle: bool = True
    progress: Progress = field(default_factory=lambda: Progress(CONNECTING))

    def visit(self, source: WatchedConnection, *, look: bool = False, tidy: bool = False) -> None:
        """Poll, take in, and file what was concluded; the connection's errors are the caller's."""
        passed = self.poller.poll(source, look=look)
        taken = self.take_in()
        self.progress.promise(READING)
        if source.opened and (tidy or taken or passed.received):
            self.tidier.tidy(source, self.clock())
            self._tell_of_filing()

    def _tell_of_filing(self) -> None:
        """Mail that is not filed as ``after_ingest`` wants stays where it is, and somebody must mend that."""
        trouble = self.tidier.trouble
        said = f"Mails cannot be filed as after_ingest says: {trouble}" if trouble else ""
        if self.poller.beside(said) and said:
            self.trouble("filing", f"{self.name}: {said}")

    def visit_once(self) -> str | None:
        """One visit on a connection of its own; the trouble in words, None when all went well."""
        try:
            with WatchedConnection.connect(self.server()) as source:
                self.visit(source, look=True, tidy=True)
        except TicketdError as error:
            self.poller.failed(str(error))
            log.warning("mailbox in trouble", mailbox=self.name, said=str(error))
            return str(error)
        return self.tidier.trouble or None


class MailboxWorker(threading.Thread):
    """Watches one mailbox until it is asked to stop."""

    def __init__(self, watch: Watch, predecessor: threading.Thread | None = None) -> None:
        """``predecessor`` is the mailbox's worker so far: this one begins when that one has ended."""
        super().__init__(name=f"mailbox-{watch.name}", daemon=True)
        self._watch, self._bell, self._predecessor = watch, Bell(), predecessor
        self._stop_asked, self._pause_over = threading.Event(), threading.Event()
        self._idle = watch.idle
        self._failures = self._refusals = 0
        self._connected_at: float | None = None
        self._trouble, self._trouble_since, self._told = "", 0.0, False
        self._log = log.bind(mailbox=watch.name)
        self.progress = watch.progress

    @property
    def troubled(self) -> bool:
        """Whether the mailbox cannot be read just now."""
        return bool(self._trouble)

    def poke(self) -> None:
        """Look now. A mailbox in trouble keeps to its pause."""
        self._bell.ring()

    def try_again(self) -> None:
        """Whatever was wrong may be mended: end the pause of a mailbox in trouble."""
        self._pause_over.set()

    def ask_to_stop(self) -> None:
        """Stop after the transaction in hand."""
        self._stop_asked.set()
        self._pause_over.set()
        self._bell.ring()

    def run(self) -> None:
        """Watch; after any trouble again, each time a little later."""
        retrying = Retrying(
            retry=retry_if_exception_type(Exception),
            wait=self._pause,
            sleep=self._sleep,
            stop=stop_when_event_set(self._stop_asked),
            retry_error_callback=lambda _: None,
        )
        try:
            self._wait_for_predecessor()
            if not self._stop_asked.is_set():
                retrying(self._serve)
        finally:
            self._bell.close()

    def _wait_for_predecessor(self) -> None:
        if self._predecessor is not None:
            self.progress.promise(2 * READING)
            self._predecessor.join()
            self._predecessor = None

    def _serve(self) -> None:
        """One connection from its beginning to its end; first, what an earlier one left to take in."""
        self.progress.promise(READING)
        self._watch.take_in()
        self.progress.promise(CONNECTING)
        with WatchedConnection.connect(self._watch.server()) as source:
            self._connected_at = time.monotonic()
            look, first = False, True
            while not self._stop_asked.is_set():
                self._bell.hush()
                self.progress.promise(READING)
                self._watch.visit(source, look=look, tidy=first)
                self._recovered()
                look, first = self._wait(source), False

    def _wait(self, source: WatchedConnection) -> bool:
        """Until the server speaks (True), the bell rings or time is up (False)."""
        seconds = min(2 * self._watch.poll_every, _LONGEST_WAIT).total_seconds()
        self.progress.promise(seconds + CONNECTING)
        if self._idle and "IDLE" in source.capabilities:
            try:
                return source.idle_wait(seconds, self._bell.fileno())
            except Refused as refusal:
                self._idle = False
                self._log.warning("server refuses IDLE, polling alone", said=str(refusal))
        self._bell.wait(seconds)
        return False

    def _sleep(self, seconds: float) -> None:
        self.progress.promise(seconds + CONNECTING)
        self._pause_over.wait(seconds)
        if not self._stop_asked.is_set():
            self._pause_over.clear()

    def _pause(self, state: RetryCallState) -> float:
        """Note the trouble, and say how long to leave the server alone (seconds)."""
        error = state.outcome.exception() if state.outcome else None
        assert isinstance(error, Exception)
        if self._connected_at and time.monotonic() - self._connected_at > _STEADY:
            self._failures = 0
        self._connected_at = None
        self._failures += 1
        self._refusals = self._refusals + 1 if isinstance(error, LoginRefused) else 0
        if not self._stop_asked.is_set():
            self._note_guarded(error)
        if self._refusals:
            return retry.login_pause(self._refusals).total_seconds()
        return retry.reconnect_pause(self._failures, self._watch.name).total_seconds()

    def _note_guarded(self, error: Exception) -> None:
        """Whatever goes wrong with telling of trouble, the mailbox is watched on."""
        try:
            self._note(error)
        except Exception:  # noqa: BLE001 -- whatever it is, the mailbox is watched on
            self._log.exception("trouble could not be noted")

    def _note(self, error: Exception) -> None:
        """Say it once when it changes; tell the admins of what they must mend, or what lasts."""
        said = str(error) if isinstance(error, TicketdError) else f"{type(error).__name__}: {error}"
        if _shape(said) != _shape(self._trouble):
            expected = isinstance(error, TicketdError)
            self._log.error("mailbox in trouble", said=said, exc_info=None if expected else error)
            self._trouble_since = self._trouble_since or time.monotonic()
            self._trouble, self._told = said, False
            with suppress(TicketdError):  # the database itself may be the trouble
                self._watch.poller.failed(said)
        lasting = time.monotonic() - self._trouble_since > _LASTING.total_seconds()
        if not self._told and (lasting or isinstance(error, LoginRefused | FolderMissing)):
            self._told = True
            kind = "login" if isinstance(error, LoginRefused) else "mailbox"
            with suppress(TicketdError):
                self._watch.trouble(kind, f"The mailbox {self._watch.name} is not read: {said}")

    def _recovered(self) -> None:
        self._refusals = 0
        if self._trouble:
            self._log.info("mailbox works again")
            self._trouble, self._trouble_since, self._told = "", 0.0, False


def _shape(text: str) -> str:
    """A sentence without its numbers: servers add times and counters that mean no change."""
    return "".join(char for char in text if not char.isdigit())
