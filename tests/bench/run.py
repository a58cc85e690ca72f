"""``make bench``: every figure that README quotes, measured here and now, as Markdown.

BENCH_MAILS (2,000) and BENCH_TICKETS (200,000) make it larger or smaller. Progress goes to
standard error. Figures depend on what else the machine does: side by side they compare.
"""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import pytest

from tests.bench import big, corpus, ingest, plain, waiting
from tests.bench.desk import write_config
from tests.bench.process import measured
from tests.servers.dovecot import Account, Dovecot
from tests.servers.postgres import Postgres
from tests.servers.process import new_directory
from tests.servers.proxy import Proxy
from tests.servers.smtp_sink import SmtpSink

MAILS = int(os.environ.get("BENCH_MAILS", "2000"))
TICKETS = int(os.environ.get("BENCH_TICKETS", "200000"))
OPEN_TICKETS = 100_000
MAILBOXES = 100
BIG = 50_000_000  # bytes
ROOM = 500_000  # bytes less than that, so that the mail is within the limit of 50 MB

Rows = list[tuple[str, ...]]


class Bench:
    """The private server, the corpus, and a directory for each desk."""

    def __init__(self, dovecot: Dovecot) -> None:
        self._dovecot = dovecot
        self.corpus = list(corpus.mails(MAILS, "support@example.test"))
        self._directories: list[Path] = []

    def account(self, *mails: bytes) -> Account:
        """A new mailbox with these mails."""
        account = self._dovecot.user()
        account.deliver(*mails)
        return account

    def config(self, *addresses: str, imap: int | None = None, **options: Any) -> str:
        """The config of a new desk that watches these mailboxes."""
        self._directories.append(new_directory("desk"))
        return str(write_config(self._directories[-1], imap or self._dovecot.port, addresses, **options))

    def clean_up(self) -> None:
        """Remove the desks."""
        for directory in self._directories:
            shutil.rmtree(directory)


