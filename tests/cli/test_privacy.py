"""``export`` and ``forget`` with the real command line on a real database."""

import json
from pathlib import Path

import pytest

from tests.cli.kit import Cli, mail
from tests.journeys.stage import Stage
from ticketd.cli import main
from ticketd.store import Store

CONFIG = """
[ticketd]
state_dir = "{state}"
[[mailboxes]]
name = "support"
address = "support@example.com"
imap = {{ host = "127.0.0.1", security = "none", username = "x", password = {{ env = "HOME" }} }}
smtp = {{ host = "127.0.0.1", security = "none" }}
[[agents]]
name = "anna"
address = "anna@example.com"
"""
MAIL = (
    b"From: Jane Doe <jane@example.org>\r\nTo: support@example.com\r\nSubject: Printer\r\n"
    b"Message-ID: <one@example.org>\r\n\r\nIt burns in Marigold Lane.\r\n"
)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    state = tmp_path / "state"
    state.mkdir()
    store = Store.open(f"sqlite:///{state / 'ticketd.db'}")
    store.migrate()
    Stage(store, state).send(MAIL)
    store.close()
    path = tmp_path / "ticketd.toml"
    path.write_text(CONFIG.format(state=state))
    return path


def test_export_writes_mails_and_json(config: Path, tmp_path: Path) -> None:
    assert main(["-c", str(config), "export", "JANE@example.org", str(tmp_path / "out")]) == 0
    document = json.loads((tmp_path / "out" / "person.json").read_text())
    assert document["tickets"][0]["requester"]["address"] == "jane@example.org"
    (mail,) = (tmp_path / "out").glob("ticket-1/*.eml")
    assert mail.read_bytes() == MAIL


def test_forget_leaves_nothing_on_the_disk(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["-c", str(config), "forget", "jane@example.org"]) == 0
    assert "1 messages on 1 tickets" in capsys.readouterr().err
    kept = b"".join(path.read_bytes() for path in (tmp_path / "state").iterdir()).lower()
    assert [word for word in (b"marigold", b"burns", b"jane", b"printer") if word in kept] == []
    assert main(["-c", str(config), "forget", "jane@example.org"]) == 1
    assert main(["-c", str(config), "export", "jane@example.org", str(tmp_path / "out")]) == 1


def test_revoke_makes_tokens_worthless(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-c", str(config), "revoke", "anna", "--ticket", "2"]) == 0
    assert "revoked: 0" in capsys.readouterr().err
    assert main(["-c", str(config), "revoke", "anna"]) == 0
    assert "revoked: 1" in capsys.readouterr().err
    assert main(["-c", str(config), "revoke", "anna"]) == 0
    assert "revoked: 0" in capsys.readouterr().err
    assert main(["-c", str(config), "revoke", "otto"]) == 2


def test_export_all_needs_a_new_directory_and_says_what_it_wrote(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "everything"
    assert main(["-c", str(config), "export", "--all", str(out)]) == 0
    assert "1 tickets, 1 mails received, 0 mails sent, 0 files written to" in capsys.readouterr().err
    assert main(["-c", str(config), "show", "1", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert json.loads((out / "tickets.jsonl").read_text()) == shown
    assert main(["-c", str(config), "export", "--all", str(out)]) == 2
    assert "not empty" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--all"], ["--all", "jane@example.org", "x"], ["jane@example.org"]])
def test_export_wants_a_person_or_all(config: Path, words: list[str]) -> None:
    assert main(["-c", str(config), "export", *words]) == 2


def test_export_and_forget_agree_about_whoever_was_only_in_cc(cli: Cli, tmp_path: Path) -> None:
    copied = mail("toner", "joe@example.org").replace(
        b"Subject:", b"Cc: Lee Doe <lee@example.org>\r\nSubject:"
    )
    cli.take_in(copied)
    assert cli("block", "lee@example.org").status == 0
    assert cli("export", "lee@example.org", tmp_path / "out").status == 0
    document = json.loads((tmp_path / "out" / "person.json").read_text())
    assert ([one["id"] for one in document["tickets"]], document["blocked"]) == ([1], True)
    forgotten = cli("forget", "lee@example.org")
    assert (forgotten.status, "stays blocked" in forgotten.err) == (0, True)
    kept = b"".join(path.read_bytes() for path in (tmp_path / "state").iterdir()).lower()
    assert [word for word in (b"lee@example.org", b"lee doe") if word in kept] == []
    assert cli("show", 1, "--json").json["messages"][0]["cc"] == []
    assert cli("export", "lee@example.org", tmp_path / "after").status == 0
    after = json.loads((tmp_path / "after" / "person.json").read_text())
    assert (after["tickets"], after["ledger"], after["blocked"]) == ([], [], True)
    assert cli("block", "--undo", "lee@example.org").status == 0
    assert cli("export", "lee@example.org", tmp_path / "none").status == 1
    assert cli("forget", "lee@example.org").status == 1


def test_the_desks_own_address_cannot_be_forgotten(config: Path) -> None:
    assert main(["-c", str(config), "forget", "support@example.com"]) == 2
