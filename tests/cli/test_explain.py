"""explain: what would happen to a file, why a mail went where it went; nothing changes."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.cli.kit import Cli, mail
from ticketd.config import load
from ticketd.store import Store


@pytest.fixture
def write(tmp_path: Path):
    def write(name: str, content: bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


def explained(cli: Cli, *arguments: object) -> list[dict]:
    answer = cli("explain", *arguments, "--json")
    assert answer.status == 0
    return [json.loads(line) for line in answer.out.splitlines()]


WITH_FILE = b"""\
From: Jane Doe <jane@example.org>
Reply-To: <other@example.org>
To: Support <support@example.com>, Carl <carl@example.net>
Cc: dora@example.net
Subject: =?utf-8?q?Caf=C3=A9?=
Message-ID: <file@example.org>
In-Reply-To: <gone@example.org>
Date: Mon, 23 Nov 2026 10:00:00 +0100
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="b"

--b
Content-Type: text/plain; charset=utf-8

New words.

> old words
--b
Content-Type: application/octet-stream
Content-Disposition: attachment; filename="a.bin"
Content-Transfer-Encoding: base64

AAEC
--b--
"""


def test_a_file_gives_the_contracts_document(cli, write):
    path = write("a.eml", WITH_FILE)
    (told,) = explained(cli, path)
    assert (told["file"], told["error"]) == (str(path), None)
    assert told["sha256"] == hashlib.sha256(WITH_FILE).hexdigest()
    assert (told["identity"], told["proof"]) == ("customer", "none")
    assert told["thread"]["ticket"] is None
    assert told["thread"]["by"] == "new"
    message = told["message"]
    assert message["author"] == {"address": "jane@example.org", "name": "Jane Doe"}
    assert message["reply_to"]["address"] == "other@example.org"
    assert [one["address"] for one in message["to"]] == ["support@example.com", "carl@example.net"]
    assert [one["address"] for one in message["cc"]] == ["dora@example.net"]
    assert (message["subject"], message["kind"], message["verdict"]) == ("Café", "customer", "person")
    assert (message["message_id"], message["in_reply_to"]) == ("<file@example.org>", "<gone@example.org>")
    assert message["date"] == "2026-11-23T09:00:00Z"
    assert (message["new_text"].strip(), "old words" in message["text"]) == ("New words.", True)
    (file,) = message["attachments"]
    assert (file["filename"], file["size"], file["inline"]) == ("a.bin", 3, False)
    assert file["sha256"] == hashlib.sha256(b"\0\1\2").hexdigest()
    kinds = [one["effect"] for one in told["effects"]]
    assert kinds[-1] == "conclude"
    assert {"save", "append", "send"} <= set(kinds)


def test_files_change_nothing_and_need_no_database(cli, write, tmp_path):
    path = write("a.eml", mail())
    explained(cli, path)
    assert not (tmp_path / "state").exists()
    cli.take_in(mail("other"))
    before = cli("ledger", "--json").json, cli.queued(), cli("list", "all", "--json").json
    explained(cli, path, path)
    assert before == (cli("ledger", "--json").json, cli.queued(), cli("list", "all", "--json").json)


def test_no_file_makes_it_stop_and_the_order_is_kept(cli, write, tmp_path):
    paths = [write("good.eml", mail()), tmp_path / "gone.eml", tmp_path, write("empty.eml", b"")]
    paths += [write("noise.eml", bytes(range(256)) * 50), write("last.eml", mail("last"))]
    told = explained(cli, *paths)
    assert [one["file"] for one in told] == [str(path) for path in paths]
    assert [bool(one["error"]) for one in told] == [False, True, True, False, False, False]
    assert {"message", "identity", "proof", "thread", "effects", "sha256"} <= told[1].keys()
    assert told[3]["identity"] == "unknown"


def test_a_mail_that_breaks_the_decision_is_told_and_the_next_follows(cli, write, monkeypatch):
    import ticketd.explain

    real = ticketd.explain.decide

    def decide(message, *rest):
        if message.subject == "poison":
            raise RuntimeError("it broke")
        return real(message, *rest)

    monkeypatch.setattr(ticketd.explain, "decide", decide)
    told = explained(cli, write("p.eml", mail("poison")), write("g.eml", mail("good")))
    assert "it broke" in told[0]["error"]
    assert told[1]["error"] is None


def test_a_follow_up_is_threaded_by_what_the_database_knows(cli, write):
    cli.take_in(mail("first"))
    reply = mail("second").replace(b"Subject:", b"In-Reply-To: <first@example.org>\r\nSubject:")
    (told,) = explained(cli, write("r.eml", reply))
    assert (told["thread"]["ticket"], told["thread"]["by"]) == (1, "stored-id")
    stranger = reply.replace(b"jane@example.org", b"eve@example.net").replace(b"<second", b"<third")
    (told,) = explained(cli, write("s.eml", stranger))
    assert (told["thread"]["ticket"], told["thread"]["perhaps"]) == (None, 1)


def test_an_agent_and_a_robot_and_our_own_mail(cli, write):
    agent = write("agent.eml", mail("hello", author="Anna <anna@example.com>"))
    robot = mail("away").replace(b"Subject:", b"Auto-Submitted: auto-replied\r\nSubject:")
    told = explained(cli, agent, write("robot.eml", robot))
    assert (told[0]["identity"], told[0]["proof"], told[0]["rule"]) == ("agent", "none", "unproven_agent")
    assert (told[1]["message"]["verdict"], told[1]["message"]["kind"]) == ("vacation", "automatic")


def test_a_message_id_is_found_in_the_ledger_with_its_trace(cli):
    cli.take_in(mail("first"))
    (told,) = explained(cli, "<first@example.org>")
    assert (told["ledger"]["outcome"], told["ledger"]["ticket"]) == ("ticket", 1)
    assert (told["error"], told["message"]["subject"]) == (None, "first")
    assert told["trace"]
    shown = cli("explain", "first@example.org")
    assert shown.status == 0
    assert "the ledger says ticket, #1" in shown.out


def test_mail_of_ours_is_found_by_its_message_id(cli):
    cli.take_in(mail("first"))
    row = cli.queued()[0]
    (told,) = explained(cli, row["message_id"])
    assert told["outbox"]["to"] == row["to"]
    assert row["to"] in cli("explain", row["message_id"]).out


def test_a_message_id_that_never_came_is_one_sentence(cli):
    refused = cli("explain", "<nobody@example.org>")
    assert refused.status == 1
    assert "<nobody@example.org>" in refused.err


def test_the_mailbox_is_where_the_mail_is_addressed_to(cli, write):
    cli.configure(rest=SALES)
    told = explained(cli, write("a.eml", mail().replace(b"To: support@", b"To: sales+x@")))
    assert told[0]["mailbox"] == "sales"
    told = explained(cli, write("b.eml", mail()), "--mailbox", "sales")
    assert told[0]["mailbox"] == "sales"
    assert cli("explain", "a.eml", "--mailbox", "nowhere").status == 2


SALES = """
[[mailboxes]]
name = "sales"
address = "sales@example.com"
imap = { host = "127.0.0.1", port = 1, security = "none", username = "s", password = "s" }
smtp = { host = "127.0.0.1", port = 1, security = "none" }
"""


def test_for_people_it_says_each_effect_in_words(cli, write):
    shown = cli("explain", write("a.eml", mail("A\x1b[31mred")))
    assert shown.status == 0
    assert "send the notification" in shown.out
    assert "\x1b" not in shown.out


def test_an_agents_answer_to_a_notification_is_proven_by_its_token(cli, write):
    cli.take_in(mail("first"))
    row = next(row for row in cli.queued() if row["to"] == "anna@example.com")
    answer = mail("answer", author="anna@example.com", text="#solved\n\nPull the plug.")
    answer = answer.replace(b"Subject:", f"In-Reply-To: {row['message_id']}\r\nSubject:".encode())
    (told,) = explained(cli, write("a.eml", answer))
    assert (told["identity"], told["proof"]) == ("agent", "token")
    assert told["thread"] == {"ticket": 1, "by": "own-id", "perhaps": None}
    assert (told["message"]["kind"], told["message"]["new_text"]) == ("reply", "Pull the plug.")
    assert [one["to"] for one in told["effects"] if one["effect"] == "send"] == [["jane@example.org"]]
    assert cli("show", 1, "--json").json["status"] == "open"


def test_every_mail_of_the_corpus_is_explained(cli):
    paths = sorted((Path(__file__).parents[1] / "mail").rglob("*.eml"))
    told = explained(cli, *paths)
    assert len(told) == len(paths) > 100
    assert [one["error"] for one in told if one["error"]] == []


def test_it_says_which_rules_were_not_concerned(cli, write):
    (told,) = explained(cli, write("a.eml", mail()))
    assert told["rule"] == "anybody_else"
    assert told["passed"][:2] == ["already_known", "own_mail"]
    cli.take_in(mail())
    (told,) = explained(cli, write("a.eml", mail()))
    assert (told["rule"], told["passed"]) == ("already_known", [])
    assert told["effects"][-1]["outcome"] == "duplicate"


def test_an_id_that_never_came_does_not_stop_it(cli, write, tmp_path, monkeypatch):
    """Nor does a missing file whose name looks like one."""
    monkeypatch.chdir(tmp_path)
    good = write("good.eml", mail())
    told = explained(cli, "<nobody@example.org>", "missing@file", good, "a@" + "n" * 300, "no\nfile@x", good)
    assert [bool(one["error"]) for one in told] == [True, True, False, True, True, False]
    assert (told[0]["file"], told[0]["message_id"]) == (None, "<nobody@example.org>")
    assert (told[1]["file"], "there is no file missing@file" in told[1]["error"]) == ("missing@file", True)
    assert told[0].keys() >= {"sha256", "message", "identity", "proof", "thread", "effects"}
    alone = cli("explain", "<nobody@example.org>", "<neither@example.org>", "--json")
    assert (alone.status, len(alone.out.splitlines()), alone.err.count("\n")) == (1, 2, 1)


def test_nothing_but_files_is_opened(cli, write, tmp_path):
    pipe, good = tmp_path / "pipe.eml", write("good.eml", mail())
    os.mkfifo(pipe)
    told = explained(cli, pipe, "/dev/zero", tmp_path / "good.eml" / "below", good)
    assert [one["error"] is None for one in told] == [False, False, False, True]
    assert "it is not a file" in told[0]["error"]
    assert "it is not a file" in told[1]["error"]


def test_a_known_mail_and_one_of_ours_have_a_ticket(cli, write):
    cli.take_in(mail())
    (again,) = explained(cli, write("a.eml", mail()))
    assert again["thread"] == {"ticket": 1, "by": "stored-id", "perhaps": None}
    with Store.open(load(cli.directory / "ticketd.toml", {}).database_url).view() as view:
        ours = bytes(view.connection.scalar(text("SELECT content FROM outgoing")))
    (own,) = explained(cli, write("own.eml", ours))
    assert (own["message"]["verdict"], own["effects"][-1]["outcome"]) == ("own", "own")
    assert (own["thread"]["ticket"], own["thread"]["by"]) == (1, "own-id")


def test_of_a_mail_that_is_too_large_the_header_alone_would_come(cli, write):
    cli.configure(rest='[limits]\nmessage_size = "100KB"')
    content = mail(text="needle " + "x" * 200_000)
    (told,) = explained(cli, write("big.eml", content))
    assert told["sha256"] == hashlib.sha256(content).hexdigest()
    assert (told["error"], told["message"]["subject"]) == (None, "printer")
    assert "needle" not in json.dumps(told)
