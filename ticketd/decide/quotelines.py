"""Recognise single lines of quoted mail: marks, attributions, separators, header blocks.

The marks are those of RFC 3676 §4.5, the labels those of RFC 5322 §3.6; the rest is what clients
made up. All of it is linear: a line is read to a fixed length, a window has a fixed number of lines,
patterns are literals or of bounded length. It knows nothing of who wrote the mail or what is done with it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from ticketd.decide import quotemarks
from ticketd.decide.quotemarks import DATE, FROM, OTHER, SUBJECT, TO

READ: Final = 400  # characters of a line that are looked at
WINDOW: Final = 5  # lines that a wrapped attribution may take
BLOCK: Final = 30  # lines that a header block may take

INVISIBLE: Final = dict.fromkeys(
    (0xAD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), 0x2060, *range(0x2066, 0x206A), 0xFEFF)
)
_RULES: Final = frozenset("-_=*~#—–─━‐‑⎯ ")
_ORNAMENTS: Final = "-_=*~#—–─━‐‑⎯>< :："
_YEAR: Final = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)|(?<!\d)\d{1,2}[./-]\d{1,2}[./-]\d\d(?!\d)|\d{1,2}月")
_TIME: Final = re.compile(r"(?<!\d)\d{1,2}[:.h∶：]\d\d(?!\d)|\d{1,2}時|\d{1,2}시|\d{1,2}点")
_DAY: Final = re.compile(r"(?<!\d)\d{1,4}[./-]\d{1,2}(?:[./-]\d{1,4})?(?!\d)|(?<!\d)\d{1,2}\.? \w{3,12}")
_MAIL: Final = re.compile(r"[\w.+=/-]@[\w.-]")


class Boundary(Enum):
    """What kind of line begins a quote."""

    ATTRIBUTION = auto()
    ORIGINAL = auto()
    FORWARDED = auto()
    HEADERS = auto()


@dataclass(frozen=True, slots=True)
class Attribution:
    """An attribution in lines ``start`` to ``stop`` (exclusive); ``strong`` needs no mark below it."""

    start: int
    stop: int
    strong: bool


@dataclass(frozen=True, slots=True)
class HeaderBlock:
    """A block of header lines in the text: fields as (kind, value), ``stop`` is the line after it."""

    fields: tuple[tuple[str, str], ...]
    stop: int

    def value(self, kind: str) -> str:
        """The first value of this kind of field, else an empty text."""
        return next((value for key, value in self.fields if key == kind), "")


def clean(line: str) -> str:
    """The part of a line that is looked at, without what cannot be seen."""
    return line[:READ].translate(INVISIBLE).replace("\xa0", " ").replace("\u202f", " ").strip()


def unmark(line: str) -> tuple[int, str]:
    """Count and remove the quote marks (RFC 3676 §4.5) before a line."""
    rest = line.translate(INVISIBLE) if not line.isascii() else line
    depth = 0
    while (bare := rest.lstrip(" \t\xa0"))[:1] in (">", "＞"):
        depth += 1
        rest = bare[1:]
        if depth == 50:
            break
    return depth, rest.removeprefix(" ") if depth else line


def is_marked(line: str) -> bool:
    """Whether a line begins with a quote mark."""
    head = line[:READ].translate(INVISIBLE).lstrip(" \t\xa0")
    return head[:1] in (">", "＞")


def is_rule(line: str, least: int = 5) -> bool:
    """Whether a line is a drawn rule: dashes, underscores and the like alone."""
    bare = clean(line)
    return len(bare) >= least and set(bare) <= _RULES


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


def has_date(text: str) -> bool:
    """Whether something in the text reads like a date or a time of day."""
    return bool(_YEAR.search(text) or _TIME.search(text) or _DAY.search(text))


def has_address(text: str) -> bool:
    """Whether something in the text reads like a mail address."""
    return _MAIL.search(text) is not None


def _opens(text: str) -> bool:
    """Whether the text begins as attribution lines do (``On``, ``Am``, ``Le`` …)."""
    head = quotemarks.fold(text[:60]).lstrip("-—–*_ ")
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
    """How surely ``text`` is an attribution: 0 no, 1 only above marked lines, 2 and 3 surely."""
    wrote = _WROTE.search(quotemarks.fold(text)) is not None
    dated, address = has_date(text), has_address(text)
    if wrote and (dated or address) and _opens(text):
        return 3
    if wrote and dated and (address or (_YEAR.search(text) and _TIME.search(text))):
        return 2
    if wrote and (_is_name_and_verb(text) or (text.startswith("--") and text.endswith("--"))):
        return 2
    ends_in_address = text.rstrip(" :：").endswith((">", ")", "]"))
    if dated and address and ends_in_address and _begins_with_date(text):
        return 2
    return 1 if wrote or (dated and address) else 0


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
        if (strength := _strength(text)) > best[0]:
            best = (strength, first)
        if strength == 3:
            break
    strength, start = best
    if not strength:
        return None
    return Attribution(_reach_up(lines, start, last, floor), last + 1, strength >= 2)


def _stands_before_quote(bare: str) -> bool:
    """Whether a line holds an attribution with its address, and the quote's first words behind it."""
    if not (_opens(bare) and has_address(bare)):
        return False
    folded = quotemarks.fold(bare)
    wrote = _WROTE.search(folded)
    return wrote is not None and folded[wrote.end() :].lstrip()[:1] == ":" and _strength(bare) == 3


