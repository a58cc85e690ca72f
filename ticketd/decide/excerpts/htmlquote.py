"""Find by the structure of an HTML mail which lines of its plain text are quoted.

Clients say what they quote by elements, classes and ids: blockquote, ``gmail_quote``, ``divRplyFwdMsg``,
``appendonsend``, ``moz-cite-prefix``, ``yahoo_quoted``, ``protonmail_quote`` and others, which
Outlook renames with ``x_``. It knows nothing of how the plain text was made: both are compared by
letters and digits alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import unescape
from typing import Final

from selectolax.lexbor import LexborHTMLParser, LexborNode

from ticketd.decide.excerpts.squeeze import squeeze, squeeze_lines
from ticketd.decide.reading.htmltext import tame

ANCHOR: Final = 40  # letters and digits by which a quote is found in the text
PIECES: Final = 400  # changes between new and quoted that a person's mail can have
REACH: Final = 2_000  # letters and digits within which it is looked for

# Elements that hold nothing but what is quoted.
_HOLDS: Final = (
    "gmail_attr",
    "moz-cite-prefix",
    "moz-forward-container",
    "yahoo_quoted",
    "yahooquoted",
    "protonmail_quote",
    "tutanota_quote",
    "zmail_extra",
    "quoted-text",
    "ms-outlook-mobile-reference-message",
    "ms-outlook-ios-reference-expand",
    "origbody",
    "reply-intro",
    "messagereplysection",
)
# Elements from which on everything is quoted.
_BEGINS: Final = (
    "divrplyfwdmsg",
    "appendonsend",
    "mail-editor-reference-message-container",
    "stopspelling",
    "olk_src_body_section",
    "zwchr",
    "quoted_header",
)
_DRAWN: Final = "border-top:solid#"  # the line that Outlook draws above what it quotes
# Without any of these nothing is quoted; the first is in "blockquote" too.
_SIGNS: Final = ("quote", *_HOLDS, *_BEGINS)
_SKIPPED: Final = frozenset({"script", "style", "head", "title", "noscript", "template", "meta", "link"})


@dataclass(frozen=True, slots=True)
class _Piece:
    """A run of text in the HTML, squeezed, and whether it is quoted."""

    text: str
    quoted: bool


def quoted_lines(html: str, lines: Sequence[str], *, plain: bool = False) -> list[int]:
    """Say which of the plain ``lines`` stand in a quote of ``html``; none where they cannot be compared.

    ``plain``: a blockquote that no client has marked as its own is a quote too.
    """
    if not _may_quote(html):
        return []
    pieces = _pieces(html, plain)
    if len(pieces) > PIECES or not any(piece.quoted for piece in pieces):
        return []
    joined, starts = squeeze_lines(lines)
    spans = _spans(pieces, joined)
    return _lines_within(lines, starts, spans)


def _may_quote(html: str) -> bool:
    """Whether a sign of a quote stands in it anywhere: most first mails have none and need no walk."""
    text = f"{html} {unescape(html)}".casefold()
    return any(sign in text for sign in _SIGNS) or _DRAWN in text.replace(" ", "")


def _pieces(html: str, plain: bool) -> list[_Piece]:
    """The text of an HTML mail as alternating runs of new and quoted matter."""
    runs: list[tuple[bool, list[str]]] = []
    for text, quoted in _walk(html, plain):
        if not runs or runs[-1][0] != quoted:
            runs.append((quoted, []))
        runs[-1][1].append(text)
    pieces = [_Piece(squeeze("".join(texts)), quoted) for quoted, texts in runs]
    return [piece for piece in pieces if piece.text]


def _walk(html: str, plain: bool) -> Iterator[tuple[str, bool]]:
    """Visit the texts in document order, each with whether it is quoted. No recursion."""
    root = LexborHTMLParser(tame(html)).body
    stack: list[tuple[LexborNode, bool]] = [(root, False)] if root is not None else []
    begun = False
    while stack:
        node, within = stack.pop()
        if node.next is not None and node is not root:
            stack.append((node.next, within))
        if node.tag == "-text":
            yield node.text_content or "", within or begun
        elif node.tag not in _SKIPPED:
            begun = begun or (not within and begins(node))
            if node.child is not None:
                stack.append((node.child, within or holds(node, plain)))


def names_of(node: LexborNode) -> str:
    """Classes, id and name of an element, casefolded, without the prefix that Outlook adds to them."""
    attributes = node.attributes
    names = " ".join(attributes.get(key) or "" for key in ("class", "id", "name")).casefold()
    return " ".join(name.removeprefix("x_").removeprefix("x_") for name in names.split())


def holds(node: LexborNode, plain: bool) -> bool:
    """Whether an element holds what is quoted and nothing else."""
    if node.tag == "blockquote":
        return not _is_indent(node, plain)
    names = names_of(node)
    if names == "quote":  # GMX, WEB.DE
        return True
    return bool(names) and any(name in names for name in _HOLDS)


def _is_indent(node: LexborNode, plain: bool) -> bool:
    """Whether a blockquote is a mere indentation, as Outlook and Gmail make by their buttons."""
    if not node.attributes:
        return not plain
    style = (node.attributes.get("style") or "").replace(" ", "").casefold()
    return "margin:0004" in style and "border:none" in style


def begins(node: LexborNode) -> bool:
    """Whether everything from an element on is quoted: a client's mark, or Outlook's drawn line."""
    names = names_of(node)
    if names and any(name in names for name in _BEGINS):
        return True
    style = (node.attributes.get("style") or "").replace(" ", "").casefold()
    return _DRAWN in style and "padding:3.0pt0" in style.replace("3pt0", "3.0pt0")


def _spans(pieces: Sequence[_Piece], joined: str) -> list[tuple[int, int]]:
    """Where the quoted pieces stand in the squeezed plain text."""
    spans: list[tuple[int, int]] = []
    at = lost = 0
    for number, piece in enumerate(pieces):
        start, stop = _place(piece.text, joined, at, lost)
        if start < 0:
            lost += len(piece.text)
            continue
        if piece.quoted:
            spans.append((start, len(joined) if number == len(pieces) - 1 else stop))
        at, lost = stop, 0
    return spans


def _place(text: str, joined: str, at: int, lost: int) -> tuple[int, int]:
    """Where a piece begins and ends at or after ``at``; (-1, -1) where it cannot be told.

    ``lost`` counts the letters of the pieces before it that were not found: a short piece behind them
    could be anywhere.
    """
    head, tail = text[:ANCHOR], text[-ANCHOR:]
    start = joined.find(head, at, at + 2 * lost + REACH) if not lost or len(text) >= ANCHOR else -1
    if start < 0 or joined.startswith(text, start):
        return start, start + len(text) if start >= 0 else start
    end = joined.find(tail, start, start + 2 * len(text) + REACH)
    return start, end + len(tail) if end >= 0 else start


def _lines_within(lines: Sequence[str], starts: Sequence[int], spans: Sequence[tuple[int, int]]) -> list[int]:
    """The lines whose first letter stands within a span; those without letters strictly inside one too."""
    found: list[int] = []
    number = 0
    for at, line in enumerate(lines):
        while number < len(spans) and spans[number][1] <= starts[at]:
            number += 1
        if number == len(spans) or not line.strip():
            continue
        begin = spans[number][0]
        if begin < starts[at] or (begin == starts[at] and squeeze(line)):
            found.append(at)
    return found
