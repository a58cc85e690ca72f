"""The command line, called in this process as a shell would call it."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ticketd.assemble import assembled
from ticketd.cli import main
from ticketd.collect.inhand import InHand
from ticketd.collect.intake import take_in_waiting
from ticketd.config import load
from ticketd.store import Received

CONFIG = """\
[ticketd]
state_dir = "state"

[[mailboxes]]
name = "support"
address = "support@example.com"
display_name = "Example Support"
{mailbox}

  [mailboxes.imap]
  host = "127.0.0.1"
  port = {imap}
  security = "none"
  username = "support@example.com"
  password = "{password}"

  [mailboxes.smtp]
  host = "127.0.0.1"
  port = {smtp}
  security = "none"
  username = "support@example.com"
  password = "{password}"

[[agents]]
name = "anna"
display_name = "Anna"
address = "anna@example.com"

[[agents]]
name = "bob"
address = "bob@example.com"
{rest}
"""

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def mail(
    name: str = "printer", author: str = "Jane Doe <jane@example.org>", text: str = "It burns."
) -> bytes:
    """A customer's mail to the desk."""
    return (
        f"From: {author}\r\nTo: support@example.com\r\nSubject: {name}\r\n"
        f"Message-ID: <{name}@example.org>\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\n\r\n{text}\r\n"
    ).encode()


@dataclass
class Answer:
    """What a command did."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on standard output."""
        return json.loads(self.out)


@dataclass
class Cli:
    """A desk's directory and the command line on it."""

    directory: Path
    capture: Callable[[], Any]
    monkeypatch: pytest.MonkeyPatch

    def configure(
        self, imap: int = 1, smtp: int = 1, password: str = "s", mailbox: str = "", rest: str = ""
    ) -> Cli:
        """Write the config; by default nothing listens where its servers are."""
        path = self.directory / "ticketd.toml"
        path.write_text(CONFIG.format(imap=imap, smtp=smtp, password=password, mailbox=mailbox, rest=rest))
        path.chmod(0o600)
        return self

    def __call__(self, *arguments: object, text: str = "") -> Answer:
        self.monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode()), "utf-8"))
        self.capture()
        config = str(self.directory / "ticketd.toml")
        status = main(["-c", config, *map(str, arguments)])
        captured = self.capture()
        assert "Traceback" not in captured.err
        return Answer(status, captured.out, captured.err)

    def take_in(self, *mails: bytes) -> None:
        """Let these mails arrive, as if they had been fetched."""
        settings = load(self.directory / "ticketd.toml", {})
        with assembled(settings) as desk:
            with desk.store.begin("receive") as tx:
                last = max((row["uid"] for row in _ledger(desk.store)), default=0)
                received = [
                    Received(last + n, NOW + timedelta(seconds=n), len(one), one)
                    for n, one in enumerate(mails, 1)
                ]
                tx.receive("support", "INBOX", 7, received, NOW)
            in_hand = InHand(self.directory, "support")
            take_in_waiting(desk.store, desk.policy, "support", lambda: NOW, in_hand)

    def queued(self) -> list[Any]:
        """The outbox."""
        return self("outbox", "list", "--json").json


def _ledger(store: Any) -> list[Any]:
    with store.view() as view:
        return view.ledger()
