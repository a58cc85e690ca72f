"""What becomes of a mail on the server once it is taken in: left alone, marked seen, moved or deleted.

Repeatable and of no consequence: a mail that cannot be filed now is filed after a later
poll. Never one that was not fetched whole, nor one that waits for somebody's decision.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from ticketd.decide.policy import Mailbox
from ticketd.store import MailboxState, Store
from ticketd.store.concluded import concluded
from ticketd.wire import FolderMissing, Refused
from ticketd.wire.imap import ImapConnection

_RECENT = timedelta(hours=1)

log = structlog.get_logger()


class Tidier:
    """Files one mailbox's mail as ``after_ingest`` says. Belongs to one thread."""

    def __init__(self, store: Store, mailbox: Mailbox, folder: str) -> None:
        self._store, self._mailbox, self._folder = store, mailbox, folder
        self._marked: set[tuple[int, int]] = set()  # marked seen by us: a person may undo that
        self.trouble = ""  # why mails cannot be filed

    @property
    def idle(self) -> bool:
        """Whether mail is left alone."""
        return self._mailbox.after_ingest == "keep"

    def tidy(self, source: ImapConnection, now: datetime) -> int:
        """File what is done with; how many mails. The folder must be selected."""
        if self.idle:
            return 0
        with self._store.begin("state") as tx:
            state = tx.mailbox_state(self._mailbox.name)
        if state.uidvalidity is None or state.folder != self._folder:
            return 0
        uids = self._done_with(source, state, now)
        return len(uids) if uids and self._file(source, uids, state.uidvalidity) else 0

    def _done_with(self, source: ImapConnection, state: MailboxState, now: datetime) -> list[int]:
        """Mail concluded long ago is not marked seen: somebody may have wanted it unread."""
        assert state.uidvalidity is not None
        above = state.floor_uid if state.floor_uidvalidity == state.uidvalidity else 0
        there = source.uids_after(above)
        since = now - _RECENT if self._mailbox.after_ingest == "seen" else None
        with self._store.view() as view:
            uids = concluded(view, self._mailbox.name, self._folder, state.uidvalidity, there, since)
        self._marked &= {(state.uidvalidity, uid) for uid in uids}  # what is past need not be remembered
        return [uid for uid in uids if (state.uidvalidity, uid) not in self._marked]

    def _file(self, source: ImapConnection, uids: list[int], validity: int) -> bool:
        wish, target = self._mailbox.after_ingest, self._mailbox.move_to
        try:
            if wish == "seen":
                source.mark_seen(uids)
                self._marked.update((validity, uid) for uid in uids)
            elif wish == "delete":
                source.delete(uids)
            elif target:
                source.move(uids, target)
        except (FolderMissing, Refused) as refusal:
            self._say_once(str(refusal))
            return False
        self.trouble = ""
        log.info("filed", mailbox=self._mailbox.name, wish=wish, mails=len(uids))
        return True

    def _say_once(self, trouble: str) -> None:
        if trouble != self.trouble:
            self.trouble = trouble
            log.warning("mails cannot be filed", mailbox=self._mailbox.name, said=trouble)
