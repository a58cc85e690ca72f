"""The figures of ``status``, and the report's of the last day, in Prometheus' text format.

Gauges of what stands in the database now, so that any process can answer for the desk.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from ticketd.decide.deadlines.report import Report, make_report
from ticketd.store import Store
from ticketd.store.figures import facts

_DAY = timedelta(days=1)
_FRESH = 300.0  # seconds for which a report serves: a scrape must not cost a look at every ticket


def _unix(moment: str) -> float:
    """A moment in ``status``' words as seconds since 1970."""
    return datetime.fromisoformat(moment).timestamp()


def _polled(box: Mapping[str, Any]) -> float | None:
    return _unix(box["last_poll_at"]) if box["last_poll_at"] else None


_MAILBOX: tuple[tuple[str, str, Callable[[Mapping[str, Any]], float | None]], ...] = (
    ("up", "1 when its last poll succeeded", lambda box: float(not box["last_error"])),
    ("last_poll_timestamp_seconds", "when it was last read to its end (Unix time)", _polled),
    ("lag", "seconds that its oldest mail has waited to be taken in", lambda box: float(box["lag"])),
    (
        "sending_held",
        "1 while its account is in trouble: no mail goes out",
        lambda b: float(bool(b["held_until"])),
    ),
)


class _Figures(Collector):
    def __init__(self, found: Mapping[str, Any]) -> None:
        self._found = found

    def collect(self) -> Iterator[GaugeMetricFamily]:
        found = self._found
        yield GaugeMetricFamily("ticketd_healthy", "1 when all is well", float(found["healthy"]))
        yield from self._mailboxes()
        yield self._ledger()
        outbox = GaugeMetricFamily("ticketd_outbox", "mails of ours by state", labels=["state"])
        for state in ("waiting", "unsure", "failed", "late", "leased"):
            outbox.add_metric([state], found["outbox"][state])
        yield outbox
        yield self._stranded()
        aside = found["quarantine"]
        yield GaugeMetricFamily("ticketd_quarantine", "mails parked, held or quarantined", aside["count"])
        yield GaugeMetricFamily("ticketd_poison", "mails that failed three times", aside["poison"])
        yield self._troubles()
        breached = found["sla"]["breached"]
        yield GaugeMetricFamily("ticketd_sla_breached", "open tickets with something overdue", breached)

    def _mailboxes(self) -> Iterator[GaugeMetricFamily]:
        """A figure of each mailbox; one that was never polled has no last poll."""
        for name, said, value in _MAILBOX:
            family = GaugeMetricFamily(f"ticketd_mailbox_{name}", said, labels=["mailbox"])
            for box in self._found["mailboxes"]:
                figure = value(box)
                if figure is not None:
                    family.add_metric([box["name"]], figure)
            yield family

    def _stranded(self) -> GaugeMetricFamily:
        said = "mails that wait in mailboxes that left the config"
        family = GaugeMetricFamily("ticketd_stranded", said, labels=["mailbox", "what"])
        for one in self._found["stranded"]:
            for what in ("to_send", "to_take_in"):
                family.add_metric([one["mailbox"], what], one[what])
        return family

    def _troubles(self) -> GaugeMetricFamily:
        said = "when a trouble was last seen, those of a day (Unix time)"
        family = GaugeMetricFamily("ticketd_trouble_timestamp_seconds", said, labels=["kind", "mailbox"])
        for one in self._found["troubles"]:
            family.add_metric([one["kind"], one["mailbox"] or ""], _unix(one["at"]))
        return family

    def _ledger(self) -> GaugeMetricFamily:
        names = ["mailbox", "outcome"]
        ledger = GaugeMetricFamily("ticketd_ledger", "mails ever seen, by outcome", labels=names)
        for box in self._found["mailboxes"]:
            for outcome, count in box["ledger"].items():
                ledger.add_metric([box["name"], outcome], count)
        return ledger


class _LastDay(Collector):
    def __init__(self, report: Report) -> None:
        self._report = report

    def collect(self) -> Iterator[GaugeMetricFamily]:
        report, backlog = self._report, self._report.backlog
        left = GaugeMetricFamily("ticketd_backlog", "tickets not solved, by status", labels=["status"])
        left.add_metric(["open"], backlog.open)
        left.add_metric(["pending"], backlog.pending)
        yield left
        yield GaugeMetricFamily("ticketd_unassigned", "open tickets without an assignee", backlog.unassigned)
        total = report.total
        volume = GaugeMetricFamily("ticketd_volume_last_day", "what happened in a day", labels=["what"])
        for what, count in (("opened", total.opened), ("solved", total.solved), ("replies", total.replies)):
            volume.add_metric([what], count)
        yield volume
        promises = GaugeMetricFamily(
            "ticketd_sla_last_day", "SLA targets of a day, kept and breached", labels=["target", "result"]
        )
        for one in report.sla:
            promises.add_metric([one.target, "kept"], one.kept)
            promises.add_metric([one.target, "breached"], one.breached)
        yield promises
        yield self._first_reply()

    def _first_reply(self) -> GaugeMetricFamily:
        times = self._report.first_reply
        said = "seconds to the first replies of a day; none: no reply"
        waits = GaugeMetricFamily("ticketd_first_reply_seconds_last_day", said, labels=["quantile"])
        for quantile, seconds in (("0.5", times.median), ("0.9", times.p90)):
            if seconds is not None:
                waits.add_metric([quantile], seconds)
        return waits


class Lately:
    """The report of the last day, made anew when the last one is older than five minutes."""

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store, self._clock = store, clock
        self._made: tuple[float, Report] | None = None
        self._lock = threading.Lock()

    def __call__(self) -> Report:
        """The report; whoever asks while it is being made waits for it."""
        with self._lock:
            if self._made is None or time.monotonic() - self._made[0] > _FRESH:
                now = self._clock()
                with self._store.view() as view:
                    report = make_report(facts(view, now - _DAY, now))
                self._made = (time.monotonic(), report)
            return self._made[1]


def metrics(found: Mapping[str, Any], report: Report | None = None) -> str:
    """The text for a scrape; ``found`` is what ``View.status`` gives, ``report`` the last day's."""
    registry = CollectorRegistry()
    registry.register(_Figures(found))
    if report is not None:
        registry.register(_LastDay(report))
    return generate_latest(registry).decode("utf-8")
