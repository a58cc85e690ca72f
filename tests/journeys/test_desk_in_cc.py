"""An agent who writes to people themselves, with the desk in Cc: kept, and never sent again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.abuse.kit import DESK, Desk, open_desk

from .stage import PEOPLE, with_policy

PROVEN = "mx.example.com; dmarc=pass header.from=example.com"
JANE, LEE = PEOPLE["jane"], PEOPLE["lee"]
SUPPLIER = "parts@supplier.test"
ANSWER = {
    "In_Reply_To": "<fire@example.org>",
    "Subject": "Re: Printer on fire",
    "Authentication_Results": PROVEN,
}
BETWEEN_US = "Just between us, Jane."


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Jane wrote to the desk and to Lee."""
    desk = open_desk(tmp_path)
    with_policy(desk, trusted_authserv=("mx.example.com",))
    desk.mail(JANE, To=f"{DESK}, {LEE}", Message_ID="<fire@example.org>")
    yield desk
    desk.store.close()


def test_the_others_are_not_told(desk: Desk) -> None:
    assert desk.mail(PEOPLE["anna"], BETWEEN_US, To=JANE, Cc=DESK, **ANSWER) == {"ticket": 1}
    ticket = desk.ticket(1)
    assert (desk.kinds(1), desk.mailed()) == (["customer", "reply"], 0)
    assert (ticket["status"], ticket["assignee"]) == ("pending", "anna@example.com")


def test_some_programs_put_the_desk_into_to(desk: Desk) -> None:
    desk.mail(PEOPLE["anna"], BETWEEN_US, To=f"{JANE}, {DESK}", **ANSWER)
    assert (desk.kinds(1), desk.mailed()) == (["customer", "reply"], 0)


def test_an_answer_to_a_notification_that_goes_elsewhere(desk: Desk) -> None:
    desk.answer("anna", BETWEEN_US, To=JANE, Cc=DESK)
    assert (desk.kinds(1), desk.mailed()) == (["customer", "reply"], 0)


def test_an_answer_to_a_notification_goes_to_whoever_has_it_not(desk: Desk) -> None:
    desk.answer("anna", "Hello both.", Cc=JANE)
    assert [row["to"] for row, _ in desk.mails() if row["kind"] == "reply"] == [LEE]


def test_a_question_to_somebody_else_is_a_note(desk: Desk) -> None:
    desk.mail(PEOPLE["anna"], "Do you deliver to her?", To=SUPPLIER, Cc=DESK, **ANSWER)
    assert (desk.kinds(1), desk.mailed()) == (["customer", "note"], 0)
    assert desk.ticket(1)["status"] == "open"


def test_a_question_to_a_colleague_is_a_note(desk: Desk) -> None:
    desk.mail(PEOPLE["anna"], "What do you think of her?", To=PEOPLE["bob"], Cc=DESK, **ANSWER)
    assert (desk.kinds(1), desk.mailed()) == (["customer", "note"], 0)


def test_reply_says_that_the_desk_shall_send_it(desk: Desk) -> None:
    desk.mail(PEOPLE["anna"], "#reply\n\nHello both.", To=PEOPLE["bob"], Cc=DESK, **ANSWER)
    assert [row["to"] for row, _ in desk.mails() if row["kind"] == "reply"] == [JANE, LEE]
