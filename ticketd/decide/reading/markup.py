"""Cut HTML to what any parser takes linear time for, and clean it so that it is safe to show.

Nothing that is left runs a script or loads anything from afar. Knows nothing of mails.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

import nh3

MAX_HTML = 1_000_000  # characters of HTML that are read
MAX_TAGS = 40_000
MAX_DEPTH = 120  # elements open at once
MAX_TAG = 3000  # characters of one tag; longer ones (pictures inside) lose their attributes


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Elements that close themselves or each other: leaving them open nests nothing.
_UNNESTED = _names(
    "area base body br col colgroup embed frame head hr html img input link meta option p param source "
    "tbody td tfoot th thead tr track wbr"
)
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:-]{0,30})")


def tame(html: str, most: int = MAX_HTML) -> str:
    """Cut HTML to ``most`` characters and to a depth that any parser takes linear time for.

    Pictures that stand in the page itself (``data:``) do not count: their tags lose them first.
    """
    if len(html) < MAX_TAG and html.count("<") <= MAX_DEPTH:
        return html[:most]
    kept: list[str] = []
    nesting = _Nesting()
    done = size = 0
    for number, found in enumerate(_TAG.finditer(html)):
        if found.start() < done:
            continue
        if number >= MAX_TAGS or size + found.start() - done > most:
            html = html[: found.start()]
            break
        name, closing = found.group(2).lower(), found.group(1)
        end = html.find(">", found.end()) + 1 or len(html)
        too_deep = nesting.refuses(name, closes=bool(closing))
        if too_deep or end - found.start() > MAX_TAG:
            kept += (html[done : found.start()], _instead_of(name) if too_deep else f"<{closing}{name}>")
            size += len(kept[-2]) + len(kept[-1])
            done = end
    kept.append(html[done : done + max(0, most - size)])
    return "".join(kept)


@dataclass(slots=True)
class _Nesting:
    """Counts what is open; an element that closes what is not open closes nothing."""

    depth: int = 0
    opened: Counter[str] = field(default_factory=Counter)

    def refuses(self, name: str, *, closes: bool) -> bool:
        """Whether a tag would open one element too many; otherwise it is counted."""
        if name in _UNNESTED:
            return False
        if closes:
            step = 1 if self.opened[name] else 0
            self.depth, self.opened[name] = self.depth - step, self.opened[name] - step
            return False
        if self.depth >= MAX_DEPTH:
            return True
        self.depth, self.opened[name] = self.depth + 1, self.opened[name] + 1
        return False


def _instead_of(name: str) -> str:
    """What stands where a tag was dropped: items of an endless list keep their lines."""
    return "<br>" if name in ("li", "dd", "dt", "div") else " "


_TAGS = _names(
    "a abbr b blockquote br caption center cite code col colgroup dd del div dl dt em font h1 h2 h3 h4 "
    "h5 h6 hr i img ins kbd li ol p pre q s samp small span strike strong sub sup table tbody td tfoot "
    "th thead tr tt u ul"
)
_ATTRIBUTES = {
    "*": {"align", "valign", "dir", "lang", "title"},
    "a": {"href"},
    "blockquote": {"type"},
    "font": {"color", "size"},
    "img": {"src", "alt", "width", "height"},
    "ol": {"start", "type"},
    "table": {"border", "cellpadding", "cellspacing", "width"},
    "td": {"colspan", "rowspan", "width"},
    "th": {"colspan", "rowspan", "width"},
}


_SPANS = ("colspan", "rowspan")


def sanitise(html: str) -> str:
    """HTML that runs nothing and loads nothing from afar: pictures only by ``cid:``, no styles."""
    return nh3.clean(
        tame(html),
        tags=set(_TAGS),
        clean_content_tags={"script", "style", "title", "template", "noscript", "iframe", "svg", "math"},
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        attribute_filter=_only_near,
        url_schemes={"http", "https", "mailto", "tel", "cid"},
        link_rel="noopener noreferrer nofollow",
    )


def sanitise_to_quote(html: str) -> str:
    """Sanitised HTML to stand within a page of ours: no picture, no colour, no width, links to pages only."""
    return nh3.clean(
        sanitise(html),
        tags=set(_TAGS) - {"img", "font", "center"},
        attributes={"*": {"dir"}, "a": {"href"}, "ol": {"start"}, "td": set(_SPANS), "th": set(_SPANS)},
        url_schemes={"http", "https"},
        link_rel="noopener noreferrer nofollow",
    )


def _only_near(tag: str, name: str, value: str) -> str | None:
    """Drop what would load something: the source of a picture that is not in the mail."""
    if tag == "img" and name == "src":
        return value if value.strip().lower().startswith("cid:") else None
    return value
