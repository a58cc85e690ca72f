"""A desk with two agents whose mailboxes are on the private servers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from tests.servers.dovecot import PASSWORD
from ticketd import log
from ticketd.assemble import assembled
from ticketd.config import load
from ticketd.crew import Crew, Live

_DESK = """\
[ticketd]
name = "Example Help Desk"
state_dir = "{state}"
database = "{database}"

[[agents]]
name = "anna"
address = "anna@example.com"

[[agents]]
name = "bob"
address = "bob@example.com"

[sla]
timezone = "UTC"

[[sla.policies]]
name = "everybody"
first_reply = "4h"
next_reply = "8h"
"""

_MAILBOX = """
[[mailboxes]]
name = "{name}"
address = "{address}"
display_name = "Example Support"
import_since = "all"

  [mailboxes.imap]
  host = "127.0.0.1"
  port = {imap}
  security = "none"
  username = "{address}"
  password = "{password}"

  [mailboxes.smtp]
  host = "127.0.0.1"
  port = {smtp}
  security = "none"
"""


def write_config(
    directory: Path, imap: int, addresses: Sequence[str], smtp: int = 9, database: str = "sqlite"
) -> Path:
    """The config of a desk with these mailboxes; its file. Nothing listens on port 9."""
    parts = [_DESK.format(state=directory / "state", database=database)]
    for number, address in enumerate(addresses):
        name = f"box{number}"
        values = {"name": name, "address": address, "imap": imap, "smtp": smtp, "password": PASSWORD}
        parts.append(_MAILBOX.format(**values))
    path = directory / "ticketd.toml"
    path.write_text("".join(parts), "utf-8")
    path.chmod(0o600)
    return path


@contextmanager
def crew_of(config: Path) -> Iterator[Crew]:
    """The daemon's own workers on that desk, none of them started; they log into a file."""
    settings = load(config, {})
    with (config.parent / "log").open("a") as out, assembled(settings) as desk:
        log.set_up("json", "info", out)
        yield Crew(desk.store, Live(settings, desk.policy), lambda: datetime.now(UTC))
