"""Open a ``winmail.dat``: the files and the text that Outlook wraps in TNEF (MS-OXTNEF, MS-OXPROPS).

Reads only what a person needs of it, in time linear in the bytes: every step moves forward, counts
that the file itself gives are never believed. Knows nothing of mails.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from ticketd.decide.reading.charsets import decode, shown, storable

MAX_ATTRIBUTES = 5000
MAX_PROPERTIES = 2000
MAX_FILES = 200

_SIGNATURE = b"\x78\x9f\x3e\x22"
_FIXED = {0x02: 4, 0x03: 4, 0x04: 4, 0x05: 8, 0x06: 8, 0x07: 8, 0x0A: 4, 0x0B: 4, 0x14: 8, 0x40: 8, 0x48: 16}
_VARIABLE = frozenset((0x0D, 0x1E, 0x1F, 0x102))
_UNICODE = 0x1F

# Attributes of the stream, and properties within them.
_BODY, _DATA, _TITLE, _NEW_FILE, _MESSAGE, _FILE, _CODEPAGE = (
    0x800C,
    0x800F,
    0x8010,
    0x9002,
    0x9003,
    0x9005,
    0x9007,
)
_P_BODY, _P_HTML, _P_NAME, _P_LONG_NAME, _P_MIME, _P_CID = 0x1000, 0x1013, 0x3704, 0x3707, 0x370E, 0x3712


@dataclass(slots=True)
class TnefFile:
    """A file inside: its name as sent, its content, and what Outlook says of it."""

    name: str = ""
    content: bytes = b""
    content_type: str = ""
    content_id: str | None = None


@dataclass(slots=True)
class Tnef:
    """What a ``winmail.dat`` holds."""

    files: list[TnefFile] = field(default_factory=list)
    text: str = ""
    html: str = ""
    charset: str = "windows-1252"


def is_tnef(content: bytes) -> bool:
    """Whether a file is such a container, whatever it is called."""
    return content[:4] == _SIGNATURE


def open_tnef(content: bytes) -> Tnef | None:
    """The files and texts inside; None where there are none or it is no TNEF."""
    if not is_tnef(content):
        return None
    opened = Tnef()
    for name, data in _attributes(content):
        _take(opened, name, data)
    opened.files = [file for file in opened.files if file.name or file.content]
    return opened if opened.files or opened.text or opened.html else None


def _attributes(content: bytes) -> Iterator[tuple[int, bytes]]:
    """The attributes of the stream by their ids, up to where it is torn."""
    at = 6
    for _ in range(MAX_ATTRIBUTES):
        if at + 9 > len(content):
            return
        name, _, length = struct.unpack_from("<HHI", content, at + 1)
        if at + 9 + length > len(content):
            return
        yield name, content[at + 9 : at + 9 + length]
        at += 9 + length + 2  # the checksum


def _take(opened: Tnef, name: int, data: bytes) -> None:
    """Put one attribute where it belongs."""
    if name == _CODEPAGE and len(data) >= 4:
        opened.charset = f"cp{struct.unpack_from('<I', data)[0]}"
    elif name == _NEW_FILE and len(opened.files) < MAX_FILES:
        opened.files.append(TnefFile())
    elif name == _BODY:
        opened.text = opened.text or _text(data, opened.charset)
    elif name == _MESSAGE:
        _take_message(opened, data)
    elif opened.files and name == _TITLE:
        opened.files[-1].name = opened.files[-1].name or _text(data, opened.charset)
    elif opened.files and name == _DATA:
        opened.files[-1].content = data
    elif opened.files and name == _FILE:
        _take_file(opened.files[-1], data, opened.charset)


def _take_message(opened: Tnef, data: bytes) -> None:
    for name, kind, value in _properties(data):
        if name == _P_BODY:
            opened.text = _text(value, opened.charset, kind)
        elif name == _P_HTML:
            opened.html = storable(decode(value.rstrip(b"\0"), None)[0])


def _take_file(file: TnefFile, data: bytes, charset: str) -> None:
    for name, kind, value in _properties(data):
        if name == _P_LONG_NAME or (name == _P_NAME and not file.name):
            file.name = _text(value, charset, kind)
        elif name == _P_MIME:
            file.content_type = shown(_text(value, charset, kind)).lower()[:200]
        elif name == _P_CID:
            file.content_id = shown(_text(value, charset, kind)).strip("<> ")[:300] or None


def _properties(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """The MAPI properties in an attribute as (id, type, value), up to the first that is not understood."""
    at = 4
    for _ in range(MAX_PROPERTIES):
        if at + 8 > len(data):
            return
        kind, name = struct.unpack_from("<HH", data, at)
        at = _after_name(data, at + 4) if name >= 0x8000 else at + 4
        if kind in _FIXED:
            yield name, kind, data[at : at + _FIXED[kind]]
            at += _FIXED[kind]
        elif kind in _VARIABLE and at + 8 <= len(data):
            length = struct.unpack_from("<I", data, at + 4)[0]
            yield name, kind, data[at + 8 : at + 8 + length]
            at += 8 + _padded(length)
        else:
            return


def _after_name(data: bytes, at: int) -> int:
    """Where the value of a named property begins."""
    if at + 24 > len(data):
        return len(data)
    kind, length = struct.unpack_from("<II", data, at + 16)
    return at + 24 + (_padded(length) if kind else 0)


def _padded(length: int) -> int:
    return int(length) + -int(length) % 4


def _text(data: bytes, charset: str, kind: int = 0) -> str:
    text, _ = decode(data, "utf-16le" if kind == _UNICODE else charset)
    return storable(text).strip("\0")
