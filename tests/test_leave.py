"""Everything written out: tickets as they are shown, mails as they were, and nothing that acts."""

import hashlib
import json
import stat
from pathlib import Path

import pytest

from tests.journeys.stage import START, Stage, with_policy
from tests.store.conftest import _migrated_url, fresh_postgresql  # noqa: F401 - a fixture
from ticketd.decide import mbox
from ticketd.errors import TicketdError, UsageError
from ticketd.leave import write_everything
from ticketd.store import Received, Store
from ticketd.store.everything import Everything

ODD = (
    b"From jane@example.org Mon Nov 23 09:00:00 2026\r\nFrom: jane@example.org\r\nTo: support@example.com\r\n"
    b"Subject: odd\r\nMessage-ID: <odd@example.org>\r\n\r\nFrom me\n>From you\r\n\xff\xfe\x00 cut short"
)
FILE = b"%PDF a bill"


def jane(number: int, more: str = "", text: str = "It burns.") -> str:
    head = f"From: Jane <jane@example.org>\nTo: support@example.com\nSubject: Printer {number}\n"
    return f"{head}Message-ID: <{number}@example.org>\n{more}\n{text}\n"


def with_file() -> str:
    bill = f"Content-Disposition: attachment; filename=bill.pdf\n\n{FILE.decode()}"
    parts = f"--b\n\nSee there.\n--b\n{bill}\n--b--\n"
    return jane(3, "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n", parts)


ANSWER = """\
From: anna@example.com
To: {{anna.reply_to}}
Subject: Re: {{anna.subject}}
In-Reply-To: {{anna.message_id}}
Message-ID: <%s@example.com>

%s
"""


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.server)])
def store(request, tmp_path):
    if request.param == "sqlite":
        store = Store.open(f"sqlite:///{tmp_path / 'ticketd.db'}")
        store.migrate()
    else:
        store = Store.open(request.getfixturevalue("fresh_postgresql")())
    yield store
    store.close()


@pytest.fixture
def stage(store, tmp_path):
    """A desk with what there is: a reply, a note, files, spam, a merged ticket, a mail that came twice."""
    stage = with_policy(Stage(store, tmp_path), acknowledge=True)
    stage.send(jane(1))
    stage.send(ANSWER % ("reply", "It is out."))
    stage.send(ANSWER % ("note", "#note\nShe is nice."))
    stage.send(with_file())
    stage.send(ODD)
    stage.send(jane(4))
    stage.send(ANSWER % ("merge", "#merge 1"))
    stage.receive(jane(1).replace("\n", "\r\n").encode())
    stage.take_in()
    stage.send("From: MAILER-DAEMON@mx.example.org\nReturn-Path: <>\nTo: support@example.com\n\nlost\n")
    _send_all(store, stage)
    return stage


def _send_all(store: Store, stage: Stage) -> None:
    with store.begin() as tx:
        for row in tx.claim("support", stage.now, limit=100):
            tx.settle(row.id, "sent", stage.now)


def export(store: Store, directory: Path):
    with store.view() as view:
        return write_everything(Everything(view), directory, {"desk": "Example"})


def lines(path: Path):
    return [json.loads(line) for line in path.read_text("utf-8").split("\n")[:-1]]


def raw(path: Path):
    with path.open("rb") as file:
        return list(mbox.mails(file))


def kept(store: Store, table: str, column: str = "content"):
    with store.view() as view:
        return [bytes(row[0]) for row in view.connection.exec_driver_sql(f"SELECT {column} FROM {table}")]


def test_every_ticket_is_as_show_has_it(store, stage, tmp_path):
    export(store, tmp_path / "out")
    found = {one["id"]: one for one in lines(tmp_path / "out" / "tickets.jsonl")}
    merged = [one for one in found.values() if one["merged_into"]]
    assert [(one["merged_into"], one["messages"]) for one in merged] == [(1, [])]
    assert any(one["spam"] for one in found.values())
    for one in found.values():
        assert one["merged_into"] or one == json.loads(json.dumps(stage.ticket(one["id"])))
    with store.view() as view:
        assert len(found) == view.connection.exec_driver_sql("SELECT count(*) FROM ticket").scalar()
        assert lines(tmp_path / "out" / "ledger.jsonl") == view.ledger()


def test_every_mail_that_came_is_there_byte_for_byte_once(store, stage, tmp_path):
    export(store, tmp_path / "out")
    found = raw(tmp_path / "out" / "mail" / "support.mbox")
    assert ODD in found
    assert sorted(found) == sorted(kept(store, "raw_mail"))


