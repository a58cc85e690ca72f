"""Recognise single lines of quoted mail: marks, drawn rules, separators; and dates and addresses in them.

The marks are those of RFC 3676 §4.5; the rest is what clients made up. All of it is linear: a line is read
to a fixed length, patterns are literals or of bounded length. It knows nothing of the lines around.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import Final

from ticketd.decide.excerpts import quotemarks
from ticketd.decide.excerpts.phrases import fold

READ: Final = 400  # characters of a line that are looked at

_INVISIBLE: Final = dict.fromkeys(
    (0xAD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), 0x2060, *range(0x2066, 0x206A), 0xFEFF)
)
_MARKS: Final = (">", "＞", "&gt;")
_RULES: Final = frozenset("-_=*~#—–─━‐‑⎯ ")
_ORNAMENTS: Final = "-_=*~#—–─━‐‑⎯>< :："
_YEAR: Final = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)|(?<!\d)\d{1,2}[./-]\d{1,2}[./-]\d\d(?!\d)|\d{1,2}月")
_TIME: Final = re.compile(r"(?<!\d)\d{1,2}[:.h∶：]\d\d(?!\d)|\d{1,2}時|\d{1,2}시|\d{1,2}点")
_DAY: Final = re.compile(r"(?<!\d)\d{1,4}[./-]\d{1,2}(?:[./-]\d{1,4})?(?!\d)|(?<!\d)\d{1,2}\.? \w{3,12}")
_MAIL: Final = re.compile(r"[\w.+=/-]@[\w.-]")


class Separator(Enum):
    """What a line between the new text and another mail announces."""

    ORIGINAL = auto()
    FORWARDED = auto()


def clean(line: str) -> str:
    """The part of a line that is looked at, without what cannot be seen."""
    head = line[:READ]
    if head.isascii():
        return head.strip()
    return head.translate(_INVISIBLE).replace("\xa0", " ").replace("\u202f", " ").strip()


def unmark(line: str) -> tuple[int, str]:
    """Count and remove the quote marks (RFC 3676 §4.5) before a line."""
    rest = line if line.isascii() else line.translate(_INVISIBLE)
    depth = 0
    while depth < 50 and (bare := rest.lstrip(" \t\xa0")).startswith(_MARKS):
        depth += 1
        rest = bare.removeprefix("&gt;") if bare[0] == "&" else bare[1:]
    return depth, rest.removeprefix(" ") if depth else line


def is_marked(line: str) -> bool:
    """Whether a line begins with a quote mark."""
    return clean(line).startswith(_MARKS)


def is_rule(line: str, least: int = 5) -> bool:
    """Whether a line is a drawn rule: dashes, underscores and the like alone."""
    bare = clean(line)
    return len(bare) >= least and set(bare) <= _RULES


def has_date(text: str) -> bool:
    """Whether something in the text reads like a date or a time of day."""
    return bool(_YEAR.search(text) or _TIME.search(text) or _DAY.search(text))


def has_year(text: str) -> bool:
    """Whether the text holds a year, or a date of numbers that has one."""
    return _YEAR.search(text) is not None


def has_exact_date(text: str) -> bool:
    """Whether the text holds both a year and a time of day."""
    return _YEAR.search(text) is not None and _TIME.search(text) is not None


def has_address(text: str) -> bool:
    """Whether something in the text reads like a mail address."""
    return _MAIL.search(text) is not None


def separator(line: str) -> Separator | None:
    """What a separator line announces: an answered mail, a forwarded mail, or nothing."""
    bare = clean(line)
    if not 5 <= len(bare) <= 160:
        return None
    core = fold(bare.strip(_ORNAMENTS))
    ruled = bare[0] in _RULES and bare[:2] != core[:2]
    framed = ruled and bare[-1] in _RULES
    if core in quotemarks.FORWARDED:
        return Separator.FORWARDED if ruled or bare[-1] in ":：" else None
    if framed and len(core) <= 60 and any(stem in core for stem in quotemarks.FORWARDED_STEMS):
        return Separator.FORWARDED
    if ruled and core.startswith(quotemarks.FORWARDED_BY):
        return Separator.FORWARDED
    if any(phrase in core for phrase in quotemarks.REPLY_ABOVE) or core.strip("[]") in quotemarks.LEFT_OUT:
        return Separator.ORIGINAL
    return Separator.ORIGINAL if ruled and _says_original(core, framed) else None


def _says_original(core: str, framed: bool) -> bool:
    """Whether the words of a separator say "original message", with or without more behind them."""
    if core in quotemarks.ORIGINAL or core.partition("--")[0].rstrip() in quotemarks.ORIGINAL:
        return True
    return framed and core.startswith(quotemarks.ORIGINAL_STARTS)


def names_original(line: str) -> bool:
    """Whether a line says "Original message" or the like, with or without dashes around it."""
    core = fold(clean(line).strip(_ORNAMENTS))
    return core in quotemarks.ORIGINAL or core in quotemarks.FORWARDED
