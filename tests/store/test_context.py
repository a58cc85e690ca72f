"""The context: every clue leads where it should, and nothing else is seen."""

from __future__ import annotations

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
    signed,
    take,
    ticket,
    token,
)
from ticketd.decide.context import Known
from ticketd.decide.effects import (
    Append,
    Block,
    Expect,
    MailKind,
    MoveMessages,
    Record,
    Revoke,
    Save,
    Send,
)
from ticketd.decide.model import Address, Attachment, Kind, Outcome, Purpose, Status, Verdict
from ticketd.store import Store


def test_a_stranger_is_met_with_an_empty_context(store: Store) -> None:
    context = look(store, author=JOE.key, fingerprint="f", message_id="<a@b>", ids=("<c@d>",))
    assert context.next_ticket == 1
    assert context.known is None
    assert not any([context.tickets, context.issued, context.stored, context.expecting])
    assert not any([context.blocked, context.acks_last_hour, context.waiting])


def test_a_ticket_comes_back_as_it_was_saved(store: Store) -> None:
    kept = ticket(
        subject="Pryntèr ☃",
        participants=(JANE, JOE),
        suggested=(Address("x@example.org"),),
        assignee=ANNA,
        tags=("refund", "vip"),
        policy="vip",
        first_reply_due_at=NOW + HOUR,
        snoozed_until=NOW + 2 * HOUR,
        spam=True,
        clock='{"a": 1}',
    )
    do(store, Save(kept))
    assert look(store, tickets=(1,)).tickets[1].ticket == kept


def test_an_entry_comes_back_without_the_content_of_its_files(store: Store) -> None:
    opened(store)
    file = Attachment("a.pdf", "application/pdf", b"%PDF", content_id="<c>")
    kept = entry(
        message_id="<m@x>",
        in_reply_to="<p@x>",
        references=("<q@x>", "<p@x>"),
        to=(JOE,),
        cc=(Address("c@example.org", "C"),),
        reply_to=Address("r@example.org"),
        date=NOW - HOUR,
        html="<p>It burns.</p>",
        attachments=(file,),
        fingerprint="f",
        defects=("no date",),
    )
    [number] = do(store, Append(1, kept)).entries
    found = look(store, tickets=(1,)).tickets[1].entries[-1]
    assert found.id == number
    assert found.attachments[0].filename == "a.pdf"
    assert found.attachments[0].content == b""
    assert found == entry(
        **{
            name: getattr(kept, name)
            for name in kept.__dataclass_fields__
            if name not in {"id", "attachments"}
        },
        id=number,
        attachments=found.attachments,
    )


def test_only_the_newest_twenty_entries_are_read_oldest_first(store: Store) -> None:
    opened(store)
    do(store, *(Append(1, entry(text=str(number))) for number in range(30)))
    texts = [kept.text for kept in look(store, tickets=(1,)).tickets[1].entries]
    assert texts == [str(number) for number in range(10, 30)]


def test_signed_ids_stored_ids_and_numbers_lead_to_their_tickets(store: Store) -> None:
    for _ in range(4):
        opened(store)
    context = look(store, signed=(signed(1),), ids=("<first2@example.com>", "<none@x>"), tickets=(3, 99))
    assert set(context.tickets) == {1, 2, 3}
    assert context.stored == {"<first2@example.com>": (2,)}


def test_a_merged_number_leads_to_where_it_went(store: Store) -> None:
    for _ in range(3):
        opened(store)
    do(store, Save(ticket(1, merged_into=2)), MoveMessages(1, 2))
    do(store, Save(ticket(2, merged_into=3)), MoveMessages(2, 3))
    context = look(store, tickets=(1,), ids=("<first1@example.com>",))
    assert context.tickets[1].ticket.id == 3
    assert context.tickets[3].ticket.id == 3
    assert context.stored == {"<first1@example.com>": (3,)}
    assert [kept.message_id for kept in context.tickets[1].entries] == [
        "<first1@example.com>",
        "<first2@example.com>",
        "<first3@example.com>",
    ]


def test_a_ring_of_merges_ends(store: Store) -> None:
    opened(store)
    opened(store)
    do(store, Save(ticket(1, merged_into=2)), Save(ticket(2, merged_into=1)))
    assert set(look(store, tickets=(1,)).tickets) >= {1}


def test_one_id_on_two_tickets_names_both(store: Store) -> None:
    for _ in range(2):
        opened(store)
    do(store, Append(1, entry(message_id="<same@x>")), Append(2, entry(message_id="<same@x>")))
    assert look(store, ids=("<same@x>",)).stored == {"<same@x>": (1, 2)}


