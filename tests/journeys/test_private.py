"""What agents say among themselves stays there: an answer to whatever shows a note is a note."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.abuse.kit import Desk, open_desk
from ticketd.collect import desk as by_hand
from ticketd.decide.excerpts.commands import Instruction
from ticketd.decide.policy import Sla, SlaPolicy

from .stage import PEOPLE, text_of, with_policy

PROVEN = "mx.example.com; dmarc=pass header.from=example.com"
JANE = "Jane Doe <jane@example.org>"
DIFFICULT = "Anna, please take it, this customer is difficult."


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = open_desk(tmp_path)
    with_policy(desk, trusted_authserv=("mx.example.com",))
    yield desk
    desk.store.close()


def purpose(desk: Desk, person: str) -> str:
    """The letter P of the last mail that a person got."""
    return str(desk.last_to(person)["Message-ID"]).split(".")[2]


def answered_in_private(desk: Desk, person: str) -> None:
    """The last mail that a person got says that its answer is a note, and so it is."""
    before = desk.mailed()
    assert purpose(desk, person) == "n"
    assert "Your answer will be a note" in text_of(desk.last_to(person))
    assert desk.answer(person, "I know, I shall be careful.") == {"ticket": 1}
    assert (desk.kinds(1)[-1], desk.mailed()) == ("note", before)


def test_a_note_in_the_mail_that_assigns(desk: Desk) -> None:
    desk.mail(JANE)
    desk.answer("bob", f"#note\n#assign anna\n\n{DIFFICULT}")
    assert DIFFICULT in text_of(desk.last_to("anna"))
    answered_in_private(desk, "anna")


def test_a_line_of_note_beside_the_reply_in_the_mail_that_assigns(desk: Desk) -> None:
    desk.mail(JANE)
    desk.answer("bob", f"#note: {DIFFICULT}\n#assign anna\n\nHello Jane, Anna will see to it.")
    answered_in_private(desk, "anna")


def test_a_note_and_later_an_assignment_from_the_command_line(desk: Desk) -> None:
    desk.mail(JANE)
    work = by_hand.Desk(desk.store, desk.policy, desk.clock)
    bob = desk.policy.agents["bob"]
    work.note(1, DIFFICULT, bob)
    work.change(1, [Instruction("assign", "anna")], bob)
    answered_in_private(desk, "anna")


def test_a_note_within_the_conversation_so_far(desk: Desk) -> None:
    desk.mail(JANE)
    desk.answer("bob", f"#note\n\n{DIFFICULT}")
    desk.mail(JANE, "Is anybody there?", In_Reply_To="<abuse-1@mail.test>", Subject="Re: Printer on fire")
    work = by_hand.Desk(desk.store, desk.policy, desk.clock)
    work.change(1, [Instruction("assign", "anna")], None)
    assert DIFFICULT in text_of(desk.last_to("anna"))
    answered_in_private(desk, "anna")


def test_a_notice_of_what_is_due_that_shows_a_note(desk: Desk) -> None:
    promise = SlaPolicy.model_validate({"name": "all", "first_reply": "1h"})
    desk.policy = replace(desk.policy, sla=Sla(policies=(promise,)))
    desk.mail(JANE)
    assert purpose(desk, "anna") == "r"
    desk.answer("bob", f"#note\n\n{DIFFICULT}")
    desk.wait(timedelta(minutes=50))
    assert DIFFICULT in text_of(desk.last_to("anna"))
    answered_in_private(desk, "anna")


def test_show_of_a_ticket_with_a_note(desk: Desk) -> None:
    desk.mail(JANE)
    desk.answer("anna", "#show")
    assert purpose(desk, "anna") == "r"
    desk.answer("bob", f"#note\n\n{DIFFICULT}")
    desk.answer("anna", "#show")
    answered_in_private(desk, "anna")


def test_reply_says_that_it_is_for_the_customer(desk: Desk) -> None:
    desk.mail(JANE)
    desk.answer("bob", f"#note\n#assign anna\n\n{DIFFICULT}")
    assert "#reply" in text_of(desk.last_to("anna"))
    desk.answer("anna", "#reply\n\nHello Jane, I see to it.")
    assert desk.kinds(1)[-1] == "reply"
    assert desk.mailed() == 1


def test_an_answer_to_a_colleagues_own_mail_of_a_note(desk: Desk) -> None:
    """Bob wrote his note to the desk and, in Cc, to Anna, who answers his mail, not ours."""
    desk.mail(JANE)
    desk.answer(
        "bob",
        f"#note\n\n{DIFFICULT}",
        Cc=PEOPLE["anna"],
        Message_ID="<psst@example.com>",
    )
    desk.mail(
        PEOPLE["anna"],
        "I know, I shall be careful.",
        In_Reply_To="<psst@example.com>",
        References=f"{desk.last_to('bob')['Message-ID']} <psst@example.com>",
        Subject="Re: Printer on fire",
        Authentication_Results=PROVEN,
    )
    assert (desk.kinds(1), desk.mailed()) == (["customer", "note", "note"], 0)
