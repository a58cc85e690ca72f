"""status, outbox, quarantine, ledger, reconcile, db: what they show and change."""

from __future__ import annotations

import sqlite3

import pytest

from tests.cli.kit import mail


def test_status_of_a_new_desk_is_healthy(cli):
    answer = cli("status", "--json")
    assert answer.status == 0
    assert answer.json["healthy"] is True
    assert [one["name"] for one in answer.json["mailboxes"]] == ["support"]
    outbox = answer.json["outbox"]
    empty = {"waiting": 0, "unsure": 0, "failed": 0, "oldest_at": None}
    assert {name: outbox[name] for name in empty} == empty
    assert "healthy" in cli("status").out


def test_status_after_a_failed_poll_is_degraded_and_says_why(cli):
    assert cli("run", "--once").status == 75
    answer = cli("status", "--json")
    assert answer.status == 1
    assert answer.json["healthy"] is False
    assert "nothing listens there" in answer.json["mailboxes"][0]["last_error"]
    assert "nothing listens there" in cli("status").out


def test_the_outbox_is_listed_retried_and_cancelled(cli):
    cli.take_in(mail())
    rows = cli.queued()
    assert {row["to"] for row in rows} == {"anna@example.com", "bob@example.com"}
    number = rows[0]["id"]
    assert cli("outbox", "cancel", number, "--json").json["state"] == "cancelled"
    assert [row["state"] for row in cli.queued()] == ["cancelled", "waiting"]
    assert cli("outbox", "retry", rows[1]["id"], "--json").json["state"] == "waiting"
    assert "anna@example.com" in cli("outbox", "list").out


@pytest.mark.parametrize(
    "arguments",
    [
        ("outbox", "retry", 99),
        ("outbox", "cancel", 99),
        ("quarantine", "show", 99),
        ("quarantine", "accept", 99),
        ("quarantine", "drop", 99),
    ],
)
def test_what_is_not_there_is_one_sentence(cli, arguments):
    refused = cli(*arguments)
    assert refused.status == 1
    assert "99" in refused.err
    assert refused.err.count("\n") == 1


def test_a_group_alone_shows_its_commands(cli):
    answer = cli("outbox")
    assert answer.status == 2
    assert answer.err.startswith("Usage:")
    assert "retry" in answer.err


def parked(cli) -> dict:
    cli.take_in(mail("mine", author="anna@example.com", text="#requester jane@example.org\n\nHello Jane"))
    (row,) = cli("quarantine", "list", "--json").json
    return row


def test_a_parked_mail_is_shown_and_accepted(cli):
    row = parked(cli)
    assert (row["state"], row["mailbox"], row["message_id"]) == ("parked", "support", "<mine@example.org>")
    assert "Hello Jane" in cli("quarantine", "show", row["id"], "--json").json["raw"]
    assert "Hello Jane" in cli("quarantine", "show", row["id"]).out
    assert "mine" in cli("quarantine", "list").out
    assert cli("quarantine", "accept", row["id"], "--json").json["state"] == "received"
    cli.take_in()
    assert cli("quarantine", "list", "--json").json == []
    assert cli("show", 1, "--json").json["requester"]["address"] == "jane@example.org"


def test_a_parked_mail_is_dropped_and_stays_in_the_ledger(cli):
    row = parked(cli)
    assert cli("quarantine", "drop", row["id"]).status == 0
    assert [one["outcome"] for one in cli("ledger", "--json").json] == ["ignored"]


def test_the_ledger_has_a_row_for_every_mail(cli):
    cli.take_in(mail("one"), mail("one"), mail("two"))
    rows = cli("ledger", "--mailbox", "support", "--json").json
    assert [one["outcome"] for one in rows] == ["ticket", "duplicate", "ticket"]
    assert [one["ticket"] for one in rows] == [1, 1, 2]
    assert {*rows[0]} >= {"mailbox", "folder", "uidvalidity", "uid", "message_id", "sha256", "seen_at"}
    assert cli("ledger").out.count("\n") == 4


def test_db_upgrade_current_and_backup(cli, tmp_path):
    assert cli("db", "current").status == 1
    assert not (tmp_path / "state").exists()
    assert "none" in cli("db", "upgrade").out
    revision = cli("db", "current").out.strip()
    cli.take_in(mail())
    copy = tmp_path / "copy.db"
    assert cli("db", "backup", copy).status == 0
    connection = sqlite3.connect(copy)
    try:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (revision,)
        assert connection.execute("SELECT count(*) FROM ticket").fetchone() == (1,)
    finally:
        connection.close()
    assert cli("db", "backup", copy).status == 2
    nowhere = cli("db", "backup", tmp_path / "nowhere" / "copy.db")
    assert nowhere.status == 1
    assert "cannot back up" in nowhere.err


def test_reconcile_reports_each_mailbox(cli, servers):
    cli.configure(servers.imap_port, servers.smtp_port, mailbox='import_since = "all"')
    servers.deliver("jane@example.org", "support@example.com", mail("reconciled"))
    (found,) = cli("reconcile", "--json").json
    assert (found["mailbox"], found["error"]) == ("support", None)
    assert found["on_server"] == found["new"] > 0
    assert cli("status", "--json").json["mailboxes"][0]["ledger"]["received"] == found["new"]
    again = cli("reconcile")
    assert again.status == 0
    assert "support" in again.out


def test_reconcile_with_a_dead_server_is_75_and_says_so(cli):
    answer = cli("reconcile", "--json")
    assert answer.status == 75
    assert "nothing listens there" in answer.json[0]["error"]
    assert "support" in answer.err


def test_reconcile_of_a_mailbox_that_is_not_there(cli):
    assert cli("reconcile", "--mailbox", "sales").status == 2
