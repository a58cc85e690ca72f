"""Forgetting a person, and dropping raw mails: nothing of them is left, the counts are."""

from datetime import timedelta

import pytest
from sqlalchemy import inspect, text

from tests.store.given import NOW
from ticketd.decide.effects import Append, Block, Conclude, MailKind, Record, Save, Send
from ticketd.decide.model import Address, Attachment, Kind, Outcome
from ticketd.store import Received, Store
from ticketd.store.scrub import scrub

from .given import JANE, JOE, do, entry, look, outgoing, ticket

SECRET = "It burns in Marigold Lane."


def given_conversation(store: Store) -> None:
    """Jane's ticket with a file and a reply, and Joe's in which she takes part."""
    joe = ticket(2, requester=JOE, participants=(JOE, JANE), suggested=(Address("lee@example.org"),))
    with store.begin() as tx:
        tx.mailbox_state("support")
        (first, second) = tx.receive(
            "support",
            "INBOX",
            1,
            [Received(1, NOW, 9, SECRET.encode()), Received(2, NOW, 9, b"from Joe")],
            NOW,
        )
        tx.lock_desk()
        said = entry(text=SECRET, attachments=(Attachment("fire.txt", "text/plain", SECRET.encode()),))
        tx.apply(
            [
                Save(ticket()),
                Append(1, said),
                Record(1, "created", detail=f"by {JANE.key}"),
                Send(outgoing(1, content=f"Subject: x\r\n\r\n| {SECRET}\r\n".encode())),
                Conclude(Outcome.TICKET, 1),
            ],
            NOW,
            first,
        )
        tx.apply([Append(1, entry(Kind.REPLY, JOE, "Hello Jane of Marigold Lane."))], NOW)
        tx.apply(
            [Save(joe), Append(2, entry(author=JOE, text="Mine, too.")), Conclude(Outcome.TICKET, 2)],
            NOW,
            second,
        )
        tx.apply([Append(2, entry(text=f"Joe, {SECRET}"))], NOW)
        tx.connection.execute(text("UPDATE outbox SET state = 'sent'"))


def everything(store: Store) -> str:
    """The whole database as text."""
    with store.view() as view:
        names = inspect(view.connection).get_table_names()
        kept = [name for name in names if not name.startswith("search_") and name != "desk"]
        rows = [view.connection.execute(text(f"SELECT * FROM {name}")).all() for name in kept]
    return repr(rows).lower()


def test_nothing_of_the_person_is_left_and_the_counts_are(store: Store) -> None:
    given_conversation(store)
    assert "marigold" in everything(store)
    with store.view() as view:
        assert len(view.list_tickets("all", search="Marigold")) == 2
    with store.begin() as tx:
        forgotten = tx.forget(JANE.key)
    assert (forgotten.tickets, forgotten.messages, forgotten.raw_mails) == (2, 3, 1)
    left = everything(store)
    for trace in ("marigold", JANE.key, "jane doe", "fire.txt"):
        assert trace not in left
    with store.view() as view:
        assert view.list_tickets("all", search="Marigold") == []
        assert view.list_tickets("all", search="Jane") == []
        hers, his = view.ticket(1), view.ticket(2)
    assert hers["requester"] == {"address": None, "name": None}
    assert [one["kind"] for one in hers["messages"]] == ["customer", "reply"]
    assert [one["address"] for one in his["participants"]] == [JOE.address]
    assert his["messages"][0]["text"] == "Mine, too."


def given_joes_mail_to_jane(store: Store, body: str = "hello") -> None:
    """Joe's ticket, opened by a mail that went to Jane, too; the desk answered both."""
    raw = f"From: joe@example.org\r\nCc: Jane Doe <{JANE.address}>\r\n\r\n{body}\r\n".encode()
    joe = ticket(1, requester=JOE, participants=(JOE,), subject="About toner")
    said = entry(author=JOE, text=body, cc=(JANE, Address("lee@example.org")))
    to_both = outgoing(1, JOE.address, JANE.address, kind=MailKind.REPLY, content=raw)
    with store.begin() as tx:
        (first,) = tx.receive("support", "INBOX", 1, [Received(1, NOW, 9, raw)], NOW)
        tx.lock_desk()
        tx.apply([Save(joe), Append(1, said), Send(to_both), Conclude(Outcome.TICKET, 1)], NOW, first)
        tx.apply([Record(1, "perhaps", detail=f"{JANE.address} is new")], NOW)


