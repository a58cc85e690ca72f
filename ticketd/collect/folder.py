"""Reading a folder: where to begin, what to fetch, and each batch into the ledger with its cursor.

The server's UIDVALIDITY is believed (RFC 3501 §2.3.1.1). The cursor never passes a mail
that is neither in the ledger, nor gone, nor from before our time. Knows nothing of when to read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from ticketd.decide.policy import Mailbox
from ticketd.headway import Heard, unheard
from ticketd.store import MailboxState, Received, Store, Transaction
from ticketd.wire.fetch import Fetched
from ticketd.wire.imap import ImapConnection, Selected

BATCH = 50
_BATCH_BYTES = 4_000_000  # a batch of big mails is a short one: memory stays bounded
_LATE = timedelta(days=7)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Passed:
    """What one pass found."""

    received: int = 0
    vanished: int = 0
    refused: int = 0
    rescanned: bool = False


@dataclass(frozen=True, slots=True)
class Aligned:
    """Our cursor, counting as the server does; whether all is to be read again."""

    state: MailboxState
    numbering: tuple[int, int]  # UIDVALIDITY and UIDNEXT
    rescan: bool


def align(store: Store, mailbox: Mailbox, folder: str, source: ImapConnection, now: datetime) -> Aligned:
    """Open the folder and see that our cursor counts as the server does.

    The first connection draws the line behind which nothing is imported. Afterwards
    another UIDVALIDITY, another folder, or numbers that went back (a server restored from
    its backup) mean that all is read again and matched by content.
    """
    selected = source.select(folder)
    validity, newest = selected.uidvalidity, _newest(source, selected)
    with store.begin("align") as tx:
        state = tx.mailbox_state(mailbox.name)
        first = state.uidvalidity is None
        same = (state.folder, state.uidvalidity) == (folder, validity) and newest >= state.last_uid
        if first:
            _draw_line(tx, mailbox, folder, validity, newest, now)
        elif not same:
            tx.renew(mailbox.name, folder, validity, newest)
        state = tx.mailbox_state(mailbox.name)
    if not (first or same):
        bound = log.bind(mailbox=mailbox.name, folder=folder, uidvalidity=validity)
        bound.warning("folder numbered anew, reading all of it again")
    return Aligned(state, (validity, newest + 1), rescan=not (first or same))


def _newest(source: ImapConnection, selected: Selected) -> int:
    """The highest UID given out so far; the highest still there where the server does not say."""
    return selected.uidnext - 1 if selected.uidnext else max(source.all_uids(), default=0)


def _draw_line(
    tx: Transaction, mailbox: Mailbox, folder: str, uidvalidity: int, newest: int, now: datetime
) -> None:
    """First connection: import from now on, from a date on, or everything, as the config says."""
    # INTERNALDATE counts whole seconds: what comes within this one must not fall behind the line
    line, since = mailbox.import_line(now.replace(microsecond=0)), str(mailbox.import_since)
    if since == "now":
        tx.set_floor(mailbox.name, uidvalidity, newest, line, since)
        tx.set_cursor(mailbox.name, folder, uidvalidity, newest)
    else:
        tx.set_floor(mailbox.name, uidvalidity, 0, line, since)
        tx.renew(mailbox.name, folder, uidvalidity, newest)


class Reading:
    """One pass over what is above the cursor, batch by batch."""

    def __init__(
        self,
        store: Store,
        state: MailboxState,
        folder: str,
        max_size: int,
        clock: Callable[[], datetime],
        heard: Heard = unheard,
    ) -> None:
        assert state.uidvalidity is not None
        self._store, self._state, self._folder = store, state, folder
        self._validity, self._max_size, self._clock = state.uidvalidity, max_size, clock
        self._cursor = self._end = state.last_uid
        self._heard, self._to_fetch = heard, 0
        self._refused: list[int] = []
        self.passed = Passed()
        self._log = log.bind(mailbox=state.name, folder=folder)

    def read(self, source: ImapConnection, between: Callable[[], bool]) -> bool:
        """Read to the end; False where ``between``, called after each batch, said to stop."""
        uids = self._unknown(source.uids_after(self._state.last_uid))
        if not self.receive(source, self._wanted(source, uids), between):
            return False
        self._finish()
        return True

    def receive(self, source: ImapConnection, uids: Sequence[int], between: Callable[[], bool]) -> bool:
        """Bring these mails into the ledger; False where ``between`` said to stop."""
        total = self._to_fetch = len(uids)
        for batch in _batches(source.fetch(uids, self._max_size)):
            self._to_fetch -= len(batch)
            self._hand_over(batch)
            self._heard("fetched", total - self._to_fetch, total)
            if not between():
                return False
        return True

    def _unknown(self, uids: Iterable[int]) -> list[int]:
        """Of the UIDs above the cursor those that the ledger lacks (some below may have been refused)."""
        above = sorted(uids)
        self._end = above[-1] if above else self._end
        with self._store.begin("known") as tx:
            known = tx.known_uids(self._state.name, self._folder, self._validity, self._state.last_uid + 1)
        return [uid for uid in above if uid not in known]

    def _wanted(self, source: ImapConnection, uids: list[int]) -> list[int]:
        """Without the mails from behind the line, which only reading all again comes across."""
        line = self._state.floor_at
        old = [uid for uid in uids if uid <= self._state.rescan_uid]
        if line is None or not old:
            return uids
        facts = source.fetch_sizes(old)
        behind = {uid for uid, known in facts.items() if known.internal_date < line}
        return [uid for uid in uids if uid not in behind]

    def _hand_over(self, batch: Sequence[Fetched]) -> None:
        """The instant of hand-over: before this commit the server has the mails, after it the ledger."""
        name, now = self._state.name, self._clock()
        mails = [self._received(mail) for mail in batch if mail.content is not None]
        gone = [mail.uid for mail in batch if mail.vanished]
        refused = [mail for mail in batch if mail.refused is not None]
        with self._store.begin("receive") as tx:
            fresh = self._match(tx, mails)
            tx.receive(name, self._folder, self._validity, fresh, now)
            if old := sum(mail.late for mail in fresh):
                tx.met_old_mail(name, old)
            for uid in gone:
                tx.note_vanished(name, self._folder, self._validity, uid, now)
            pending = [mail.uid for mail in refused if not self._given_up(tx, mail, now)]
            self._refused += pending
            self._advance(tx, batch[-1].uid)
        self._report(batch, len(fresh), len(gone), len(refused))

    def _match(self, tx: Transaction, mails: list[Received]) -> list[Received]:
        """Bind mails that were here before the folder was numbered anew; the rest is new."""
        again = [mail for mail in mails if mail.uid <= self._state.rescan_uid]
        if not again:
            return mails
        later = [mail for mail in mails if mail.uid > self._state.rescan_uid]
        return tx.rebind(self._state.name, self._folder, self._validity, again) + later

    def _received(self, mail: Fetched) -> Received:
        assert mail.content is not None
        late = self._is_late(mail)
        return Received(mail.uid, mail.internal_date, mail.size, mail.content, mail.complete, late)

    def _is_late(self, mail: Fetched) -> bool:
        """Whether an old mail is met only now, however it came here: it is never acknowledged."""
        return mail.internal_date is not None and mail.internal_date < self._clock() - _LATE

    def _given_up(self, tx: Transaction, mail: Fetched, now: datetime) -> bool:
        """Count the refusal; the fifth poll quarantines, until then the cursor stays below it."""
        said = mail.refused or ""
        return tx.note_refused(self._state.name, self._folder, self._validity, mail.uid, said, now)

    def _finish(self) -> None:
        """All was read: the cursor passes what the server listed and we knew or did not want."""
        with self._store.begin("cursor") as tx:
            self._advance(tx, self._end)

    def _advance(self, tx: Transaction, last: int) -> None:
        target = min([last, *(uid - 1 for uid in self._refused)])
        if target > self._cursor:
            tx.set_cursor(self._state.name, self._folder, self._validity, target, self._to_fetch)
            self._cursor = target
        else:  # held up by a refused mail, or below the cursor: how much is left is to be known all the same
            tx.set_mailbox(self._state.name, to_fetch=self._to_fetch)

    def _report(self, batch: Sequence[Fetched], received: int, vanished: int, refused: int) -> None:
        for mail in batch:
            if mail.warning or mail.refused:
                self._log.warning("odd answer of the server", uid=mail.uid, said=mail.refused or mail.warning)
        before = self.passed
        self.passed = Passed(before.received + received, before.vanished + vanished, before.refused + refused)


def _batches(mails: Iterable[Fetched]) -> Iterator[list[Fetched]]:
    """Mails as they come, bounded in number and bytes."""
    batch: list[Fetched] = []
    weight = 0
    for mail in mails:
        batch.append(mail)
        weight += len(mail.content or b"")
        if len(batch) >= BATCH or weight >= _BATCH_BYTES:
            yield batch
            batch, weight = [], 0
    if batch:
        yield batch
