"""How the desk fares, as ``status --json`` shows it: healthy, or what is wrong.

Degraded are a mailbox whose last poll failed or whose sending is held, mail that has
waited to be sent for an hour, mail of a mailbox that left the config, and mail that we
failed to read three times. That a recipient was refused or a mail is parked is daily
business. Knows nothing of the daemon.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select, text

from ticketd.decide.effects import MailKind
from ticketd.decide.model import Outcome
from ticketd.store.cases import ticket
from ticketd.store.quarantine import SET_ASIDE
from ticketd.store.tables import FAILED, LIVE, alert, ledger, mailbox, outbox

_LATE = timedelta(hours=1)
_LATELY = timedelta(days=1)
_TO_AGENTS = (MailKind.NOTIFICATION, MailKind.QUESTION, MailKind.LIST, MailKind.ALERT)


def _iso(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def status(connection: Connection, mailboxes: Sequence[str], now: datetime) -> dict[str, Any]:
    """The whole of it, in the contract's words."""
    boxes = _mailboxes(connection, mailboxes, now)
    queue = _outbox(connection, now)
    aside = _quarantine(connection)
    left = stranded(connection, mailboxes)
    troubled = any(box["last_error"] or box["held_until"] for box in boxes)
    return {
        "healthy": not (troubled or queue["late"] or aside["poison"] or left),
        "mailboxes": boxes,
        "outbox": queue,
        "quarantine": aside,
        "stranded": left,
        "sla": {"breached": _breached(connection, now)},
        "troubles": _troubles(connection, now),
        "failures": _failures(connection, now),
    }


def _mailboxes(connection: Connection, names: Sequence[str], now: datetime) -> list[dict[str, Any]]:
    states = {row.name: row for row in connection.execute(select(mailbox))}
    counts: dict[str, dict[str, int]] = {}
    grouped = select(ledger.c.mailbox, ledger.c.outcome, func.count()).group_by(
        ledger.c.outcome, ledger.c.mailbox
    )
    for name, outcome, count in connection.execute(grouped):
        counts.setdefault(name, {})[outcome] = count
    return [_mailbox(connection, name, states.get(name), counts.get(name, {}), now) for name in names]


def _mailbox(
    connection: Connection, name: str, state: Any, counts: dict[str, int], now: datetime
) -> dict[str, Any]:
    held = bool(state and state.held_until and state.held_until > now)
    return {
        "name": name,
        "last_poll_at": _iso(state.last_poll_at) if state else None,
        "lag": _lag(connection, name, now) if counts.get(Outcome.RECEIVED) else 0,
        "ledger": {str(outcome): counts.get(outcome, 0) for outcome in Outcome},
        "to_fetch": state.to_fetch if state else 0,
        "last_error": state.last_error if state else None,
        "held_until": _iso(state.held_until) if held else None,
        "held_reason": state.held_reason if held else None,
    }


def _lag(connection: Connection, name: str, now: datetime) -> int:
    """Seconds that the oldest mail has waited to be taken in."""
    oldest = select(func.min(ledger.c.seen_at)).where(
        ledger.c.outcome == Outcome.RECEIVED, ledger.c.mailbox == name
    )
    seen_at = connection.scalar(oldest)
    return max(0, int((now - seen_at).total_seconds())) if seen_at else 0


def _outbox(connection: Connection, now: datetime) -> dict[str, Any]:
    grouped = (
        select(outbox.c.state, func.count(), func.min(outbox.c.created_at))
        .where(text(LIVE))
        .group_by(outbox.c.state)
    )
    found = {state: (count, oldest) for state, count, oldest in connection.execute(grouped)}
    failed = connection.scalar(select(func.count()).select_from(outbox).where(text(FAILED)))
    late = select(func.count()).where(text(LIVE), outbox.c.attempts > 0, outbox.c.created_at < now - _LATE)
    leases = select(func.count()).where(text(LIVE), outbox.c.lease_until > now)
    return {
        **{state: found[state][0] if state in found else 0 for state in ("waiting", "unsure")},
        "failed": failed,
        "oldest_at": _iso(min((oldest for _, oldest in found.values()), default=None)),
        "late": connection.scalar(late.select_from(outbox)),
        "leased": connection.scalar(leases.select_from(outbox)),
    }


def stranded(connection: Connection, mailboxes: Sequence[str]) -> list[dict[str, Any]]:
    """What waits in mailboxes that left the config: kept, and gone on with when they are back."""
    waits = {
        "to_send": select(outbox.c.mailbox, func.count()).where(text(LIVE)),
        "to_take_in": select(ledger.c.mailbox, func.count()).where(ledger.c.outcome == Outcome.RECEIVED),
    }
    found: dict[str, dict[str, int]] = {}
    for what, query in waits.items():
        for name, count in connection.execute(query.group_by("mailbox")):
            if name not in mailboxes:
                found.setdefault(name, dict.fromkeys(waits, 0))[what] = count
    return [{"mailbox": name, **counts} for name, counts in sorted(found.items())]


def _quarantine(connection: Connection) -> dict[str, Any]:
    aside = ledger.c.outcome.in_(SET_ASIDE)
    row = connection.execute(select(func.count(), func.min(ledger.c.concluded_at)).where(aside)).one()
    poison = select(func.count()).where(
        ledger.c.outcome == Outcome.QUARANTINED, ledger.c.traceback.is_not(None)
    )
    return {"count": row[0], "oldest_at": _iso(row[1]), "poison": connection.scalar(poison)}


def _breached(connection: Connection, now: datetime) -> int:
    overdue = ticket.c.rank.in_([0, 1]) & (ticket.c.due_sort < now)
    query = select(func.count()).where(ticket.c.folder == "open", overdue)
    return int(connection.scalar(query) or 0)


def _troubles(connection: Connection, now: datetime) -> list[dict[str, Any]]:
    """What the admins were told of within a day."""
    rows = connection.execute(select(alert).where(alert.c.seen_at > now - _LATELY).order_by(alert.c.seen_at))
    return [
        {"kind": row.kind, "mailbox": row.mailbox or None, "at": _iso(row.seen_at), "detail": row.detail}
        for row in rows
    ]


def _failures(connection: Connection, now: datetime) -> list[dict[str, Any]]:
    """Mails to agents that were refused within a day: their tickets do not show it."""
    rows = connection.execute(
        select(outbox.c.id, outbox.c.recipient, outbox.c.last_error, outbox.c.created_at)
        .where(text(FAILED), outbox.c.created_at > now - _LATELY)
        .where(outbox.c.kind.in_(_TO_AGENTS))
        .order_by(outbox.c.id)
    )
    return [
        {"id": row.id, "to": row.recipient, "error": row.last_error, "at": _iso(row.created_at)}
        for row in rows
    ]
