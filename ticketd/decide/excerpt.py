"""Part a mail's text into what is new, what is quoted and what is signature.

Marks and signature separators are those of RFC 3676 §4.3 to §4.5; what clients do beyond them stands in
``quotemarks``. One pass over the lines, linear in the text. In doubt a customer's text is kept, an
agent's is called uncertain, so that the caller holds it. It knows nothing of tickets or commands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from ticketd.decide.htmlquote import quoted_lines
from ticketd.decide.knownlines import KnownText
from ticketd.decide.model import Excerpt
from ticketd.decide.quotelines import (
    Boundary,
    attribution_ending,
    clean,
    has_address,
    header_block,
    is_marked,
    is_rule,
    label,
    names_original,
    separator,
)
from ticketd.decide.quotemarks import FROM
from ticketd.decide.signature import signature_start

SCANNED: Final = 65_536  # characters in which quotes are looked for
WRAPPED: Final = 60  # characters of a marked line that a client may have wrapped


class _Part(Enum):
    NEW = auto()
    QUOTED = auto()
    SIGNATURE = auto()


@dataclass(slots=True)
class _Sheet:
    """The lines of a mail and what each of them is, filled in as the scan goes on."""

    lines: list[str]
    parts: list[_Part] = field(default_factory=list)
    marked: list[bool] = field(default_factory=list)
    below: list[int | None] = field(default_factory=list)  # at n: the first line from n on that is not blank
    doubt: bool = False
    cut: int | None = None  # where everything below is quoted without marks

    @classmethod
    def of(cls, text: str) -> _Sheet:
        """A sheet with nothing found yet."""
        sheet = cls(text.split("\n"))
        sheet.parts = [_Part.NEW] * len(sheet.lines)
        sheet.marked = [is_marked(line) for line in sheet.lines]
        sheet.below = [None] * (len(sheet.lines) + 1)
        for at in range(len(sheet.lines) - 1, -1, -1):
            sheet.below[at] = at if clean(sheet.lines[at]) else sheet.below[at + 1]
        return sheet

    def is_above_marks(self, at: int) -> bool:
        """Whether the first line from ``at`` on that is not blank is marked."""
        below = self.below[at]
        return below is not None and self.marked[below]

    def set(self, start: int, stop: int, part: _Part) -> None:
        self.parts[start:stop] = [part] * (stop - start)

    def is_new(self, at: int) -> bool:
        return self.parts[at] is _Part.NEW and bool(clean(self.lines[at]))

    def new(self) -> list[int]:
        """The lines that are new and not blank."""
        return [at for at in range(len(self.lines)) if self.is_new(at)]


def excerpt(
    text: str,
    html: str | None = None,
    *,
    agent: bool = False,
    marker: str | None = None,
    parents: Sequence[str] = (),
    disclaimers: Sequence[str] = (),
    names: Sequence[str] = (),
) -> Excerpt:
    """Find the new text of a mail whose plain text is ``text``. Never raises; linear time.

    ``html`` helps where the text has lost its quote marks. ``agent``: the mail answers a notification
    of ours; in doubt ``certain`` is False. Everything from a line that holds ``marker`` is quoted.
    ``parents`` are the texts of earlier mails, ``disclaimers`` texts to cut, ``names`` the author's.
    """
    head, tail = _split(text.replace("\r\n", "\n").replace("\r", "\n"))
    sheet = _Sheet.of(head)
    if html and len(head) <= 2 * SCANNED:
        _mark_by_html(sheet, html, agent)
    _scan(sheet, marker, agent)
    known = KnownText.of(parents if len(head) <= 2 * SCANNED else ())
    if start := known.trailing(sheet.lines, sheet.new()):
        sheet.set(start, len(sheet.lines), _Part.QUOTED)
        sheet.doubt = True
    if not agent and sheet.cut is not None and not sheet.new():
        return Excerpt(new_text=text.strip("\n"), certain=False)
    _sign(sheet, names, disclaimers)
    if agent:
        sheet.doubt = sheet.doubt or _is_doubtful(sheet, known, marker, bool(tail))
    return _assemble(sheet, tail)


def _mark_by_html(sheet: _Sheet, html: str, agent: bool) -> None:
    """Mark the lines that the HTML says are quoted; not what a customer forwards."""
    stop = len(sheet.lines)
    if not agent:
        forwards = (at for at, line in enumerate(sheet.lines) if separator(line) is Boundary.FORWARDED)
        stop = next(forwards, stop)
    for at in quoted_lines(html, sheet.lines, plain=agent):
        if at < stop:
            sheet.marked[at] = True


def _split(text: str) -> tuple[str, str]:
    """Part a text that is too long to scan at the end of a line: (to scan, the rest)."""
    if len(text) <= SCANNED:
        return text, ""
    at = text.rfind("\n", 0, SCANNED)
    at = at if at >= 0 else text.find("\n", SCANNED)
    return (text[:at], text[at + 1 :]) if at >= 0 else (text, "")


def _scan(sheet: _Sheet, marker: str | None, agent: bool) -> None:
    """Walk down the lines and mark what is quoted, until a boundary says that the rest is."""
    at, floor = 0, 0
    while at < len(sheet.lines):
        if sheet.marked[at] and not (agent and _forwards(sheet.lines[at])):
            start, at = at, _run_end(sheet, at)
            if agent or floor or not _is_stray_mark(sheet, start, at):
                sheet.set(_rules_above(sheet.lines, start, floor), at, _Part.QUOTED)
            floor = at
            continue
        span = _boundary(sheet, at, floor, marker, agent)
        if span is None:
            at += 1
            continue
        start, stop, cuts = span
        sheet.set(start, stop, _Part.QUOTED)
        if cuts and not sheet.is_above_marks(stop):
            sheet.cut = start
            sheet.set(start, len(sheet.lines), _Part.QUOTED)
            return
        at = floor = stop


def _forwards(line: str) -> bool:
    """Whether a line, marked by the HTML alone, announces a forwarded mail: that reaches to the end."""
    return not is_marked(line) and separator(line) is Boundary.FORWARDED


def _run_end(sheet: _Sheet, at: int) -> int:
    """One past the last line of the marked run that begins at ``at``; blank lines inside belong to it."""
    end = at
    while at < len(sheet.lines) and (sheet.marked[at] or not clean(sheet.lines[at])):
        if sheet.marked[at]:
            end = at + 1
        at += 1
    return end


def _is_stray_mark(sheet: _Sheet, start: int, stop: int) -> bool:
    """Whether one single line that begins with ``>`` stands amid a customer's own lines."""
    if stop - start != 1 or start == 0 or not clean(sheet.lines[start - 1]):
        return False
    return stop < len(sheet.lines) and bool(clean(sheet.lines[stop])) and not any(sheet.marked[stop:])


