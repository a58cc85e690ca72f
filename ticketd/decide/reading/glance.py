"""What a mail calls itself, for a mail that could not be read: its Message-ID and subject, as they stand.

By a search of the first bytes alone: whatever the parser met in the mail is not met again.
Knows nothing of the rest.
"""

from __future__ import annotations

import re
from email.errors import HeaderParseError
from email.header import decode_header

_HEAD = 65_536  # bytes
_LONGEST = 500  # characters
_END = re.compile(rb"\r?\n\r?\n")
_FOLD = re.compile(rb"\r?\n(?=[ \t])")
_MESSAGE_ID = re.compile(rb"^message-id[ \t]*:[ \t]*(<[^<>\s]{1,900}>)", re.IGNORECASE | re.MULTILINE)
_SUBJECT = re.compile(rb"^subject[ \t]*:([^\r\n]{0,2000})", re.IGNORECASE | re.MULTILINE)


def glance(content: bytes) -> tuple[str | None, str]:
    """The Message-ID (None: there is none that can be seen) and the subject. Never raises."""
    head = _FOLD.sub(b"", _END.split(content[:_HEAD], maxsplit=1)[0])
    found, subject = _MESSAGE_ID.search(head), _SUBJECT.search(head)
    return found[1].decode("ascii", "replace") if found else None, _words(subject[1]) if subject else ""


def _words(raw: bytes) -> str:
    """A field's text, its encoded words decoded where they can be."""
    text = raw.decode("utf-8", "replace")
    try:
        parts = [
            part if isinstance(part, str) else part.decode(charset or "ascii", "replace")
            for part, charset in decode_header(text)
        ]
    except (HeaderParseError, LookupError, ValueError):
        parts = [text]
    return " ".join("".join(parts).split())[:_LONGEST]
