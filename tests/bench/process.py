"""Every measurement in a process of its own, so that what it took is its own: time, processor, memory."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def measured(function: Callable[..., dict[str, Any]], **arguments: Any) -> dict[str, Any]:
    """Call ``function`` in a fresh process; what it found, and ``rss``, the most memory it held (MB)."""
    command = [sys.executable, "-m", "tests.bench.process", function.__module__, function.__qualname__]
    done = subprocess.run(
        [*command, json.dumps(arguments)], cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def megabytes(pid: int | str = "self", field: str = "VmHWM") -> float:
    """A process's memory: now (``VmRSS``) or at its most (``VmHWM``)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:")) / 1024


class Stopwatch:
    """Seconds on the wall and on the processor between entering and leaving."""

    wall = cpu = 0.0


@contextmanager
def timed() -> Iterator[Stopwatch]:
    """Measure the block."""
    watch = Stopwatch()
    wall, cpu = time.perf_counter(), time.process_time()
    yield watch
    watch.wall, watch.cpu = time.perf_counter() - wall, time.process_time() - cpu


def _main(module: str, name: str, arguments: str) -> None:
    found = getattr(importlib.import_module(module), name)(**json.loads(arguments))
    print(json.dumps({**found, "rss": megabytes()}))


if __name__ == "__main__":
    _main(*sys.argv[1:])