def _boundary(
    sheet: _Sheet, at: int, floor: int, marker: str | None, agent: bool
) -> tuple[int, int, bool] | None:
    """A boundary at this line: (its first line, one past its last, whether all below is quoted)."""
    lines = sheet.lines
    if marker and marker in lines[at]:
        return _above_marker(sheet, at, floor), len(lines), True
    kind = separator(lines[at])
    if kind is Boundary.FORWARDED and not agent:
        return len(lines), len(lines), False  # what a customer forwards is what they want to show
    if kind is not None:
        return _rules_above(lines, at, floor), _block_after(lines, at + 1), True
    found = label(lines[at]) if ":" in lines[at][:60] or "：" in lines[at][:60] else None
    if found and (found[0] == FROM or at == 0 or label(lines[at - 1]) is None):
        block = header_block(lines, at)
        if block:
            return _rules_above(lines, at, floor), block.stop, True
    return _attribution(sheet, at, floor)


def _block_after(lines: Sequence[str], at: int) -> int:
    """One past the header block that follows a separator, if one does."""
    while at < len(lines) and not clean(lines[at]):
        at += 1
    block = header_block(lines, at, announced=True) if at < len(lines) else None
    return block.stop if block else at


def _attribution(sheet: _Sheet, at: int, floor: int) -> tuple[int, int, bool] | None:
    """An attribution that ends at this line, if it is strong or stands above marked lines."""
    above_marks = sheet.is_above_marks(at + 1)
    found = attribution_ending(sheet.lines, at, floor, above_marks=above_marks)
    if found is None:
        return None
    if not (found.strong or above_marks):
        return None
    if sheet.below[at + 1] is None and not has_address(clean(sheet.lines[at])):
        return None
    return _rules_above(sheet.lines, found.start, floor), found.stop, True


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


