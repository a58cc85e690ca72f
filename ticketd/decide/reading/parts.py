"""Take a mail's MIME structure apart, under limits (RFC 2045, 2046, 2183).

Works on offsets in the mail's bytes: nothing is copied until a part is decoded. Total and linear
in the bytes for a bounded depth. Knows nothing of what parts mean to a reader.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from ticketd.decide.reading import transfer
from ticketd.decide.reading.charsets import exact
from ticketd.decide.reading.fields import Parametrised, parametrised, unfold
from ticketd.decide.reading.files import is_sound
from ticketd.decide.reading.limits import Head, read_part_head

MAX_BOUNDARY = 250
TOO_DEEP = "mails inside mails: the innermost were not read"
EXTRA_PARTS = 40  # containers and bodies, beyond the attachments that the config allows


@dataclass(slots=True)
class Budget:
    """What may still be read of one mail, all mails inside it included.

    ``content`` is encoded bytes; ``text`` and ``html`` are bytes of text parts; ``page`` is the
    characters of HTML that may be turned into text.
    """

    parts: int
    attachments: int
    depth: int
    content: int
    text: int = 4_000_000
    html: int = 4_000_000
    page: int = 1_000_000
    defects: list[str] = field(default_factory=list)

    def spend(self, inner: Budget) -> None:
        """Count what a mail inside this one took."""
        self.parts, self.attachments, self.content = inner.parts, inner.attachments, inner.content
        self.text, self.html, self.page = inner.text, inner.html, inner.page
        if TOO_DEEP in inner.defects:
            self.note(TOO_DEEP)

    def note(self, defect: str) -> None:
        """Say once what was not read."""
        if defect not in self.defects and len(self.defects) < 100:
            self.defects.append(defect)


@dataclass(slots=True)
class Part:
    """One node of the structure: ``start`` to ``end`` is its content in ``data``, still encoded."""

    data: bytes
    start: int
    end: int
    head: Head
    type: Parametrised
    disposition: Parametrised
    encoding: str = ""
    children: list[Part] = field(default_factory=list)
    parent: str = ""

    @property
    def kind(self) -> str:
        """The content type, lower case."""
        return self.type.value

    @property
    def charset(self) -> str | None:
        """The charset that the part says it has."""
        return self.type.parameters.get("charset")

    @property
    def text_charset(self) -> str | None:
        """The charset of the first text within."""
        return next((leaf.charset for leaf in self.leaves() if leaf.charset), None)

    @property
    def name(self) -> str:
        """The file name as sent, not safe for anything; empty when there is none."""
        return self.disposition.parameters.get("filename") or self.type.parameters.get("name") or ""

    @property
    def content_id(self) -> str | None:
        """Content-ID without its angle brackets."""
        raw = self.head.first("content-id")
        return (exact(unfold(raw)).strip("<> ")[:300] or None) if raw is not None else None

    def content(self, most: int | None = None) -> bytes:
        """The decoded content, of at most the first ``most`` encoded bytes."""
        end = self.end if most is None else min(self.end, self.start + most)
        return transfer.undo(memoryview(self.data)[self.start : end], self.encoding)

    def leaves(self) -> Iterator[Part]:
        """All parts that hold content, in order."""
        if not self.children:
            yield self
        for child in self.children:
            yield from child.leaves()


def read_parts(data: bytes, head: Head, end: int, budget: Budget, depth: int) -> Part:
    """Take apart the mail whose header block is ``head`` and whose content ends at ``end``."""
    return _read(data, head, end, budget, depth, "text/plain")


def _read(data: bytes, head: Head, end: int, budget: Budget, depth: int, default: str) -> Part:
    """Take apart one entity, its children too while the budget lasts."""
    budget.parts -= 1
    kind = parametrised(head.first("content-type"))
    part = Part(
        data,
        min(head.body, end),
        end,
        head,
        Parametrised(_sound_type(kind, default), kind.parameters),
        parametrised(head.first("content-disposition")),
        unfold(head.first("content-transfer-encoding") or b"").partition(";")[0].strip("\"' ").lower(),
    )
    if part.kind.startswith("multipart/"):
        _read_children(part, budget, depth)
    return part


def _sound_type(kind: Parametrised, default: str) -> str:
    """The content type, or the default where there is none that could be meant."""
    main, slash, sub = kind.value.partition("/")
    if main and slash and sub:
        return kind.value if is_sound(kind.value) else "application/octet-stream"
    if "boundary" in kind.parameters:
        return "multipart/mixed"
    return _SOUND.get(main, default)


_SOUND = {
    "text": "text/plain",
    "html": "text/html",
    "multipart": "multipart/mixed",
    **dict.fromkeys(("application", "image", "audio", "video", "pdf"), "application/octet-stream"),
}


def _read_children(part: Part, budget: Budget, depth: int) -> None:
    """Split a multipart; what has no parts in it is text."""
    if depth >= budget.depth:
        budget.note(f"parts nested deeper than {budget.depth}: the inner ones were not read")
        part.type = Parametrised("application/octet-stream")
        return
    spans = _spans(part, budget)
    if not spans:
        if part.start < part.end:
            budget.note("a multipart without parts: read as text")
        part.type = Parametrised("text/plain", part.type.parameters)
        return
    default = "message/rfc822" if part.kind == "multipart/digest" else "text/plain"
    for start, end in spans:
        if budget.parts <= 0:
            budget.note("too many parts: the rest was not read")
            break
        head = _part_head(part.data, start, end)
        child = _read(part.data, head, end, budget, depth + 1, default)
        child.parent = part.kind
        part.children.append(child)


def _part_head(data: bytes, start: int, end: int) -> Head:
    """The header block of a part; one that begins with text has none."""
    head = read_part_head(data, start, end)
    if not head.fields and not data.startswith((b"\n", b"\r\n"), start, end):
        head.body = start
    return head


def _spans(part: Part, budget: Budget) -> list[tuple[int, int]]:
    """Where each part begins and ends, by the boundary said or, that failing, the one seen."""
    said = part.type.parameters.get("boundary", "").rstrip().encode("utf-8", "replace")[:MAX_BOUNDARY]
    spans = _split(part, said, budget) if said else []
    if spans:
        return spans
    seen = _guess_boundary(part)
    if seen and seen != said:
        budget.note("the boundary between the parts is not the one announced")
        return _split(part, seen, budget)
    return []


def _split(part: Part, boundary: bytes, budget: Budget) -> list[tuple[int, int]]:
    """The spans between delimiter lines, those after a premature last one too."""
    spans: list[tuple[int, int]] = []
    begin: int | None = None
    for at, after, closes in _delimiters(part, boundary, 20 * (budget.parts + 50)):
        if begin is not None:
            spans.append((begin, _before_line(part.data, at, begin)))
        begin = None if closes else after
        if len(spans) > budget.parts:
            return spans
    if begin is not None:
        budget.note("the last boundary is missing")
        spans.append((begin, part.end))
    return spans


def _delimiters(part: Part, boundary: bytes, most: int) -> Iterator[tuple[int, int, bool]]:
    """Each delimiter line (RFC 2046 §5.1.1): where it begins, where the next begins, whether it closes."""
    data, end = part.data, part.end
    newline = b"\n" if data.find(b"\n", part.start, end) >= 0 else b"\r"
    needle = newline + b"--" + boundary
    at = part.start if data.startswith(needle[1:], part.start, end) else _next(data, needle, part.start, end)
    for _ in range(most):
        if at < 0:
            return
        told = at + len(needle) - 1
        stop = data.find(newline, told, min(end, told + 200))
        tail = data[told : stop if stop >= 0 else min(end, told + 200)].strip()
        if tail in (b"", b"--"):
            yield at, (stop + 1 if stop >= 0 else end), tail == b"--"
        at = _next(data, needle, stop if stop >= 0 else told, end)


def _next(data: bytes, needle: bytes, start: int, end: int) -> int:
    """Where the next line that looks like a delimiter begins, -1 when there is none."""
    at = data.find(needle, start, end)
    return at + 1 if at >= 0 else -1


def _before_line(data: bytes, at: int, least: int) -> int:
    """The end of the content above a delimiter line: its line end belongs to the delimiter."""
    if at > least and data[at - 1 : at] == b"\n":
        at -= 1
    if at > least and data[at - 1 : at] == b"\r":
        at -= 1
    return at


def _guess_boundary(part: Part) -> bytes:
    """The boundary that the content uses: the first line with dashes and a part's header below."""
    lines = part.data[part.start : min(part.end, part.start + 64 * 1024)].split(b"\n")
    for line, below in pairwise(lines):
        dashed = line.rstrip()
        if dashed.startswith(b"--") and 4 < len(dashed) <= MAX_BOUNDARY and below[:8].lower() == b"content-":
            return dashed[2:]
    return b""
