"""Read a finished mail again before it is queued, and refuse it unless it is exactly what was meant.

The last defence against header injection (RFC 5322 §2.1.1, RFC 2046 §5.1): the standard
library's parser reads what our own writer wrote. Knows nothing of what the mail is for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from email.message import Message
from email.parser import HeaderParser
from email.policy import compat32
from email.utils import collapse_rfc2231_value, getaddresses

from ticketd.decide.mime import safe_filename

_LINE = 998
_HEAD = 64 * 1024
_CONTENT_FIELDS = ("mime-version", "content-type", "content-transfer-encoding")
_PART_FIELDS = frozenset(["content-type", "content-transfer-encoding", "content-disposition"])
_DEPTH = 3


def check(content: bytes, names: Sequence[str], author: str, recipients: Sequence[str]) -> None:
    """Raise ValueError unless ``content`` has exactly these fields, this From and these recipients.

    ``names`` are the fields meant, without those that say how the content is encoded.
    """
    _check_line_ends(content)
    head, message = _read_head(content)
    _check_lines(head)
    _check_names(message, names)
    _check_addresses(message, "from", [author])
    _check_addresses(message, "to cc", recipients)
    for part in _parts(content, message):
        _check_part(part)


def _check_line_ends(content: bytes) -> None:
    pairs = content.count(b"\r\n")
    if content.count(b"\r") != pairs or content.count(b"\n") != pairs or b"\0" in content:
        raise ValueError("outgoing mail has a bare CR, a bare LF or a NUL")


def _read_head(content: bytes) -> tuple[bytes, Message]:
    head, end, _ = content.partition(b"\r\n\r\n")
    if not end or len(head) > _HEAD:
        raise ValueError("outgoing mail has no end of its header, or too long a header")
    message: Message = HeaderParser(policy=compat32).parsestr(head.decode("utf-8") + "\r\n\r\n")
    if message.defects or message.get_payload():
        raise ValueError("outgoing mail has a malformed header")
    return head, message


def _check_lines(head: bytes) -> None:
    if any(len(line) > _LINE or not line.strip() for line in head.split(b"\r\n")):
        raise ValueError("outgoing mail has an empty or too long header line")


def _check_names(message: Message, names: Sequence[str]) -> None:
    found = sorted(name.lower() for name in message if name.lower() not in _CONTENT_FIELDS)
    if found != sorted(name.lower() for name in names):
        raise ValueError("outgoing mail has other header fields than were meant")


def _check_addresses(message: Message, fields: str, intended: Sequence[str]) -> None:
    values = [str(value) for field in fields.split() for value in message.get_all(field, [])]
    found = sorted(address for _, address in getaddresses(values))
    if found != sorted(intended):
        raise ValueError(f"outgoing mail has other addresses in its {fields} than were meant")


def _parts(content: bytes, message: Message, depth: int = 0) -> Iterator[Message]:
    """The headers of every part within, by the boundaries; contents are not looked at."""
    boundary = message.get_boundary()
    if boundary is None:
        return
    if depth > _DEPTH:
        raise ValueError("outgoing mail is nested too deep")
    mark = b"\r\n--" + boundary.encode("ascii")
    first, *inner = content.split(mark)
    if len(inner) < 2 or inner[-1].strip() != b"--" or not first.endswith(b"\r\n"):
        raise ValueError("outgoing mail has broken boundaries")
    for part in inner[:-1]:
        _, read = _read_head(part.removeprefix(b"\r\n"))
        yield read
        yield from _parts(part, read, depth + 1)


def _check_part(part: Message) -> None:
    if not {name.lower() for name in part} <= _PART_FIELDS:
        raise ValueError("a part of the outgoing mail has other header fields than were meant")
    name = part.get_filename()
    if name is not None and safe_filename(collapse_rfc2231_value(name)) != name:
        raise ValueError("an attachment of the outgoing mail has a dangerous name")
