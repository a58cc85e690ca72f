"""Names of attached files that are safe to show, and the files inside ``winmail.dat``.

Knows nothing of where files are kept: a name is data, never a path.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from ticketd.decide.charsets import shown, storable

MAX_NAME = 150  # bytes of UTF-8
MAX_TNEF = 30_000_000  # bytes of a winmail.dat that is opened

# The extension for a file without a name, by type; by main type where the type is not listed.
_EXTENSIONS = {
    "application/json": "json",
    "application/ms-tnef": "dat",
    "application/msword": "doc",
    "application/pdf": "pdf",
    "application/pgp-encrypted": "asc",
    "application/pgp-keys": "asc",
    "application/pgp-signature": "asc",
    "application/pkcs7-mime": "p7m",
    "application/pkcs7-signature": "p7s",
    "application/x-pkcs7-mime": "p7m",
    "application/x-pkcs7-signature": "p7s",
    "application/xml": "xml",
    "application/zip": "zip",
    "audio": "audio",
    "image": "img",
    "image/bmp": "bmp",
    "image/gif": "gif",
    "image/jpeg": "jpg",
    "image/jpg": "jpg",
    "image/png": "png",
    "image/svg+xml": "svg",
    "image/tiff": "tif",
    "image/webp": "webp",
    "message/delivery-status": "txt",
    "message/disposition-notification": "txt",
    "message/feedback-report": "txt",
    "message/rfc822": "eml",
    "message/global": "eml",
    "text": "txt",
    "text/calendar": "ics",
    "text/csv": "csv",
    "text/html": "html",
    "text/rfc822-headers": "txt",
    "text/vcard": "vcf",
    "text/x-vcard": "vcf",
    "video": "video",
}


def safe_name(name: str, content_type: str, number: int) -> str:
    """A display name of at most 150 bytes: no path, no controls, nothing invisible or turning round."""
    visible = "".join(sign for sign in shown(name) if unicodedata.category(sign) not in ("Cf", "Co", "Cn"))
    base = _without_path(" ".join(visible.split())).strip().rstrip(". ")
    if not base.strip("._ "):
        base = f"{_stem(content_type)}-{number}.{_extension(content_type)}"
    return _cut(base)


def _without_path(name: str) -> str:
    """The last step of what is a path; a stray slash within a title becomes an underscore."""
    looks_like_path = name[:1] in "/\\." or name[1:2] == ":" or "\\" in name
    if "/" not in name and "\\" not in name:
        return name
    if looks_like_path:
        return name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    return name.replace("/", "_")


def _extension(content_type: str) -> str:
    return _EXTENSIONS.get(content_type) or _EXTENSIONS.get(content_type.partition("/")[0], "bin")


def _stem(content_type: str) -> str:
    main = content_type.partition("/")[0]
    return {"image": "image", "message": "message", "text": "text"}.get(main, "attachment")


def _cut(name: str) -> str:
    """Shorten to 150 bytes, the extension kept where it is one."""
    if len(name.encode()) <= MAX_NAME:
        return name
    stem, dot, extension = name.rpartition(".")
    if not dot or len(extension.encode()) > 15:
        stem, extension = name, ""
    room = MAX_NAME - len(extension.encode()) - (1 if extension else 0)
    stem = stem.encode()[:room].decode("utf-8", "ignore").rstrip(". ")
    return f"{stem}.{extension}" if extension else stem


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What a ``winmail.dat`` holds: its files as (name, content), its text and HTML."""

    files: tuple[tuple[str, bytes], ...] = ()
    text: str = ""
    html: str = ""


def unpack_tnef(content: bytes) -> Unpacked | None:
    """Open a ``winmail.dat``; None where it cannot be read or no reader is installed."""
    if len(content) > MAX_TNEF or content[:4] != b"\x78\x9f\x3e\x22":
        return None
    try:
        from tnefparse import TNEF
    except ImportError:
        return None
    try:
        opened = TNEF(content, do_checksum=False)
        files = tuple(
            (shown(str(item.long_filename() or item.name or "")), bytes(item.data or b""))
            for item in opened.attachments[:100]
        )
        unpacked = Unpacked(files, _body(opened.body), _body(opened.htmlbody))
    except Exception:  # noqa: BLE001 - a reader of hostile binary data; the file itself is kept
        return None
    return unpacked if unpacked.files or unpacked.text or unpacked.html else None


def _body(body: object) -> str:
    """A TNEF body as text, whichever way its reader gives it."""
    if isinstance(body, list):
        body = body[0] if body else ""
    if isinstance(body, bytes):
        body = body.decode("cp1252", "replace")
    return storable(body) if isinstance(body, str) else ""
