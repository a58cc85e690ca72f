"""A month of a desk: what 8 agents and their customers do to 5,000 tickets, and an account of it kept apart.

``plan`` draws the month; ``play`` has the real desk live through it, ticks of the clock
included; ``Account`` counts what a report must say from the plan alone, minute by minute,
with nothing of the program.
"""

from __future__ import annotations

import random
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from zoneinfo import ZoneInfo

from ticketd.collect.timed import run_due
from ticketd.decide.acting import changes
from ticketd.decide.context import Context, History
from ticketd.decide.deadlines import promises, timing
from ticketd.decide.model import Address, Entry, Kind, Status, Ticket
from ticketd.decide.policy import Agent, Mailbox, Policy, Sla, SlaPolicy
from ticketd.decide.work import Work
from ticketd.store import Store
from ticketd.texts_files import load

BEGIN = datetime(2026, 10, 5, tzinfo=UTC)  # daylight saving ends on the 25th
DAYS = 31
END = BEGIN + timedelta(days=DAYS)
ZONE = ZoneInfo("Europe/Warsaw")
HOLIDAY = "2026-10-14"
WEEK = ("mon", "tue", "wed", "thu", "fri")
NAMES = ("anna", "bob", "cleo", "dan", "eve", "finn", "gus", "hana")
AGENTS = [f"{name}@example.com" for name in NAMES]
MINUTE, TICK = timedelta(minutes=1), 120  # minutes between two looks at the clock
TARGETS = {  # minutes of business time: first reply, next reply, solution
    "vip": {"first_reply": 60, "next_reply": 120, "solve": 16 * 60},
    "all": {"first_reply": 240, "next_reply": 480, "solve": 40 * 60},
}


def desk_policy(store: Store) -> Policy:
    desk = store.desk()

    def promise(name: str, **match: str) -> SlaPolicy:
        spans = {target: f"{minutes}m" for target, minutes in TARGETS[name].items()}
        return SlaPolicy.model_validate({"name": name, "match": match, **spans})

    return Policy(
        name="Example Help Desk",
        instance=desk.instance,
        keys=desk.keys,
        mailboxes={name: Mailbox(name=name, address=f"{name}@example.com") for name in ("support", "sales")},
        agents={name: Agent(name=name, address=f"{name}@example.com") for name in NAMES},
        sla=Sla.model_validate(
            {
                "timezone": str(ZONE),
                "hours": dict.fromkeys(WEEK, "09:00-12:00,13:00-17:00"),
                "holidays": {"extra": [HOLIDAY]},
                "escalate_to": "lead@example.com",
                "policies": [promise("vip", domain="big.test"), promise("all")],
            }
        ),
        texts=load(),
    )


@dataclass
class Story:
    """One ticket's month: steps are (minute, what), in order."""

    number: int
    mailbox: str
    agent: str
    domain: str
    spam: bool
    steps: list[tuple[int, str]] = field(default_factory=list)


def plan(count: int, seed: int) -> list[Story]:
    """Stories in the order of their opening; minutes since ``BEGIN``."""
    dice = random.Random(seed)
    opened = sorted(dice.randrange(DAYS * 1440 - 5) for _ in range(count))
    stories = []
    for number, at in enumerate(opened, 1):
        story = Story(
            number,
            dice.choice(["support", "support", "sales"]),
            dice.choice(AGENTS),
            dice.choice(["big.test", "example.org", "example.net"]),
            spam=dice.random() < 0.02,
        )
        story.steps = [(at, "open"), *_rest(at, dice)] if not story.spam else [(at, "open")]
        story.steps = [step for step in story.steps if step[0] < DAYS * 1440]
        stories.append(story)
    return stories


