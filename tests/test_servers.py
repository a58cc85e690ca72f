import os
from pathlib import Path

import pytest

from ticketd.config import load
from ticketd.errors import ConfigError
from ticketd.servers import check_sign_in, imap_server, smtp_server

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


def test_oauth_is_refused_until_it_is_built(tmp_path: Path) -> None:
    path = tmp_path / "ticketd.toml"
    path.write_text(CONFIG.format(password="", oauth=OAUTH))
    with pytest.raises(ConfigError, match="mailbox support: OAuth 2 sign-in is not built yet"):
        check_sign_in(load(path, os.environ))


def test_servers_are_as_configured_and_patience_is_capped(tmp_path: Path) -> None:
    path = tmp_path / "ticketd.toml"
    path.write_text(CONFIG.format(password=', password = "sesame"', oauth=""))
    settings = load(path, os.environ)
    check_sign_in(settings)
    (mailbox,) = settings.mailboxes
    imap, smtp = imap_server(mailbox, at_most=14), smtp_server(mailbox, at_most=14)
    assert (imap.host, imap.port, imap.security, imap.timeout) == ("imap.example.com", 993, "tls", 14)
    assert (smtp.port, smtp.security, smtp.timeout, smtp.username) == (587, "starttls", 5, None)
    assert imap.password is not None
    assert imap.password() == "sesame"
    assert "sesame" not in repr(imap)