def test_issued_tokens_are_found_exactly(store: Store) -> None:
    opened(store)
    do(store, Send(outgoing(1)))
    context = look(store, signed=(signed(1, "causeaaa"), signed(1, "causeaaa", "n"), signed(2, "causeaaa")))
    [issued] = context.issued.values()
    assert set(context.issued) == {(1, "r", "causeaaa")}
    assert (issued.token.recipient, issued.revoked, issued.issued_at) == (ANNA, False, NOW)
    do(store, Revoke(issued.token))
    assert look(store, signed=(signed(1, "causeaaa"),)).issued[1, "r", "causeaaa"].revoked


def test_a_token_knows_the_newest_message_it_told_of(store: Store) -> None:
    opened(store)
    [number] = do(store, Send(outgoing(1)), Append(1, entry())).entries
    do(store, Append(1, entry()))
    assert look(store, signed=(signed(1, "causeaaa"),)).issued[1, "r", "causeaaa"].last_message == number


def test_a_root_id_needs_no_row(store: Store) -> None:
    opened(store)
    context = look(store, signed=(signed(1, "", ""),))
    assert set(context.tickets) == {1}
    assert context.issued == {}


def test_an_expected_id_is_known_until_it_arrives(store: Store) -> None:
    opened(store)
    do(store, Expect(1, ("<late@x>", "<late@x>"), JANE.key, "support"))
    assert look(store, message_id="<late@x>", author=JANE.key).expecting == (1,)
    assert set(look(store, message_id="<late@x>", author=JANE.key).tickets) == {1}
    assert look(store, message_id="<late@x>", author=JOE.key).expecting == ()
    with store.begin() as tx:
        tx.context(clues(message_id="<late@x>", author=JANE.key), NOW)
        tx.apply([Append(1, entry(message_id="<late@x>"))], NOW)
    assert look(store, message_id="<late@x>", author=JANE.key).expecting == ()


def test_a_known_mail_says_where_it_went(store: Store) -> None:
    number = opened(store)
    first, second = take(store, 1, 2)
    with store.begin() as tx:
        tx.context(clues(fingerprint="f", message_id="<m@x>"), NOW, first)
        tx.apply([concluded(Outcome.TICKET, ticket=number)], NOW, first)
    context = look(store, fingerprint="f", ledger_id=second)
    assert context.known == Known(number, "support")
    assert set(context.tickets) == {number}
    assert look(store, fingerprint="f", ledger_id=first).known is None


def test_last_customer_is_the_newest_person_who_takes_part(store: Store) -> None:
    opened(store)
    jane = do(store, Append(1, entry(message_id="<j@x>"))).entries[0]
    do(store, Append(1, entry(author=JOE)), Append(1, entry(verdict=Verdict.VACATION, kind=Kind.AUTOMATIC)))
    do(store, *(Append(1, entry(Kind.NOTE, Address(ANNA))) for _ in range(25)))
    last = look(store, tickets=(1,)).tickets[1].last_customer
    assert last is not None
    assert last.id == jane


def test_where_no_person_wrote_the_mail_that_began_it_is_last_customer(store: Store) -> None:
    do(store, Save(ticket(1)), Append(1, entry(message_id="<a@x>", verdict=Verdict.BULK)))
    do(store, Append(1, entry(message_id="<b@x>", verdict=Verdict.BULK)))
    last = look(store, tickets=(1,)).tickets[1].last_customer
    assert last is not None
    assert last.message_id == "<a@x>"


def test_agents_who_took_part_are_named_however_long_ago(store: Store) -> None:
    opened(store)
    do(store, Append(1, entry(Kind.NOTE, Address(BOB))), Append(1, entry(Kind.REPLY, Address(ANNA))))
    assert look(store, tickets=(1,)).tickets[1].note_agents == (ANNA, BOB)
    do(store, *(Append(1, entry()) for _ in range(30)))
    assert look(store, tickets=(1,)).tickets[1].note_agents == (ANNA, BOB)


def test_reopenings_of_the_last_hour_are_counted(store: Store) -> None:
    opened(store)
    reopening = Record(1, "status", before="solved", after="open")
    do(store, reopening, now=NOW - 2 * HOUR)
    do(store, reopening, Record(1, "status", before="pending", after="open"), now=NOW - HOUR / 2)
    do(store, reopening, now=NOW)
    assert look(store, tickets=(1,)).tickets[1].reopened == 2


def test_mails_that_wait_are_named_with_their_author(store: Store) -> None:
    opened(store)
    do(
        store,
        Send(outgoing(1, "a@x.test", "b@x.test", kind=MailKind.REPLY, author=ANNA)),
        Send(outgoing(1, cause="n")),
    )
    assert look(store, tickets=(1,)).tickets[1].waiting == ((ANNA, "<cause@example.com>"),)
    with store.begin() as tx:
        for row in tx.claim("support", NOW):
            tx.settle(row.id, "sent", NOW)
    assert look(store, tickets=(1,)).tickets[1].waiting == ()


