"""The clock that enqueues work: pokes the polls, ticks every minute, reconciles at night.

Jobs here last microseconds: they ring bells and start errands, since a job that hangs
would hold up the others, and a clock put back would stop them all (``Schedule.restart``).
Knows nothing of what the work is.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from ticketd.errors import TicketdError
from ticketd.progress import Progress

_HEARTBEAT, _HEARD_WITHIN = timedelta(seconds=15), 60.0
_DAY = 86_400.0  # seconds

log = structlog.get_logger()


class Errands:
    """Work that runs aside, each kind in a thread of its own and never twice at a time."""

    def __init__(self) -> None:
        self._running: dict[str, threading.Thread] = {}
        self._troubles: dict[str, str] = {}
        self._promises: dict[str, Progress] = {}

    def start(self, name: str, work: Callable[[], object], within: float = _DAY) -> bool:
        """Begin, unless the same is still being done; whether it began. ``within``: seconds it may take."""
        running = self._running.get(name)
        if running is not None and running.is_alive():
            return False
        self._promises[name] = Progress(within)
        thread = threading.Thread(target=self._run, args=(name, work), name=name, daemon=True)
        self._running[name] = thread
        thread.start()
        return True

    def late(self) -> list[str]:
        """Which of those that run should have ended by now."""
        running = [name for name, thread in list(self._running.items()) if thread.is_alive()]
        return [name for name in running if not self._promises[name].kept]

    def _run(self, name: str, work: Callable[[], object]) -> None:
        """Trouble is said once, when it changes; such as we do not foresee with its traceback."""
        trouble = ""
        try:
            work()
        except Exception as error:
            trouble = f"{type(error).__name__}: {error}"
            if trouble != self._troubles.get(name):
                foreseen = isinstance(error, TicketdError)
                log.warning("errand failed", errand=name, said=str(error), exc_info=not foreseen)
        self._troubles[name] = trouble

    def wait(self, seconds: float) -> bool:
        """Wait for all of them; whether they ended in time."""
        until = Progress(seconds)
        for thread in list(self._running.values()):
            thread.join(max(0.0, until.left))
        return not any(thread.is_alive() for thread in self._running.values())


class _Every(IntervalTrigger):  # type: ignore[misc]  # apscheduler ships no types
    """Every so often. Times that a clock put forward jumps over are not counted one by one.

    APScheduler would list them all: after 400 days that is minutes and gigabytes.
    """

    def __init__(self, every: timedelta, begin: datetime | None = None) -> None:
        super().__init__(seconds=every.total_seconds(), start_date=begin, timezone=UTC)

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """The next time after ``now``, in step with the times before it."""
        if previous_fire_time and previous_fire_time < now:
            previous_fire_time += (now - previous_fire_time) // self.interval * self.interval
        following: datetime | None = super().get_next_fire_time(previous_fire_time, now)
        return following


class Schedule:
    """Calls ``poke(name)`` as often as each mailbox is polled, ``tick`` each minute, ``nightly`` at night."""

    def __init__(
        self, poke: Callable[[str], None], tick: Callable[[], object], nightly: Callable[[], object]
    ) -> None:
        self._poke, self._tick, self._nightly = poke, tick, nightly
        self._polls: dict[str, timedelta] = {}
        self._scheduler: BackgroundScheduler | None = None
        self.progress = Progress(_HEARD_WITHIN)

    def start(self, polls: Mapping[str, timedelta]) -> None:
        """Begin, polling each named mailbox at its interval."""
        self._polls = dict(polls)
        self._scheduler = BackgroundScheduler(
            jobstores={"default": MemoryJobStore()},
            executors={"default": ThreadPoolExecutor(2)},
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
            timezone=UTC,
        )
        add = self._scheduler.add_job
        add(self._beat, _Every(_HEARTBEAT))
        add(self._tick, _Every(timedelta(minutes=1)), next_run_time=datetime.now(UTC))
        add(self._nightly, "cron", hour=3, minute=17)
        for place, (name, every) in enumerate(self._polls.items()):
            # spread over the interval, so that a hundred mailboxes do not wake at once
            begin = datetime.now(UTC) + every * ((place + 1) / len(self._polls))
            add(self._poke, _Every(every, begin), args=[name])
        self.progress.promise(_HEARD_WITHIN)
        self._scheduler.start()

    def follow(self, polls: Mapping[str, timedelta]) -> None:
        """Other mailboxes, or other intervals."""
        if dict(polls) != self._polls:
            self.stop()
            self.start(polls)

    def restart_if_late(self) -> None:
        """Begin anew when the clock was put back so far that no job would run for long."""
        if not self.progress.kept:
            log.warning("the clock's jobs are late, starting them anew")
            self.stop()
            self.start(self._polls)

    def stop(self) -> None:
        """No more jobs; those that run are microseconds from their end."""
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=False)
            self._scheduler = None

    def _beat(self) -> None:
        self.progress.promise(_HEARD_WITHIN)
