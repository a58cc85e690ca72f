"""A person signs a mailbox in: with a code on another device, or in a browser (RFC 8628; 8252, 7636).

Says what to do through ``tell`` and gives back the grant; whoever calls keeps it. What an
answer means is ``decide.grants``'.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from ticketd.config import MailboxSettings, OAuthSettings
from ticketd.decide.grants import Answer, Grant, granted, judge
from ticketd.errors import LoginRefused, Unavailable, UsageError
from ticketd.signin import ask, identity, trouble
from ticketd.wire.oauth import PATIENCE
from ticketd.wire.redirect import Redirect
from ticketd.wire.tls import printable

Tell = Callable[[str], None]

_DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_SLOWER = 5.0  # seconds more between questions, when asked to slow down (RFC 8628 §3.5)
_IN_BROWSER = 900.0  # seconds that a person may take


def sign_in(
    mailbox: MailboxSettings,
    tell: Tell,
    clock: Callable[[], datetime],
    pasted: Iterable[str] = (),
    wait: Callable[[float], None] = time.sleep,
    elapsed: Callable[[], float] = time.monotonic,
) -> Grant:
    """Sign in as the config says.

    Raises UsageError for a mailbox without OAuth, LoginRefused where the provider or the person
    says no, Unavailable where the provider is away or nobody came.
    """
    settings = mailbox.oauth
    if settings is None:
        raise UsageError(f"{mailbox.name} signs in with a password: it has no [mailboxes.oauth]")
    if settings.sign_in == "client-credentials":
        return _by_itself(mailbox, settings, clock)
    if settings.sign_in == "device":
        grant = _by_code(mailbox, settings, tell, clock, wait, elapsed)
    else:
        grant = _by_browser(mailbox, settings, tell, clock, pasted)
    if grant.refresh_token is None:
        raise LoginRefused(
            "the provider gave no refresh token, so that the sign-in would end within the hour:"
            " let the application ask for offline access, or take its access away and sign in again"
        )
    return grant


def _grant(
    mailbox: MailboxSettings,
    answer: tuple[int, Mapping[str, Any]],
    clock: Callable[[], datetime],
    sent: Iterable[str] = (),
) -> Grant:
    status, document = answer
    verdict = judge(status, document)
    if verdict is not Answer.GRANTED:
        raise trouble(mailbox, verdict, status, document, sent)
    return granted(document, None, identity(mailbox), clock(), signed_in=True)


def _by_itself(mailbox: MailboxSettings, settings: OAuthSettings, clock: Callable[[], datetime]) -> Grant:
    """The application needs nobody; that it works is worth knowing."""
    fields = {"grant_type": "client_credentials", "scope": settings.scope}
    return _grant(mailbox, ask(settings, "token_url", PATIENCE, **fields), clock)


# With a code on another device


def _by_code(
    mailbox: MailboxSettings,
    settings: OAuthSettings,
    tell: Tell,
    clock: Callable[[], datetime],
    wait: Callable[[float], None],
    elapsed: Callable[[], float],
) -> Grant:
    status, device = ask(settings, "device_url", PATIENCE, scope=settings.scope)
    page = device.get("verification_uri") or device.get("verification_url")  # Google's older name
    code, key = device.get("user_code"), device.get("device_code")
    if not (page and code and key):
        raise trouble(mailbox, judge(status, device), status, device)
    tell(f"Open {printable(str(page))} in any browser, sign in as {mailbox.address}, and enter the code")
    tell(f"\n    {printable(str(code))}\n")
    interval = max(1.0, _seconds(device.get("interval"), 5.0))
    end = elapsed() + _seconds(device.get("expires_in"), 900.0)
    fields = {"grant_type": _DEVICE_GRANT, "device_code": str(key)}
    while (left := end - elapsed()) > 0:
        wait(min(interval, left))
        answer = _asked(settings, fields)
        verdict = judge(*answer)
        if verdict is Answer.SLOW_DOWN:
            interval += _SLOWER
        elif verdict not in (Answer.PENDING, Answer.LATER):
            return _grant(mailbox, answer, clock, fields.values())
    raise Unavailable("nobody entered the code in time: run it again")


def _asked(settings: OAuthSettings, fields: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
    """Ask; a provider that is away for a moment is asked again."""
    try:
        return ask(settings, "token_url", PATIENCE, **fields)
    except Unavailable:
        return 503, {}


def _seconds(value: object, usual: float) -> float:
    """A number of seconds as providers write them."""
    text = str(value)
    return float(text) if text.isascii() and text.isdigit() and len(text) < 6 else usual


# In a browser


def _by_browser(
    mailbox: MailboxSettings,
    settings: OAuthSettings,
    tell: Tell,
    clock: Callable[[], datetime],
    pasted: Iterable[str],
) -> Grant:
    state, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
    with Redirect() as redirect:
        redirect.listen_to(pasted)
        tell(f"Open this address in a browser and sign in as {mailbox.address}:\n")
        tell(f"    {_address(mailbox, settings, redirect.url, state, verifier)}\n")
        tell("If the browser runs on another machine, it ends at an address that does not load:")
        tell("paste that address here and press Enter.")
        code = _code(redirect, mailbox, state)
    fields = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect.url,
        "code_verifier": verifier,
    }
    return _grant(mailbox, ask(settings, "token_url", PATIENCE, **fields), clock, fields.values())


def _address(mailbox: MailboxSettings, settings: OAuthSettings, back: str, state: str, verifier: str) -> str:
    """Where the person signs in; the verifier's digest binds the code to us (RFC 7636 §4.2)."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    query = {
        "client_id": settings.client_id,
        "response_type": "code",
        "redirect_uri": back,
        "scope": settings.scope,
        "state": state,
        "code_challenge": digest,
        "code_challenge_method": "S256",
        "login_hint": mailbox.imap.username or mailbox.address,
    }
    if settings.provider == "google":
        query |= {"access_type": "offline", "prompt": "consent"}  # else no refresh token comes
    return f"{settings.endpoint('auth_url')}?{urlencode(query)}"


def _code(redirect: Redirect, mailbox: MailboxSettings, state: str) -> str:
    """The code that the browser brought back; what does not carry our ``state`` is not for us."""
    end = time.monotonic() + _IN_BROWSER
    while (left := end - time.monotonic()) > 0:
        try:
            query = redirect.wait(left)
        except TimeoutError:
            break
        if not secrets.compare_digest(query.get("state", "").encode(), state.encode()):
            continue
        if "code" in query:
            return query["code"]
        raise trouble(mailbox, Answer.REFUSED, 400, query)
    raise Unavailable("nobody came back from the browser in time: run it again")
