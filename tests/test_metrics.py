"""Prometheus figures: the report's of the last day stand beside those of ``status``."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.utils import floatToGoString

from tests.sla.kit import Desk
from ticketd.metrics import Lately, metrics

WELL = {
    "healthy": True,
    "mailboxes": [],
    "outbox": {"waiting": 0, "unsure": 0, "failed": 0, "late": 0, "leased": 0},
    "quarantine": {"count": 0, "poison": 0},
    "stranded": [],
    "troubles": [],
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


def test_trouble_is_seen_in_the_figures(desk: Desk) -> None:
    now = desk.clock()
    seconds = floatToGoString(now.timestamp())
    with desk.store.begin() as tx:
        tx.poll_succeeded("support", now)
        tx.poll_failed("support", "The server is away.", now)
        tx.poll_succeeded("sales", now)
        tx.hold_account("sales", now + timedelta(hours=1), "535 no")
        tx.alert_due("login", "sales", now, "535 no")
    with desk.store.view() as view:
        found = view.status(["support", "sales", "new"], now)
    assert set(metrics(found).splitlines()) >= {
        "ticketd_healthy 0.0",
        'ticketd_mailbox_up{mailbox="support"} 0.0',
        'ticketd_mailbox_up{mailbox="sales"} 1.0',
        f'ticketd_mailbox_last_poll_timestamp_seconds{{mailbox="sales"}} {seconds}',
        'ticketd_mailbox_sending_held{mailbox="sales"} 1.0',
        'ticketd_mailbox_sending_held{mailbox="support"} 0.0',
        f'ticketd_trouble_timestamp_seconds{{kind="login",mailbox="sales"}} {seconds}',
    }
    assert 'last_poll_timestamp_seconds{mailbox="new"}' not in metrics(found)


def test_mail_of_a_mailbox_that_left_the_config_is_seen(desk: Desk) -> None:
    desk.jane_writes()
    with desk.store.view() as view:
        found = view.status(["another"], desk.clock())
    assert not found["healthy"]
    assert 'ticketd_stranded{mailbox="support",what="to_send"} 2.0' in metrics(found)


def test_the_readme_names_every_figure(desk: Desk) -> None:
    readme = Path(__file__).parents[1].joinpath("README.md").read_text()
    with desk.store.view() as view:
        found = view.status(["support"], desk.clock())
    shown = metrics(found, Lately(desk.store, desk.clock)())
    names = {line.split()[2] for line in shown.splitlines() if line.startswith("# TYPE")}
    assert len(names) > 12
    assert [name for name in sorted(names) if f"`{name}`" not in readme] == []
