"""Who is told of a row's fate, in the transaction that settles it.

A customer's mail that failed goes back to its author with the text, a delay is told once,
trouble of the account goes to the admins. What to say is ``decide.undeliverable``'s; this
module looks up and applies.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ticketd.alerts import alert
from ticketd.decide import retry
from ticketd.decide.acting.undeliverable import delayed, repeated, unacknowledged, undeliverable
from ticketd.decide.context import Clues, Context
from ticketd.decide.effects import Alert, Effect, MailKind
from ticketd.decide.outcome import Settle, State, Whose
from ticketd.decide.policy import Policy
from ticketd.store import Claimed, Transaction


def fate(
    tx: Transaction,
    row: Claimed,
    settle: Settle,
    said: str,
    policy: Policy,
    now: datetime,
    *,
    doubtful: bool,
) -> None:
    """Apply what follows from ``settle`` for ticket, agent and admins; mostly nothing.

    ``doubtful`` is whether the mail may have arrived although it counts as failed.
    """
    if settle.tell_admins:
        kind = "login" if settle.whose is Whose.LOGIN else "smtp"
        alert(
            tx,
            policy,
            Alert(kind, f"Mail of {row.mailbox} is not sent; the server said: {said}", row.mailbox),
            now,
        )
    effects = _effects(tx, row, settle, said, policy, now, doubtful=doubtful)
    _apply(tx, effects, policy, now)


def _effects(
    tx: Transaction,
    row: Claimed,
    settle: Settle,
    said: str,
    policy: Policy,
    now: datetime,
    *,
    doubtful: bool,
) -> Sequence[Effect]:
    acknowledgement = row.kind is MailKind.ACKNOWLEDGEMENT
    if settle.state is State.CANCELLED or (acknowledgement and doubtful):
        return unacknowledged(_context(tx, row, now), row, said, policy, now)
    if settle.state is State.FAILED:
        words = f"{said}; it may have arrived all the same" if doubtful else said
        return undeliverable(_context(tx, row, now), row, words, policy, now)
    if settle.state is State.SENT and row.doubts:
        return repeated(_context(tx, row, now), row, said, policy, now)
    if _delay_is_news(tx, row, settle, now):
        return delayed(_context(tx, row, now), row, said, policy, now)
    return ()


def _delay_is_news(tx: Transaction, row: Claimed, settle: Settle, now: datetime) -> bool:
    old = settle.state is State.WAITING and now - row.created_at >= retry.TELL_OF_DELAY
    return old and row.kind is MailKind.REPLY and tx.tell(f"delayed:{row.id}", now)


def _context(tx: Transaction, row: Claimed, now: datetime) -> Context:
    tx.lock_desk()
    tickets = (row.ticket,) if row.ticket else ()
    return tx.context(Clues(mailbox=row.mailbox, tickets=tickets), now)


def _apply(tx: Transaction, effects: Sequence[Effect], policy: Policy, now: datetime) -> None:
    for effect in effects:
        if isinstance(effect, Alert):
            alert(tx, policy, effect, now)
    rest = [effect for effect in effects if not isinstance(effect, Alert)]
    if rest:
        tx.apply(rest, now, None)
