"""Cut a mail's header block out of its bytes, under limits, before any parser sees it.

RFC 5322 §2.2, §4.5 and what mailers make of them: colonless lines, bare CR, NUL, mbox "From "
lines, spaces before the colon. Knows nothing of what a field means.
"""

from __future__ import annotations

from dataclasses import dataclass, field

MAX_HEAD = 256 * 1024  # bytes of a header block
MAX_FIELDS = 1000  # fields of a header block
MAX_FIELD = 64 * 1024  # bytes of one field
MAX_MBOX_LINES = 5  # "From " lines of mailbox files above the header block
MAX_PART_HEAD = 32 * 1024  # bytes of a part's own header block

# Fields that show, below a line without a colon, that the header block goes on.
_CORE = frozenset(
    b"from to cc subject date message-id mime-version content-type content-transfer-encoding received "
    b"reply-to return-path delivered-to references in-reply-to dkim-signature".split()
)


@dataclass(slots=True)
class Head:
    """A header block: ``fields`` are (lower-case name, name, raw value with its folds).

    ``suspect`` is True where a bare CR or a NUL may hide a From field from other readers.
    """

    fields: list[tuple[str, str, bytes]] = field(default_factory=list)
    body: int = 0
    defects: list[str] = field(default_factory=list)
    suspect: bool = False

    def first(self, name: str) -> bytes | None:
        """The raw value of the first field of that lower-case name."""
        return next((value for key, _, value in self.fields if key == name), None)

    def every(self, name: str) -> list[bytes]:
        """The raw values of all fields of that lower-case name."""
        return [value for key, _, value in self.fields if key == name]


def read_head(data: bytes, end: int | None = None) -> Head:
    """Read a mail's header block; its ``body`` is the offset where the content begins."""
    end = len(data) if end is None else end
    return read_part_head(data, _skip_preface(data, 0, end), end, MAX_HEAD)


def read_part_head(data: bytes, start: int, end: int, most: int = MAX_PART_HEAD) -> Head:
    """Read the header block that begins at ``start``, in no more than ``most`` bytes."""
    head = Head()
    stop, head.body = _end_of_head(data, start, end)
    if stop - start > most:
        head.defects.append(f"header block of {stop - start} bytes: read the first {most}")
        stop = data.rfind(b"\n", start, start + most) + 1 or start + most
    _read_fields(data, start, stop, head)
    return head


def _skip_preface(data: bytes, start: int, end: int) -> int:
    """Skip what may stand before the first field: a byte order mark, blank lines, mbox lines."""
    if data.startswith(b"\xef\xbb\xbf", start, end):
        start += 3
    blank = start
    while blank < end and data[blank] in b"\r\n" and blank - start < 64:
        blank += 1
    if blank > start and _field_name(data[blank : blank + 80].split(b"\n", 1)[0]):
        start = blank
    for _ in range(MAX_MBOX_LINES):
        line_end = data.find(b"\n", start, min(end, start + 1000))
        if line_end < 0 or not _is_mbox_line(data[start:line_end]):
            break
        start = line_end + 1
    return start


def _is_mbox_line(line: bytes) -> bool:
    """Whether a line is the "From " line of a mailbox file, not a From field with spaces in its name."""
    return line.startswith((b"From ", b">From ")) and _field_name(line) is None


def _end_of_head(data: bytes, start: int, end: int) -> tuple[int, int]:
    """Find where the header block stops and where the content begins: the first empty line."""
    if data.startswith(b"\n", start, end):
        return start, start + 1
    if data.startswith(b"\r\n", start, end):
        return start, start + 2
    found = [
        (at, at + len(mark))
        for mark in (b"\n\n", b"\n\r\n", b"\n\r\r\n")
        if (at := data.find(mark, start, end)) >= 0
    ]
    if not found:
        return end, end
    at, after = min(found)
    return at + 1, after


