"""Recognise quoted matter that bears no mark, by comparing it with the texts of earlier mails.

Letters and digits alone are compared, by runs of a fixed length, since clients wrap, indent and prefix
what they quote. It knows nothing of marks or attributions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ticketd.decide.excerpts.quotelines import is_marked
from ticketd.decide.excerpts.squeeze import squeeze

READ: Final = 65_536  # characters of earlier mails that are compared
TELLING: Final = 16  # letters and digits that make a line tell its origin
LINES: Final = 2  # telling lines that make a quote, with
LETTERS: Final = 60  # letters and digits in all; fewer where they are a whole mail


@dataclass(frozen=True, slots=True)
class KnownText:
    """What earlier mails said: every run of ``TELLING`` letters, and the short mails whole."""

    runs: frozenset[str]
    whole: frozenset[str]

    @classmethod
    def of(cls, parents: Sequence[str]) -> KnownText:
        """Take in ``parents``, newest first, without what they quote themselves."""
        room, runs, whole = READ, set[str](), set[str]()
        for parent in reversed(parents):
            own = (line for line in parent[:room].split("\n") if not is_marked(line))
            text = "".join(map(squeeze, own))
            runs.update(text[at : at + TELLING] for at in range(len(text) - TELLING + 1))
            if TELLING <= len(text) <= 10 * LETTERS:
                whole.add(text)
            room -= len(parent)
            if room <= 0:
                break
        return cls(frozenset(runs), frozenset(whole))

    def trailing(self, lines: Sequence[str], new: Sequence[int]) -> int | None:
        """Where, among the ``new`` lines, the last ones begin that repeat an earlier mail; else None."""
        best, tally = None, _Tally(self.whole)
        for at in reversed(new) if self.runs else ():
            squeezed = squeeze(lines[at])
            if len(squeezed) >= TELLING and not self._knows(squeezed):
                break
            tally.add(squeezed, before=True)
            if tally.tells() and (len(squeezed) >= TELLING or tally.is_whole()):
                best = at
        return best

    def repeats(self, lines: Sequence[str], new: Sequence[int]) -> bool:
        """Whether somewhere among the ``new`` lines an earlier mail is repeated."""
        tally = _Tally(self.whole)
        for at in new if self.runs else ():
            squeezed = squeeze(lines[at])
            if len(squeezed) >= TELLING and not self._knows(squeezed):
                tally = _Tally(self.whole)
                continue
            tally.add(squeezed)
            if tally.tells():
                return True
        return False

    def _knows(self, squeezed: str) -> bool:
        """Whether a line, perhaps wrapped anew, stands in an earlier mail."""
        return squeezed[:TELLING] in self.runs and squeezed[-TELLING:] in self.runs


class _Tally:
    """Counts adjoining known lines until they are enough to be called a quote."""

    def __init__(self, whole: frozenset[str]) -> None:
        self._whole = whole
        self._lines = self._letters = 0
        self._text = ""

    def add(self, squeezed: str, *, before: bool = False) -> None:
        """Count one line more, after or before the others."""
        if len(squeezed) >= TELLING:
            self._lines += 1
            self._letters += len(squeezed)
        if len(self._text) <= 10 * LETTERS:
            self._text = squeezed + self._text if before else self._text + squeezed

    def is_whole(self) -> bool:
        """Whether the lines are a whole mail."""
        return self._text in self._whole

    def tells(self) -> bool:
        """Whether the lines are a quote."""
        return self.is_whole() or (self._lines >= LINES and self._letters >= LETTERS)
