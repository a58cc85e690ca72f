"""The first schema: ledger, outbox, tickets, and full text in the way of either database.

Written out in full: a later change of the row classes must not change the past.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.DateTime(timezone=True)

_SEARCH = {
    "sqlite": (
        "CREATE VIRTUAL TABLE search_message USING fts5"
        "(subject, addresses, body, content='', columnsize=0, tokenize='unicode61 remove_diacritics 2')",
        # Merge its segments later, and more of them at a time: the hot path writes less.
        "INSERT INTO search_message (search_message, rank) VALUES ('automerge', 8)",
        "CREATE VIRTUAL TABLE search_ticket USING fts5"
        "(subject, addresses, tokenize='unicode61 remove_diacritics 2')",
    ),
    "postgresql": (
        "CREATE TABLE search_message (id bigint PRIMARY KEY, document tsvector NOT NULL)",
        "CREATE TABLE search_ticket (id bigint PRIMARY KEY, document tsvector NOT NULL)",
        "CREATE INDEX ix_search_message ON search_message USING gin (document)",
        "CREATE INDEX ix_search_ticket ON search_ticket USING gin (document)",
    ),
}


def upgrade() -> None:
    """Make all tables."""
    op.create_table(
        "alert",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("mailbox", sa.Text(), nullable=False),
        sa.Column("told_at", _TIME, nullable=False),
        sa.Column("seen_at", _TIME, nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "mailbox", name="pk_alert"),
    )
    op.create_table(
        "blob",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_blob"),
    )
    op.create_table(
        "block",
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("address", name="pk_block"),
    )
    op.create_table(
        "desk",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("instance", sa.Text(), nullable=False),
        sa.Column("signing_key", sa.LargeBinary(), nullable=False),
        sa.Column("previous_keys", sa.Text(), nullable=False),
        sa.Column("next_ticket", sa.BigInteger(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("alive_at", _TIME, nullable=True),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("copied_at", _TIME, nullable=True),
        sa.Column("restored_at", _TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_desk"),
    )
    op.create_table(
        "expectation",
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("requester", sa.Text(), nullable=False),
        sa.Column("mailbox", sa.Text(), nullable=False),
        sa.Column("ticket", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("message_id", "requester", "mailbox", "ticket", name="pk_expectation"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "ledger",
        sa.Column("id", _ID, nullable=False),
        sa.Column("mailbox", sa.Text(), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("uidvalidity", sa.BigInteger(), nullable=False),
        sa.Column("uid", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("internal_date", _TIME, nullable=True),
        sa.Column("seen_at", _TIME, nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("released", sa.Text(), nullable=True),
        sa.Column("ticket", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("traceback", sa.Text(), nullable=True),
        sa.Column("agent", sa.Text(), nullable=True),
        sa.Column("message_id", sa.Text(), nullable=True),
        sa.Column("fingerprint", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("concluded_at", _TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_ledger"),
    )
    op.create_index(
        "ix_ledger_agent",
        "ledger",
        ["agent"],
        unique=False,
        sqlite_where=sa.text("agent IS NOT NULL"),
        postgresql_where=sa.text("agent IS NOT NULL"),
    )
    op.create_index("ix_ledger_fingerprint", "ledger", ["fingerprint"], unique=False)
    op.create_index("ix_ledger_outcome", "ledger", ["outcome", "mailbox", "id"], unique=False)
    op.create_index("ix_ledger_sha256", "ledger", ["sha256"], unique=False)
    op.create_index("uq_ledger_uid", "ledger", ["mailbox", "folder", "uidvalidity", "uid"], unique=True)
    op.create_table(
        "mailbox",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("folder", sa.Text(), nullable=True),
        sa.Column("uidvalidity", sa.BigInteger(), nullable=True),
        sa.Column("last_uid", sa.BigInteger(), nullable=False),
        sa.Column("rescan_uid", sa.BigInteger(), nullable=False),
        sa.Column("floor_uidvalidity", sa.BigInteger(), nullable=True),
        sa.Column("floor_uid", sa.BigInteger(), nullable=False),
        sa.Column("floor_at", _TIME, nullable=True),
        sa.Column("imported_from", sa.Text(), nullable=True),
        sa.Column("last_poll_at", _TIME, nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("last_error_at", _TIME, nullable=True),
        sa.Column("held_until", _TIME, nullable=True),
        sa.Column("held_reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("name", name="pk_mailbox"),
    )
    op.create_table(
        "notice",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_notice"),
    )
    op.create_table(
        "outgoing",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_outgoing"),
    )
    op.create_table(
        "question",
        sa.Column("serial", sa.Text(), nullable=False),
        sa.Column("item", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("serial", "item", name="pk_question"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_question_item", "question", ["item"], unique=False)
    op.create_table(
        "raw_mail",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_raw_mail"),
    )
    op.create_table(
        "refusal",
        sa.Column("mailbox", sa.Text(), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("uidvalidity", sa.BigInteger(), nullable=False),
        sa.Column("uid", sa.BigInteger(), nullable=False),
        sa.Column("polls", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("mailbox", "folder", "uidvalidity", "uid", name="pk_refusal"),
    )
    op.create_table(
        "ticket",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("mailbox", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("priority", sa.Text(), nullable=False),
        sa.Column("assignee", sa.Text(), nullable=False),
        sa.Column("requester_address", sa.Text(), nullable=True),
        sa.Column("requester_name", sa.Text(), nullable=True),
        sa.Column("requester_key", sa.Text(), nullable=True),
        sa.Column("participants", sa.Text(), nullable=False),
        sa.Column("suggested", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=True),
        sa.Column("clock", sa.Text(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("updated_at", _TIME, nullable=False),
        sa.Column("first_replied_at", _TIME, nullable=True),
        sa.Column("first_reply_due_at", _TIME, nullable=True),
        sa.Column("next_reply_due_at", _TIME, nullable=True),
        sa.Column("solve_due_at", _TIME, nullable=True),
        sa.Column("solved_at", _TIME, nullable=True),
        sa.Column("snoozed_until", _TIME, nullable=True),
        sa.Column("merged_into", sa.BigInteger(), nullable=True),
        sa.Column("spam", sa.Boolean(), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("listed", sa.Boolean(), nullable=False),
        sa.Column("rank", sa.BigInteger(), nullable=False),
        sa.Column("due_sort", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ticket"),
    )
    op.create_index(
        "ix_ticket_assignee",
        "ticket",
        ["folder", "assignee", "rank", "due_sort", "updated_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_ticket_folder", "ticket", ["folder", "rank", "due_sort", "updated_at", "id"], unique=False
    )
    op.create_index(
        "ix_ticket_listed", "ticket", ["listed", "rank", "due_sort", "updated_at", "id"], unique=False
    )
    op.create_index(
        "ix_ticket_mailbox",
        "ticket",
        ["mailbox", "folder", "rank", "due_sort", "updated_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_ticket_snoozed",
        "ticket",
        ["snoozed_until"],
        unique=False,
        sqlite_where=sa.text("snoozed_until IS NOT NULL"),
        postgresql_where=sa.text("snoozed_until IS NOT NULL"),
    )
    op.create_table(
        "token",
        sa.Column("serial", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("ticket", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("revoked", sa.Boolean(), nullable=False),
        sa.Column("issued_at", _TIME, nullable=False),
        sa.Column("last_message", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("serial", "purpose", "ticket", name="pk_token"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "event",
        sa.Column("id", _ID, nullable=False),
        sa.Column("ticket", sa.BigInteger(), nullable=False),
        sa.Column("batch", sa.BigInteger(), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["ticket"], ["ticket.id"], name="fk_event_ticket"),
        sa.PrimaryKeyConstraint("id", name="pk_event"),
    )
    op.create_index("ix_event_ticket", "event", ["ticket", "id"], unique=False)
    op.create_table(
        "message",
        sa.Column("id", _ID, nullable=False),
        sa.Column("ticket", sa.BigInteger(), nullable=False),
        sa.Column("ledger", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("author_address", sa.Text(), nullable=False),
        sa.Column("author_name", sa.Text(), nullable=False),
        sa.Column("author_key", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("new_text", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=True),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("message_id", sa.Text(), nullable=True),
        sa.Column("in_reply_to", sa.Text(), nullable=True),
        sa.Column("references", sa.Text(), nullable=False),
        sa.Column("to", sa.Text(), nullable=False),
        sa.Column("cc", sa.Text(), nullable=False),
        sa.Column("reply_to", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("date", _TIME, nullable=True),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("bounce", sa.Text(), nullable=True),
        sa.Column("fingerprint", sa.Text(), nullable=True),
        sa.Column("defects", sa.Text(), nullable=False),
        sa.Column("files", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["ticket"], ["ticket.id"], name="fk_message_ticket"),
        sa.PrimaryKeyConstraint("id", name="pk_message"),
    )
    op.create_index("ix_message_message_id", "message", ["message_id"], unique=False)
    op.create_index("ix_message_ticket", "message", ["ticket", "id"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("id", _ID, nullable=False),
        sa.Column("dedupe", sa.Text(), nullable=False),
        sa.Column("ticket", sa.BigInteger(), nullable=False),
        sa.Column("mailbox", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("rank", sa.BigInteger(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("recipient_key", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=True),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("doubts", sa.BigInteger(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("next_attempt_at", _TIME, nullable=False),
        sa.Column("lease_until", _TIME, nullable=True),
        sa.Column("last_attempt_at", _TIME, nullable=True),
        sa.Column("sent_at", _TIME, nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("response", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["sha256"], ["outgoing.sha256"], name="fk_outbox_sha256"),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
    )
    op.create_index(
        "ix_outbox_budget",
        "outbox",
        ["recipient_key", "kind", "created_at"],
        unique=False,
        sqlite_where=sa.text("kind IN ('acknowledgement', 'question')"),
        postgresql_where=sa.text("kind IN ('acknowledgement', 'question')"),
    )
    op.create_index(
        "ix_outbox_failed",
        "outbox",
        ["created_at"],
        unique=False,
        sqlite_where=sa.text("state = 'failed'"),
        postgresql_where=sa.text("state = 'failed'"),
    )
    op.create_index(
        "ix_outbox_live",
        "outbox",
        ["mailbox", "rank", "id"],
        unique=False,
        sqlite_where=sa.text("state IN ('waiting', 'unsure')"),
        postgresql_where=sa.text("state IN ('waiting', 'unsure')"),
    )
    op.create_index("ix_outbox_message_id", "outbox", ["message_id"], unique=False)
    op.create_index(
        "ix_outbox_ticket",
        "outbox",
        ["ticket"],
        unique=False,
        sqlite_where=sa.text("state IN ('waiting', 'unsure')"),
        postgresql_where=sa.text("state IN ('waiting', 'unsure')"),
    )
    op.create_index(
        "ix_outbox_acknowledged",
        "outbox",
        ["created_at"],
        unique=False,
        sqlite_where=sa.text("kind = 'acknowledgement'"),
        postgresql_where=sa.text("kind = 'acknowledgement'"),
    )
    op.create_index("uq_outbox_dedupe", "outbox", ["dedupe"], unique=True)
    op.create_table(
        "attachment",
        sa.Column("message", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("inline", sa.Boolean(), nullable=False),
        sa.Column("content_id", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["message"], ["message.id"], name="fk_attachment_message"),
        sa.ForeignKeyConstraint(["sha256"], ["blob.sha256"], name="fk_attachment_sha256"),
        sa.PrimaryKeyConstraint("message", "position", name="pk_attachment"),
    )
    for statement in _SEARCH[op.get_bind().dialect.name]:
        op.execute(statement)
