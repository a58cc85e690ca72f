"""run --once as the command line sees it: its exit status and its one line; PostgreSQL beneath all."""

from __future__ import annotations

import json

import pytest

from tests.cli.kit import mail
from ticketd.config import load
from ticketd.store import Store


def test_once_takes_in_sends_and_says_so_in_a_line(cli, servers):
    cli.configure(servers.imap_port, servers.smtp_port, mailbox='import_since = "all"\nagents = ["anna"]')
    servers.deliver("jane@example.org", "support@example.com", mail("once"))
    done = cli("run", "--once")
    assert done.status == 0, done.err
    assert done.out.count("\n") == 1
    assert "taken in" in done.out
    assert "<once@example.org>" in [row["message_id"] for row in cli("ledger", "--json").json]
    assert {row["state"] for row in cli.queued()} == {"sent"}


def test_a_dead_server_is_75(cli):
    done = cli("run", "--once")
    assert done.status == 75
    assert done.out.count("nothing listens there") == 2, "of the SMTP server, too, though nothing is due"


def test_beside_another_daemon_it_is_78_and_names_it(cli):
    cli("db", "upgrade")
    store = Store.open(load(cli.directory / "ticketd.toml", {}).database_url)
    try:
        with store.hold():
            refused = cli("run", "--once")
            assert refused.status == 78
            assert "held by process" in refused.err
            assert cli("list", "--json").status == 0
    finally:
        store.close()


def test_a_secret_that_cannot_be_read_is_78(cli):
    cli.configure(rest='[http]\ntoken = { file = "no-token" }')
    refused = cli("run", "--once")
    assert refused.status == 78
    assert "no-token" in refused.err


@pytest.mark.server
def test_the_command_line_on_postgresql(cli, pg_url, tmp_path):
    path = tmp_path / "ticketd.toml"
    url = pg_url.replace("postgresql+psycopg://", "postgresql://")
    path.write_text(path.read_text().replace("[ticketd]\n", f"[ticketd]\ndatabase = {json.dumps(url)}\n"))
    cli.take_in(mail("first"))
    assert cli("status", "--json").status == 0
    assert cli("note", 1, "--as", "anna", text="on PostgreSQL").status == 0
    assert cli("show", 1, "--json").json["messages"][-1]["new_text"] == "on PostgreSQL"
    file = tmp_path / "reply.eml"
    file.write_bytes(mail("second").replace(b"Subject:", b"In-Reply-To: <first@example.org>\r\nSubject:"))
    told = json.loads(cli("explain", file, "--json").out)
    assert (told["thread"]["ticket"], told["error"]) == (1, None)
    assert [row["outcome"] for row in cli("ledger", "--json").json] == ["ticket"]
    assert cli("db", "backup", tmp_path / "copy").status == 0
    assert cli("db", "backup", tmp_path / "copy").status == 2, "it is there already"
    assert not (tmp_path / "state" / "ticketd.db").exists()
