"""One test for each row of the attack tables that this code answers for, with the concrete bytes.

The rows are numbered as in the threat list: 1 to 20 identity and threads, 21 to 31
disclosure, 32 to 36 loops and floods, 37 on structure and odd content.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from email.utils import getaddresses

import pytest

from ticketd.decide import tokens

from .forgeries import ANNA, EVIL, parts
from .kit import ANNAS_WORDS, DESK, SECRET, Desk, everything, holds_agents_token, raw, text_of, with_limits

Make = Callable[..., Desk]
BOB, JANE, LEE = "bob@example.com", "jane@example.org", "lee@example.org"


def got(desk: Desk, address: str) -> list[str]:
    """Everything that somebody received, whole."""
    return [everything(mail) for row, mail in desk.mails() if row["to"] == address]


class TestIdentity:
    def test_1_a_verification_mail_is_for_agents_only(self, bare: Make) -> None:
        desk = bare(acknowledge=True)
        desk.mail("no-reply@service.test", "Hello, I am the service.")
        desk.mail(
            "Service <no-reply@service.test>",
            "Your code is 123456",
            To="support+join@example.com",
            Subject="Verify your address",
            List_Unsubscribe="<mailto:u@service.test>",
        )
        assert desk.mailed() == 0
        assert desk.kinds(1) == ["customer"]

    def test_2_cc_never_gives_access_later(self, busy: Make) -> None:
        desk = busy()
        desk.mail(JANE, "See below.", Cc=EVIL, To=DESK, In_Reply_To=desk.ids()["jane"])
        assert [one["address"] for one in desk.ticket(1)["participants"]] == [JANE]
        assert "%23cc%20mallory%40evil.test" in got(desk, ANNA)[-1]
        desk.answer("anna", "Thank you.")
        assert got(desk, EVIL) == []
        desk.answer("anna", f"#cc {EVIL}\n\nWelcome.")
        (mail,) = got(desk, EVIL)
        assert ANNAS_WORDS not in mail
        assert "Thank you." not in mail

    def test_2_nor_does_a_spoofed_victim_at_a_guessed_address(self, busy: Make) -> None:
        desk = busy()
        desk.mail("victim@example.net", "Hello.", To="support+id1@example.com", Cc=EVIL)
        assert desk.state()[1]["messages"][-1][0] == "note"
        assert desk.numbers() == [1, 2, 3]

    def test_3_a_spoofed_agent_does_not_relay(self, busy: Make) -> None:
        desk = busy()
        desk.mail(ANNA, "Pay here.", In_Reply_To="<notify-1-3-abcdef@example.com>")
        assert desk.last_outcome() == "parked"
        assert len(got(desk, JANE)) == 1

    @pytest.mark.parametrize("length", [0, 1, 15, 17, 32])
    @pytest.mark.parametrize("form", ["id", "address", "code"])
    def test_4_a_mac_of_another_length_is_no_token(self, busy: Make, form: str, length: int) -> None:
        desk = busy()
        number, serial, purpose, mac = parts(desk.ids()["anna-1"])
        cut = (mac * 2)[:length]
        fields = {
            "id": {"In_Reply_To": f"<{number}.{serial}.{purpose}.{cut}@example.com>"},
            "address": {"Delivered_To": f"support+{number}.{purpose}.{serial}.{cut}@example.com"},
            "code": {"Subject": f"[#1.{purpose}.{serial}.{cut}]"},
        }
        desk.mail(ANNA, "#solved", **fields[form])
        assert desk.last_outcome() == "parked"
        assert desk.ticket(1)["status"] == "pending"

    def test_5_a_customers_mac_in_an_agents_form(self, busy: Make) -> None:
        desk = busy()
        _, serial, _, mac = parts(desk.ids()["jane"])
        for claim in (f"t1.{serial}.r.{mac}", f"t1.{serial}.n.{mac}", f"t1.{serial}.q.{mac}"):
            desk.mail(ANNA, "#solved", In_Reply_To=f"<{claim}@example.com>")
            assert desk.last_outcome() == "parked"

    def test_6_a_thousand_guessed_references(self, busy: Make) -> None:
        desk = busy()
        guesses = [f"<t{number}.{'a' * 16}@example.com>" for number in range(1, 1000)]
        started = time.process_time()
        desk.mail(EVIL, "Which of these is it?", References="\r\n ".join(guesses))
        assert time.process_time() - started < 2
        assert desk.kinds(3) == ["customer"]
        assert "perhaps" not in desk.events(3)

    def test_6_a_genuine_root_admits_no_stranger(self, busy: Make) -> None:
        desk = busy()
        desk.mail(EVIL, "And?", References=tokens.root_id(desk.policy, 1, "example.com"))
        assert desk.kinds(3) == ["customer"]
        assert "perhaps" in desk.events(3)
        assert len(desk.kinds(1)) == 3

    @pytest.mark.parametrize("subject", ["Re: [#1] Printer", "[#1]", "Re: [#01] x", "[#1] [#2]"])
    def test_7_a_subject_tag_admits_no_stranger(self, busy: Make, subject: str) -> None:
        desk = busy()
        desk.mail(EVIL, "And?", Subject=subject)
        assert desk.kinds(3) == ["customer"]
        assert len(desk.kinds(1)) == 3

    def test_8_reply_to_is_no_identity(self, busy: Make) -> None:
        desk = busy()
        desk.mail(EVIL, "It is me, Jane.", Reply_To=JANE, In_Reply_To=desk.ids()["jane"])
        assert desk.kinds(3) == ["customer"]
        assert desk.ticket(3)["requester"]["address"] == EVIL
        told = text_of(desk.last_to("anna"))
        assert "They ask for answers at jane@example.org" in told
        desk.answer("anna", "Hello Mallory.")
        assert len(got(desk, JANE)) == 1
        assert len(got(desk, EVIL)) == 1

    def test_9_an_unknown_sender_takes_nothing_over(self, busy: Make) -> None:
        desk = busy()
        desk.mail(EVIL, "I take over.", In_Reply_To=desk.ids()["jane"])
        assert desk.ticket(1)["requester"]["address"] == JANE
        desk.mail(ANNA, "All well?", In_Reply_To=desk.ids()["anna-1"])
        assert len(got(desk, JANE)) == 2
        assert got(desk, EVIL) == []

    @pytest.mark.parametrize(
        "header",
        [
            ("X-Ticketd-Ticket", "1"),
            ("X-Ticketd-Agent", "1"),
            ("X-Ticketd-Loop", "abcdefgh234567ab:aaaaaaaaaaaaaaaa"),
            ("X-Ticketd-Loop", "yes"),
            ("X-RT-Ticket", "1"),
            ("X-Zammad-Ticket-Id", "1"),
        ],
    )
    def test_10_product_headers_from_outside_mean_nothing(self, busy: Make, header: tuple[str, str]) -> None:
        desk = busy()
        desk.send(raw([header, *desk.fields(EVIL)], "#solved"))
        assert desk.kinds(3) == ["customer"]
        assert len(desk.kinds(1)) == 3

    @pytest.mark.parametrize(
        "author",
        [
            f"{JANE}, {EVIL}",
            f"Customers: {JANE};",
            f"=?utf-8?q?jane=40example.org?= <{EVIL}>",
            f"{JANE}\rFrom: {EVIL}",
            f"{JANE}(<{EVIL}>",
        ],
    )
    def test_12_an_ambiguous_from_joins_nothing(self, busy: Make, author: str) -> None:
        desk = busy()
        desk.mail(author, "Where is it?", In_Reply_To=desk.ids()["jane"])
        assert len(desk.kinds(1)) == 3
        assert desk.kinds(3) == ["customer"]
        assert desk.ticket(3)["requester"]["address"] in (None, EVIL)

    def test_12_who_is_unknown_is_answered_only_when_named(self, busy: Make) -> None:
        desk = busy()
        desk.mail(f"{JANE}, {EVIL}", "Where is it?", Cc="eve@evil.test")
        assert desk.ticket(3)["requester"]["address"] is None
        assert desk.ticket(3)["participants"] == []
        mails = desk.mailed()
        assert desk.answer("anna", "Here.") == {"held": 1}
        assert desk.mailed() == mails

    @pytest.mark.parametrize(
        "author",
        [
            f'"{ANNA}" <{EVIL}>',
            "\u0430nna@example.com",
            "anna\u200b@example.com",
            "anna@xn--exmple-4nf.com",
            "=?utf-8?q?=E2=80=AEanna?= <mallory@evil.test>",
        ],
    )
    def test_16_a_spoof_is_shown_by_its_bare_address(self, busy: Make, author: str) -> None:
        desk = busy()
        desk.mail(author, "#solved\n\nIt is me, Anna.")
        assert desk.kinds(3) == ["customer"]
        for _, mail in desk.mails()[-2:]:
            assert not any(sign in everything(mail) for sign in "\u202e\u200b\u2066")
        if "<" in author:
            assert EVIL in text_of(desk.last_to("anna"))

    @pytest.mark.parametrize("author", ["anna+x@example.com", "a.nna@example.com", "anna@googlemail.com"])
    def test_17_only_exact_addresses(self, busy: Make, author: str) -> None:
        desk = busy()
        desk.mail(author, "#solved", In_Reply_To=desk.ids()["anna-1"])
        assert desk.ticket(1)["status"] == "pending"
        assert desk.kinds(3) == ["customer"]

    @pytest.mark.parametrize("author", ["ANNA@EXAMPLE.COM", "Anna@Example.com"])
    def test_17_in_any_case(self, busy: Make, author: str) -> None:
        desk = busy()
        desk.mail(author, "#solved", In_Reply_To=desk.ids()["anna-1"])
        assert desk.ticket(1)["status"] == "solved"

    COMMANDS = "#solved\n#assign bob\n#cc mallory@evil.test\n#merge 2\n#spam\n\nHello."

    def test_18_a_customers_commands_are_text(self, busy: Make) -> None:
        desk = busy()
        desk.mail(JANE, self.COMMANDS, In_Reply_To=desk.ids()["jane"])
        ticket = desk.ticket(1)
        assert (ticket["status"], ticket["assignee"], ticket["merged_into"]) == ("open", ANNA, None)
        assert ticket["messages"][-1]["new_text"].startswith("#solved")

    @pytest.mark.parametrize("quote", ["> ", "", "\t", "| "])
    def test_19_nor_when_the_agents_client_quotes_them_without_marks(self, busy: Make, quote: str) -> None:
        desk = busy()
        desk.mail(JANE, self.COMMANDS, In_Reply_To=desk.ids()["jane"])
        quoted = "\n".join(f"{quote}{line}" for line in text_of(desk.last_to("anna")).splitlines())
        before = desk.state()
        desk.answer("anna", f"\n\n{quoted}")
        after = desk.state()
        assert after == before or desk.last_outcome() in ("held", "parked")
        assert len(got(desk, JANE)) == 1

    def test_19_a_bare_copy_of_the_customers_words_is_not_obeyed_below_the_agents(self, busy: Make) -> None:
        desk = busy()
        desk.mail(JANE, self.COMMANDS, In_Reply_To=desk.ids()["jane"])
        desk.answer("anna", f"Thank you.\n\nFrom: Jane\nSent: today\nTo: us\nSubject: x\n\n{self.COMMANDS}")
        ticket = desk.ticket(1)
        assert (ticket["status"], ticket["assignee"], ticket["spam"]) in (
            ("pending", ANNA, False),
            ("open", ANNA, False),
        )
        assert all("#assign" not in mail for mail in got(desk, JANE))

    def test_20_a_wrong_token_looks_like_none(self, busy: Make) -> None:
        """What a guesser can see is the same: the same mails, none of them to the guesser."""
        desk = busy(acknowledge=True)
        seen = []
        for address in (DESK, "support+t1.r.aaaaaaaa.aaaaaaaaaaaaaaaa@example.com", "support+x@example.com"):
            mails = len(desk.mails())
            desk.mail(EVIL, "Is anybody here?", To=f"{DESK}, {address}", Subject=f"To {address[:12]}")
            seen.append([row["kind"] for row, _ in desk.mails()[mails:]])
            desk.now += timedelta(hours=2)
        assert seen[0] == seen[1] == seen[2]


class TestDisclosure:
    def test_21_reply_all_goes_to_the_desk_alone(self, busy: Make) -> None:
        for plus in (False, True):
            desk = busy(plus_addressing=plus)
            desk.mail(JANE, "It burns.", Cc=LEE, In_Reply_To=desk.ids()["jane"])
            mail = desk.last_to("anna")
            assert str(mail["To"]) == f"Anna <{ANNA}>"
            assert mail["Cc"] is None
            assert mail["Bcc"] is None
            assert str(mail["From"]).endswith(f"<{DESK}>")
            assert str(mail["Reply-To"]).startswith("support")

    @pytest.mark.parametrize(
        "body",
        [
            "---------- Forwarded message ---------\nFrom: Jane via Example Support <support@example.com>\n"
            "Date: Mon, 23 Nov 2026\nSubject: [#1] Printer\nTo: Anna <anna@example.com>\n\nMy printer.",
            "Begin forwarded message:\n\nFrom: Jane <support@example.com>\nSubject: [#1] Printer\n"
            "Date: 23 November 2026\nTo: Anna <anna@example.com>\n\nMy printer.",
        ],
    )
    def test_22_a_forwarded_notification_is_no_reply(self, busy: Make, body: str) -> None:
        desk = busy()
        notification = desk.ids()["anna-1"]
        desk.mail(ANNA, body, Subject="Fwd: [#1] Printer", In_Reply_To=notification)
        assert desk.last_outcome() == "held"
        assert len(got(desk, JANE)) == 1

    def test_23_no_token_leaves_by_a_quote(self, busy: Make) -> None:
        desk = busy(plus_addressing=True)
        desk.mail(JANE, "And now?", In_Reply_To=desk.ids()["jane"])
        mail = desk.last_to("anna")
        address, text = str(mail["Reply-To"]), text_of(mail)
        outlook = (
            f"From: Jane via Example Support <{address}>\nSent: Monday\nTo: Anna <{ANNA}>\nSubject: [#1] x"
        )
        gmail = f"On Mon, Nov 23, 2026 at 10:00 AM Jane via Example Support <{address}> wrote:"
        marked = "\n".join(f"> {line}" for line in text.splitlines())
        for number, quote in enumerate(
            (f"{gmail}\n\n{marked}", f"{outlook}\n\n{text}", f"{address}\n{text}")
        ):
            desk.answer("anna", f"Answer number {number}.\n\n{quote}")
        for mail_to_jane in got(desk, JANE):
            assert not holds_agents_token(mail_to_jane)
            assert ANNA not in mail_to_jane.lower()

    @pytest.mark.parametrize(
        "text", [SECRET, f"> {SECRET}\n\nSee above.", SECRET.upper(), SECRET.replace(" ", "\n")]
    )
    def test_24_an_agents_own_note_is_not_sent_by_mistake(self, busy: Make, text: str) -> None:
        desk = busy(collision="off")
        desk.mail(BOB, f"Dear Jane,\n\n{text}", In_Reply_To=desk.ids()["bob-1"], Subject="x")
        words = " ".join("".join(got(desk, JANE)).lower().split())
        assert SECRET.lower() not in words

    def test_24_a_note_is_not_in_the_customers_references(self, busy: Make) -> None:
        desk = busy()
        desk.mail(ANNA, "Better?", In_Reply_To=desk.ids()["anna-note"], Subject="Re: x")
        assert desk.kinds(1)[-1] == "note"
        desk.mail(ANNA, "#reply\n\nBetter?", In_Reply_To=desk.ids()["anna-note"], Subject="Re: y")
        assert len(got(desk, JANE)) == 2
        assert SECRET not in got(desk, JANE)[-1]
        assert not holds_agents_token(got(desk, JANE)[-1])

    @pytest.mark.parametrize(
        "sign",
        [
            {"Auto_Submitted": "auto-replied"},
            {"Precedence": "bulk"},
            {"X_Autoreply": "yes"},
            {"Subject": "Automatic reply: [#1] Printer on fire"},
            {"Return_Path": "<>"},
        ],
    )
    def test_25_an_agents_vacation_is_not_relayed(self, busy: Make, sign: dict[str, str]) -> None:
        desk = busy()
        before = desk.state()
        desk.mail(ANNA, "#solved\n\nI am away until Monday.", In_Reply_To=desk.ids()["anna-1"], **sign)
        assert desk.state() == before
        assert len(got(desk, JANE)) == 1

    def test_25_nor_is_an_agents_receipt(self, busy: Make) -> None:
        desk = busy()
        before = desk.state()
        body = (
            "--b\r\nContent-Type: text/plain\r\n\r\nYour message was displayed.\r\n--b\r\n"
            "Content-Type: message/disposition-notification\r\n\r\n"
            f"Final-Recipient: rfc822;{ANNA}\r\nDisposition: manual-action; displayed\r\n--b--\r\n"
        )
        kind = 'multipart/report; report-type=disposition-notification; boundary="b"'
        desk.mail(ANNA, body, Content_Type=kind, In_Reply_To=desk.ids()["anna-1"])
        assert desk.state() == before
        assert len(got(desk, JANE)) == 1

    def bounce(
        self, desk: Desk, message_id: str, recipient: str, words: str = "User unknown", **more: str
    ) -> None:
        body = (
            f"--b\r\nContent-Type: text/plain\r\n\r\n{words}\r\n--b\r\n"
            "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.org\r\n\r\n"
            f"Final-Recipient: rfc822; {recipient}\r\nAction: failed\r\nStatus: 5.1.1\r\n"
            "Diagnostic-Code: smtp; 550 5.1.1 user unknown\r\n\r\n--b\r\n"
            f"Content-Type: message/rfc822\r\n\r\nMessage-ID: {message_id}\r\n\r\n{SECRET}\r\n--b--\r\n"
        )
        kind = 'multipart/report; report-type=delivery-status; boundary="b"'
        fields = {"Content_Type": kind, "Return_Path": "<>", "Subject": "Undelivered Mail"}
        desk.mail("MAILER-DAEMON@mx.example.org", body, **{**fields, **more})

    def test_26_a_bounce_is_believed_with_our_id_and_our_recipient(self, busy: Make) -> None:
        desk = busy()
        self.bounce(desk, desk.ids()["jane"], JANE)
        assert (desk.kinds(1)[-1], desk.ticket(1)["status"]) == ("bounce", "open")
        assert len(got(desk, JANE)) == 1
        desk.mail(ANNA, "Are you there?", In_Reply_To=desk.ids()["anna-1"], Subject="x")
        assert len(got(desk, JANE)) == 2, "a bounce blocks nobody"

    @pytest.mark.parametrize("claim", ["id", "recipient", "flipped", "root", "agents"])
    def test_26_a_forged_bounce_is_spam(self, busy: Make, claim: str) -> None:
        desk = busy()
        before = desk.state()
        mails = len(desk.mails())
        jane = desk.ids()["jane"]
        flipped = jane.replace(".c.", ".c.a")[: len(jane)]
        message_id, recipient = {
            "id": ("<other@example.com>", JANE),
            "recipient": (jane, LEE),
            "flipped": (flipped, JANE),
            "root": (tokens.root_id(desk.policy, 1, "example.com"), JANE),
            "agents": (desk.ids()["anna-1"], JANE),
        }[claim]
        self.bounce(desk, message_id, recipient)
        assert {number: row for number, row in desk.state().items() if number in before} == before
        assert desk.ticket(3)["spam"] is True
        assert len(desk.mails()) == mails

    def test_26_a_bounce_that_quotes_an_agents_token_does_not_revoke_it(self, busy: Make) -> None:
        desk = busy()
        own = desk.ids()["anna-1"]
        self.bounce(desk, own, "anna@private.test", In_Reply_To=own)
        desk.mail(ANNA, "Better?", In_Reply_To=own, Subject="x")
        assert desk.last_outcome() == "ticket"

    def test_26_bounces_keep_to_the_budget_of_reopenings(self, busy: Make) -> None:
        desk = with_limits(busy(), reopens_per_ticket_per_hour=2)
        for number in range(4):
            desk.mail(ANNA, "#solved", In_Reply_To=desk.ids()["anna-1"], Subject=f"{number}")
            self.bounce(desk, desk.ids()["jane"], JANE, words=f"Try {number}")
        assert desk.ticket(1)["status"] == "solved"
        assert "budget" in desk.events(1)

    def test_27_in_bcc_nobody_is_acknowledged_and_we_never_write_bcc(self, bare: Make) -> None:
        desk = bare(acknowledge=True)
        desk.mail(JANE, "Blind.", To="somebody@example.net")
        assert desk.mailed() == 0
        desk.answer("anna", "Hello.")
        assert all(mail["Bcc"] is None for _, mail in desk.mails())

    @pytest.mark.parametrize(
        "html",
        [
            "<script>alert(1)</script><p>Hello</p>",
            "<img src=http://evil.test/p.gif><p>Hello</p>",
            "<style>@import url(http://evil.test/)</style><p>Hello</p>",
            "<form action=http://evil.test><input></form><p>Hello</p>",
            "<base href=http://evil.test><p>Hello</p>",
            '<div style="position:fixed;top:0">Hello</div>',
            "&lt;script&gt;alert(1)&lt;/script&gt;Hello",
        ],
    )
    def test_28_a_customers_html_is_not_passed_on(self, bare: Make, html: str) -> None:
        desk = bare()
        desk.mail(JANE, html, Content_Type="text/html; charset=utf-8")
        mail = desk.last_to("anna")
        part = mail.get_body(("html",))
        assert part is not None
        page = part.get_content().lower()
        for bad in ("<script", "<img", "evil.test/p.gif", "@import", "<form", "<base", "position:fixed"):
            assert bad not in page
        assert "hello" in page

    def test_30_an_acknowledgement_says_nothing_of_theirs(self, bare: Make) -> None:
        desk = bare(acknowledge=True)
        for number in range(10):
            desk.mail("Buy Pills <victim@example.net>", "Buy at evil.test!", Subject=f"Buy pills {number}")
        mails = desk.to_outsiders()
        assert len(mails) == 2
        for mail in mails:
            whole = everything(mail).lower()
            assert "pills" not in whole
            assert "evil.test" not in whole

    def test_30_only_the_authenticated_are_acknowledged_where_we_can_know(self, bare: Make) -> None:
        desk = bare(acknowledge=True, trusted_authserv=("mx.example.com",))
        desk.mail("victim@example.net", "Hello.")
        desk.mail("victim@example.net", "Hello.", Authentication_Results="mx.example.com; spf=pass")
        assert desk.mailed() == 0

    @pytest.mark.parametrize("body", ["#slved\n\nHello.", "#yes", "#assign nobody-known", "#merge 99"])
    def test_31_errors_go_to_the_registered_address_only(self, busy: Make, body: str) -> None:
        desk = busy()
        before = desk.mailed()
        for author in (ANNA, EVIL, f"{ANNA}, {EVIL}"):
            desk.mail(author, body, Reply_To=EVIL, Return_Path=f"<{EVIL}>", Subject=body[:5] + author[:4])
        assert desk.mailed() == before
        assert got(desk, EVIL) == []


class TestFloods:
    def test_32_an_autoresponder_without_marks_is_acknowledged_twice_an_hour(self, bare: Make) -> None:
        desk = bare(acknowledge=True)
        for number in range(8):
            desk.mail(JANE, "We got your mail.", Subject=f"Ticket {number} received")
        assert desk.mailed() == 2

    def test_33_mail_to_ourselves_is_for_the_ledger(self, busy: Make) -> None:
        desk = busy(acknowledge=True)
        mails = len(desk.mails())
        for _, mail in desk.mails():
            desk.send(mail.as_bytes())
            assert desk.last_outcome() == "own"
        desk.mail(DESK, "A form of our own site.", Reply_To=JANE)
        desk.mail("support+form@example.com", "A form of our own site.", Reply_To=JANE)
        assert [desk.ticket(number)["requester"]["address"] for number in (3, 4)] == [None, None]
        assert {row["to"] for row, _ in desk.mails()[mails:]} == {ANNA, BOB}

    def test_33_our_loop_mark_is_known_though_the_id_was_rewritten(self, busy: Make) -> None:
        desk = busy()
        for _, mail in desk.mails()[:3]:
            mail.replace_header("Message-ID", "<rewritten@relay.test>")
            desk.send(mail.as_bytes())
            assert desk.last_outcome() == "own"

    def test_35_a_flood_is_taken_in_and_answered_twice(self, bare: Make) -> None:
        desk = bare(acknowledge=True)
        desk.receive(*(raw(desk.fields(EVIL, Subject=f"Flood {number}"), "Flood.") for number in range(60)))
        assert desk.take_in() == {"ticket": 60}
        assert desk.mailed() == 2

    def test_36_a_vacation_reopens_nothing(self, busy: Make) -> None:
        desk = busy()
        desk.mail(ANNA, "#solved", In_Reply_To=desk.ids()["anna-1"])
        mails = len(desk.mails())
        for number in range(5):
            desk.mail(JANE, f"Away {number}.", Auto_Submitted="auto-replied", In_Reply_To=desk.ids()["jane"])
        assert desk.ticket(1)["status"] == "solved"
        assert len(desk.mails()) == mails

    def test_36_a_person_reopens_five_times_an_hour(self, busy: Make) -> None:
        desk = busy()
        for number in range(7):
            desk.mail(ANNA, "#solved", In_Reply_To=desk.ids()["anna-1"], Subject=f"{number}")
            desk.mail(JANE, f"Still burning {number}.", In_Reply_To=desk.ids()["jane"])
        assert desk.ticket(1)["status"] == "solved"
        assert [one["kind"] for one in desk.ticket(1)["events"]].count("budget") == 2

    def test_a_blocked_sender_is_heard_nowhere(self, busy: Make) -> None:
        """To spam, every later mail of this sender: also on the tickets that they still have."""
        desk = busy()
        desk.mail(LEE, "Another thing.", Subject="Other")
        desk.answer("anna", "#block")
        mails = len(desk.mails())
        desk.mail(LEE, "Listen to me!", In_Reply_To=desk.ids()["anna-2"], Subject="Re: [#2] Parcel")
        desk.mail(LEE, "Listen to me!!", Subject="Re: [#2] Parcel")
        assert desk.kinds(2) == ["customer"]
        assert [desk.ticket(number)["spam"] for number in (4, 5)] == [True, True]
        assert len(desk.mails()) == mails


def nested(levels: int) -> bytes:
    head = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(levels)
    )
    return b"From: jane@example.org\r\nTo: support@example.com\r\n" + head + b"\r\nHello\r\n"


HUGE = {
    37: nested(1000),
    38: b"From: jane@example.org\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    + b"--b\r\n\r\n" * 50_000,
    39: b"From: jane@example.org\r\n" + b"From: a@example.org\r\n" * 20_000 + b"\r\nHello\r\n",
    40: b"From: jane@example.org\r\nTo: " + b", ".join([b"a@example.org"] * 20_000) + b"\r\n\r\nHello\r\n",
    41: b"From: jane@example.org\r\nReferences:" + b" <a@example.org>\r\n" * 20_000 + b"\r\nHello\r\n",
    42: b"From: jane@example.org\r\nSubject:" + b" =?utf-8?q?a?=\r\n" * 20_000 + b"\r\nHello\r\n",
    43: b"From: jane@example.org\r\nContent-Type: text/plain;"
    + b"".join(b" name*%d*=a;\r\n" % n for n in range(10_000))
    + b"\r\nHello\r\n",
    44: b"From: jane@example.org\r\nContent-Type: text/plain; charset=unicode_escape\r\n\r\n\\u202eHello\r\n",
    45: b"From: jane@example.org\r\nDate: 23 Nov 99999999999999 10:00:00 +9999\r\n\r\nHello\r\n",
    46: "From: jane@example.org\r\nSubject: a\0b\x0bc\x0cd\u0085e\u2028f\r\n\r\nHe\0llo\r\n".encode(),
    47: b"From: jane@example.org\r\nContent-Type: application/x-sh; name*=utf-8''..%2F%00%2Fetc%2Fpasswd\r\n"
    b'Content-Disposition: attachment; filename="../../etc/passwd"\r\n\r\nHello\r\n',
    50: b"From: jane@example.org\r\nContent-Type: text/html\r\n\r\n" + b"<!--" * 50_000,
}


@pytest.mark.parametrize("row", HUGE)
def test_structure_bombs_become_tickets_in_time(bare: Make, row: int) -> None:
    desk = bare()
    started = time.process_time()
    desk.send(HUGE[row])
    assert time.process_time() - started < 5
    assert desk.last_outcome() == "ticket"
    assert len(desk.kinds(1)) == 1
    for _, mail in desk.mails():
        names = [part.get_filename() or "" for part in mail.walk()]
        assert not any(sign in name for name in names for sign in "/\\\0")


@pytest.mark.parametrize(
    "evil",
    [
        "x\r\nBcc: mallory@evil.test",
        "=?utf-8?q?x=0D=0ABcc:_mallory@evil.test?=",
        "=?utf-8?b?eA0KQmNjOiBtYWxsb3J5QGV2aWwudGVzdA==?=",
        "x\u2028Bcc: mallory@evil.test",
        "x\rBcc: mallory@evil.test",
        "x\x0bBcc: mallory@evil.test",
    ],
)
def test_51_nothing_is_injected_into_headers(bare: Make, evil: str) -> None:
    """In Subject and in the name in From: our mails have the fields that they are meant to have."""
    desk = bare()
    desk.mail(f'"{evil}" <{JANE}>' if "\r\n" not in evil else JANE, "Hello.", Subject=evil)
    desk.answer("anna", "Hello Jane.")
    assert desk.mails()
    for row, mail in desk.mails():
        assert mail["Bcc"] is None
        assert [address for _, address in getaddresses([str(mail["To"])])] == [row["to"]]
        assert row["to"] != EVIL


def test_55_logs_tell_no_words(busy: Make, capfd: pytest.CaptureFixture[str]) -> None:
    desk = busy()
    desk.mail(JANE, "The code of my safe is 4711.", Subject="My safe", In_Reply_To=desk.ids()["jane"])
    desk.mail(ANNA, f"#note\n{SECRET}", In_Reply_To=desk.ids()["anna-1"])
    told = "".join(capfd.readouterr())
    assert "4711" not in told
    assert "safe" not in told
    assert SECRET not in told
