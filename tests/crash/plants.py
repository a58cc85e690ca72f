"""Old mistakes, made again in a forked process: the harness must find each of them.

A spike of architecture.md's order had each: the cursor moved before the bytes were stored
lost mails, a transaction per effect left half states.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from ticketd.collect.folder import Reading
from ticketd.deliver.courier import Courier
from ticketd.store import hooks
from ticketd.store.outbox import Outboxing
from ticketd.wire.smtp import SmtpConnection


def cursor_before_bytes() -> None:
    """The cursor passes mails that are not in the ledger yet."""
    hand_over = Reading._hand_over

    def wrongly(self: Reading, batch: Any) -> None:
        with self._store.begin("cursor") as tx:
            self._advance(tx, batch[-1].uid)
        hand_over(self, batch)

    Reading._hand_over = wrongly  # type: ignore[method-assign]


def settle_before_submit() -> None:
    """A mail counts as sent before any server has seen it."""
    submit = Courier._submit

    def wrongly(self: Courier, row: Any) -> Any:
        with self._store.begin("settle") as tx:
            tx.settle(row.id, "sent", self._clock())
        return submit(self, row)

    Courier._submit = wrongly  # type: ignore[method-assign]


def transaction_per_effect() -> None:
    """What one mail decides is written bit by bit (SQLite)."""
    apply = Outboxing.apply

    def wrongly(self: Outboxing, effects: Sequence[Any], *arguments: Any, **options: Any) -> Any:
        applied = None
        for effect in effects:
            applied = apply(self, [effect], *arguments, **options)
            self.connection.exec_driver_sql("COMMIT")
            hooks.at("after-commit:effect")
            self.connection.exec_driver_sql("BEGIN IMMEDIATE")
        return applied

    Outboxing.apply = wrongly  # type: ignore[method-assign]


def dot_not_marked() -> None:
    """Nobody notes that the final dot is about to be sent: a lost answer looks like no attempt."""
    Courier._mark_dot = lambda self, row: None  # type: ignore[method-assign]


def doubt_ends_all() -> None:
    """A mail in doubt is never sent again."""

    def wrongly(self: Outboxing, now: datetime) -> list[Any]:
        self.connection.exec_driver_sql(
            "UPDATE outbox SET state = 'failed', lease_until = NULL, doubts = 1 WHERE phase = 'dot'"
        )
        return []

    Outboxing.recover = wrongly  # type: ignore[method-assign]


def dot_marked_too_late() -> None:
    """That the final dot is about to be sent is noted once it was sent."""
    answer, attempt, late = SmtpConnection._answer, Courier._mark_dot, []

    def marks_later(self: Courier, row: Any) -> None:
        late.append(lambda: attempt(self, row))

    def answered(self: SmtpConnection, phase: str, *rest: Any) -> str:
        said = answer(self, phase, *rest)
        if phase == "dot":
            late.pop()()
        return said

    Courier._mark_dot = marks_later  # type: ignore[method-assign]
    SmtpConnection._answer = answered  # type: ignore[method-assign]


def doubt_forgotten() -> None:
    """A daemon that died at the dot looks like one that died before it."""

    def wrongly(self: Outboxing, now: datetime) -> list[Any]:
        self.connection.exec_driver_sql("UPDATE outbox SET lease_until = NULL, phase = ''")
        return []

    Outboxing.recover = wrongly  # type: ignore[method-assign]


def outcome_apart() -> None:
    """What a mail decides is one transaction, and that it was taken in is another."""
    conclude = Outboxing._conclude

    def wrongly(self: Outboxing, *arguments: Any) -> None:
        self.connection.exec_driver_sql("COMMIT")
        hooks.at("after-commit:undecided")
        self.connection.exec_driver_sql("BEGIN IMMEDIATE")
        conclude(self, *arguments)

    Outboxing._conclude = wrongly  # type: ignore[method-assign]


PLANTS: dict[str, Callable[[], None]] = {
    "cursor before bytes": cursor_before_bytes,
    "settle before submit": settle_before_submit,
    "a transaction per effect": transaction_per_effect,
    "the dot is not marked": dot_not_marked,
    "the dot is marked too late": dot_marked_too_late,
    "doubt is forgotten": doubt_forgotten,
    "doubt ends all": doubt_ends_all,
    "the outcome apart": outcome_apart,
}
