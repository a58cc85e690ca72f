"""The readable side of a mail: its text, its HTML and its files, made of what ``reader`` collected.

Says which form of a text people read and which pictures belong to it (RFC 2387, 2392). Knows nothing
of how a mail is built.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from ticketd.decide.model import Attachment
from ticketd.decide.reading import calendars
from ticketd.decide.reading.files import safe_name
from ticketd.decide.reading.htmltext import MAX_HTML, html_to_text

_PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".svg", ".tif", ".tiff")
_CID = re.compile(r"cid:([^\"'\s<>)]{1,300})", re.IGNORECASE)


@dataclass(slots=True)
class Segment:
    """A stretch of the body: its text, its HTML, or one beside the other.

    ``read`` is the HTML's text once it is needed, made of its first ``most`` characters.
    """

    text: str = ""
    html: str | None = None
    most: int = MAX_HTML
    read: str | None = None

    def readable(self) -> str:
        """The text to read: the HTML's where the text says nothing."""
        if self.html is None or (self.text.strip() and not self._only_points_to_html()):
            return self.text
        return self._read_html() or self.text

    def _read_html(self) -> str:
        if self.read is None:
            self.read = html_to_text(self.html or "", self.most)
        return self.read

    def _only_points_to_html(self) -> bool:
        """Whether the text is a robot's apology: "to view this mail, use an HTML client"."""
        words = " ".join(self.text.split()).lower()
        if len(words) > 500 or not any(word in words for word in ("html", "mime", "multipart", "rich text")):
            return False
        read = self._read_html()
        return len(read) > len(words) or words not in " ".join(read.split()).lower()


@dataclass(slots=True)
class File:
    """A file before it has its name.

    ``picture`` is True where its place says that it belongs to the text, ``waits`` where it does
    if more text follows; ``mail`` is its number among the mails inside. ``words`` are what a named
    text says that was not sent as an attachment: shown where the mail has no other text. ``bare`` is
    a part that was neither named nor called an attachment: perhaps the text itself.
    """

    name: str
    kind: str
    content: bytes
    content_id: str | None = None
    picture: bool = False
    waits: bool = False
    mail: int | None = None
    words: str = ""
    bare: bool = False


@dataclass(slots=True)
class Body:
    """What was collected, part by part; ``digest`` is over all decoded content.

    ``unread`` names what stands in the place of a text and could not be read as one.
    """

    digest: Any = field(default_factory=hashlib.sha256)
    segments: list[Segment] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    mails: list[bytes] = field(default_factory=list)
    reports: list[tuple[str, bytes]] = field(default_factory=list)
    calendars: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    def text(self) -> str:
        """The whole plain text."""
        pieces = _without_repeats([segment.readable() for segment in self.segments])
        text = "\n".join(piece if piece.endswith("\n") else piece + "\n" for piece in pieces)
        if len(pieces) == 1:
            text = pieces[0]
        for ics in self.calendars:
            summary, said = calendars.told(ics)
            if said and (not text.strip() or summary not in text):
                text = f"{text.rstrip()}\n\n{said}\n" if text.strip() else said + "\n"
        return text

    def html(self) -> str | None:
        """The HTML as received, None where there is none."""
        pieces = [segment.html for segment in self.segments if segment.html and segment.html.strip()]
        return "\n".join(pieces) if pieces else None

    def attachments(self, subjects: list[str]) -> tuple[Attachment, ...]:
        """The files with safe names; mails inside are named by their ``subjects``."""
        shown = {unquote(cid) for segment in self.segments for cid in _CID.findall(segment.html or "")}
        named = []
        for number, file in enumerate(self.files, 1):
            name = file.name
            if not name and file.mail is not None and subjects[file.mail : file.mail + 1] not in ([], [""]):
                name = f"{subjects[file.mail][:120]}.eml"
            named.append(
                Attachment(
                    safe_name(name, file.kind, number),
                    file.kind,
                    file.content,
                    _is_inline(file, shown),
                    file.content_id,
                )
            )
        return tuple(named)


def _without_repeats(pieces: list[str]) -> list[str]:
    """The pieces that say something; some mailers send the text again as HTML beside it."""
    kept: dict[str, str] = {}
    for piece in pieces:
        words = "".join(piece.split())
        if words:
            kept.setdefault(words, piece)
    return list(kept.values())


def _is_inline(file: File, shown: set[str]) -> bool:
    """Whether a file is a picture within the text, not something that was sent along."""
    picture = file.kind.startswith("image/") or file.name.lower().endswith(_PICTURES)
    return picture and (file.picture or file.content_id in shown)
