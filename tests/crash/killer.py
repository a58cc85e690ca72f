"""Kill a journey at every point, resume it, and compare its end with that of the undisturbed one.

In the manner of isync's run-tests.pl: first a golden run of each step on a snapshot of
database and mailbox, then for every point that it passed the same snapshot again, killed
there, resumed until idle, compared, and run once more with nothing changing.
"""

from __future__ import annotations

import email
import email.policy
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email.message import EmailMessage
from functools import partial
from pathlib import Path

from tests.crash.config import Servers, write
from tests.crash.dump import SIGNED, Databases, Dump, settled_dump
from tests.crash.journeys import Journey, Step
from tests.crash.zygote import KILLED, Ended, Order, Zygote
from tests.journeys.stage import PEOPLE, START, text_of
from tests.servers.dovecot import Account, Dovecot
from tests.servers.smtp_sink import Received, SmtpSink

_HOLE = re.compile(r"\{\{(\w+)\.(\w+)\}\}")
_OURS = re.compile(SIGNED.encode())
_BOUNDARY = re.compile(rb'boundary="([^"]+)"')


@dataclass(frozen=True)
class Finding:
    """Something that a kill changed and must not have."""

    what: str
    where: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.what} at {self.where}: {self.detail}"


@dataclass
class Count:
    """What many kills came to: the row of the table."""

    points: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    mails: int = 0
    repeats: int = 0
    findings: list[Finding] = field(default_factory=list)

    def __add__(self, other: Count) -> Count:
        return Count(
            self.points + other.points,
            self.kinds + other.kinds,
            self.mails + other.mails,
            self.repeats + other.repeats,
            self.findings + other.findings,
        )

    def of(self, what: str) -> int:
        """How many findings of a kind."""
        return sum(one.what == what for one in self.findings)


@dataclass(frozen=True)
class Scene:
    """One step, ready to be played any number of times, and how it ends undisturbed."""

    name: str
    journey: Journey
    step: Step
    now: datetime
    state: Path  # the state directory before the step; absent before the first start
    database: str  # a PostgreSQL database before the step, "" for SQLite
    username: str
    points: tuple[str, ...]
    end: Dump
    sent: tuple[Received, ...]


