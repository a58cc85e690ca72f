"""A person signs in: with a code on another device, or in a browser."""

from __future__ import annotations

import queue
import threading
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.servers.oauth import Provider
from tests.test_signin import box
from ticketd.config import MailboxSettings
from ticketd.errors import LoginRefused, Unavailable, UsageError
from ticketd.login import sign_in

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def clock() -> datetime:
    return NOW


class Waiting:
    """Time that passes only by waiting."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)

    def elapsed(self) -> float:
        return sum(self.waits)


def by_code(mailbox: MailboxSettings, tell=lambda _: None):
    time = Waiting()
    return sign_in(mailbox, tell, clock, wait=time.wait, elapsed=time.elapsed)


def test_a_code_is_waited_for(provider: Provider, tmp_path: Path) -> None:
    told: list[str] = []
    time = Waiting()

    def wait(seconds: float) -> None:
        time.wait(seconds)
        if len(time.waits) == 4:
            provider.approve()

    provider.script = [(400, {"error": "slow_down"}), (503, b"busy")]
    grant = sign_in(box(tmp_path, provider), told.append, clock, wait=wait, elapsed=time.elapsed)
    assert (grant.access_token, grant.refresh_token, grant.signed_in_at) == ("access-1", "refresh-1", NOW)
    assert provider.url("activate") in told[0]
    assert "WDJB-MJHT" in told[1]
    assert time.waits == [1, 6, 6, 6]
    assert provider.asked[0]["scope"] == "mail offline"


@pytest.mark.parametrize(("error", "words"), [("access_denied", "said no"), ("expired_token", "in time")])
def test_a_person_who_says_no(provider: Provider, tmp_path: Path, error: str, words: str) -> None:
    provider.script = [(400, {"error": error})]
    with pytest.raises(LoginRefused, match=words):
        by_code(box(tmp_path, provider))


def test_a_code_that_nobody_enters(provider: Provider, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="nobody entered the code in time"):
        by_code(box(tmp_path, provider))


def test_without_offline_access_it_is_refused(provider: Provider, tmp_path: Path) -> None:
    provider.script = [(200, {"access_token": "a"})]
    with pytest.raises(LoginRefused, match="no refresh token"):
        by_code(box(tmp_path, provider))


class Browser:
    """A person with a browser: opens what they are told to open."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self.address = ""

    def told(self, text: str) -> None:
        """Read the screen; open the address on it."""
        if "response_type=code" in text:
            self.address = text.strip()
            threading.Thread(target=self.go, daemon=True).start()

    def go(self) -> None:
        """Agree, and let the browser follow; first, somebody else knocks."""
        query = {key: values[0] for key, values in parse_qs(urlsplit(self.address).query).items()}
        for address in (
            f"{query['redirect_uri']}/favicon.ico",
            f"{query['redirect_uri']}/?code=stolen&state=x",
            self._provider.authorize(query),
        ):
            with urllib.request.urlopen(address) as page:
                assert b"You can close this page" in page.read()


def test_a_browser_comes_back(provider: Provider, tmp_path: Path) -> None:
    browser = Browser(provider)
    grant = sign_in(box(tmp_path, provider, "browser"), browser.told, clock)
    assert grant.refresh_token
    asked = provider.asked[-1]
    assert asked["grant_type"] == "authorization_code"
    assert len(asked["code_verifier"]) >= 43
    assert "code_challenge_method=S256" in browser.address
    assert "login_hint=support%40example.test" in browser.address


def test_an_address_is_pasted(provider: Provider, tmp_path: Path) -> None:
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    def told(text: str) -> None:
        if "response_type=code" in text:
            query = {key: values[0] for key, values in parse_qs(urlsplit(text.strip()).query).items()}
            lines.put("what is this?\n")
            lines.put(provider.authorize(query) + "\n")

    def pasted():
        while True:
            yield lines.get()

    assert sign_in(box(tmp_path, provider, "browser"), told, clock, pasted()).refresh_token


def test_a_browser_that_brings_a_no(provider: Provider, tmp_path: Path) -> None:
    def told(text: str) -> None:
        if "response_type=code" in text:
            query = {key: values[0] for key, values in parse_qs(urlsplit(text.strip()).query).items()}
            urllib.request.urlopen(
                f"{query['redirect_uri']}/?error=access_denied&state={query['state']}"
            ).close()

    with pytest.raises(LoginRefused, match="access_denied: the person or an administrator said no"):
        sign_in(box(tmp_path, provider, "browser"), told, clock)


def test_an_application_is_tried(provider: Provider, tmp_path: Path) -> None:
    assert sign_in(box(tmp_path, provider, "client-credentials"), lambda _: None, clock).refresh_token is None


def test_a_mailbox_with_a_password(provider: Provider, tmp_path: Path) -> None:
    mailbox = box(tmp_path, provider).model_copy(update={"oauth": None})
    with pytest.raises(UsageError, match="signs in with a password"):
        sign_in(mailbox, lambda _: None, clock)
