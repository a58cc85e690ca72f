"""The mails that we send: every public function gives a finished, checked ``Outgoing``.

The same arguments give the same bytes. ``relay`` writes to customers, ``notify`` tells
agents, ``ask`` asks them, ``lists`` answers them.
"""

from __future__ import annotations

from ticketd.decide.writing.ask import held, question
from ticketd.decide.writing.card import MARKER
from ticketd.decide.writing.lists import archive, digest, help_text, listing, shown
from ticketd.decide.writing.notify import alert, failure, notification, notifications
from ticketd.decide.writing.relay import acknowledgement, relay

__all__ = [
    "MARKER",
    "acknowledgement",
    "alert",
    "archive",
    "digest",
    "failure",
    "held",
    "help_text",
    "listing",
    "notification",
    "notifications",
    "question",
    "relay",
    "shown",
]
