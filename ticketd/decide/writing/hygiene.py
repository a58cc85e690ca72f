"""Read a finished mail again before it is queued, and refuse it unless it is exactly what was meant.

The last defence against header injection (RFC 5322 §2.1.1, RFC 2046 §5.1): the standard
library's parser reads what our own writer wrote. Knows nothing of what the mail is for.
"""

from __future__ import annotations

from collections.abc import Sequence
from email.errors import MultipartInvariantViolationDefect
from email.message import Message
from email.parser import HeaderParser
from email.policy import compat32
from email.utils import collapse_rfc2231_value, getaddresses
from functools import lru_cache

from ticketd.decide.writing.mime import safe_filename

_LINE = 998
_HEAD = 64 * 1024
_CONTENT_FIELDS = ("mime-version", "content-type", "content-transfer-encoding")
_PART_FIELDS = frozenset(["content-type", "content-transfer-encoding", "content-disposition", "content-id"])
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
    _check_parts(content, message.get_boundary())


def _check_line_ends(content: bytes) -> None:
    rest = b"".join(content.split(b"\r\n"))  # thrice as fast as counting them
    if b"\r" in rest or b"\n" in rest or b"\0" in rest:
        raise ValueError("outgoing mail has a bare CR, a bare LF or a NUL")


def _read_head(content: bytes) -> tuple[bytes, Message]:
    head, end, _ = content.partition(b"\r\n\r\n")
    if not end or len(head) > _HEAD:
        raise ValueError("outgoing mail has no end of its header, or too long a header")
    return head, _parse(head)


def _parse(head: bytes) -> Message:
    message: Message = HeaderParser(policy=compat32).parsestr(head.decode("utf-8") + "\r\n\r\n")
    # Python before 3.11.4 (Debian 12's) misses the parts of a mail whose header alone it was given.
    defects = [each for each in message.defects if not isinstance(each, MultipartInvariantViolationDefect)]
    if defects or message.get_payload():
        raise ValueError("outgoing mail has a malformed header")
    return message


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


def _check_parts(content: bytes, boundary: str | None, depth: int = 0) -> None:
    """The headers of every part within, by the boundaries; contents are not looked at."""
    if boundary is None:
        return
    if depth > _DEPTH:
        raise ValueError("outgoing mail is nested too deep")
    first, *inner = content.split(b"\r\n--" + boundary.encode("ascii"))
    if len(inner) < 2 or inner[-1].strip() != b"--" or not first.endswith(b"\r\n"):
        raise ValueError("outgoing mail has broken boundaries")
    for part in inner[:-1]:
        # An empty part ends with its header: the line end before the boundary is the boundary's.
        head = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")[0].removesuffix(b"\r\n")
        _check_parts(part, _check_part(head), depth + 1)


@lru_cache(maxsize=256)  # most parts of most mails have one and the same head
def _check_part(head: bytes) -> str | None:
    """The boundary of the parts within, if the part is such a one."""
    part = _parse(head)
    if not {name.lower() for name in part} <= _PART_FIELDS:
        raise ValueError("a part of the outgoing mail has other header fields than were meant")
    name = part.get_filename()
    if name is not None and safe_filename(collapse_rfc2231_value(name)) != name:
        raise ValueError("an attachment of the outgoing mail has a dangerous name")
    return part.get_boundary()
