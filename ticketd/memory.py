"""Keeps the daemon small: what is needed once is done in a child, what is free goes back to the system."""

from __future__ import annotations

import ctypes
import gc
import os
import select
from contextlib import suppress

from ticketd.config import Settings
from ticketd.errors import TicketdError
from ticketd.store import Store
from ticketd.systemd import notify

_ASK_EVERY = 15.0  # seconds


def migrate_aside(settings: Settings) -> None:
    """Migrate in a child process: alembic is 9 MB that the daemon would hold for ever.

    Call before any thread is started. Whatever goes wrong in the child is met again, and
    told of, when the caller migrates itself.
    """
    store = Store.open(settings.database_url)
    current, head = store.schema_current(), store.schema_head()
    store.close()
    if current == head:
        return
    at_work, ends_with_child = os.pipe()
    child = os.fork()
    if child == 0:
        _migrate_and_exit(settings)
    os.close(ends_with_child)
    _wait_for(at_work)
    os.close(at_work)
    os.waitpid(child, 0)


def _wait_for(at_work: int) -> None:
    """Until the pipe's other end is closed: a big desk may take longer than the unit's TimeoutStartSec=."""
    notify("STATUS=migrating the database")
    while not select.select([at_work], [], [], _ASK_EVERY)[0]:
        notify(f"EXTEND_TIMEOUT_USEC={round(4 * _ASK_EVERY * 1e6)}")


def _migrate_and_exit(settings: Settings) -> None:
    try:
        with suppress(TicketdError):
            Store.open(settings.database_url).migrate()
    finally:
        os._exit(0)


_ARENA_MAX = -8  # glibc's M_ARENA_MAX (malloc.h)


def share_arenas() -> None:
    """Let all threads share two arenas of memory, where the C library has them (glibc).

    Each of a hundred mailboxes' threads would keep one of its own, mostly empty. Call
    before any thread is started.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_ARENA_MAX, 2)


def trim() -> None:
    """Give free memory back to the system, where its C library can (glibc)."""
    gc.collect()
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
