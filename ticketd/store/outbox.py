"""The outbox: claim, send elsewhere, settle; and what a crash in between means (faults.md §7).

A row is leased in one transaction, sent with none open, settled in another. Before the
final dot nothing is in doubt; after it without an answer the row is ``unsure`` and sent
once more, the same bytes. Only acknowledgements are never sent twice. A lease is known by
its end: whoever holds another may neither send nor settle the row. Knows no SMTP.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, func, or_, select, text, update

from ticketd.decide.effects import MailKind, Record
from ticketd.errors import NotFound, TicketdError
from ticketd.store.apply import Applying
from ticketd.store.receive import Receiving
from ticketd.store.tables import LIVE, mailbox, outbox, outgoing

LEASE = timedelta(minutes=15)
"""How long a claimed row is left to its sender; longer than any SMTP conversation."""

_SKEW = timedelta(days=1)
"""A time further ahead than this was set by a clock that has since been put back."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A mail of ours to one recipient, as the dispatcher sees it.

    ``attempts`` counts this one. ``doubts`` is how often it may have arrived unnoticed;
    a ``phase`` of ``dot`` says that nobody wrote down how an earlier attempt ended.
    """

    id: int
    ticket: int
    mailbox: str
    kind: MailKind
    recipient: str
    message_id: str
    content: bytes = field(repr=False)
    author: str | None
    cause: str
    state: str
    phase: str
    attempts: int
    doubts: int
    created_at: datetime
    next_attempt_at: datetime
    last_error: str | None
    lease_until: datetime | None


_CLAIMED = select(
    outbox.c.id,
    outbox.c.ticket,
    outbox.c.mailbox,
    outbox.c.kind,
    outbox.c.recipient,
    outbox.c.message_id,
    outgoing.c.content,
    outbox.c.author,
    outbox.c.cause,
    outbox.c.state,
    outbox.c.phase,
    outbox.c.attempts,
    outbox.c.doubts,
    outbox.c.created_at,
    outbox.c.next_attempt_at,
    outbox.c.last_error,
    outbox.c.lease_until,
).select_from(outbox.join(outgoing, outgoing.c.sha256 == outbox.c.sha256))


def _is_due(now: datetime) -> ColumnElement[bool]:
    """To be sent, its time has come, nobody is at it; a clock put back delays nothing by days."""
    far = now + _SKEW
    tried = or_(outbox.c.attempts > 0, outbox.c.created_at > far)
    return and_(
        text(LIVE),
        or_(outbox.c.next_attempt_at <= now, and_(outbox.c.next_attempt_at > far, tried)),
        or_(outbox.c.lease_until.is_(None), outbox.c.lease_until <= now, outbox.c.lease_until > far),
    )


def _leased_as(row: Claimed) -> ColumnElement[bool]:
    return and_(outbox.c.id == row.id, outbox.c.lease_until == row.lease_until)


class Outboxing(Applying, Receiving):
    """The part of a transaction that moves mail out."""

    def claim(self, name: str, now: datetime, lease: timedelta = LEASE, limit: int = 20) -> list[Claimed]:
        """Lease due mails of a mailbox, people's first, then by age; none while the account is held."""
        if self._held(name, now):
            return []
        due = (
            select(outbox.c.id)
            .where(outbox.c.mailbox == name, _is_due(now))
            .order_by(outbox.c.rank, outbox.c.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        ids = list(self.connection.scalars(due))
        if not ids:
            return []
        values = {"lease_until": now + lease, "attempts": outbox.c.attempts + 1, "last_attempt_at": now}
        self.connection.execute(update(outbox).where(outbox.c.id.in_(ids)).values(**values))
        return self._claimed(outbox.c.id.in_(ids))

    def _held(self, name: str, now: datetime) -> bool:
        until = self.connection.scalar(select(mailbox.c.held_until).where(mailbox.c.name == name))
        return until is not None and now < until < now + _SKEW

    def _claimed(self, which: ColumnElement[bool]) -> list[Claimed]:
        rows = self.connection.execute(_CLAIMED.where(which).order_by(outbox.c.rank, outbox.c.id))
        return [Claimed(**(row._asdict() | {"kind": MailKind(row.kind)})) for row in rows]

    def _set(self, id: int, **values: Any) -> None:
        self._update(outbox.c.id == id, values)

    def mark_dot(self, row: Claimed, now: datetime) -> bool:
        """The next bytes end the mail: from this commit on a crash leaves it in doubt.

        False where the lease is not ours any more: then nothing may be sent.
        """
        return self._update(_leased_as(row), {"phase": "dot", "last_attempt_at": now}) > 0

    def settle(
        self,
        id: int,
        state: str,
        now: datetime,
        *,
        next_attempt_at: datetime | None = None,
        error: str | None = None,
        response: str | None = None,
        event: Record | None = None,
        lease: datetime | None = None,
    ) -> bool:
        """What became of the attempt: ``sent``, ``waiting``, ``unsure`` (in doubt) or ``failed``.

        False, and nothing written, where ``lease`` is given and the row's is another: it
        was settled before, or is not ours any more.
        """
        values: dict[str, Any] = {"state": state, "phase": "", "lease_until": None, "last_error": error}
        values["response"] = response
        if state == "sent":
            values["sent_at"] = now
        if state == "unsure":
            values["doubts"] = outbox.c.doubts + 1
        if next_attempt_at is not None:
            values["next_attempt_at"] = next_attempt_at
        which = outbox.c.id == id
        if not self._update(which if lease is None else which & (outbox.c.lease_until == lease), values):
            return False
        if event is not None:
            self.apply([event], now)
        return True

    def give_back(self, name: str, lease: datetime) -> None:
        """Nothing was tried: the mailbox's rows under this lease stand as before they were claimed."""
        which = (outbox.c.mailbox == name) & (outbox.c.lease_until == lease) & (outbox.c.phase != "dot")
        self._update(which, {"lease_until": None, "attempts": outbox.c.attempts - 1})

    def unmark_dot(self, row: Claimed) -> None:
        """The dot was not sent after all."""
        self._update(_leased_as(row), {"phase": ""})

    def recover(self, now: datetime) -> list[Claimed]:
        """Take over from a dead daemon, whoever it leased to; call under ``hold`` alone.

        Before the dot: due now. At the dot: unsure and due now, unless it was in doubt
        before or is an acknowledgement: those are failed, and returned to be told of.
        """
        leased = outbox.c.lease_until.is_not(None) & text(LIVE)
        lost = leased & (outbox.c.phase == "dot")
        never = lost & or_(outbox.c.kind == MailKind.ACKNOWLEDGEMENT, outbox.c.doubts > 0)
        failed = self._claimed(never)
        freed = {"lease_until": None, "phase": "", "next_attempt_at": now}
        error = "may have arrived: the daemon died while the server answered"
        doubt = {"last_error": error, "doubts": outbox.c.doubts + 1}
        self._update(never, freed | doubt | {"state": "failed", "last_error": f"{error}; not sent again"})
        self._update(lost, freed | doubt | {"state": "unsure"})
        self._update(leased, freed)
        return failed

    def _update(self, which: ColumnElement[bool], values: dict[str, Any]) -> int:
        """Change some rows; how many."""
        return int(self.connection.execute(update(outbox).where(which).values(**values)).rowcount)

    def hold_account(self, name: str, until: datetime, reason: str) -> None:
        """The account is in trouble: no row of this mailbox is claimed until then."""
        self.set_mailbox(name, held_until=until, held_reason=reason)

    def clear_account(self, name: str) -> None:
        """The account works (again)."""
        self.set_mailbox(name, held_until=None, held_reason=None)

    def due_mailboxes(self, now: datetime) -> list[str]:
        """The mailboxes that have something to send now."""
        names = self.connection.scalars(select(outbox.c.mailbox).where(_is_due(now)).distinct())
        return sorted(name for name in names if not self._held(name, now))

    def next_due_at(self, now: datetime) -> datetime | None:
        """When something is next to be sent, held accounts considered; None where nothing waits."""
        rows = self.connection.execute(_NEXT_DUE)
        dues = [max(due, held) if held else due for due, held in rows]
        return min(dues, default=None)

    def outbox_retry(self, id: int, now: datetime) -> None:
        """Make a mail that was not sent due now, and clear its account's back-off."""
        row = self._row(id)
        if row.state == "sent":
            raise TicketdError(f"The outbox's mail {id} was sent already.")
        if row.state in {"failed", "cancelled"}:
            self._set(id, state="waiting", doubts=0)
        self._set(id, next_attempt_at=now)
        self.clear_account(row.mailbox)

    def outbox_cancel(self, id: int) -> None:
        """Never send a mail that waits."""
        self._row(id)
        waits = (outbox.c.state != "sent") & outbox.c.lease_until.is_(None)
        if not self._update((outbox.c.id == id) & waits, {"state": "cancelled"}):
            raise TicketdError(f"The outbox's mail {id} is sent or being sent.")

    def _row(self, id: int) -> Any:
        row = self.connection.execute(_ROW, {"id": id}).one_or_none()
        if row is None:
            raise NotFound(f"There is no mail {id} in the outbox.")
        return row


_ROW = select(outbox.c.state, outbox.c.mailbox).where(outbox.c.id == bindparam("id"))
_NEXT_DUE = (
    select(func.min(outbox.c.next_attempt_at), mailbox.c.held_until)
    .select_from(outbox.outerjoin(mailbox, mailbox.c.name == outbox.c.mailbox))
    .where(text(f"outbox.{LIVE}"), outbox.c.lease_until.is_(None))
    .group_by(outbox.c.mailbox, mailbox.c.held_until)
)
