"""Compare the server's folder with the ledger, and fetch what is missing.

The ledger should already hold whatever is there and not from before our time; where it
does not, the mail is received now, matched by content first. Never reaches behind the
line that the first connection drew. Knows nothing of what a mail says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from ticketd.collect.folder import Passed, Reading, align
from ticketd.decide.policy import Mailbox
from ticketd.headway import Heard, unheard
from ticketd.store import MailboxState, Store
from ticketd.wire.imap import ImapConnection


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What one comparison found. ``missing`` are UIDs that the ledger lacked though we had passed them.

    ``fetched`` counts what was received for that (the rest was known by content, or is
    gone); ``new`` is mail that simply had not been polled yet; ``gone`` is in the ledger alone.
    """

    mailbox: str
    on_server: int
    in_ledger: int
    missing: tuple[int, ...]
    fetched: int
    refused: int
    new: int
    gone: int
    rescanned: bool

    @property
    def differed(self) -> bool:
        """Whether the ledger was not what it should have been."""
        return bool(self.missing or self.rescanned or self.refused)

    def as_json(self) -> dict[str, Any]:
        """Plain values, for ``--json``."""
        return asdict(self) | {"missing": list(self.missing), "differed": self.differed}


def reconcile(
    store: Store,
    mailbox: Mailbox,
    folder: str,
    source: ImapConnection,
    max_size: int,
    clock: Callable[[], datetime],
    heard: Heard = unheard,
) -> Reconciled:
    """Bring the ledger up to the folder; raises what a poll would raise."""
    aligned = align(store, mailbox, folder, source, clock())
    state = aligned.state
    assert state.uidvalidity is not None
    there = set(source.all_uids())
    with store.begin("known") as tx:
        known = tx.known_uids(mailbox.name, folder, state.uidvalidity)
    passed = sorted(uid for uid in there - known if uid <= state.last_uid)
    missing = _after_line(source, state, passed)
    fetched = _fetch(store, state, folder, source, missing, max_size, clock, heard)
    rest = Reading(store, state, folder, max_size, clock, heard)
    rest.read(source, lambda: True)
    return Reconciled(
        mailbox=mailbox.name,
        on_server=len(there),
        in_ledger=len(known),
        missing=tuple(missing),
        fetched=fetched.received,
        refused=fetched.refused + rest.passed.refused,
        new=rest.passed.received,
        gone=len(known - there),
        rescanned=aligned.rescan,
    )


def _after_line(source: ImapConnection, state: MailboxState, uids: list[int]) -> list[int]:
    """Without the mails that were there before us."""
    if state.floor_uidvalidity == state.uidvalidity:
        uids = [uid for uid in uids if uid > state.floor_uid]
    if state.floor_at is None or not uids:
        return uids
    facts = source.fetch_sizes(uids)
    return [uid for uid in uids if uid not in facts or facts[uid].internal_date >= state.floor_at]


def _fetch(
    store: Store,
    state: MailboxState,
    folder: str,
    source: ImapConnection,
    uids: list[int],
    max_size: int,
    clock: Callable[[], datetime],
    heard: Heard,
) -> Passed:
    """Receive them as mail met again: known content is bound, old mail is never acknowledged."""
    reading = Reading(store, replace(state, rescan_uid=state.last_uid), folder, max_size, clock, heard)
    if uids:
        reading.receive(source, uids, lambda: True)
    return reading.passed