def _above_marker(sheet: _Sheet, at: int, floor: int) -> int:
    """Where the quote that holds the marker begins: the client's own lines above it belong to it."""
    above = at - 1
    while above >= floor and not clean(sheet.lines[above]):
        above -= 1
    if above < floor:
        return at
    found = attribution_ending(sheet.lines, above, floor)
    if found:
        return _rules_above(sheet.lines, found.start, floor)
    if clean(sheet.lines[above]).endswith((":", "：")):
        sheet.doubt = True
    return _rules_above(sheet.lines, at, floor)


def _sign(sheet: _Sheet, names: Sequence[str], disclaimers: Sequence[str]) -> None:
    """Mark the signature at the end of each run of new lines."""
    for start, stop in _new_runs(sheet):
        cut = start + signature_start(sheet.lines[start:stop], names, disclaimers)
        sheet.set(cut, stop, _Part.SIGNATURE)


def _new_runs(sheet: _Sheet) -> list[tuple[int, int]]:
    """The runs of lines that are new, as (first, one past last)."""
    runs, start = [], None
    for at, part in enumerate([*sheet.parts, _Part.QUOTED]):
        if part is _Part.NEW:
            start = at if start is None else start
        elif start is not None:
            runs.append((start, at))
            start = None
    return runs


def _is_doubtful(sheet: _Sheet, known: KnownText, marker: str | None, long: bool) -> bool:
    """Whether an agent's new text may hold quoted matter, or lack some of their own."""
    lines = sheet.lines
    new = sheet.new()
    if long and sheet.cut is None:
        return True
    if any(lines[at].lstrip().startswith("|") or (marker and marker in lines[at]) for at in new):
        return True
    if known.repeats(lines, new):
        return True
    if not new and sheet.cut is not None:
        return not (marker and any(marker in line for line in lines))
    return _has_wrapped_marks(sheet)


def _has_wrapped_marks(sheet: _Sheet) -> bool:
    """Whether a new line clings to a long marked line above: perhaps it is the rest of that line."""
    return any(
        sheet.is_new(at) and is_marked(above := sheet.lines[at - 1]) and len(above) >= WRAPPED
        for at in range(1, len(sheet.lines))
    )


def _assemble(sheet: _Sheet, tail: str) -> Excerpt:
    """Put the parts together; the unscanned tail goes where the scan ended."""
    lines, parts = sheet.lines, sheet.parts
    if tail:
        last = _Part.QUOTED if parts[-1] is _Part.QUOTED else _Part.NEW
        lines, parts = [*lines, tail], [*parts, last]
    return Excerpt(
        new_text=_joined(lines, parts, _Part.NEW),
        quoted=_joined(lines, parts, _Part.QUOTED),
        signature=_joined(lines, parts, _Part.SIGNATURE),
        certain=not sheet.doubt,
    )


def _joined(lines: Sequence[str], parts: Sequence[_Part], wanted: _Part) -> str:
    """The lines of one part; where others were between them, one blank line stands."""
    runs: list[list[str]] = [[]]
    for line, part in zip(lines, parts, strict=True):
        if part is wanted:
            runs[-1].append(line)
        elif runs[-1]:
            runs.append([])
    return "\n\n".join(text for run in runs if (text := _trimmed(run)))


def _trimmed(lines: list[str]) -> str:
    """Join lines without the blank ones at both ends."""
    start, stop = 0, len(lines)
    while start < stop and not lines[start].strip():
        start += 1
    while stop > start and not lines[stop - 1].strip():
        stop -= 1
    return "\n".join(lines[start:stop]).rstrip()
