"""A desk with very many tickets (SQLite): the first page of a list, a search, a tick of the SLA clock."""

from __future__ import annotations

import shutil
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Table, insert, text

from tests.bench.process import megabytes, timed
from tests.servers.process import new_directory
from ticketd.collect.timed import run_due
from ticketd.decide.deadlines.clock import Clock
from ticketd.decide.model import Address, Entry, Kind, Status, Ticket
from ticketd.decide.policy import Agent, Mailbox, Policy, Sla
from ticketd.store import Store, Transaction
from ticketd.store.cases import message
from ticketd.store.cases import ticket as ticket_table
from ticketd.store.values import entry_to_row, ticket_to_row
from ticketd.texts_files import load as load_texts

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
AGENTS = ("anna@example.com", "bob@example.com")
FOLDERS = {
    "all open": {"folder": "all-open"},
    "unassigned": {"folder": "unassigned"},
    "my open": {"folder": "my-open", "agent": AGENTS[0]},
    "all": {"folder": "all"},
}
SEARCHES = {
    "a word of 20 tickets": "rare77",
    "two words": "printer rare77",
    "a word of every ticket": "printer",
}
_COUNTED = "WITH RECURSIVE counted(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM counted WHERE n < :count) "


def listing(count: int) -> dict[str, Any]:
    """Milliseconds until the first page (100 tickets) of ``count`` is there, by what is asked for."""
    with _store() as store:
        with timed() as filling, store.begin("bench") as tx:
            _fill(tx, count, _ticket(), status="CASE n % 4 WHEN 0 THEN 'open' ELSE 'solved' END")
            _fill_messages(tx, count)
        asked = FOLDERS | {name: {"folder": "all", "search": words} for name, words in SEARCHES.items()}
        return {
            "filling": filling.wall,
            "size": store.path.stat().st_size / 1e6 if store.path else 0,
            **{name: _milliseconds(store, **arguments) for name, arguments in asked.items()},
        }


def tick(count: int, overdue: int) -> dict[str, float]:
    """Seconds that a tick takes with ``count`` open tickets, of which some are overdue since long.

    The first tick tells of them; the one that is measured has nothing to tell any more.
    """
    policy = _policy()
    with _store() as store:
        with store.begin("bench") as tx:
            # the others are due far enough ahead that nobody is reminded yet
            due = f"printf('%+d minutes', CASE WHEN n <= {overdue} THEN -n ELSE n + 120 END)"
            due = f"strftime('%Y-%m-%d %H:%M:%S.000000', '{NOW:%Y-%m-%d %H:%M}', {due})"
            _fill(tx, count, _ticket(first_reply_due_at=NOW + timedelta(days=1)), due=due, status="'open'")
        with timed() as first:
            told = run_due(store, policy, NOW)["due"]
        before = megabytes(field="VmRSS")
        with timed() as second:
            run_due(store, policy, NOW + timedelta(seconds=30))
        return {"told": told, "first": first.wall, "tick": second.wall, "more": megabytes() - before}


@contextmanager
def _store() -> Iterator[Store]:
    directory = new_directory("bench")
    store = Store.open(f"sqlite:///{Path(directory) / 'ticketd.db'}")
    try:
        store.migrate()
        yield store
    finally:
        store.close()
        shutil.rmtree(directory)


def _ticket(**fields: Any) -> Ticket:
    jane = Address("jane@customers.example", "Jane Doe")
    clock = Clock(reply="first", reply_from=NOW).to_json()
    return Ticket(
        id=1,
        subject="The printer is on fire",
        mailbox="support",
        created_at=NOW,
        updated_at=NOW,
        requester=jane,
        participants=(jane,),
        status=Status.OPEN,
        clock=clock,
        **fields,
    )


def _fill(tx: Transaction, count: int, first: Ticket, *, status: str, due: str | None = None) -> None:
    """``count`` tickets like the first one, differing in number, time, people and state."""
    tx.connection.execute(insert(ticket_table), ticket_to_row(first))
    changed = {
        "id": "n",
        "subject": "subject || ' (' || n || ')'",
        "status": status,
        "folder": status,
        "assignee": f"CASE n % 5 WHEN 0 THEN '{AGENTS[0]}' WHEN 1 THEN '{AGENTS[1]}' ELSE '' END",
        "rank": "n % 10 > 0",
        "requester_key": "'customer' || n || '@customers.example'",
        "updated_at": "strftime('%Y-%m-%d %H:%M:%S.000000', updated_at, '-' || n || ' seconds')",
    }
    if due:
        changed |= {"first_reply_due_at": due, "due_sort": due}
    _copy(tx, ticket_table, changed, count)
    tx.connection.execute(text("UPDATE desk SET next_ticket = :next"), {"next": count + 1})


def _fill_messages(tx: Transaction, count: int) -> None:
    """One message a ticket: words of its own, and one that only twenty others have."""
    jane = Address("jane@customers.example", "Jane Doe")
    said = "My printer is on fire, please help. " * 3
    entry = Entry(kind=Kind.CUSTOMER, author=jane, text=said, new_text=said, at=NOW, subject="The printer")
    tx.connection.execute(insert(message), entry_to_row(1, entry, None))
    own = f"text || 'own' || n || ' rare' || (n % {max(1, count // 20)})"
    _copy(tx, message, {"id": "n", "ticket": "n", "text": own}, count)
    index = "INSERT INTO search_message (rowid, subject, addresses, body)"
    tx.connection.execute(text(f"{index} SELECT id, subject, author_address, text FROM message"))


def _copy(tx: Transaction, table: Table, changed: dict[str, str], count: int) -> None:
    """The table's first row again and again, some columns given by expressions of ``n``."""
    names = ", ".join(f'"{column.name}"' for column in table.c)
    values = ", ".join(changed.get(column.name, f'"{column.name}"') for column in table.c)
    rows = f"{_COUNTED} SELECT {values} FROM {table.name}, counted WHERE id = 1"
    tx.connection.execute(text(f"INSERT INTO {table.name} ({names}) {rows}"), {"count": count})


def _milliseconds(store: Store, **arguments: Any) -> float:
    """The median of five, each on a moment of its own."""
    taken = []
    for _ in range(5):
        with timed() as watch, store.view() as view:
            assert view.list_tickets(**arguments), arguments
        taken.append(1000 * watch.wall)
    return statistics.median(taken)


def _policy() -> Policy:
    agents = [Agent(name=address.partition("@")[0], address=address) for address in AGENTS]
    return Policy(
        name="Example Help Desk",
        instance="abcdefgh234567ab",
        keys=(b"k" * 32,),
        mailboxes={"support": Mailbox(name="support", address="support@example.com")},
        agents={agent.name: agent for agent in agents},
        sla=Sla(),
        texts=load_texts(),
    )
