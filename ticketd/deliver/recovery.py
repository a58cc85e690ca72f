"""What a daemon that died left in its hands: given back, or known as unsure, or told of as failed."""

from __future__ import annotations

from datetime import datetime

import structlog

from ticketd.decide.outcome import Settle, State, Whose
from ticketd.decide.policy import Policy
from ticketd.deliver import tell
from ticketd.store import Store

log = structlog.get_logger()


def recover(store: Store, policy: Policy, now: datetime) -> None:
    """Take the outbox over; call under the store's hold alone."""
    given_up = Settle(State.FAILED, Whose.MAIL)
    with store.begin("recover") as tx:
        for row in tx.recover(now):
            said = "the daemon died while the server answered"
            tell.fate(tx, row, given_up, said, policy, now, doubtful=True)
            log.error("refused", mailbox=row.mailbox, ticket=row.ticket, message_id=row.message_id, said=said)
