"""A table for OAuth 2 grants: what each mailbox signs in with."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "oauth_grant",
        sa.Column("mailbox", sa.Text(), nullable=False),
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("access_token", sa.Text(), nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("refresh_token", sa.Text(), nullable=True),
        sa.Column("refresh_expires_at", _TIME, nullable=True),
        sa.Column("obtained_at", _TIME, nullable=False),
        sa.Column("signed_in_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("mailbox", name="pk_oauth_grant"),
    )