def _ends_without_colon(bare: str) -> bool:
    """Whether a cleaned line ends as attributions without a colon do: in an address, or a verb."""
    if bare.endswith((">", ")")) and has_address(bare):
        return True
    return any(
        quotemarks.fold(bare).endswith(verb) for verb in ("wrote", "schrieb", "writes", "écrit", "escribió")
    )


def _reach_up(lines: Sequence[str], start: int, last: int, floor: int) -> int:
    """Move the start of a found attribution over lines above that belong to it."""
    while start > floor and last - start < WINDOW - 1:
        above = clean(lines[start - 1])
        if not above or is_marked(lines[start - 1]) or len(above) > 100 or above.endswith(("!", "?", ":")):
            break
        own = clean(lines[start])
        bare_verb = start == last and len(own.split()) <= 2
        wrapped = (_opens(above) or has_address(above)) and has_date(above)
        if not (bare_verb or wrapped or (has_address(above) and len(above.split()) <= 5)):
            break
        start -= 1
    return start


def separator(line: str) -> Boundary | None:
    """What a separator line announces: an answered mail, a forwarded mail, or nothing."""
    bare = clean(line)
    if not 5 <= len(bare) <= 160:
        return None
    core = quotemarks.fold(bare.strip(_ORNAMENTS))
    decorated = bare[:2] != core[:2] and bare[0] in _RULES
    if any(phrase in core for phrase in quotemarks.REPLY_ABOVE):
        return Boundary.ORIGINAL
    if core in quotemarks.ORIGINAL:
        return Boundary.ORIGINAL if decorated else None
    if core in quotemarks.FORWARDED:
        return Boundary.FORWARDED if decorated or bare[-1] in ":：" else None
    framed = decorated and bare[-1] in _RULES and len(core) <= 60
    if framed and any(stem in core for stem in quotemarks.FORWARDED_STEMS):
        return Boundary.FORWARDED
    if decorated and core.startswith(quotemarks.FORWARDED_BY):
        return Boundary.FORWARDED
    return None


def names_original(line: str) -> bool:
    """Whether a line says "Original message" or the like, with or without dashes around it."""
    core = quotemarks.fold(clean(line).strip(_ORNAMENTS))
    return core in quotemarks.ORIGINAL or core in quotemarks.FORWARDED


