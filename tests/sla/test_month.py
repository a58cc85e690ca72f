"""A month of 5,000 tickets and 8 agents: the report's figures are those of an account kept apart."""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from ticketd.decide.deadlines.report import make_report
from ticketd.store import Store
from ticketd.store.figures import facts

from . import month
from .month import AGENTS, BEGIN, DAYS, END, ZONE, Account, Play, Story, moment

pytestmark = pytest.mark.slow

TICKETS = 5_000


@pytest.fixture(scope="module")
def stories() -> list[Story]:
    return month.plan(TICKETS, seed=7)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, stories: list[Story]) -> Iterator[Store]:
    store = Store.open(f"sqlite:///{tmp_path_factory.mktemp('month') / 'ticketd.db'}")
    store.migrate()
    Play(store, month.desk_policy(store), stories).run()
    yield store
    store.close()


@pytest.fixture(scope="module", params=[0, 24 * 1440], ids=["the month", "its last week"])
def begin(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(scope="module")
def account(stories: list[Story], begin: int) -> Account:
    return Account(stories, begin)


@pytest.fixture(scope="module")
def report(store: Store, begin: int) -> dict[str, Any]:
    with store.view() as view:
        made = make_report(facts(view, moment(begin), END), ZONE, AGENTS)
    return json.loads(json.dumps(made.as_json()))


def test_the_month_is_worth_an_account(stories: list[Story]) -> None:
    account = Account(stories)
    assert {broken for _, broken in account.promises} == {True, False}
    assert min(account.promises.values()) > 50
    assert {account.state(story) for story in account.stories} == {"open", "pending", "solved"}


def test_volumes_are_those_of_the_account(report: dict[str, Any], account: Account) -> None:
    happened = {
        "opened": account.moments("open"),
        "solved": [at for _, at in account.solutions()],
        "replies": account.moments("reply"),
    }
    assert report["total"] == {name: len(found) for name, found in happened.items()}
    for name, found in happened.items():
        days = Counter(f"{moment(at).astimezone(ZONE):%Y-%m-%d}" for at in found)
        assert {row["day"]: row[name] for row in report["by_day"] if row[name]} == days


@pytest.mark.parametrize("which", ["first_reply", "solve"])
def test_times_are_those_of_the_account(report: dict[str, Any], account: Account, which: str) -> None:
    pairs = account.first_replies() if which == "first_reply" else account.solutions()
    minutes = sorted(m if which == "first_reply" else m - story.steps[0][0] for story, m in pairs)
    count = len(minutes)
    shown = report[which]
    assert shown["count"] == count
    assert shown["median"] / 60 == (minutes[(count - 1) // 2] + minutes[count // 2]) / 2
    assert math.isclose(shown["mean"] / 60, sum(minutes) / count)
    assert sum(m <= shown["p90"] / 60 for m in minutes) >= 0.9 * count
    assert sum(m < shown["p90"] / 60 for m in minutes) < 0.9 * count
    ends = [15, 60, 240, 480, 1440, 2880, 5760, 10080]
    steps = Counter(sum(end <= m for end in ends) for m in minutes)
    assert [step["count"] for step in shown["distribution"]] == [steps[place] for place in range(9)]


def test_promises_kept_and_broken_are_those_of_the_account(store: Store, stories: list[Story]) -> None:
    account = Account(stories)
    with store.view() as view:
        sla = make_report(facts(view, BEGIN, END + timedelta(minutes=1)), ZONE).as_json()["sla"]
    for target in ("first_reply", "next_reply", "solve"):
        expected = {"kept": account.promises[target, False], "breached": account.promises[target, True]}
        assert sla[target] == expected, target


def test_backlog_is_that_of_the_account(report: dict[str, Any], account: Account) -> None:
    states = Counter(map(account.state, account.stories))
    backlog = report["backlog"]
    assert (backlog["open"], backlog["pending"]) == (states["open"], states["pending"])
    left = [story for story in account.stories if account.state(story) != "solved"]
    ages = Counter(
        sum(days * 1440 <= DAYS * 1440 - story.steps[0][0] for days in (1, 3, 7, 14, 30)) for story in left
    )
    assert [step["count"] for step in backlog["by_age"]] == [ages[place] for place in range(6)]


@pytest.mark.parametrize("by", ["agent", "mailbox"])
def test_load_is_that_of_the_account(report: dict[str, Any], account: Account, by: str) -> None:
    expected: dict[str, Counter[str]] = defaultdict(Counter)
    waits: dict[str, list[int]] = defaultdict(list)
    for story in account.stories:
        mine = expected[getattr(story, by)]
        mine["replies"] += sum(what == "reply" and account.within(at) for at, what in story.steps)
        mine[account.state(story)] += account.state(story) != "solved"
    for story, _ in account.solutions():
        expected[getattr(story, by)]["solved"] += 1
    for story, wait in account.first_replies():
        waits[getattr(story, by)].append(wait)
    rows = {row[by]: row for row in report[f"{by}s" if by == "agent" else "mailboxes"]}
    assert rows.keys() == expected.keys()
    for name, counts in expected.items():
        for figure in ("replies", "solved", "open", "pending"):
            assert rows[name][figure] == counts[figure], (name, figure)
        found = sorted(waits[name])
        middle = (found[(len(found) - 1) // 2] + found[len(found) // 2]) / 2
        assert rows[name]["first_reply_median"] == middle * 60


def test_every_breach_was_told_to_the_lead_once(store: Store) -> None:
    with store.begin() as tx:
        breaches = tx.connection.exec_driver_sql("SELECT count(*) FROM event WHERE after = 'breach'").scalar()
        mails = tx.connection.exec_driver_sql(
            "SELECT count(*), count(DISTINCT cause) FROM outbox WHERE recipient = 'lead@example.com'"
        ).one()
    assert breaches > 100
    assert mails == (breaches, breaches)
