"""A process that has imported ticketd once and forks a fresh ticketd for every order: a start in 10 ms.

    with Zygote() as zygote:
        ended = zygote.run(Order(config, now, kill=17))

It has one thread and no connection of its own, so that what it forks is as good as a new
process. An order goes in as a line of JSON, what became of it comes out as one.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import traceback
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TextIO

KILLED = 101
_LONGEST = 100  # seconds that one process may take


@dataclass(frozen=True)
class Order:
    """Do as ``run --once`` does at the time ``now`` (ISO), and die at point number ``kill``.

    ``term`` sends ourselves SIGTERM at the point instead; ``daemon`` runs the daemon, not once.
    ``plant`` names an old mistake that the process is made to make (``plants``).
    """

    config: str
    now: str
    kill: int = 0
    daemon: bool = False
    term: bool = False
    plant: str = ""


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
    from tests.crash import plants, points  # noqa: F401 -- imported now, so that every fork has it
    from ticketd import daemon, deliver  # noqa: F401
    from ticketd.store.migrations import run  # noqa: F401

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
    from tests.crash import plants, points
    from ticketd.config import load
    from ticketd.daemon import run

    lock, passed = threading.Lock(), 0

    def reached(point: str) -> None:
        nonlocal passed
        with lock:
            passed += 1
            os.write(pipe, f"{point}\n".encode())
            if passed == order.kill and not order.term:
                os._exit(KILLED)
        if passed == order.kill:
            os.kill(os.getpid(), signal.SIGTERM)

    points.watch(reached)
    if order.plant:
        plants.plant(order.plant)
    settings, now = load(Path(order.config), os.environ), datetime.fromisoformat(order.now)
    return run(settings, once=not order.daemon, clock=lambda: now)


def settle_signals() -> None:
    """As in a new process, whatever the parent ignores."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


if __name__ == "__main__":
    settle_signals()
    serve(sys.stdin, sys.stdout)
