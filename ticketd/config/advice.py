"""What a config may say but had better not: warnings, each with its remedy.

Pure; knows nothing of files but what it is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from urllib.parse import urlsplit

from ticketd.config.locate import Place
from ticketd.config.problems import Problem
from ticketd.config.secrets import Secret
from ticketd.config.settings import Document, secrets_in
from ticketd.decide.model import address_key
from ticketd.decide.policy_fields import shown


def advice(document: Document, *, others_can_read: bool) -> Iterator[Problem]:
    """What is unwise, in the order of importance."""
    if others_can_read:
        yield from _open_secrets(document)
    yield from _shared_accounts(document)
    yield from _alarms_to_ourselves(document)


def _open_secrets(document: Document) -> Iterator[Problem]:
    remedy = "in a file that others can read: chmod o-r it"
    for place, secret in secrets_in((), document):
        if isinstance(secret, Secret) and secret.source == "plain":
            yield Problem(place, f'is a plain string {remedy}, or write {{ file = "…" }}')
    if document.ticketd.database != "sqlite" and urlsplit(document.ticketd.database).password:
        yield Problem(("ticketd", "database"), f"holds a password {remedy}, or use PGPASSFILE")


def _shared_accounts(document: Document) -> Iterator[Problem]:
    seen: dict[tuple[str, str | None, str], str] = {}
    for index, mailbox in enumerate(document.mailboxes):
        account = (mailbox.imap.host.lower(), mailbox.imap.username, mailbox.imap.folder)
        other = seen.setdefault(account, mailbox.name)
        if other != mailbox.name:
            yield Problem(
                ("mailboxes", index, "imap"),
                f"is the same folder as {shown(other)} watches: which of them takes a mail is chance",
            )


def _alarms_to_ourselves(document: Document) -> Iterator[Problem]:
    ours = frozenset(chain.from_iterable(mailbox.keys for mailbox in document.mailboxes))
    told: list[tuple[Place, str]] = [
        (("ticketd", "admins", index), address) for index, address in enumerate(document.ticketd.admins)
    ]
    if document.sla.escalate_to:
        told.append((("sla", "escalate_to"), document.sla.escalate_to))
    for place, address in told:
        if address_key(address) in ours:
            yield Problem(place, f"is {shown(address)}, a mailbox of the desk: nobody would read it there")
