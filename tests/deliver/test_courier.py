"""Delivering to a scripted SMTP server: each phase's trouble falls on the right one, no copy too many."""

from contextlib import contextmanager
from dataclasses import replace

import pytest

from tests.servers.smtp_sink import ACCEPT_AND_DROP, DROP
from ticketd.decide.effects import MailKind
from ticketd.errors import Busy, ConfigError, TicketdError, Unavailable
from ticketd.store import Store, Transaction
from ticketd.wire.smtp import SmtpConnection

pytestmark = pytest.mark.server


def states(desk, kind="reply"):
    return [row["state"] for row in desk.rows(kind)]


def test_a_mail_is_sent_once_with_the_bytes_that_were_queued(desk, smtp_sink):
    message_id = desk.queue()
    assert desk.courier.run().sent == 1
    assert desk.courier.run().sent == 0
    (mail,) = smtp_sink.messages
    assert (mail.sender, mail.recipient) == ("support@example.com", "jane@example.org")
    assert message_id.encode() in mail.content
    assert states(desk) == ["sent"]


def test_mails_share_a_connection_and_people_go_first(desk, smtp_sink):
    desk.queue("anna@example.com", MailKind.NOTIFICATION)
    desk.queue("jane@example.org", MailKind.ACKNOWLEDGEMENT)
    desk.queue("jane@example.org", MailKind.REPLY)
    assert desk.courier.run().sent == 3
    assert smtp_sink.connections == 1
    assert b"text of 3" in smtp_sink.messages[0].content
    assert b"text of 2" in smtp_sink.messages[2].content


@pytest.mark.parametrize("phase", ["rcpt", "mail", "data", "dot"])
def test_a_temporary_refusal_defers_the_row_alone(desk, smtp_sink, clock, phase):
    smtp_sink.script[phase] = ["451 4.3.0 later"]
    desk.queue("first@example.org")
    desk.queue("second@example.org")
    tally = desk.courier.run()
    assert (tally.sent, tally.deferred, tally.unusable) == (1, 1, None)
    assert sorted(states(desk)) == ["sent", "waiting"]
    clock.pass_(minutes=6)
    assert desk.courier.run().sent == 1
    assert len(smtp_sink.messages) == 2


def test_a_refused_recipient_fails_and_the_author_gets_the_text_back(desk, smtp_sink):
    smtp_sink.refuse["jane@example.org"] = "550 5.1.1 no such user here"
    desk.queue()
    assert desk.courier.run().failed == 1
    assert states(desk) == ["failed"]
    assert desk.ticket()["status"] == "open"
    (event,) = desk.events("bounce")
    assert "no such user here" in event["detail"]
    (told,) = desk.rows("notification")
    assert told["to"] == "anna@example.com"
    desk.courier.run()
    told = smtp_sink.messages[-1].content
    assert b"The text of 1." in told
    assert b"no such user here" in told.replace(b"=\r\n", b"")


def test_without_an_author_the_assignee_is_told(desk, smtp_sink):
    smtp_sink.refuse["jane@example.org"] = "550 5.1.1 no such user here"
    desk.queue(author=None)
    desk.courier.run()
    assert [row["to"] for row in desk.rows("notification")] == ["bob@example.com"]


def test_a_failed_notification_changes_no_ticket_and_goes_to_the_admins(desk, smtp_sink):
    smtp_sink.refuse["anna@example.com"] = "550 5.1.1 gone"
    desk.queue("anna@example.com", MailKind.NOTIFICATION)
    before = desk.ticket()
    assert desk.courier.run().failed == 1
    assert desk.ticket() == before
    assert [row["to"] for row in desk.rows("alert")] == ["ops@example.com"]


def test_an_alert_that_fails_is_not_answered_by_another(desk, smtp_sink):
    smtp_sink.refuse["ops@example.com"] = "550 5.1.1 gone"
    desk.queue("ops@example.com", MailKind.ALERT)
    desk.courier.run()
    assert len(desk.rows("alert")) == 1


@pytest.mark.parametrize("phase", ["connect", "ehlo"])
@pytest.mark.parametrize("answer", ["421 4.3.2 closing", "554 5.3.2 go away", DROP])
def test_trouble_before_mail_holds_the_account_and_fails_nothing(desk, smtp_sink, clock, phase, answer):
    smtp_sink.script[phase] = [answer] * 2
    smtp_sink.script["helo"] = [answer] * 2
    desk.queue()
    desk.queue("second@example.org")
    tally = desk.courier.run()
    assert tally.unusable
    assert states(desk) == ["waiting", "waiting"]
    assert desk.courier.run().sent == 0  # held
    smtp_sink.script.clear()
    clock.pass_(seconds=61)
    assert desk.courier.run().unusable is None
    assert states(desk) == ["sent", "sent"]


