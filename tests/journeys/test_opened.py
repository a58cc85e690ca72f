"""Tickets that the desk itself opens: who is told, and whether somebody waits for an answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.abuse.kit import Desk, open_desk
from ticketd.collect.chat import opening_of, read_transcript
from ticketd.collect.desk import Desk as ByHand
from ticketd.decide.acting.manual import Opening
from ticketd.decide.excerpts.commands import Commands, Instruction
from ticketd.decide.model import Address
from ticketd.decide.policy import Sla, SlaPolicy

from .stage import PEOPLE, text_of, with_policy

PROVEN = "mx.example.com; dmarc=pass header.from=example.com"
ANNA, BOB, LEE = PEOPLE["anna"], PEOPLE["bob"], PEOPLE["lee"]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk with a promise for every ticket."""
    desk = open_desk(tmp_path)
    with_policy(desk, trusted_authserv=("mx.example.com",))
    promise = SlaPolicy.model_validate({"name": "all", "first_reply": "2h"})
    desk.policy = replace(desk.policy, sla=Sla(policies=(promise,)))
    yield desk
    desk.store.close()


def told(desk: Desk) -> list[str]:
    """Who got a notification."""
    return sorted(row["to"] for row, _ in desk.mails() if row["kind"] == "notification")


def waits(desk: Desk) -> bool:
    return desk.ticket(1)["first_reply_due_at"] is not None


def by_mail(desk: Desk, body: str) -> None:
    desk.mail(ANNA, body, Subject="A broken lamp", Authentication_Results=PROVEN)


def by_hand(desk: Desk, **opening: Any) -> int:
    usual = Opening("support", Address(LEE), "A broken lamp")
    return ByHand(desk.store, desk.policy, desk.clock).open(replace(usual, **opening))


def by_chat(desk: Desk, **chat: Any) -> int:
    work = ByHand(desk.store, desk.policy, desk.clock)
    document = {"visitor": {"address": LEE}, "subject": "A broken lamp", **chat}
    return work.open(opening_of(read_transcript(json.dumps(document).encode()), work))


def commanded(*pairs: tuple[str, str]) -> Commands:
    return Commands(tuple(Instruction(*pair) for pair in pairs))


class TestByMail:
    @pytest.mark.parametrize(
        ("commands", "whom"),
        [("", [BOB]), ("#assign bob\n", [BOB]), ("#assign me\n", []), ("#note: fragile\n", [BOB])],
    )
    def test_without_a_text_agents_are_told_and_an_answer_is_owed(
        self, desk: Desk, commands: str, whom: list[str]
    ) -> None:
        by_mail(desk, f"#requester {LEE}\n{commands}")
        assert told(desk) == whom
        assert waits(desk)
        assert desk.mailed() == 0

    def test_with_a_note_alone_an_answer_is_owed(self, desk: Desk) -> None:
        by_mail(desk, f"#requester {LEE}\n#note\n\nShe called.")
        assert (told(desk), waits(desk)) == ([BOB], True)

    def test_whom_we_wrote_to_first_waits_for_nothing(self, desk: Desk) -> None:
        by_mail(desk, f"#requester {LEE}\n\nHello Lee, your lamp is broken.")
        assert (told(desk), waits(desk)) == ([BOB], False)

    def test_whose_mail_was_forwarded_waits(self, desk: Desk) -> None:
        head = f"---------- Forwarded message ---------\nFrom: Lee <{LEE}>\nSubject: A lamp\n"
        by_mail(desk, f"#fwd\n\n{head}\nMy lamp is broken.")
        assert (told(desk), waits(desk)) == ([BOB], True)


class TestByHand:
    def test_without_a_text(self, desk: Desk) -> None:
        by_hand(desk)
        assert (told(desk), waits(desk)) == ([ANNA, BOB], True)
        assert "nobody is assigned yet" in text_of(desk.last_to("anna")).lower()

    def test_assigned_by_a_colleague(self, desk: Desk) -> None:
        by_hand(desk, commands=commanded(("assign", "anna")), agent=desk.policy.agents["bob"])
        assert (told(desk), waits(desk)) == ([ANNA], True)
        assert f"assigned to you by {BOB}" in text_of(desk.last_to("anna")).lower()

    def test_nobody_is_told_of_what_they_did_themselves(self, desk: Desk) -> None:
        by_hand(desk, commands=commanded(("assign", "bob")), agent=desk.policy.agents["bob"])
        assert told(desk) == []

    def test_with_a_note_alone(self, desk: Desk) -> None:
        by_hand(desk, note="She called.")
        assert (told(desk), waits(desk)) == ([ANNA, BOB], True)
        assert str(desk.last_to("anna")["Message-ID"]).split(".")[2] == "n"

    def test_with_a_text(self, desk: Desk) -> None:
        by_hand(desk, text="Hello Lee.")
        assert (told(desk), waits(desk)) == ([ANNA, BOB], False)

    def test_what_is_owed_is_reminded_of_and_ends_with_the_first_reply(self, desk: Desk) -> None:
        by_hand(desk)
        desk.wait(timedelta(minutes=95))
        assert told(desk) == [ANNA, ANNA, BOB, BOB]
        ByHand(desk.store, desk.policy, desk.clock).reply(1, "Hello Lee.", desk.policy.agents["anna"])
        assert not waits(desk)

    def test_pending_stops_the_clock(self, desk: Desk) -> None:
        by_hand(desk, commands=commanded(("status", "pending")))
        assert not waits(desk)


class TestByChat:
    @pytest.mark.parametrize(
        ("chat", "owed"),
        [
            ({}, True),
            ({"note": "She hung up."}, True),
            ({"transcript": [{"from": "visitor", "text": "Hello?"}]}, True),
            ({"message": "Hello Lee."}, False),
        ],
    )
    def test_agents_are_told_and_whoever_waits_is_owed_an_answer(
        self, desk: Desk, chat: dict[str, Any], owed: bool
    ) -> None:
        by_chat(desk, **chat)
        assert (told(desk), waits(desk)) == ([ANNA, BOB], owed)


def test_an_agent_with_a_wish_of_their_own_is_not_told_of_it(desk: Desk) -> None:
    by_mail(desk, "The coffee machine is broken.")
    assert desk.ticket(1)["requester"]["address"] == ANNA
    assert told(desk) == [BOB]
