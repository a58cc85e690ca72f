"""A process that has imported ticketd once and forks a fresh ticketd for every order: a start in 10 ms.

    with Zygote() as zygote:
        ended = zygote.run(Order(config, now, kill=17))

It has one thread and no connection of its own, so that what it forks is as good as a new
process. An order goes in as a line of JSON, what became of it comes out as one.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TextIO

KILLED = 101
_LONGEST = 100  # seconds that one process may take


@dataclass(frozen=True)
class Order:
    """Do as ``run --once`` does, all of it at the time ``now`` (ISO); or be the ``daemon`` from that time on.

    ``kill``    die at the point of this number
    ``term``    send ourselves SIGTERM there
    ``storm``   send ourselves SIGHUP at every IMAP step
    ``pause``   at the first point of this name wait until the file ``CONFIG.go`` is there
    ``files``   no file may grow beyond so many bytes (RLIMIT_FSIZE)
    ``plant``   make the old mistake of this name (``plants``), or suffer that trouble (``troubles``)
    ``environ`` more of the environment

    The daemon's clock is put forward by as many seconds as stand in the file ``CONFIG.jump``.
    """

    config: str
    now: str
    kill: int = 0
    daemon: bool = False
    term: int = 0
    storm: bool = False
    pause: str = ""
    files: int = 0
    plant: str = ""
    environ: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Ended:
    """How a process ended: its exit status (negative: a signal), and the points that it passed."""

    status: int
    points: list[str] = field(default_factory=list)
    log: str = ""


class Zygote:
    """The parent's end."""

    def __init__(self) -> None:
        root = Path(__file__).parents[2]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.zygote"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(root)},
        )

    def __enter__(self) -> Zygote:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()

    def run(self, order: Order) -> Ended:
        """Have an order done, and wait for its end."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(asdict(order)) + "\n")
        self._process.stdin.flush()
        return Ended(**json.loads(self._process.stdout.readline()))


def serve(orders: TextIO, answers: TextIO) -> None:
    """The zygote's own life: fork for each order, one after the other."""
    from tests.crash import plants, points, troubles  # noqa: F401 -- imported now, so that every fork has it
    from ticketd import daemon, deliver  # noqa: F401
    from ticketd.store.migrations import run  # noqa: F401

    gc.collect()
    gc.freeze()  # a fork then copies less
    for line in orders:
        order = Order(**json.loads(line))
        answers.write(json.dumps(asdict(_forked(order))) + "\n")
        answers.flush()


def _forked(order: Order) -> Ended:
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        _live(order, writing)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as pipe:
        points = pipe.read().split("\n")[:-1]
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    log = Path(order.config).with_suffix(".log")
    return Ended(status, points, log.read_text("utf-8", "replace")[-20_000:] if log.exists() else "")


def _live(order: Order, pipe: int) -> None:
    """A forked process from its beginning to its end."""
    status = 70
    try:
        signal.alarm(_LONGEST)
        log = os.open(Path(order.config).with_suffix(".log"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(log, 1)
        os.dup2(log, 2)
        status = _work(order, pipe)
    except BaseException as error:  # noqa: BLE001 -- a fork must not go on as its parent
        traceback.print_exc()
        status = getattr(error, "exit_status", 70)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _work(order: Order, pipe: int) -> int:
    from tests.crash import plants, points, troubles
    from ticketd.config import load
    from ticketd.daemon import run

    points.watch(_Watcher(order, pipe).reached)
    os.environ.update(order.environ)
    if order.plant:
        {**plants.PLANTS, **troubles.TROUBLES}[order.plant]()
    if order.files:
        resource.setrlimit(resource.RLIMIT_FSIZE, (order.files, resource.RLIM_INFINITY))
    settings, now = load(Path(order.config), os.environ), datetime.fromisoformat(order.now)
    began = time.monotonic()
    if order.daemon:
        jump = Path(order.config).with_suffix(".jump")
        return run(settings, clock=lambda: now + timedelta(seconds=time.monotonic() - began + _seconds(jump)))
    _in_turn()
    return run(settings, once=True, clock=lambda: now)


def _in_turn() -> None:
    """One server after the other: the points of a run then have one order, and their numbers a meaning."""
    from ticketd import once

    together = once._side_by_side

    def in_turn(errands: Mapping[str, once.Errand]) -> dict[str, str]:
        troubles: dict[str, str] = {}
        for name, errand in errands.items():
            troubles |= together({name: errand})
        return troubles

    once._side_by_side = in_turn


def _seconds(jump: Path) -> float:
    """How far the clock is off just now."""
    try:
        return float(jump.read_text())
    except OSError:
        return 0.0


class _Watcher:
    """Counts the points, and does at one of them what was ordered."""

    def __init__(self, order: Order, pipe: int) -> None:
        self._order, self._pipe = order, pipe
        self._lock, self._passed, self._paused = threading.Lock(), 0, False

    def reached(self, point: str) -> None:
        with self._lock:
            self._passed += 1
            number = self._passed
            os.write(self._pipe, f"{point}\n".encode())
            if number == self._order.kill:
                os._exit(KILLED)
            pauses = point == self._order.pause and not self._paused
            self._paused = self._paused or pauses
        if number == self._order.term:
            os.kill(os.getpid(), signal.SIGTERM)
        if self._order.storm and "imap" in point:
            os.kill(os.getpid(), signal.SIGHUP)
        if pauses:
            pause(Path(self._order.config))


def pause(config: Path) -> None:
    """Say that we wait, and wait to be told to go on."""
    partial = config.with_suffix(".pausing")
    partial.write_text(str(os.getpid()))
    partial.rename(config.with_suffix(".paused"))
    end = time.monotonic() + _LONGEST
    while not config.with_suffix(".go").exists() and time.monotonic() < end:
        time.sleep(0.005)


def settle_signals() -> None:
    """As in a new process, whatever the parent ignores."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


if __name__ == "__main__":
    settle_signals()
    serve(sys.stdin, sys.stdout)
