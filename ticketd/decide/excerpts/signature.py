"""Find where the signature, the device's line or a disclaimer begins in a piece of new text.

The separator is that of RFC 3676 §4.3. Closings ("Best regards, Anna") are text and stay.
It knows nothing of quotes: it is given the new lines of a mail alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from ticketd.decide.excerpts import devicemarks
from ticketd.decide.excerpts.phrases import fold
from ticketd.decide.excerpts.quotelines import clean, has_address, is_rule
from ticketd.decide.excerpts.squeeze import squeeze, squeeze_lines

LONGEST: Final = 40  # lines that may follow a signature separator
FOOTER: Final = 12  # lines that may follow a drawn rule at the end of a mail
SHORT: Final = 80  # characters of a line in a signature
_FOOTER_WORDS: Final = (
    "mailing list", "unsubscribe", "mailman", "listinfo", "groups.google", "list info",
    "avast", "avg.com", "virus-free", "kaspersky", "eset",
)  # fmt: skip
_PHONE: Final = re.compile(r"\d[\d ()/.-]{5,20}\d")
_TRACKER: Final = "ᐧ"  # what a tracking extension leaves at the end of a mail


def signature_start(lines: Sequence[str], names: Sequence[str] = (), disclaimers: Sequence[str] = ()) -> int:
    """The first line of what is signature in ``lines``; their number where nothing is.

    ``names`` are the author's display names, ``disclaimers`` the texts that a config says to cut.
    """
    end = _content_end(lines, len(lines))
    fenced = max((at for at in range(end) if lines[at].startswith("```")), default=-1)
    starts = [end, _disclaimer(lines[:end], disclaimers), _delimiter(lines[:end])]
    starts.append(_below_rule(lines[:end], names))
    cut = _content_end(lines, min(starts))
    starts.append(_device_line(lines[:cut]))
    cut = _content_end(lines, min(starts))
    starts.append(_dash_name(lines[:cut], names))
    start = min(starts)
    return start if fenced < start < end else len(lines)


def _content_end(lines: Sequence[str], end: int) -> int:
    """One past the last line before ``end`` that is not blank."""
    while end and not clean(lines[end - 1]):
        end -= 1
    return end


def _delimiter(lines: Sequence[str]) -> int:
    """Where ``-- `` (RFC 3676 §4.3), or what clients make of it, begins the last lines."""
    for at in range(len(lines) - 1, max(-1, len(lines) - 1 - LONGEST), -1):
        if clean(lines[at]) in ("--", "—", "__", "– –", "- -"):
            return _earlier_delimiter(lines, at)
    return len(lines)


def _earlier_delimiter(lines: Sequence[str], at: int) -> int:
    """A list's footer may carry a second delimiter: the first of both begins the signature."""
    for before in range(at - 1, max(-1, at - 8), -1):
        if clean(lines[before]) == "--":
            return before
    return at


def _below_rule(lines: Sequence[str], names: Sequence[str]) -> int:
    """Where a drawn rule begins what a list or a scanner adds, or a card with the author's numbers."""
    for at in range(len(lines) - 1, max(-1, len(lines) - 1 - FOOTER), -1):
        if is_rule(lines[at], 3):
            below = [line for line in map(clean, lines[at + 1 :]) if line]
            added = any(word in " ".join(below).casefold() for word in _FOOTER_WORDS)
            return at if added or _is_card(below, names) else len(lines)
    return len(lines)


def _is_card(lines: Sequence[str], names: Sequence[str]) -> bool:
    """Whether a few short lines say who somebody is and how to reach them."""
    if not 2 <= len(lines) <= 8 or any(len(line) > SHORT for line in lines):
        return False
    words = lines[0].split()
    if names:
        return bool(set(lines[0].casefold().split()) & set(" ".join(names).casefold().split()))
    named = len(words) in (2, 3) and _is_capitalised(lines[0]) and lines[0].replace(" ", "").isalpha()
    return named and any(has_address(line) or "www." in line or _PHONE.search(line) for line in lines[1:])


def _device_line(lines: Sequence[str]) -> int:
    """Where "Sent from my …" ends the text: it and at most two lines that follow it."""
    seen = 0
    for at in range(len(lines) - 1, -1, -1):
        if not clean(lines[at]):
            continue
        seen += 1
        if seen > 3:
            break
        if names_device(lines[at]) or clean(lines[at]) == _TRACKER:
            return at
    return len(lines)


def names_device(line: str) -> bool:
    """Whether a line is one that phones and mail programs add: "Sent from my iPhone"."""
    text = _without_links(clean(line)).strip("*_-—–~|<>[]() .。!·•")
    bare = fold(text)
    words = bare.split()
    if not bare or len(bare) > 110 or len(words) > 14:
        return False
    device = any(word.strip(",.;:!()<>[]") in devicemarks.DEVICES for word in words)
    device = device or any(name in bare for name in ("iphon", "ipad", "android", "outlook"))
    if bare.startswith(devicemarks.SENT_FROM):
        prefix = next(phrase for phrase in devicemarks.SENT_FROM if bare.startswith(phrase))
        rest = bare[len(prefix) :]
        few = len(rest.split()) <= (3 if bare.startswith("sent from my ") else 2) and "," not in rest
        return (device and len(rest.split()) <= 6) or (
            few and (bare.startswith("sent from my ") or _is_capitalised(text[len(prefix) :]))
        )
    return device and len(words) <= 8 and bare.endswith(devicemarks.SENT_FROM_ENDS)


def _without_links(text: str) -> str:
    """A line up to the first address of a web page."""
    at = min((i for i in (text.find("http://"), text.find("https://")) if i > 0), default=len(text))
    return text[:at]


def _is_capitalised(text: str) -> bool:
    """Whether each word begins with a capital letter, as the names of programs do."""
    words = text.split()
    return bool(words) and all(word[0].isupper() for word in words)


def _dash_name(lines: Sequence[str], names: Sequence[str]) -> int:
    """Where a last line ``-Name`` or ``- Name`` signs the text."""
    at = len(lines) - 1
    if at < 1 or len(lines[at]) > 60:
        return len(lines)
    bare = clean(lines[at])
    if clean(lines[at - 1]) and not bare.startswith("--"):
        return len(lines)
    name = bare.lstrip("-–—").strip()
    if name == bare or not name or len(name.split()) > 3 or any(char.isdigit() for char in name):
        return len(lines)
    known = {word.casefold() for full in names for word in (full, *full.split())}
    tight = (bare[1:2] != " " or bare.startswith("-- ")) and _is_capitalised(name)
    full = len(name.split()) > 1 or not names  # one capital word may as well be an item of a list
    return at if name.casefold() in known or (tight and full) else len(lines)


def _disclaimer(lines: Sequence[str], disclaimers: Sequence[str]) -> int:
    """Where one of the configured disclaimers begins, however its lines are wrapped."""
    wanted = [squeezed for text in disclaimers if len(squeezed := squeeze(text)) >= 12]
    if not wanted:
        return len(lines)
    joined, starts = squeeze_lines([line[:1000] for line in lines])
    found = [at for text in wanted if (at := joined.find(text[:200])) >= 0]
    return min((_line_at(starts, at) for at in found), default=len(lines))


def _line_at(starts: Sequence[int], offset: int) -> int:
    """Which line holds the squeezed character at ``offset``."""
    at = len(starts) - 1
    while at > 0 and starts[at] > offset:
        at -= 1
    return at
