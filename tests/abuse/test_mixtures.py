"""Who wrote this mail: each row of the table of mixtures (From, DMARC, token), and what follows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ticketd.decide import tokens
from ticketd.decide.effects import Token
from ticketd.decide.model import Purpose

from .forgeries import ANNA, EVIL, parts
from .kit import ANNAS_WORDS, SECRET, Desk, raw, text_of

Make = Callable[..., Desk]
MX = "mx.example.com"
BOB, JANE, LEE = "bob@example.com", "jane@example.org", "lee@example.org"
PASS, FAIL, NONE = "pass", "fail", "none"
SAID = "The new drum is on its way."


def stamp(result: str, domain: str = "example.com") -> dict[str, str]:
    """What our server stamped."""
    return {"Authentication_Results": f"{MX}; dmarc={result} header.from={domain}"}


def address(desk: Desk, whose: str) -> dict[str, str]:
    """Signal T: the mail was delivered to the signed address of this notification."""
    number, serial, purpose, _ = parts(desk.ids()[whose])
    recipient = {"anna": ANNA, "bob": BOB, "jane": "ticket:1"}[whose.partition("-")[0]]
    token = Token(Purpose(purpose), int(number[1:]), recipient, serial)
    return {"Delivered_To": tokens.reply_address(desk.policy, token, desk.policy.mailboxes["support"])}


def answering(desk: Desk, whose: str) -> dict[str, str]:
    """Signal R: the mail answers this notification."""
    return {"In_Reply_To": desk.ids()[whose], "References": desk.ids()[whose]}


SIGNALS = {"T": address, "R": answering}


def trusting(busy: Make, **more: Any) -> Desk:
    return busy(trusted_authserv=(MX,), **more)


def sent_to_jane(desk: Desk) -> list[str]:
    return [text_of(mail) for row, mail in desk.mails() if row["to"] == JANE]


def assert_spoke(desk: Desk, commands: bool = True) -> None:
    assert desk.last_outcome() == "ticket"
    assert desk.kinds(1)[-1] == "reply"
    assert SAID in sent_to_jane(desk)[-1]
    assert (desk.ticket(1)["priority"] == "urgent") is commands


def assert_waits(desk: Desk, before: dict[int, dict[str, Any]], outcome: str = "parked") -> None:
    assert desk.last_outcome() == outcome
    assert desk.state() == before
    assert len(sent_to_jane(desk)) == 1


REPLY = f"#urgent\n\n{SAID}"


@pytest.mark.parametrize("signal", SIGNALS)
class TestAnAgentsOwnToken:
    @pytest.mark.parametrize("result", [PASS, NONE])
    def test_rows_1_2_7_8_speaks_with_all_commands(self, busy: Make, signal: str, result: str) -> None:
        desk = trusting(busy)
        desk.mail(ANNA, REPLY, **stamp(result), **SIGNALS[signal](desk, "anna-1"))
        assert_spoke(desk)

    @pytest.mark.parametrize(
        "command", ["#merge 2", "#cc lee@example.org", "#requester lee@example.org", "#spam"]
    )
    def test_rows_7_8_also_those_that_disclose(self, busy: Make, signal: str, command: str) -> None:
        desk = busy()
        before = desk.state()[1]
        desk.mail(ANNA, command, **SIGNALS[signal](desk, "anna-1"))
        assert desk.last_outcome() == "ticket"
        assert 1 not in desk.state() or desk.state()[1] != before

    def test_rows_7_8_strict_asks_for_both(self, busy: Make, signal: str) -> None:
        desk = trusting(busy, agent_auth="strict")
        before = desk.state()
        desk.mail(ANNA, REPLY, **stamp(NONE), **SIGNALS[signal](desk, "anna-1"))
        assert_waits(desk, before)
        desk.mail(ANNA, REPLY, **stamp(PASS), **SIGNALS[signal](desk, "anna-1"))
        assert_spoke(desk)

    def test_row_10_a_failure_beats_it(self, busy: Make, signal: str) -> None:
        desk = trusting(busy)
        before = desk.state()
        desk.mail(ANNA, REPLY, Reply_To=EVIL, **stamp(FAIL), **SIGNALS[signal](desk, "anna-1"))
        assert_waits(desk, before)
        asked = desk.mails()[-1][0]
        assert (asked["kind"], asked["to"]) == ("question", ANNA)

    @pytest.mark.parametrize(("result", "outcome"), [(PASS, "ticket"), (NONE, "parked")])
    def test_row_3_expired(self, busy: Make, signal: str, result: str, outcome: str) -> None:
        desk = trusting(busy)
        desk.now += timedelta(days=91)
        desk.mail(ANNA, REPLY, **stamp(result), **SIGNALS[signal](desk, "anna-1"))
        assert desk.last_outcome() == outcome

    @pytest.mark.parametrize("result", [PASS, NONE])
    def test_row_3_an_expired_note_stays_a_note(self, busy: Make, signal: str, result: str) -> None:
        """What an answer means does not expire with what it proves."""
        desk = trusting(busy)
        desk.now += timedelta(days=91)
        desk.mail(ANNA, "I will ask them.", **stamp(result), **SIGNALS[signal](desk, "anna-note"))
        if result == NONE:
            assert desk.answer("anna", "#yes", **stamp(PASS)) == {"ignored": 1, "ticket": 1}
        assert desk.kinds(1)[-1] == "note"
        assert len(sent_to_jane(desk)) == 1

    def test_row_4_anothers_token_with_dmarc(self, busy: Make, signal: str) -> None:
        desk = trusting(busy)
        desk.mail(ANNA, REPLY, **stamp(PASS), **SIGNALS[signal](desk, "bob-1"))
        assert_spoke(desk)
        desk.mail(BOB, "#low", **SIGNALS[signal](desk, "bob-1"))
        assert desk.ticket(1)["priority"] == "low", "Bob's token was not revoked by that"

    def test_row_4_anothers_note_stays_a_note(self, busy: Make, signal: str) -> None:
        desk = trusting(busy)
        desk.mail(BOB, "I will ask them.", **stamp(PASS), **SIGNALS[signal](desk, "anna-note"))
        assert desk.kinds(1)[-1] == "note"
        assert len(sent_to_jane(desk)) == 1

    @pytest.mark.parametrize("result", [PASS, NONE])
    def test_row_9_anothers_question_is_not_answered(self, busy: Make, signal: str, result: str) -> None:
        desk = trusting(busy)
        before = desk.state()
        desk.mail(ANNA, "#yes", **stamp(result), **SIGNALS[signal](desk, "bob-question"))
        assert desk.ledger()[4][0] == "parked"
        assert desk.state() == before

    @pytest.mark.parametrize("result", [PASS, NONE, FAIL])
    def test_rows_12_13_the_requester_with_it_is_a_customer(
        self, busy: Make, signal: str, result: str
    ) -> None:
        desk = trusting(busy)
        desk.mail(JANE, REPLY, **stamp(result, "example.org"), **SIGNALS[signal](desk, "anna-1"))
        assert desk.kinds(1)[-1] == "customer"
        assert (desk.ticket(1)["status"], desk.ticket(1)["priority"]) == ("open", "normal")
        assert len(sent_to_jane(desk)) == 1
        desk.mail(ANNA, SAID, **SIGNALS[signal](desk, "anna-1"))
        assert desk.last_outcome() == "parked", "it is revoked"

    @pytest.mark.parametrize("result", [PASS, NONE, FAIL])
    def test_rows_12_13_a_stranger_with_it_opens_a_ticket(self, busy: Make, signal: str, result: str) -> None:
        desk = trusting(busy)
        before = desk.state()
        desk.mail(EVIL, REPLY, **stamp(result, "evil.test"), **SIGNALS[signal](desk, "anna-1"))
        after = desk.state()
        assert {number: after[number] for number in before} == before
        assert [one["kind"] for one in desk.ticket(3)["messages"]] == ["customer"]
        assert {"perhaps", "revoked"} <= set(desk.events(3))
        assert len(sent_to_jane(desk)) == 1
        desk.mail(ANNA, SAID, **SIGNALS[signal](desk, "anna-1"))
        assert desk.last_outcome() == "parked", "it is revoked"


class TestDmarcAlone:
    def test_row_5_the_subject_tag_is_asked_about(self, busy: Make) -> None:
        desk = trusting(busy)
        before = desk.state()
        desk.mail(ANNA, REPLY, Subject="Re: [#1] Printer on fire", **stamp(PASS))
        assert_waits(desk, before)
        desk.answer("anna", "#yes")
        assert desk.ledger()[5][:2] == ("ticket", 1)
        assert SAID in sent_to_jane(desk)[-1]

    def test_row_6_a_new_ticket(self, busy: Make) -> None:
        desk = trusting(busy)
        desk.mail(ANNA, "The coffee machine is out of beans.", Subject="Coffee", **stamp(PASS))
        assert desk.ticket(3)["requester"]["address"] == ANNA

    def test_row_6_commands_that_need_a_ticket_are_held(self, busy: Make) -> None:
        desk = trusting(busy)
        before = desk.state()
        desk.mail(ANNA, REPLY, Subject="Coffee", **stamp(PASS))
        assert_waits(desk, before, "held")

    def test_row_11_a_failure_is_quarantined_and_unanswered(self, busy: Make) -> None:
        desk = trusting(busy)
        before, mails = desk.state(), len(desk.mails())
        desk.mail(ANNA, REPLY, Subject="Re: [#1] Printer on fire", **stamp(FAIL))
        assert_waits(desk, before, "quarantined")
        assert len(desk.mails()) == mails


class TestNothingAtAll:
    def test_row_9_one_question_and_no_ticket(self, busy: Make) -> None:
        desk = busy(acknowledge=True)
        before, mails = desk.state(), len(desk.mails())
        for _ in range(5):
            desk.mail(ANNA, REPLY, Subject="Coffee")
        assert_waits(desk, before)
        assert [row["kind"] for row, _ in desk.mails()[mails:]] == ["question"]

    def test_row_9_several_wait_for_one_question(self, busy: Make) -> None:
        desk = busy()
        for number in range(3):
            desk.mail(ANNA, f"#requester lee@example.org\n\nLetter {number}", Subject=f"Letter {number}")
        desk.answer("anna", "#no")
        desk.wait(timedelta(hours=1))
        question = text_of(desk.last_to("anna"))
        assert "Letter 1" in question
        assert "Letter 2" in question
        desk.answer("anna", "#no 1\n#yes 2")
        said = [text_of(mail) for row, mail in desk.mails() if row["to"] == LEE]
        assert [word for word in ("Letter 0", "Letter 1", "Letter 2") if word in "".join(said)] == [
            "Letter 2"
        ]

    def test_row_9_a_week_later_it_is_a_note(self, busy: Make) -> None:
        desk = busy()
        desk.mail(ANNA, REPLY, In_Reply_To=desk.ids()["jane"])
        desk.wait(timedelta(days=8))
        assert desk.kinds(1)[-1] == "note"
        assert desk.ticket(1)["priority"] == "normal"
        assert len(sent_to_jane(desk)) == 1

    def test_row_9_nor_does_it_speak_then_because_the_config_changed(self, busy: Make) -> None:
        """A server that is trusted since yesterday says nothing of what nobody confirmed for a week."""
        desk = busy()
        desk.mail(ANNA, REPLY, In_Reply_To=desk.ids()["jane"], **stamp(PASS))
        desk.policy = trusting(busy).policy
        desk.wait(timedelta(days=8))
        assert desk.kinds(1)[-1] == "note"
        assert len(sent_to_jane(desk)) == 1


class TestCustomers:
    @pytest.mark.parametrize("signal", SIGNALS)
    @pytest.mark.parametrize("result", [PASS, NONE])
    def test_row_14_a_participant_joins(self, busy: Make, signal: str, result: str) -> None:
        desk = trusting(busy)
        desk.mail(JANE, "It burns.", **stamp(result, "example.org"), **SIGNALS[signal](desk, "jane"))
        assert desk.kinds(1)[-1] == "customer"
        assert desk.ticket(1)["status"] == "open"
        assert "not verified" not in text_of(desk.last_to("anna"))

    def test_row_15_one_whose_domain_disowns_the_mail_is_shown_as_such(self, busy: Make) -> None:
        desk = trusting(busy, acknowledge=True)
        desk.mail(JANE, "It burns.", **stamp(FAIL, "example.org"), **answering(desk, "jane"))
        assert desk.kinds(1)[-1] == "customer"
        assert "the sender is not verified: dmarc=fail" in text_of(desk.last_to("anna"))
        assert len(sent_to_jane(desk)) == 1

    @pytest.mark.parametrize("signal", SIGNALS)
    @pytest.mark.parametrize("result", [PASS, NONE, FAIL])
    def test_row_16_a_stranger_opens_their_own(self, busy: Make, signal: str, result: str) -> None:
        desk = trusting(busy)
        before = desk.state()
        desk.mail(EVIL, "What did she say?", **stamp(result, "evil.test"), **SIGNALS[signal](desk, "jane"))
        after = desk.state()
        assert {number: after[number] for number in before} == before
        assert "perhaps" in desk.events(3)

    def test_row_16_until_an_agent_admits_them(self, busy: Make) -> None:
        desk = busy()
        desk.mail(EVIL, "What did she say?", **answering(desk, "jane"))
        desk.answer("anna", "#merge 1")
        desk.answer("anna", SAID)
        to_evil = [mail for row, mail in desk.mails() if row["to"] == EVIL]
        assert len(to_evil) == 1
        whole = to_evil[0].as_string()
        assert ANNAS_WORDS not in whole, "nobody receives what was said before they came"
        assert SECRET not in whole

    @pytest.mark.parametrize("result", [PASS, NONE, FAIL])
    def test_row_17_a_new_ticket(self, busy: Make, result: str) -> None:
        desk = trusting(busy)
        desk.mail(EVIL, "Hello.", **stamp(result, "evil.test"))
        assert desk.kinds(3) == ["customer"]

    @pytest.mark.parametrize("broken", ["", "a", "a" * 15, "a" * 17, "A" * 16, "1" * 16, "a" * 16 + "'"])
    def test_row_18_a_broken_token_is_none(self, busy: Make, broken: str) -> None:
        """The same as without one: the same outcome, the same answer, nothing to learn from."""
        desk = busy()
        serial = parts(desk.ids()["anna-1"])[1]
        mails = len(desk.mails())
        desk.mail(ANNA, REPLY, Delivered_To=f"support+t1.r.{serial}.{broken}@example.com")
        assert desk.last_outcome() == "parked"
        assert [row["kind"] for row, _ in desk.mails()[mails:]] == ["question"]
        desk.mail(EVIL, "Hello.", Delivered_To=f"support+t1.r.{serial}.{broken}@example.com")
        assert desk.kinds(3) == ["customer"]
        assert "perhaps" not in desk.events(3)


class TestSpecialCases:
    @pytest.mark.parametrize(
        ("sender", "result", "outcome"),
        [
            ("assistant@example.com", NONE, "ticket"),
            ("assistant@elsewhere.test", NONE, "parked"),
            ("assistant@elsewhere.test", PASS, "ticket"),
        ],
    )
    def test_on_behalf_of(self, busy: Make, sender: str, result: str, outcome: str) -> None:
        desk = trusting(busy)
        desk.mail(ANNA, REPLY, Sender=sender, **stamp(result), **answering(desk, "anna-1"))
        assert desk.last_outcome() == outcome

    def test_an_alias_is_the_agent(self, busy: Make) -> None:
        desk = busy()
        anna = desk.policy.agents["anna"].model_copy(update={"aliases": ("anna.k@example.org",)})
        desk.policy = replace(desk.policy, agents={**desk.policy.agents, "anna": anna})
        desk.mail("Anna.K@example.org", REPLY, **answering(desk, "anna-1"))
        assert_spoke(desk)
        assert "anna.k@example.org" not in "".join(mail.as_string().lower() for mail in desk.to_outsiders())
        desk.mail("anna.kk@example.org", "#low", **answering(desk, "anna-1"))
        assert desk.ticket(1)["priority"] == "urgent"

    def test_what_is_confirmed_as_theirs_is_checked_like_anything(self, busy: Make) -> None:
        """``#yes, it is mine`` is no word about what stands in it."""
        desk = busy()
        desk.mail(ANNA, f"Dear Jane,\n\n{SECRET}", In_Reply_To=desk.ids()["jane"])
        desk.answer("anna", "#yes")
        assert desk.ledger()[5][0] == "held"
        assert len(sent_to_jane(desk)) == 1
        desk.mail(ANNA, "#slved\n\nHello.", In_Reply_To=desk.ids()["jane"], Subject="Two")
        desk.wait(timedelta(hours=2))
        desk.answer("anna", "#yes")
        assert desk.ledger()[7][0] == "held"
        assert len(sent_to_jane(desk)) == 1

    def test_no_word_lets_a_token_out_in_a_file(self, busy: Make) -> None:
        desk = busy()
        notification = desk.last_to("anna").as_bytes().decode("latin-1")
        body = (
            "--b\r\nContent-Type: text/plain\r\n\r\nSee the file.\r\n--b\r\nContent-Type: message/rfc822\r\n"
            f'Content-Disposition: attachment; filename="a.eml"\r\n\r\n{notification}\r\n--b--\r\n'
        )
        fields = {"Content_Type": 'multipart/mixed; boundary="b"', **answering(desk, "anna-1")}
        desk.mail(ANNA, body, **fields)
        assert desk.last_outcome() == "held"
        desk.answer("anna", "#yes")
        assert len(sent_to_jane(desk)) == 1
        assert desk.ledger()[5][0] == "held"
        desk.answer("anna", "#note")
        assert desk.kinds(1)[-1] == "note"

    def test_an_agent_may_have_a_plus_tag_of_the_desks_own_address(self, busy: Make) -> None:
        desk = busy()
        anna = desk.policy.agents["anna"].model_copy(update={"aliases": ("support+anna@example.com",)})
        desk.policy = replace(desk.policy, agents={**desk.policy.agents, "anna": anna})
        desk.mail("support+anna@example.com", REPLY, **answering(desk, "anna-1"))
        assert_spoke(desk)

    def test_a_flood_of_forgeries_is_asked_about_in_portions(self, busy: Make) -> None:
        desk = busy()
        desk.receive(*(raw(desk.fields(BOB, Subject=f"Pay {n}"), "Pay.") for n in range(60)))
        desk.take_in()
        questions = [row for row, _ in desk.mails() if row["kind"] == "question"]
        assert len(questions) == 1, "within the hour"
        desk.now += timedelta(hours=1)
        desk.mail(BOB, "One more.")
        assert text_of(desk.last_to("bob")).count("Pay ") <= 50
