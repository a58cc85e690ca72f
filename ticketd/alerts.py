"""Tells the admins of trouble by mail, at most once a kind and hour for each mailbox.

``status`` shows it too, where nobody is to be mailed. Knows nothing of what went wrong
but the sentence it is given.
"""

from __future__ import annotations

from datetime import datetime

from ticketd.decide.effects import Alert, Send
from ticketd.decide.policy import Policy
from ticketd.decide.writing import compose
from ticketd.log import without_addresses
from ticketd.store import Store, Transaction


def alert(tx: Transaction, policy: Policy, trouble: Alert, now: datetime) -> None:
    """Queue one mail an admin within ``tx``, unless they heard of this within the hour."""
    concerned = trouble.mailbox or next(iter(policy.mailboxes), "")
    due = tx.alert_due(trouble.kind, concerned, now, without_addresses(trouble.text))
    if not due or not policy.admins:
        return
    sender = _sender(policy, concerned)
    cause = f"alert:{trouble.kind}:{concerned}:{now.isoformat()}"
    subject = f"{trouble.kind}: {concerned}"
    mails = [compose.alert(policy, to, sender, subject, trouble.text, cause, now) for to in policy.admins]
    tx.apply([Send(mail) for mail in mails], now, None)


def tell_admins(store: Store, policy: Policy, trouble: Alert, now: datetime) -> None:
    """``alert`` in a transaction of its own."""
    with store.begin("alert") as tx:
        alert(tx, policy, trouble, now)


def _sender(policy: Policy, concerned: str) -> str:
    """The mailbox that sends the alert: another than the one in trouble, where there is one."""
    return next((name for name in policy.mailboxes if name != concerned), concerned)
