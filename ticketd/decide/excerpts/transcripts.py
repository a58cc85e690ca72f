"""Read the transcript of a chat, as the usual chat tools mail it: who the visitor is, and what was said.

The tools print lines such as ``Name: Jane`` and ``Email: jane@example.com``, and then the
dialogue. Linear. In doubt there is no transcript: the visitor is one clean address, or nobody.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from ticketd.decide.excerpts.commands import is_command_line
from ticketd.decide.excerpts.forwarded import SCANNED, addresses, clean_address, find_forwarded
from ticketd.decide.model import Address, Forwarded, Message

# What stands before the colon, folded; the tools write it in English whatever is spoken.
_PERSON: Final = ("visitor", "user", "customer", "client", "contact", "lead")
_EMAIL: Final = frozenset(
    [
        "from",
        *_PERSON,
        *(f"{who}{word}" for who in ("", *(f"{one} " for one in _PERSON)) for word in ("email", "e-mail")),
        *("email address", "e-mail address", "mail", "visitor's email", "customer's email"),
    ]
)
_NAME: Final = frozenset(
    ["name", "full name", "nickname", *_PERSON, *(f"{one} name" for one in _PERSON), "visitor's name"]
)
_ASIDE: Final = frozenset(["to", "cc", "subject", "date", "sent", "phone", "country", "city", "location"])
_CHAT: Final = ("chat", "conversation", "transcript")
_ROBOTS: Final = ("no-reply", "noreply", "donotreply", "do-not-reply", "notif", "chat", "transcript")
_TOOLS: Final = (
    *("tidio.com", "tidio.net", "intercom.io", "intercom-mail.com", "livechat.com", "livechatinc.com"),
    *("tawk.to", "tawk.email", "crisp.chat", "crisp.email", "zopim.com", "olark.com", "jivochat.com"),
)
_TIME: Final = re.compile(r"\d{1,2}:\d\d(?:\D|$)")
_SPEAKER: Final = 60  # characters that a speaker's name takes before the colon
_FEWEST: Final = 2  # lines of dialogue without which it is no transcript
_HEAD: Final = 60  # lines within which the visitor is named


@dataclass(frozen=True, slots=True)
class Theirs:
    """A customer's mail or chat that an agent hands in, with its true author."""

    mail: Forwarded
    chat: bool = False


def find_theirs(message: Message, is_ours: Callable[[Address], bool]) -> Theirs | None:
    """What ``message`` forwards: a chat where a tool mailed its transcript, else a mail; or None.

    ``is_ours`` says whether an address is an agent's or one of our own: it is nobody's visitor.
    """
    found = find_forwarded(message)
    text, subject = (found.text, found.subject) if found else (message.text, message.subject)
    if found and not (_is_tool(found.author) or is_ours(found.author)):
        return Theirs(found)
    visitor = find_visitor(text, subject or message.subject, is_ours)
    if visitor is None:
        return Theirs(found) if found and not _tells_of_a_chat(subject, _lines(text)) else None
    own = _below_commands(text) if found is None else text
    return Theirs(Forwarded(visitor, subject=subject, text=own, message_id=None), chat=True)


def find_visitor(text: str, subject: str, is_ours: Callable[[Address], bool]) -> Address | None:
    """The visitor of the chat that a text tells of; None where it tells of none, or of nobody clearly."""
    lines = _lines(text)
    if not _tells_of_a_chat(subject, lines) or sum(map(_is_said, lines)) < _FEWEST:
        return None
    fields = list(_fields(lines[:_HEAD]))
    visitors = {one.key: one for one in _visitors(fields) if not (is_ours(one) or _is_tool(one))}
    if len(visitors) != 1:
        return None
    (visitor,) = visitors.values()
    names = (visitor.name, *(value for label, value in fields if label in _NAME))
    return Address(visitor.address, next((one for one in names if one and "@" not in one), "")[:200])


def _is_tool(address: Address) -> bool:
    """Whether a robot mails from this address, not a person."""
    local, _, domain = address.key.rpartition("@")
    return local.startswith(_ROBOTS) or any(f".{domain}".endswith(f".{tool}") for tool in _TOOLS)


def _below_commands(text: str) -> str:
    """What an agent pasted below their commands."""
    lines = text.split("\n")
    start = next((at for at, line in enumerate(lines) if line.strip() and not is_command_line(line)), 0)
    return "\n".join(lines[start:]).strip("\n")


def _lines(text: str) -> list[str]:
    """The lines without the marks of a quote and the stars of bold type."""
    lines = text[:SCANNED].replace("\r\n", "\n").split("\n")
    return [line.lstrip("> \t").rstrip().replace("*", "") for line in lines]


def _tells_of_a_chat(subject: str, lines: Sequence[str]) -> bool:
    """Whether the subject, or a line near the top, says that this is a chat."""
    near = (subject, *[line for line in lines[:_HEAD] if len(line) <= 120])
    return any(word in line.casefold() for line in near for word in _CHAT)


def _fields(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The lines ``Label: value``; some tools put the value on the line below."""
    for at, line in enumerate(lines):
        label, colon, value = line.replace("：", ":").partition(":")
        folded = " ".join(label.casefold().split()).strip("-• ")
        if not colon or not (folded in _EMAIL or folded in _NAME):
            continue
        below = next((one.strip() for one in lines[at + 1 : at + 3] if one.strip()), "")
        yield folded, value.strip() or (below if ":" not in below else "")


def _visitors(fields: Sequence[tuple[str, str]]) -> Iterator[Address]:
    """Every address that a field gives to the visitor; a field with several gives them all, and so none."""
    for label, value in fields:
        if label in _EMAIL:
            one = clean_address(value)
            yield from (one,) if one else addresses(value)


def _is_said(line: str) -> bool:
    """Whether a line is somebody's words, or stands above them: a name, a time or a colon."""
    before, colon, words = line.replace("：", ":").partition(": ")
    speaker = " ".join(before.strip(" \t[]()-–—•").casefold().split())
    if not 0 < len(speaker) <= _SPEAKER:
        return False
    if not (colon and words.strip()):
        return any(char.isalpha() for char in speaker) and _TIME.search(before) is not None
    return not (speaker in _EMAIL or speaker in _NAME or speaker in _ASIDE)
