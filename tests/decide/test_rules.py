"""The rules, mail by mail: who wrote, what it is, where it belongs, what follows."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

import pytest

from ticketd.decide import tokens
from ticketd.decide.context import Known, Mailed
from ticketd.decide.deadlines.clock import Clock
from ticketd.decide.effects import (
    Alert,
    Append,
    Block,
    Conclude,
    Drop,
    Expect,
    MailKind,
    MoveMessages,
    Record,
    Release,
    Revoke,
    Save,
    Send,
)
from ticketd.decide.model import (
    HANDFUL,
    Address,
    Attachment,
    Kind,
    Outcome,
    Priority,
    Purpose,
    Recipient,
    Report,
    Status,
    Verdict,
)
from ticketd.decide.policy import Sla, SlaPolicy
from ticketd.decide.rules import Decision

from .desk_kit import (
    ANNA,
    BOB,
    DESK,
    JANE,
    NOW,
    POLICY,
    context,
    decided,
    effects_of,
    entry,
    history,
    issued,
    mail,
    token,
    with_mailbox,
)

STRANGER = Address("mallory@evil.test", "Mallory")
LEE = Address("lee@example.org", "Lee")


def outcome(decision: Decision) -> Conclude:
    (conclusion,) = effects_of(decision, Conclude)
    return conclusion


def saved(decision: Decision, number: int = 1):
    return next(one.ticket for one in effects_of(decision, Save) if one.ticket.id == number)


def sent(decision: Decision, kind: MailKind):
    return [one.mail for one in effects_of(decision, Send) if one.mail.kind is kind]


def answer(
    text: str, last_message: int = 1, purpose: Purpose = Purpose.REPLY, past=None, policy=POLICY, **fields
):
    """Anna answers the notification that was made for her."""
    made = token(purpose)
    past = past or history()
    fields = {
        "in_reply_to": (tokens.message_id(POLICY, made, "example.com"),),
        "subject": "Re: [#1] Printer",
        **fields,
    }
    return decided(mail(ANNA, text, **fields), context(past, given=(issued(made, last_message),)), policy)


class TestCustomers:
    def test_a_mail_opens_a_ticket_and_every_agent_is_told(self) -> None:
        decision = decided(mail(cc=(LEE, BOB)), context())
        ticket = saved(decision)
        assert (ticket.status, ticket.priority, ticket.assignee) == (Status.OPEN, Priority.NORMAL, None)
        assert [person.key for person in ticket.participants] == [JANE.key, LEE.key]
        assert [one.recipients for one in sent(decision, MailKind.NOTIFICATION)] == [
            ("anna@example.com",),
            ("bob@example.com",),
        ]
        assert outcome(decision) == Conclude(Outcome.TICKET, 1)
        assert not sent(decision, MailKind.ACKNOWLEDGEMENT)

    @pytest.mark.parametrize("status", list(Status))
    def test_an_answer_opens_the_ticket_and_tells_the_assignee(self, status: Status) -> None:
        past = history(status=status, assignee="bob@example.com")
        decision = decided(mail(in_reply_to=("<first@example.org>",)), context(past))
        assert saved(decision).status is Status.OPEN
        assert [one.recipients for one in sent(decision, MailKind.NOTIFICATION)] == [("bob@example.com",)]
        assert decision.placement.by == "stored-id"

    @pytest.mark.parametrize("carries", ["stored-id", "root", "subject"])
    def test_a_stranger_never_joins(self, carries: str) -> None:
        fields = {
            "stored-id": {"in_reply_to": ("<first@example.org>",)},
            "root": {"references": (tokens.root_id(POLICY, 1, "example.com"),)},
            "subject": {"subject": "Re: [#1] Printer on fire"},
        }[carries]
        decision = decided(mail(STRANGER, **fields), context(history()))
        assert outcome(decision).ticket == 2
        assert {one.ticket for one in effects_of(decision, Append)} == {2}
        assert [one.after for one in effects_of(decision, Record) if one.kind == "perhaps"] == ["1"]

    def test_a_participant_joins_by_the_subject_tag(self) -> None:
        decision = decided(mail(subject="Re: [#1] hello"), context(history()))
        assert (outcome(decision).ticket, decision.placement.by) == (1, "subject")

    def test_the_same_subject_alone_joins_nothing(self) -> None:
        assert outcome(decided(mail(), context(history()))).ticket == 2

    def test_later_people_in_cc_are_only_suggested(self) -> None:
        decision = decided(mail(in_reply_to=("<first@example.org>",), cc=(LEE,)), context(history()))
        assert [one.key for one in saved(decision).participants] == [JANE.key]
        assert [one.key for one in saved(decision).suggested] == [LEE.key]

    def test_the_same_mail_twice_is_one_message(self) -> None:
        decision = decided(mail(), context(history(), known=Known(1, "sales")))
        assert outcome(decision) == Conclude(Outcome.DUPLICATE, 1)
        assert not effects_of(decision, Append)
        assert [one.kind for one in effects_of(decision, Record)] == ["duplicate"]

    def test_an_unarrived_parent_is_remembered(self) -> None:
        decision = decided(mail(in_reply_to=("<parent@example.org>",)), context())
        assert effects_of(decision, Expect) == [Expect(1, ("<parent@example.org>",), JANE.key, "support")]

    def test_a_late_parent_joins_and_merges_what_it_shows_to_be_one(self) -> None:
        past = context(
            history(1), history(2, entry(id=2, message_id="<second@example.org>")), expecting=(1, 2)
        )
        decision = decided(mail(), past)
        assert outcome(decision).ticket == 1
        assert effects_of(decision, MoveMessages) == [MoveMessages(2, 1)]
        assert saved(decision, 2).merged_into == 1

    def test_reopening_has_a_budget(self) -> None:
        past = replace(history(status=Status.SOLVED), reopened=5)
        decision = decided(mail(in_reply_to=("<first@example.org>",)), context(past))
        assert saved(decision).status is Status.SOLVED
        assert sent(decision, MailKind.NOTIFICATION)
        assert "budget" in {one.kind for one in effects_of(decision, Record)}

    def test_a_blocked_sender_lands_in_spam_and_nobody_is_told(self) -> None:
        decision = decided(mail(), context(blocked=True))
        assert saved(decision).spam
        assert not effects_of(decision, Send)

    def test_an_unknown_sender_has_no_rights(self) -> None:
        decision = decided(
            mail(None, from_text="a@example.org, b@example.org", in_reply_to=("<first@example.org>",)),
            context(history()),
        )
        assert outcome(decision).ticket == 2
        ticket = saved(decision, 2)
        assert (ticket.requester, ticket.participants) == (None, ())

    def test_a_mail_that_only_says_it_is_ours_is_a_ticket_of_nobody(self) -> None:
        decision = decided(mail(DESK, reply_to=(JANE,)), context(), with_mailbox(acknowledge=True))
        assert saved(decision).requester is None
        assert effects_of(decision, Append)[0].entry.reply_to == JANE
        assert not sent(decision, MailKind.ACKNOWLEDGEMENT)


class TestRobots:
    def test_our_own_mail_come_back_is_for_the_ledger_only(self) -> None:
        made = token(Purpose.CUSTOMER, recipient="ticket:1")
        own = tokens.message_id(POLICY, made, "example.com")
        decision = decided(mail(DESK, message_id=own), context(history(), given=(issued(made),)))
        assert [type(one) for one in decision.effects] == [Conclude]
        assert outcome(decision).outcome is Outcome.OWN

    def test_our_loop_mark_is_recognised_though_the_id_was_rewritten(self) -> None:
        headers = (("X-Ticketd-Loop", tokens.loop_mark(POLICY, 1)),)
        root = tokens.root_id(POLICY, 1, "example.com")
        decision = decided(mail(DESK, headers=headers, references=(root,)), context(history()))
        assert outcome(decision).outcome is Outcome.OWN

    def test_a_forged_loop_mark_is_worth_nothing(self) -> None:
        headers = (("X-Ticketd-Loop", f"{POLICY.instance}:{'a' * 16}"),)
        assert outcome(decided(mail(headers=headers), context())).outcome is Outcome.TICKET

    @pytest.mark.parametrize("status", list(Status))
    def test_a_vacation_changes_nothing(self, status: Status) -> None:
        headers = (("Auto-Submitted", "auto-replied"),)
        past = context(history(status=status))
        decision = decided(
            mail(headers=headers, in_reply_to=("<first@example.org>",)), past, with_mailbox(acknowledge=True)
        )
        assert decision.classification.verdict is Verdict.VACATION
        assert saved(decision).status is status
        assert not effects_of(decision, Send)
        assert effects_of(decision, Append)[0].entry.kind is Kind.AUTOMATIC

    def test_a_vacation_without_a_ticket_goes_to_spam(self) -> None:
        decision = decided(mail(headers=(("Auto-Submitted", "auto-replied"),)), context())
        assert saved(decision).spam
        assert not effects_of(decision, Send)

    def test_bulk_changes_no_status(self) -> None:
        past = context(history(status=Status.SOLVED))
        decision = decided(
            mail(headers=(("Precedence", "bulk"),), in_reply_to=("<first@example.org>",)), past
        )
        assert saved(decision).status is Status.SOLVED

    def test_an_agents_vacation_is_ignored(self) -> None:
        decision = answer("I am away.", headers=(("Auto-Submitted", "auto-replied"),))
        assert [type(one) for one in decision.effects] == [Conclude]
        assert outcome(decision).outcome is Outcome.IGNORED

    def test_a_mail_in_circles_is_quarantined(self) -> None:
        headers = tuple(("Received", f"from a by b{hop}; x") for hop in range(51))
        assert outcome(decided(mail(headers=headers), context())).outcome is Outcome.QUARANTINED


class TestBounces:
    def bounced(
        self, recipient: str, kind: MailKind, status: str = "5.1.1", genuine: bool = True
    ) -> Decision:
        made = token(Purpose.CUSTOMER, recipient="ticket:1")
        own = tokens.message_id(POLICY, made, "example.com")
        report = Report(
            "delivery-status",
            (
                Recipient(
                    recipient,
                    "failed" if status[0] == "5" else "delayed",
                    status,
                    "no such user",
                    "mx.example.org",
                ),
            ),
            (own,),
        )
        past = context(
            history(status=Status.PENDING, assignee="bob@example.com"),
            given=(issued(made),) if genuine else (),
            mailed=(Mailed(own, JANE.address, 1, kind),),
        )
        robot = Address("mailer-daemon@mx.example.org", "Mail Delivery System")
        headers = (("Content-Type", "multipart/report; report-type=delivery-status"),)
        return decided(
            mail(robot, report=report, return_path="", headers=headers, subject="Undelivered"), past
        )

    def test_a_permanent_one_opens_and_tells_the_assignee_in_words(self) -> None:
        decision = self.bounced(JANE.address, MailKind.REPLY)
        assert saved(decision).status is Status.OPEN
        assert effects_of(decision, Append)[0].entry.kind is Kind.BOUNCE
        (told,) = [one.mail for one in effects_of(decision, Send)]
        assert told.recipients == ("bob@example.com",)
        detail = next(one.detail for one in effects_of(decision, Record) if one.kind == "bounce")
        assert detail == "jane@example.org does not exist, says mx.example.org"

    def test_a_delay_is_recorded_only(self) -> None:
        decision = self.bounced(JANE.address, MailKind.REPLY, "4.4.1")
        assert saved(decision).status is Status.PENDING
        assert not effects_of(decision, Send)

    @pytest.mark.parametrize(("recipient", "genuine"), [("other@example.org", True), (JANE.address, False)])
    def test_one_that_proves_nothing_is_spam(self, recipient: str, genuine: bool) -> None:
        decision = self.bounced(recipient, MailKind.REPLY, genuine=genuine)
        assert saved(decision, 2).spam
        assert not effects_of(decision, Send)
        assert 1 not in {one.ticket.id for one in effects_of(decision, Save)}

    def test_one_of_an_agents_mail_changes_no_ticket(self) -> None:
        decision = self.bounced(JANE.address, MailKind.NOTIFICATION)
        assert not effects_of(decision, Save)
        assert not effects_of(decision, Send)
        assert len(effects_of(decision, Alert)) == 1


class TestAgents:
    def test_a_reply_goes_to_the_customer_and_the_ticket_is_pending(self) -> None:
        decision = answer("Hello Jane,\n\nplease pour water on it.\n\nAnna")
        (reply,) = sent(decision, MailKind.REPLY)
        assert reply.recipients == (JANE.address,)
        assert b"please pour water" in reply.content
        assert b"anna@example.com" not in reply.content
        ticket = saved(decision)
        assert (ticket.status, ticket.assignee) == (Status.PENDING, "anna@example.com")
        assert not sent(decision, MailKind.NOTIFICATION)

    @pytest.mark.parametrize(
        ("command", "status"),
        [("#solved", Status.SOLVED), ("#open", Status.OPEN), ("#pending", Status.PENDING)],
    )
    def test_a_commanded_status_holds(self, command: str, status: Status) -> None:
        decision = answer(f"{command}\n\nDone.")
        assert saved(decision).status is status
        assert command.encode() not in sent(decision, MailKind.REPLY)[0].content

    def test_commands_alone_mail_nobody(self) -> None:
        decision = answer("#solved\n#urgent\n#tag +fire")
        ticket = saved(decision)
        assert (ticket.status, ticket.priority, ticket.tags) == (Status.SOLVED, Priority.URGENT, ("fire",))
        assert ticket.assignee is None
        assert not effects_of(decision, Send)

    def test_a_signed_mail_of_commands_alone_mails_nobody(self) -> None:
        seal = Attachment("smime.p7s", "application/pkcs7-signature", b"seal")
        assert not effects_of(answer("#solved", attachments=(seal,)), Send)

    def test_files_alone_are_a_reply(self) -> None:
        picture = Attachment("logo.png", "image/png", b"logo", inline=True)
        assert not effects_of(answer("#solved", attachments=(picture,)), Send)
        invoice = Attachment("invoice.pdf", "application/pdf", b"%PDF invoice")
        assert len(sent(answer("", attachments=(invoice,)), MailKind.REPLY)) == 1

    def test_an_unknown_command_holds_the_whole_mail(self) -> None:
        decision = answer("#slved\n#urgent\n\nHello Jane.")
        assert outcome(decision).outcome is Outcome.HELD
        assert not effects_of(decision, Save)
        assert not effects_of(decision, Append)
        (given_back,) = [one.mail for one in effects_of(decision, Send)]
        assert given_back.recipients == ("anna@example.com",)
        assert given_back.items == (7,)

    @pytest.mark.parametrize(
        "text",
        [
            "#assign nobody-we-know\nHello",
            "#canned nothing\nHello",
            "#merge 99",
            "#merge 1",
            "#requester bob@example.com",
            "#cc support@example.com",
            "#uncc lee@example.org",
            "#snooze 2001-01-01",
            "#show\n#solved",
            "#yes",
            "#split",
        ],
    )
    def test_what_cannot_be_is_held(self, text: str) -> None:
        assert outcome(answer(text)).outcome is Outcome.HELD

    def test_of_a_mail_too_large_nothing_takes_effect(self) -> None:
        made = token()
        message = mail(ANNA, "", in_reply_to=(tokens.message_id(POLICY, made, "example.com"),))
        decision = decided(message, context(history(), given=(issued(made),)), complete=False)
        assert outcome(decision).outcome is Outcome.HELD
        decision = decided(mail(text=""), context(), complete=False)
        assert "larger" in effects_of(decision, Append)[0].entry.defects[0]

    def test_a_note_stays_inside(self) -> None:
        past = replace(history(assignee="bob@example.com"), note_agents=("anna@example.com",))
        decision = answer("#note\nShe is a difficult customer.", past=past)
        assert effects_of(decision, Append)[0].entry.kind is Kind.NOTE
        assert [one.recipients for one in sent(decision, MailKind.NOTIFICATION)] == [("bob@example.com",)]
        assert not sent(decision, MailKind.REPLY)
        assert saved(decision).status is Status.OPEN

    def test_an_answer_to_a_note_is_a_note(self) -> None:
        decision = answer("I agree.", purpose=Purpose.NOTE)
        assert effects_of(decision, Append)[0].entry.kind is Kind.NOTE
        assert not sent(decision, MailKind.REPLY)

    def test_unless_a_reply_is_commanded(self) -> None:
        decision = answer("#reply\nHello Jane.", purpose=Purpose.NOTE)
        assert len(sent(decision, MailKind.REPLY)) == 1

    def test_a_note_line_goes_beside_the_reply(self) -> None:
        decision = answer("#note: call her on Monday\n\nHello Jane.")
        assert [one.entry.kind for one in effects_of(decision, Append)] == [Kind.NOTE, Kind.REPLY]
        assert b"Monday" not in sent(decision, MailKind.REPLY)[0].content

    def test_a_newer_customer_mail_is_a_collision(self) -> None:
        past = history(1, entry(), entry(id=2, message_id="<second@example.org>"))
        assert outcome(answer("Hello", past=past)).outcome is Outcome.HELD
        assert (
            outcome(answer("Hello", past=past, policy=with_mailbox(collision="off"))).outcome
            is Outcome.TICKET
        )
        assert outcome(answer("#note\nHello", past=past)).outcome is Outcome.TICKET

    def test_a_colleagues_reply_is_a_collision_and_a_note_is_none(self) -> None:
        past = history(1, entry(), entry(Kind.REPLY, BOB, id=2))
        assert outcome(answer("Hello", past=past)).outcome is Outcome.HELD
        past = history(1, entry(), entry(Kind.NOTE, BOB, id=2, new_text="a note"))
        assert outcome(answer("Hello", past=past)).outcome is Outcome.TICKET

    def test_assigning_tells_the_new_assignee(self) -> None:
        decision = answer("#assign bob")
        assert saved(decision).assignee == "bob@example.com"
        assert [one.recipients for one in sent(decision, MailKind.NOTIFICATION)] == [("bob@example.com",)]

    def test_taking_tells_nobody(self) -> None:
        decision = answer("#take")
        assert saved(decision).assignee == "anna@example.com"
        assert not effects_of(decision, Send)

    def test_whoever_the_agent_mailed_directly_is_not_mailed_again(self) -> None:
        decision = answer("Hello Jane.", to=(DESK, JANE))
        assert not sent(decision, MailKind.REPLY)
        assert effects_of(decision, Append)[0].entry.kind is Kind.REPLY
        assert saved(decision).status is Status.PENDING

    def test_a_reply_to_an_unknown_requester_is_held_until_they_are_named(self) -> None:
        past = history(1, requester=None, participants=())
        assert outcome(answer("Hello", past=past)).outcome is Outcome.HELD
        decision = answer("#requester jane@example.org\nHello", past=past)
        assert sent(decision, MailKind.REPLY)[0].recipients == (JANE.address,)

    def test_a_note_never_leaves_in_a_reply(self) -> None:
        note = entry(Kind.NOTE, BOB, id=1, new_text="She did not pay her last three invoices at all.")
        decision = answer("She did not pay her last three invoices at all.", past=history(1, note))
        assert outcome(decision).outcome is Outcome.HELD

    def test_block_blocks_the_requester(self) -> None:
        decision = answer("#block")
        assert saved(decision).spam
        assert effects_of(decision, Block) == [Block(JANE.key)]

    def test_merge_takes_messages_and_people_along(self) -> None:
        made = token()
        other = history(
            2, entry(author=LEE, id=2, message_id="<lee@example.org>"), requester=LEE, participants=(LEE,)
        )
        message = mail(ANNA, "#merge 2", in_reply_to=(tokens.message_id(POLICY, made, "example.com"),))
        decision = decided(message, context(history(), other, given=(issued(made),)))
        assert saved(decision, 1).merged_into == 2
        assert [one.key for one in saved(decision, 2).participants] == [LEE.key, JANE.key]

    def test_on_behalf_of_a_customer(self) -> None:
        headers = (("Authentication-Results", "mx.example.com; dmarc=pass header.from=example.com"),)
        message = mail(
            ANNA,
            "#requester jane@example.org\n#pending\n#urgent\n\nHello Jane, we saw smoke.",
            headers=headers,
        )
        decision = decided(message, context(), with_mailbox(trusted_authserv=("mx.example.com",)))
        ticket = saved(decision)
        assert ticket.requester == Address("jane@example.org")
        assert (ticket.status, ticket.priority, ticket.assignee) == (Status.PENDING, Priority.URGENT, None)
        assert sent(decision, MailKind.REPLY)[0].recipients == ("jane@example.org",)
        assert [one.recipients for one in sent(decision, MailKind.NOTIFICATION)] == [("bob@example.com",)]


class TestProof:
    DMARC = "mx.example.com; dmarc={} header.from=example.com"

    def judged(
        self, dmarc: str | None, has_token: bool, auth: str = "token-or-dmarc", age: int = 0
    ) -> Outcome:
        made = token()
        headers = (("Authentication-Results", self.DMARC.format(dmarc)),) if dmarc else ()
        answered = tokens.message_id(POLICY, made, "example.com") if has_token else "<first@example.org>"
        message = mail(ANNA, "Hello Jane.", headers=headers, in_reply_to=(answered,))
        policy = with_mailbox(trusted_authserv=("mx.example.com",), agent_auth=auth)
        decision = decided(message, context(history(), given=(issued(made, days=age),)), policy)
        if outcome(decision).outcome is not Outcome.TICKET:
            assert not sent(decision, MailKind.REPLY)
            assert not effects_of(decision, Save)
        return outcome(decision).outcome

    @pytest.mark.parametrize(
        ("auth", "dmarc", "has_token", "expected"),
        [
            ("token-or-dmarc", "pass", True, Outcome.TICKET),
            ("token-or-dmarc", "pass", False, Outcome.TICKET),
            ("token-or-dmarc", None, True, Outcome.TICKET),
            ("token-or-dmarc", None, False, Outcome.PARKED),
            ("token-or-dmarc", "fail", True, Outcome.PARKED),
            ("token-or-dmarc", "fail", False, Outcome.QUARANTINED),
            ("strict", "pass", True, Outcome.TICKET),
            ("strict", "pass", False, Outcome.PARKED),
            ("strict", None, True, Outcome.PARKED),
            ("strict", None, False, Outcome.PARKED),
            ("strict", "fail", True, Outcome.PARKED),
            ("strict", "fail", False, Outcome.QUARANTINED),
        ],
    )
    def test_the_mixtures(self, auth: str, dmarc: str | None, has_token: bool, expected: Outcome) -> None:
        assert self.judged(dmarc, has_token, auth) is expected

    def test_a_token_proves_for_ninety_days(self) -> None:
        assert self.judged(None, True, age=89) is Outcome.TICKET
        assert self.judged(None, True, age=90) is Outcome.PARKED

    def test_a_parked_mail_sends_nothing_and_waits_for_its_agent(self) -> None:
        decision = decided(mail(Address("anna@example.com", "Anna"), "Hello Jane."), context(history()))
        assert (outcome(decision).outcome, outcome(decision).agent) == (Outcome.PARKED, "anna@example.com")
        assert not effects_of(decision, Send)

    def test_a_colleagues_token_is_no_proof_and_is_revoked(self) -> None:
        made = token(recipient="bob@example.com")
        message = mail(ANNA, "Hello", in_reply_to=(tokens.message_id(POLICY, made, "example.com"),))
        decision = decided(message, context(history(), given=(issued(made),)))
        assert outcome(decision).outcome is Outcome.PARKED
        assert effects_of(decision, Revoke) == [Revoke(made)]

    @pytest.mark.parametrize("author", [JANE, STRANGER])
    def test_a_customer_with_an_agents_token_is_a_customer_and_it_is_revoked(self, author: Address) -> None:
        made = token()
        message = mail(
            author, "#solved\nHello", in_reply_to=(tokens.message_id(POLICY, made, "example.com"),)
        )
        decision = decided(message, context(history(), given=(issued(made),)))
        assert outcome(decision).ticket == (1 if author is JANE else 2)
        assert not sent(decision, MailKind.REPLY)
        assert effects_of(decision, Revoke) == [Revoke(made)]
        assert effects_of(decision, Append)[0].entry.kind is Kind.CUSTOMER

    def test_a_revoked_token_proves_nothing(self) -> None:
        made = token()
        message = mail(ANNA, "Hello", in_reply_to=(tokens.message_id(POLICY, made, "example.com"),))
        decision = decided(message, context(history(), given=(issued(made, revoked=True),)))
        assert outcome(decision).outcome is Outcome.PARKED

    def answered(self, text: str, asked: tuple[int, ...] = (3, 4), **fields) -> Decision:
        made = token(Purpose.QUESTION, 0)
        message = mail(ANNA, text, in_reply_to=(tokens.message_id(POLICY, made, "example.com"),), **fields)
        return decided(message, context(given=(issued(made, 0),), asked=asked))

    @pytest.mark.parametrize(
        ("text", "effects"),
        [
            ("#yes", [Release(3, "yes"), Release(4, "yes")]),
            ("#yes 2", [Release(4, "yes")]),
            ("#no 1", [Drop(3)]),
            ("#note 1\nthanks", []),
            ("#yes 1\n#no 2", [Release(3, "yes"), Drop(4)]),
            ("#yes 3", []),
            ("yes", []),
            ("#yes\n#solved", []),
        ],
    )
    def test_the_answers(self, text: str, effects: list[object]) -> None:
        decision = self.answered(text)
        assert list(decision.effects[:-1]) == effects
        assert outcome(decision).outcome is Outcome.IGNORED

    def test_a_robot_answers_nothing(self) -> None:
        decision = self.answered("#yes", headers=(("Auto-Submitted", "auto-replied"),))
        assert [type(one) for one in decision.effects] == [Conclude]

    def test_what_was_released_takes_effect(self) -> None:
        message = mail(ANNA, "Hello Jane.", in_reply_to=("<first@example.org>",))
        decision = decided(message, context(history()), released="yes")
        assert len(sent(decision, MailKind.REPLY)) == 1

    def test_a_held_mail_is_released_without_the_wrong_command(self) -> None:
        message = mail(ANNA, "#slved\n#urgent\n\nHello Jane.", in_reply_to=("<first@example.org>",))
        decision = decided(message, context(history()), released="yes")
        assert saved(decision).priority is Priority.URGENT
        assert b"slved" not in sent(decision, MailKind.REPLY)[0].content

    def test_or_as_a_note(self) -> None:
        message = mail(ANNA, "#slved\n\nHello Jane.", in_reply_to=("<first@example.org>",))
        decision = decided(message, context(history()), released="note")
        assert effects_of(decision, Append)[0].entry.kind is Kind.NOTE
        assert not sent(decision, MailKind.REPLY)

    def test_a_week_later_it_is_a_note(self) -> None:
        message = mail(ANNA, "Hello Jane.", in_reply_to=("<first@example.org>",))
        decision = decided(message, context(history()), released="unconfirmed")
        assert effects_of(decision, Append)[0].entry.kind is Kind.NOTE
        assert outcome(decision).ticket == 1


class TestAcknowledgements:
    def acknowledged(self, policy=None, past=None, **fields) -> list[object]:
        policy = policy or with_mailbox(acknowledge=True)
        return sent(decided(mail(**fields), past or context(), policy), MailKind.ACKNOWLEDGEMENT)

    def test_off_unless_configured(self) -> None:
        assert not self.acknowledged(POLICY)
        (ack,) = self.acknowledged()
        assert ack.recipients == (JANE.address,)
        assert b"Printer on fire" not in ack.content

    @pytest.mark.parametrize(
        "fields",
        [
            {"headers": (("List-Id", "<list.example.org>"),)},
            {"headers": (("X-Auto-Response-Suppress", "All"),)},
            {"author": Address("no-reply@example.org")},
            {"to": (LEE,)},
        ],
    )
    def test_never_to_who_must_not_be_answered(self, fields: dict[str, object]) -> None:
        assert not self.acknowledged(**fields)

    def test_within_the_budgets(self) -> None:
        assert not self.acknowledged(past=context(acks_last_hour=2))
        assert not self.acknowledged(past=context(automatic_last_day=10))

    def test_within_the_budgets_of_domain_and_desk(self) -> None:
        domain = tuple(f"someone{number}@example.org" for number in range(60))
        assert not self.acknowledged(past=context(acknowledged=domain))
        assert self.acknowledged(past=context(acknowledged=domain[1:]))
        assert not self.acknowledged(past=context(acknowledged=("x@other.test",) * 300))

    def test_the_same_subject_again_and_again_breaks_the_circle(self) -> None:
        subjects = ("Re: Printer on fire", "Automatic reply: printer on fire")
        assert not self.acknowledged(past=context(subjects_last_day=subjects))
        assert self.acknowledged(past=context(subjects_last_day=subjects[1:]))

    def test_only_to_the_authenticated_where_we_can_know(self) -> None:
        policy = with_mailbox(acknowledge=True, trusted_authserv=("mx.example.com",))
        assert not self.acknowledged(policy)
        headers = (("Authentication-Results", "mx.example.com; dmarc=pass header.from=example.org"),)
        assert len(self.acknowledged(policy, headers=headers)) == 1


class TestArchives:
    """Very many old mails that a first import or a rescan met."""

    OLD: ClassVar[dict[str, Any]] = {"late": True, "old_mails": HANDFUL + 1}

    def test_nobody_is_told_of_one_of_them_and_nothing_is_due(self) -> None:
        policy = replace(POLICY, sla=Sla(policies=(SlaPolicy(name="all", first_reply="1h", solve="2d"),)))
        decision = decided(mail(), context(), policy, **self.OLD)
        ticket = saved(decision)
        assert effects_of(decision, Send) == []
        assert (ticket.status, ticket.policy, ticket.due_at) == (Status.OPEN, "all", None)
        assert (outcome(decision).outcome, outcome(decision).ticket) == (Outcome.TICKET, 1)
        assert "nobody is told" in outcome(decision).reason

    def test_the_next_mail_of_the_customer_is_told_of_and_starts_the_clock(self) -> None:
        policy = replace(POLICY, sla=Sla(policies=(SlaPolicy(name="all", first_reply="1h"),)))
        past = history(clock=Clock().to_json(), policy="all")
        decision = decided(mail(in_reply_to=("<first@example.org>",)), context(past), policy)
        assert len(sent(decision, MailKind.NOTIFICATION)) == 2
        assert saved(decision).first_reply_due_at == NOW + timedelta(hours=1)

    def test_one_that_joins_opens_its_ticket_in_silence(self) -> None:
        message = mail(in_reply_to=("<first@example.org>",))
        decision = decided(message, context(history(status=Status.SOLVED)), **self.OLD)
        assert saved(decision).status is Status.OPEN
        assert effects_of(decision, Send) == []

    def test_an_agents_old_mail_takes_no_effect_and_nobody_is_asked(self) -> None:
        decision = decided(mail(ANNA, "#requester jane@example.org\n\nHello"), context(), **self.OLD)
        (added,) = effects_of(decision, Append)
        assert added.entry.kind is Kind.NOTE
        assert effects_of(decision, Send) == []
        assert outcome(decision).outcome is Outcome.TICKET

    def test_an_agents_late_answer_to_our_own_mail_is_an_answer(self) -> None:
        made = token()
        message = mail(ANNA, "It is out.", in_reply_to=(tokens.message_id(POLICY, made, "example.com"),))
        decision = decided(message, context(history(), given=(issued(made),)), **self.OLD)
        assert len(sent(decision, MailKind.REPLY)) == 1

    @pytest.mark.parametrize("envelope", [{"late": True, "old_mails": HANDFUL}, {"old_mails": 1000}])
    def test_a_handful_and_new_mail_are_told_of_as_ever(self, envelope: dict[str, Any]) -> None:
        assert len(sent(decided(mail(), context(), **envelope), MailKind.NOTIFICATION)) == 2