def ingestion(bench: Bench) -> Rows:
    """Fetching, fetching and parsing, and the whole job, on the same mailbox."""
    account = bench.account(*bench.corpus)
    access = asdict(account)
    rows = [
        _rate("fetched (imapclient, batches of 50)", measured(plain.fetching, account=access)),
        _rate("fetched and parsed (standard library)", measured(plain.parsing, account=access)),
    ]
    found = measured(ingest.taking_in, account=access, config=bench.config(account.address))
    rows.append(_rate("**ticketd**, SQLite, synchronous=FULL", found, _outcome(found)))
    few = bench.account(*bench.corpus[: MAILS // 10])
    tenth = measured(ingest.taking_in, account=asdict(few), config=bench.config(few.address))
    rows.append(_rate("the same, a tenth of the mails", tenth))
    with _postgres() as url:
        if url:
            config = bench.config(account.address, database=url)
            again = measured(ingest.taking_in, account=access, config=config)
            rows.append(_rate("**ticketd**, PostgreSQL, fsync on", again, _outcome(again)))
    return rows


def _rate(name: str, found: dict[str, Any], what: str = "") -> tuple[str, ...]:
    mails = found["mails"]
    milliseconds = 1000 * found["cpu"] / mails
    return (name, f"{mails / found['wall']:,.0f}", f"{milliseconds:.2f}", f"{found['rss']:.0f}", what)


def _outcome(found: dict[str, Any]) -> str:
    return f"{found['tickets']:,} tickets, {found['queued']:,} mails queued"


@contextmanager
def _postgres() -> Iterator[str | None]:
    """A database that keeps what it committed; None where PostgreSQL is not installed."""
    try:
        server = Postgres(durable=True).start()
    except pytest.skip.Exception:
        yield None
        return
    try:
        yield server.new_database().replace("postgresql+psycopg", "postgresql")
    finally:
        server.stop()


def one_big_mail(bench: Bench) -> Rows:
    """The largest mail that is taken in."""
    account = bench.account(corpus.big_mail("support@example.test", BIG - ROOM))
    found = measured(ingest.taking_in, account=asdict(account), config=bench.config(account.address))
    assert found["tickets"] == 1
    seconds = f"{found['wall']:.1f} s"
    return [(f"one mail of {BIG / 1e6:.0f} MB taken in", f"{found['rss']:.0f} MB, {seconds}", "< 300 MB")]


def idle_poll(bench: Bench) -> Rows:
    """Commands of a poll without news."""
    account = bench.account(*bench.corpus[:20])
    proxy = Proxy()
    try:
        trips = waiting.round_trips(bench.config(account.address, imap=proxy.to(account.port)), proxy)
    finally:
        proxy.close()
    return [("a poll without news", f"{trips:.2f} round trips", "1")]


def idle_mailboxes(bench: Bench) -> Rows:
    """A daemon with many mailboxes in IDLE."""
    accounts = [bench.account(*bench.corpus[:1]) for _ in range(MAILBOXES)]
    found = waiting.idling(bench.config(*(account.address for account in accounts)))
    row = f"{found['percent']:.1f} % of a core, {found['rss']:.0f} MB"
    return [(f"{MAILBOXES} idle mailboxes in one daemon, 20 s", row, "< 1 %, < 100 MB")]


def latency(bench: Bench) -> Rows:
    """From the server's notice to the ticket."""
    account = bench.account(bench.corpus[0])
    sink = SmtpSink().start()
    try:
        config = bench.config(account.address, smtp=sink.port)
        found = waiting.latencies(config, account, bench.corpus[1:21])
    finally:
        sink.stop()
    row = f"median {1000 * found['median']:.0f} ms, worst {1000 * found['worst']:.0f} ms"
    return [("from APPEND to the ticket, IDLE (Dovecot itself waits 500 ms)", row, "< 1 s")]


def lists(_: Bench) -> Rows:
    """First pages and searches of a big desk."""
    found = measured(big.listing, count=TICKETS)
    named = [*((name, f"first page, {name}") for name in big.FOLDERS)]
    named += [(name, f"search, {name}") for name in big.SEARCHES]
    return [(f"{title}, {TICKETS:,} tickets", f"{found[name]:.0f} ms", "< 200 ms") for name, title in named]


def ticks(_: Bench) -> Rows:
    """The SLA clock over many open tickets."""
    rows = []
    for overdue in (0, OPEN_TICKETS // 10):
        found = measured(big.tick, count=OPEN_TICKETS, overdue=overdue)
        name = f"SLA tick, {OPEN_TICKETS:,} open tickets, {overdue:,} long overdue"
        rows.append((name, f"{found['tick']:.2f} s, {found['more']:.0f} MB more", "< 1 s"))
    return rows


PARTS: Sequence[tuple[str, tuple[str, ...], tuple[Callable[[Bench], Rows], ...]]] = (
    (
        "{mails:,} mails (mean {mean:.1f} KB, a tenth with files), one Dovecot, one run",
        ("", "mails/s", "CPU ms a mail", "max RSS MB", ""),
        (ingestion,),
    ),
    (
        "At rest, at the limits, at size",
        ("", "measured", "aim"),
        (one_big_mail, idle_poll, idle_mailboxes, latency, lists, ticks),
    ),
)


def main() -> None:
    """Measure, and print a table as soon as it is whole; arguments name the parts that are wanted."""
    wanted = set(sys.argv[1:])
    dovecot = Dovecot().start()
    bench = Bench(dovecot)
    try:
        for title, columns, measurements in PARTS:
            chosen = [each for each in measurements if not wanted or each.__name__ in wanted]
            if chosen:
                _print(title, columns, [row for each in chosen for row in _announced(each, bench)])
        print(_machine())
    finally:
        dovecot.stop()
        bench.clean_up()


def _announced(measurement: Callable[[Bench], Rows], bench: Bench) -> Rows:
    print(f"bench: {measurement.__name__} …", file=sys.stderr, flush=True)
    return measurement(bench)


def _print(title: str, columns: Sequence[str], rows: Rows) -> None:
    mean = sum(map(len, corpus.mails(200, "support@example.test"))) / 200 / 1000
    print(f"{title.format(mails=MAILS, mean=mean)}\n")
    for row in (columns, tuple("---" for _ in columns), *rows):
        print(f"| {' | '.join(row)} |")
    print(flush=True)


def _machine() -> str:
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    versions = (
        f"{platform.python_implementation()} {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    )
    return f"{os.cpu_count()} cores, {versions}; load of the machine at the end: {load}"


if __name__ == "__main__":
    main()
