"""Tries what the service must not reach, and what it must; its findings go to the state directory.

Run by the unit itself, before the daemon (ExecStartPre=). Needs nothing but the standard library.
"""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import socket
import ssl
import sys
from collections.abc import Callable
from pathlib import Path

_LIBC = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWUSER = 0x10000000  # sched.h
_PTRACE_SEIZE = 0x4206  # ptrace.h


def called(status: int) -> None:
    """A C function's status as Python's own functions tell it."""
    if status < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def writes(path: str) -> Callable[[], object]:
    return lambda: Path(path).write_text("x")


def opens(family: int, kind: int = socket.SOCK_DGRAM) -> Callable[[], object]:
    return lambda: socket.socket(family, kind).close()


def binds_low_port() -> None:
    with socket.socket() as low:
        low.bind(("127.0.0.1", 25))


def sets_setuid_bit() -> None:
    path = Path(os.environ["STATE_DIRECTORY"]) / "probe.setuid"
    path.touch()
    try:
        path.chmod(0o4755)
    finally:
        path.unlink()


def lists(path: str) -> None:
    """Hidden is empty as well as refused: systemd puts an empty directory over it."""
    if not list(Path(path).iterdir()):
        raise PermissionError("empty")


def listens() -> None:
    with socket.socket() as any_port:
        any_port.bind(("127.0.0.1", 0))


def reads_its_credential() -> None:
    path = Path(os.environ["CREDENTIALS_DIRECTORY"]) / "support"
    assert path.read_text()
    assert path.stat().st_mode & 0o077 == 0


MUST_FAIL: dict[str, Callable[[], object]] = {
    "write to /etc": writes("/etc/probe"),
    "write to its config": writes("/etc/ticketd/ticketd.toml"),
    "write to its program": writes("/opt/ticketd/probe"),
    "write to /usr": writes("/usr/probe"),
    "write to another's state": writes("/var/lib/probe"),
    "write to the kernel's settings": writes("/proc/sys/kernel/hostname"),
    "write to control groups": lambda: Path("/sys/fs/cgroup/probe").mkdir(),
    "see /root": lambda: lists("/root"),
    "see /home": lambda: lists("/home"),
    "read the shadow file": lambda: Path("/etc/shadow").read_text(),
    "read the secret's own file": lambda: Path("/srv/secrets/support").read_text(),
    "see other processes": lambda: Path("/proc/1/cmdline").read_text(),
    "see memory": lambda: Path("/dev/mem").open("rb").close(),
    "see the kernel's log": lambda: Path("/dev/kmsg").open("rb").close(),
    "speak netlink": opens(socket.AF_NETLINK, socket.SOCK_RAW),
    "speak packets": opens(socket.AF_PACKET, socket.SOCK_RAW),
    "speak raw IP": opens(socket.AF_INET, socket.SOCK_RAW),
    "speak Bluetooth": opens(31),
    "take a low port": binds_low_port,
    "map memory to write and execute": lambda: mmap.mmap(
        -1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC
    ),
    "become root": lambda: os.setuid(0),
    "make a setuid file": sets_setuid_bit,
    "make a namespace": lambda: called(_LIBC.unshare(_CLONE_NEWUSER)),
    "mount": lambda: called(_LIBC.mount(b"none", b"/tmp", b"tmpfs", 0, None)),
    "trace": lambda: called(_LIBC.ptrace(_PTRACE_SEIZE, os.getppid(), None, None)),
    "set the clock": lambda: called(_LIBC.settimeofday(bytes(16), None)),
    "set the host's name": lambda: called(_LIBC.sethostname(b"probe", 5)),
    "run with priority": lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)),
    "change its personality": lambda: called(_LIBC.personality(0x0008)),
}

MUST_WORK: dict[str, Callable[[], object]] = {
    "write its state": writes(f"{os.environ['STATE_DIRECTORY']}/probe"),
    "write a temporary file": writes("/tmp/probe"),
    "read its config": lambda: Path("/etc/ticketd/ticketd.toml").read_text(),
    "read its credential": reads_its_credential,
    "read the system's certificates": lambda: ssl.create_default_context(),
    "look up a name": lambda: socket.getaddrinfo("localhost", 25),
    "speak IPv4": listens,
    "speak IPv6": opens(socket.AF_INET6),
    "speak Unix sockets": opens(socket.AF_UNIX),
}


def outcome(attempt: Callable[[], object]) -> str:
    """``reached``, or why not."""
    try:
        attempt()
    except OSError as error:
        return f"refused: {error}"
    return "reached"


def main() -> None:
    """Try everything; write what came of it."""
    found = {
        "must fail": {what: outcome(attempt) for what, attempt in MUST_FAIL.items()},
        "must work": {what: outcome(attempt) for what, attempt in MUST_WORK.items()},
    }
    Path(os.environ["STATE_DIRECTORY"], "probe.json").write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    sys.exit(main())
