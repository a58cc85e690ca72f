"""The figures of ``status`` in Prometheus' text format.

Gauges of what stands in the database now, so that any process can answer for the desk.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector


class _Figures(Collector):
    def __init__(self, found: Mapping[str, Any]) -> None:
        self._found = found

    def collect(self) -> Iterator[GaugeMetricFamily]:
        found = self._found
        yield GaugeMetricFamily("ticketd_healthy", "1 when all is well", float(found["healthy"]))
        yield self._mailboxes()
        yield self._ledger()
        outbox = GaugeMetricFamily("ticketd_outbox", "mails of ours by state", labels=["state"])
        for state in ("waiting", "unsure", "failed"):
            outbox.add_metric([state], found["outbox"][state])
        yield outbox
        count = found["quarantine"]["count"]
        yield GaugeMetricFamily("ticketd_quarantine", "mails parked, held or quarantined", count)
        breached = found["sla"]["breached"]
        yield GaugeMetricFamily("ticketd_sla_breached", "open tickets with something overdue", breached)

    def _mailboxes(self) -> GaugeMetricFamily:
        lag = GaugeMetricFamily("ticketd_mailbox_lag", "seconds since the last good poll", labels=["mailbox"])
        for box in self._found["mailboxes"]:
            if box["lag"] is not None:
                lag.add_metric([box["name"]], box["lag"])
        return lag

    def _ledger(self) -> GaugeMetricFamily:
        names = ["mailbox", "outcome"]
        ledger = GaugeMetricFamily("ticketd_ledger", "mails ever seen, by outcome", labels=names)
        for box in self._found["mailboxes"]:
            for outcome, count in box["ledger"].items():
                ledger.add_metric([box["name"], outcome], count)
        return ledger


def metrics(found: Mapping[str, Any]) -> str:
    """The text for a scrape; ``found`` is what ``View.status`` gives."""
    registry = CollectorRegistry()
    registry.register(_Figures(found))
    return generate_latest(registry).decode("utf-8")
