"""Names for files that we write from mail: what a sender calls a file is never a path."""

from __future__ import annotations

_KEPT = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
_LONGEST = 80


def safe_name(name: str) -> str:
    """A file name of plain letters, without a leading dot, short enough for any disk."""
    plain = "".join(char if char in _KEPT else "_" for char in name)[-_LONGEST:]
    return plain.lstrip(".-") or "file"
