"""A thumb that an agent presses below a mail goes to nobody."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.abuse.kit import Desk, open_desk

from .stage import PEOPLE


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = open_desk(tmp_path)
    desk.mail(PEOPLE["jane"])
    yield desk
    desk.store.close()


GMAIL = (
    "--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\U0001f44d\r\n\r\n{words}\r\n"
    "--b\r\nContent-Type: text/vnd.google.email-reaction+json; charset=utf-8\r\n\r\n"
    '{{"emoji": "\U0001f44d", "version": 1}}\r\n'
    "--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>\U0001f44d</p><p>{words}</p>\r\n--b--\r\n"
)


@pytest.mark.parametrize("kind", ["multipart/alternative", "multipart/mixed"])
@pytest.mark.parametrize("words", ["Anna reacted via Gmail", "Anna, in words that nobody here knows"])
def test_gmails(desk: Desk, kind: str, words: str) -> None:
    body = GMAIL.format(words=words)
    assert desk.answer("anna", body, Content_Type=f'{kind}; boundary="b"') == {"ignored": 1}
    assert (desk.kinds(1), desk.mailed(), desk.ticket(1)["status"]) == (["customer"], 0, "open")


@pytest.mark.parametrize(
    "body",
    [
        "Anna Kowalska reacted to your message:\n________________________________\nFrom: Example Support",
        "Anna hat auf Ihre Nachricht reagiert:\n\n________________________________\nVon: Example Support",
        "\U0001f44d Anna reacted via Gmail <https://mail.example/about>",
    ],
)
def test_outlooks_words(desk: Desk, body: str) -> None:
    assert desk.answer("anna", body) == {"ignored": 1}
    assert (desk.kinds(1), desk.mailed()) == (["customer"], 0)


def test_the_disposition_of_rfc_9078(desk: Desk) -> None:
    assert desk.answer("anna", "\U0001f44d", Content_Disposition="reaction") == {"ignored": 1}


@pytest.mark.parametrize(
    "body",
    [
        "Our chemist says that the acid reacted to your message in a bottle. Please send another.",
        "Hello Jane,\n\nthank you.\n\nIt is the fuse.\n\nA colleague reacted to your message",
    ],
)
def test_an_answer_that_speaks_of_reactions_is_one(desk: Desk, body: str) -> None:
    assert desk.answer("anna", body) == {"ticket": 1}
    assert desk.mailed() == 1


def test_a_customers_reaction_is_kept(desk: Desk) -> None:
    desk.answer("anna", "Pour water on it.")
    body = GMAIL.format(words="Jane reacted via Gmail")
    desk.answer("jane", body, Content_Type='multipart/alternative; boundary="b"')
    assert desk.kinds(1) == ["customer", "reply", "customer"]
