"""OAuth 2 grants, one a mailbox: kept before they are used, so that a rotated one is never lost.

Knows nothing of providers. What it keeps are secrets: no view, export or log shows them.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import delete, select, update

from ticketd.decide.grants import Grant
from ticketd.store.tables import grant
from ticketd.store.work import Work

_FIELDS = tuple(grant.c[name] for name in Grant.__dataclass_fields__)


class Granting(Work):
    """The part of a transaction that keeps grants."""

    def grant(self, mailbox: str) -> Grant | None:
        """What a mailbox signs in with; None where nobody has signed in."""
        row = self.connection.execute(select(*_FIELDS).where(grant.c.mailbox == mailbox)).one_or_none()
        return Grant(*row) if row else None

    def keep_grant(self, mailbox: str, kept: Grant, *, instead_of: Grant | None = None) -> None:
        """The instant of hand-over is this commit: from then on the provider may forget the one before it.

        ``instead_of`` is the grant that was renewed: where another is kept by now, somebody has
        signed in meanwhile, and theirs stays.
        """
        values = asdict(kept)
        this = grant.c.mailbox == mailbox
        if instead_of is not None:
            this &= grant.c.access_token == instead_of.access_token
        elif self.put(grant, [{"mailbox": mailbox, **values}]):
            return
        self.connection.execute(update(grant).where(this), values)

    def drop_grant(self, mailbox: str) -> bool:
        """Keep nothing of a sign-in any more; whether there was one."""
        return self.connection.execute(delete(grant).where(grant.c.mailbox == mailbox)).rowcount > 0

    def sign_ins(self) -> dict[str, datetime]:
        """When somebody last signed in, by mailbox."""
        rows = self.connection.execute(select(grant.c.mailbox, grant.c.signed_in_at))
        return {row.mailbox: row.signed_in_at for row in rows}
