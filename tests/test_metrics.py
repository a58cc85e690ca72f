"""Prometheus figures: the report's of the last day stand beside those of ``status``."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.sla.kit import Desk
from ticketd.metrics import Lately, metrics

WELL = {
    "healthy": True,
    "mailboxes": [],
    "outbox": {"waiting": 0, "unsure": 0, "failed": 0},
    "quarantine": {"count": 0},
    "sla": {"breached": 0},
}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.store.close()


def lines(desk: Desk) -> set[str]:
    return set(metrics(WELL, Lately(desk.store, desk.clock)()).splitlines())


def test_the_last_day_is_told(desk: Desk) -> None:
    desk.jane_writes("printer")
    desk.answers("anna", "Have you tried water?")
    desk.jane_writes("scanner")
    desk.wait(timedelta(hours=2))
    assert lines(desk) >= {
        'ticketd_backlog{status="open"} 1.0',
        'ticketd_backlog{status="pending"} 1.0',
        "ticketd_unassigned 1.0",
        'ticketd_volume_last_day{what="opened"} 2.0',
        'ticketd_volume_last_day{what="replies"} 1.0',
        'ticketd_first_reply_seconds_last_day{quantile="0.5"} 60.0',
        'ticketd_sla_last_day{result="kept",target="first_reply"} 1.0',
    }
    desk.wait(timedelta(minutes=1))
    assert 'ticketd_sla_last_day{result="breached",target="first_reply"} 1.0' in lines(desk)
    desk.wait(timedelta(days=2))
    assert 'ticketd_volume_last_day{what="opened"} 0.0' in lines(desk)


def test_scrapes_share_one_look_at_the_tickets(desk: Desk) -> None:
    lately = Lately(desk.store, desk.clock)
    first = lately()
    desk.jane_writes()
    assert lately() is first
