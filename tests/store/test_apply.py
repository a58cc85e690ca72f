"""Applying: every effect, all together or not at all, and the same cause twice is the same mail."""

from __future__ import annotations

import hashlib

import pytest

from tests.store.given import (
    ANNA,
    BOB,
    HOUR,
    JANE,
    JOE,
    NOW,
    clues,
    concluded,
    do,
    entry,
    look,
    opened,
    outgoing,
    take,
    ticket,
)
from ticketd.decide.effects import (
    Append,
    Block,
    CancelQueued,
    Expect,
    MailKind,
    MoveMessages,
    Record,
    Save,
    Send,
)
from ticketd.decide.model import Address, Attachment, Bounce, Kind, Message, Outcome, Status, Verdict
from ticketd.store import Applied, Store


def test_one_mail_becomes_ticket_message_event_mail_and_outcome(store: Store) -> None:
    [item] = take(store, 1)
    mail = Message("fp", 10, message_id="<m@x>", subject="Printer on fire")
    with store.begin() as tx:
        number = tx.context(clues(), NOW, item).next_ticket
        applied = tx.apply(
            [
                Save(ticket(number)),
                Append(number, entry(message_id="<m@x>")),
                Record(number, "opened"),
                Send(outgoing(number, ANNA, BOB)),
                concluded(Outcome.TICKET, ticket=number),
            ],
            NOW,
            item,
            mail,
        )
    assert applied == Applied(1, applied.entries, 2)
    with store.view() as view:
        shown = view.ticket(1)
        assert [message["message_id"] for message in shown["messages"]] == ["<m@x>"]
        assert [event["kind"] for event in shown["events"]] == ["opened"]
        assert [row["to"] for row in view.outbox()] == [ANNA, BOB]
        [row] = view.ledger()
        assert (row["outcome"], row["ticket"], row["message_id"]) == ("ticket", 1, "<m@x>")
        assert [raw for _, raw in view.raw_mails(1)] == [b"Subject: 1\r\n\r\nx\r\n"]
    with store.begin() as tx:
        assert tx.waiting() == []


def test_an_error_leaves_nothing_behind(store: Store) -> None:
    [item] = take(store, 1)

    def fail() -> None:
        with store.begin() as tx:
            tx.apply([Save(ticket(1)), Append(1, entry()), Send(outgoing(1))], NOW, item)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    with store.view() as view:
        assert view.list_tickets("all") == []
        assert view.outbox() == []
    assert look(store).next_ticket == 1


def test_numbers_run_from_one_without_gaps(store: Store) -> None:
    assert [opened(store) for _ in range(3)] == [1, 2, 3]
    do(store, Save(ticket(2, status=Status.SOLVED)))
    assert look(store).next_ticket == 4


def test_saving_again_changes_the_ticket(store: Store) -> None:
    opened(store)
    do(store, Save(ticket(1, status=Status.PENDING)), Save(ticket(1, status=Status.SOLVED, assignee=ANNA)))
    kept = look(store, tickets=(1,)).tickets[1].ticket
    assert (kept.status, kept.assignee) == (Status.SOLVED, ANNA)


def test_a_save_may_stand_behind_its_message(store: Store) -> None:
    do(store, Append(1, entry()), Record(1, "opened"), Save(ticket(1)))
    assert len(look(store, tickets=(1,)).tickets[1].entries) == 1


def test_text_that_no_database_takes_is_kept_as_well_as_it_can_be(store: Store) -> None:
    odd, literal = "a\0b\ud800c", r"\u0000 \n"
    do(store, Save(ticket(1, subject=odd, tags=(odd, literal))))
    do(store, Append(1, entry(text=odd, subject=odd, message_id=odd)))
    do(store, Record(1, "note", detail=odd))
    history = look(store, tickets=(1,)).tickets[1]
    assert history.entries[0].text == "a\ufffdb?c"
    assert history.ticket.tags == ("a\ufffdb?c", literal)


def test_ids_and_addresses_of_any_length_are_kept_and_found(store: Store) -> None:
    long, other = ("<" + letter * 3000 + "@example.org>" for letter in "áé")
    author = Address("ü" * 3000 + "@example.org")
    do(store, Save(ticket(1, requester=author, participants=(author,))))
    do(store, Append(1, entry(author=author, message_id=long)), Block(author.address))
    do(store, Expect(1, (other,), author.key, "support"))
    do(store, Send(outgoing(1, author.address, cause="ack", kind=MailKind.ACKNOWLEDGEMENT)))
    context = look(store, ids=(long,), message_id=other, author=author.key)
    assert list(context.stored.values()) == [(1,)]
    assert (context.expecting, context.blocked, context.acks_last_hour) == ((1,), True, 1)
    assert not look(store, ids=(other,)).stored


