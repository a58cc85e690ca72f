"""Ask agents about parked mails: after a batch was taken in, so that one mail asks about all that came.

What is due is the database's to say, and what was asked is remembered in the transaction that
queues the question: wherever the process dies, the next pass asks, and asks once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from ticketd.decide.context import Waiting
from ticketd.decide.effects import Send
from ticketd.decide.policy import Policy
from ticketd.decide.writing import compose
from ticketd.store import Store

MOST_ASKED = 50  # parked mails in one question; the others are asked about in the next


def ask_about_parked(store: Store, policy: Policy, now: datetime) -> int:
    """Queue a question to each agent of whom parked mails wait that nobody was asked about; how many."""
    with store.begin("ask") as tx:
        tx.lock_desk()
        effects = tuple(_questions(policy, tx.questions_due(now).items(), now))
        if effects:
            tx.apply(effects, now, None)
    return len(effects)


def _questions(
    policy: Policy, due: Iterable[tuple[str, tuple[Waiting, ...]]], now: datetime
) -> Iterator[Send]:
    for key, waiting in due:
        agent, items = policy.agent_by_key(key), waiting[:MOST_ASKED]
        mailbox = next((one.mailbox for one in items if one.mailbox in policy.mailboxes), None)
        if agent is None or mailbox is None:
            continue
        # Derived from what is asked about: a mail is asked about once.
        cause = f"ask/{key}/{'/'.join(str(item.item) for item in items)}"
        yield Send(compose.question(policy, agent, items, mailbox, cause, now))
