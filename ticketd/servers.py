"""From a mailbox's settings to the servers that ``wire`` speaks to. Secrets are read when they are needed."""

from __future__ import annotations

from collections.abc import Callable

from ticketd.config import MailboxSettings, ServerSettings, Settings
from ticketd.errors import ConfigError
from ticketd.wire import Server


def check_sign_in(settings: Settings) -> None:
    """Raise ConfigError for a mailbox that we could not sign in to: OAuth 2 is not built yet."""
    for mailbox in settings.mailboxes:
        if mailbox.oauth is not None and mailbox.imap.password is None:
            raise ConfigError(
                f"{settings.path}: mailbox {mailbox.name}: OAuth 2 sign-in is not built yet;"
                " use a password (an app password) until it is"
            )


def imap_server(mailbox: MailboxSettings, *, at_most: float | None = None) -> Server:
    """Where the mailbox's mail comes from; ``at_most`` caps the time-out (seconds)."""
    return _server(mailbox.imap, at_most)


def smtp_server(mailbox: MailboxSettings, *, at_most: float | None = None) -> Server:
    """Where the mailbox's mail goes."""
    return _server(mailbox.smtp, at_most)


def _server(settings: ServerSettings, at_most: float | None) -> Server:
    timeout = settings.timeout.total_seconds()
    return Server(
        host=settings.host,
        port=settings.port,
        security=settings.security,
        username=settings.username,
        password=_reader(settings),
        timeout=timeout if at_most is None else min(timeout, at_most),
        ca_file=str(settings.ca_file) if settings.ca_file else None,
    )


def _reader(settings: ServerSettings) -> Callable[[], str] | None:
    return settings.password.read if settings.password else None
