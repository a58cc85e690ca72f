"""Names of attached files that are safe to show, and pictures that are only logos.

Knows nothing of where files are kept: a name is data, never a path.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import replace

from ticketd.decide.model import Attachment
from ticketd.decide.reading.charsets import shown

MAX_NAME = 150  # bytes of UTF-8
MAX_LOGO = 100_000  # bytes of a picture that may be a signature's logo

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


_TYPES = {
    "csv": "text/csv",
    "doc": "application/msword",
    "gif": "image/gif",
    "htm": "text/html",
    "html": "text/html",
    "ics": "text/calendar",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "pdf": "application/pdf",
    "png": "image/png",
    "txt": "text/plain",
    "xml": "application/xml",
    "zip": "application/zip",
}


def safe_name(name: str, content_type: str, number: int) -> str:
    """A display name of at most 150 bytes: no path, no controls, nothing invisible or turning round."""
    visible = "".join(sign for sign in shown(name) if unicodedata.category(sign) not in ("Cf", "Co", "Cn"))
    base = _without_path(" ".join(visible.split())).strip().rstrip(". ")
    if not base.strip("._ "):
        base = f"{_stem(content_type)}-{number}.{_extension(content_type)}"
    return _cut(base)


def type_of(name: str) -> str:
    """The content type that a file name speaks for, where no header says one."""
    extension = name.lower().rpartition(".")[2]
    return _TYPES.get(extension, "application/octet-stream")


def is_sound(content_type: str) -> bool:
    """Whether a content type is one: two tokens and a slash (RFC 2045 §5.1)."""
    return _TOKENS.fullmatch(content_type) is not None


_TOKENS = re.compile(r"[a-z0-9!#$&^_.+*'%|~-]{1,100}/[a-z0-9!#$&^_.+*'%|~/-]{1,100}")


def possible_logos(attachments: tuple[Attachment, ...]) -> tuple[str, ...]:
    """The SHA-256 of pictures that are a signature's logo if they came before, at most twenty."""
    return tuple(item.sha256 for item in attachments if _could_be_logo(item))[:20]


def mark_logos(attachments: tuple[Attachment, ...], seen: Collection[str]) -> tuple[Attachment, ...]:
    """Take pictures that came with earlier mails of the same people for their signature's logos.

    ``seen`` holds the SHA-256 of pictures in those mails. A logo is inline: it is no file to pass on.
    """
    return tuple(
        replace(item, inline=True) if _could_be_logo(item) and item.sha256 in seen else item
        for item in attachments
    )


def _could_be_logo(item: Attachment) -> bool:
    return item.content_type.startswith("image/") and not item.inline and item.size <= MAX_LOGO


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
