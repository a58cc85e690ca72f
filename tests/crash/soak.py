"""The long runs of the crash suite, bounded under an hour, and their counts as a table for README.

    make soak                        everything
    python -m tests.crash.soak 0.1   a tenth of it

Every journey killed at every point on both databases, the daemon killed at random, and
twenty thousand mails while servers and the process fail and recover.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

from tests.crash.grounds import grounds
from tests.crash.journeys import all_journeys, some_journeys
from tests.crash.killer import Count, Ground, killed_everywhere
from tests.crash.random_kill import Toll, run
from tests.crash.weather import storm
from tests.servers.dovecot import Dovecot
from tests.servers.postgres import Postgres

MINUTE = 60.0
TIMES = {"points": 17 * MINUTE, "points on PostgreSQL": 8 * MINUTE, "random": 200, "mails": 20_000}


@dataclass(frozen=True)
class Line:
    """A row of the table."""

    what: str
    database: str
    kills: int
    mails: int
    lost: int
    wrong: int
    repeats: int
    other_bytes: int

    def __str__(self) -> str:
        cells = (self.what, self.database, self.kills, self.mails, self.lost, self.wrong, self.repeats)
        same = "all" if not self.other_bytes else f"all but {self.other_bytes}"
        return (
            "| "
            + " | ".join(f"{cell:,}" if isinstance(cell, int) else cell for cell in (*cells, same))
            + " |"
        )


HEAD = (
    "| run | database | kills or faults | mails | lost | wrong end states | sent once more"
    " | under the same Message-ID, with the same bytes |\n|---|---|---:|---:|---:|---:|---:|---|"
)


def kill_points(dovecot: Dovecot, postgres: Postgres | None, seconds: float) -> Line:
    """Journeys killed at every point; where time is short, at every second, third … of them.

    All journeys on SQLite; on PostgreSQL, whose databases are slow to copy, the telling ones.
    """
    began, total, journeys = time.monotonic(), Count(), list(some_journeys() if postgres else all_journeys())
    with grounds(dovecot, postgres) as made:
        for number, journey in enumerate(journeys):
            left = seconds - (time.monotonic() - began)
            total += _journey(made, journey, left / (len(journeys) - number))
            progress(f"{journey.name}: {total.points} kill points, {len(total.findings)} findings")
    for finding in total.findings[:20]:
        progress(str(finding))
    wrong = len({one.where for one in total.findings})
    name = "PostgreSQL" if postgres else "SQLite"
    return Line(
        "killed at every step, resumed",
        name,
        total.points,
        total.mails,
        total.of("mail lost"),
        wrong,
        total.repeats,
        total.of("other bytes"),
    )


def _journey(made: Sequence[Ground], journey, seconds: float) -> Count:
    total, steps = Count(), len(journey.steps)
    began = time.monotonic()
    for number, scene in enumerate(made[0].scenes(journey)):
        left = max(1.0, seconds - (time.monotonic() - began)) / (steps - number)
        pace = _PACE[0]
        every = max(1, round(len(scene.points) * pace / left))
        numbers = range(1 + number % every, len(scene.points) + 1, every)
        start = time.monotonic()
        total += killed_everywhere(scene, made, numbers)
        _PACE[0] = (time.monotonic() - start) / len(numbers)
    return total


_PACE = [0.25]  # seconds a kill took of late


def random_kills(postgres: Postgres | None, times: int) -> Line:
    """The real daemon killed at random moments under load."""
    toll = run(times, postgres.new_database() if postgres else "", random.randrange(1_000_000))
    progress(str(toll))
    return _line("daemon killed at random under load", "PostgreSQL" if postgres else "SQLite", toll)


def long_storm(mails: int) -> Line:
    """Many mails while faults are switched on and off."""
    toll = storm(mails, random.Random(), progress)
    progress(str(toll))
    return _line("mails in changing weather", "SQLite", toll)


def _line(what: str, database: str, toll: Toll) -> Line:
    wrong = toll.doubled + toll.unfinished
    return Line(what, database, toll.kills, toll.mails, toll.lost, wrong, toll.repeats, toll.other_bytes)


def progress(text: str) -> None:
    """Say on standard error what is going on."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def main(share: float) -> int:
    """Run all of it, or a share; 1 where anything was lost or wrong."""
    dovecot, postgres = Dovecot(), Postgres()
    with ExitStack() as stack:
        for server in (dovecot, postgres):
            stack.callback(server.stop)
            server.start()
        parts: list[Callable[[], Line]] = [
            partial(kill_points, dovecot, None, TIMES["points"] * share),
            partial(kill_points, dovecot, postgres, TIMES["points on PostgreSQL"] * share),
            partial(random_kills, None, round(TIMES["random"] * share)),
            partial(random_kills, postgres, round(TIMES["random"] * share)),
            partial(long_storm, round(TIMES["mails"] * share)),
        ]
        lines = [part() for part in parts]
    print(HEAD, *lines, sep="\n")
    return int(any(line.lost or line.wrong or line.other_bytes for line in lines))


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0))
