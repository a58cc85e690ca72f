"""Tables of phrases: how they are written down, folded and looked up.

It knows nothing of what the phrases mean.
"""

from __future__ import annotations

import unicodedata


def fold(text: str) -> str:
    """Fold a short text for comparison with the tables: case, composed accents, the Turkish dotted i."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", text.casefold().replace("i\u0307", "i"))


def phrases(table: str) -> frozenset[str]:
    """Split a table into its phrases, folded: one line a language or so, ``|`` between phrases."""
    found = (phrase.strip() for line in table.splitlines() for phrase in line.split("|"))
    return frozenset(fold(phrase) for phrase in found if phrase)


def longest_first(found: frozenset[str]) -> tuple[str, ...]:
    """Order phrases longest first, so that the first match is the best."""
    return tuple(sorted(found, key=lambda phrase: (-len(phrase), phrase)))
