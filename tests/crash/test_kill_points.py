"""Every journey killed at every point (``make soak``), the main ones at many: it ends as if undisturbed."""

from collections.abc import Iterator

import pytest

from tests.crash.grounds import grounds
from tests.crash.journeys import BATCH, FIRST_START, LATE, PARKED, REFUSED, Journey, story
from tests.crash.killer import Count, Ground, killed_everywhere
from tests.servers.dovecot import Dovecot
from tests.servers.postgres import Postgres

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.timeout(300)]

MAIN = story("main-top-posted")
SOMETIMES = [story("held-made-a-note"), story("parked-for-a-week"), BATCH, REFUSED, LATE, FIRST_START, PARKED]
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
        for ground in made:
            ground.idle_every = 4
        yield made


@pytest.fixture(scope="module")
def on_postgres(dovecot: Dovecot, postgres: Postgres) -> Iterator[list[Ground]]:
    with grounds(dovecot, postgres) as made:
        yield made


def play(journey: Journey, made: list[Ground], every: tuple[int, ...]) -> Count:
    """Kill a journey at every so many points of each of its steps."""
    count = Count()
    for number, (scene, stride) in enumerate(zip(made[0].scenes(journey), every, strict=False)):
        count += killed_everywhere(scene, made, range(1 + number % stride, len(scene.points) + 1, stride))
    print(f"{journey.name}: {count.points} kill points, {dict(count.kinds)}, {count.repeats} mails repeated")
    assert not count.findings, "\n\n".join(map(str, count.findings[:5]))
    return count


def test_the_main_job_killed_at_every_other_point(on_sqlite: list[Ground]) -> None:
    count = play(MAIN, on_sqlite, (2, 3))
    assert count.points >= 60
    assert set(count.kinds) == KINDS
    assert count.repeats >= 1, "nobody was killed while the server answered"


@pytest.mark.parametrize("journey", SOMETIMES, ids=lambda journey: journey.name)
def test_journeys_killed_at_some_points(on_sqlite: list[Ground], journey: Journey) -> None:
    assert play(journey, on_sqlite, (31,) * len(journey.steps)).points >= 4


def test_the_main_job_on_postgresql(on_postgres: list[Ground]) -> None:
    assert play(MAIN, on_postgres, (12,)).points >= 6
