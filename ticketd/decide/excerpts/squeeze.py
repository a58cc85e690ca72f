"""The letters and digits of a text alone: what wrapping, marks and mail clients cannot change.

It knows nothing of mails.
"""

from __future__ import annotations

from collections.abc import Sequence


def squeeze(text: str) -> str:
    """The letters and digits of a text alone, casefolded."""
    return "".join(filter(str.isalnum, text.casefold()))


def squeeze_lines(lines: Sequence[str]) -> tuple[str, list[int]]:
    """The squeezed lines joined, and at which offset each begins."""
    parts: list[str] = []
    starts: list[int] = []
    offset = 0
    for line in lines:
        part = squeeze(line)
        parts.append(part)
        starts.append(offset)
        offset += len(part)
    return "".join(parts), starts
