"""What a trusted server says of a mail's author (RFC 8601): passed, failed, or nothing.

Believes exactly one Authentication-Results field, stamped by a configured server and
standing above the first Received field that is not that server's own. Verifies no
signature itself and knows nothing of agents.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import authres
import authres.core

from ticketd.decide.model import Message

_LONGEST = 4096  # A longer field is no server's honest work; authres recurses on comments.


class Authenticated(StrEnum):
    """Whether the domain in From vouches for the mail."""

    PASS = "pass"  # noqa: S105 - RFC 8601's word, no secret
    FAIL = "fail"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Authentication:
    """The result, and the sign that led to it in words."""

    result: Authenticated
    sign: str


def _claimed_id(value: str) -> str:
    """The authserv-id that a field claims, read leniently: a claim is counted even if malformed."""
    words = value.partition(";")[0].replace('"', " ").split()
    return words[0].lower() if words else ""


def _received_by(value: str) -> str:
    """The host after ``by`` in a Received field, lower case."""
    words = value.partition(";")[0].split()
    lowered = [word.lower() for word in words]
    place = lowered.index("by") + 1 if "by" in lowered else len(words)
    return lowered[place] if place < len(words) else ""


def _border(headers: tuple[tuple[str, str], ...], trusted: frozenset[str]) -> int:
    """The place of the first Received field that we did not write ourselves.

    Everything above our server's own topmost Received is our side's; the next Received
    below that one came with the mail.
    """
    received = [
        (place, _received_by(value))
        for place, (name, value) in enumerate(headers)
        if name.lower() == "received"
    ]
    ours = next((number for number, (_, by) in enumerate(received) if by in trusted), -1)
    foreign = received[ours + 1 :]
    return foreign[0][0] if foreign else len(headers)


def _read(value: str) -> authres.core.AuthenticationResultsHeader | None:
    """Parse one field, None where it cannot be read. ARC's ``i=1;`` is no part of ours."""
    if len(value) > _LONGEST:
        return None
    try:
        return authres.AuthenticationResultsHeader.parse_value(value)
    except (authres.core.AuthResError, RecursionError, ValueError, IndexError):
        return None


def _property(result: authres.core.AuthenticationResult, kind: str, name: str) -> str:
    found = (p.value for p in result.properties if p.type == kind and p.name == name)
    return str(next(found, "") or "").lower()


def _is_aligned(signing: str, domain: str) -> bool:
    """Whether the signing domain is the author's or a parent of it (RFC 7489 §3.1.1, relaxed)."""
    return "." in signing and (domain == signing or domain.endswith("." + signing))


def _weigh(results: Iterable[authres.core.AuthenticationResult], domain: str) -> Authentication:
    results = list(results)
    dmarc = [result for result in results if result.method == "dmarc"]
    if any(result.result == "fail" for result in dmarc):
        return Authentication(Authenticated.FAIL, "dmarc=fail")
    if any(result.result == "pass" and _property(result, "header", "from") == domain for result in dmarc):
        return Authentication(Authenticated.PASS, f"dmarc=pass header.from={domain}")
    signers = [
        _property(result, "header", "d")
        for result in results
        if result.method == "dkim" and result.result == "pass"
    ]
    if aligned := [signer for signer in signers if _is_aligned(signer, domain)]:
        return Authentication(Authenticated.PASS, f"dkim=pass header.d={aligned[0]}")
    return Authentication(Authenticated.NONE, "no aligned dmarc or dkim result")


def authenticate(message: Message, trusted: Iterable[str]) -> Authentication:
    """What the servers named in ``trusted`` say of the mail's one author."""
    ids = frozenset(name.lower() for name in trusted)
    if not ids or message.author is None:
        return Authentication(Authenticated.NONE, "no trusted_authserv" if not ids else "no author")
    claims = [
        (place, value)
        for place, (name, value) in enumerate(message.headers)
        if name.lower() == "authentication-results" and _claimed_id(value) in ids
    ]
    if len(claims) != 1:
        return Authentication(Authenticated.NONE, f"{len(claims)} fields of a trusted server")
    place, value = claims[0]
    if place > _border(message.headers, ids):
        return Authentication(Authenticated.NONE, "stands below a foreign Received")
    parsed = _read(value)
    if parsed is None or parsed.authserv_id is None or parsed.authserv_id.lower() not in ids:
        return Authentication(Authenticated.NONE, "cannot be read")
    return _weigh(parsed.results, message.author.key.rpartition("@")[2])
