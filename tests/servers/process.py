"""What every private server needs: a port, a directory that its own user can read, and an end."""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

_LOWEST = 10_000
_CLIENTS = Path("/proc/sys/net/ipv4/ip_local_port_range")
PATIENCE = 30.0  # seconds that a busy machine may need for anything that takes milliseconds


def need(*binaries: str) -> None:
    """Skip the test where a server's program is not installed; fail it where CI promises that it is."""
    missing = [
        each for each in binaries if not shutil.which(each, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    ]
    if missing and os.environ.get("CI"):
        pytest.fail(f"not installed, but CI must have it: {', '.join(missing)}")
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


def free_port() -> int:
    """A loopback port that nobody listens on now, and that no connection will leave from.

    The system gives its own choice of port to whoever connects anywhere, be it to that very
    port: a server that is to come back to it may then find it taken.
    """
    for _ in range(1000):
        port = random.randrange(_LOWEST, _first_given_to_clients())
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


def _first_given_to_clients() -> int:
    try:
        return max(_LOWEST + 1000, int(_CLIENTS.read_text().split()[0]))
    except (OSError, ValueError):
        return 32_768


def new_directory(name: str) -> Path:
    """A temporary directory that servers may enter who do not run as the tests' user."""
    directory = Path(tempfile.mkdtemp(prefix=f"ticketd-{name}-"))
    directory.chmod(0o755)
    return directory


def wait_until(condition: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
    """Return as soon as ``condition`` holds; fail, saying ``what`` did not come true, when it never does."""
    end = time.monotonic() + patience
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not within {patience:.0f} s: {what}")
        time.sleep(0.01)


def answers(port: int, greeting: bytes = b"") -> bool:
    """Whether a server accepts connections on ``port`` and its first words begin with ``greeting``."""
    try:
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as probe:
            return not greeting or probe.recv(200).startswith(greeting)
    except OSError:
        return False


def end(process: subprocess.Popen[bytes] | None, signal: int) -> None:
    """Stop a server with its own signal for an orderly end, and reap it."""
    if process is None or process.poll() is not None:
        return
    process.send_signal(signal)
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
