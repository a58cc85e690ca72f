"""Which mails are done with: taken in whole and to a final outcome, so that the server's copy may be filed.

Reads only. Knows nothing of what filing is.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select

from ticketd.decide.model import Outcome
from ticketd.store.tables import ledger
from ticketd.store.views import View

_FINAL = (Outcome.TICKET, Outcome.DUPLICATE, Outcome.OWN, Outcome.IGNORED)
_AT_ONCE = 500  # UIDs in one query: SQLite takes a bounded number of parameters


def concluded(
    view: View,
    mailbox: str,
    folder: str,
    uidvalidity: int,
    uids: Collection[int],
    since: datetime | None = None,
) -> list[int]:
    """Of these UIDs, ascending, those whose mail is done with; with ``since``, only if concluded after it."""
    query = select(ledger.c.uid).where(
        ledger.c.mailbox == mailbox,
        ledger.c.folder == folder,
        ledger.c.uidvalidity == uidvalidity,
        ledger.c.complete,
        ledger.c.outcome.in_(_FINAL),
    )
    if since is not None:
        query = query.where(ledger.c.concluded_at >= since)
    asked, found = sorted(uids), list[int]()
    for start in range(0, len(asked), _AT_ONCE):
        found += view.connection.scalars(query.where(ledger.c.uid.in_(asked[start : start + _AT_ONCE])))
    return sorted(found)