def test_an_account_is_tried_once_a_minute_then_ever_more_rarely(desk, smtp_sink, clock):
    smtp_sink.script["connect"] = ["421 4.3.2 closing"] * 100
    desk.queue()
    for _ in range(30):
        desk.courier.run()
        clock.pass_(minutes=1)
    assert 3 <= smtp_sink.connections <= 6
    assert states(desk) == ["waiting"]


def test_a_refused_login_holds_the_account_ever_longer_and_tells_the_admins_once(desk, smtp_sink, clock):
    desk.server = replace(desk.server, username="support@example.test", password=lambda: "wrong")
    desk.queue()
    for _ in range(58):
        assert desk.courier.run().sent == 0
        clock.pass_(minutes=1)
    assert smtp_sink.connections == 6  # after 0, 1, 3, 7, 15 and 30 minutes
    assert len(desk.rows("alert")) == 1
    desk.server = replace(desk.server, password=lambda: smtp_sink.password)
    with desk.store.begin() as tx:
        tx.clear_account("support")
    desk.courier.run()
    assert states(desk) == ["sent"]


def test_a_secret_that_cannot_be_read_holds_the_account(desk, smtp_sink):
    def unreadable():
        raise ConfigError("the credential support is missing")

    desk.server = replace(desk.server, username="support@example.test", password=unreadable)
    desk.queue()
    assert "credential" in desk.courier.run().unusable
    assert states(desk) == ["waiting"]


def test_a_hold_that_an_earlier_process_left_ends_with_the_first_mail_sent(desk, clock):
    with desk.store.begin() as tx:
        tx.hold_account("support", clock(), "421 closing")
    desk.queue()
    desk.courier.run()
    with desk.store.begin() as tx:
        assert tx.mailbox_state("support").held_until is None


def test_the_admins_hear_of_a_refused_sender_once(desk, smtp_sink, clock):
    smtp_sink.script["mail"] = ["550 5.1.8 not your address"] * 10
    desk.queue()
    for _ in range(5):
        desk.courier.run()
        clock.pass_(minutes=5)
    assert states(desk) == ["waiting"]
    assert len(desk.rows("alert")) == 1


def test_a_lost_250_is_resent_once_with_the_same_bytes_within_a_minute(desk, smtp_sink, clock):
    smtp_sink.script["dot"] = [ACCEPT_AND_DROP]
    desk.queue()
    assert desk.courier.run().unsure == 1
    assert states(desk) == ["unsure"]
    clock.pass_(seconds=59)
    assert desk.courier.run().sent == 1
    first, second = smtp_sink.messages
    assert first.content == second.content
    (event,) = desk.events("resent")
    assert "twice" in event["detail"]


def test_a_second_lost_250_ends_it_and_the_author_is_told(desk, smtp_sink, clock):
    smtp_sink.script["dot"] = [ACCEPT_AND_DROP] * 2
    desk.queue()
    desk.courier.run()
    clock.pass_(seconds=59)
    desk.courier.run()
    assert states(desk) == ["failed"]
    assert len(desk.rows("notification")) == 1
    clock.pass_(hours=40)
    desk.courier.run()
    assert sum(mail.recipient == "jane@example.org" for mail in smtp_sink.messages) == 2


def test_an_acknowledgement_is_never_sent_twice(desk, smtp_sink, clock):
    smtp_sink.script["dot"] = [ACCEPT_AND_DROP]
    desk.queue(kind=MailKind.ACKNOWLEDGEMENT, author=None)
    desk.courier.run()
    clock.pass_(hours=1)
    desk.courier.run()
    assert len(smtp_sink.messages) == 1
    assert states(desk, "acknowledgement") == ["failed"]
    assert desk.ticket()["status"] == "pending"
    assert not desk.rows("notification")
    assert len(desk.events("ack")) == 1


def test_a_late_acknowledgement_is_not_sent(desk, smtp_sink, clock):
    desk.queue(kind=MailKind.ACKNOWLEDGEMENT, author=None)
    clock.pass_(minutes=61)
    desk.courier.run()
    assert not smtp_sink.messages
    assert states(desk, "acknowledgement") == ["cancelled"]


def test_what_quit_is_answered_does_not_matter(desk, smtp_sink):
    smtp_sink.script["quit"] = [DROP]
    desk.queue()
    assert desk.courier.run().sent == 1
    assert states(desk) == ["sent"]


def test_a_connection_that_ended_between_two_mails_is_replaced_at_once(desk, smtp_sink):
    desk.queue("first@example.org")
    desk.queue("second@example.org")
    smtp_sink.script["rset"] = [DROP]  # asked for after the first mail was deferred
    smtp_sink.script["rcpt"] = ["451 4.2.0 not now"]
    tally = desk.courier.run()
    assert (tally.sent, tally.deferred, tally.unusable) == (1, 1, None)
    assert smtp_sink.connections == 2


