"""The mails that we send: every public function gives a finished, checked ``Outgoing``.

The same arguments give the same bytes. ``relay`` writes to customers, ``notify`` tells
agents, ``ask`` asks them, ``lists`` answers them.
"""

from __future__ import annotations

from ticketd.decide.ask import held, question
from ticketd.decide.card import MARKER
from ticketd.decide.lists import archive, digest, help_text, listing, shown
from ticketd.decide.notify import alert, failure, notification, notifications
from ticketd.decide.relay import acknowledgement, relay

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
