from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.journeys.stage import Stage
from ticketd.collect.retention import Retention
from ticketd.store import Store

MAIL = (
    b"From: jane@example.org\r\nTo: support@example.com\r\nSubject: x\r\n"
    b"Message-ID: <1@x.test>\r\n\r\nHello\r\n"
)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    store = Store.open(f"sqlite:///{tmp_path / 'ticketd.db'}")
    store.migrate()
    stage = Stage(store, tmp_path)
    stage.send(MAIL)
    yield stage
    store.close()


def test_old_bytes_go_and_the_ticket_stays(stage: Stage) -> None:
    elapsed = [0.0]
    retention = Retention(stage.store, stage.clock, lambda: elapsed[0])
    assert retention.drop(None) == 0
    assert retention.drop(timedelta(days=30)) == 0
    stage.now += timedelta(days=31)
    elapsed[0] = timedelta(days=31).total_seconds()
    assert retention.drop(timedelta(days=30)) == 1
    assert stage.ticket(1)["messages"][0]["new_text"] == "Hello"
    with stage.store.view() as view:
        assert list(view.raw_mails(1)) == []


@pytest.mark.parametrize("jumped_to", [datetime(2030, 1, 1, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC)])
def test_a_clock_that_jumped_drops_nothing(stage: Stage, jumped_to: datetime) -> None:
    retention = Retention(stage.store, stage.clock, lambda: 0.0)
    stage.now = jumped_to
    assert retention.drop(timedelta(days=1)) == 0
    with stage.store.view() as view:
        assert len(list(view.raw_mails(1))) == 1
