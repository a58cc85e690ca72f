"""Find the pictures that somebody pasted into what they wrote, by their Content-IDs (RFC 2392).

Not those of what they quote, nor the logos of their signature. Linear; knows nothing of files.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

from selectolax.lexbor import LexborHTMLParser, LexborNode

from ticketd.decide.excerpts.htmlquote import begins, holds
from ticketd.decide.excerpts.squeeze import squeeze
from ticketd.decide.reading.htmltext import tame

_SIGNATURES: Final = ("signature", "signatur")
_DASHES: Final = ("--", "—")
_HEAD: Final = 40  # letters and digits by which a text is found


def pasted(html: str, own_text: str) -> frozenset[str]:
    """The Content-IDs, without brackets, of the pictures that stand in ``html`` within ``own_text``."""
    texts: list[str] = []
    written = 0
    pictures: list[tuple[int, str]] = []
    for node in _own(html):
        if node.tag == "img":
            pictures.append((written, _cid(node)))
            continue
        text = node.text_content or ""
        if text.strip() in _DASHES:  # RFC 3676 §4.3: below it stands the signature
            break
        texts.append(squeeze(text))
        written += len(texts[-1])
    wanted = squeeze(own_text)
    start = max(0, "".join(texts).find(wanted[:_HEAD]))  # commands stand above it
    return frozenset(cid for at, cid in pictures if cid and at <= start + len(wanted))


def content_key(content_id: str | None) -> str:
    """A Content-ID as ``pasted`` gives it."""
    return (content_id or "").strip().strip("<>")


def _own(html: str) -> Iterator[LexborNode]:
    """Texts and pictures in document order, without what is quoted or signature."""
    root = LexborHTMLParser(tame(html)).body
    stack: list[LexborNode] = [root] if root is not None else []
    while stack:
        node = stack.pop()
        if node.next is not None and node is not root:
            stack.append(node.next)
        if node.tag in ("-text", "img"):
            yield node
        elif begins(node):
            return
        elif node.child is not None and not holds(node, plain=True) and not _signs(node):
            stack.append(node.child)


def _signs(node: LexborNode) -> bool:
    attributes = node.attributes
    names = f"{attributes.get('class') or ''} {attributes.get('id') or ''}".casefold()
    return any(name in names for name in _SIGNATURES)


def _cid(node: LexborNode) -> str:
    source = (node.attributes.get("src") or "").strip()
    return content_key(unquote(source[4:])) if source[:4].lower() == "cid:" else ""
