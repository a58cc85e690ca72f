"""Walk down the lines of a mail and find what is quoted: marks, attributions, header blocks, separators.

Marks are those of RFC 3676 §4.5. One pass, linear. It knows nothing of signatures or of earlier mails.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from ticketd.decide.excerpts.attribution import WINDOW, attribution_ending
from ticketd.decide.excerpts.commands import is_command_line
from ticketd.decide.excerpts.headerblock import header_block, label
from ticketd.decide.excerpts.labels import FROM
from ticketd.decide.excerpts.quotelines import (
    Separator,
    clean,
    has_address,
    has_date,
    is_marked,
    is_rule,
    names_original,
    separator,
    unmark,
)
from ticketd.decide.excerpts.sheet import Part, Sheet
from ticketd.decide.excerpts.squeeze import squeeze

CODE: Final = 200  # lines that a block of code may take
SHORTEST: Final = 8  # letters and digits of a marker that is recognised by them alone


def scan(sheet: Sheet, marker: str | None, *, agent: bool) -> None:
    """Set the quoted lines of ``sheet``; where a boundary says that all below it is, set its ``cut``.

    ``marker`` is a line of ours that stands above what our mails say. What a customer forwards stays new.
    """
    sealed = _marker_lines(sheet.lines, marker) if marker else frozenset[int]()
    at = floor = _commands_end(sheet) if agent else 0
    at = at if agent else _fence_end(sheet.lines, 0)
    while at < len(sheet.lines):
        if sheet.marked[at] and not (agent and _forwards(sheet.lines[at])):
            start, at = at, _run_end(sheet, at)
            if agent or floor or not _is_stray_mark(sheet, start, at):
                sheet.set(_rules_above(sheet.lines, start, floor), at, Part.QUOTED)
            sheet.attributed = sheet.attributed or _attributes_itself(sheet.lines[start:at])
            floor = at
            continue
        span = _marked_by_us(sheet, at, floor) if at in sealed else _boundary(sheet, at, floor, agent)
        if span is None:
            at = at + 1 if agent else _fence_end(sheet.lines, at + 1)
            continue
        start, stop = span
        sheet.attributed = True
        sheet.set(start, stop, Part.QUOTED)
        if start < len(sheet.lines) and not sheet.is_above_marks(stop):
            _cut(sheet, start, sealed)
            return
        at = floor = stop


def _commands_end(sheet: Sheet) -> int:
    """Where the commands end that an agent's mail begins with: none of them is an attribution."""
    end = 0
    for at, line in enumerate(sheet.lines):
        if sheet.marked[at] or not (is_command_line(line) or not clean(line)):
            break
        end = at + 1 if clean(line) else end
    return end


def _fence_end(lines: Sequence[str], at: int) -> int:
    """Where to go on from ``at``: behind a fenced block of code (Markdown), which is the writer's own."""
    if at >= len(lines) or not lines[at].startswith("```"):
        return at
    stop = min(len(lines), at + CODE)
    return next((end + 1 for end in range(at + 1, stop) if lines[end].startswith("```")), at)


def _cut(sheet: Sheet, start: int, sealed: frozenset[int]) -> None:
    """All from ``start`` on is quoted."""
    sheet.cut = start
    sheet.sealed = any(at >= start for at in sealed)
    sheet.set(start, len(sheet.lines), Part.QUOTED)


def _marker_lines(lines: Sequence[str], marker: str) -> frozenset[int]:
    """The lines that hold our marker, whatever a client made of its dashes and spaces, perhaps wrapped."""
    wanted = squeeze(marker)
    if len(wanted) < SHORTEST:
        return frozenset(at for at, line in enumerate(lines) if marker in line)
    squeezed = [squeeze(clean(line)) for line in lines]
    found = {at for at, text in enumerate(squeezed) if wanted in text}
    pairs = pairwise(squeezed)
    wrapped = {at for at, (one, two) in enumerate(pairs) if wanted in one + two and at + 1 not in found}
    return frozenset(found | wrapped)


def _forwards(line: str) -> bool:
    """Whether a line, marked by the HTML alone, announces a forwarded mail: that reaches to the end."""
    return not is_marked(line) and separator(line) is Separator.FORWARDED


