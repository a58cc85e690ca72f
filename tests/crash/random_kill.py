"""Kill -9 of the real daemon at random moments, under load; then let it finish, and count.

    python -m tests.crash.random_kill 200 [--postgresql]

Customers write all the time, Anna answers what she is told of. Nothing may be lost, and
nothing sent twice but what the server may have taken while the daemon died.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.crash.config import Servers, write
from tests.crash.desk import AGENTS, mail, named
from tests.crash.grounds import new_directory
from tests.crash.journeys import reply
from tests.crash.killer import fill
from tests.servers.dovecot import Account, Dovecot
from tests.servers.process import wait_until
from tests.servers.smtp_sink import Received, SmtpSink
from ticketd.store import Store

ANNA = AGENTS[0]
MAILS = 6  # arrive at a time


@dataclass
class Toll:
    """What a run came to: a row of the table."""

    kills: int = 0
    mails: int = 0
    sent: int = 0
    lost: int = 0
    doubled: int = 0  # mails on tickets twice, or sent twice without a doubt
    repeats: int = 0  # one more copy of the same bytes, in doubt
    other_bytes: int = 0  # copies under one Message-ID that are not the same
    given_up: int = 0  # in doubt and not sent again, which is said on the ticket
    set_aside: int = 0  # in quarantine: three kills with the same mail in hand
    unfinished: int = 0

    @property
    def wrong(self) -> int:
        """What no rule allows."""
        return self.lost + self.doubled + self.other_bytes + self.unfinished


class Target:
    """A daemon on real servers, to be killed; and the people who write to it."""

    def __init__(self, dovecot: Dovecot, sink: SmtpSink, directory: Path, database: str = "") -> None:
        self.account: Account = dovecot.user()
        self.sink, self.directory = sink, directory
        self.url = database or f"sqlite:///{directory / 'state' / 'ticketd.db'}"
        self.numbers: list[int] = []
        self.answers = 0
        self._read = 0
        self.config = directory / "ticketd.toml"
        setting = f'database = "{database.replace("+psycopg", "")}"' if database else ""
        servers = Servers(dovecot.port, sink.port, self.account.username)
        write(self.config, directory / "state", servers, "acknowledge = true", setting)

    def start(self) -> subprocess.Popen[bytes]:
        """Start the real program."""
        with (self.directory / "log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "ticketd", "-c", str(self.config), "run"],
                stdout=log,
                stderr=log,
                cwd=Path(__file__).parents[2],
            )

    def write(self, count: int) -> None:
        """So many customers write, and Anna answers what she was told of since."""
        new = range(len(self.numbers) + 1, len(self.numbers) + 1 + count)
        self.numbers += new
        told, self._read = self.sink.messages[self._read :], len(self.sink.messages)
        mails = [mail(number) for number in new]
        for one in [each for each in told if each.recipient == ANNA][::3]:
            self.answers += 1
            text = fill(reply("anna", f"Answer {self.answers}.", self.answers), [one])
            mails.append(text.replace("\n", "\r\n").encode())
        with self.account.client() as client:
            for content in mails:
                client.append("INBOX", content)

    def finish(self) -> None:
        """Let ``run --once`` do all that is left; acknowledgements in doubt stay undone."""
        command = [sys.executable, "-m", "ticketd", "-c", str(self.config), "run", "--once"]

        def done() -> bool:
            subprocess.run(command, check=False, capture_output=True, cwd=Path(__file__).parents[2])
            return not self._unfinished()

        wait_until(done, "everything is taken in and sent", 120)

    def _unfinished(self) -> int:
        with opened(self.url) as store, store.begin("look") as tx:
            asked = (
                "SELECT (SELECT count(*) FROM ledger WHERE outcome = 'received')"
                " + (SELECT count(*) FROM outbox WHERE state IN ('waiting', 'unsure'))"
            )
            return int(tx.connection.exec_driver_sql(asked).scalar() or 0)

    def toll(self, kills: int) -> Toll:
        """Count what came of it."""
        toll = Toll(kills=kills, mails=len(self.numbers) + self.answers, sent=len(self.sink.messages))
        with opened(self.url) as store, store.begin("look") as tx:
            ask = tx.connection.exec_driver_sql
            taken = Counter(
                ask("SELECT message_id FROM message WHERE kind IN ('customer', 'reply')").scalars()
            )
            from_mail = ask("SELECT message_id, outcome FROM ledger").all()
            rows = ask("SELECT message_id, recipient, kind, state, doubts FROM outbox").all()
        wanted = {f"<question.{number}@mail.example.org>" for number in self.numbers}
        toll.set_aside = sum(outcome == "quarantined" for _, outcome in from_mail)
        toll.lost += max(0, sum(one not in taken for one in wanted) - toll.set_aside)
        replies = {row.message_id for row in rows if row.kind == "reply"}
        toll.lost += max(0, self.answers - len(replies))
        toll.doubled += sum(taken[one] > 1 for one in wanted) + max(0, len(replies) - self.answers)
        told = Counter(row.kind for row in rows)
        toll.lost += max(0, len(AGENTS) * (len(self.numbers) - toll.set_aside) - told["notification"])
        self._count_copies(rows, toll)
        return toll

    def _count_copies(self, rows: list, toll: Toll) -> None:
        copies: dict[tuple[str, str], list[Received]] = defaultdict(list)
        for one in self.sink.messages:
            copies[named(one)].append(one)
        for row in rows:
            got = copies.pop((row.recipient, row.message_id), [])
            once = row.kind == "acknowledgement"
            toll.repeats += max(0, len(got) - 1)
            toll.doubled += len(got) > 1 + (0 if once else row.doubts)
            toll.other_bytes += len({one.content for one in got}) > 1
            toll.given_up += row.state == "failed" and row.doubts > 0
            toll.lost += row.state == "sent" and not got
            toll.unfinished += row.state in ("waiting", "unsure")
        toll.doubled += len(copies)  # sent, and no row says so


@contextmanager
def opened(url: str) -> Iterator[Store]:
    """The desk's store."""
    store = Store.open(url)
    try:
        yield store
    finally:
        store.close()


def kill_at_random(target: Target, times: int, dice: random.Random) -> Toll:
    """Kill the daemon so many times while mails come; start it again each time."""
    for number in range(times):
        daemon = target.start()
        try:
            work(target, daemon, dice, thick=number % 2 > 0)
        finally:
            daemon.kill()
            daemon.wait()
    target.finish()
    return target.toll(times)


def work(target: Target, daemon: subprocess.Popen[bytes], dice: random.Random, *, thick: bool) -> None:
    """Let the daemon work until it has sent something, and a little; ``thick``: mails come meanwhile."""
    before = len(target.sink.messages)
    target.write(MAILS)
    wait_until(lambda: len(target.sink.messages) > before or daemon.poll() is not None, "it sends")
    time.sleep(dice.uniform(0, 0.1))
    if thick:
        target.write(MAILS)
        time.sleep(dice.uniform(0, 0.2))


def run(times: int, database: str = "", seed: int = 0) -> Toll:
    """A run of its own, with servers of its own."""
    dovecot, sink, directory = Dovecot().start(), SmtpSink().start(), new_directory()
    try:
        return kill_at_random(Target(dovecot, sink, directory, database), times, random.Random(seed))
    finally:
        dovecot.stop()
        sink.stop()
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    from tests.servers.postgres import Postgres

    postgres = Postgres().start() if "--postgresql" in sys.argv else None
    try:
        print(run(int(sys.argv[1]), postgres.new_database() if postgres else "", os.getpid()))
    finally:
        if postgres:
            postgres.stop()
