"""How things look: JSON for scripts, tables in colour on a terminal, plain text when piped.

What comes from mail is shown escaped: a control character in a subject must not steer a
terminal.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

_CONTROLS = dict.fromkeys((*range(32), *range(127, 160), *range(8234, 8239), *range(8294, 8298)), "�")
_TEXT_CONTROLS = {code: char for code, char in _CONTROLS.items() if code not in (9, 10)}


def line(value: object) -> str:
    """A value on one line, safe for a terminal."""
    text = "" if value is None else str(value)
    return text.replace("\n", " ").replace("\r", "").replace("\t", " ").translate(_CONTROLS)


def body(text: str) -> str:
    """A text of many lines, safe for a terminal."""
    return text.replace("\r\n", "\n").translate(_TEXT_CONTROLS)


def as_json(value: object) -> None:
    """One JSON document on standard output."""
    ascii_only = "utf" not in (sys.stdout.encoding or "").lower()
    print(json.dumps(value, ensure_ascii=ascii_only, indent=2 if sys.stdout.isatty() else None))


def fields(rows: Mapping[str, object]) -> None:
    """Names and values, aligned."""
    width = max((len(name) for name in rows), default=0)
    for name, value in rows.items():
        print(f"{name:<{width}}  {line(value)}".rstrip())


def table(
    headings: Sequence[str], rows: Sequence[Sequence[object]], styles: Mapping[int, str] | None = None
) -> None:
    """A table: coloured on a terminal, plain aligned text when piped. ``styles`` by row number."""
    cells = [[line(cell) for cell in row] for row in rows]
    if sys.stdout.isatty():
        _rich_table(headings, cells, styles or {})
        return
    widths = [max(len(heading), *(len(row[i]) for row in cells), 0) for i, heading in enumerate(headings)]
    for row in (list(headings), *cells):
        print("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())


def _rich_table(headings: Sequence[str], rows: Sequence[Sequence[str]], styles: Mapping[int, str]) -> None:
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    made = Table(box=SIMPLE, header_style="bold", pad_edge=False)
    for heading in headings:
        made.add_column(heading, overflow="fold")
    for number, row in enumerate(rows):
        made.add_row(*(escape(cell) for cell in row), style=styles.get(number))
    Console().print(made)


def when(moment: str | None) -> str:
    """A moment of the JSON, shorter: ``2026-11-23 12:00Z``."""
    return "" if moment is None else f"{moment[:10]} {moment[11:16]}Z"


def who(person: Mapping[str, Any] | None) -> str:
    """``Jane Doe <jane@example.org>``."""
    if not person or not person.get("address"):
        return (person or {}).get("name") or "unknown"
    return f"{person['name']} <{person['address']}>" if person.get("name") else str(person["address"])
