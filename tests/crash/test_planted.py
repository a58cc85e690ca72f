"""The harness finds old mistakes that are planted in the program: were it blind, this would fail."""

from collections.abc import Iterator

import pytest

from tests.crash.grounds import grounds
from tests.crash.journeys import story
from tests.crash.killer import Ground, Scene, killed_everywhere
from tests.servers.dovecot import Dovecot

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.timeout(300)]

# What each mistake leads to, and where a process must die to show it.
FOUND = {
    "cursor before bytes": ("mail lost", "after-commit:cursor"),
    "settle before submit": ("mail lost", "after-commit:settle"),
    "a transaction per effect": ("wrong end state", "after-commit:effect"),
    "the dot is not marked": ("sent twice", "answered-smtp:dot"),
    "the dot is marked too late": ("sent twice", "answered-smtp:dot"),
    "doubt is forgotten": ("sent twice", "answered-smtp:dot"),
    "doubt ends all": ("mail lost", "after-commit:mark-dot"),
    "the outcome apart": ("wrong end state", "after-commit:undecided"),
}


@pytest.fixture(scope="module")
def made(dovecot: Dovecot) -> Iterator[list[Ground]]:
    with grounds(dovecot) as each:
        yield each


@pytest.fixture(scope="module")
def scene(made: list[Ground]) -> Scene:
    return next(made[0].scenes(story("main-top-posted")))


@pytest.mark.parametrize("mistake", FOUND)
def test_a_planted_mistake_is_found(made: list[Ground], scene: Scene, mistake: str) -> None:
    for each in made:
        each.plant = mistake
    planted, (what, where) = made[0].planted(scene), FOUND[mistake]
    numbers = [number for number, point in enumerate(planted.points, 1) if point == where]
    assert what in {one.what for one in killed_everywhere(planted, made, numbers).findings}


def test_without_a_mistake_nothing_is_found(made: list[Ground], scene: Scene) -> None:
    for each in made:
        each.plant = ""
    assert not killed_everywhere(scene, made, range(4, len(scene.points), 24)).findings
