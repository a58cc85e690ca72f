"""An agent who does not work a mailbox acts there only where they were told of a ticket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.abuse.kit import DESK, Desk, open_desk
from ticketd.collect import desk as by_hand
from ticketd.decide.excerpts.commands import Instruction

from .stage import PEOPLE, text_of, with_policy

PROVEN = "mx.example.com; dmarc=pass header.from=example.com"
SECRET = "The engine of the new boat"
ANSWER = {"In_Reply_To": "<boat@example.org>", "Subject": "Re: x", "Authentication_Results": PROVEN}
BOB = PEOPLE["bob"]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Anna works the mailbox, Bob does not; his own domain vouches for his mails."""
    desk = open_desk(tmp_path)
    with_policy(desk, trusted_authserv=("mx.example.com",), agents=("anna",))
    desk.mail(PEOPLE["jane"], "It does not start.", Subject=SECRET, Message_ID="<boat@example.org>")
    yield desk
    desk.store.close()


def refused(desk: Desk, outcome: dict[str, int]) -> None:
    """Given back in words, and nothing of the ticket with it."""
    told = desk.last_to("bob")
    assert outcome == {"held": 1}
    assert "you do not work Example Support (its agents: anna)" in " ".join(text_of(told).split())
    assert SECRET not in str(told["Subject"]) + text_of(told)
    ticket = desk.ticket(1)
    assert (desk.kinds(1), desk.mailed(), ticket["assignee"]) == (["customer"], 0, None)


@pytest.mark.parametrize("body", ["Hello Jane.", "#solved", "#note\n\nI know her.", "#show", "#take"])
def test_he_does_not_act_on_its_tickets(desk: Desk, body: str) -> None:
    refused(desk, desk.mail(BOB, body, **ANSWER))


def test_saying_yes_changes_nothing(desk: Desk) -> None:
    desk.mail(BOB, "Hello Jane.", **ANSWER)
    desk.answer("bob", "#yes", Authentication_Results=PROVEN)
    refused(desk, {"held": 1})


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ("#requester lee@example.org\n\nHello Lee.", {}),
        ("Hello Lee.", {"To": PEOPLE["lee"], "Cc": DESK}),
    ],
)
def test_he_opens_no_tickets_for_customers(desk: Desk, body: str, fields: dict[str, str]) -> None:
    refused(desk, desk.mail(BOB, body, Authentication_Results=PROVEN, **fields))


@pytest.mark.parametrize("query", ["#list all", "#show 1"])
def test_he_is_shown_none_of_its_tickets(desk: Desk, query: str) -> None:
    desk.mail(BOB, query, Authentication_Results=PROVEN)
    told = desk.last_to("bob")
    assert SECRET not in str(told["Subject"]) + text_of(told)


def test_he_may_have_a_wish_of_his_own(desk: Desk) -> None:
    told = len(desk.mails())
    fields = {"Subject": "My contract", "Authentication_Results": PROVEN, "Message_ID": "<wish@example.com>"}
    assert desk.mail(BOB, "May I see it?", **fields) == {"ticket": 1}
    assert desk.ticket(2)["requester"]["address"] == BOB
    assert desk.mail(BOB, "Please.", **{**ANSWER, "In_Reply_To": "<wish@example.com>"}) == {"ticket": 1}
    assert desk.kinds(2) == ["customer", "customer"]
    assert [row["to"] for row, _ in desk.mails()[told:]] == [PEOPLE["anna"]] * 2


def test_a_notification_that_was_made_for_him_lets_him_answer(desk: Desk) -> None:
    by_hand.Desk(desk.store, desk.policy, desk.clock).change(1, [Instruction("assign", "bob")], None)
    assert desk.answer("bob", "#unassign\n\nHello Jane.") == {"ticket": 1}
    assert desk.answer("bob", "Once more.") == {"ticket": 1}
    assert desk.kinds(1) == ["customer", "reply", "reply"]


def test_whoever_works_the_mailbox_is_not_concerned(desk: Desk) -> None:
    desk.mail(PEOPLE["anna"], "Hello Jane.", **ANSWER)
    assert desk.kinds(1) == ["customer", "reply"]
