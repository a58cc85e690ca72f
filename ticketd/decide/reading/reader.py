"""Decide what of a mail's parts is read and what is a file (RFC 2046, 2183, 3676), in reading order.

Takes the structure that ``parts`` made and decodes each part once, within the mail's budget. Knows
nothing of the header fields of the mail itself, nor of what the text means.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ticketd.decide.reading import transfer
from ticketd.decide.reading.bodies import Body, File, Segment
from ticketd.decide.reading.charsets import codec_of, decode, storable
from ticketd.decide.reading.files import is_sound, type_of
from ticketd.decide.reading.flowed import unflow
from ticketd.decide.reading.parts import Budget, Part
from ticketd.decide.reading.tnef import is_tnef, open_tnef

MAX_NAMED_TEXT = 100_000  # bytes of a named text that may stand in for a missing body
MAX_TEXT = 2_000_000  # bytes of one text part that are read; a longer one is a file, too

_MAILS = frozenset(("message/rfc822", "message/global", "message/news"))
_TNEF = frozenset(("application/ms-tnef", "application/vnd.ms-tnef"))
_SMIME = frozenset(("application/pkcs7-mime", "application/x-pkcs7-mime"))
_NO_TEXTS = frozenset(("text/calendar", "text/vnd.google.email-reaction+json"))
_SECOND_BEST = frozenset(("text/x-amp-html", "text/watch-html", "text/enriched", "text/richtext"))
_RICH = frozenset(("text/rtf", "application/rtf"))  # a text, but none that we read


def read_body(root: Part, budget: Budget) -> Body:
    """Collect the text and the files of a mail."""
    body = Body()
    _Reader(body, budget).visit(root, alone=True)
    if not any(segment.text.strip() or segment.html for segment in body.segments):
        body.segments += [Segment(file.words) for file in body.files if file.words.strip()][:1]
    if not body.segments:
        body.unread += [f"a part of type {file.kind}" for file in body.files if _may_be_text(file)]
    return body


def _may_be_text(file: File) -> bool:
    """Whether a file of a mail without a text may be that text, in a form that we do not read."""
    seen_or_heard = file.kind.startswith(("image/", "audio/", "video/", "message/"))
    return file.bare and not seen_or_heard and not file.kind.endswith("-signature")


@dataclass(slots=True)
class _Reader:
    """Walks the structure in reading order."""

    body: Body
    budget: Budget

    def visit(self, part: Part, *, alone: bool = False, related: bool = False) -> None:
        """Read a part; ``alone`` when it is a mail's only or one alternative's whole content."""
        if not part.children:
            self._leaf(part, alone=alone, related=related)
        elif part.kind == "multipart/alternative":
            self._alternative(part)
        elif part.kind == "multipart/related":
            self._related(part)
        else:
            if part.kind in ("multipart/encrypted", "multipart/signed"):
                self._protected(part)
            for child in part.children:
                self.visit(child, related=related)

    def _protected(self, part: Part) -> None:
        how = "S/MIME" if "pkcs7" in part.type.parameters.get("protocol", "") else "PGP/MIME"
        if part.kind == "multipart/encrypted":
            self.budget.note(f"encrypted ({how}): not opened, kept whole")
            self.body.unread.append(f"an encrypted text ({how})")
        else:
            self.budget.note(f"signed ({how}): the signature was not checked")

    def _alternative(self, part: Part) -> None:
        """One content in several forms: the text of the first, the HTML of the last that has any."""
        outer, texts, htmls = self.body.segments, [], []
        others: list[Segment] = []
        for child in part.children:
            self.body.segments = []
            self.visit(child, alone=not child.children)
            found = self.body.segments
            if any(segment.html for segment in found):
                htmls.append(found)
            elif child.kind in _SECOND_BEST:
                others += found
            elif any(segment.text.strip() for segment in found):
                texts.append(found)
        self.body.segments = outer
        text = "\n".join(segment.text for segment in texts[0]) if texts else ""
        if not htmls:
            outer += texts[0] if texts else others
            return
        html = "\n".join(segment.html for segment in htmls[-1] if segment.html)
        beside = [segment for segment in htmls[-1] if not segment.html]
        outer.append(Segment(text, html, most=max(segment.most for segment in htmls[-1])))
        if not text.strip():
            outer += beside

    def _related(self, part: Part) -> None:
        """A page and what it shows: the root is the part that ``start`` names, else the first."""
        start = part.type.parameters.get("start", "").strip("<> ")
        named = next((child for child in part.children if start and child.content_id == start), None)
        root = named or next((c for c in part.children if c.kind.startswith(("text/", "multipart/"))), None)
        for child in part.children:
            self.visit(child, alone=child is root and not child.children, related=child is not root)

    def _leaf(self, part: Part, *, alone: bool, related: bool) -> None:
        content = self._content(part)
        if content is None:
            return
        if _is_text(part, alone=alone):
            self._text(part, content)
        elif part.kind == "text/calendar" or part.name.lower().endswith(".ics"):
            if part.kind == "text/calendar" and len(content) < MAX_TEXT:
                self.body.calendars.append(decode(content, part.charset or "utf-8")[0])
            self._file(part, content, related=related)
        elif part.kind in _SECOND_BEST and (alone or part.parent == "multipart/alternative"):
            self.body.segments.append(Segment(_without_marks(decode(content[:MAX_TEXT], part.charset)[0])))
        else:
            self._file(part, content, related=related)

    def _content(self, part: Part) -> bytes | None:
        """Decode a part within the budget and let it count for the fingerprint."""
        encoded = part.end - part.start
        if encoded > self.budget.content:
            self.budget.note("more content than can be read: some parts were not")
            self.body.digest.update(memoryview(part.data)[part.start : part.end])
            return None
        content = part.content()
        self.budget.content -= max(encoded, len(content))
        textual = part.kind.startswith(("text/", "message/"))
        _count(self.body.digest, content, textual=textual)
        return content

    def _text(self, part: Part, content: bytes) -> None:
        read = self._within_budget(part, content)
        if part.kind == "text/html":
            said = part.charset if codec_of(part.charset or "") not in (None, "ascii") else None
            segment, note = self._html(read, said or _meta_charset(read) or part.charset)
        else:
            segment, note = self._plain(read, part)
        self.body.segments.append(segment)
        if _is_guesswork(read, part.charset):
            self.body.unread.append("a text in an unknown charset")
        if note:
            self.budget.note(note)
        for file in self.body.files:
            file.picture = file.picture or file.waits

    def _html(self, data: bytes, charset: str | None) -> tuple[Segment, str | None]:
        text, note = decode(data, charset)
        segment = Segment("", storable(text), most=self.budget.page)
        self.budget.page -= min(self.budget.page, len(text))
        return segment, note

    def _plain(self, data: bytes, part: Part) -> tuple[Segment, str | None]:
        if b"begin " in data or b"begin-base64 " in data:
            data = self._uuencoded(data)
        text, note = decode(data, part.charset or _byte_order(data))
        text = storable(text)
        if "-----BEGIN PGP MESSAGE-----" in text:
            self.budget.note("encrypted (PGP): not opened, kept whole")
        if text[:200].lstrip()[:9].lower().startswith(("<!doctype", "<html>", "<html ")) and "</" in text:
            return Segment("", text, most=self.budget.page), note
        return Segment(_shaped(text, part)), note

    def _within_budget(self, part: Part, content: bytes) -> bytes:
        """What may be read of a text; where that is not all of it, the whole is a file, too."""
        budget = self.budget
        most = budget.html if part.kind == "text/html" else min(MAX_TEXT, budget.text)
        if len(content) > most:
            budget.note(f"text of {len(content)} bytes: read the first {most}, the whole is a file")
            self._file(part, content, related=False)
        read = content[:most]
        if part.kind == "text/html":
            budget.html -= len(read)
        else:
            budget.text -= len(read)
        return read

    def _uuencoded(self, content: bytes) -> bytes:
        """Take uuencoded files out of a text."""
        kept, done = [], 0
        for found in transfer.uuencoded(content):
            kept.append(content[done : found.start])
            done = found.end
            name, _ = decode(found.name, None)
            self._add(File(name, type_of(name), found.content))
        return b"".join((*kept, content[done:])) if kept else content

    def _file(self, part: Part, content: bytes, *, related: bool) -> None:
        attached = part.disposition.value == "attachment"
        file = File(part.name, part.kind, content, part.content_id, related and not attached)
        file.waits = part.disposition.value == "inline" and not part.name
        file.bare = not (attached or part.name or related)
        if part.kind == "text/plain" and not attached and len(content) < MAX_NAMED_TEXT:
            file.words = storable(decode(content, part.charset)[0])
        if part.kind in _MAILS and part.kind:
            file.mail = len(self.body.mails)
            self.body.mails.append(content)
        elif part.kind.startswith("message/") or part.kind == "text/rfc822-headers":
            self.body.reports.append((part.kind, content))
        elif part.kind in _SMIME:
            self.budget.note("S/MIME: not opened, kept whole")
            if part.type.parameters.get("smime-type", "").lower() != "certs-only":
                self.body.unread.append("an S/MIME text")
        self._add(file)
        if part.kind in _TNEF or part.name.lower() == "winmail.dat" or is_tnef(content):
            self._tnef(content)

    def _tnef(self, content: bytes) -> None:
        opened = open_tnef(content)
        if opened is None:
            self.budget.note("winmail.dat: not opened, kept whole")
            self.body.unread.append("a winmail.dat")
            return
        for inside in opened.files:
            kind = inside.content_type if is_sound(inside.content_type) else type_of(inside.name)
            self._add(File(inside.name, kind, inside.content, inside.content_id))
        if not any(segment.text.strip() or segment.html for segment in self.body.segments):
            self.body.segments.append(Segment(opened.text, opened.html or None))

    def _add(self, file: File) -> None:
        if self.budget.attachments <= 0:
            self.budget.note("too many attachments: the rest was not read")
            return
        self.budget.attachments -= 1
        self.body.files.append(file)


def _is_text(part: Part, *, alone: bool) -> bool:
    """Whether a part is read rather than saved."""
    if part.disposition.value == "attachment" and not (alone and not part.name):
        return False
    if part.kind in ("text/plain", "text/html"):
        return alone or not part.name
    return (
        alone
        and part.kind.startswith("text/")
        and part.kind not in _SECOND_BEST | _RICH | _NO_TEXTS
        and not part.name
    )


def _shaped(text: str, part: Part) -> str:
    """The text of a plain part, soft line breaks undone."""
    if part.type.parameters.get("format", "").lower() == "flowed":
        return unflow(text, delsp=part.type.parameters.get("delsp", "").lower() == "yes")
    return text


def _without_marks(text: str) -> str:
    """text/enriched (RFC 1896) without its commands."""
    return storable(re.sub(r"</?[A-Za-z-]{1,60}>", "", text).replace("<<", "<"))


def _is_guesswork(data: bytes, label: str | None) -> bool:
    """Whether nobody can tell what the bytes say: their charset is unknown, and they are not UTF-8."""
    if not label or codec_of(label) is not None or data.isascii():
        return False
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return True
    return False


def _meta_charset(html: bytes) -> str | None:
    """The charset that the HTML itself names, near its beginning."""
    head = html[:2048].lower()
    at = head.find(b"charset=")
    if at < 0:
        return _byte_order(html)
    said = re.match(rb"[\"' ]*([\w.:-]+)", head[at + 8 : at + 60])
    return said.group(1).decode("ascii", "ignore") if said else None


def _byte_order(data: bytes) -> str | None:
    return "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else None


def _count(digest: Any, content: bytes, *, textual: bool) -> None:
    """Let a part count for the fingerprint; line ends and the last empty lines of text do not."""
    if not textual:
        digest.update(content)
    elif len(content) < 4_000_000:
        digest.update(content.replace(b"\r\n", b"\n").rstrip())
    else:
        for at in range(0, len(content), 1_000_000):
            digest.update(content[at : at + 1_000_000].replace(b"\r", b""))
    digest.update(b"\0part\0")