def _read_fields(data: bytes, start: int, stop: int, head: Head) -> None:
    """Split the block into fields; a line without a colon ends it."""
    block = data[start:stop]
    if b"\r" in block:
        block = block.replace(b"\r\r\n", b"\n").replace(b"\r\n", b"\n")
        if b"\n" not in block.rstrip(b"\r\n") and block.count(b"\r") > 2:
            _old_mac(data, start, stop, head)
            return
    head.suspect = _hides_from(block)
    lines = block.split(b"\n")
    found: list[tuple[bytes, list[bytes]]] = []
    seen: set[bytes] = set()
    for number, line in enumerate(lines):
        if line[:1] in (b" ", b"\t", b""):
            if found and line:
                found[-1][1].append(line)
            continue
        name = _field_name(line)
        if name is None:
            if _goes_on(line, lines[number + 1 : number + 2], seen):
                head.defects.append("a header line has no colon")
                continue
            head.defects.append("headers end without an empty line")
            head.body = _offset_of(data, line, start, stop)
            break
        seen.add(name.lower())
        found.append((name, [line[line.index(b":") + 1 :]]))
    _keep(found, head)


def _keep(found: list[tuple[bytes, list[bytes]]], head: Head) -> None:
    """Join each field's lines, within the limits."""
    if len(found) > MAX_FIELDS:
        head.defects.append(f"more than {MAX_FIELDS} header fields: read the first {MAX_FIELDS}")
    for name, values in found[:MAX_FIELDS]:
        value = b"\n".join(values) if len(values) > 1 else values[0]
        if len(value) > MAX_FIELD:
            head.defects.append(f"header field of {len(value)} bytes: read the first {MAX_FIELD}")
            value = value[:MAX_FIELD]
        shown = name.decode("ascii")
        head.fields.append((shown.lower(), shown, value))


def _offset_of(data: bytes, line: bytes, start: int, stop: int) -> int:
    """Where ``line`` stands in the block; the block's start where it is the first line."""
    if data.startswith(line, start):
        return start
    found = [at for end in (b"\r", b"\n", b"") if (at := data.find(b"\n" + line + end, start, stop)) >= 0]
    return found[0] + 1 if found else start


def _old_mac(data: bytes, start: int, stop: int, head: Head) -> None:
    """Read a mail whose only line ends are bare CR: no identity can be had from it."""
    limit = data.find(b"\r\r", start, stop)
    block = data[start : limit if limit >= 0 else stop].replace(b"\r", b"\n") + b"\n"
    inner = read_head(block + b"\n")
    head.fields, head.suspect = inner.fields, True
    head.defects += [*inner.defects, "lines end in bare CR"]
    head.body = limit + 2 if limit >= 0 else head.body


def _field_name(line: bytes) -> bytes | None:
    """The field name of a line, obsolete spaces before the colon forgiven; None when it is no field."""
    name, colon, _ = line.partition(b":")
    name = name.rstrip(b" \t")
    if not colon or not name or len(name) > 200:
        return None
    if name.translate(None, _NAME_BYTES):
        return None
    return name


_NAME_BYTES = bytes(byte for byte in range(33, 127) if byte != 58)


def _goes_on(line: bytes, below: list[bytes], seen: set[bytes]) -> bool:
    """Whether the block goes on below a stray line: an mbox line, or a core field not met yet follows."""
    if _is_mbox_line(line):
        return True
    name = _field_name(below[0]) if below else None
    return name is not None and (name.lower() == b"received" or name.lower() in _CORE - seen)


def _hides_from(block: bytes) -> bool:
    """Whether a bare CR or a NUL stands where another reader would see another From field."""
    if b"\r" not in block and b"\0" not in block:
        return False
    lowered = block.lower()
    for mark in (b"\r", b"\0"):
        at = lowered.find(mark)
        while at >= 0:
            line_start = lowered.rfind(b"\n", 0, at) + 1
            line_end = lowered.find(b"\n", at)
            line = lowered[line_start : line_end if line_end >= 0 else None]
            if b"from" in line:
                return True
            at = lowered.find(mark, line_end) if line_end >= 0 else -1
    return False