def test_whoever_was_only_in_cc_is_struck_from_what_others_wrote(store: Store) -> None:
    given_joes_mail_to_jane(store, f"{JANE.address} and not-{JANE.address}, toner please")
    with store.begin() as tx:
        tx.connection.execute(text("UPDATE outbox SET state = 'sent'"))
        forgotten = tx.forget(JANE.key)
    assert (forgotten.tickets, forgotten.messages, forgotten.raw_mails, forgotten.waiting) == (1, 0, 1, 0)
    left = everything(store)
    assert left.count(JANE.key) == left.count(f"not-{JANE.key}") > 0
    assert "jane doe" not in left
    with store.view() as view:
        (message,) = view.ticket(1)["messages"]
        assert [one["address"] for one in message["cc"]] == ["lee@example.org"]
        assert message["text"].startswith("(forgotten) and not-")
        assert (message["author"]["address"], view.ticket(1)["subject"]) == (JOE.address, "About toner")
        assert [one["id"] for one in view.list_tickets("all", search="toner")] == [1]
        assert view.list_tickets("all", search="Jane Doe") == []
        assert not view.traces(JANE.key)


def test_what_waits_to_be_sent_is_told_and_goes_the_next_time(store: Store) -> None:
    """Joe gets his answer, whole; Jane no more."""
    given_joes_mail_to_jane(store)
    with store.begin() as tx:
        forgotten = tx.forget(JANE.key)
    assert forgotten.waiting == 1
    with store.view() as view:
        assert [(one["to"], one["state"]) for one in view.outbox()] == [
            (JOE.address, "waiting"),
            ("(forgotten)", "cancelled"),
        ]
        assert view.traces(JANE.key).mails.sent
    with store.begin() as tx:
        assert tx.connection.scalar(text("SELECT content FROM outgoing"))
        tx.connection.execute(text("UPDATE outbox SET state = 'sent' WHERE state = 'waiting'"))
        assert tx.forget(JANE.key).waiting == 0
    assert JANE.key not in everything(store)


def test_a_mail_set_aside_goes_if_it_is_theirs(store: Store) -> None:
    names = f"From: {{}}\r\nTo: support@example.com\r\n\r\n{JANE.address}\r\n"
    mails = [names.format(author).encode() for author in (JANE.address, JOE.address)]
    with store.begin() as tx:
        ids = tx.receive(
            "support", "INBOX", 1, [Received(n, NOW, 9, one) for n, one in enumerate(mails, 1)], NOW
        )
        for each in ids:
            tx.quarantine(each, "odd", NOW)
        forgotten = tx.forget(JANE.key)
    assert (forgotten.raw_mails, forgotten.waiting) == (1, 1)
    with store.view() as view:
        assert [row["outcome"] for row in view.ledger()] == ["ignored", "quarantined"]


def test_a_block_outlives_the_address(store: Store) -> None:
    do(store, Block(JANE.key))
    assert look(store, author=JANE.key).blocked
    with store.begin() as tx:
        forgotten = tx.forget(JANE.key)
    assert (forgotten.found, forgotten.blocked) == (True, True)
    assert JANE.key not in everything(store)
    assert look(store, author=JANE.key).blocked
    assert not look(store, author=JOE.key).blocked
    with store.view() as view:
        assert view.traces(JANE.key).blocked
    do(store, Block(JANE.key, blocked=False))
    assert not look(store, author=JANE.key).blocked
    with store.view() as view:
        assert not view.traces(JANE.key)


