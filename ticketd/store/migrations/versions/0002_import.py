"""How much of a folder is still to be read, and how many old mails the reading met."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Two counts a mailbox."""
    for name in ("to_fetch", "old_mails"):
        op.add_column("mailbox", sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))
