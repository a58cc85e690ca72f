"""A first import of very many old mails: one mail tells of them all, once, when the last is taken in."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.journeys.stage import START, Stage, with_policy
from ticketd.collect.archive import tell_of_archive
from ticketd.decide.model import HANDFUL
from ticketd.store import Received

MANY = HANDFUL + 5
_OLD = START - timedelta(days=400)


@pytest.fixture
def stage(store, tmp_path):
    stage = with_policy(Stage(store, tmp_path), acknowledge=True)
    stage._uid = 1000  # what is sent later stands above what was read
    return stage


def mail(number, more=""):
    lines = (
        f"Message-ID: <{number}@example.org>",
        f"From: jane{number % 100}@example.org",
        "To: support@example.com",
        f"Subject: Question {number}",
    )
    return ("\r\n".join(lines) + f"{more}\r\n\r\nHello.\r\n").encode()


def read(stage, numbers, *, old=True, left=0):
    """What the reading of a folder does with mails of these numbers; ``left`` are still to be fetched."""
    read_as(stage, [(number, number) for number in numbers], old=old, left=left)


def read_as(stage, numbers, *, old=True, left=0):
    """The same, by UID."""
    at = _OLD if old else stage.now
    mails = [Received(uid, at, 100, mail(number), late=old) for uid, number in numbers]
    with stage.store.begin("receive") as tx:
        tx.mailbox_state("support")
        tx.receive("support", "INBOX", 1, mails, stage.now)
        if old:
            tx.met_old_mail("support", len(mails))
        tx.set_cursor("support", "INBOX", 1, max(numbers)[0], left)


def finish(stage):
    with stage.store.begin("polled") as tx:
        tx.poll_succeeded("support", stage.now)


def told(stage):
    """How many mails the agents get about the archive now."""
    return tell_of_archive(stage.store, stage.policy, "support", stage.now)


def kinds(stage):
    return sorted({row["kind"] for row, _ in stage.new_mails()})


def test_an_archive_is_told_of_in_one_mail_to_each_agent(stage):
    read(stage, range(1, MANY + 1))
    read(stage, [900, 901], old=False)
    finish(stage)
    stage.take_in()
    assert kinds(stage) == ["acknowledgement", "notification"]  # of the two that are new
    assert len(stage.mails()) == 2 * 2 + 2
    assert told(stage) == 2
    (_, first), _ = stage.new_mails()
    assert first["Subject"] == f"{MANY} old mails of Example Support were taken in"
    assert told(stage) == 0


def test_it_is_not_told_before_the_last_is_fetched_and_taken_in(stage):
    read(stage, range(1, MANY + 1), left=7)
    stage.take_in()
    assert told(stage) == 0
    read(stage, range(700, 707))
    finish(stage)
    assert told(stage) == 0
    stage.take_in()
    assert told(stage) == 2
    subject = stage.last_to("anna")["Subject"]
    assert subject.startswith(f"{MANY + 7} old mails")


def test_the_beginning_of_an_archive_is_no_handful(stage):
    """The import was cut short within its first mails, and the server is away since."""
    read(stage, range(1, 51), left=MANY)
    stage.take_in()
    assert stage.mails() == []
    assert {stage.ticket(number)["due_at"] for number in range(1, 51)} == {None}
    stage.wait(timedelta(days=30))
    assert stage.mails() == []
    read(stage, range(51, MANY + 51))
    finish(stage)
    stage.take_in()
    assert told(stage) == 2
    assert len(stage.mails()) == 2


def test_a_handful_is_told_of_one_by_one(stage):
    read(stage, range(1, 4))
    finish(stage)
    stage.take_in()
    assert told(stage) == 0
    assert len(stage.mails()) == 3 * 2
    assert kinds(stage) == ["notification"]


def test_what_was_known_already_is_not_told_of_again(stage):
    """The same archive in a second folder or mailbox, and a little that is new in it."""
    read(stage, range(1, MANY + 1))
    finish(stage)
    stage.take_in()
    assert told(stage) == 2
    for new, subject in ((0, None), (3, "3 old mails of Example Support were taken in")):
        stage.new_mails()
        stage.now += timedelta(hours=1)
        again = [(MANY + n, n) for n in range(1, MANY + 1)] + [(5000 + n, 5000 + n) for n in range(new)]
        read_as(stage, [(uid + 2000 * new, number) for uid, number in again])
        finish(stage)
        assert stage.take_in() == {"duplicate": MANY} | ({"ticket": new} if new else {})
        assert told(stage) == (2 if new else 0)
        assert {mail["Subject"] for _, mail in stage.new_mails()} == ({subject} if new else set())


def test_mail_of_an_archive_goes_on_as_any_conversation(stage):
    read(stage, range(1, MANY + 1))
    finish(stage)
    stage.take_in()
    told(stage)
    stage.new_mails()
    stage.send(mail(703, "\r\nIn-Reply-To: <3@example.org>"))
    assert len(stage.ticket(3)["messages"]) == 2
    assert kinds(stage) == ["notification"]
