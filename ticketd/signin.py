"""Access tokens for mailboxes that sign in with OAuth 2: kept, renewed in time, saved before use.

Renewed after four fifths of a token's life. A rotated refresh token is committed before its
access token is handed out: whoever dies in between finds it again. A sign-in that has ended is a
refused login, which pauses its own mailbox and tells the admins how to mend it. Knows nothing of
IMAP and SMTP, and decides nothing that ``decide.grants`` can.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ticketd.config import MailboxSettings, OAuthSettings
from ticketd.decide.grants import Answer, Grant, granted, judge, reason
from ticketd.errors import LoginRefused, TicketdError, Unavailable
from ticketd.store import Store
from ticketd.wire import oauth

Clock = Callable[[], datetime]


def identity(mailbox: MailboxSettings) -> str:
    """The application and account that a grant of this mailbox is for; under another it is worth nothing."""
    settings = mailbox.oauth
    assert settings is not None
    parts = (
        settings.endpoint("token_url"),
        settings.client_id,
        settings.sign_in,
        settings.scope,
        mailbox.imap.username or mailbox.address,
    )
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def form_of(settings: OAuthSettings, **fields: str) -> dict[str, str]:
    """A form for the provider: who asks, and what."""
    secret = settings.client_secret
    return {
        "client_id": settings.client_id,
        **({"client_secret": secret.read()} if secret else {}),
        **fields,
    }


class SignIns:
    """All mailboxes' tokens. Safe to share between threads; one mailbox renews once at a time."""

    def __init__(self, store: Store | None, clock: Clock) -> None:
        """Without a ``store`` nothing is kept, and only applications can sign in."""
        self._store, self._clock = store, clock
        self._guard = threading.Lock()
        self._accounts: dict[str, _Account] = {}

    def tokens(self, mailbox: MailboxSettings, patience: float = oauth.PATIENCE) -> Tokens:
        """One mailbox's tokens; ``patience`` (seconds) is for one answer of the provider."""
        with self._guard:
            account = self._accounts.setdefault(mailbox.name, _Account())
        return Tokens(mailbox, self._store, self._clock, account, patience)


@dataclass(slots=True)
class _Account:
    """What all connections of one mailbox share: the token that a server refused, and the one got instead."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    refused: str | None = field(default=None, repr=False)
    instead: str | None = field(default=None, repr=False)


class Tokens:
    """One mailbox's access tokens, for one connection (``wire.Tokens``)."""

    def __init__(
        self,
        mailbox: MailboxSettings,
        store: Store | None,
        clock: Clock,
        account: _Account,
        patience: float,
    ) -> None:
        assert mailbox.oauth is not None
        self._mailbox, self._settings, self._client = mailbox, mailbox.oauth, identity(mailbox)
        self._store, self._clock, self._account, self._patience = store, clock, account, patience

    def token(self) -> str:
        """An access token that should be accepted.

        Raises LoginRefused where somebody must sign in (again), Unavailable where the provider is away.
        """
        with self._account.lock:
            grant = self._kept()
            now = self._clock()
            if grant and not grant.is_due(now) and grant.access_token != self._account.refused:
                return grant.access_token
            return self._renewed(grant, now).access_token

    def refused(self, token: str) -> bool:
        """The server refused ``token``: whether another one may do better; a third would not."""
        if token == self._account.instead:
            return False
        self._account.refused = token
        return True

    def _kept(self) -> Grant | None:
        """The grant that is kept, if it is for this application and account."""
        if self._store is None:
            return None
        with self._store.begin("grant") as tx:
            grant = tx.grant(self._mailbox.name)
        return grant if grant and grant.client == self._client else None

    def _renewed(self, grant: Grant | None, now: datetime) -> Grant:
        """A new grant, saved. Where the old one still serves, a provider that is away is no trouble yet."""
        try:
            renewed = self._ask(grant, now)
        except LoginRefused:
            other = self._kept()
            if other is not None and other != grant:
                return other  # another process was quicker: with a rotated token only one can be
            raise
        except Unavailable:
            if grant and grant.serves(now) and grant.access_token != self._account.refused:
                return grant
            raise
        keep(self._store, self._mailbox.name, renewed)
        if grant and grant.access_token == self._account.refused:
            self._account.instead = renewed.access_token
        return renewed

    def _ask(self, grant: Grant | None, now: datetime) -> Grant:
        """Ask the provider for what follows ``grant``."""
        if self._settings.sign_in == "client-credentials":
            fields = {"grant_type": "client_credentials", "scope": self._settings.scope}
        elif grant is None:
            raise LoginRefused(f"nobody has signed in yet: run `ticketd login {self._mailbox.name}`")
        elif grant.refresh_token is None:
            raise LoginRefused(f"the sign-in has ended: run `ticketd login {self._mailbox.name}`")
        else:
            fields = {"grant_type": "refresh_token", "refresh_token": grant.refresh_token}
        status, document = ask(self._settings, "token_url", self._patience, **fields)
        answer = judge(status, document)
        if answer is Answer.GRANTED:
            return granted(document, grant, self._client, now, signed_in=grant is None)
        raise trouble(self._mailbox, answer, status, document)


def keep(store: Store | None, mailbox: str, grant: Grant) -> None:
    """Commit a grant before anybody uses it."""
    if store is not None:
        with store.begin("keep-grant") as tx:
            tx.keep_grant(mailbox, grant)


def ask(settings: OAuthSettings, key: str, patience: float, **fields: str) -> tuple[int, dict[str, Any]]:
    """Ask one of the provider's endpoints."""
    return oauth.ask(settings.endpoint(key), form_of(settings, **fields), patience)


def trouble(
    mailbox: MailboxSettings, answer: Answer, status: int, document: Mapping[str, Any]
) -> TicketdError:
    """What a provider's refusal is for us, with the way to mend it."""
    assert mailbox.oauth is not None
    why = f"{mailbox.oauth.provider} gives no token: {reason(status, document)}"
    if answer is not Answer.REFUSED:
        return Unavailable(why)
    by_person = mailbox.oauth.sign_in != "client-credentials"
    return LoginRefused(
        f"{why}; {f'run `ticketd login {mailbox.name}`' if by_person else 'mend [mailboxes.oauth]'}"
    )


def ending(store: Store, mailboxes: Mapping[str, MailboxSettings], now: datetime) -> dict[str, datetime]:
    """The mailboxes at which somebody must sign in again within days, and by when."""
    found = {}
    with store.begin("grants") as tx:
        for name, mailbox in mailboxes.items():
            grant = tx.grant(name) if mailbox.oauth else None
            if grant and grant.refresh_expires_at and grant.ends_soon(now):
                found[name] = grant.refresh_expires_at
    return found
