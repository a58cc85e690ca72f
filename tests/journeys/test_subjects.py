"""What stands in the Subject of a customer's mail: never a code of ours, nor a name that agents gave it."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from tests.abuse.kit import Desk, open_desk
from ticketd.decide import tokens
from ticketd.decide.acting.manual import Opening, open_by_hand
from ticketd.decide.context import Clues
from ticketd.decide.model import Address
from ticketd.decide.work import Work

from .stage import text_of, with_policy

PROVEN = "mx.example.com; dmarc=pass header.from=example.com"
ANNA = "Anna <anna@example.com>"
JANE = "Jane Doe <jane@example.org>"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = open_desk(tmp_path)
    with_policy(desk, trusted_authserv=("mx.example.com",))
    yield desk
    desk.store.close()


def proven(desk: Desk, body: str, **fields: str) -> None:
    """Anna writes, and her own domain vouches for it."""
    desk.mail(ANNA, body, Authentication_Results=PROVEN, **fields)


def coded(desk: Desk) -> str:
    """The subject of the first ready mail among Anna's last links."""
    links = [word.strip("<>") for word in text_of(desk.last_to("anna")).split() if "mailto:" in word]
    link = urlsplit(links[0])
    subject = unquote(parse_qs(link.query)["subject"][0])
    assert tokens.read_codes(subject)
    return subject


def outside(desk: Desk) -> list[EmailMessage]:
    found = desk.to_outsiders()
    for mail in found:
        assert not tokens.holds_token(str(mail["Subject"]))
    return found


@pytest.mark.parametrize("command", ["#list unassigned", "#help"])
def test_a_ready_mail_turned_into_a_new_ticket(desk: Desk, command: str) -> None:
    desk.mail(JANE)
    proven(desk, command)
    proven(desk, "#requester lee@example.org\n\nHello Lee, a word.", Subject=f"{coded(desk)} Show")
    assert [str(mail["Subject"]) for mail in outside(desk)] == ["Show"]
    assert desk.ticket(2)["subject"] == "Show"


def test_nothing_but_a_code(desk: Desk) -> None:
    proven(desk, "#help")
    proven(desk, "#requester lee@example.org\n\nHello Lee, a word.", Subject=coded(desk))
    assert [str(mail["Subject"]) for mail in outside(desk)] == ["(no subject)"]


def test_a_rename_with_a_code(desk: Desk) -> None:
    desk.mail(JANE, Subject="")
    desk.answer("anna", "#take")
    code = tokens.subject_code(desk.policy, _token(desk, "anna"))
    desk.answer("anna", f"#subject {code} Printer\n\nPour water on it.")
    assert outside(desk)
    assert desk.ticket(1)["subject"] == "Printer"


def test_a_colleagues_mail_with_a_code_of_its_own(desk: Desk) -> None:
    """A code stands in what a customer sends back, too: the ticket is not called by it."""
    proven(desk, "#help")
    desk.mail(JANE, Subject=f"Re: {coded(desk)} {'very ' * 90} long")
    assert not tokens.holds_token(desk.ticket(1)["subject"])
    desk.answer("anna", "Pour water on it.")
    assert len(outside(desk)) == 1


def test_a_forwarded_mail_with_a_code(desk: Desk) -> None:
    proven(desk, "#help")
    forwarded = (
        f"---------- Forwarded message ---------\nFrom: {JANE}\nSubject: {coded(desk)} Fire\n\nIt burns."
    )
    proven(desk, f"#fwd\n\n{forwarded}", Subject="Fwd: Fire")
    assert desk.ticket(1)["subject"] == "Fire"
    desk.answer("bob", "Pour water on it.")
    assert [str(mail["Subject"]) for mail in outside(desk)] == ["Re: Fire"]


def test_a_ticket_opened_by_hand_with_a_code(desk: Desk) -> None:
    proven(desk, "#help")
    opening = Opening("support", Address("jane@example.org"), f"{coded(desk)} Fire", text="It burns.")
    with desk.store.begin("open") as tx:
        tx.lock_desk()
        work = Work(desk.policy, tx.context(Clues(mailbox=""), desk.now), desk.now, "by hand")
        open_by_hand(work, opening)
        tx.apply(work.effects(), desk.now, None)
    assert [str(mail["Subject"]) for mail in outside(desk)] == ["Fire"]


RENAMED = "#subject Fraud suspicion Lea"


def subjects(desk: Desk) -> list[str]:
    return [str(mail["Subject"]) for mail in outside(desk)]


@pytest.mark.parametrize(("theirs", "ours"), [("", "Re: (no subject)"), ("Fire", "Re: Fire")])
def test_a_rename_is_for_agents_alone(desk: Desk, theirs: str, ours: str) -> None:
    desk.mail(JANE, Subject=theirs)
    desk.answer("anna", RENAMED)
    desk.answer("anna", "Pour water on it.")
    assert desk.ticket(1)["subject"] == "Fraud suspicion Lea"
    assert subjects(desk) == [ours]
    assert "Fraud" not in str(desk.last_to("jane"))


def test_a_rename_of_what_we_began(desk: Desk) -> None:
    proven(desk, "#requester lee@example.org\n\nHello Lee, a word.", Subject="Your order")
    desk.answer("bob", RENAMED)
    desk.answer("bob", "And another word.")
    assert subjects(desk) == ["Your order", "Your order"]


def test_a_rename_before_somebody_else_gets_the_ticket(desk: Desk) -> None:
    desk.mail(JANE, Subject="Fire")
    desk.answer("anna", "Pour water on it.")
    desk.answer("anna", RENAMED)
    desk.answer("anna", "#requester lee@example.org\n\nHello Lee.")
    assert subjects(desk) == ["Re: Fire", "Re: Fire"]


def test_on_a_new_ticket_it_is_the_subject(desk: Desk) -> None:
    proven(desk, "#requester lee@example.org\n#subject Your order\n\nHello Lee, a word.", Subject="x")
    assert subjects(desk) == ["Your order"]


def test_the_tag_stands_in_every_subject_to_customers(desk: Desk) -> None:
    with_policy(desk, subject_tag=True, acknowledge=True, trusted_authserv=())
    desk.mail(JANE, Subject="Fire")
    desk.answer("anna", "Pour water on it.")
    acknowledgement, reply = subjects(desk)
    assert acknowledgement.endswith(" [#1]")
    assert reply == "Re: Fire [#1]"


def _token(desk: Desk, person: str) -> tokens.Token:
    signed = tokens.read_message_id(str(desk.last_to(person)["Message-ID"]))
    assert signed is not None
    return tokens.Token(tokens.Purpose(signed.purpose), signed.ticket, f"{person}@example.com", signed.serial)
