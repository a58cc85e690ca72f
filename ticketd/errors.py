"""The errors that ticketd raises on purpose: each says whose trouble it is.

The message of each is one clear sentence for the person who can mend it. Imports
nothing; whoever catches one decides by its class, never by its text.
"""

from __future__ import annotations


class TicketdError(Exception):
    """Something failed and the message says what to do about it."""

    exit_status = 1


class UsageError(TicketdError):
    """The caller asked for something that cannot be: wrong usage."""

    exit_status = 2


class NotFound(TicketdError):
    """The thing asked for does not exist."""


class Unavailable(TicketdError):
    """Something outside is unreachable or refuses: try again later."""

    exit_status = 75


class LoginRefused(Unavailable):
    """The server refused our login: the operator must mend it, retrying soon is harmful."""


class ConfigError(TicketdError):
    """The config cannot be used; the message names the file, the line and the key."""

    exit_status = 78


class Damaged(TicketdError):
    """The database cannot be used until somebody mends it: going on would only loop."""


class Busy(TicketdError):
    """Another daemon holds this database."""

    exit_status = 78
