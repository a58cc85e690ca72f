"""Make text safe to show and to send: no character in it acts on a terminal, a header or a reader's eye.

Knows which characters are controls, line breaks in disguise, direction overrides
(Unicode TR 36) and invisible ones; knows nothing of mail.
"""

from __future__ import annotations

_CONTROLS = [*range(0x20), *range(0x7F, 0xA0)]
_BREAKS = [0x2028, 0x2029]
_OVERRIDES = [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]
_INVISIBLE = [0x00AD, 0x034F, 0x061C, 0x180E, *range(0x200B, 0x2010), *range(0x2060, 0x2065), 0xFEFF]
_TAGS = [*range(0xFFF9, 0xFFFC), *range(0xE0000, 0xE0080)]

UNSEEN = frozenset([*_OVERRIDES, *_INVISIBLE, *_TAGS])
"""Characters that a reader does not see."""

_FOR_LINE: dict[int, str | None] = {
    **dict.fromkeys([*_CONTROLS, *_BREAKS], " "),
    **dict.fromkeys([*_OVERRIDES, *_TAGS]),
}
_FOR_NAME: dict[int, str | None] = {**_FOR_LINE, **dict.fromkeys(_INVISIBLE)}
_FOR_BODY: dict[int, str | None] = {**_FOR_LINE, **dict.fromkeys(_CONTROLS), ord("\t"): "\t"}


def encodable(text: str) -> str:
    """``text`` with every lone surrogate, which no encoding has, shown as ``?``."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode("utf-8")
    return text


def line(text: str, limit: int = 500) -> str:
    """One line of at most ``limit`` characters, without controls and direction overrides."""
    return _one_line(text, _FOR_LINE, limit)


def name(text: str, limit: int = 80) -> str:
    """A name or address to show: one line, and nothing in it invisible."""
    return _one_line(text, _FOR_NAME, limit)


def _one_line(text: str, table: dict[int, str | None], limit: int) -> str:
    head = text[: 4 * limit]
    if not head.isprintable():
        head = encodable(head).translate(table)
    words = " ".join(head.split())
    return words if len(words) <= limit else words[: limit - 1].rstrip() + "…"


def body_lines(text: str) -> list[str]:
    """The lines of a body. Whatever any reader takes for a line break is one here."""
    return [
        (part if part.isprintable() else encodable(part).translate(_FOR_BODY)).rstrip()
        for part in text.splitlines()
    ]


def body(text: str) -> str:
    """A body with LF line ends, no empty lines around it, no controls in it."""
    return "\n".join(body_lines(text)).strip("\n")
