import pytest

from ticketd.decide.acting.transition import TABLE, Happening, transition
from ticketd.decide.model import Status


def test_the_table_is_total() -> None:
    assert set(TABLE) == {(status, happening) for status in Status for happening in Happening}


@pytest.mark.parametrize("status", list(Status))
def test_a_person_opens(status: Status) -> None:
    assert transition(status, Happening.PERSON_WROTE) is Status.OPEN


@pytest.mark.parametrize("status", list(Status))
def test_a_permanent_bounce_opens(status: Status) -> None:
    assert transition(status, Happening.BOUNCED) is Status.OPEN


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("happening", [Happening.AUTOMATIC_CAME, Happening.AGENT_NOTED])
def test_robots_and_notes_change_nothing(status: Status, happening: Happening) -> None:
    assert transition(status, happening) is status


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("configured", list(Status))
def test_a_reply_leaves_the_configured_status(status: Status, configured: Status) -> None:
    assert transition(status, Happening.AGENT_REPLIED, after_reply=configured) is configured


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("happening", list(Happening))
@pytest.mark.parametrize("commanded", list(Status))
def test_a_command_beats_the_table(status: Status, happening: Happening, commanded: Status) -> None:
    assert transition(status, happening, commanded=commanded) is commanded
