"""The clock that enqueues: pokes and ticks, never twice at a time, alive again after a clock was put back."""

import threading
from datetime import UTC, datetime, timedelta

from structlog.testing import capture_logs

from tests.servers.process import wait_until
from ticketd.progress import Progress
from ticketd.scheduler import Errands, Schedule, _Every


def test_each_mailbox_is_poked_at_its_own_pace_and_the_tick_comes_at_once():
    poked, ticks = [], []
    schedule = Schedule(poked.append, lambda: ticks.append(1), lambda: None)
    schedule.start({"quick": timedelta(seconds=0.1), "slow": timedelta(hours=1)})
    wait_until(lambda: len(poked) >= 3, "the quick one is poked")
    schedule.stop()
    assert set(poked) == {"quick"}
    assert ticks == [1]


def test_other_intervals_take_effect_and_the_same_ones_change_nothing():
    poked = []
    schedule = Schedule(poked.append, lambda: None, lambda: None)
    schedule.start({"old": timedelta(hours=1)})
    before = schedule._scheduler
    schedule.follow({"old": timedelta(hours=1)})
    assert schedule._scheduler is before
    schedule.follow({"new": timedelta(seconds=0.1)})
    wait_until(lambda: poked, "the new one is poked")
    schedule.stop()
    assert set(poked) == {"new"}


def test_jobs_that_are_late_are_started_anew():
    poked = []
    schedule = Schedule(poked.append, lambda: None, lambda: None)
    schedule.start({"support": timedelta(seconds=0.1)})
    schedule._scheduler.pause()  # what a clock put back by two days looks like
    schedule.restart_if_late()
    poked.clear()
    schedule.progress = Progress(-1)
    schedule.restart_if_late()
    wait_until(lambda: poked, "it is poked again")
    assert schedule.progress.kept
    schedule.stop()


def test_a_clock_put_forward_is_not_made_up_for():
    every = _Every(timedelta(seconds=15))
    before = datetime(2026, 11, 23, 12, 0, 5, tzinfo=UTC)
    after = before + timedelta(days=400, seconds=7)
    assert every.get_next_fire_time(before, before) == before + timedelta(seconds=15)
    assert every.get_next_fire_time(before, after) == before + timedelta(days=400, seconds=15)
    poked = []
    schedule = Schedule(poked.append, lambda: None, lambda: None)
    schedule.start({"support": timedelta(seconds=60)})
    scheduler = schedule._scheduler
    for job in scheduler.get_jobs():
        scheduler.modify_job(job.id, next_run_time=datetime.now(UTC) - timedelta(days=400))
    wait_until(lambda: poked, "it is poked", patience=5)
    schedule.stop()
    assert poked == ["support"]


def test_stopping_twice_is_stopping_once():
    schedule = Schedule(lambda name: None, lambda: None, lambda: None)
    schedule.start({})
    schedule.stop()
    schedule.stop()


def test_an_errand_is_never_run_twice_at_a_time_and_may_fail():
    errands, go, runs = Errands(), threading.Event(), []

    def work():
        runs.append(1)
        go.wait(20)

    assert errands.start("same", work)
    assert not errands.start("same", work)
    assert errands.start("other", lambda: 1 / 0)
    assert not errands.wait(0)
    go.set()
    assert errands.wait(20)
    assert errands.start("same", work)
    assert errands.wait(20)
    assert runs == [1, 1]


def test_an_errand_that_takes_too_long_is_named():
    errands, go = Errands(), threading.Event()
    errands.start("slow", lambda: go.wait(20), -1.0)
    errands.start("steady", lambda: go.wait(20))
    assert errands.late() == ["slow"]
    go.set()
    assert errands.wait(20)
    assert errands.late() == []


def test_an_errand_that_fails_the_same_way_is_said_once():
    def fails():
        raise ZeroDivisionError("again")

    errands = Errands()
    with capture_logs() as said:
        for _ in range(3):
            errands.start("broken", fails)
            assert errands.wait(20)
        errands.start("broken", lambda: None)
        assert errands.wait(20)
        errands.start("broken", fails)
        assert errands.wait(20)
    assert [one["said"] for one in said] == ["again", "again"]
