"""Write a mail as bytes, the same values always as the same bytes (RFC 5322, 2045, 2047, 2183, 2231).

Headers are cleaned and encoded here, bodies are quoted-printable or base64, boundaries
come from the Message-ID. Knows nothing of tickets; ``hygiene`` reads the result again.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import urllib.parse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime

from ticketd.decide import clean
from ticketd.decide.model import Address, Attachment

_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,60}/[a-z0-9][a-z0-9!#$&^_.+-]{0,60}")
_ID = re.compile(r"<[!-;=?-~]{1,300}>")
_QUOTED = re.compile(r'"[^"\\]{1,62}"')
_NEVER = frozenset(' @<>,;:()[]\\"')
_WORD_BYTES = 39  # so that "Reply-To: " and one encoded word stay within 76 characters
_LINE = 76
_PLAIN_LINE = 990
_BOUNDARY = "=_ticketd_"
_REFERENCES = 2000
_RESERVED = frozenset(
    ["con", "prn", "aux", "nul", *(f"{device}{n}" for device in ("com", "lpt") for n in range(10))]
)


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail before it is bytes: header fields in order with their encoded values, and the content.

    ``pictures`` are shown within the HTML, by their content ids (RFC 2392).
    """

    message_id: str
    fields: tuple[tuple[str, str], ...]
    text: str
    html: str | None = None
    files: tuple[Attachment, ...] = ()
    pictures: tuple[Attachment, ...] = ()


def encoded_words(text: str) -> str:
    """``text`` as encoded words (RFC 2047 §2), one a line, no character cut in two."""
    chunks, chunk = [], b""
    for character in text:
        piece = character.encode("utf-8", "replace")
        if len(chunk) + len(piece) > _WORD_BYTES:
            chunks.append(chunk)
            chunk = b""
        chunk += piece
    chunks.append(chunk)
    return "\r\n ".join(f"=?utf-8?b?{base64.b64encode(part).decode('ascii')}?=" for part in chunks)


def unstructured(text: str, name: str = "Subject") -> str:
    """The value of a field like Subject: cleaned, encoded where it must be, folded."""
    cleaned = clean.line(text)
    words = cleaned.split(" ")
    if not cleaned.isascii() or "=?" in cleaned or max(map(len, words)) > _LINE - len(name) - 2:
        return encoded_words(cleaned)
    return _fold(words, len(name) + 2)


def _fold(words: Sequence[str], used: int) -> str:
    lines, current = [], ""
    for word in words:
        if current and used + len(current) + 1 + len(word) > _LINE:
            lines.append(current)
            current, used = word, 1
        else:
            current = f"{current} {word}" if current else word
    return "\r\n ".join([*lines, current])


def phrase(name: str) -> str:
    """A display name as RFC 5322 has it: atoms, a quoted string, or encoded words."""
    cleaned = clean.name(name)
    if not cleaned.isascii() or "=?" in cleaned:
        return encoded_words(cleaned)
    if not cleaned or _ATOMS.fullmatch(cleaned):
        return cleaned
    return '"' + cleaned.replace("\\", "\\\\").replace('"', '\\"') + '"'


def wire_address(address: str) -> str:
    """The address as it is sent: the domain in A-labels, nothing in it that could end it.

    Raises ValueError for what is no address: it must never reach a header.
    """
    local, at, domain = address.strip().rpartition("@")
    if not domain.isascii():
        domain = domain.encode("idna").decode("ascii")
    plain = f"{local}{at}{domain}"
    name = "quoted" if _QUOTED.fullmatch(local) else local
    if not (local and domain) or not plain.isprintable() or set(name + domain) & _NEVER or len(plain) > 254:
        raise ValueError("not an address that mail can be sent to")
    return plain


def mailbox_value(person: Address) -> str:
    """One address with its name: ``Anna at Example Support <support@example.com>``."""
    shown, address = phrase(person.name), wire_address(person.address)
    return f"{shown} <{address}>" if shown else address


def address_value(people: Iterable[Address]) -> str:
    """An address list, one a line."""
    return ",\r\n ".join(mailbox_value(person) for person in people)


def date_value(moment: datetime) -> str:
    """A Date field's value, in UTC."""
    return format_datetime(moment.astimezone(UTC).replace(microsecond=0))


def is_id(text: str | None) -> bool:
    """Whether this is a message id that may stand in a header of ours."""
    return text is not None and _ID.fullmatch(text) is not None


def references_value(ids: Sequence[str]) -> str:
    """References: well-formed ids, each once, the first and as many of the last as fit 2 KB."""
    known = list(dict.fromkeys(text for text in ids if is_id(text)))
    room = _REFERENCES - len(known[0]) if known else 0
    kept: list[str] = []
    for text in reversed(known[1:]):
        room -= len(text) + 3
        if room < 0:
            break
        kept.append(text)
    return "\r\n ".join([*known[:1], *reversed(kept)])