def _rest(at: int, dice: random.Random) -> list[tuple[int, str]]:
    steps = []

    def later(what: str, most: int) -> None:
        nonlocal at
        at += dice.randint(1, dice.choice([90, most]))
        steps.append((at, what))

    if dice.random() < 0.1:  # waits for a third party, without an answer
        later("pend", 600)
        later("wake", 2000)
    if dice.random() < 0.05:  # never answered
        return steps
    later("reply", 1500)
    while dice.random() < 0.3:
        later("customer", 3000)
        later("reply", 2500)
    if dice.random() < 0.8:
        later("solve", 4000)
        if dice.random() < 0.1:
            later("customer", 3000)
            later("reply", 2000)
            later("solve", 2000)
    return steps


def moment(minute: int) -> datetime:
    return BEGIN + minute * MINUTE


class Play:
    """The real desk, driven by a plan; values are kept here so that each step need not be read back."""

    def __init__(self, store: Store, policy: Policy, stories: list[Story]) -> None:
        self.store, self.policy = store, policy
        self.stories = {story.number: story for story in stories}
        self.tickets: dict[int, Ticket] = {}
        self.script = sorted((at, s.number, what) for s in stories for at, what in s.steps)

    def run(self) -> None:
        """Tick by tick: what people do, in one transaction; then what the clock asks for."""
        place = 0
        for tick in range(0, DAYS * 1440 + 1, TICK):
            first = place
            while place < len(self.script) and self.script[place][0] <= tick:
                place += 1
            if first < place:
                with self.store.begin() as tx:
                    for at, number, what in self.script[first:place]:
                        tx.apply(self._step(number, what, moment(at)).effects(), moment(at))
            run_due(self.store, self.policy, moment(tick))

    def _step(self, number: int, what: str, now: datetime) -> Work:
        known = self.tickets.get(number)
        past = {number: History(known)} if known else {}
        work = Work(self.policy, Context(next_ticket=number, tickets=past), now, f"{number}/{now}")
        getattr(self, f"_{what}")(work, self.stories[number])
        self.tickets[number] = work.ticket(number)
        return work

    def _open(self, work: Work, story: Story) -> None:
        jane = Address(f"c{story.number}@{story.domain}")
        ticket = Ticket(
            story.number, "Help", story.mailbox, work.now, work.now,
            requester=jane, participants=(jane,), assignee=story.agent, spam=story.spam,
        )  # fmt: skip
        work.save(timing.on_open(ticket, work.policy, (), work.now))
        work.append(story.number, Entry(Kind.CUSTOMER, jane, "Help.", "Help.", work.now))

    def _customer(self, work: Work, story: Story) -> None:
        ticket = work.ticket(story.number)
        work.append(story.number, Entry(Kind.CUSTOMER, ticket.participants[0], "And?", "And?", work.now))
        before = ticket.status
        work.save(timing.on_customer_mail(work.ticket(story.number), before, work.policy, work.now))
        changes.set_status(work, story.number, Status.OPEN, "system")

    def _reply(self, work: Work, story: Story) -> None:
        agent = Address(story.agent)
        work.append(story.number, Entry(Kind.REPLY, agent, "So.", "So.", work.now))
        promises.on_reply(work, story.number)
        work.save(timing.on_reply(work.ticket(story.number), work.policy, work.now))
        changes.set_status(work, story.number, Status.PENDING, story.agent)

    def _pend(self, work: Work, story: Story) -> None:
        changes.set_status(work, story.number, Status.PENDING, story.agent)

    def _wake(self, work: Work, story: Story) -> None:
        changes.set_status(work, story.number, Status.OPEN, "system")

    def _solve(self, work: Work, story: Story) -> None:
        changes.set_status(work, story.number, Status.SOLVED, story.agent)


def _is_business(minute: int) -> bool:
    local = moment(minute).astimezone(ZONE)
    if local.weekday() > 4 or f"{local:%Y-%m-%d}" == HOLIDAY:
        return False
    return 9 <= local.hour < 12 or 13 <= local.hour < 17


