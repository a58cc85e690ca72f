"""Part a mail's text into what is new, what is quoted and what is signature.

Marks and signature separators are those of RFC 3676 §4.3 to §4.5; what clients do beyond them stands in
``quotemarks``. Linear in the text. In doubt a customer's text is kept, an agent's is called uncertain,
so that the caller holds it. It knows nothing of tickets or commands.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ticketd.decide.excerpts.htmlquote import quoted_lines
from ticketd.decide.excerpts.htmlsignature import marked_signatures, signature_lines
from ticketd.decide.excerpts.knownlines import KnownText
from ticketd.decide.excerpts.quotelines import Separator, clean, is_marked, separator
from ticketd.decide.excerpts.quotescan import scan
from ticketd.decide.excerpts.sheet import Part, Sheet
from ticketd.decide.excerpts.signature import signature_start
from ticketd.decide.excerpts.squeeze import squeeze
from ticketd.decide.model import Excerpt

SCANNED: Final = 65_536  # characters in which quotes are looked for
WRAPPED: Final = 60  # characters of a marked line that a client may have wrapped
LONG_SIGNATURE: Final = 800  # letters and digits of a signature that an agent hardly has


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
    of ours; in doubt ``certain`` is False. All below a line that holds ``marker`` is quoted.
    ``parents`` are the new texts of earlier mails (for an agent, not of their own), ``disclaimers``
    texts to cut, ``names`` the author's. No line that is not blank is in none of the three parts.
    """
    head, tail = _split(text.replace("\r\n", "\n").replace("\r", "\n"))
    short = len(head) <= 2 * SCANNED
    sheet = Sheet.of(head)
    if html and short:
        _mark_by_html(sheet, html, agent)
    scan(sheet, marker, agent=agent)
    known = KnownText.of(parents if short else ())
    if start := known.trailing(sheet.lines, sheet.new()):
        sheet.set(start, len(sheet.lines), Part.QUOTED)
        sheet.doubt = True
    if not agent and not sheet.new() and not (sheet.attributed and sheet.cut is None):
        return Excerpt(new_text=text.strip("\r\n"), certain=False)
    # What a client marks as signature may be of any length: only what is taken for one is doubted by it.
    doubt = _has_long_signature(sheet, _sign(sheet, names, disclaimers, html if short else None))
    doubt = sheet.doubt or (agent and (doubt or _is_doubtful(sheet, known, marker, bool(tail))))
    return _assemble(sheet, tail, certain=not doubt)


def _mark_by_html(sheet: Sheet, html: str, agent: bool) -> None:
    """Mark the lines that the HTML says are quoted; not what a customer forwards."""
    stop = len(sheet.lines)
    if not agent:
        forwards = (at for at, line in enumerate(sheet.lines) if separator(line) is Separator.FORWARDED)
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


def _sign(sheet: Sheet, names: Sequence[str], disclaimers: Sequence[str], html: str | None) -> frozenset[int]:
    """Mark the signature at the end of each run of new lines; those lines of it that the HTML marks."""
    signatures = marked_signatures(html) if html else []
    marked: set[int] = set()
    for start, stop in sheet.new_runs():
        end = stop
        while end > start and not clean(sheet.lines[end - 1]):
            end -= 1
        end -= signature_lines(signatures, sheet.lines[start:end])
        marked |= set(range(end, stop))
        cut = start + signature_start(sheet.lines[start:end], names, disclaimers)
        sheet.set(cut, stop, Part.SIGNATURE)
    return frozenset(marked)


def _is_doubtful(sheet: Sheet, known: KnownText, marker: str | None, long: bool) -> bool:
    """Whether an agent's new text may hold what is quoted, or lack some of what is theirs."""
    new = sheet.new()
    if long and sheet.cut is None:
        return True
    if sheet.cut is not None and not sheet.sealed and (marker or not new) and _hides_text(sheet):
        return True
    if any(clean(sheet.lines[at]).startswith("|") for at in new) or known.repeats(sheet.lines, new):
        return True
    return _has_wrapped_marks(sheet, new)


def _hides_text(sheet: Sheet) -> bool:
    """Whether below the cut stands more than the boundary itself: perhaps the agent's own words."""
    below = [line for line in sheet.lines[sheet.cut :] if clean(line)]
    return len(below) > 1


def _has_wrapped_marks(sheet: Sheet, new: Sequence[int]) -> bool:
    """Whether a new line clings to a long marked line above: perhaps it is the rest of that line."""
    above = (sheet.lines[at - 1] for at in new if at)
    return any(len(line) >= WRAPPED and is_marked(line) for line in above)


def _has_long_signature(sheet: Sheet, marked: frozenset[int]) -> bool:
    """Whether what is taken for a signature is so long that it may be text below a drawn line."""
    parts = enumerate(sheet.parts)
    lines = [sheet.lines[at] for at, part in parts if part is Part.SIGNATURE and at not in marked]
    return len(squeeze(" ".join(lines))) > LONG_SIGNATURE


def _assemble(sheet: Sheet, tail: str, *, certain: bool) -> Excerpt:
    """Put the parts together; the tail that was not scanned goes where the scan ended."""
    last = Part.QUOTED if sheet.parts[-1] is Part.QUOTED else Part.NEW
    new, quoted, signature = (
        sheet.joined(part, tail if part is last else "") for part in (Part.NEW, Part.QUOTED, Part.SIGNATURE)
    )
    return Excerpt(new, quoted, signature, certain)
