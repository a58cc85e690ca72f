"""Text from HTML as a person reads it on the page, in linear time.

``markup`` cuts size and nesting before the parser sees them. Knows nothing of mails: what a quote
means is ``excerpt``'s.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from selectolax.lexbor import LexborHTMLParser, LexborNode

from ticketd.decide.reading.charsets import storable
from ticketd.decide.reading.markup import MAX_HTML, MAX_TAG, sanitise, tame

__all__ = ["MAX_HTML", "html_to_text", "sanitise", "tame"]

MAX_INDENT = 8  # levels of lists that are indented
MAX_LINK = 500  # characters of a link that is worth showing


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_BLOCKS = _names(
    "address article aside blockquote body center dd details dialog dir div dl dt fieldset figcaption "
    "figure footer form h1 h2 h3 h4 h5 h6 header hr html legend li main menu nav ol p pre section "
    "summary table tbody tfoot thead tr ul caption"
)
_SPACED = _names("p h1 h2 h3 h4 h5 h6 ul ol dl blockquote pre table figure")
_SILENT = _names(
    "head script style title template object embed iframe svg math select textarea audio video canvas "
    "map -comment"
)
_SPACES = re.compile("[ \t\n\r\f]+")
_INVISIBLE = str.maketrans("", "", "\u200b\u00ad\u034f\u2060\ufeff")


def html_to_text(html: str, most: int = MAX_HTML) -> str:
    """The text that a person reads on the rendered page, of at most its first ``most`` characters.

    Lists keep their marks, cells of a row are parted by tabs, links that say more than their text
    are shown behind it, quotes (``blockquote`` of a mail client) have ``> `` before each line.
    """
    root = LexborHTMLParser(tame(html, most)).root
    if root is None:
        return ""
    writer = _Writer()
    node: LexborNode | None = root
    level = 0
    while node is not None:
        entered = writer.enter(node)
        below = node.child if entered else None
        if below is not None:
            node, level = below, level + 1
            continue
        if entered:
            writer.leave(node)
        while node.next is None and level:
            parent = node.parent
            assert parent is not None
            node, level = parent, level - 1
            writer.leave(node)
        node = node.next if level else None
    return writer.text()


@dataclass(slots=True)
class _Writer:
    """Writes text line by line as elements open and close.

    ``lines`` are (depth of quotes, text); ``closing`` says what to undo when the element at that
    depth of the tree closes.
    """

    lines: list[tuple[int, str]] = field(default_factory=list)
    line: list[str] = field(default_factory=list)
    quotes: int = 0
    lists: list[int | None] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    links: list[tuple[str, int, int]] = field(default_factory=list)
    pre: int = 0
    space: int | None = None
    mark: str = ""
    depth: int = 0
    closing: list[tuple[int, str]] = field(default_factory=list)

    def enter(self, node: LexborNode) -> bool:
        """Open an element or write a text; False where nothing inside it is to be read."""
        tag = node.tag or ""
        if tag == "-text":
            self._write(node.text_content or "")
            return False
        if tag in _SILENT or tag.startswith(("!", "-", "_")):
            return False
        attributes = node.attributes if tag not in ("br", "b", "i") else {}
        style = _style(attributes)
        if "hidden" in attributes or any(words in style for words in _UNSEEN):
            return False
        self.depth += 1
        if tag in _BLOCKS:
            self._open_block(tag, attributes, style)
        else:
            self._open_inline(tag, attributes)
        if tag == "pre" or "white-space:pre" in style:
            self.pre += 1
            self.closing.append((self.depth, "pre"))
        return True

    def leave(self, node: LexborNode) -> None:
        """Close an element that was entered."""
        tag = node.tag or ""
        if tag in _BLOCKS:
            self.end_line()
        while self.closing and self.closing[-1][0] == self.depth:
            self._undo(self.closing.pop()[1])
        self.depth -= 1

    def _open_block(self, tag: str, attributes: dict[str, str | None], style: str) -> None:
        if not self._begins_cell():
            self.end_line()
            if (
                tag in _SPACED
                and not (tag in ("ul", "ol") and self.lists)
                and not _is_tight(tag, attributes, style)
            ):
                self._make_space()
                self._when_closed("space")
        if tag == "blockquote" and _is_quote(attributes, style):
            self.quotes += 1
            self._when_closed("quote")
        elif tag in ("ul", "ol"):
            start = attributes.get("start") or "1"
            self.lists.append(int(start) if tag == "ol" and start.isdecimal() and len(start) < 7 else None)
            self._when_closed("list")
        elif tag == "li":
            self.mark = self._list_mark()
            self._when_closed("mark")
        elif tag == "tr":
            self.rows.append(len(self.lines))
            self._when_closed("row")
        elif tag == "hr":
            self.line.append("_" * 32)
            self.end_line()

    def _open_inline(self, tag: str, attributes: dict[str, str | None]) -> None:
        if tag == "br":
            self.end_line(always=True)
        elif tag in ("td", "th"):
            self._open_cell()
        elif tag == "img":
            alt = " ".join((attributes.get("alt") or "").split())
            self._write(alt if len(alt) <= 2 else f"[{alt[:200]}]")
        elif tag == "a":
            self.links.append((attributes.get("href") or "", len(self.lines), len(self.line)))
            self._when_closed("link")
        elif tag == "q":
            self._write("“")
            self._when_closed("”")

    def _when_closed(self, what: str) -> None:
        self.closing.append((self.depth, what))

    def _undo(self, what: str) -> None:
        if what == "space":
            self._make_space()
        elif what == "quote":
            self.quotes -= 1
        elif what == "list":
            self.lists.pop()
        elif what == "mark":
            self.mark = ""
        elif what == "row":
            self.rows.pop()
        elif what == "pre":
            self.pre -= 1
        elif what == "link":
            self._close_link()
        else:
            self._write(what)

    def _open_cell(self) -> None:
        """Begin a cell beside the one before it, if that was no more than a line."""
        if (
            not self.line
            and self.rows
            and len(self.lines) == self.rows[-1] + 1
            and self.lines[-1][0] == self.quotes
        ):
            self.line = [self.lines.pop()[1]]
            self.space = None
        if any(piece.strip() for piece in self.line):
            self.line.append("\t")

    def _begins_cell(self) -> bool:
        return bool(self.line) and self.line[-1] == "\t"

    def _list_mark(self) -> str:
        number = self.lists[-1] if self.lists else None
        if number is None:
            return "* "
        self.lists[-1] = number + 1
        return f"{number}. "

    def _close_link(self) -> None:
        href, line, piece = self.links.pop()
        target = _target(href.strip())
        said = "\n".join(text for _, text in self.lines[line:])
        said += "".join(self.line[piece if line == len(self.lines) else 0 :])
        if not target or not said.strip() or _says(said, target):
            return
        if not self.line and len(self.lines) > line:
            quotes, text = self.lines.pop()
            self.lines.append((quotes, f"{text} <{target}>"))
        else:
            self._write(f" <{target}>")

    def _write(self, text: str) -> None:
        if self.pre:
            first, *others = text.replace("\r", "").split("\n")
            self.line.append(first)
            for other in others:
                self.end_line(always=True)
                self.line.append(other)
            return
        text = _SPACES.sub(" ", text.translate(_INVISIBLE) if not text.isascii() else text)
        if text.startswith(" ") and (not self.line or self.line[-1].endswith((" ", "\t"))):
            text = text[1:]
        if text:
            self.line.append(text)

    def end_line(self, *, always: bool = False) -> None:
        """End the line in hand; an empty one only where a line break says so."""
        if not self.line and not always:
            return
        text = "".join(self.line).replace("\xa0", " ")
        self.line.clear()
        text = text.rstrip() if self.pre else text.strip()
        if self.space is not None and self.lines:
            self.lines.append((min(self.space, self.quotes), ""))
        self.space = None
        if text and self.lists:
            text = "  " * min(len(self.lists) - 1, MAX_INDENT) + (self.mark or "  ") + text
            self.mark = ""
        self.lines.append((self.quotes, text))

    def _make_space(self) -> None:
        self.space = self.quotes if self.lines and self.lines[-1][1] else None

    def text(self) -> str:
        """All lines, never more than two empty ones together."""
        self.end_line()
        out: list[str] = []
        empty = 0
        for quotes, text in self.lines:
            empty = 0 if text else empty + 1
            if empty <= 2:
                out.append(("> " * quotes + text).rstrip())
        return storable("\n".join(out)).strip("\n")


_UNSEEN = ("display:none", "visibility:hidden", "mso-hide:all")


def _style(attributes: dict[str, str | None]) -> str:
    """The style attribute without spaces, lower case."""
    style = attributes.get("style")
    return "".join(style.split()).lower() if style and len(style) < MAX_TAG else ""


def _is_quote(attributes: dict[str, str | None], style: str) -> bool:
    """Whether a blockquote is a mail client's quote, not an author's indent."""
    named = f"{attributes.get('class') or ''} {attributes.get('id') or ''}".lower()
    return bool(
        (attributes.get("type") or "").lower() == "cite"
        or attributes.get("cite")
        or "quote" in named
        or "cite" in named
        or ("border-left" in style and "border-left:none" not in style)
    )


def _is_tight(tag: str, attributes: dict[str, str | None], style: str) -> bool:
    """Whether a paragraph has no space about it, as Outlook's have."""
    return tag == "p" and (
        "Mso" in (attributes.get("class") or "") or "margin:0" in style or "margin-bottom:0" in style
    )


def _target(href: str) -> str:
    """Where a link leads, as it is worth showing; empty where it leads nowhere."""
    scheme = href[:8].lower()
    if len(href) > MAX_LINK:
        return ""
    if scheme.startswith(("mailto:", "tel:")):
        return href.partition(":")[2].partition("?")[0]
    return href if scheme.startswith(("http://", "https://", "ftp://")) else ""


def _says(said: str, target: str) -> bool:
    """Whether a link's text already tells where it leads."""
    bare = target.partition("://")[2] or target
    folded = "".join(said.split()).lower()
    return bare.rstrip("/").removeprefix("www.").lower() in folded
