import os
from datetime import UTC, datetime
from pathlib import Path

from ticketd.config import load
from ticketd.servers import imap_server, smtp_server
from ticketd.signin import SignIns

NOBODY = SignIns(None, lambda: datetime.now(UTC), None)

CONFIG = """
[[mailboxes]]
name = "support"
address = "support@example.com"
imap = {{ host = "imap.example.com", username = "support@example.com"{password} }}
smtp = {{ host = "smtp.example.com", timeout = "5s" }}
{oauth}
[[agents]]
name = "anna"
address = "anna@example.com"
"""
OAUTH = '[mailboxes.oauth]\nprovider = "microsoft"\nclient_id = "x"\ntenant = "y"\nflow = "device"\n'


def test_a_mailbox_without_a_password_signs_in_with_tokens(tmp_path: Path) -> None:
    path = tmp_path / "ticketd.toml"
    path.write_text(CONFIG.format(password="", oauth=OAUTH))
    (mailbox,) = load(path, os.environ).mailboxes
    imap, smtp = imap_server(mailbox, NOBODY), smtp_server(mailbox, NOBODY)
    assert imap.oauth is not None
    assert smtp.oauth is not None
    assert smtp.username == "support@example.com"


def test_a_password_is_used_where_there_is_one(tmp_path: Path) -> None:
    path = tmp_path / "ticketd.toml"
    path.write_text(CONFIG.format(password=', password = "sesame"', oauth=OAUTH))
    (mailbox,) = load(path, os.environ).mailboxes
    assert imap_server(mailbox, NOBODY).oauth is None


def test_servers_are_as_configured_and_patience_is_capped(tmp_path: Path) -> None:
    path = tmp_path / "ticketd.toml"
    path.write_text(CONFIG.format(password=', password = "sesame"', oauth=""))
    (mailbox,) = load(path, os.environ).mailboxes
    imap, smtp = imap_server(mailbox, NOBODY, at_most=14), smtp_server(mailbox, NOBODY, at_most=14)
    assert (imap.host, imap.port, imap.security, imap.timeout) == ("imap.example.com", 993, "tls", 14)
    assert (smtp.port, smtp.security, smtp.timeout, smtp.username) == (587, "starttls", 5, None)
    assert imap.password is not None
    assert imap.password() == "sesame"
    assert "sesame" not in repr(imap)