def safe_filename(name: str) -> str:
    """A file name that cannot hurt whoever saves it: no path, no trick, at most 150 bytes."""
    plain = clean.name(name, 400).translate({ord(sign): "_" for sign in '/\\:*?"<>|%'})
    plain = plain.strip(" .")
    stem, dot, extension = plain.rpartition(".")
    if len(extension) > 16 or not dot:
        stem, extension = plain, ""
    stem = stem.encode("utf-8")[: 140 - len(extension.encode("utf-8"))].decode("utf-8", "ignore").strip(" .")
    if not stem or stem.split(".")[0].strip().lower() in _RESERVED:
        stem = f"file_{stem}".rstrip("_")
    return f"{stem}.{extension}" if extension else stem


def _name_parameters(name: str) -> tuple[str, str]:
    """A file's name for Content-Type and for Content-Disposition, as most clients read it."""
    if name.isascii():
        return f'name="{name}"', f'filename="{name}"'
    quoted = urllib.parse.quote(name, safe="", encoding="utf-8")
    return f'name="{encoded_words(name)}"', f"filename*=utf-8''{quoted}"


def _base64_lines(data: bytes) -> bytes:
    return base64.encodebytes(data).replace(b"\n", b"\r\n")


def _text_part(subtype: str, text: str) -> bytes:
    # ends in a line end: by it b2a_qp knows how to break lines
    data = (text.rstrip("\n") + "\n").replace("\n", "\r\n").encode("utf-8", "replace")
    if _is_plain(text):
        encoding, content = b"7bit", data
    elif len(data) > len(text) * 1.6:  # mostly not Latin: quoted-printable would triple it
        encoding, content = b"base64", _base64_lines(data)
    else:
        encoding, content = b"quoted-printable", binascii.b2a_qp(data, istext=True)
    head = b"Content-Type: text/%s; charset=utf-8\r\nContent-Transfer-Encoding: %s\r\n\r\n"
    return head % (subtype.encode("ascii"), encoding) + content


def _is_plain(text: str) -> bool:
    """Whether no mail system has a reason to change it on its way (RFC 2045 §2.7)."""
    if not text.isascii() or _BOUNDARY in text or " \n" in f"{text}\n" or "\nFrom " in f"\n{text}":
        return False
    return max(map(len, text.split("\n"))) <= _PLAIN_LINE


def _file_part(file: Attachment) -> bytes:
    kind = file.content_type.lower()
    if not _TYPE.fullmatch(kind) or kind.startswith(("multipart/", "message/")):
        kind = "application/octet-stream"  # RFC 2046 §5.2.1 forbids base64 for these
    name, filename = _name_parameters(safe_filename(file.filename))
    head = (
        f"Content-Type: {kind};\r\n {name}\r\nContent-Transfer-Encoding: base64\r\n"
        f"Content-Disposition: attachment;\r\n {filename}\r\n\r\n"
    )
    return head.encode("ascii") + _base64_lines(file.content)


def _picture_part(file: Attachment) -> bytes:
    """A picture that the HTML shows: a file with a Content-ID, not offered for saving."""
    part = _file_part(file).replace(b"Disposition: attachment", b"Disposition: inline", 1)
    return f"Content-ID: <{file.content_id}>\r\n".encode("ascii") + part


def _html_part(letter: Letter, html: str, digest: str) -> bytes:
    part = _text_part("html", html)
    if not letter.pictures:
        return part
    return _multipart("related", f"{_BOUNDARY}r{digest[:24]}", [part, *map(_picture_part, letter.pictures)])


def _multipart(subtype: str, boundary: str, parts: Sequence[bytes]) -> bytes:
    mark = b"--" + boundary.encode("ascii")
    head = f'Content-Type: multipart/{subtype};\r\n boundary="{boundary}"\r\n\r\n'.encode("ascii")
    return b"".join([head, *(mark + b"\r\n" + part for part in parts), mark + b"--\r\n"])


def _content(letter: Letter) -> bytes:
    digest = hashlib.sha256(letter.message_id.encode("utf-8")).hexdigest()
    content = _text_part("plain", letter.text)
    if letter.html is not None:
        # "=_" stands in no encoded part, and _BOUNDARY in no plain one, so no content ever holds a boundary
        content = _multipart(
            "alternative", f"{_BOUNDARY}a{digest[:24]}", [content, _html_part(letter, letter.html, digest)]
        )
    if letter.files:
        content = _multipart("mixed", f"{_BOUNDARY}m{digest[:24]}", [content, *map(_file_part, letter.files)])
    return content


def to_bytes(letter: Letter) -> bytes:
    """The whole mail, CRLF line ends, ready for SMTP."""
    head = "".join(f"{name}: {value}\r\n" for name, value in letter.fields)
    return head.encode("utf-8") + b"MIME-Version: 1.0\r\n" + _content(letter)
