"""Starts a courier for each mailbox with due mail, each in a thread of its own.

One hung server holds one thread and no other mailbox. Wakes when somebody in this
process queued mail, and every two seconds for what others queued or what has become due.
Knows nothing of SMTP.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from datetime import datetime

import structlog

from ticketd.deliver.courier import Courier, Tally
from ticketd.errors import TicketdError
from ticketd.progress import Progress
from ticketd.store import Store

_LOOK_EVERY = 2.0  # seconds: one small indexed query
_DEADLINE = 120.0

log = structlog.get_logger()


class Dispatcher(threading.Thread):
    """Sees to it that due mail is being delivered."""

    def __init__(
        self,
        store: Store,
        mailboxes: Callable[[], Collection[str]],
        make_courier: Callable[[str, threading.Event], Courier],
        clock: Callable[[], datetime],
    ) -> None:
        super().__init__(name="dispatch", daemon=True)
        self._store, self._mailboxes, self._clock = store, mailboxes, clock
        self._make_courier = make_courier
        self._couriers: dict[str, Courier] = {}
        self._busy: dict[str, threading.Thread] = {}
        self._wake, self._stop_asked = threading.Event(), threading.Event()
        self._trouble = ""
        self.progress = Progress(_DEADLINE)

    def notify(self) -> None:
        """Somebody queued mail: look now."""
        self._wake.set()

    def run(self) -> None:
        """Look, launch, wait; a database in trouble is looked at again, never given up."""
        while not self._stop_asked.is_set():
            self.progress.promise(_DEADLINE)
            self._wake.clear()
            try:
                self.launch_due()
                self._trouble = ""
            except Exception as error:  # noqa: BLE001 -- whatever it is, the post goes on
                self._report_once(error)
            self._wake.wait(_LOOK_EVERY)

    def launch_due(self) -> None:
        """Start a courier for every mailbox that has due mail and none at work."""
        with self._store.begin("due") as tx:
            due = tx.due_mailboxes(self._clock())
        for mailbox in due:
            if mailbox in self._mailboxes() and not self._is_busy(mailbox):
                self._launch(mailbox)

    def deliver_once(self) -> dict[str, Tally]:
        """Deliver all that is due, each mailbox side by side, and wait for the end of it."""
        tallies: dict[str, Tally] = {}
        with self._store.begin("due") as tx:
            due = [name for name in tx.due_mailboxes(self._clock()) if name in self._mailboxes()]
        threads = [self._thread(name, tallies) for name in due]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return tallies

    def late(self) -> list[str]:
        """Who at work here has not been heard of by the time promised: ourselves, or a courier."""
        couriers = [f"courier of {name}" for name in list(self._busy) if self._is_late(name)]
        return couriers if self.progress.kept else ["dispatcher", *couriers]

    def _is_late(self, mailbox: str) -> bool:
        return self._is_busy(mailbox) and not self._couriers[mailbox].progress.kept

    def ask_to_stop(self) -> None:
        """Claim no more mails."""
        self._stop_asked.set()
        self._wake.set()

    def stop(self, timeout: float) -> bool:
        """Stop claiming and wait for the mail in hand; whether all couriers came back in time."""
        self.ask_to_stop()
        deadline = Progress(timeout)
        for thread in (*self._busy.values(), self):
            if thread.is_alive():
                thread.join(max(0.0, deadline.left))
        return not any(thread.is_alive() for thread in self._busy.values())

    def _is_busy(self, mailbox: str) -> bool:
        thread = self._busy.get(mailbox)
        return thread is not None and thread.is_alive()

    def _launch(self, mailbox: str) -> None:
        self._busy[mailbox] = self._thread(mailbox, {})
        self._busy[mailbox].start()

    def _thread(self, mailbox: str, tallies: dict[str, Tally]) -> threading.Thread:
        courier = self._couriers.get(mailbox)
        if courier is None:
            courier = self._couriers[mailbox] = self._make_courier(mailbox, self._stop_asked)
        return threading.Thread(
            target=self._deliver, args=(mailbox, courier, tallies), name=f"deliver-{mailbox}", daemon=True
        )

    def _deliver(self, mailbox: str, courier: Courier, tallies: dict[str, Tally]) -> None:
        try:
            tallies[mailbox] = courier.run()
        except TicketdError as error:  # the database: the dispatcher meets it next, and says so once
            log.warning("delivery stopped", mailbox=mailbox, said=str(error))
            tallies[mailbox] = Tally(unusable=str(error))
        except Exception:
            log.exception("delivery failed", mailbox=mailbox)
            tallies[mailbox] = Tally(unusable="internal error, see the log")

    def _report_once(self, error: Exception) -> None:
        if str(error) != self._trouble:
            self._trouble = str(error)
            log.exception("outbox cannot be read", exc_info=error)
