"""A desk with one ticket of Jane's, and a courier between its outbox and the scripted sink."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.decide.desk_kit import JANE, POLICY, entry, ticket
from ticketd.decide import tokens
from ticketd.decide.effects import Append, MailKind, Outgoing, Save, Send
from ticketd.decide.model import Kind, Purpose, Status
from ticketd.deliver.courier import Courier
from ticketd.store import Store
from ticketd.wire import Server
from ticketd.wire.smtp import SmtpConnection


class Clock:
    """The time, as the test says."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **span: float) -> None:
        self.now += timedelta(**span)


class Desk:
    """The outbox seen from outside: queue a mail, deliver what is due, look at what became of it."""

    def __init__(self, store: Store, clock: Clock, server: Server) -> None:
        self.store, self.clock, self.server = store, clock, server
        self.policy = replace(POLICY, admins=("ops@example.com",))
        self.stop = threading.Event()
        self.courier = self.new_courier()
        self._count = 0
        now = clock()
        pending = ticket(1, status=Status.PENDING, assignee="bob@example.com", created_at=now, updated_at=now)
        with store.begin() as tx:
            tx.apply([Save(pending), Append(1, entry(Kind.CUSTOMER))], now)

    def new_courier(self) -> Courier:
        return Courier(
            self.store,
            "support",
            lambda: SmtpConnection.connect(self.server, once=True),
            lambda: self.policy,
            self.clock,
            self.stop,
        )

    def queue(
        self, to: str = JANE.address, kind: MailKind = MailKind.REPLY, author: str | None = "anna@example.com"
    ) -> str:
        """Queue one mail on ticket 1; its Message-ID."""
        self._count += 1
        cause = f"test/{self._count}"
        token = tokens.mint(self.policy, Purpose.CUSTOMER, 1, "ticket:1", cause)
        message_id = tokens.message_id(self.policy, token, "example.com")
        content = f"Message-ID: {message_id}\r\nSubject: x\r\n\r\nThe text of {self._count}.\r\n".encode()
        mail = Outgoing(kind, "support", 1, (to,), message_id, content, cause, token, author)
        said = entry(Kind.REPLY, message_id=message_id, new_text=f"The text of {self._count}.")
        with self.store.begin() as tx:
            tx.apply([Append(1, said), Send(mail)], self.clock())
        return message_id

    def rows(self, kind: str | None = None) -> list[dict]:
        with self.store.view() as view:
            return [row for row in view.outbox() if kind is None or row["kind"] == kind]

    def ticket(self) -> dict:
        with self.store.view() as view:
            return view.ticket(1)

    def events(self, kind: str) -> list[dict]:
        return [event for event in self.ticket()["events"] if event["kind"] == kind]


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(tmp_path):
    store = Store.open(f"sqlite:///{tmp_path / 'ticketd.db'}")
    store.migrate()
    yield store
    store.close()


@pytest.fixture
def desk(store, clock, smtp_sink):
    return Desk(store, clock, Server("127.0.0.1", smtp_sink.port, "none", timeout=3.0))
