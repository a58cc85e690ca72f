"""Receiving: raw bytes and their ledger rows, before anything looks at them (RFC 3501 §2.3.1.1).

A mail is kept the instant the transaction around ``receive`` commits; killed before, it
is fetched again, killed after, it is there. Knows nothing of what a mail says.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, select, update

from ticketd.decide.model import Outcome
from ticketd.store.tables import ledger, mailbox, raw_mail, refusal
from ticketd.store.work import Work


@dataclass(frozen=True, slots=True)
class MailboxState:
    """How far a mailbox is read, and how its servers fare.

    Nothing at or below ``floor_uid`` (under ``floor_uidvalidity``), nor older than
    ``floor_at``, is ever imported. UIDs up to ``rescan_uid`` were there when the server
    numbered the folder anew: they are matched by content (``rebind``) before they are received.
    ``to_fetch`` mails are still to come of the reading under way; ``old_mails`` are those that
    were old when they were met, since agents were last told of such.
    """

    name: str
    folder: str | None
    uidvalidity: int | None
    last_uid: int
    rescan_uid: int
    floor_uidvalidity: int | None
    floor_uid: int
    floor_at: datetime | None
    imported_from: str | None
    last_poll_at: datetime | None
    last_error: str | None
    last_error_at: datetime | None
    held_until: datetime | None
    held_reason: str | None
    to_fetch: int
    old_mails: int


@dataclass(frozen=True, slots=True)
class Received:
    """A mail as the server gave it. ``complete`` is False where not all of it came."""

    uid: int
    internal_date: datetime | None
    size: int
    content: bytes = field(repr=False)
    complete: bool = True
    late: bool = False


_STATE = select(*(mailbox.c[name] for name in MailboxState.__dataclass_fields__)).where(
    mailbox.c.name == bindparam("name")
)


class Receiving(Work):
    """The part of a transaction that receives mail and keeps the ledger."""

    def mailbox_state(self, name: str) -> MailboxState:
        """How far this mailbox is read; made where it is new."""
        row = self.connection.execute(_STATE, {"name": name}).one_or_none()
        if row is None:
            self.put(mailbox, [{"name": name}])
            row = self.connection.execute(_STATE, {"name": name}).one()
        return MailboxState(*row)

    def set_mailbox(self, name: str, **values: Any) -> None:
        """Change what is kept of a mailbox."""
        if not self.connection.execute(update(mailbox).where(mailbox.c.name == name), values).rowcount:
            self.put(mailbox, [{"name": name, **values}])

    def set_cursor(self, name: str, folder: str, uidvalidity: int, last_uid: int, to_fetch: int = 0) -> None:
        """Everything up to ``last_uid`` is in the ledger, under the floor, or gone."""
        values = {"folder": folder, "uidvalidity": uidvalidity, "last_uid": last_uid}
        self.set_mailbox(name, **values, to_fetch=to_fetch)

    def met_old_mail(self, name: str, count: int) -> None:
        """So many of the mails just received are old ones."""
        here = update(mailbox).where(mailbox.c.name == name)
        self.connection.execute(here.values(old_mails=mailbox.c.old_mails + count))

    def forget_old_mails(self, name: str) -> int:
        """Agents are told of the old mails now; how many there were."""
        count = self.mailbox_state(name).old_mails
        self.set_mailbox(name, old_mails=0)
        return count

    def set_floor(
        self, name: str, uidvalidity: int, floor_uid: int, floor_at: datetime | None, imported_from: str
    ) -> None:
        """Nothing at or below ``floor_uid``, nor older than ``floor_at``, is ever imported."""
        self.set_mailbox(
            name,
            floor_uidvalidity=uidvalidity,
            floor_uid=floor_uid,
            floor_at=floor_at,
            imported_from=imported_from,
        )

    def poll_succeeded(self, name: str, now: datetime, trouble: str | None = None) -> None:
        """The mailbox was read to its end; ``trouble`` is what is wrong with it all the same."""
        error_at = now if trouble else None
        self.set_mailbox(name, last_poll_at=now, last_error=trouble, last_error_at=error_at, to_fetch=0)

    def poll_failed(self, name: str, error: str, now: datetime) -> None:
        """The mailbox could not be read; ``error`` is the sentence that ``status`` shows."""
        self.set_mailbox(name, last_error=error, last_error_at=now)

    def receive(
        self, name: str, folder: str, uidvalidity: int, mails: Sequence[Received], now: datetime
    ) -> list[int]:
        """Keep these mails; the ledger ids, in their order. The same again changes nothing.

        The instant of hand-over is this transaction's commit: before it the server has
        the mail and we fetch it again, after it the ledger has it.
        """
        digests = [hashlib.sha256(mail.content).hexdigest() for mail in mails]
        kept = {
            digest: {"sha256": digest, "content": mail.content}
            for digest, mail in zip(digests, mails, strict=True)
        }
        self.put(raw_mail, [kept[digest] for digest in sorted(kept)])  # one order: no deadlock
        rows = [
            _row(name, folder, uidvalidity, mail.uid, now)
            | {"sha256": digest, "size": mail.size, "complete": mail.complete}
            | {"late": mail.late, "internal_date": mail.internal_date}
            for digest, mail in zip(digests, mails, strict=True)
        ]
        self.put(ledger, rows)
        ids = self._ids(name, folder, uidvalidity, [mail.uid for mail in mails])
        return [ids[mail.uid] for mail in mails]

    def _ids(self, name: str, folder: str, uidvalidity: int, uids: list[int]) -> dict[int, int]:
        found = select(ledger.c.uid, ledger.c.id).where(
            ledger.c.mailbox == name,
            ledger.c.folder == folder,
            ledger.c.uidvalidity == uidvalidity,
            ledger.c.uid.in_(uids),
        )
        return {row.uid: row.id for row in self.connection.execute(found)}

    def known_uids(
        self, name: str, folder: str, uidvalidity: int, low: int = 1, high: int | None = None
    ) -> set[int]:
        """The UIDs from ``low`` to ``high`` that the ledger holds."""
        found = select(ledger.c.uid).where(
            ledger.c.mailbox == name,
            ledger.c.folder == folder,
            ledger.c.uidvalidity == uidvalidity,
            ledger.c.uid >= low,
        )
        if high is not None:
            found = found.where(ledger.c.uid <= high)
        return set(self.connection.scalars(found))

    def note_vanished(self, name: str, folder: str, uidvalidity: int, uid: int, now: datetime) -> None:
        """The mail was there and is gone: somebody expunged it before we could read it."""
        self._note(name, folder, uidvalidity, uid, now, Outcome.IGNORED, "vanished before it was read")

    def note_refused(
        self, name: str, folder: str, uidvalidity: int, uid: int, reason: str, now: datetime, polls: int = 5
    ) -> bool:
        """The server would not give this UID; at the fifth poll it is quarantined and True returned."""
        same = {"mailbox": name, "folder": folder, "uidvalidity": uidvalidity, "uid": uid}
        self.put(refusal, [{**same, "polls": 0, "reason": ""}])
        this = and_(*(refusal.c[column] == value for column, value in same.items()))
        self.connection.execute(update(refusal).where(this).values(polls=refusal.c.polls + 1, reason=reason))
        if (self.connection.scalar(select(refusal.c.polls).where(this)) or 0) < polls:
            return False
        because = f"the server refuses UID {uid}: {reason}"
        self._note(name, folder, uidvalidity, uid, now, Outcome.QUARANTINED, because)
        return True

    def _note(
        self, name: str, folder: str, validity: int, uid: int, now: datetime, outcome: Outcome, why: str
    ) -> None:
        row = _row(name, folder, validity, uid, now)
        self.put(ledger, [row | {"outcome": outcome, "reason": why, "complete": False, "concluded_at": now}])

    def renew(self, name: str, folder: str, uidvalidity: int, rescan_uid: int) -> None:
        """The server numbers the folder anew (RFC 3501 §2.3.1.1): read it again from its start.

        Rows that once stood under this very UIDVALIDITY are bound to nothing from now on,
        lest an old UID hide a new mail.
        """
        self.connection.execute(
            update(ledger)
            .where(ledger.c.mailbox == name, ledger.c.folder == folder)
            .where(ledger.c.uidvalidity == uidvalidity, ledger.c.uid > 0)
            .values(uid=-ledger.c.id)
        )
        self.set_mailbox(name, folder=folder, uidvalidity=uidvalidity, last_uid=0, rescan_uid=rescan_uid)

    def rebind(self, name: str, folder: str, uidvalidity: int, mails: Sequence[Received]) -> list[Received]:
        """Match mails to rows from before ``renew``, by content; those that no row knows are returned."""
        digests = [hashlib.sha256(mail.content).hexdigest() for mail in mails]
        rows = self.connection.execute(
            select(ledger.c.id, ledger.c.sha256, ledger.c.folder, ledger.c.uidvalidity, ledger.c.uid)
            .where(ledger.c.mailbox == name, ledger.c.sha256.in_(set(digests)))
            .order_by(ledger.c.id)
        ).all()
        bound = {row.uid for row in rows if (row.folder, row.uidvalidity) == (folder, uidvalidity)}
        free = [row for row in rows if (row.folder, row.uidvalidity) != (folder, uidvalidity) or row.uid < 0]
        unknown = []
        for mail, digest in zip(mails, digests, strict=True):
            if mail.uid in bound:
                continue
            row = next((row for row in free if row.sha256 == digest), None)
            if row is None:
                unknown.append(mail)
                continue
            free.remove(row)
            values = {"folder": folder, "uidvalidity": uidvalidity, "uid": mail.uid}
            self.connection.execute(update(ledger).where(ledger.c.id == row.id), values)
        return unknown


def _row(name: str, folder: str, uidvalidity: int, uid: int, now: datetime) -> dict[str, Any]:
    return {"mailbox": name, "folder": folder, "uidvalidity": uidvalidity, "uid": uid, "seen_at": now}
