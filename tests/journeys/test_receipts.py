"""Read receipts: recorded on the ticket whose mail was read, or out of everybody's way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.abuse.kit import Desk, open_desk

from .stage import PEOPLE

JANE, LEE = PEOPLE["jane"], PEOPLE["lee"]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Anna has answered Jane, and solved the ticket."""
    desk = open_desk(tmp_path)
    desk.mail(JANE)
    desk.answer("anna", "#solved\n\nPour water on it.")
    yield desk
    desk.store.close()


def receipt(desk: Desk, reader: str, message_id: str, author: str = "", **fields: str) -> dict[str, int]:
    """A receipt as Outlook makes one: it answers nothing in its own header."""
    body = (
        "--b\r\nContent-Type: text/plain\r\n\r\nYour message was read.\r\n--b\r\n"
        "Content-Type: message/disposition-notification\r\n\r\n"
        f"Final-Recipient: rfc822;{reader}\r\nOriginal-Message-ID: {message_id}\r\n"
        "Disposition: automatic-action/MDN-sent-automatically; displayed\r\n--b--\r\n"
    )
    kind = 'multipart/report; report-type=disposition-notification; boundary="b"'
    return desk.mail(author or reader, body, Content_Type=kind, Subject="Read: Printer on fire", **fields)


def untouched(desk: Desk) -> bool:
    ticket = desk.ticket(1)
    return (ticket["status"], ticket["assignee"], desk.mailed()) == ("solved", "anna@example.com", 1)


def test_a_receipt_is_recorded_on_its_ticket(desk: Desk) -> None:
    told = len(desk.mails())
    assert receipt(desk, JANE, str(desk.last_to("jane")["Message-ID"])) == {"ticket": 1}
    assert (desk.numbers(), desk.kinds(1)) == ([1], ["customer", "reply", "automatic"])
    assert desk.events(1)[-1] == "read"
    assert untouched(desk)
    assert len(desk.mails()) == told


def test_one_from_another_address_of_theirs_names_who_read_it(desk: Desk) -> None:
    receipt(desk, JANE, str(desk.last_to("jane")["Message-ID"]), author="jane@mobile.test")
    assert desk.kinds(1)[-1] == "automatic"


def test_one_that_answers_its_mail_joins_as_ever(desk: Desk) -> None:
    mail = str(desk.last_to("jane")["Message-ID"])
    receipt(desk, JANE, mail, In_Reply_To=mail)
    assert (desk.kinds(1)[-1], desk.events(1)[-1]) == ("automatic", "read")
    assert untouched(desk)


@pytest.mark.parametrize("named", ["<some@elsewhere.test>", "<t1.aaaaaaaa.c.aaaaaaaaaaaaaaaa@example.com>"])
def test_one_that_belongs_to_nothing_is_in_nobodys_way(desk: Desk, named: str) -> None:
    told = len(desk.mails())
    receipt(desk, LEE, named)
    assert desk.ticket(2)["spam"] is True
    assert (desk.kinds(1), len(desk.mails())) == (["customer", "reply"], told)


def test_one_of_somebody_whom_we_did_not_mail_is_not_believed(desk: Desk) -> None:
    receipt(desk, LEE, str(desk.last_to("jane")["Message-ID"]))
    assert (desk.kinds(1), desk.ticket(2)["spam"]) == (["customer", "reply"], True)


def test_one_of_a_mail_to_an_agent_is_ignored(desk: Desk) -> None:
    """An agent's mail program at home, whose address the desk does not know."""
    notification = str(desk.last_to("anna")["Message-ID"])
    assert receipt(desk, PEOPLE["anna"], notification, author="anna@home.test") == {"ignored": 1}
    assert desk.kinds(1) == ["customer", "reply"]
