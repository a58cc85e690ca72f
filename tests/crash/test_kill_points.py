"""Every journey killed at every point (``make soak``), the main ones at many: it ends as if undisturbed."""

from collections.abc import Iterator

import pytest

from tests.crash.grounds import grounds
from tests.crash.journeys import BATCH, FIRST_START, LATE, REFUSED, Journey, story
from tests.crash.killer import Count, Ground, killed_everywhere
from tests.servers.dovecot import Dovecot
from tests.servers.postgres import Postgres

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.timeout(300)]

MAIN = story("main-top-posted")
OFTEN = [
    MAIN,
    story("note-and-answer"),
    story("held-made-a-note"),
    story("snooze"),
    BATCH,
    REFUSED,
    LATE,
    FIRST_START,
]
KINDS = {
    "before-commit",
    "after-commit",
    "before-imap",
    "after-imap",
    "before-smtp",
    "after-smtp",
    "answered-smtp",
}


@pytest.fixture(scope="module")
def on_sqlite(dovecot: Dovecot) -> Iterator[list[Ground]]:
    with grounds(dovecot) as made:
        yield made


@pytest.fixture(scope="module")
def on_postgres(dovecot: Dovecot, postgres: Postgres) -> Iterator[list[Ground]]:
    with grounds(dovecot, postgres) as made:
        yield made


def play(journey: Journey, made: list[Ground], every: int, steps: int | None = None) -> Count:
    """Kill a journey at every ``every``-th point of its first steps."""
    count = Count()
    for number, scene in enumerate(made[0].scenes(journey)):
        if steps is not None and number >= steps:
            break
        first = 1 + number % every
        count += killed_everywhere(scene, made, range(first, len(scene.points) + 1, every))
    return count


def report(count: Count, journey: Journey) -> None:
    print(f"{journey.name}: {count.points} kill points, {dict(count.kinds)}, {count.repeats} mails repeated")
    assert not count.findings, "\n\n".join(map(str, count.findings[:5]))


def test_the_main_job_killed_at_every_point_of_its_first_steps(on_sqlite: list[Ground]) -> None:
    count = play(MAIN, on_sqlite, every=1, steps=2)
    report(count, MAIN)
    assert count.points >= 120
    assert set(count.kinds) == KINDS
    assert count.repeats >= 1, "nobody was killed while the server answered"


@pytest.mark.parametrize("journey", OFTEN, ids=lambda journey: journey.name)
def test_journeys_killed_at_some_points(on_sqlite: list[Ground], journey: Journey) -> None:
    count = play(journey, on_sqlite, every=17)
    report(count, journey)
    assert count.points >= 4


def test_the_main_job_on_postgresql(on_postgres: list[Ground]) -> None:
    count = play(MAIN, on_postgres, every=9, steps=2)
    report(count, MAIN)
    assert count.points >= 15