def test_files_are_kept_once_and_exactly(store: Store) -> None:
    opened(store)
    content = bytes(range(256))
    file = Attachment("a.bin", "application/octet-stream", content)
    same = Attachment("b.bin", "application/octet-stream", content, inline=True)
    [number] = do(store, Append(1, entry(attachments=(file, same)))).entries
    do(store, Append(1, entry(attachments=(file,))))
    with store.view() as view:
        files = list(view.files(number))
    assert [(shown["filename"], kept) for shown, kept in files] == [("a.bin", content), ("b.bin", content)]
    assert files[0][0]["sha256"] == hashlib.sha256(content).hexdigest()
    assert (files[0][0]["size"], files[1][0]["inline"]) == (256, True)


def test_the_same_cause_twice_is_the_same_mail(store: Store) -> None:
    opened(store)
    assert do(store, Send(outgoing(1, ANNA, BOB))).queued == 2
    assert do(store, Send(outgoing(1, ANNA, BOB, "c@x.test"))).queued == 1
    assert do(store, Send(outgoing(1, ANNA, cause="other"))).queued == 1


def test_a_mail_waits_for_its_time(store: Store) -> None:
    opened(store)
    do(store, Send(outgoing(1, not_before=NOW + HOUR)))
    with store.begin() as tx:
        assert tx.claim("support", NOW) == []
        assert tx.next_due_at(NOW) == NOW + HOUR
    with store.begin() as tx:
        assert len(tx.claim("support", NOW + HOUR)) == 1


def test_cancelling_stops_what_an_agent_has_waiting_on_one_ticket(store: Store) -> None:
    opened(store)
    opened(store)
    do(store, Send(outgoing(1, JANE.address, cause="a", kind=MailKind.REPLY, author=ANNA)))
    do(store, Send(outgoing(1, JANE.address, cause="b", kind=MailKind.REPLY, author=BOB)))
    do(store, Send(outgoing(2, JANE.address, cause="c", kind=MailKind.REPLY, author=ANNA)))
    do(store, CancelQueued(1, ANNA))
    with store.view() as view:
        assert [row["state"] for row in view.outbox()] == ["cancelled", "waiting", "waiting"]


def test_cancelling_leaves_what_is_being_sent(store: Store) -> None:
    opened(store)
    do(store, Send(outgoing(1, JANE.address, kind=MailKind.REPLY, author=ANNA)))
    with store.begin() as tx:
        tx.claim("support", NOW)
    do(store, CancelQueued(1, ANNA))
    with store.view() as view:
        assert view.outbox()[0]["state"] == "waiting"


def test_one_message_can_be_split_off(store: Store) -> None:
    opened(store)
    [second] = do(store, Append(1, entry(text="another matter", author=JOE))).entries
    do(store, Save(ticket(2)), MoveMessages(1, 2, second), Record(2, "split"))
    context = look(store, tickets=(1, 2))
    assert [kept.text for kept in context.tickets[1].entries] == ["It burns."]
    assert [kept.text for kept in context.tickets[2].entries] == ["another matter"]


def test_a_bounce_comes_back(store: Store) -> None:
    opened(store)
    bounce = Bounce(True, "a@x.test", "5.1.1", "no such user", "mx.x.test", ("<m@x>",))
    do(store, Append(1, entry(Kind.BOUNCE, verdict=Verdict.BOUNCE, bounce=bounce)))
    assert look(store, tickets=(1,)).tickets[1].entries[-1].bounce == bounce
    with store.view() as view:
        shown = view.ticket(1)["messages"][-1]["bounce"]
    assert shown == {"permanent": True, "recipient": "a@x.test", "status": "5.1.1"}


def test_the_same_mail_in_a_second_mailbox_cannot_become_a_second_ticket(store: Store) -> None:
    first = take(store, 1)[0]
    second = take(store, 1, mailbox="sales")[0]
    mail = Message("fp", 10)
    for item, outcome in ((first, Outcome.TICKET), (second, Outcome.DUPLICATE)):
        with store.begin() as tx:
            known = tx.context(clues(fingerprint="fp"), NOW, item).known
            assert (known is not None) is (outcome is Outcome.DUPLICATE)
            tx.apply([concluded(outcome)], NOW, item, mail)
