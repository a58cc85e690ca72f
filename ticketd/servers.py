"""From a mailbox's settings to the servers that ``wire`` speaks to. Secrets are read when they are needed."""

from __future__ import annotations

from collections.abc import Callable

from ticketd.config import MailboxSettings, ServerSettings
from ticketd.signin import SignIns
from ticketd.wire import Server
from ticketd.wire.oauth import PATIENCE
from ticketd.wire.patience import Allowance


def imap_server(mailbox: MailboxSettings, sign_ins: SignIns, *, at_most: float | None = None) -> Server:
    """Where the mailbox's mail comes from; ``at_most`` (seconds) is all that we wait for it."""
    return _server(mailbox, mailbox.imap, sign_ins, at_most)


def smtp_server(mailbox: MailboxSettings, sign_ins: SignIns, *, at_most: float | None = None) -> Server:
    """Where the mailbox's mail goes."""
    return _server(mailbox, mailbox.smtp, sign_ins, at_most)


def _server(
    mailbox: MailboxSettings, settings: ServerSettings, sign_ins: SignIns, at_most: float | None
) -> Server:
    timeout = settings.timeout.total_seconds()
    patience = PATIENCE if at_most is None else min(PATIENCE, at_most)
    by_token = mailbox.oauth is not None and settings.password is None
    return Server(
        host=settings.host,
        port=settings.port,
        security=settings.security,
        username=settings.username,
        password=_reader(settings),
        timeout=timeout if at_most is None else min(timeout, at_most),
        ca_file=str(settings.ca_file) if settings.ca_file else None,
        oauth=sign_ins.tokens(mailbox, patience) if by_token else None,
        allowance=Allowance() if at_most is None else Allowance(at_most),
    )


def _reader(settings: ServerSettings) -> Callable[[], str] | None:
    return settings.password.read if settings.password else None
