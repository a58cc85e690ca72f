"""An archive was taken in: its agents are told once of all its old mails, when the last is done.

The count is kept with the mailbox and forgotten in the transaction that queues the mails,
so that whatever dies meanwhile, agents are told once. What an archive is, is ``decide``'s.
"""

from __future__ import annotations

from datetime import datetime

import structlog

from ticketd.decide.effects import Send
from ticketd.decide.policy import Policy
from ticketd.decide.writing import compose
from ticketd.store import Store

log = structlog.get_logger()


def tell_of_archive(store: Store, policy: Policy, mailbox: str, now: datetime) -> int:
    """Queue a mail to each agent where an archive was taken in to its end; how many mails."""
    with store.view() as view:
        if not view.old_mails(mailbox) or not view.all_taken_in(mailbox):
            return 0
    with store.begin("archive") as tx:
        count = tx.quietly_taken_in(mailbox, tx.forget_old_mails(mailbox))
        if not count:
            return 0
        cause = f"archive/{mailbox}/{now.isoformat()}"
        agents = policy.agents_of(mailbox)
        mails = [compose.archive(policy, agent, count, mailbox, cause, now) for agent in agents]
        tx.apply([Send(mail) for mail in mails], now, None)
    log.info("archive taken in", mailbox=mailbox, mails=count)
    return len(mails)