class Ground:
    """Where journeys are played: a zygote, a sink, accounts on a Dovecot, a directory, a kind of database."""

    def __init__(
        self, zygote: Zygote, sink: SmtpSink, dovecot: Dovecot, directory: Path, databases: Databases
    ) -> None:
        self.zygote, self.sink, self.dovecot = zygote, sink, dovecot
        self.directory, self.databases = directory, databases
        self.state, self.config = directory / "state", directory / "ticketd.toml"
        self.plant = ""
        self.idle_every = 1  # so many resumed journeys one is run once more, with nothing changing
        self._resumed = 0

    # The golden run

    def scenes(self, journey: Journey) -> Iterator[Scene]:
        """Play a journey undisturbed; each of its steps as a scene."""
        now, account, sent = START, self.dovecot.user(), []
        shutil.rmtree(self.state, ignore_errors=True)
        self.databases.found(self.state, founded=journey.founded)
        for number, step in enumerate(journey.steps):
            now += step.wait
            deliver(account, [fill(text, sent) for text in step.mails], now)
            username = self._copy_account(account, number)
            before = self.directory / f"{journey.name}-{number}"
            shutil.rmtree(before, ignore_errors=True)
            if self.state.exists():
                shutil.copytree(self.state, before)
            database = self.databases.keep(number)
            self._configure(journey, username)
            points = self._golden(step, now)
            end = self.databases.dump(self.state)
            received = tuple(self.sink.messages)
            sent += received
            scene = Scene(
                f"{journey.name}/{step.name}",
                journey,
                step,
                now,
                before,
                database,
                username,
                points,
                end,
                received,
            )
            self._pass(now)
            rested = self.databases.dump(self.state)
            assert rested == end, f"{scene.name}: an idle pass changes {difference(end, rested)}"
            assert tuple(self.sink.messages) == received, f"{scene.name}: an idle pass sends mail"
            after = self.directory / "after"
            shutil.rmtree(after, ignore_errors=True)
            shutil.copytree(self.state, after)
            resting = self.databases.keep(-1)
            yield scene
            self._restore(after, resting)

    def _golden(self, step: Step, now: datetime) -> tuple[str, ...]:
        self._reset_sink(step)
        ended = self._pass(now)
        return tuple(ended.points)

    def _configure(self, journey: Journey, username: str) -> None:
        servers = Servers(self.dovecot.port, self.sink.port, username)
        write(self.config, self.state, servers, journey.mailbox, self.databases.setting, journey.more)

    def _copy_account(self, account: Account, number: int) -> str:
        """The same mails under the same UIDs in an account that stays as it is."""
        copy = f"copy{number}-{account.username}"
        for kept in ("mail", "home"):
            source = self.dovecot.directory / kept / account.username
            if source.exists():
                subprocess.run(["cp", "-a", str(source), str(source.with_name(copy))], check=True)
        return copy

    def planted(self, scene: Scene) -> Scene:
        """The scene with the points that are passed when the planted mistake is made."""
        self._configure(scene.journey, scene.username)
        self._restore(scene.state, scene.database)
        self._reset_sink(scene.step)
        ended = self.zygote.run(self._order(scene.now, plant=self.plant))
        return replace(scene, points=tuple(ended.points))

    # A killed run

    def killed(self, scene: Scene, number: int) -> Count:
        """Play a scene, die at its point ``number``, resume; what was found."""
        point = scene.points[number - 1]
        self._configure(scene.journey, scene.username)
        self._restore(scene.state, scene.database)
        self._reset_sink(scene.step)
        dead = self.zygote.run(self._order(scene.now, kill=number, plant=self.plant))
        found = Count(1, Counter([point.partition(":")[0]]), len(scene.sent))
        where = f"{scene.name} {number} {point}"
        if dead.status != KILLED or dead.points[-1:] != [point]:
            found.findings.append(Finding("not killed there", where, f"{dead.status} {dead.points[-3:]}"))
        self._resume(scene, where, found)
        return found

    def _resume(self, scene: Scene, where: str, found: Count) -> None:
        again = self.zygote.run(self._order(scene.now, plant=self.plant))
        if again.status:
            found.findings.append(Finding("does not resume", where, f"{again.status}\n{again.log}"))
        end, sent = self.databases.dump(self.state), tuple(self.sink.messages)
        found.findings += compare(scene, end, sent, where)
        found.repeats += len(sent) - len({(mail.recipient, mail.content) for mail in sent})
        self._resumed += 1
        if self._resumed % self.idle_every == 0:
            self._idle(scene, where, found, end, sent)

    def _idle(self, scene: Scene, where: str, found: Count, end: Dump, sent: tuple[Received, ...]) -> None:
        """Once more: nothing may change."""
        self.zygote.run(self._order(scene.now, plant=self.plant))
        idle = self.databases.dump(self.state)
        if idle != end or tuple(self.sink.messages) != sent:
            detail = difference(end, idle) or "mail was sent"
            found.findings.append(Finding("restless", where, detail))

    def _restore(self, state: Path, database: str) -> None:
        shutil.rmtree(self.state, ignore_errors=True)
        if state.exists():
            shutil.copytree(state, self.state)
        self.databases.restore(database)

    def _reset_sink(self, step: Step) -> None:
        self.sink.reset()
        self.sink.refuse.update(step.refuse)

    def _order(self, now: datetime, kill: int = 0, plant: str = "") -> Order:
        return Order(str(self.config), now.isoformat(), kill=kill, plant=plant)

    def _pass(self, now: datetime) -> Ended:
        ended = self.zygote.run(self._order(now))
        assert ended.status == 0, ended
        return ended


def killed_everywhere(scene: Scene, grounds: Sequence[Ground], numbers: Sequence[int]) -> Count:
    """Play a scene killed at each of these points, on all grounds at once."""
    shares = [numbers[first :: len(grounds)] for first in range(len(grounds))]
    with ThreadPoolExecutor(len(grounds)) as pool:
        parts = pool.map(
            lambda pair: sum(map(partial(pair[0].killed, scene), pair[1]), Count()),
            zip(grounds, shares, strict=True),
        )
        return sum(parts, Count())


