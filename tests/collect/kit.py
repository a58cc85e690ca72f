"""What the tests of this room share: a store, a mailbox, a connection, simple mails."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.servers.process import wait_until
from ticketd.decide.effects import Conclude
from ticketd.decide.model import Outcome
from ticketd.decide.policy import Mailbox
from ticketd.wire import Server

MAX_SIZE = 200_000


def mail(number: int, body: str = "Hello.") -> bytes:
    """A small mail; the same number gives the same bytes."""
    lines = (
        f"Message-ID: <{number}@example.com>",
        "From: jane@example.com",
        "To: support@example.test",
        f"Subject: Question {number}",
        "Date: Mon, 23 Nov 2026 09:00:00 +0000",
        "",
        body,
        "",
    )
    return "\r\n".join(lines).encode()


def mailbox(**options) -> Mailbox:
    return Mailbox(name="support", address="support@example.test", **options)


def server_of(account, port=None, timeout=10.0) -> Server:
    return Server(
        account.host,
        port or account.port,
        "none",
        account.username,
        password=lambda: account.password,
        timeout=timeout,
    )


def clock() -> datetime:
    return datetime.now(UTC)


def subjects(store) -> list[str]:
    """The subjects of what waits in the ledger, in its order."""
    with store.begin() as tx:
        return [subject_of(one.head) for one in tx.waiting("support", 1000)]


def outcomes(store) -> list[tuple[int | None, str]]:
    with store.view() as view:
        return [(row["uid"], row["outcome"]) for row in view.ledger("support")]


def conclude_all(store, outcome=Outcome.IGNORED) -> None:
    """What taking in would do, without looking."""
    with store.begin() as tx:
        for one in tx.waiting("support", 1000):
            tx.apply([Conclude(outcome)], clock(), one.ledger_id)


def subject_of(content: bytes) -> str:
    line = next(line for line in content.split(b"\r\n") if line.startswith(b"Subject: "))
    return line.removeprefix(b"Subject: ").decode()


def renumber(dovecot, account) -> None:
    """A new UIDVALIDITY; Dovecot makes it of the time in seconds, so within one it would be the same."""
    before = _validity(account)

    def renumbered() -> bool:
        dovecot.renumber(account)
        return _validity(account) != before

    wait_until(renumbered, "the folder has another UIDVALIDITY")


def _validity(account) -> int:
    with account.client() as client:
        return client.folder_status("INBOX", ["UIDVALIDITY"])[b"UIDVALIDITY"]
