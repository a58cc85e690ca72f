"""OAuth 2 grants: what a token endpoint's answer means, when a token is due, when a sign-in ends.

Follows RFC 6749 §5 (answers and errors), RFC 8628 §3.5 (waiting for a person with a code).
Knows nothing of HTTP, of where grants are kept, or of clocks: ``now`` is an argument.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from ticketd.decide import clean

_LIFE = 3600  # seconds of a token whose answer does not say (RFC 6749 §5.1 only recommends it)
_LONGEST = 10 * 365 * 86400  # seconds; what is said to live longer is not believed
_RENEW_AFTER = 0.8  # of a token's life
_WARN_BEFORE = timedelta(days=3)

_REMEDIES: Mapping[str, str] = {
    "invalid_grant": "the sign-in has ended (a changed password, consent withdrawn, or long unused)",
    "interaction_required": "the provider wants to see a person again",
    "consent_required": "nobody has consented that this application reads and sends mail",
    "invalid_client": "client_id or client_secret is wrong, or the secret has expired",
    "unauthorized_client": "the application is not registered for this way to sign in",
    "invalid_scope": 'the provider does not grant this; with flow = "device" try "browser"',
    "access_denied": "the person or an administrator said no",
    "expired_token": "nobody entered the code in time",
}
# RFC 6749 §4.1.2.1, and what providers say when asked too often: not the sign-in's fault
_PASSES = ("temporarily_unavailable", "server_error", "rate_limit_exceeded", "too_many_requests")
_SECRET = 4  # characters from which on something is one


@dataclass(frozen=True, slots=True)
class Grant:
    """What a provider gave us for one mailbox.

    ``client`` names the application and the account that it is for: under another it is worth
    nothing. ``refresh_expires_at`` is None where the provider does not say. ``signed_in_at`` is
    when a person (or the application) last signed in, as opposed to ``obtained_at``.
    """

    client: str
    access_token: str = field(repr=False)
    expires_at: datetime
    refresh_token: str | None = field(repr=False)
    refresh_expires_at: datetime | None
    obtained_at: datetime
    signed_in_at: datetime

    def is_due(self, now: datetime) -> bool:
        """Whether to renew it: four fifths of its life are over, or the clock was put back."""
        life = self.expires_at - self.obtained_at
        return not self.obtained_at <= now < self.obtained_at + life * _RENEW_AFTER

    def serves(self, now: datetime) -> bool:
        """Whether the access token may still be accepted."""
        return now < self.expires_at

    def ends_soon(self, now: datetime) -> bool:
        """Whether somebody must sign in again within three days, as far as the provider says."""
        return self.refresh_expires_at is not None and now > self.refresh_expires_at - _WARN_BEFORE


class Answer(StrEnum):
    """What kind of answer a token endpoint gave."""

    GRANTED = "granted"
    PENDING = "pending"
    SLOW_DOWN = "slow down"
    REFUSED = "refused"
    LATER = "later"


def judge(status: int, document: Mapping[str, Any]) -> Answer:
    """What an answer means; whatever is no OAuth answer is trouble that passes."""
    error = document.get("error")
    if status == 200 and error is None:
        token = document.get("access_token")
        return Answer.GRANTED if isinstance(token, str) and _is_token(token) else Answer.LATER
    if error == "authorization_pending":
        return Answer.PENDING
    if error == "slow_down":
        return Answer.SLOW_DOWN
    refused = isinstance(error, str) and status < 500 and status != 429 and error not in _PASSES
    return Answer.REFUSED if refused else Answer.LATER


def _is_token(text: str) -> bool:
    """Whether it can stand in a login: visible ASCII alone (RFC 6750 §2.1)."""
    return bool(text) and text.isascii() and text.isprintable() and " " not in text


def reason(status: int, document: Mapping[str, Any], hidden: Iterable[str] = ()) -> str:
    """Why nothing was granted, as a clause for the operator.

    The provider's own words are cut short, and whatever of ``hidden`` they repeat is left out.
    """
    error = document.get("error")
    if not isinstance(error, str):
        return f"it answers {status} and nothing that is OAuth"
    said = document.get("error_description")
    words = _shown(said, hidden) if isinstance(said, str) else ""
    known = _REMEDIES.get(error)
    return f"{_shown(error, hidden)[:40]}{f': {known}' if known else ''}{f' ({words})' if words else ''}"


def _shown(said: str, hidden: Iterable[str]) -> str:
    for secret in hidden:
        if len(secret) >= _SECRET:
            said = said.replace(secret, "…")
    return clean.name(said, 200)


def granted(
    document: Mapping[str, Any], before: Grant | None, client: str, now: datetime, *, signed_in: bool
) -> Grant:
    """The grant in a good answer; a refresh token that is not named anew stays (RFC 6749 §6)."""
    refresh, ends = document.get("refresh_token"), document.get("refresh_token_expires_in")
    rotated = isinstance(refresh, str) and bool(refresh)
    kept = None if signed_in or before is None else before
    refresh_ends = now + timedelta(seconds=_seconds(ends)) if _seconds(ends) else None
    if ends is None and kept is not None and not rotated:
        refresh_ends = kept.refresh_expires_at
    return Grant(
        client=client,
        access_token=str(document["access_token"]),
        expires_at=now + _span(document.get("expires_in")),
        refresh_token=str(refresh) if rotated else kept.refresh_token if kept else None,
        refresh_expires_at=refresh_ends,
        obtained_at=now,
        signed_in_at=kept.signed_in_at if kept else now,
    )


def _span(seconds: object) -> timedelta:
    """A token's life, as said or else an hour."""
    return timedelta(seconds=_seconds(seconds) or _LIFE)


def _seconds(said: object) -> int:
    """A number of seconds, as a number or as digits: providers write either; 0 for what is none."""
    text = str(said)
    return min(int(text), _LONGEST) if text.isascii() and text.isdigit() and len(text) <= 12 else 0
