"""Undo format=flowed: soft line breaks, stuffing and quote depth (RFC 3676). Knows only text."""

from __future__ import annotations


def unflow(text: str, *, delsp: bool = False) -> str:
    """Join the lines of a flowed text into paragraphs; quoted ones keep ``>`` marks and a space."""
    done: list[str] = []
    joined: list[str] = []
    depth = -1
    for line in text.split("\n"):
        level, said = _unquoted(line)
        flows = said.endswith(" ") and said != "-- "
        if joined and (level != depth or said == "-- "):
            done.append(_paragraph(depth, joined))
            joined = []
        depth = level
        joined.append(said[:-1] if flows and delsp else said)
        if not flows:
            done.append(_paragraph(depth, joined))
            joined = []
    if joined:
        done.append(_paragraph(depth, joined))
    return "\n".join(done)


def _unquoted(line: str) -> tuple[int, str]:
    """The quote depth of a line and its text without stuffing."""
    said = line.lstrip(">")
    depth = len(line) - len(said)
    return depth, said[1:] if said.startswith(" ") else said


def _paragraph(depth: int, lines: list[str]) -> str:
    text = "".join(lines)
    text = text if text == "-- " else text.rstrip(" ")
    return f"{'>' * depth} {text}".rstrip(" ") if depth else text
