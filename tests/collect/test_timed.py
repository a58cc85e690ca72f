"""The timed work: what is told by the clock, and that it is told once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from tests.decide.desk_kit import ANNA, NOW, POLICY, ticket
from ticketd.collect.timed import run_due
from ticketd.decide.effects import Save
from ticketd.decide.policy import Sla
from ticketd.store import Store

HOUR = timedelta(hours=1)
LEAD = "lead@example.com"


def test_overdue_tickets_are_told_of_once_and_again_when_the_promise_breaks(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'ticketd.db'}")
    store.migrate()
    policy = replace(POLICY, sla=Sla(warn_before=HOUR, escalate_to=LEAD))
    run_due(store, policy, NOW - HOUR)  # from now on this SLA is in force
    with store.begin("given") as tx:
        tx.apply([Save(ticket(number, first_reply_due_at=NOW + number * HOUR)) for number in (1, 2, 3)], NOW)

    def told(hours: float) -> list[str]:
        """Who of the lead and Anna hears of a ticket at that time."""
        before = len(queued())
        run_due(store, policy, NOW + hours * HOUR)
        return queued()[before:]

    def queued() -> list[str]:
        with store.view() as view:
            return [mail["to"] for mail in view.outbox() if mail["to"] in (LEAD, ANNA.address)]

    assert told(0.1) == [ANNA.address]  # a warning: it is due within the hour
    assert told(0.2) == []
    assert told(1.1) == [LEAD, ANNA.address]  # the first is overdue, the second is near
    assert told(1.2) == []
    assert told(9) == [LEAD, LEAD]
    assert told(10) == []
    store.close()
