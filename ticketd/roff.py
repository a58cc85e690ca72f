"""The language of man pages (man(7)): text made safe, and the few macros that a page needs.

A text may mark literals with backticks, as the docstrings and the config's descriptions do;
they become bold. Knows nothing of what the pages tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable


def title(name: str, section: int, source: str) -> list[str]:
    """The page's first lines. It bears no date: the same code makes the same page. No word is broken."""
    return [f'.TH "{name.upper()}" "{section}" "" "{source}"', ".nh", ".ad l"]


def section(name: str) -> str:
    """A section's heading."""
    return f".SH {plain(name.upper())}"


def heading(marked: str) -> str:
    """A heading inside a section; already marked up."""
    return f".SS {marked}"


def paragraphs(text: str) -> list[str]:
    """Paragraphs, as blank lines part them."""
    return [line for part in text.split("\n\n") for line in (".PP", prose(part))]


def entry(marked: str, text: str) -> list[str]:
    """An indented entry: what it is about, already marked up, then what there is to say."""
    first, *others = text.split("\n\n")
    return [".TP", marked, prose(first), *(line for part in others for line in (".IP", prose(part)))]


def example(text: str) -> list[str]:
    """Lines as they are, indented."""
    return [".PP", ".EX", ".RS 4", *(_guarded(literal(line)) for line in text.split("\n")), ".RE", ".EE"]


def prose(text: str) -> str:
    """Flowing text; what stands in backticks becomes bold."""
    parts = re.split(r"`([^`]+)`", " ".join(text.split()))
    shown = (bold(part) if number % 2 else plain(part) for number, part in enumerate(parts))
    return _guarded("".join(shown))


def bold(text: str) -> str:
    """Literal text, to be typed as it stands."""
    return rf"\fB{literal(text)}\fR"


def italic(text: str) -> str:
    """A word that stands for another."""
    return rf"\fI{literal(text)}\fR"


def literal(text: str) -> str:
    """Text whose hyphens, quotes and tildes are the keyboard's, not a printer's."""
    text = plain(text).replace("-", r"\-")
    return text.replace("'", r"\(aq").replace("`", r"\(ga").replace("^", r"\(ha").replace("~", r"\(ti")


def plain(text: str) -> str:
    """Text that roff takes for text."""
    text = text.replace("\\", r"\e")
    return "".join(sign if ord(sign) < 128 else rf"\[u{ord(sign):04X}]" for sign in text)


def page(lines: Iterable[str]) -> str:
    """The whole page."""
    return "\n".join(lines) + "\n"


def _guarded(line: str) -> str:
    """A line that begins like a macro, and is none."""
    return rf"\&{line}" if line[:1] in (".", "'") else line
