"""Commits the fate of an outbox row: its state, when it is due again, who is told, what the log says.

After the server's 250 nothing matters more than that this is written: while the database
is in trouble it is tried again and nothing else is sent. Knows no SMTP but its replies.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from ticketd.decide import retry
from ticketd.decide.outcome import Reply, Settle, State, Whose, judge, settled
from ticketd.decide.policy import Policy
from ticketd.deliver import tell
from ticketd.deliver.insist import insist
from ticketd.errors import TicketdError
from ticketd.log import without_addresses
from ticketd.progress import Progress
from ticketd.store import Claimed, Store, Transaction

_LAST_WORDS = 500  # characters of the server's answer that are kept
_VERBS = {
    State.SENT: ("sent", "info"),
    State.WAITING: ("deferred", "warning"),
    State.UNSURE: ("deferred", "warning"),
    State.FAILED: ("refused", "error"),
    State.CANCELLED: ("refused", "info"),
}

log = structlog.get_logger()


class Settler:
    """Settles the rows of one mailbox, and remembers how its account fares."""

    def __init__(
        self,
        store: Store,
        mailbox: str,
        policy: Callable[[], Policy],
        clock: Callable[[], datetime],
        stop: threading.Event,
        progress: Progress,
    ) -> None:
        self._store, self._mailbox = store, mailbox
        self._policy, self._clock, self._stop = policy, clock, stop
        self._progress = progress
        self._failures = 0
        self._works = False  # not known yet: an earlier process may have left the account held
        self._trouble = ""

    def settle(self, row: Claimed, reply: Reply) -> Settle:
        """Commit what ``reply`` means for ``row``, and say what that was."""
        settle = settled(reply, row.kind, doubted=row.doubts > 0)
        doubtful = settle.state is State.FAILED and judge(reply).state is State.UNSURE
        self._commit(row, settle, str(reply), doubtful=doubtful)
        return settle

    def cancel(self, row: Claimed, why: str) -> Settle:
        """Commit that ``row`` is not sent any more."""
        settle = Settle(State.CANCELLED)
        self._commit(row, settle, why)
        return settle

    def _commit(self, row: Claimed, settle: Settle, said: str, *, doubtful: bool = False) -> None:
        settle, following = plan(row, settle, self._clock())
        self._say(row, settle, said)
        # Where a stop comes first, the row is leased and past the dot: the next start knows it as unsure.
        insist(
            lambda: self._write(row, settle, said, following, doubtful=doubtful),
            self._stop,
            self._mailbox,
            self._progress,
        )

    def _write(
        self, row: Claimed, settle: Settle, said: str, following: datetime | None, *, doubtful: bool
    ) -> None:
        """One transaction; where telling fails for a reason of ours, the fate itself is still written.

        Once only: after a commit whose answer was lost the row is not leased any more, and
        nobody is told a second time.
        """
        now = self._clock()
        try:
            with self._store.begin("settle") as tx:
                if self._write_state(tx, row, settle, said, following, now):
                    tell.fate(tx, row, settle, said, self._policy(), now, doubtful=doubtful)
        except TicketdError:
            raise
        except Exception:
            log.exception("nobody could be told", mailbox=self._mailbox, row=row.id, ticket=row.ticket)
            with self._store.begin("settle") as tx:
                self._write_state(tx, row, settle, said, following, now)
        self._remember(settle, said)

    def _write_state(
        self,
        tx: Transaction,
        row: Claimed,
        settle: Settle,
        said: str,
        following: datetime | None,
        now: datetime,
    ) -> bool:
        """Whether the row was still ours to settle."""
        sent, said = settle.state is State.SENT, said[:_LAST_WORDS]
        ours = tx.settle(
            row.id,
            settle.state.value,
            now,
            next_attempt_at=following,
            error=None if sent else said,
            response=said if sent else None,
            lease=row.lease_until,
        )
        if settle.holds_account:
            tx.hold_account(self._mailbox, now + self._pause(settle), said)
        elif not self._works:
            tx.clear_account(self._mailbox)
        return ours

    def _pause(self, settle: Settle) -> timedelta:
        pause = retry.login_pause if settle.whose is Whose.LOGIN else retry.account_pause
        return pause(self._failures + 1)

    def _remember(self, settle: Settle, said: str) -> None:
        self._works = not settle.holds_account
        self._failures = self._failures + 1 if settle.holds_account else 0
        self._trouble = said if settle.holds_account else ""

    def _say(self, row: Claimed, settle: Settle, said: str) -> None:
        """One line an attempt; an account's trouble is told on change alone."""
        if settle.holds_account and said == self._trouble:
            return
        verb, level = _VERBS[settle.state]
        bound = log.bind(mailbox=self._mailbox, ticket=row.ticket, message_id=row.message_id)
        getattr(bound, level)(
            verb, kind=str(row.kind), row=row.id, state=settle.state.value, said=without_addresses(said)
        )


def plan(row: Claimed, settle: Settle, now: datetime) -> tuple[Settle, datetime | None]:
    """When the row is due again; one that was deferred for 48 hours has failed."""
    if settle.state is State.UNSURE:
        return settle, now + retry.AGAIN_WHEN_UNSURE
    if settle.state is not State.WAITING:
        return settle, None
    if settle.holds_account:
        return settle, now  # due as soon as the account is
    deferred = settle.whose is Whose.RECIPIENT
    following = retry.next_attempt(row.attempts, row.created_at, now, row.id, recipient_deferred=deferred)
    return (settle, following) if following else (replace(settle, state=State.FAILED), None)
