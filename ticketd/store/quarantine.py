"""What cannot, must not, or may not yet take effect: strikes, quarantine, and the way out of it.

A mail that fails three times is set aside with its bytes and the traceback, and the
mails behind it go on. Knows nothing of why a mail fails.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, case, exists, select, update

from ticketd.decide.context import Waiting
from ticketd.decide.model import Outcome, Purpose
from ticketd.decide.reading.glance import glance
from ticketd.errors import NotFound
from ticketd.store.cases import question, token
from ticketd.store.tables import ledger, raw_mail
from ticketd.store.work import Work

STRIKES = 3
"""How often a mail may fail to be taken in before it is quarantined."""

SET_ASIDE = (Outcome.PARKED, Outcome.HELD, Outcome.QUARANTINED)
"""The outcomes of mails that are kept until somebody decides."""

_ASKED = exists(select(question.c.item).where(question.c.item == ledger.c.id))


def waiting_of(row: Any) -> Waiting:
    """A parked or held ledger row as the value that decisions see."""
    return Waiting(row.id, row.reason, row.subject, row.at, row.outcome, bool(row.asked), row.mailbox)


WAITING_COLUMNS = (
    ledger.c.id,
    ledger.c.reason,
    ledger.c.subject,
    ledger.c.concluded_at.label("at"),
    ledger.c.outcome,
    ledger.c.agent,
    ledger.c.mailbox,
    _ASKED.label("asked"),
)


_UNASKED = (
    select(*WAITING_COLUMNS)
    .where(ledger.c.outcome == Outcome.PARKED, ledger.c.agent.is_not(None), ~_ASKED)
    .order_by(ledger.c.id)
)
_OPEN = (
    select(ledger.c.agent)
    .join(question, question.c.item == ledger.c.id)
    .join(token, (token.c.serial == question.c.serial) & (token.c.purpose == Purpose.QUESTION))
    .where(ledger.c.outcome == Outcome.PARKED, token.c.issued_at > bindparam("since"))
)
"""The agents who have yet to answer a question about a parked mail."""


class Quarantining(Work):
    """The part of a transaction that sets mails aside and lets them go."""

    def count_attempt(self, ledger_id: int) -> int:
        """Count a try before it is made, so that a mail that kills us is found out; the new count."""
        self.connection.execute(
            update(ledger).where(ledger.c.id == ledger_id).values(attempts=ledger.c.attempts + 1)
        )
        return int(self.connection.scalar(select(ledger.c.attempts).where(ledger.c.id == ledger_id)) or 0)

    def strike(self, ledger_id: int, traceback: str, now: datetime) -> int:
        """The mail could not be taken in: the new count; the third quarantines it.

        Nothing where it was: a process may die just after the commit that took it in.
        """
        waits = (ledger.c.id == ledger_id) & (ledger.c.outcome == Outcome.RECEIVED)
        if self.connection.scalar(select(ledger.c.id).where(waits)) is None:
            return 0
        attempts = self.count_attempt(ledger_id)
        values: dict[str, Any] = {"traceback": traceback}
        if attempts >= STRIKES:
            lines = traceback.strip().splitlines()
            values |= {"reason": lines[-1][:500] if lines else "failed three times"}
            values |= {"outcome": Outcome.QUARANTINED, "concluded_at": now} | self._names_of(ledger_id)
        self.connection.execute(update(ledger).where(ledger.c.id == ledger_id), values)
        return attempts

    def quarantine(self, ledger_id: int, reason: str, now: datetime) -> None:
        """Set a mail aside at once, for what ``reason`` says."""
        values = {"outcome": Outcome.QUARANTINED, "reason": reason, "concluded_at": now}
        values |= self._names_of(ledger_id)
        self.connection.execute(update(ledger).where(ledger.c.id == ledger_id), values)

    def _names_of(self, ledger_id: int) -> dict[str, Any]:
        """What a mail calls itself, so that people find it: nobody has read it."""
        query = select(raw_mail.c.content).join(ledger, ledger.c.sha256 == raw_mail.c.sha256)
        content: bytes | None = self.connection.scalar(query.where(ledger.c.id == ledger_id))
        message_id, subject = glance(content or b"")
        return {"message_id": message_id, "subject": subject}

    def quarantine_accept(self, ledger_id: int) -> None:
        """Take the mail in again, as if its sender had been confirmed; raise NotFound for any other id."""
        held = ledger.c.outcome == Outcome.HELD
        # Only what was held was right but for the doubt; anything else is still checked.
        how = case((held, "yes"), else_="accept")
        self._let_go(ledger_id, SET_ASIDE, {"outcome": Outcome.RECEIVED, "released": how, "traceback": None})

    def quarantine_drop(self, ledger_id: int) -> None:
        """The mail is done with; its bytes stay. Raise NotFound for any other id."""
        self._let_go(ledger_id, SET_ASIDE, {"outcome": Outcome.IGNORED})

    def release(self, ledger_id: int, how: str) -> None:
        """An agent confirmed: take the mail in again, as ``yes`` or as ``note``."""
        self._let_go(
            ledger_id, (Outcome.PARKED, Outcome.HELD), {"outcome": Outcome.RECEIVED, "released": how}, True
        )

    def drop(self, ledger_id: int) -> None:
        """An agent said no: nothing of the mail takes effect."""
        self._let_go(ledger_id, (Outcome.PARKED, Outcome.HELD), {"outcome": Outcome.IGNORED}, True)

    def _let_go(
        self, ledger_id: int, where: tuple[Outcome, ...], values: dict[str, Any], again: bool = False
    ) -> None:
        here = update(ledger).where(ledger.c.id == ledger_id, ledger.c.outcome.in_(where))
        changed = self.connection.execute(here.values(attempts=0, **values)).rowcount
        if not changed and not again:
            raise NotFound(f"There is no mail {ledger_id} in quarantine.")

    def questions_due(self, now: datetime) -> dict[str, tuple[Waiting, ...]]:
        """Parked mails that no question was sent about, by agent.

        None for an agent whom a question of the last hour still waits for; once all that it asked
        about is answered, there may be another at once.
        """
        rows = self.connection.execute(_UNASKED).all()
        asked = set(self.connection.scalars(_OPEN, {"since": now - timedelta(hours=1)})) if rows else set()
        due: dict[str, tuple[Waiting, ...]] = {}
        for row in rows:
            if row.agent not in asked:
                due[row.agent] = (*due.get(row.agent, ()), waiting_of(row))
        return due

    def unconfirmed(self, before: datetime, limit: int = 50) -> list[int]:
        """Parked mails that nobody confirmed since ``before``: the ledger ids, oldest first."""
        found = (
            select(ledger.c.id)
            .where(ledger.c.outcome == Outcome.PARKED, ledger.c.concluded_at <= before)
            .order_by(ledger.c.id)
            .limit(limit)
        )
        return list(self.connection.scalars(found))