def test_mail_to_customers_is_there_and_mail_to_agents_is_not(store, stage, tmp_path):
    counts = export(store, tmp_path / "out")
    found = raw(tmp_path / "out" / "mail" / "support.sent.mbox")
    told = kept(store, "outgoing JOIN outbox USING (sha256) WHERE kind = 'notification'")
    assert any(b"It is out." in one for one in found)
    assert len(found) == counts["sent"] == 3  # a reply, and as many acknowledgements as Jane gets in an hour
    assert told
    assert not set(found) & set(told)
    with store.view() as view:
        tokens = [row["message_id"] for row in view.outbox() if row["kind"] == "notification"]
    outbox = (tmp_path / "out" / "outbox.jsonl").read_text("utf-8")
    assert tokens
    assert not [one for one in tokens if one in outbox]


BOUNCE = """\
From: MAILER-DAEMON@mx.example.com
Return-Path: <>
To: support@example.com
Message-ID: <lost@mx.example.com>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b

Not delivered.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.com

Final-Recipient: rfc822; anna@example.com
Action: failed
Status: 5.2.2
--b
Content-Type: message/rfc822

Message-ID: {{anna.message_id}}
Reply-To: {{anna.reply_to}}
Subject: {{anna.subject}}

A notification.
--b--
"""


def test_a_notification_that_came_back_is_named_and_not_there(store, stage, tmp_path):
    stage.send(jane(5))  # what Anna is told of it she does not answer
    before = export(store, tmp_path / "before")
    token = stage.last_to("anna")["Message-ID"].encode()
    again = stage.fill(BOUNCE)
    assert stage.send(again) == {"ignored": 1}
    stage.send(f"Received: by another way\n{again}")
    counts = export(store, tmp_path / "out")
    assert counts["received"] == before["received"]
    assert counts["ledger"] == before["ledger"] + 2
    contents = [path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert not [one for one in contents if token in one]


def test_files_stand_beside_by_their_digest(store, stage, tmp_path):
    export(store, tmp_path / "out")
    digest = hashlib.sha256(FILE).hexdigest()
    assert (tmp_path / "out" / "files" / digest[:2] / digest).read_bytes() == FILE
    (ticket,) = [one for one in lines(tmp_path / "out" / "tickets.jsonl") if one["subject"] == "Printer 3"]
    assert ticket["messages"][0]["attachments"][0]["sha256"] == digest


def test_it_is_for_its_owner_alone_and_holds_no_key(store, stage, tmp_path):
    (tmp_path / "out").mkdir(mode=0o755)  # there already, and empty
    export(store, tmp_path / "out")
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o700
    paths = list((tmp_path / "out").rglob("*"))
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths if path.is_file()} == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths if path.is_dir()} == {0o700}
    key = store.desk().keys[0]
    contents = b"".join(path.read_bytes() for path in paths if path.is_file())
    assert key not in contents
    assert key.hex().encode() not in contents


def test_nothing_is_written_over(store, stage, tmp_path):
    export(store, tmp_path / "out")
    with pytest.raises(UsageError, match="not empty"):
        export(store, tmp_path / "out")
    (tmp_path / "plain").write_text("a file")
    with pytest.raises(TicketdError, match="plain"):
        export(store, tmp_path / "plain")


def test_no_two_mailboxes_share_a_file(store, tmp_path):
    names = ["x", "x.sent", "X", "x/", "../x", "", ".x", "x.sent.sent", "y" * 61, "y" * 62]
    digest = hashlib.sha256(b"x/").hexdigest()[:8]
    names.append(f"x-{digest}")
    with store.begin() as tx:
        for number, name in enumerate(names, 1):
            tx.mailbox_state(name)
            content = jane(number).encode()
            tx.receive(name, "INBOX", 1, [Received(number, None, len(content), content)], START)
    counts = export(store, tmp_path / "out")
    assert counts["received"] == len(names)
    files = [path.name for path in (tmp_path / "out" / "mail").iterdir()]
    assert len({name.lower() for name in files}) == len(files) == 2 * len(names)
    assert {"x.mbox", "x.sent.mbox", f"x-{digest}.mbox"} <= set(files)
    assert len(raw(tmp_path / "out" / "mail" / "x.mbox")) == 1


def test_it_shows_one_moment_while_the_desk_works(store, stage, tmp_path):
    with store.view() as view:
        everything = Everything(view)
        before = len(everything.mailboxes())
        assert before == 1
        stage.send(jane(9))
        write_everything(everything, tmp_path / "out", {})
    assert "Printer 9" not in (tmp_path / "out" / "tickets.jsonl").read_text()
    assert b"Printer 9" not in (tmp_path / "out" / "mail" / "support.mbox").read_bytes()


def test_the_last_file_says_that_it_is_whole(store, stage, tmp_path):
    counts = export(store, tmp_path / "out")
    (facts,) = lines(tmp_path / "out" / "export.json")
    assert facts == {"desk": "Example", "counts": counts}
    assert counts["received"] == len(raw(tmp_path / "out" / "mail" / "support.mbox"))
