"""The harness finds old mistakes that are planted in the program: were it blind, this would fail."""

from collections.abc import Iterator

import pytest

from tests.crash.grounds import grounds
from tests.crash.journeys import story
from tests.crash.killer import Ground, Scene, killed_everywhere
from tests.servers.dovecot import Dovecot

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.timeout(300)]

FOUND = {
    "cursor before bytes": "mail lost",
    "settle before submit": "mail lost",
    "a transaction per effect": "wrong end state",
    "the dot is not marked": "sent twice",
    "doubt ends all": "mail lost",
}
AT_ONCE = 8


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
    planted = made[0].planted(scene)
    numbers = [
        number
        for number, point in enumerate(planted.points, 1)
        if point.startswith(("after-commit", "answered-smtp:dot"))
    ]
    found: set[str] = set()
    while numbers and FOUND[mistake] not in found:
        some, numbers = numbers[:AT_ONCE], numbers[AT_ONCE:]
        found |= {one.what for one in killed_everywhere(planted, made, some).findings}
    assert FOUND[mistake] in found


def test_without_a_mistake_nothing_is_found(made: list[Ground], scene: Scene) -> None:
    for each in made:
        each.plant = ""
    assert not killed_everywhere(scene, made, range(4, len(scene.points), 24)).findings
