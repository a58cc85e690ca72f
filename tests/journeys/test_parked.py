"""Parked mails that come together are asked about together, and none waits for an answer that was given."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.abuse.kit import Desk, open_desk, raw

from .stage import PEOPLE, text_of

ANNA = PEOPLE["anna"]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = open_desk(tmp_path)
    yield desk
    desk.store.close()


def together(desk: Desk, *subjects: str) -> dict[str, int]:
    """Anna's mails that nothing proves, in one batch."""
    body = "#requester jane@example.org\n\nHello Jane."
    desk.receive(*(raw(desk.fields(ANNA, Subject=subject), body) for subject in subjects))
    return desk.take_in()


def questions(desk: Desk) -> list[EmailMessage]:
    return [mail for row, mail in desk.mails() if row["kind"] == "question"]


def subjects(desk: Desk) -> list[str]:
    return [desk.ticket(number)["subject"] for number in desk.numbers()]


def test_one_question_asks_about_all(desk: Desk) -> None:
    assert together(desk, "Apples", "Pears") == {"parked": 2}
    [question] = questions(desk)
    assert question["Subject"] == "Are these 2 mails yours?"
    assert all(name in text_of(question) for name in ('1. "Apples"', '2. "Pears"', "#yes 2"))


@pytest.mark.parametrize(
    ("answer", "found"),
    [("#yes", ["Apples", "Pears"]), ("#yes 2", ["Pears"]), ("#yes 1\n#no 2", ["Apples"]), ("#no", [])],
)
def test_the_numbers_are_those_of_the_question(desk: Desk, answer: str, found: list[str]) -> None:
    together(desk, "Apples", "Pears")
    desk.answer("anna", answer)
    assert subjects(desk) == found


def test_while_a_question_is_open_the_next_one_waits_an_hour(desk: Desk) -> None:
    together(desk, "Apples", "Pears")
    desk.answer("anna", "#yes 1")
    together(desk, "Plums")
    desk.wait(timedelta(minutes=50))
    assert len(questions(desk)) == 1
    desk.wait(timedelta(minutes=20))
    assert len(questions(desk)) == 2
    assert "Plums" in text_of(questions(desk)[1])


def test_once_all_is_answered_the_next_one_is_asked_at_once(desk: Desk) -> None:
    together(desk, "Apples")
    desk.answer("anna", "#yes")
    together(desk, "Plums")
    assert len(questions(desk)) == 2
    desk.answer("anna", "#yes")
    assert subjects(desk) == ["Apples", "Plums"]


def test_the_answer_to_a_question_brings_the_one_that_waited_for_it(desk: Desk) -> None:
    together(desk, "Apples")
    together(desk, "Plums")
    assert len(questions(desk)) == 1
    desk.answer("anna", "#no")
    assert len(questions(desk)) == 2
    desk.answer("anna", "#yes")
    assert subjects(desk) == ["Plums"]


def test_a_held_mail_keeps_no_question_waiting(desk: Desk) -> None:
    desk.mail(PEOPLE["jane"])
    desk.answer("anna", "#slved")
    together(desk, "Apples")
    assert "Is this mail yours?" in [mail["Subject"] for mail in questions(desk)]


def test_nothing_is_asked_twice(desk: Desk) -> None:
    together(desk, "Apples", "Pears")
    for _ in range(3):
        desk.wait(timedelta(hours=2))
    assert len(questions(desk)) == 1