def test_the_author_hears_of_a_delay_after_an_hour_and_once(desk, smtp_sink, clock):
    smtp_sink.script["rcpt"] = ["450 4.2.0 greylisted"] * 50
    desk.queue()
    for _ in range(60):
        desk.courier.run()
        if clock().hour < 13:
            assert not desk.rows("notification")
        clock.pass_(minutes=5)
    assert len(desk.rows("notification")) == 1
    assert len(desk.events("delay")) == 1
    assert states(desk) == ["waiting"]


def test_after_48_hours_it_is_given_up(desk, smtp_sink, clock):
    desk.queue()
    for _ in range(60):
        smtp_sink.script["rcpt"] = ["450 4.2.0 greylisted"] * 3
        desk.courier.run()
        clock.pass_(hours=1)
    assert states(desk) == ["failed"]
    assert desk.ticket()["status"] == "open"


def test_a_stop_gives_back_what_was_not_tried(desk, smtp_sink):
    for number in range(3):
        desk.queue(f"number{number}@example.org")
    desk.stop.set()
    assert desk.courier.run().sent == 0
    desk.stop.clear()
    assert desk.courier.run().sent == 3
    assert [row["attempts"] for row in desk.rows("reply")] == [1, 1, 1]


def test_a_database_that_fails_after_the_250_does_not_make_a_second_copy(desk, smtp_sink, monkeypatch):
    desk.queue()
    settle, fails, heard = Transaction.settle, [2], []

    def fail_twice(self, *args, **kwargs):
        if fails[0]:
            fails[0] -= 1
            heard.append(desk.courier.progress.kept)
            raise TicketdError("The disk is full.")
        return settle(self, *args, **kwargs)

    monkeypatch.setattr(Transaction, "settle", fail_twice)
    monkeypatch.setattr("ticketd.deliver.insist._TRY_AGAIN", 0.01)
    monkeypatch.setattr("ticketd.deliver.courier._ONE_MAIL", -1.0)
    assert desk.courier.run().sent == 1
    assert desk.courier.run().sent == 0
    assert heard == [True, True], "who waits for the database is alive"
    assert states(desk) == ["sent"]
    assert len(smtp_sink.messages) == 1


def test_a_database_that_fails_before_the_dot_sends_nothing(desk, smtp_sink, monkeypatch):
    desk.queue()

    def fail(self, *args):
        raise TicketdError("The disk is full.")

    with monkeypatch.context() as patched:
        patched.setattr(Transaction, "mark_dot", fail)
        with pytest.raises(TicketdError):
            desk.courier.run()
    assert not smtp_sink.messages
    assert desk.courier.run().sent == 1
    assert len(smtp_sink.messages) == 1


def test_telling_that_fails_does_not_undo_the_fate(desk, smtp_sink, monkeypatch):
    smtp_sink.refuse["jane@example.org"] = "550 5.1.1 no such user here"
    desk.queue()

    def broken(*args, **kwargs):
        raise ZeroDivisionError

    monkeypatch.setattr("ticketd.deliver.tell.undeliverable", broken)
    desk.courier.run()
    assert states(desk) == ["failed"]


def test_a_daemon_that_died_at_the_dot_resends_at_once_and_an_acknowledgement_not(desk, smtp_sink, clock):
    desk.queue()
    desk.queue(kind=MailKind.ACKNOWLEDGEMENT, author=None)
    with desk.store.begin() as tx:
        for row in tx.claim("support", clock()):
            tx.mark_dot(row, clock())
    with desk.store.begin() as tx:
        assert [row.kind for row in tx.recover(clock())] == [MailKind.ACKNOWLEDGEMENT]
    assert desk.courier.run().sent == 1
    assert states(desk) == ["sent"]
    assert states(desk, "acknowledgement") == ["failed"]


def lost_answer(monkeypatch, name):
    """The next commit of this name is made, and its answer does not arrive."""
    begin, lost = Store.begin, [name]

    @contextmanager
    def begins(self, what="write"):
        with begin(self, what) as tx:
            yield tx
        if what in lost:
            lost.remove(what)
            raise Unavailable("The database cannot be used just now: the answer to COMMIT was lost.")

    monkeypatch.setattr(Store, "begin", begins)


