"""A machine with a booted systemd (root only): a container on this one's files, which it cannot change.

Its disk is an overlay in memory and its network a loopback of its own: all is gone when it stops.
``run`` is a command inside; ``inside`` calls Python code of the tests with the container's network,
so that the other servers here can be started for it.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import pytest

from tests.servers.process import end, need, new_directory, wait_until

T = TypeVar("T")

# What a desk of this very machine has is not the container's. Of this machine's services none starts.
_BOOT = """\
set -eu
mount -t tmpfs -o size=3g,mode=755 tmpfs "$1"
cd "$1"
mkdir upper work root
mount -t overlay -o lowerdir=/,upperdir=upper,workdir=work overlay root
rm -rf root/opt/ticketd root/etc/ticketd root/var/lib/ticketd root/etc/systemd/system/ticketd.service*
rm -rf root/etc/systemd/system/network-online.target.wants
exec systemd-nspawn --quiet --directory=root --bind-ro="$2" --private-network --register=no --keep-unit \
    --link-journal=no --console=pipe --boot systemd.unit=basic.target
"""
_CLONE_NEWNET = 0x40000000  # sched.h
_NAMESPACES = ("--mount", "--uts", "--ipc", "--net", "--pid")


class Machine:
    """The container. ``shared`` is the one directory outside of the root file system that it sees too."""

    def __init__(self, shared: Path) -> None:
        need("systemd-nspawn", "nsenter", "unshare")
        if os.geteuid() != 0:
            if os.environ.get("CI"):
                pytest.fail("systemd boots as root only, and CI must have it")
            pytest.skip("systemd boots as root only")
        self.directory = new_directory("machine")
        self._shared = shared
        self._process: subprocess.Popen[bytes] | None = None
        self._leader = 0
        self._pool: ThreadPoolExecutor | None = None

    def start(self) -> Machine:
        """Boot, and wait until systemd says that it is up."""
        script = ["sh", "-c", _BOOT, "boot", str(self.directory), str(self._shared)]
        with (self.directory.with_suffix(".console")).open("wb") as console:
            self._process = subprocess.Popen(
                ["unshare", "--mount", "--propagation", "private", *script],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
            )
        wait_until(self._is_up, "systemd is up")
        self._pool = ThreadPoolExecutor(1, initializer=_enter_network, initargs=(self._leader,))
        return self

    def stop(self) -> None:
        """Shut it down; its disk goes with it."""
        end(self._process, signal.SIGTERM)
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.with_suffix(".console").unlink(missing_ok=True)
        if self._pool:
            self._pool.shutdown()

    def run(self, *command: str, check: bool = True, text: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command inside."""
        done = subprocess.run(
            ["nsenter", f"--target={self._leader}", *_NAMESPACES, "--", *command],
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def inside(self, work: Callable[[], T]) -> T:
        """Call ``work`` with the container's network: its loopback is not ours."""
        assert self._pool is not None
        return self._pool.submit(work).result()

    def path(self, inside: str) -> Path:
        """A file of the container, as it is reached from here."""
        return Path(f"/proc/{self._leader}/root") / inside.lstrip("/")

    def show(self, unit: str, name: str) -> str:
        """A property of a unit."""
        return self.run("systemctl", "show", "--value", f"--property={name}", unit).stdout.strip()

    def _is_up(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            told = self.directory.with_suffix(".console").read_text(errors="replace")
            raise AssertionError(f"systemd does not boot in a container here: {told}")
        self._leader = self._leader or _first_process_of(self._process.pid)
        if not self._leader:
            return False
        return self.run("systemctl", "is-system-running", check=False).stdout.strip() in (
            "running",
            "degraded",
        )


def _first_process_of(nspawn: int) -> int:
    """The process that is number 1 inside; 0 where there is none yet."""
    try:
        children = Path(f"/proc/{nspawn}/task/{nspawn}/children").read_text().split()
        inside = [child for child in children if _numbers(child)[1:] == ["1"]]
    except OSError:
        return 0
    return int(inside[0]) if inside else 0


def _numbers(process: str) -> list[str]:
    """The numbers of a process, in our namespace and in those below."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(line for line in lines if line.startswith("NSpid:")).split()[1:]


def _enter_network(leader: int) -> None:
    """Move this thread, and what it starts, into the container's network (setns(2))."""
    libc = ctypes.CDLL(None, use_errno=True)
    with Path(f"/proc/{leader}/ns/net").open() as network:
        if libc.setns(network.fileno(), _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "cannot enter the container's network")
