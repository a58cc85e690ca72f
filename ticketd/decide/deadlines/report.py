"""The desk's figures: volumes, times, promises kept and broken, backlog, load.

From plain facts of a stretch of time to a ``Report``, and from there to plain JSON. All
times are on the clock on the wall; what business hours make of them is ``sla``'s, whose
verdicts (kept or not) come with the facts. Knows nothing of tables, pages and pictures.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from math import ceil
from statistics import fmean, median
from typing import Any

from ticketd.decide.model import Priority, Status

TARGETS = ("first_reply", "next_reply", "solve")
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)

STEPS = (
    ("under 15 min", _HOUR / 4),
    ("15 min to 1 h", _HOUR),
    ("1 to 4 h", 4 * _HOUR),
    ("4 to 8 h", 8 * _HOUR),
    ("8 to 24 h", _DAY),
    ("1 to 2 days", 2 * _DAY),
    ("2 to 4 days", 4 * _DAY),
    ("4 to 7 days", 7 * _DAY),
    ("7 days and more", None),
)
"""The steps of a distribution: what they are called and where they end (exclusive)."""

AGES = (
    ("under 1 day", _DAY),
    ("1 to 3 days", 3 * _DAY),
    ("3 to 7 days", 7 * _DAY),
    ("7 to 14 days", 14 * _DAY),
    ("14 to 30 days", 30 * _DAY),
    ("30 days and more", None),
)
"""The steps of the backlog's age."""

_Steps = Sequence[tuple[str, timedelta | None]]


@dataclass(frozen=True, slots=True)
class TicketFact:
    """A ticket, spam and merged ones left out. ``due_at`` is the earliest that is due, None: nothing."""

    number: int
    mailbox: str
    status: Status
    created_at: datetime
    priority: Priority = Priority.NORMAL
    assignee: str | None = None
    first_replied_at: datetime | None = None
    solved_at: datetime | None = None
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ReplyFact:
    """A reply to a customer: whose (an agent's address), from which mailbox, when."""

    agent: str
    mailbox: str
    at: datetime


