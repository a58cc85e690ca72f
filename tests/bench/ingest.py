"""From a mailbox to tickets, through the daemon's own workers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import text

from tests.bench.desk import crew_of
from tests.bench.process import timed
from ticketd.collect.watched import WatchedConnection


def taking_in(account: Mapping[str, Any], config: str) -> dict[str, Any]:
    """Every mail received, made a ticket, its agents' notifications in the outbox: a commit a mail."""
    with crew_of(Path(config)) as crew:
        watch = crew.watch("box0")
        with WatchedConnection.connect(watch.server()) as source:
            with timed() as polling:
                watch.poller.poll(source)
            with timed() as deciding:
                watch.take_in()
        found = _counted(crew.store)
    wall, cpu = polling.wall + deciding.wall, polling.cpu + deciding.cpu
    return {**found, "wall": wall, "cpu": cpu, "polling": polling.cpu, "deciding": deciding.cpu}


def _counted(store: Any) -> dict[str, Any]:
    counts = {"mails": "ledger WHERE outcome = 'ticket'", "tickets": "ticket", "queued": "outbox"}
    with store.view() as view:
        return {
            name: view.connection.scalar(text(f"SELECT count(*) FROM {table}"))
            for name, table in counts.items()
        }