def test_what_an_agent_changed_last_can_be_restored(store: Store) -> None:
    opened(store)
    do(store, Record(1, "status", ANNA, "open", "solved"), Record(1, "assignee", ANNA, None, BOB))
    do(store, Record(1, "status", BOB, "solved", "pending"))
    do(store, Record(1, "status", ANNA, "pending", "open"))
    past = look(store, tickets=(1,)).tickets[1]
    assert past.restore == {ANNA: {"status": "pending"}}  # Bob's is overtaken by Anna's
    assert {ANNA, BOB} <= past.changed.keys()


def test_what_was_taken_back_is_not_taken_back_again(store: Store) -> None:
    opened(store)
    do(store, Record(1, "status", ANNA, "open", "solved"))
    do(store, Record(1, "undo", ANNA), Record(1, "status", ANNA, "solved", "open"))
    assert look(store, tickets=(1,)).tickets[1].restore == {}


def test_the_oldest_value_of_a_batch_is_restored(store: Store) -> None:
    opened(store)
    do(
        store,
        Record(1, "status", ANNA, Status.OPEN, Status.PENDING),
        Record(1, "status", ANNA, Status.PENDING, Status.SOLVED),
        Record(1, "assignee", ANNA, None, ANNA),
    )
    assert look(store, tickets=(1,)).tickets[1].restore[ANNA] == {"status": "open", "assignee": None}


def test_a_blocked_address_is_known_whatever_its_case(store: Store) -> None:
    do(store, Block("Jane@EXAMPLE.com"))
    assert look(store, author=JANE.key).blocked
    do(store, Block("jane@example.com", blocked=False))
    assert not look(store, author=JANE.key).blocked


def test_budgets_count_acknowledgements_to_the_author(store: Store) -> None:
    opened(store)
    for hours, cause in ((30, "old"), (5, "today"), (0.5, "now")):
        ack = outgoing(1, "Jane@example.com", cause=cause, kind=MailKind.ACKNOWLEDGEMENT)
        do(store, Send(ack), now=NOW - hours * HOUR)
    do(store, Send(outgoing(1, "jane@example.com", cause="reply", kind=MailKind.REPLY)))
    context = look(store, author=JANE.key)
    assert (context.acks_last_hour, context.automatic_last_day) == (1, 2)
    assert look(store, author=JOE.key).automatic_last_day == 0


def test_a_bounce_is_matched_with_what_was_mailed(store: Store) -> None:
    number = opened(store)
    do(store, Send(outgoing(number, "a@x.test", "b@x.test", kind=MailKind.REPLY, author=ANNA)))
    context = look(store, bounced=("<cause@example.com>", "<none@x>"))
    assert [(mail.recipient, mail.kind, mail.author) for mail in context.mailed] == [
        ("a@x.test", MailKind.REPLY, ANNA),
        ("b@x.test", MailKind.REPLY, ANNA),
    ]
    assert set(context.tickets) == {number}


def test_a_question_names_its_items(store: Store) -> None:
    items = tuple(take(store, 1, 2))
    question = token(0, "qqqqqqqq", purpose=Purpose.QUESTION)
    do(store, Send(outgoing(0, cause="ask", kind=MailKind.QUESTION, token=question, items=items)))
    context = look(store, signed=(signed(0, "qqqqqqqq", "q"),))
    assert context.asked == items
    assert context.issued[0, "q", "qqqqqqqq"].token == question


def test_folders_are_listed_for_the_agent_who_asks(store: Store) -> None:
    opened(store, assignee=ANNA)
    opened(store, assignee=BOB)
    opened(store)
    context = look(store, folders=("my-open", "unassigned", "all-open"), agent=ANNA, author=ANNA)
    assert {name: [each.id for each in found] for name, found in context.folders.items()} == {
        "my-open": [1],
        "unassigned": [3],
        "all-open": [1, 2, 3],
    }


def test_what_was_acknowledged_is_told_where_it_is_asked_for(store: Store) -> None:
    with store.begin() as tx:
        tx.apply(
            [
                Save(ticket(requester=JANE)),
                Send(outgoing(1, "lee@example.org", kind=MailKind.ACKNOWLEDGEMENT)),
            ],
            NOW,
        )
        asked = clues(author=JANE.key, acknowledges=True)
        past = tx.context(asked, NOW + HOUR / 2)
        assert (past.acknowledged, past.subjects_last_day) == (("lee@example.org",), ("Printer on fire",))
        later = tx.context(asked, NOW + 25 * HOUR)
        assert (later.acknowledged, later.subjects_last_day) == ((), ())
        assert tx.context(clues(author=JANE.key), NOW).acknowledged == ()
