"""The ledger through which all stages hand over: tables, transactions, views, migrations.

Rows never leave this package; values of ``decide`` and plain JSON do.
"""

from ticketd.store.apply import Applied
from ticketd.store.database import Desk, Store, Transaction
from ticketd.store.outbox import LEASE, Claimed
from ticketd.store.receive import MailboxState, Received
from ticketd.store.views import View
from ticketd.store.waiting import Mail

__all__ = [
    "LEASE",
    "Applied",
    "Claimed",
    "Desk",
    "Mail",
    "MailboxState",
    "Received",
    "Store",
    "Transaction",
    "View",
]