@dataclass(frozen=True, slots=True)
class PromiseFact:
    """A promise that came to an end (one of ``TARGETS``): kept, or broken at ``at``."""

    target: str
    mailbox: str
    at: datetime
    kept: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """What happened from ``since`` (inclusive) to ``until`` (exclusive), and what is open at its end.

    Facts from outside that time may be among them; they are not counted.
    """

    since: datetime
    until: datetime
    tickets: tuple[TicketFact, ...] = ()
    replies: tuple[ReplyFact, ...] = ()
    promises: tuple[PromiseFact, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """How many fell into one step of a distribution."""

    label: str
    count: int


@dataclass(frozen=True, slots=True)
class Times:
    """Lengths of time, in seconds: None where there was none. ``p90``: nine of ten were no longer."""

    count: int = 0
    median: float | None = None
    mean: float | None = None
    p90: float | None = None
    distribution: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Volume:
    """Tickets opened, tickets solved, replies sent; in all, or on one ``day``."""

    opened: int
    solved: int
    replies: int
    day: date | None = None


@dataclass(frozen=True, slots=True)
class Promise:
    """How often one target was met."""

    target: str
    kept: int
    breached: int


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is not solved now. ``unassigned``, ``urgent`` and ``overdue`` are of the open ones."""

    open: int
    pending: int
    unassigned: int
    urgent: int
    overdue: int
    by_age: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Load:
    """What one agent or mailbox had to do. ``solved`` and ``open`` are an agent's by assignment."""

    name: str
    opened: int
    replies: int
    solved: int
    open: int
    pending: int
    first_reply_median: float | None


@dataclass(frozen=True, slots=True)
class Report:
    """The figures of one stretch of time."""

    since: datetime
    until: datetime
    timezone: str
    total: Volume
    by_day: tuple[Volume, ...]
    first_reply: Times
    solve: Times
    sla: tuple[Promise, ...]
    backlog: Backlog
    agents: tuple[Load, ...] = field(default=())
    mailboxes: tuple[Load, ...] = field(default=())

    def as_json(self) -> dict[str, Any]:
        """As plain JSON: lengths in seconds, moments in UTC, days in the report's time zone."""
        plain = asdict(self)
        plain |= {"since": _iso(self.since), "until": _iso(self.until)}
        for one in (plain["total"], *plain["by_day"]):
            one["day"] = str(one["day"]) if one["day"] else None
        del plain["total"]["day"]
        plain["sla"] = {one.pop("target"): one for one in plain["sla"]}
        for load in plain["agents"]:
            load["agent"] = load.pop("name")
            del load["opened"]
        for load in plain["mailboxes"]:
            load["mailbox"] = load.pop("name")
        return plain


def make_report(facts: Facts, tz: tzinfo = UTC, agents: Collection[str] = ()) -> Report:
    """The report of these facts, its days those of ``tz``; ``agents`` stand in it even if idle."""
    mailboxes = {one.mailbox for one in facts.tickets} | {one.mailbox for one in facts.replies}
    people = {one.agent for one in facts.replies} | {one.assignee for one in facts.tickets if one.assignee}
    return Report(
        since=facts.since,
        until=facts.until,
        timezone=str(tz),
        total=_total(facts),
        by_day=tuple(_by_day(facts, tz)),
        first_reply=_times(_first_replies(facts)),
        solve=_times(_solutions(facts)),
        sla=tuple(_promise(facts, target) for target in TARGETS),
        backlog=_backlog(facts),
        agents=tuple(_load_of_agent(facts, name) for name in sorted(people | set(agents))),
        mailboxes=tuple(_load_of_mailbox(facts, name) for name in sorted(mailboxes)),
    )


def _within(facts: Facts, at: datetime | None) -> bool:
    return at is not None and facts.since <= at < facts.until


def _total(facts: Facts) -> Volume:
    return Volume(
        opened=sum(_within(facts, one.created_at) for one in facts.tickets),
        solved=sum(_within(facts, one.solved_at) for one in facts.tickets),
        replies=sum(_within(facts, one.at) for one in facts.replies),
    )


def _by_day(facts: Facts, tz: tzinfo) -> Iterator[Volume]:
    def count(moments: Iterable[datetime | None]) -> Counter[date]:
        return Counter(at.astimezone(tz).date() for at in moments if at and _within(facts, at))

    opened = count(one.created_at for one in facts.tickets)
    solved = count(one.solved_at for one in facts.tickets)
    replies = count(one.at for one in facts.replies)
    day, last = facts.since.astimezone(tz).date(), facts.until.astimezone(tz).date()
    while day <= last:
        yield Volume(opened[day], solved[day], replies[day], day)
        day += timedelta(days=1)


def _first_replies(facts: Facts, of: Callable[[TicketFact], bool] = lambda _: True) -> list[timedelta]:
    """How long customers waited. A ticket that an agent opened by writing had no wait."""
    return [
        one.first_replied_at - one.created_at
        for one in facts.tickets
        if one.first_replied_at is not None
        and one.first_replied_at > one.created_at
        and _within(facts, one.first_replied_at)
        and of(one)
    ]


def _solutions(facts: Facts) -> list[timedelta]:
    return [
        one.solved_at - one.created_at
        for one in facts.tickets
        if one.solved_at is not None and _within(facts, one.solved_at)
    ]


def _times(spans: Sequence[timedelta]) -> Times:
    distribution = _distribution(spans, STEPS)
    if not spans:
        return Times(distribution=distribution)
    seconds = sorted(span.total_seconds() for span in spans)
    rank = ceil(len(seconds) * 0.9)
    return Times(len(seconds), median(seconds), fmean(seconds), seconds[rank - 1], distribution)


def _distribution(spans: Iterable[timedelta], steps: _Steps) -> tuple[Step, ...]:
    def label(span: timedelta) -> str:
        return next(name for name, end in steps if end is None or span < end)

    counts = Counter(map(label, spans))
    return tuple(Step(name, counts[name]) for name, _ in steps)


def _promise(facts: Facts, target: str) -> Promise:
    found = [one.kept for one in facts.promises if one.target == target and _within(facts, one.at)]
    return Promise(target, kept=sum(found), breached=len(found) - sum(found))


def _backlog(facts: Facts) -> Backlog:
    opened = [one for one in facts.tickets if one.status is Status.OPEN]
    left = [one for one in facts.tickets if one.status is not Status.SOLVED]
    return Backlog(
        open=len(opened),
        pending=len(left) - len(opened),
        unassigned=sum(one.assignee is None for one in opened),
        urgent=sum(one.priority is Priority.URGENT for one in opened),
        overdue=sum(one.due_at is not None and one.due_at < facts.until for one in opened),
        by_age=_distribution((facts.until - one.created_at for one in left), AGES),
    )


def _load_of_agent(facts: Facts, agent: str) -> Load:
    mine = [one for one in facts.tickets if one.assignee == agent]
    replies = sum(one.agent == agent and _within(facts, one.at) for one in facts.replies)
    waits = _first_replies(facts, lambda one: one.assignee == agent)
    return _load(facts, agent, mine, replies, waits)


def _load_of_mailbox(facts: Facts, mailbox: str) -> Load:
    mine = [one for one in facts.tickets if one.mailbox == mailbox]
    replies = sum(one.mailbox == mailbox and _within(facts, one.at) for one in facts.replies)
    waits = _first_replies(facts, lambda one: one.mailbox == mailbox)
    return _load(facts, mailbox, mine, replies, waits)


def _load(
    facts: Facts, name: str, tickets: Sequence[TicketFact], replies: int, waits: Sequence[timedelta]
) -> Load:
    statuses = Counter(one.status for one in tickets)
    return Load(
        name=name,
        opened=sum(_within(facts, one.created_at) for one in tickets),
        replies=replies,
        solved=sum(_within(facts, one.solved_at) for one in tickets),
        open=statuses[Status.OPEN],
        pending=statuses[Status.PENDING],
        first_reply_median=median(span.total_seconds() for span in waits) if waits else None,
    )


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
