"""list, show, new, set, reply, note, merge, spam, block: what they do and how they refuse."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys

import pytest

from tests.cli.kit import Cli, mail
from ticketd.cli import main


def show(cli: Cli, number: int = 1) -> dict:
    return cli("show", number, "--json").json


def new(cli: Cli, *more: object, text: str = "Hello Jane.") -> dict:
    done = cli("new", "--requester", "jane@example.org", "--subject", "Printer", *more, "--json", text=text)
    assert done.status == 0, done.err
    return done.json


def test_new_mails_the_requester_and_opens_the_ticket(cli):
    ticket = new(
        cli,
        *("--name", "Jane Doe", "--priority", "urgent", "--assign", "anna", "--status", "pending"),
        *("--tag", "hot", "--tag", "refund", "--note", "a secret", "--as", "anna"),
    )
    assert (ticket["id"], ticket["channel"], ticket["status"]) == (1, "manual", "pending")
    assert (ticket["priority"], ticket["assignee"]) == ("urgent", "anna@example.com")
    assert sorted(ticket["tags"]) == ["hot", "refund"]
    assert ticket["requester"] == {"address": "jane@example.org", "name": "Jane Doe"}
    assert {one["kind"] for one in ticket["messages"]} == {"reply", "note"}
    assert "jane@example.org" in [row["to"] for row in cli.queued()]


def test_new_with_a_file_keeps_its_bytes(cli, tmp_path):
    path = tmp_path / "form.bin"
    path.write_bytes(bytes(range(256)))
    ticket = new(cli, "--attach", path)
    (file,) = ticket["messages"][0]["attachments"]
    assert (file["filename"], file["size"]) == ("form.bin", 256)
    saved = tmp_path / "saved"
    assert cli("show", 1, "--save", saved).status == 0
    assert path.read_bytes() in [one.read_bytes() for one in saved.iterdir()]


def test_a_ticket_that_is_not_there_is_one_sentence(cli):
    for arguments in (("show", 9), ("set", 9, "--status", "open"), ("merge", 9, 8), ("spam", 9)):
        refused = cli(*arguments)
        assert refused.status == 1
        assert refused.err.count("\n") == 1
        assert "9" in refused.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("new", "--subject", "x"), "--requester"),
        (("new", "--requester", "nobody", "--subject", "x"), "not a mail address"),
        (("new", "--requester", "anna@example.com", "--subject", "x"), "agent"),
        (("new", "--requester", "jane@example.org", "--subject", "x", "--assign", "zoe"), "zoe"),
        (("new", "--requester", "jane@example.org", "--subject", "x", "--mailbox", "sales"), "support"),
        (("list", "my-open"), "--agent"),
        (("list", "nowhere"), "nowhere"),
        (("list", "--agent", "zoe", "my-open"), "anna, bob"),
        (("set", 1), "--status"),
        (("set", 1, "--status", "closed"), "closed"),
        (("block", "support@example.com"), "our own"),
    ],
)
def test_wrong_usage_is_two_and_says_what_is_right(cli, arguments, says):
    new(cli)
    refused = cli(*arguments)
    assert refused.status == 2
    assert says in refused.err
    assert not refused.out


def test_set_changes_every_field_and_leaves_events(cli):
    new(cli)
    done = cli(
        *("set", 1, "--status", "solved", "--priority", "low", "--assign", "bob", "--subject", "Fire"),
        *("--requester", "joe@example.net", "--tag", "+hot", "--as", "anna"),
    )
    assert done.status == 0, done.err
    ticket = show(cli)
    assert (ticket["status"], ticket["priority"], ticket["subject"]) == ("solved", "low", "Fire")
    assert (ticket["assignee"], ticket["requester"]["address"]) == ("bob@example.com", "joe@example.net")
    assert ticket["tags"] == ["hot"]
    assert {"status", "priority", "assignee"} <= {one["kind"] for one in ticket["events"]}
    assert {one["actor"] for one in ticket["events"] if one["kind"] == "status"} == {"anna@example.com"}


def test_assign_none_and_a_tag_that_goes(cli):
    new(cli, "--assign", "anna", "--tag", "hot")
    assert cli("set", 1, "--assign", "none", "--tag", "-hot").status == 0
    ticket = show(cli)
    assert (ticket["assignee"], ticket["tags"]) == (None, [])


def test_a_reply_is_queued_for_the_customer_and_the_ticket_awaits_them(cli):
    cli.take_in(mail())
    assert cli("reply", 1, "--as", "anna", text="Pull the plug.").status == 0
    ticket = show(cli)
    assert (ticket["status"], ticket["assignee"]) == ("pending", "anna@example.com")
    assert ticket["messages"][-1]["kind"] == "reply"
    assert ticket["messages"][-1]["new_text"].startswith("Pull the plug.")
    assert [row["to"] for row in cli.queued() if row["kind"] == "reply"] == ["jane@example.org"]


def test_the_system_replies_and_nobody_is_assigned(cli):
    cli.take_in(mail())
    assert cli("reply", 1, "--status", "solved", text="Done.").status == 0
    ticket = show(cli)
    assert (ticket["status"], ticket["assignee"], ticket["messages"][-1]["kind"]) == ("solved", None, "reply")


def test_nothing_to_say_is_wrong_usage_and_queues_nothing(cli):
    cli.take_in(mail())
    before = len(cli.queued())
    assert cli("reply", 1, text=" \n").status == 2
    assert cli("note", 1, text="").status == 2
    assert len(cli.queued()) == before


def test_a_note_never_reaches_the_customer(cli):
    cli.take_in(mail())
    assert cli("note", 1, "--as", "bob", text="She is a VIP.").status == 0
    assert show(cli)["messages"][-1]["kind"] == "note"
    assert "jane@example.org" not in [row["to"] for row in cli.queued()]


def test_merge_shows_the_one_that_stays(cli):
    cli.take_in(mail("one"), mail("two"))
    assert cli("merge", 2, 1).status == 0
    ticket = show(cli, 2)
    assert ticket["id"] == 1
    assert len(ticket["messages"]) == 2
    assert [one["id"] for one in cli("list", "all", "--json").json] == [1]


def test_spam_and_block_and_back_again(cli):
    cli.take_in(mail("one"))
    assert cli("spam", 1).status == 0
    assert [one["id"] for one in cli("list", "spam", "--json").json] == [1]
    assert cli("list", "all", "--json").json == []
    assert cli("spam", 1, "--undo").status == 0
    assert cli("block", "jane@example.org").status == 0
    cli.take_in(mail("two"))
    assert [one["id"] for one in cli("list", "spam", "--json").json] == [2]


def test_list_filters_and_orders(cli):
    new(cli, "--status", "pending")
    new(cli, "--priority", "low")
    new(cli, "--priority", "urgent", "--assign", "bob")
    assert [one["id"] for one in cli("list", "--json").json] == [3, 2]
    assert [one["id"] for one in cli("list", "my-open", "--agent", "bob", "--json").json] == [3]
    assert [one["id"] for one in cli("list", "unassigned", "--json").json] == [2]
    assert [one["id"] for one in cli("list", "all", "--limit", 1, "--json").json] == [3]
    assert "messages" not in cli("list", "--json").json[0]


def test_piped_lists_are_plain_aligned_text(cli):
    cli.take_in(mail("A\x1b[31mred"))
    listed = cli("list")
    heading, row = listed.out.splitlines()
    assert heading.startswith("ID  SUBJECT")
    assert "\x1b" not in listed.out
    assert row.index("jane@example.org") == heading.index("REQUESTER")


def test_search_finds_words_of_bodies(cli):
    cli.take_in(mail("one", text="a zebra"), mail("two", text="a lion"))
    assert [one["subject"] for one in cli("list", "all", "--search", "zebra", "--json").json] == ["one"]


def test_no_config_is_78_and_names_the_file(cli):
    (cli.directory / "ticketd.toml").unlink()
    refused = cli("list")
    assert refused.status == 78
    assert "ticketd.toml" in refused.err


def test_help_answers_without_a_config(cli):
    (cli.directory / "ticketd.toml").unlink()
    assert cli("new", "--help").status == 0


def test_numbers_beyond_any_database_are_refused(cli):
    for arguments in (("show", 10**30), ("merge", 1, 10**30), ("outbox", "retry", 10**30)):
        refused = cli(*arguments)
        assert refused.status == 2
        assert "itself" not in refused.err


def test_a_locale_without_the_letters_still_prints(cli, monkeypatch):
    new(cli)
    assert cli("set", 1, "--subject", "日本 é 😀").status == 0
    poor = io.TextIOWrapper(io.BytesIO(), "ascii")
    monkeypatch.setattr(sys, "stdout", poor)
    assert main(["-c", str(cli.directory / "ticketd.toml"), "list", "--json"]) == 0
    assert main(["-c", str(cli.directory / "ticketd.toml"), "list"]) == 0
    document, table = poor.buffer.getvalue().split(b"\n", 1)  # type: ignore[attr-defined]
    assert json.loads(document)[0]["subject"] == "日本 é 😀"
    assert b"\\xe9" in table


def test_a_chat_becomes_a_ticket_with_everything_it_says(cli, tmp_path):
    path = tmp_path / "chat.json"
    chat = {
        "channel": "chat",
        "visitor": {"address": "jane@example.org", "name": "Jane"},
        "subject": "From the chat",
        "transcript": [{"at": "2026-11-22T21:05:00Z", "from": "Jane", "text": "My printer burns."}],
        "priority": "urgent",
        "assignee": "anna",
        "note": "was polite",
    }
    path.write_text(json.dumps(chat))
    made = cli("new", "--from-chat", path, "--json")
    assert made.status == 0, made.err
    assert (made.json["channel"], made.json["priority"]) == ("chat", "urgent")
    assert made.json["requester"]["address"] == "jane@example.org"
    assert "My printer burns." in made.json["messages"][0]["text"]
    assert "jane@example.org" not in [row["to"] for row in cli.queued()]
    path.write_text("{}")
    assert cli("new", "--from-chat", path).status == 2


@pytest.mark.parametrize("arguments", [["list", "all"], ["ledger", "--json"], ["show", "1"]])
def test_whoever_reads_no_further_hears_of_no_trouble(cli, arguments):
    cli.take_in(*(mail(f"m{number}", text="x" * 3000) for number in range(60)))
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "ticketd", "-c", str(cli.directory / "ticketd.toml"), *arguments]
    with os.fdopen(writing, "wb") as closed:
        done = subprocess.run(command, stdout=closed, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_a_reply_answers_is_the_customers_mail_and_never_an_agents_token(cli, tmp_path):
    cli.take_in(mail("first"))
    told = next(row["message_id"] for row in cli.queued() if row["to"] == "anna@example.com")
    assert cli("reply", 1, "--as", "anna", text="From here.").status == 0
    header = f"In-Reply-To: {told}\r\nReferences: <first@example.org> {told}\r\nSubject:".encode()
    for name, text in (("noted", "#note\n\nAmong us."), ("answered", "#reply\n\nBy mail.")):
        cli.take_in(mail(name, "anna@example.com", text).replace(b"Subject:", header))
    whole = show(cli)
    said = {one["new_text"].strip(): one["in_reply_to"] for one in whole["messages"]}
    assert said == {
        "It burns.": None,
        "From here.": "<first@example.org>",
        "Among us.": None,
        "By mail.": "<first@example.org>",
    }
    assert cli("export", "jane@example.org", tmp_path / "out").status == 0
    written = b"".join(path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert b"By mail." in written
    assert told.encode() not in written