def test_a_forgotten_mail_does_not_come_back_with_a_rescan(store: Store) -> None:
    given_conversation(store)
    with store.begin() as tx:
        before = tx.connection.scalar(text("SELECT fingerprint FROM ledger WHERE id = 1"))
        tx.forget(JANE.key)
        after = tx.connection.execute(text("SELECT fingerprint, sha256 FROM ledger WHERE id = 1")).one()
    assert after.fingerprint == before
    assert after.sha256 is not None


def test_nobody_is_forgotten_by_a_part_of_their_address(store: Store) -> None:
    given_conversation(store)
    before = everything(store)
    with store.begin() as tx:
        assert tx.forget("ane@example.com").tickets == 0
        assert tx.forget("_ane@example.com").messages == 0
    assert everything(store) == before


def test_old_raw_mails_are_dropped_unless_they_wait(store: Store) -> None:
    given_conversation(store)
    with store.begin() as tx:
        tx.receive("support", "INBOX", 1, [Received(3, NOW, 9, b"waits")], NOW)
        assert tx.drop_raw(NOW - timedelta(days=1)) == 0
        assert tx.drop_raw(NOW + timedelta(days=1)) == 2
        assert tx.drop_raw(NOW + timedelta(days=1)) == 0
        kept = tx.connection.scalars(text("SELECT content FROM raw_mail")).all()
    assert [bytes(one) for one in kept] == [b"waits"]


def files_of(store: Store) -> bytes:
    """All bytes that stand in a SQLite database's files: the log and the shared memory too."""
    assert store.path is not None
    return b"".join(path.read_bytes() for path in store.path.parent.iterdir()).lower()


TRACES = (b"marigold", b"xylophone", JANE.key.encode(), b"jane doe", b"jane", b"fire.txt")


def given_a_year_of_mail(store: Store) -> None:
    """Jane's ticket within those of others, as many as make the index merge some of its segments."""
    for number in range(3, 43):
        lee = Address(f"lee{number}@example.org", f"Lee {number}")
        with store.begin() as tx:
            tx.lock_desk()
            about = f"word{number} marimba"
            tx.apply(
                [
                    Save(ticket(number, requester=lee, participants=(lee,))),
                    Append(number, entry(Kind.CUSTOMER, lee, about)),
                ],
                NOW,
            )
            if number % 5 == 0:
                tx.apply([Append(1, entry(text=f"xylophone{number} xylophone"))], NOW)


def test_no_byte_of_the_person_is_left_in_the_files(sqlite_store: Store) -> None:
    """FTS5 keeps deleted words in its segments, SQLite freed pages, and the log both."""
    given_conversation(sqlite_store)
    given_a_year_of_mail(sqlite_store)
    assert all(trace in files_of(sqlite_store) for trace in TRACES)
    with sqlite_store.begin() as tx:
        tx.forget(JANE.key)
    assert sqlite_store.scrub() is None
    assert [trace for trace in TRACES if trace in files_of(sqlite_store)] == []
    with sqlite_store.view() as view:
        assert len(view.list_tickets("all", search="marimba")) == 40
        assert [one["id"] for one in view.list_tickets("all", search="word7")] == [7]


def test_a_large_file_is_not_rewritten_and_that_is_said(sqlite_store: Store) -> None:
    given_conversation(sqlite_store)
    with sqlite_store.begin() as tx:
        tx.forget(JANE.key)
    assert sqlite_store.path is not None
    left = scrub(sqlite_store.path, sqlite_store._writing_alone, large=0)
    assert "VACUUM" in str(left)
    assert b"marigold" not in files_of(sqlite_store), "the index was merged all the same"


def test_whoever_reads_the_log_keeps_it_and_that_is_said(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ticketd.store.engine.BUSY_MS", 1)
    given_conversation(sqlite_store)
    with sqlite_store.view() as view:
        view.ticket(1)
        with sqlite_store.begin() as tx:
            tx.forget(JANE.key)
        assert "say it again later" in str(sqlite_store.scrub())
    assert sqlite_store.scrub() is None
    assert b"marigold" not in files_of(sqlite_store)