def _run_end(sheet: Sheet, at: int) -> int:
    """One past the last line of the marked run that begins at ``at``; blank lines inside belong to it."""
    end = at
    while at < len(sheet.lines) and (sheet.marked[at] or not clean(sheet.lines[at])):
        if sheet.marked[at]:
            end = at + 1
        at += 1
    return end


def _attributes_itself(lines: Sequence[str]) -> bool:
    """Whether a marked run begins with an attribution that bears the marks too, as Apple Mail's do."""
    first = [unmark(line)[1] for line in lines[:WINDOW]]
    return any(attribution_ending(first, at) for at in range(len(first)))


def _is_stray_mark(sheet: Sheet, start: int, stop: int) -> bool:
    """Whether one single line that begins with ``>`` stands amid a customer's own lines."""
    if stop - start != 1 or any(sheet.marked[stop:]):
        return False
    if sheet.lines[start].startswith(">From "):  # what mailbox files make of a line that begins with From
        return True
    above = start > 0 and clean(sheet.lines[start - 1]) != ""
    return above and stop < len(sheet.lines) and clean(sheet.lines[stop]) != ""


def _boundary(sheet: Sheet, at: int, floor: int, agent: bool) -> tuple[int, int] | None:
    """A boundary at this line: (its first line, one past its last)."""
    lines = sheet.lines
    if agent and is_command_line(lines[at]):
        return None
    kind = separator(lines[at])
    if kind is Separator.FORWARDED and not agent:
        return len(lines), len(lines)  # what a customer forwards is what they want to show
    if kind is not None:
        return _rules_above(lines, at, floor), _block_after(lines, at + 1)
    found = label(lines[at])
    if found and (found[0] == FROM or at == 0 or label(lines[at - 1]) is None):
        block = header_block(lines, at)
        if block:
            return _rules_above(lines, at, floor), block.stop
    return _attribution(sheet, at, floor)


def _block_after(lines: Sequence[str], at: int) -> int:
    """One past the header block that follows a separator, if one does."""
    start = at
    while start < min(len(lines), at + 3) and not clean(lines[start]):
        start += 1
    block = header_block(lines, start, announced=True) if start < len(lines) else None
    return block.stop if block else at


def _attribution(sheet: Sheet, at: int, floor: int) -> tuple[int, int] | None:
    """An attribution that ends at this line, if it is strong or stands above marked lines."""
    above_marks = sheet.is_above_marks(at + 1)
    found = attribution_ending(sheet.lines, at, floor, above_marks=above_marks)
    if found is None or not (found.strong or above_marks):
        return None
    return _rules_above(sheet.lines, found.start, floor), found.stop


def _rules_above(lines: Sequence[str], start: int, floor: int) -> int:
    """Take in the drawn rules, and "Original message" without dashes, that stand above a boundary."""
    at = start
    while at > floor:
        above = at - 1
        while above > floor and not clean(lines[above]) and at - above < 3:
            above -= 1
        if not (is_rule(lines[above]) or names_original(lines[above])):
            return at
        at = above
    return at


def _marked_by_us(sheet: Sheet, at: int, floor: int) -> tuple[int, int]:
    """The boundary that our marker makes: the client's own lines above it belong to the quote."""
    lines, above = sheet.lines, at - 1
    while above >= floor and not clean(lines[above]):
        above -= 1
    if above < floor:
        return at, len(lines)
    found = attribution_ending(lines, above, floor)
    start = found.start if found else _labels_above(lines, above + 1, floor)
    if start == above + 1:
        # perhaps an attribution in a language that we do not know
        sheet.doubt = clean(lines[above]).endswith((":", "："))
        start = at
    elif found is None:
        sheet.doubt = above - start < 2
    return _rules_above(lines, start, floor), len(lines)


def _labels_above(lines: Sequence[str], stop: int, floor: int) -> int:
    """Where the lines above ``stop`` begin that look like a header block in whatever language."""
    start = stop
    while start > floor and _looks_like_label(lines[start - 1]):
        start -= 1
    block = [clean(line) for line in lines[start:stop]]
    return start if len(block) > 1 and any(has_address(line) or has_date(line) for line in block) else stop


def _looks_like_label(line: str) -> bool:
    """Whether a line begins with one to three words and a colon."""
    before, colon, after = clean(line).replace("：", ":").partition(":")
    return bool(colon) and bool(after) and len(before) <= 30 and 1 <= len(before.split()) <= 3
