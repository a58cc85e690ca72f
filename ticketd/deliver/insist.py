"""Writes what must be written: again and again while the database is in trouble, told of once.

A row that was leased and is not settled waits for its lease to end; a row whose 250 was
not written down is sent again. So neither is left undone while there is time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from ticketd.errors import TicketdError
from ticketd.progress import Progress

_TRY_AGAIN = 5.0  # seconds, while the database is in trouble
_ONE_TRY = 300.0  # seconds within which the database answers or fails

log = structlog.get_logger()


def insist(write: Callable[[], None], stop: threading.Event, mailbox: str, progress: Progress) -> bool:
    """Call ``write`` until it succeeds; False where the stop came first, and the next start puts it right."""
    trouble = ""
    while True:
        progress.promise(_ONE_TRY)
        try:
            write()
        except TicketdError as error:
            if str(error) != trouble:
                trouble = str(error)
                log.warning("outbox cannot be written", mailbox=mailbox, said=trouble)
            if stop.wait(_TRY_AGAIN):
                return False
        else:
            return True
