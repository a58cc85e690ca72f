"""Which mail is in hand, remembered beyond the death of the process.

A mail that kills the process (memory, a crash in a library) would otherwise be tried for
ever. A small file a mailbox holds the ledger id while its mail is taken in; written
without fsync, since it must survive the process, not the machine.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_WIDTH = 20
_EMPTY = b" " * _WIDTH


class InHand:
    """The mark of one mailbox's worker. Holds its file open: a mark costs one write."""

    def __init__(self, directory: Path, mailbox: str) -> None:
        # The mailbox's name is the admin's and may hold anything; a digest is a safe file name.
        name = hashlib.sha256(mailbox.encode()).hexdigest()[:16]
        self._file = os.open(directory / f"in-hand-{name}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    @contextmanager
    def holding(self, ledger_id: int) -> Iterator[None]:
        """Mark ``ledger_id`` as in hand; an exception clears the mark, death does not."""
        self.mark(ledger_id)
        try:
            yield
        finally:
            self.clear()

    def mark(self, ledger_id: int) -> None:
        """``ledger_id`` is in hand."""
        os.pwrite(self._file, str(ledger_id).encode().ljust(_WIDTH), 0)

    def left_over(self) -> int | None:
        """The ledger id that a dead process had in hand, None where there is none."""
        text = os.pread(self._file, _WIDTH, 0).strip()
        return int(text) if text.isdigit() else None

    def clear(self) -> None:
        """Nothing is in hand."""
        os.pwrite(self._file, _EMPTY, 0)

    def close(self) -> None:
        """Give the file back."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> InHand:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()