class Account:
    """What the report must say, counted from the plan alone."""

    def __init__(self, stories: list[Story], begin: int = 0) -> None:
        self.begin, self.end = begin, DAYS * 1440
        self.stories = [story for story in stories if not story.spam]
        # worked[m]: minutes of business before minute m
        self.worked = list(accumulate(map(_is_business, range(self.end + 1)), initial=0))
        self.promises: Counter[tuple[str, bool]] = Counter()
        for story in self.stories:
            self._judge(story)

    def _judge(self, story: Story) -> None:
        targets = TARGETS["vip" if story.domain == "big.test" else "all"]
        owed: str | None = "first_reply"
        wait, work = _Meter(self, targets["first_reply"]), _Meter(self, targets["solve"])
        verdicts = []
        is_open = True
        wait.go(story.steps[0][0])
        work.go(story.steps[0][0])
        answered, solved = False, False
        for at, what in story.steps[1:]:
            if what in {"pend", "reply", "solve"}:
                wait.halt(at)
                work.halt(at)
                is_open = False
            if what == "reply" and owed:
                verdicts.append((owed, wait.broken))
                owed, answered, solved = None, True, False
            elif what == "solve":
                verdicts.append(("solve", work.broken))
                solved = True
            elif what in {"customer", "wake"}:
                if what == "customer" and (owed is None or solved):
                    owed = "next_reply" if answered else "first_reply"
                    wait = _Meter(self, targets[owed])
                wait.go(at)
                work.go(at)
                is_open = True
        if is_open:
            wait.halt(self.end, at_tick=True)
            work.halt(self.end, at_tick=True)
        if owed and wait.told:
            verdicts.append((owed, True))
        if work.told:
            verdicts.append(("solve", True))
        solve = [broken for target, broken in verdicts if target == "solve"]
        others = [verdict for verdict in verdicts if verdict[0] != "solve"]
        self.promises.update(others + ([("solve", any(solve))] if solve else []))

    def last(self, story: Story, what: str) -> int | None:
        return next((at for at, word in reversed(story.steps) if word == what), None)

    def state(self, story: Story) -> str:
        last = story.steps[-1][1]
        return {"solve": "solved", "reply": "pending", "pend": "pending"}.get(last, "open")

    def within(self, at: int | None) -> bool:
        return at is not None and self.begin <= at < self.end

    def moments(self, word: str) -> list[int]:
        return [at for story in self.stories for at, what in story.steps if what == word and self.within(at)]

    def solutions(self) -> list[tuple[Story, int]]:
        """Those that stayed solved, and when they were."""
        found = [(s, self.last(s, "solve")) for s in self.stories if self.state(s) == "solved"]
        return [(story, at) for story, at in found if at is not None and self.within(at)]

    def first_replies(self) -> list[tuple[Story, int]]:
        """Who was answered in this time, and how many minutes after asking."""
        found = []
        for story in self.stories:
            at = next((at for at, what in story.steps if what == "reply"), None)
            if at is not None and self.within(at):
                found.append((story, at - story.steps[0][0]))
        return found


class _Meter:
    """Business minutes that pass while it runs, against a target."""

    def __init__(self, account: Account, target: int) -> None:
        self._worked, self._target = account.worked, target
        self._passed, self._since = 0, None
        self.broken = self.told = False

    def go(self, at: int) -> None:
        if self._since is None:
            self._since = at

    def halt(self, at: int, at_tick: bool = False) -> None:
        """It runs no longer; ``broken`` where it ran beyond the target, ``told`` where a tick saw that."""
        if self._since is None:
            return
        since, self._since = self._since, None
        left = max(0, self._target - self._passed)
        due = bisect_left(self._worked, self._worked[since] + left, lo=since) if left else since
        self.broken = self.broken or at > due
        first_tick = -(-due // TICK) * TICK
        self.told = self.told or first_tick < at or (at_tick and first_tick <= at)
        self._passed += self._worked[at] - self._worked[since]
