"""Taking in: parents first, strikes, poison, and what is kept of it all."""

import base64
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tests.journeys.stage import Stage
from ticketd.collect import intake
from ticketd.collect.inhand import InHand
from ticketd.errors import Unavailable, UsageError
from ticketd.store import Store


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    store = Store.open(f"sqlite:///{tmp_path / 'ticketd.db'}")
    store.migrate()
    yield Stage(store, tmp_path)
    store.close()


def mail(name: str, answers: str = "", author: str = "jane@example.org", text: str = "Hello") -> bytes:
    parent = (
        f"In-Reply-To: <{answers}@example.org>\r\nReferences: <{answers}@example.org>\r\n" if answers else ""
    )
    return (
        f"From: {author}\r\nTo: support@example.com\r\nSubject: {name}\r\n"
        f"Message-ID: <{name}@example.org>\r\n"
        f"Date: Mon, 23 Nov 2026 10:00:00 +0000\r\n{parent}\r\n{text} {name}\r\n"
    ).encode()


def conversations(count: int, length: int) -> list[bytes]:
    """Conversations of one customer each, every mail answering the one before."""
    mails = []
    for talk in range(count):
        author = f"customer{talk}@example.org"
        for turn in range(length):
            answers = f"talk{talk}.{turn - 1}" if turn else ""
            mails.append(mail(f"talk{talk}.{turn}", answers, author))
    return mails


@pytest.mark.parametrize("seed", range(3))
def test_conversations_in_any_order_are_one_ticket_each(stage: Stage, seed: int) -> None:
    mails = conversations(40, 5)
    random.Random(seed).shuffle(mails)
    stage.receive(*mails)
    stage.take_in()
    with stage.store.view() as view:
        tickets = view.list_tickets("all")
        assert len(tickets) == 40
        assert {len(view.ticket(one["id"])["messages"]) for one in tickets} == {5}


def test_one_by_one_backwards_they_are_one_ticket_as_well(stage: Stage) -> None:
    for content in reversed(conversations(2, 4)):
        stage.receive(content)
        stage.take_in()
    with stage.store.view() as view:
        assert len(view.list_tickets("all")) == 2


def test_poison_is_quarantined_at_three_and_the_mails_behind_it_go_on(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = intake.parse

    def parse(content: bytes, limits: object) -> object:
        if b"poison" in content:
            raise RuntimeError("this mail cannot be")
        return real(content, limits)

    monkeypatch.setattr(intake, "parse", parse)
    stage.receive(mail("poison"), mail("good"))
    outcomes = stage.take_in()
    assert outcomes == {"struck": 2, "quarantined": 1, "ticket": 1}
    with stage.store.view() as view:
        (kept,) = view.quarantine()
        assert (kept["state"], view.raw_mail(kept["id"])) == ("quarantined", mail("poison"))
        assert "this mail cannot be" in view.quarantine_item(kept["id"])["traceback"]
    monkeypatch.undo()
    with stage.store.begin("accept") as tx:
        tx.quarantine_accept(kept["id"])
    assert stage.take_in() == {"ticket": 1}


def test_a_mail_that_cannot_be_placed_holds_no_other_up(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = intake.read_signals

    def read(content: bytes) -> object:
        if b"poison" in content:
            raise RuntimeError("no date like this")
        return real(content)

    monkeypatch.setattr(intake, "read_signals", read)
    stage.receive(mail("poison"), mail("good"))
    assert stage.take_in() == {"ticket": 2}


def test_an_error_of_ours_that_is_foreseen_elsewhere_is_a_strike(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object) -> str:
        raise UsageError("a decision said no to what no mail may ask")

    monkeypatch.setattr(intake, "take_in", fail)
    stage.receive(mail("one"))
    assert stage.take_in() == {"struck": 2, "quarantined": 1}


def test_trouble_of_the_database_is_no_strike(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.receive(mail("one"))

    def fail(*_arguments: object) -> str:
        raise Unavailable("the database is away")

    with monkeypatch.context() as patched:
        patched.setattr(intake, "take_in", fail)
        with pytest.raises(Unavailable):
            stage.take_in()
    with stage.store.view() as view:
        (waiting,) = view.waiting()
    assert waiting.attempts == 0
    assert stage.take_in() == {"ticket": 1}


def test_a_mail_that_kills_the_process_is_struck_at_the_next_start(stage: Stage) -> None:
    stage.receive(mail("deadly"))
    for _ in range(3):
        with stage.store.view() as view:
            (waiting,) = view.waiting()
        with InHand(stage.directory, "support") as in_hand:
            in_hand.mark(waiting.ledger_id)  # and the process dies
        with InHand(stage.directory, "support") as in_hand:
            intake.strike_left_over(stage.store, in_hand, stage.now)
    with stage.store.view() as view:
        assert [one["state"] for one in view.quarantine()] == ["quarantined"]
    assert stage.take_in() == {}


def test_the_same_mail_through_two_mailboxes_is_one_message(stage: Stage) -> None:
    sales = stage.policy.mailboxes["support"].model_copy(
        update={"name": "sales", "address": "sales@example.com"}
    )
    stage.policy.mailboxes["sales"] = sales  # type: ignore[index]
    stage.receive(mail("one"))
    stage.take_in()
    stage.receive(mail("one"), mailbox="sales")
    assert stage.take_in("sales") == {"duplicate": 1}
    whole = stage.ticket(1)
    assert len(whole["messages"]) == 1
    assert "duplicate" in {event["kind"] for event in whole["events"]}


def with_picture(name: str, picture: bytes, answers: str = "") -> bytes:
    parent = f"In-Reply-To: <{answers}@example.org>\r\n" if answers else ""
    return (
        f"From: jane@example.org\r\nTo: support@example.com\r\nSubject: {name}\r\n{parent}"
        f"Message-ID: <{name}@example.org>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n'
        f'Hello {name}\r\n--b\r\nContent-Type: image/png; name="logo.png"\r\n'
        'Content-Disposition: attachment; filename="logo.png"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
        f"{base64.b64encode(picture).decode()}\r\n--b--\r\n"
    ).encode()


def test_a_picture_that_comes_again_is_a_signatures_logo(stage: Stage) -> None:
    stage.send(with_picture("one", b"a logo"))
    stage.send(with_picture("two", b"a logo", "one"))
    stage.send(with_picture("three", b"a photo", "one"))
    shown = [one["attachments"][0]["inline"] for one in stage.ticket(1)["messages"]]
    assert shown == [False, True, False]


def test_where_a_mail_went_is_found_by_its_id_or_by_ours(stage: Stage) -> None:
    stage.receive(mail("lost"))
    with structlog.testing.capture_logs() as lines:
        stage.take_in()
    taken, *queued = [line for line in lines if line["event"] in ("taken-in", "queued")]
    assert (taken["event"], taken["message_id"], taken["ticket"]) == ("taken-in", "<lost@example.org>", 1)
    assert {line["because"] for line in queued} == {"<lost@example.org>"}
    with stage.store.view() as view:
        assert {line["message_id"] for line in queued} == {row["message_id"] for row in view.outbox()}