def label(line: str) -> tuple[str, str] | None:
    """Read ``Label: value`` of a header block: (kind, value), else None."""
    bare = clean(line)
    at = min((i for i in (bare.find(":", 0, 40), bare.find("：", 0, 40)) if i >= 0), default=-1)
    if at < 0:
        return None
    kind = quotemarks.LABELS.get(quotemarks.fold(bare[:at].strip(" *_|\t")))
    return (kind, bare[at + 1 :].strip(" *_\t")) if kind else None


def header_block(lines: Sequence[str], start: int, *, announced: bool = False) -> HeaderBlock | None:
    """Read a block of header lines that begins at ``start``.

    ``announced`` says that a separator stands above it, so that less is needed to believe it.
    """
    fields: list[tuple[str, str]] = []
    at = stop = start
    while at < min(len(lines), start + BLOCK):
        found = label(lines[at])
        if found:
            if found[0] == FROM and any(kind == FROM for kind, _ in fields):
                break  # another block begins
            fields.append(found)
        elif not _continues(lines, at, fields):
            if clean(lines[at]) or not _label_follows(lines, at, fields):
                break
        elif fields:
            kind, value = fields[-1]
            fields[-1] = (kind, f"{value} {clean(lines[at])}".strip()[: 4 * READ])
        at += 1
        stop = at
    block = HeaderBlock(tuple(fields), stop)
    return block if _believable(block, announced) or _is_one_line(block) else None


def _is_one_line(block: HeaderBlock) -> bool:
    """Whether a whole block stands in one line: ``From: Jane Sent: Monday To: Bob Subject: x``."""
    if len(block.fields) != 1 or block.fields[0][0] != FROM:
        return False
    words = quotemarks.fold(block.fields[0][1]).split()
    kinds = {
        quotemarks.LABELS.get(word.strip("*_:：")) for word in words if word.rstrip("*")[-1:] in (":", "：")
    }
    return {DATE, TO, SUBJECT} <= kinds


def _continues(lines: Sequence[str], at: int, fields: list[tuple[str, str]]) -> bool:
    """Whether a line without a label goes on with the field above it."""
    bare = clean(lines[at])
    if not fields or not bare:
        return False
    kind, value = fields[-1]
    if not value or value.endswith((",", ";")):
        return True
    if lines[at][:1] in (" ", "\t") and at > 0 and clean(lines[at - 1]) and kind != OTHER:
        return True
    folded_list = kind in (FROM, TO, quotemarks.CC) and has_address(bare) and len(bare.split()) <= 8
    return folded_list and bool(clean(lines[at - 1])) and bare.rstrip(";,").endswith((">", "]", ")"))


def _label_follows(lines: Sequence[str], at: int, fields: list[tuple[str, str]]) -> bool:
    """Whether a blank line stands between two labels (double-spaced blocks)."""
    if not fields or at + 1 >= len(lines):
        return False
    follower = label(lines[at + 1])
    if follower is None:
        return False
    missing = follower[0] not in {kind for kind, _ in fields}
    return missing and (follower[0] != OTHER)


def _believable(block: HeaderBlock, announced: bool) -> bool:
    """Whether the fields are those of a mail rather than of a form that somebody filled in."""
    kinds = {kind for kind, _ in block.fields}
    date = block.value(DATE)
    if FROM not in kinds:
        exact = _YEAR.search(date) is not None and _TIME.search(date) is not None
        return exact and has_address(block.value(TO))
    dated = DATE in kinds and any(char.isdigit() for char in date)
    if announced:
        return dated or bool(kinds & {TO, SUBJECT}) or has_address(block.value(FROM))
    if block.fields[0][0] != FROM:
        addressed = any(has_address(value) for _, value in block.fields)
        return len(kinds & {DATE, TO, SUBJECT}) >= 2 and addressed
    if SUBJECT in kinds:
        return dated or TO in kinds
    return dated and any(has_address(value) for _, value in block.fields)
