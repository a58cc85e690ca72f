"""Recognise the line or lines that say who wrote what is quoted below: "On … Jane wrote:".

Clients wrap them as they like, in many languages; ``quotemarks`` has their words. Linear: a window of a
fixed number of lines is read. It knows nothing of what stands below, but whether that is marked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ticketd.decide.excerpts import quotemarks
from ticketd.decide.excerpts.phrases import fold
from ticketd.decide.excerpts.quotelines import (
    clean,
    has_address,
    has_date,
    has_exact_date,
    has_year,
    is_marked,
)

WINDOW: Final = 6  # lines that a wrapped attribution may take
CERTAIN: Final = 3
STRONG: Final = 2
WEAK: Final = 1


@dataclass(frozen=True, slots=True)
class Attribution:
    """An attribution in lines ``start`` to ``stop`` (exclusive); ``strong`` needs no mark below it."""

    start: int
    stop: int
    strong: bool


def _literals(phrases: frozenset[str]) -> re.Pattern[str]:
    """A pattern for any of the phrases; those of spaced scripts only as whole words."""
    spaced = sorted((p for p in phrases if _is_spaced(p)), key=len, reverse=True)
    packed = sorted((p for p in phrases if not _is_spaced(p)), key=len, reverse=True)
    words = "|".join(map(re.escape, spaced))
    return re.compile(rf"(?<!\w)(?:{words})(?!\w)|{'|'.join(map(re.escape, packed))}")


def _is_spaced(phrase: str) -> bool:
    """Whether the script of a phrase puts spaces between words (not CJK, Thai, Hangul suffixes)."""
    return not any("\u0e00" <= c <= "\u0e7f" or "\u3000" <= c <= "\ud7ff" for c in phrase)


_WROTE: Final = _literals(quotemarks.WROTE)


def _opens(text: str) -> bool:
    """Whether the text begins as attribution lines do (``On``, ``Am``, ``Le`` …)."""
    head = fold(text[:60]).lstrip("-—–*_ ")
    words = head.split(" ", 4)[:4]
    if any(" ".join(words[:n]).rstrip(",") in quotemarks.OPENERS for n in range(1, len(words) + 1)):
        return True
    return head.startswith(("在", "于", "於", "ב-", "ב־", "sent from "))


def _begins_with_date(text: str) -> bool:
    """Whether the text begins with a date: a digit, or a word or two and then one."""
    return any(char.isdigit() for char in text[:24])


def _is_name_and_verb(text: str) -> bool:
    """Whether the text is a name, an address and a verb, and nothing else."""
    words = text.split()
    return len(words) <= 8 and any(has_address(word) for word in words)


def _strength(text: str) -> int:
    """How surely ``text`` is an attribution; 0 where it is none."""
    wrote = _WROTE.search(fold(text)) is not None
    dated, address = has_date(text), has_address(text)
    if wrote and (address or has_year(text)) and _opens(text):
        return CERTAIN
    if wrote and dated and (address or has_exact_date(text)):
        return STRONG
    if wrote and (_is_name_and_verb(text) or (text.startswith("--") and text.endswith("--"))):
        return STRONG
    ends_in_address = text.rstrip(" :：").endswith((">", ")", "]"))
    if dated and address and ends_in_address and _begins_with_date(text):
        return STRONG
    return WEAK if wrote or (dated and address) else 0


def _ends_attribution(bare: str) -> bool:
    """Whether a cleaned line can be the last of an attribution."""
    return (len(bare) > 3 and bare.rstrip("*_ ")[-1:] in (":", "：")) or (
        bare.endswith("--") and bare.strip("- ") != ""
    )


def attribution_ending(
    lines: Sequence[str], last: int, floor: int = 0, *, above_marks: bool = False
) -> Attribution | None:
    """Find the attribution whose last line is ``last``, reaching up to ``floor`` at most.

    ``above_marks`` says that marked lines follow: then it needs no colon at its end.
    """
    bare = clean(lines[last])
    if _stands_before_quote(bare):
        return Attribution(last, last + 1, strong=True)
    if not bare or not (_ends_attribution(bare) or (above_marks and _ends_without_colon(bare))):
        return None
    text, best, start = "", (0, last), last
    for first in range(last, max(floor, last - WINDOW + 1) - 1, -1):
        line = clean(lines[first])
        if not line or is_marked(lines[first]) or (first < last and line[-1] in ":："):
            break
        text = f"{line} {text}".strip()
        strength = _strength(text) or (above_marks and _names_a_mail(text))
        dated = any(map(str.isdigit, line))  # else it may be the last line of what somebody says
        if strength > best[0] and (dated or first == last or best[0] == 0):
            best = (strength, first)
        if best[0] == CERTAIN:
            break
    strength, start = best
    if not strength:
        return None
    return Attribution(_reach_up(lines, start, last, floor), last + 1, strength >= STRONG)


def _names_a_mail(text: str) -> int:
    """How surely a text without a known verb, above marked lines, names their author or date: WEAK or 0."""
    words = len(text.split())
    ends = text.rstrip("*_ ")[-1:] in (":", "：")
    named = (words <= 6 and has_exact_date(text)) or (words <= 12 and ends and has_address(text))
    return WEAK if named else 0


def _stands_before_quote(bare: str) -> bool:
    """Whether a line holds an attribution with its address, and the quote's first words behind it."""
    if not (_opens(bare) and has_address(bare)):
        return False
    folded = fold(bare)
    wrote = _WROTE.search(folded)
    return wrote is not None and folded[wrote.end() :].lstrip()[:1] == ":" and _strength(bare) == CERTAIN


def _ends_without_colon(bare: str) -> bool:
    """Whether a cleaned line ends as attributions without a colon do: in an address, or a verb."""
    if has_exact_date(bare) or (bare.endswith((">", ")")) and has_address(bare)):
        return True
    return any(fold(bare).endswith(verb) for verb in ("wrote", "schrieb", "writes", "écrit", "escribió"))


def _reach_up(lines: Sequence[str], start: int, last: int, floor: int) -> int:
    """Move the start of a found attribution over lines above that belong to it."""
    while start > floor and last - start < WINDOW - 1:
        above = clean(lines[start - 1])
        if not above and start - 1 > floor and _opens_above_a_gap(lines[start - 2]):
            return start - 2
        if not above or is_marked(lines[start - 1]) or len(above) > 100 or above.endswith(("!", "?", ":")):
            break
        own = clean(lines[start])
        bare_verb = start == last and len(own.split()) <= 2
        wrapped = (_opens(above) or has_address(above)) and has_date(above)
        if not (bare_verb or wrapped or (has_address(above) and len(above.split()) <= 5)):
            break
        start -= 1
    return start


def _opens_above_a_gap(line: str) -> bool:
    """Whether a line is the first half of an attribution that a blank line parts in two."""
    bare = clean(line)
    return not is_marked(line) and len(bare) <= 80 and _opens(bare) and has_exact_date(bare)
