"""When to try again, and when to give up: outbox rows, accounts, logins, mailboxes.

Delays are data; jitter is derived from ids, never drawn, so the same row always gets
the same plan. Retrying and giving up follow RFC 5321 §4.5.4.1 in spirit, at the pace of
customer support. Knows nothing of clocks: ``now`` is an argument.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

_MINUTE, _HOUR = timedelta(minutes=1), timedelta(hours=1)

_SCHEDULE = (_MINUTE, 5 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE, _HOUR, 2 * _HOUR, 4 * _HOUR)
_GIVE_UP = timedelta(hours=48)
_GREYLISTING = 5 * _MINUTE
_ACCOUNT = (_MINUTE, 2 * _MINUTE, 4 * _MINUTE, 8 * _MINUTE, 15 * _MINUTE)
_LOGIN = (_MINUTE, 2 * _MINUTE, 4 * _MINUTE, 8 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE, _HOUR)
_CONNECT = tuple(timedelta(seconds=s) for s in (1, 2, 4, 8, 15, 30, 60, 120, 300))

AGAIN_WHEN_UNSURE = timedelta(seconds=10)
"""A mail whose 250 was not seen goes out again after this: the promise is within a minute."""

TELL_OF_DELAY = _HOUR
"""A mail still waiting at this age is worth a word to its author."""

TOO_LATE_TO_ACKNOWLEDGE = _HOUR
"""An acknowledgement older than this is noise."""


def next_attempt(
    attempts: int, since: datetime, now: datetime, row: int, *, recipient_deferred: bool = False
) -> datetime | None:
    """When to try row ``row`` again after ``attempts`` failed ones; None to give up at 48 h.

    ``recipient_deferred`` is a refusal of the recipient for now, most often
    greylisting: sooner than five minutes would be refused again. An attempt falls on the
    hour at which the author hears of the delay, and one on the end.
    """
    if now - since >= _GIVE_UP:
        return None
    delay = _step(_SCHEDULE, attempts)
    if recipient_deferred:
        delay = max(delay, _GREYLISTING)
    following = now + jittered(delay, f"{row}.{attempts}")
    for milestone in (since + TELL_OF_DELAY, since + _GIVE_UP):
        if now < milestone < following:
            return milestone  # its author is to hear of it then, not an hour later
    return following


def account_pause(failures: int) -> timedelta:
    """How long an account's mail waits after ``failures`` failures in a row: 1 to 15 minutes."""
    return _step(_ACCOUNT, failures)


def login_pause(failures: int) -> timedelta:
    """How long to leave an account alone that refused us ``failures`` times: 1 to 60 minutes.

    After five refusals at most one try in 15 minutes, lest the provider lock the account.
    """
    return _step(_LOGIN, failures)


def reconnect_pause(failures: int, name: str) -> timedelta:
    """How long to wait before connecting to ``name`` again: one second to five minutes, with jitter."""
    return jittered(_step(_CONNECT, failures), f"{name}.{failures}")


def _step(steps: tuple[timedelta, ...], count: int) -> timedelta:
    return steps[min(max(count, 1), len(steps)) - 1]


def jittered(delay: timedelta, seed: str) -> timedelta:
    """``delay`` moved by up to ten percent either way, always the same for the same ``seed``."""
    draw = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:4]) / 0xFFFFFFFF
    return delay * (0.9 + 0.2 * draw)
