"""Lists stay fast at a million tickets: an index gives each folder in its order, nothing is sorted."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Select, text

from tests.store.given import ANNA
from ticketd.store import Store
from ticketd.store.folders import folder_query
from ticketd.store.tables import BUDGETED, FAILED, LIVE


def plan(store: Store, query: Select[Any] | str) -> str:
    """SQLite's plan for a query, as it would be without statistics."""
    with store.view() as view:
        if not isinstance(query, str):
            dialect = view.connection.dialect
            query = str(query.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
        return " / ".join(row[3] for row in view.connection.execute(text(f"EXPLAIN QUERY PLAN {query}")))


@pytest.mark.parametrize(
    ("arguments", "index"),
    [
        (("unassigned",), "ix_ticket_assignee"),
        (("my-open", ANNA), "ix_ticket_assignee"),
        (("all-open",), "ix_ticket_folder"),
        (("pending",), "ix_ticket_folder"),
        (("solved",), "ix_ticket_folder"),
        (("spam",), "ix_ticket_folder"),
        (("all",), "ix_ticket_listed"),
        (("pending", ANNA), "ix_ticket_assignee"),
        (("solved", None, "support"), "ix_ticket_mailbox"),
        (("all-open", None, "support"), "ix_ticket_mailbox"),
    ],
)
def test_a_folder_is_read_in_its_order(sqlite_store: Store, arguments: tuple[Any, ...], index: str) -> None:
    found = plan(sqlite_store, folder_query(*arguments))
    assert index in found
    assert "TEMP B-TREE" not in found


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (
            "SELECT id FROM ledger WHERE outcome = 'received' AND mailbox = 'm' ORDER BY id",
            "ix_ledger_outcome",
        ),
        ("SELECT outcome, mailbox, count(*) FROM ledger GROUP BY outcome, mailbox", "COVERING INDEX"),
        ("SELECT id FROM ledger WHERE agent = 'a'", "ix_ledger_agent"),
        ("SELECT id FROM ledger WHERE fingerprint = 'f' ORDER BY id", "ix_ledger_fingerprint"),
        (f"SELECT id FROM outbox WHERE mailbox = 'm' AND {LIVE} ORDER BY rank, id", "ix_outbox_live"),
        ("SELECT id FROM message WHERE ticket = 1 ORDER BY id DESC LIMIT 20", "ix_message_ticket"),
        ("SELECT ticket FROM message WHERE message_id IN ('a', 'b')", "ix_message_message_id"),
        ("SELECT max(batch) FROM event WHERE ticket = 1", "ix_event_ticket"),
        (
            f"SELECT 1 FROM outbox WHERE {BUDGETED} AND recipient_key = 'a' AND kind = 'k'",
            "ix_outbox_budget",
        ),
        (f"SELECT id FROM outbox WHERE {LIVE} AND ticket = 1 AND state = 'waiting'", "ix_outbox_ticket"),
        (f"SELECT count(*) FROM outbox WHERE {FAILED}", "ix_outbox_failed"),
        (
            "SELECT id FROM ticket WHERE folder = 'open' AND rank IN (0, 1) AND due_sort < 'x'",
            "ix_ticket_folder",
        ),
        ("SELECT id FROM ticket WHERE snoozed_until <= 'x'", "ix_ticket_snoozed"),
    ],
)
def test_the_hot_path_searches_by_index(sqlite_store: Store, query: str, index: str) -> None:
    found = plan(sqlite_store, query)
    assert index in found
    for whole in ("ledger USING COVERING INDEX", f"outbox USING INDEX {index}"):  # they are to be read whole
        found = found.replace(f"SCAN {whole}", "")
    assert "SCAN" not in found
    assert "TEMP B-TREE" not in found
