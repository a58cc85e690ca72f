"""Which mail is in hand, remembered beyond the death of the process.

A mail that kills the process (memory, a crash in a library) would otherwise be tried for
ever. A small file a mailbox holds the ledger id while its mail is taken in; written
without fsync, since it must survive the process, not the machine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class InHand:
    """The mark of one mailbox's worker."""

    def __init__(self, directory: Path, mailbox: str) -> None:
        # The mailbox's name is the admin's and may hold anything; a digest is a safe file name.
        name = hashlib.sha256(mailbox.encode()).hexdigest()[:16]
        self._path = directory / f"in-hand-{name}"

    @contextmanager
    def holding(self, ledger_id: int) -> Iterator[None]:
        """Mark ``ledger_id`` as in hand; an exception clears the mark, death does not."""
        self._path.write_text(str(ledger_id), encoding="ascii")
        try:
            yield
        finally:
            self.clear()

    def left_over(self) -> int | None:
        """The ledger id that a dead process had in hand, None where there is none."""
        try:
            text = self._path.read_text(encoding="ascii", errors="replace")
        except FileNotFoundError:
            return None
        return int(text) if text.isascii() and text.isdigit() else None

    def clear(self) -> None:
        """Nothing is in hand."""
        self._path.unlink(missing_ok=True)
