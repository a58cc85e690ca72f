"""Views: the contract's JSON, the order of every list, search that takes words literally."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from tests.store.given import (
    ANNA,
    BOB,
    HOUR,
    JANE,
    JOE,
    NOW,
    concluded,
    do,
    entry,
    opened,
    outgoing,
    take,
    ticket,
)
from ticketd.decide.effects import Append, MoveMessages, Record, Save, Send
from ticketd.decide.model import Address, Attachment, Kind, Outcome, Priority, Status
from ticketd.errors import NotFound, UsageError
from ticketd.store import Store

DAY = timedelta(days=1)


def listed(store: Store, *arguments: object, **options: object) -> list[int]:
    with store.view() as view:
        return [each["id"] for each in view.list_tickets(*arguments, **options)]  # type: ignore[arg-type]


def test_a_ticket_is_shown_as_the_contract_says(store: Store) -> None:
    opened(store, assignee=ANNA, tags=("refund",), first_reply_due_at=NOW + HOUR, participants=(JANE, JOE))
    do(store, Record(1, "status", ANNA, "open", "pending", "because"))
    with store.view() as view:
        shown = view.ticket(1)
    json.dumps(shown)
    assert {name: shown[name] for name in ("id", "subject", "status", "priority", "assignee", "channel")} == {
        "id": 1,
        "subject": "Printer on fire",
        "status": "open",
        "priority": "normal",
        "assignee": ANNA,
        "channel": "email",
    }
    assert shown["requester"] == {"address": "Jane@Example.COM", "name": "Jane Doe"}
    assert [person["address"] for person in shown["participants"]] == ["Jane@Example.COM", "joe@example.org"]
    assert (shown["created_at"], shown["due_at"]) == ("2026-11-23T12:00:00Z", "2026-11-23T13:00:00Z")
    assert (shown["snoozed_until"], shown["merged_into"], shown["spam"]) == (None, None, False)
    assert shown["events"] == [
        {
            "at": "2026-11-23T12:00:00Z",
            "actor": ANNA,
            "kind": "status",
            "from": "open",
            "to": "pending",
            "detail": "because",
        }
    ]


def test_a_message_is_shown_as_the_contract_says(store: Store) -> None:
    file = Attachment("a.pdf", "application/pdf", b"%PDF", content_id="<c>")
    kept = entry(
        message_id="<m@x>", in_reply_to="<p@x>", to=(JOE,), reply_to=JOE, date=NOW - HOUR, attachments=(file,)
    )
    do(store, Save(ticket(1)), Append(1, kept))
    with store.view() as view:
        [shown] = view.ticket(1)["messages"]
    assert shown["author"] == {"address": "Jane@Example.COM", "name": "Jane Doe"}
    assert (shown["kind"], shown["verdict"], shown["bounce"]) == ("customer", "person", None)
    assert (shown["message_id"], shown["in_reply_to"]) == ("<m@x>", "<p@x>")
    assert (shown["date"], shown["received_at"]) == ("2026-11-23T11:00:00Z", "2026-11-23T12:00:00Z")
    assert shown["to"] == [{"address": "joe@example.org", "name": "Joe"}]
    assert shown["cc"] == []
    assert shown["reply_to"] == {"address": "joe@example.org", "name": "Joe"}
    [attached] = shown["attachments"]
    assert attached == {
        "filename": "a.pdf",
        "content_type": "application/pdf",
        "size": 4,
        "sha256": file.sha256,
        "inline": False,
        "content_id": "<c>",
    }


def test_an_unknown_requester_is_null(store: Store) -> None:
    do(store, Save(ticket(1, requester=None, participants=())))
    with store.view() as view:
        assert view.ticket(1)["requester"] == {"address": None, "name": None}


def test_a_ticket_that_is_none_is_not_found(store: Store) -> None:
    with store.view() as view, pytest.raises(NotFound, match="no ticket 7"):
        view.ticket(7)


def test_a_merged_ticket_shows_where_it_went_and_is_in_no_folder(store: Store) -> None:
    opened(store)
    opened(store)
    do(store, Save(ticket(1, merged_into=2)), MoveMessages(1, 2))
    with store.view() as view:
        assert view.ticket(1)["id"] == 2
        assert len(view.ticket(1)["messages"]) == 2
    assert listed(store, "all") == [2]
    assert listed(store) == [2]


def test_every_folder_holds_its_own(store: Store) -> None:
    opened(store)
    opened(store, assignee=ANNA)
    opened(store, assignee=BOB)
    opened(store, status=Status.PENDING, assignee=ANNA)
    opened(store, status=Status.SOLVED)
    opened(store, spam=True)
    folders = {
        name: listed(store, name) for name in ("unassigned", "all-open", "pending", "solved", "spam", "all")
    }
    assert folders == {
        "unassigned": [1],
        "all-open": [1, 2, 3],
        "pending": [4],
        "solved": [5],
        "spam": [6],
        "all": [1, 2, 3, 4, 5],
    }
    assert listed(store, "my-open", ANNA) == [2]
    assert listed(store, "pending", ANNA) == [4]


def test_a_folder_that_is_none_and_a_missing_agent_are_wrong_usage(store: Store) -> None:
    with pytest.raises(UsageError, match="all-open"):
        listed(store, "inbox")
    with pytest.raises(UsageError, match="agent"):
        listed(store, "my-open")


def test_urgent_first_then_soonest_due_then_oldest_update(store: Store) -> None:
    opened(store, updated_at=NOW)
    opened(store, updated_at=NOW - HOUR)
    opened(store, next_reply_due_at=NOW + 2 * DAY)
    opened(store, next_reply_due_at=NOW + 3 * DAY, first_reply_due_at=NOW + DAY)
    opened(store, priority=Priority.LOW, updated_at=NOW - DAY)
    opened(store, priority=Priority.URGENT)
    assert listed(store) == [6, 4, 3, 5, 2, 1]
    assert listed(store, limit=2) == [6, 4]


def test_a_list_can_be_of_one_mailbox(store: Store) -> None:
    opened(store)
    opened(store, mailbox="sales")
    assert listed(store, mailbox="sales") == [2]


@pytest.mark.parametrize(
    "words",
    [
        "printer",
        "BURNS",
        "jane@example.com",
        "doe",
        "printer burns",
        "on-fire",
        '"printer',
        "fire*",
        "printer AND burns'",
    ],
)
def test_search_finds_words_in_subject_address_and_body(store: Store, words: str) -> None:
    do(store, Save(ticket(1)), Append(1, entry(text="It burns. And it smells, Jane's AND mine.")))
    opened(store)
    found = listed(store, search=words)
    assert 1 in found


@pytest.mark.parametrize(
    "words",
    ["unicorn", "printer unicorn", "print", "fire printer-burns", "---", "", "NOT printer", "o'brien"],
)
def test_search_finds_nothing_else_and_raises_for_nothing(store: Store, words: str) -> None:
    opened(store)
    assert listed(store, search=words) == []


def test_search_stays_within_the_folder(store: Store) -> None:
    opened(store)
    opened(store, spam=True)
    assert listed(store, "all", search="burns") == [1]
    assert listed(store, "spam", search="burns") == [2]


def test_a_renamed_ticket_is_found_by_its_new_subject(store: Store) -> None:
    opened(store)
    do(store, Save(ticket(1, subject="Fax machine", participants=(JANE, Address("max@example.org", "Max")))))
    assert listed(store, search="fax") == [1]
    assert listed(store, search="max@example.org") == [1]
    do(store, Save(ticket(1, subject="Telex")))
    assert listed(store, search="fax") == []
    assert listed(store, search="telex") == [1]


def test_accents_do_not_hide_what_is_there(store: Store) -> None:
    do(store, Save(ticket(1)), Append(1, entry(subject="Café gęślą", text="日本語 テスト")))
    assert listed(store, search="CAFÉ gęślą") == [1]
    assert listed(store, search="cafe") == [1]
    assert listed(store, search="日本語") == [1]


def test_ledger_outbox_and_quarantine_rows_have_the_contracts_names(store: Store) -> None:
    opened(store)
    first, second = take(store, 1, 2)
    do(store, concluded(Outcome.PARKED, agent=ANNA, reason="not proven"), ledger_id=second)
    do(store, Send(outgoing(1)))
    with store.view() as view:
        ledger, [mail], [aside] = view.ledger("support"), view.outbox(), view.quarantine()
        assert view.ledger("sales") == []
        assert view.raw_mail(first) == b"Subject: 1\r\n\r\nx\r\n"
    names = {
        "mailbox",
        "folder",
        "uidvalidity",
        "uid",
        "message_id",
        "sha256",
        "outcome",
        "ticket",
        "seen_at",
    }
    assert names <= ledger[0].keys()
    assert {
        "id",
        "ticket",
        "to",
        "message_id",
        "state",
        "attempts",
        "next_attempt_at",
        "last_error",
    } <= mail.keys()
    assert {"id", "mailbox", "folder", "uid", "message_id", "sha256", "state", "reason", "at"} <= aside.keys()
    assert (aside["id"], aside["state"], aside["reason"]) == (second, "parked", "not proven")


def test_a_message_is_found_by_its_id(store: Store) -> None:
    opened(store)
    with store.view() as view:
        assert view.find_message("<first1@example.com>") == {"ticket": 1, "message": 1}
        assert view.find_message("<none@x>") is None


def test_notes_and_replies_are_told_apart(store: Store) -> None:
    opened(store)
    do(store, Append(1, entry(Kind.NOTE, Address(ANNA))), Append(1, entry(Kind.REPLY, Address(ANNA))))
    with store.view() as view:
        assert [message["kind"] for message in view.ticket(1)["messages"]] == ["customer", "note", "reply"]


def test_a_common_word_finds_the_same_tickets_in_the_same_order(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store.begin() as tx:
        for number in range(1, 8):
            text = "the printer" if number % 2 else "a parcel"
            said = entry(subject="Things", text=f"{text} {number}")
            tx.apply([Save(ticket(number, subject="Things")), Append(number, said)], NOW)
    with store.view() as view:
        few = [one["id"] for one in view.list_tickets("all", search="printer")]
        monkeypatch.setattr("ticketd.store.dialect._COMMON", 1)
        many = [one["id"] for one in view.list_tickets("all", search="printer")]
        both = [one["id"] for one in view.list_tickets("all", search="the printer 3", limit=1)]
    assert few == many == [1, 3, 5, 7]
    assert both == [3]
