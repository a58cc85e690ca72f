r"""One pass over one folder, from its UID cursor: what is new goes to the ledger, once.

Seen is what the ledger holds, never ``\Seen`` and never a date. Where the server reports
nothing new, that one round trip is all. Knows nothing of what a mail says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from ticketd.collect.folder import Passed, Reading, align
from ticketd.collect.watched import WatchedConnection
from ticketd.decide.policy import Mailbox
from ticketd.errors import Unavailable
from ticketd.headway import Heard, unheard
from ticketd.store import Store

_NOTE_EVERY = timedelta(seconds=20)  # an idle poll costs a commit this often at most


class Poller:
    """Reads one folder of one mailbox. Belongs to one thread."""

    def __init__(
        self,
        store: Store,
        mailbox: Mailbox,
        folder: str,
        max_size: int,
        clock: Callable[[], datetime],
        *,
        has_room: Callable[[], bool] = lambda: True,
        between: Callable[[], bool] = lambda: True,
        heard: Heard = unheard,
    ) -> None:
        """``between`` is called after every batch; the pass ends early when it says False."""
        self._store, self._mailbox, self._folder = store, mailbox, folder
        self._max_size, self._clock = max_size, clock
        self._has_room, self._between, self._heard = has_room, between, heard
        self._quiet: tuple[int, int] | None = None  # the numbering under which all was read
        self._noted_at: datetime | None = None
        self._beside = ""  # what is wrong though the mailbox is read

    def poll(self, source: WatchedConnection, *, look: bool = False) -> Passed:
        """Bring what is new into the ledger; ``look`` even where the server reports nothing new.

        Raises ``Unavailable`` for whatever the server does, and where the disk is nearly full.
        """
        if not look and self._quiet and not source.anything_new(self._folder, self._quiet):
            self._note_success(idle=True)
            return Passed()
        self._quiet = None  # the news is out: whatever goes wrong below, look again next time
        if not self._has_room():
            raise Unavailable("The disk is nearly full: mail stays on the server until there is room.")
        aligned = align(self._store, self._mailbox, self._folder, source, self._clock())
        state, size = aligned.state, self._max_size
        reading = Reading(self._store, state, self._folder, size, self._clock, self._heard)
        if reading.read(source, self._between):
            self._quiet = None if reading.passed.refused else aligned.numbering
            self._note_success()
        return replace(reading.passed, rescanned=aligned.rescan)

    def failed(self, error: str) -> None:
        """Tell ``status`` why the mailbox cannot be read."""
        self._noted_at = self._quiet = None
        with self._store.begin("poll-failed") as tx:
            tx.poll_failed(self._mailbox.name, error, self._clock())

    def beside(self, trouble: str) -> bool:
        """Tell ``status`` what is wrong though the mailbox is read ("": nothing); whether it is news."""
        if trouble == self._beside:
            return False
        self._beside = trouble
        self._note_success()
        return True

    def _note_success(self, *, idle: bool = False) -> None:
        """Tell ``status`` that the mailbox was read to its end; after idle polls now and then."""
        now = self._clock()
        fresh = self._noted_at is not None and timedelta() <= now - self._noted_at < _NOTE_EVERY
        if idle and fresh:
            return
        with self._store.begin("polled") as tx:
            tx.poll_succeeded(self._mailbox.name, now, self._beside or None)
        self._noted_at = now
