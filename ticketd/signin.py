"""Access tokens for mailboxes that sign in with OAuth 2: kept, renewed in time, saved before use.

Renewed after four fifths of a token's life. A rotated refresh token is committed before its
access token is handed out: whoever dies in between finds it again. A sign-in that has ended is a
refused login, which pauses its own mailbox and tells the admins how to mend it. Knows nothing of
IMAP and SMTP, and decides nothing that ``decide.grants`` can.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeGuard

from ticketd.config import MailboxSettings, OAuthSettings
from ticketd.decide.grants import Answer, Grant, granted, judge, reason
from ticketd.errors import LoginRefused, TicketdError, Unavailable
from ticketd.store import Store
from ticketd.wire import oauth

Clock = Callable[[], datetime]

_AWAY = 10.0  # seconds in which a provider that did not answer is not asked again
_MARGIN = 5.0  # seconds that saving may take whoever has the turn


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
    """All mailboxes' tokens. Safe to share between threads; one mailbox is renewed once at a time.

    That holds for all processes on the machine: a provider may take a rotated token that comes
    twice for a stolen one, and end the sign-in (RFC 9700 §4.14.2).
    """

    def __init__(self, store: Store | None, clock: Clock, directory: Path | None) -> None:
        """``directory`` is where locks are; without a ``store`` only applications can sign in."""
        self._store, self._clock, self._directory = store, clock, directory
        self._guard = threading.Lock()
        self._accounts: dict[str, _Account] = {}

    def tokens(self, mailbox: MailboxSettings, patience: float = oauth.PATIENCE) -> Tokens:
        """One mailbox's tokens; ``patience`` (seconds) is for one answer of the provider."""
        with self._guard:
            account = self._accounts.setdefault(mailbox.name, _Account(_lock(self._directory, mailbox.name)))
        return Tokens(mailbox, self._store, self._clock, account, patience)


@dataclass(slots=True)
class _Account:
    """What all connections of one mailbox share.

    The token that a server refused, and the one got instead; a grant that could not be saved, with
    the one before it; when the provider was last found to be away (monotonic), and in what words.
    """

    lock: Path | None
    refused: str | None = field(default=None, repr=False)
    instead: str | None = field(default=None, repr=False)
    unsaved: tuple[Grant | None, Grant] | None = field(default=None, repr=False)
    away: tuple[float, str] | None = None


def _lock(directory: Path | None, mailbox: str) -> Path | None:
    """A mailbox's lock file: its name is the admin's and may hold anything, a digest is a safe name."""
    if directory is None or not directory.exists():
        return None
    return directory / f"sign-in-{hashlib.sha256(mailbox.encode()).hexdigest()[:16]}"


@contextmanager
def _turn(lock: Path | None, patience: float) -> Iterator[None]:
    """Be the one that renews; the system lets go of the lock when its holder dies."""
    if lock is None:
        yield
        return
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        end = time.monotonic() + patience
        while not _taken(descriptor):
            if time.monotonic() > end:
                raise Unavailable("another process is still signing in")
            time.sleep(0.05)
        yield
    finally:
        os.close(descriptor)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


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
        grant = self._kept()
        if self._is_good(grant):
            return grant.access_token
        with _turn(self._account.lock, self._patience + _MARGIN):
            grant = self._kept()  # somebody else may have had the turn before us
            if self._is_good(grant):
                return grant.access_token
            return self._renewed(grant, self._clock()).access_token

    def refused(self, token: str) -> bool:
        """The server refused ``token``: whether another one may do better; a third would not."""
        if token == self._account.instead:
            return False
        self._account.refused = token
        return True

    def _is_good(self, grant: Grant | None) -> TypeGuard[Grant]:
        fresh = grant is not None and not grant.is_due(self._clock())
        return fresh and grant is not None and grant.access_token != self._account.refused

    def _kept(self) -> Grant | None:
        """The grant that is kept, if it is for this application and account."""
        if self._account.unsaved:
            self._save(*self._account.unsaved)
        if self._store is None:
            return None
        with self._store.begin("grant") as tx:
            grant = tx.grant(self._mailbox.name)
        return grant if grant and grant.client == self._client else None

    def _save(self, before: Grant | None, renewed: Grant) -> None:
        """Commit what followed from ``before``, unless somebody signed in meanwhile.

        Where the database is in trouble the grant is remembered: the provider may have forgotten the old one.
        """
        if self._store is None:
            return
        self._account.unsaved = before, renewed
        with self._store.begin("keep-grant") as tx:
            tx.keep_grant(self._mailbox.name, renewed, instead_of=before)
        self._account.unsaved = None

    def _renewed(self, grant: Grant | None, now: datetime) -> Grant:
        """A new grant, saved. Where the old one still serves, a provider that is away is no trouble yet."""
        try:
            renewed = self._asked(grant, now)
        except LoginRefused:
            other = self._kept()
            if other is not None and other != grant:
                return other  # somebody signed in meanwhile
            raise
        except Unavailable:
            if grant and grant.serves(now) and grant.access_token != self._account.refused:
                return grant
            raise
        self._save(grant, renewed)
        if grant and grant.access_token == self._account.refused:
            self._account.instead = renewed.access_token
        return self._kept() or renewed

    def _asked(self, grant: Grant | None, now: datetime) -> Grant:
        """``_ask``, but not a provider that was away a moment ago, nor before the database can be written."""
        if self._account.away and time.monotonic() - self._account.away[0] < _AWAY:
            raise Unavailable(self._account.away[1])
        if grant is not None:
            self._save(grant, grant)
        try:
            return self._ask(grant, now)
        except LoginRefused:
            raise
        except Unavailable as error:
            self._account.away = time.monotonic(), str(error)
            raise

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
        raise trouble(self._mailbox, answer, status, document, fields.values())


def keep(store: Store, mailbox: str, grant: Grant) -> None:
    """Commit what a person just granted, whatever was kept before."""
    with store.begin("keep-grant") as tx:
        tx.keep_grant(mailbox, grant)


def ask(settings: OAuthSettings, key: str, patience: float, **fields: str) -> tuple[int, dict[str, Any]]:
    """Ask one of the provider's endpoints."""
    return oauth.ask(settings.endpoint(key), form_of(settings, **fields), patience)


def trouble(
    mailbox: MailboxSettings,
    answer: Answer,
    status: int,
    document: Mapping[str, Any],
    sent: Iterable[str] = (),
) -> TicketdError:
    """What a provider's refusal is for us, with the way to mend it; ``sent`` is what it may repeat to us."""
    assert mailbox.oauth is not None
    secret = mailbox.oauth.client_secret
    hidden = (*sent, *((secret.read(),) if secret else ()))
    why = f"{mailbox.oauth.provider} gives no token: {reason(status, document, hidden)}"
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