@pytest.mark.parametrize("commit", ["claim", "mark-dot", "give-back", "settle"])
def test_a_commit_whose_answer_is_lost_neither_stalls_nor_doubles_a_mail(
    desk, smtp_sink, monkeypatch, commit
):
    monkeypatch.setattr("ticketd.deliver.insist._TRY_AGAIN", 0.01)
    desk.queue("a@example.org")
    desk.queue("b@example.org", MailKind.ACKNOWLEDGEMENT)
    if commit == "give-back":
        desk.courier._claim()
    lost_answer(monkeypatch, commit)
    if commit == "give-back":
        desk.courier._give_back()
    elif commit == "settle":
        assert desk.courier.run().sent == 2
    else:
        with pytest.raises(TicketdError):
            desk.courier.run()
    desk.courier.run()
    assert [mail.recipient for mail in smtp_sink.messages] == ["a@example.org", "b@example.org"]
    assert states(desk) + states(desk, "acknowledgement") == ["sent", "sent"]
    assert [row["attempts"] for row in desk.rows()] == [1, 1]


def test_a_refusal_whose_commit_was_lost_is_told_once(desk, smtp_sink, monkeypatch):
    monkeypatch.setattr("ticketd.deliver.insist._TRY_AGAIN", 0.01)
    smtp_sink.refuse["jane@example.org"] = "550 5.1.1 no such user here"
    desk.queue()
    lost_answer(monkeypatch, "settle")
    assert desk.courier.run().failed == 1
    assert len(desk.events("bounce")) == 1
    assert len(desk.rows("notification")) == 1


def test_an_error_of_ours_after_the_dot_leaves_the_mail_in_doubt(desk, smtp_sink, monkeypatch, clock):
    desk.queue()
    desk.queue(kind=MailKind.ACKNOWLEDGEMENT, author=None)
    answer, fails = SmtpConnection._answer, [2]

    def broken(self, phase, *rest):
        said = answer(self, phase, *rest)
        if phase == "dot" and fails[0]:
            fails[0] -= 1
            raise MemoryError
        return said

    monkeypatch.setattr(SmtpConnection, "_answer", broken)
    assert desk.courier.run().unsure == 1
    clock.pass_(minutes=1)
    assert desk.courier.run().sent == 1
    assert states(desk) + states(desk, "acknowledgement") == ["sent", "failed"]
    copies = [mail.content for mail in smtp_sink.messages]
    assert len(copies) == 3
    assert len(set(copies)) == 2


def test_an_error_of_ours_before_the_dot_is_that_mails_and_holds_no_other_up(
    desk, smtp_sink, monkeypatch, clock
):
    for number in range(3):
        desk.queue(f"number{number}@example.org")

    def broken(content):
        if b"text of 2" in content:
            raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr("ticketd.wire.smtp._insist_on_crlf", broken)
        tally = desk.courier.run()
        assert (tally.sent, tally.deferred, tally.unusable) == (2, 1, None)
        assert desk.courier.run().sent == 0
    clock.pass_(minutes=2)
    assert desk.courier.run().sent == 1
    assert len(smtp_sink.messages) == 3


def test_a_fate_that_nobody_wrote_down_is_a_doubt_once_its_lease_has_ended(desk, smtp_sink, clock):
    desk.queue()
    desk.queue(kind=MailKind.ACKNOWLEDGEMENT, author=None)
    with desk.store.begin() as tx:
        for row in tx.claim("support", clock()):
            tx.mark_dot(row, clock())
    clock.pass_(minutes=16)
    assert desk.courier.run().unsure == 1
    clock.pass_(minutes=1)
    assert desk.courier.run().sent == 1
    assert states(desk) + states(desk, "acknowledgement") == ["sent", "failed"]
    assert len(smtp_sink.messages) == 1


def test_a_mail_that_another_daemon_took_over_is_not_sent(desk, smtp_sink, clock, monkeypatch):
    desk.queue()
    send = SmtpConnection.send

    def taken_over(self, sender, recipient, content, before_dot):
        with desk.store.begin() as tx:
            tx.recover(clock())
        return send(self, sender, recipient, content, before_dot)

    with monkeypatch.context() as patched:
        patched.setattr(SmtpConnection, "send", taken_over)
        with pytest.raises(Busy):
            desk.courier.run()
    assert not smtp_sink.messages
    assert desk.courier.run().sent == 1


def test_a_mailbox_that_leaves_the_config_is_sent_no_further(desk, smtp_sink, monkeypatch):
    for number in range(3):
        desk.queue(f"number{number}@example.org")
    send = SmtpConnection.send

    def leaves(self, *arguments):
        desk.policy = replace(desk.policy, mailboxes={})
        return send(self, *arguments)

    monkeypatch.setattr(SmtpConnection, "send", leaves)
    policy = desk.policy
    assert desk.courier.run().sent == 1
    assert states(desk) == ["sent", "waiting", "waiting"]
    desk.policy = policy
    assert [row["attempts"] for row in desk.rows()] == [1, 0, 0]
