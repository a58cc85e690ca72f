"""A desk whose servers fail: passes of the real program at times of the test's choosing, and the law.

The law: every mail is one message on one ticket, each agent is told of it once, it is
acknowledged at most once, and nothing changes when all is done.
"""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.crash.config import Servers, write
from tests.crash.dump import migrate
from tests.crash.zygote import Ended, Order, Zygote
from tests.servers.dovecot import Account, Dovecot
from tests.servers.process import wait_until
from tests.servers.smtp_sink import Received, SmtpSink
from ticketd.store import Store

CALM, HASTY = "20s", "2s"  # time-outs: for a busy machine, and for servers that are to fall silent
AGENTS = ("anna@example.com", "bob@example.com")


class Desk:
    """One desk: what arrives, passes at any time, and what came of it."""

    def __init__(
        self,
        zygote: Zygote,
        dovecot: Dovecot,
        sink: SmtpSink,
        directory: Path,
        database: str = "",
        disk: Path | None = None,
    ) -> None:
        """``disk``: where the state directory stands, if not with the config."""
        self.account: Account = dovecot.user()
        self.sink, self.directory = sink, directory
        self.config, self.state = directory / "ticketd.toml", (disk or directory) / "state"
        self.servers = Servers(dovecot.port, sink.port, self.account.username, CALM)
        self._zygote, self._database = zygote, database.replace("+psycopg", "")
        # A server believes no arrival that is still to come: all that is played was days ago.
        self._time = datetime.now(UTC).replace(microsecond=0) - timedelta(days=30)
        self.mailbox = "acknowledge = true"
        self.through = 0  # the port at which the program meets PostgreSQL, if not the server's own
        self.more = '[limits]\nmessage_size = "1MB"\n'
        self.state.mkdir(mode=0o700)
        migrate(self.url)
        self.configure()

    @property
    def url(self) -> str:
        """The database."""
        return self._database or f"sqlite:///{self.state / 'ticketd.db'}"

    def configure(self, **servers: Any) -> None:
        """Write the config, with other servers where they are named."""
        self.servers = replace(self.servers, **servers)
        seen = re.sub(r":\d+/", f":{self.through}/", self._database) if self.through else self._database
        setting = f'database = "{seen}"' if seen else ""
        write(self.config, self.state, self.servers, self.mailbox, setting, self.more)

    @property
    def now(self) -> datetime:
        """The desk's time."""
        return self._time

    def later(self, **span: float) -> None:
        """Time passes."""
        self._time += timedelta(**span)

    def arrive(self, *numbers: int, size: int = 200, at: datetime | None = None) -> None:
        """Mails with these numbers arrive, each of another customer."""
        with self.account.client() as client:
            for number in numbers:
                client.append("INBOX", mail(number, size), msg_time=at or self.now)

    def visit(self, **order: Any) -> Ended:
        """One pass of the program, a little later than the last."""
        self.later(seconds=1)
        began = time.monotonic()
        ended = self._zygote.run(Order(str(self.config), self.now.isoformat(), **order))
        if order.get("daemon"):  # its clock went on: what it queued is due by then, and not before
            self.later(seconds=time.monotonic() - began)
        return ended

    def visited(self) -> None:
        """One pass that must go well."""
        ended = self.visit()
        assert ended.status == 0, f"{ended.status}\n{ended.log}"

    @contextmanager
    def paused(self, point: str, **order: Any) -> Iterator[list[Ended]]:
        """A pass that waits at a point while the block runs; the list holds its end afterwards."""
        for suffix in (".paused", ".go"):
            self.config.with_suffix(suffix).unlink(missing_ok=True)
        ended: list[Ended] = []
        thread = threading.Thread(target=lambda: ended.append(self.visit(pause=point, **order)))
        thread.start()
        paused = self.config.with_suffix(".paused")
        try:
            wait_until(lambda: paused.exists() or bool(ended), f"it comes to {point}")
            assert paused.exists(), (ended[0].points, ended[0].log)
            yield ended
        except BaseException:
            if paused.exists():
                os.kill(self.pid(), signal.SIGKILL)
            thread.join()
            print(*(one.log for one in ended))  # pytest shows it with the failure
            raise
        finally:
            self.go()
            thread.join()

    def go(self) -> None:
        """Let the process that waits go on."""
        self.config.with_suffix(".go").touch()

    def pid(self) -> int:
        """The process that waited last."""
        return int(self.config.with_suffix(".paused").read_text())

    # What came of it

    def check(self, *numbers: int, repeats: int = 0, unacknowledged: tuple[int, ...] = ()) -> None:
        """The law, after all is done; so many mails may have gone out once more, byte by byte the same."""
        self.visited()
        assert self.messages() == dict.fromkeys(numbers, 1)
        told = Counter((one.recipient, one.content) for one in self.sink.messages)
        assert len({message_id for _, message_id in map(named, self.sink.messages)}) == len(told)
        copies = Counter(one.recipient for one in self.sink.messages)
        wanted = Counter(dict.fromkeys(AGENTS, len(numbers)))
        wanted.update(customer(number) for number in numbers if number not in unacknowledged)
        extra = copies - wanted
        assert not wanted - copies, "lost"
        assert extra.total() == repeats, "repeated"
        assert not any(address not in AGENTS for address in extra), "acknowledged twice"
        before = list(self.sink.messages)
        self.visited()
        assert self.sink.messages == before

    def messages(self) -> dict[int, int]:
        """How often each mail stands on a ticket, by its number."""
        authors = self._ask("SELECT author_address FROM message WHERE kind = 'customer'")
        return dict(Counter(int(author.split("@")[0][8:]) for (author,) in authors))

    def status(self, mailboxes: Sequence[str] = ("support",)) -> dict[str, Any]:
        """The desk's status with these mailboxes configured, as the contract has it."""
        store = Store.open(self.url)
        try:
            with store.view() as view:
                return view.status(mailboxes, self.now)
        finally:
            store.close()

    def doubts(self) -> dict[str, int]:
        """How many mails of each kind were in doubt at some time."""
        asked = "SELECT kind, count(*) FROM outbox WHERE doubts > 0 GROUP BY kind"
        return dict(self._ask(asked))

    def repeated(self) -> int:
        """How many mails went out once more, byte by byte the same."""
        return len(self.sink.messages) - len({(one.recipient, one.content) for one in self.sink.messages})

    def doubted(self) -> dict[int, int]:
        """How often each outbox row was in doubt, those that were."""
        return dict(self._ask("SELECT id, doubts FROM outbox WHERE doubts > 0"))

    def attempts(self) -> dict[int, int]:
        """How often each mail was tried in vain, in the order of arrival."""
        rows = self._ask("SELECT attempts FROM ledger ORDER BY uid")
        return {number: attempts for number, (attempts,) in enumerate(rows, 1)}

    def attempted(self) -> int:
        """How many mails of ours were tried and are waiting to be tried again."""
        asked = "SELECT count(*) FROM outbox WHERE attempts > 0 AND lease_until IS NULL"
        return int(self._ask(asked)[0][0])

    def jump(self, span: timedelta) -> None:
        """The running daemon's clock is off by so much from now on."""
        jump = self.config.with_suffix(".jump")
        partial = jump.with_suffix(".jumping")
        partial.write_text(str(span.total_seconds()))
        partial.rename(jump)

    def unfinished(self) -> int:
        """How many mails wait to be taken in or to be sent."""
        asked = (
            "SELECT (SELECT count(*) FROM ledger WHERE outcome = 'received')"
            " + (SELECT count(*) FROM outbox WHERE state IN ('waiting', 'unsure'))"
        )
        return int(self._ask(asked)[0][0])

    def _ask(self, statement: str) -> list[Any]:
        store = Store.open(self.url)
        try:
            with store.begin("look") as tx:
                return list(tx.connection.exec_driver_sql(statement))
        finally:
            store.close()

    def outbox(self) -> list[dict[str, Any]]:
        """Every mail of ours."""
        store = Store.open(self.url)
        try:
            with store.view() as view:
                return list(view.outbox())
        finally:
            store.close()


def customer(number: int) -> str:
    """Who wrote the mail of this number."""
    return f"customer{number}@example.org"


def mail(number: int, size: int = 200) -> bytes:
    """The mail of this number, of about this size."""
    lines = [
        f"From: Customer {number} <{customer(number)}>",
        "To: support@example.com",
        f"Subject: Question {number}",
        "Date: Mon, 23 Nov 2026 09:00:00 +0000",
        f"Message-ID: <question.{number}@mail.example.org>",
        "",
        *(f"This is line {line} of question {number}." for line in range(size // 35 + 1)),
        "",
    ]
    return "\r\n".join(lines).encode()


def named(mail: Received) -> tuple[str, str]:
    """A mail of ours by recipient and Message-ID."""
    head = mail.content.partition(b"\r\n\r\n")[0].decode()
    lines = head.replace("\r\n ", " ").split("\r\n")
    value = next(line for line in lines if line.lower().startswith("message-id:"))
    return mail.recipient, value.partition(":")[2].strip()
