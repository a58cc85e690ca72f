"""The lines of one mail, and which of them are new, quoted or signature.

It holds what ``quotescan`` and ``excerpt`` find. Lines and marks are those of RFC 3676 §4. It decides
nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from ticketd.decide.excerpts.quotelines import clean, is_marked


class Part(Enum):
    """What a line is."""

    NEW = auto()
    QUOTED = auto()
    SIGNATURE = auto()


@dataclass(slots=True)
class Sheet:
    """The lines of a mail and what each of them is, filled in as the scan goes on.

    ``marked`` says which lines are quoted by a mark, ``below`` which line at or after n is the first
    that is not blank. ``cut`` is where all that follows is quoted, ``sealed`` whether our own marker
    stands below it, ``attributed`` whether any line says whose words are quoted. ``doubt`` is True where
    quoted and new lines may be mixed.
    """

    lines: list[str]
    parts: list[Part] = field(default_factory=list)
    marked: list[bool] = field(default_factory=list)
    below: list[int | None] = field(default_factory=list)
    doubt: bool = False
    cut: int | None = None
    attributed: bool = False
    sealed: bool = False

    @classmethod
    def of(cls, text: str) -> Sheet:
        """A sheet with nothing found yet."""
        sheet = cls(text.split("\n"))
        sheet.parts = [Part.NEW] * len(sheet.lines)
        sheet.marked = [is_marked(line) for line in sheet.lines]
        sheet.below = [None] * (len(sheet.lines) + 1)
        for at in range(len(sheet.lines) - 1, -1, -1):
            sheet.below[at] = at if clean(sheet.lines[at]) else sheet.below[at + 1]
        return sheet

    def is_above_marks(self, at: int) -> bool:
        """Whether the first line from ``at`` on that is not blank is marked."""
        below = self.below[at]
        return below is not None and self.marked[below]

    def set(self, start: int, stop: int, part: Part) -> None:
        """Say what the lines from ``start`` up to ``stop`` are."""
        self.parts[start:stop] = [part] * (stop - start)

    def new(self) -> list[int]:
        """The lines that are new and not blank."""
        return [at for at, part in enumerate(self.parts) if part is Part.NEW and clean(self.lines[at])]

    def new_runs(self) -> list[tuple[int, int]]:
        """The runs of lines that are new, as (first, one past last)."""
        runs: list[tuple[int, int]] = []
        start: int | None = None
        for at, part in enumerate([*self.parts, Part.QUOTED]):
            if part is Part.NEW:
                start = at if start is None else start
            elif start is not None:
                runs.append((start, at))
                start = None
        return runs

    def joined(self, wanted: Part, tail: str = "") -> str:
        """The lines of one part and ``tail``; one blank line where others stood between them."""
        runs: list[list[str]] = [[]]
        for line, part in zip(self.lines, self.parts, strict=True):
            if part is wanted:
                runs[-1].append(line)
            elif runs[-1]:
                runs.append([])
        if tail:
            runs[-1].append(tail)
        return "\n\n".join(text for run in runs if (text := _trimmed(run)))


def _trimmed(lines: Sequence[str]) -> str:
    """Join lines without the blank ones at both ends."""
    start, stop = 0, len(lines)
    while start < stop and not lines[start].strip():
        start += 1
    while stop > start and not lines[stop - 1].strip():
        stop -= 1
    return "\n".join(lines[start:stop]).rstrip()
