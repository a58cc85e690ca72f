"""Find in the text of a mail the signature that its client has marked in the HTML.

Gmail's ``gmail_signature``, the ``Signature`` of Outlook on the web (which Outlook renames with ``x_``),
those of Apple's and Outlook's phones, Thunderbird's ``moz-signature``. A mark counts only where the text
ends with what stands in it. Both are compared by letters and digits alone, links and names of pictures
left out, since each client writes them otherwise. It knows nothing of how a signature reads.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from selectolax.lexbor import LexborHTMLParser, LexborNode

from ticketd.decide.excerpts.htmlquote import begins, holds, names_of
from ticketd.decide.excerpts.squeeze import squeeze, squeeze_lines
from ticketd.decide.reading.htmltext import tame

_MARKS: Final = (
    "gmail_signature",
    "signature",
    "applemailsignature",
    "ms-outlook-mobile-signature",
    "moz-signature",
)
_BESIDES: Final = re.compile(r"<[^<>\s]{1,500}>|\[[^\[\]]{1,220}\]")
_SKIPPED: Final = frozenset({"script", "style", "head", "title", "noscript", "template", "meta", "link"})


def marked_signatures(html: str) -> list[str]:
    """What each element holds that a client marks as the signature, squeezed; at most one a mark."""
    if "signature" not in html.casefold():  # most mails: the quick look spares the slow one
        return []
    found: dict[int, list[str]] = {}
    kinds: dict[int, str] = {}
    for text, number, kind in _walk(html):
        found.setdefault(number, []).append(text)
        kinds[number] = kind
    count = Counter(kinds.values())  # a mark that stands twice is none: iOS has put it on what was typed
    once = (number for number in found if count[kinds[number]] == 1)
    return [squeeze(_BESIDES.sub(" ", "".join(found[number]))) for number in once]


def signature_lines(signatures: Sequence[str], lines: Sequence[str]) -> int:
    """How many of the last of these ``lines`` are ``signatures``, in their order; 0 where none is."""
    start = len(lines)
    for signature in reversed(signatures):
        start = _start_of(signature, lines[:start], start)
    return len(lines) - start


def _start_of(signature: str, lines: Sequence[str], otherwise: int) -> int:
    """The line where a signature begins that the lines end with; ``otherwise`` where they do not."""
    joined, starts = squeeze_lines([_BESIDES.sub(" ", line) for line in lines])
    if not signature or not joined.endswith(signature):
        return otherwise
    offset = len(joined) - len(signature)
    begins_at = [at for at, start in enumerate(starts) if start == offset]
    # Lines without letters before it begin at the same offset: they are not the signature's.
    return begins_at[-1] if begins_at else otherwise


def _walk(html: str) -> Iterator[tuple[str, int, str]]:
    """The texts within marked elements, each with the element's number and mark; none of what is quoted."""
    root = LexborHTMLParser(tame(html)).body
    stack: list[tuple[LexborNode, int, str]] = [(root, 0, "")] if root is not None else []
    number = 0
    while stack:
        node, within, kind = stack.pop()
        if node.next is not None and node is not root:
            stack.append((node.next, within, kind))
        if node.tag == "-text":
            if within:
                yield node.text_content or "", within, kind
        elif begins(node):
            return
        elif node.tag not in _SKIPPED and node.child is not None and not holds(node, plain=True):
            mark = "" if within else _mark(node)
            if mark:
                number += 1
            stack.append((node.child, number if mark else within, mark or kind))


def _mark(node: LexborNode) -> str:
    """The mark of a client that says that this element is the signature; empty where there is none."""
    names = {*names_of(node).split(), (node.attributes.get("data-smartmail") or "").casefold()}
    return next((mark for mark in _MARKS if mark in names), "")
