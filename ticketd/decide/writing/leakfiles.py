"""What an attached file says, as far as it can be read without opening what is packed: for the leak guard.

By content, never by name or type: text in any of the usual encodings, mails with their parts,
strings within programs' own formats (UTF-16 as in Outlook's). Linear, within limits; knows
nothing of what is looked for.
"""

from __future__ import annotations

from collections.abc import Iterator

from ticketd.decide.model import Attachment, Message
from ticketd.decide.reading.parse import parse

_READ = 20_000_000  # bytes of a file that are looked through
_MAIL_NAMES = (".eml", ".mht", ".mhtml")
_MAIL_TYPES = ("message/", "multipart/")
_TEXT = 0.9  # of the first bytes of a text can be printed


def texts_of(file: Attachment) -> Iterator[str]:
    """Everything in a file that may be somebody's words, in no order."""
    yield f"{file.filename}\n{file.filename.rpartition('.')[0]}"
    content = file.content[:_READ]
    yield _strings(content)
    if file.content_type.startswith(_MAIL_TYPES) or file.filename.lower().endswith(_MAIL_NAMES):
        yield from _of_mail(parse(content))


def is_text(file: Attachment) -> bool:
    """Whether a file is words from beginning to end, so that whole lines of it can be compared."""
    head = file.content[:4096].replace(b"\0", b"")
    shown = sum(byte >= 32 or byte in b"\t\r\n\f" for byte in head)
    return bool(head) and shown >= _TEXT * len(head)


def _strings(content: bytes) -> str:
    """The bytes as text: UTF-16 loses its zeros and so becomes readable, folded lines are unfolded."""
    plain = content.replace(b"\0", b"").replace(b"=\r\n", b"").replace(b"=\n", b"")
    try:
        return plain.decode("utf-8")
    except UnicodeDecodeError:
        return plain.decode("latin-1")


def _of_mail(message: Message) -> Iterator[str]:
    """A mail's words, and those of what came with it."""
    yield message.text
    yield message.html or ""
    yield "\n".join(f"{name}: {value}" for name, value in message.headers)
    for file in message.attachments:
        yield file.filename
        yield _strings(file.content)
    for inner in message.enclosed:
        yield from _of_mail(inner)
