"""Words to systemd: READY, STATUS, WATCHDOG, RELOADING, STOPPING (sd_notify(3)). Without systemd, silence."""

from __future__ import annotations

import os
import socket

_PATIENCE = 1.0  # seconds


def notify(*assignments: str) -> None:
    """Send assignments like ``READY=1``; never fails, systemd's absence is no trouble.

    Nor does it wait long for a systemd that does not read: we must hear of signals meanwhile.
    """
    path = os.environ.get("NOTIFY_SOCKET")
    if not path:
        return
    address = "\0" + path[1:] if path.startswith("@") else path
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
            sock.settimeout(_PATIENCE)
            sock.sendto("\n".join(assignments).encode(), address)
    except OSError:
        pass  # the unit's Type decides what it is worth; we go on


def watchdog_seconds() -> float | None:
    """How often systemd wants to hear from us, None where it does not."""
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    ours = os.environ.get("WATCHDOG_PID") in (None, str(os.getpid()))
    return int(microseconds) / 1e6 if ours and microseconds.isdigit() else None