def compare(scene: Scene, end: Dump, sent: Iterable[Received], where: str) -> list[Finding]:
    """What differs from the golden end that no rule allows."""
    findings = []
    golden, doubts = settled_dump(scene.end)[0], settled_dump(end)[1]
    if settled_dump(end)[0] != golden:
        findings.append(Finding("wrong end state", where, difference(golden, settled_dump(end)[0])))
    wanted, copies = Counter(map(letter, scene.sent)), Counter(map(letter, sent))
    for mail, count in (wanted - copies).items():
        if not (is_acknowledgement(mail) and doubts):
            findings.append(Finding("mail lost", where, f"{count} × {mail[0]}"))
    extra = copies - wanted
    for mail, count in extra.items():
        if mail not in wanted:
            findings.append(Finding("other bytes", where, f"{mail[0]}"))
        elif is_acknowledgement(mail) or count > 1 or not doubts:
            findings.append(Finding("sent twice", where, f"{count + 1} × {mail[0]}, {doubts} doubts"))
    if extra.total() > doubts or doubts > 1:
        findings.append(Finding("repeated too often", where, f"{extra.total()} × for {doubts} doubts"))
    raw = Counter((mail.recipient, message_id(mail.content)) for mail in sent)
    if len({(mail.recipient, mail.content) for mail in sent}) != len(raw):
        findings.append(Finding("other bytes", where, "under one Message-ID"))
    return findings


def letter(mail: Received) -> tuple[str, bytes]:
    """A mail without what differs with the ids that a database gave, its lines unfolded (RFC 2045 §6.7)."""
    content = mail.content.replace(b"=\r\n", b"")
    for boundary in _BOUNDARY.findall(content):
        content = content.replace(boundary, b"boundary")
    return mail.recipient, _OURS.sub(b"", content)


def is_acknowledgement(mail: tuple[str, bytes]) -> bool:
    """Whether a mail of ours is one that may never go out twice."""
    return b"\r\nAuto-Submitted: auto-replied" in mail[1]


def message_id(content: bytes) -> str:
    """A mail's Message-ID."""
    return str(email.message_from_bytes(content)["Message-ID"])


def difference(golden: Dump, other: Dump) -> str:
    """What the one has and the other has not, table by table."""
    lines = []
    for table in sorted(golden.keys() | other.keys()):
        ours, theirs = golden.get(table, []), other.get(table, [])
        lines += [f"- {table} {row}" for row in ours if row not in theirs]
        lines += [f"+ {table} {row}" for row in theirs if row not in ours]
    return "\n".join(lines)[:3000]


def deliver(account: Account, mails: list[str], at: datetime) -> None:
    """Mails arrive in an account at a time."""
    with account.client() as client:
        for number, text in enumerate(mails):
            content = text.replace("\r\n", "\n").replace("\n", "\r\n").encode()
            client.append("INBOX", content, msg_time=at - timedelta(seconds=30 - number))


def fill(text: str, sent: list[Received]) -> str:
    """A mail's text, its holes filled from what people received."""

    def value(found: re.Match[str]) -> str:
        address = PEOPLE[found[1]]
        mine = [one.content for one in sent if one.recipient == address]
        mail = email.message_from_bytes(mine[-1], policy=email.policy.SMTP)
        assert isinstance(mail, EmailMessage)
        return _told(mail, found[2])

    return _HOLE.sub(value, text)


def _told(mail: EmailMessage, what: str) -> str:
    if what in ("message_id", "subject"):
        return str(mail["Message-ID" if what == "message_id" else "Subject"])
    if what == "reply_to":
        return str(mail["Reply-To"] or mail["From"])
    if what == "references":
        return f"{mail['References'] or ''} {mail['Message-ID']}".strip()
    body = text_of(mail)
    return "\n".join(f"> {line}" for line in body.splitlines()) if what == "quoted" else body
