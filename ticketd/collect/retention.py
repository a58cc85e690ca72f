"""Drop raw mails that are older than the desk keeps them; never on the word of a clock that jumped.

A clock set forward by years would make every mail old, so what is dropped is dropped only
while the wall's clock and the monotonic one agree to a day.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from ticketd.store import Store

_JUMP = timedelta(days=1)
log = structlog.get_logger()


class Retention:
    """Remembers when it was made, by both clocks."""

    def __init__(
        self, store: Store, clock: Callable[[], datetime], elapsed: Callable[[], float] = time.monotonic
    ) -> None:
        self._store, self._clock, self._elapsed = store, clock, elapsed
        self._made_at, self._mark = clock(), elapsed()

    def drop(self, keep: timedelta | None) -> int:
        """Drop the bytes of mails that came longer ago than ``keep`` (None: keep all); how many."""
        if keep is None:
            return 0
        now = self._clock()
        passed = timedelta(seconds=self._elapsed() - self._mark)
        if abs((now - self._made_at) - passed) > _JUMP:
            log.error("the clock jumped: no raw mail is dropped", clock=now.isoformat())
            return 0
        count = 0
        while True:
            with self._store.begin("retention") as tx:
                dropped = tx.drop_raw(now - keep)
            count += dropped
            if not dropped:
                break
        if count:
            log.info("dropped", raw_mails=count)
        return count
