"""The config of a desk that is killed or disturbed: one mailbox, Anna and Bob."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.servers.dovecot import PASSWORD

_CONFIG = """\
[ticketd]
name = "Example Help Desk"
state_dir = "{state}"
log_format = "json"
log_level = "warning"
admins = ["ops@example.com"]
{database}

[[mailboxes]]
name = "support"
address = "support@example.com"
display_name = "Example Support"
signature = "Example Support"
import_since = "all"
after_ingest = "seen"
{mailbox}

  [mailboxes.imap]
  host = "127.0.0.1"
  port = {imap}
  security = "none"
  username = "{username}"
  password = "{password}"
  poll_every = "2s"
  timeout = "{timeout}"

  [mailboxes.smtp]
  host = "127.0.0.1"
  port = {smtp}
  security = "none"
  timeout = "{timeout}"

[[agents]]
name = "anna"
display_name = "Anna"
address = "anna@example.com"

[[agents]]
name = "bob"
display_name = "Bob"
address = "bob@example.com"

[canned]
refund = "The refund is on its way."

{more}
"""


@dataclass(frozen=True)
class Servers:
    """Where mail comes from and goes to, perhaps through a proxy that makes faults."""

    imap: int
    smtp: int
    username: str
    timeout: str = "30s"


def write(
    config: Path, state: Path, servers: Servers, mailbox: str = "", database: str = "", more: str = ""
) -> None:
    """Write a config that the program accepts."""
    text = _CONFIG.format(
        state=state,
        database=database,
        mailbox=mailbox,
        more=more,
        imap=servers.imap,
        smtp=servers.smtp,
        username=servers.username,
        timeout=servers.timeout,
        password=PASSWORD,
    )
    config.write_text(text, "utf-8")
    config.chmod(0o600)
