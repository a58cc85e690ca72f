"""Undo transfer encodings: base64, quoted-printable, uuencode (RFC 2045 §6), whatever is wrong.

Linear in the bytes and total. Knows nothing of what the content is.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ticketd.decide.reading.fields import base64_loosely

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\r\n \t"


def undo(data: memoryview, encoding: str) -> bytes:
    """The content of a part by its Content-Transfer-Encoding; unknown ones leave it as it is."""
    if encoding == "base64":
        return _base64(data)
    if encoding == "quoted-printable":
        return binascii.a2b_qp(data)
    if encoding in ("x-uuencode", "uuencode", "x-uue", "uue"):
        found = next(uuencoded(bytes(data)), None)
        return found.content if found else bytes(data)
    return bytes(data)


def _base64(data: memoryview) -> bytes:
    """Base64, pieces with padding of their own joined, a plain text footer below it left out."""
    raw = bytes(data)
    padding = raw.find(b"=")
    rest = raw[padding:].lstrip(b"=\r\n \t") if padding >= 0 else b""
    if not rest:
        return base64_loosely(raw)
    if rest.translate(None, _ALPHABET) or rest.count(b"=") > 4000:
        return base64_loosely(raw[: padding + 2])
    return b"".join(base64_loosely(piece) for piece in re.split(rb"=[=\r\n \t]*", raw) if piece.strip())


@dataclass(frozen=True, slots=True)
class Uuencoded:
    """A uuencoded file and where it stood: ``start`` and ``end`` are offsets in the text."""

    name: bytes
    content: bytes
    start: int
    end: int


_BEGIN = re.compile(rb"^begin(?:-base64)? [0-7]{3,4} ([^\r\n]{1,255})\r?\n", re.MULTILINE)
MAX_UUENCODED = 50


def uuencoded(data: bytes) -> Iterator[Uuencoded]:
    """The uuencoded files in a text, each from its ``begin`` to its ``end`` line, at most 50."""
    at = 0
    for _ in range(MAX_UUENCODED):
        begin = _BEGIN.search(data, at)
        if begin is None:
            return
        content, at = _uu_lines(data, begin.end())
        if content is None:
            continue
        yield Uuencoded(begin.group(1).strip(), content, begin.start(), at)


def _uu_lines(data: bytes, at: int) -> tuple[bytes | None, int]:
    """Decode lines from ``at`` up to ``end``; None where a line is no uuencode."""
    out: list[bytes] = []
    while at < len(data):
        newline = data.find(b"\n", at)
        newline = len(data) if newline < 0 else newline
        line = data[at:newline].rstrip(b"\r")
        at = newline + 1
        if line.strip() == b"end":
            return b"".join(out), min(at, len(data))
        try:
            out.append(_uu_line(line))
        except binascii.Error:
            return None, at
    return (b"".join(out), len(data)) if out else (None, len(data))


def _uu_line(line: bytes) -> bytes:
    """One line; those that lie about their length by trailing junk are cut to what they say."""
    if not line.strip() or line == b"`":
        return b""
    try:
        return binascii.a2b_uu(line)
    except binascii.Error:
        return binascii.a2b_uu(line[: (((line[0] - 32) & 63) * 4 + 5) // 3])
