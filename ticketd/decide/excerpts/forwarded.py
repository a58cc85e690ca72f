"""Read the mail that somebody forwarded: enclosed whole, or as a block of header lines in the text.

Enclosed is message/rfc822 (RFC 2046 §5.2.1); blocks are those of the usual clients, in the languages of
``labels``. It knows nothing of who may forward what: an address found here proves nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from ticketd.decide.excerpts.attribution import Attribution, attribution_ending
from ticketd.decide.excerpts.headerblock import header_block, label
from ticketd.decide.excerpts.labels import DATE, FROM, SUBJECT, TO
from ticketd.decide.excerpts.phrases import fold
from ticketd.decide.excerpts.quotelines import (
    Separator,
    clean,
    has_address,
    is_marked,
    is_rule,
    separator,
    unmark,
)
from ticketd.decide.excerpts.quotemarks import FORWARD_PREFIXES
from ticketd.decide.model import Address, Forwarded, Message

SCANNED: Final = 65_536  # characters in which a block is looked for
MOST: Final = 50  # recipients that are read
_BREAKS: Final = str.maketrans(dict.fromkeys('<>()[]{},;:"|*\\`', " "))


class _Quote(Enum):
    """What the first quoted lines of a mail look like."""

    FORWARDED = auto()  # a separator says so
    HEADERS = auto()  # a block of header lines: an answer or a forward
    ANSWERED = auto()  # an attribution or marks


@dataclass(frozen=True, slots=True)
class _Block:
    """A forwarded block: its fields, and the line after them."""

    author: str
    to: str
    subject: str
    date: str
    stop: int
    depth: int


def find_forwarded(message: Message) -> Forwarded | None:
    """The mail that ``message`` forwards, if its author is one clean address; else None."""
    if message.enclosed:
        return _from_enclosed(message.enclosed[0])
    lines = message.text[:SCANNED].replace("\r\n", "\n").split("\n")
    block = _find_block(lines)
    author = clean_address(block.author) if block else None
    if block is None or author is None:
        return None
    return Forwarded(
        author=author,
        to=tuple(addresses(block.to)),
        subject=block.subject,
        date=block.date,
        text=_body(lines[block.stop :], block.depth) + message.text[SCANNED:],
    )


def is_forward(message: Message) -> bool:
    """Whether ``message`` forwards a mail rather than answers one."""
    lines = message.text[:SCANNED].replace("\r\n", "\n").split("\n")
    first = _first_quote(lines)
    if first is _Quote.FORWARDED:
        return True
    if message.enclosed and message.report is None and first is None:
        return True
    return first is _Quote.HEADERS and _says_forward(message.subject)


def clean_address(text: str) -> Address | None:
    """The one address in a text such as ``Jane Doe <jane@example.com>``; None for none or several."""
    found = addresses(text)
    return found[0] if len({address.key for address in found}) == 1 else None


def addresses(text: str) -> list[Address]:
    """The addresses in a list as clients print it, with the names that stand before them."""
    found: list[Address] = []
    at = 0
    for token in text[: MOST * 200].translate(_BREAKS).split():
        start = text.find(token, at)
        bare = token.strip(".'")
        if not _is_address(bare):
            continue
        name = _name(text[at:start]) or _comment(text, start + len(token))
        at = start + len(token)
        if not any(address.address.casefold() == bare.casefold() for address in found):
            found.append(Address(bare, name))
        if len(found) == MOST:
            break
    return found


def _is_address(token: str) -> bool:
    """Whether a token is an address with a domain of two labels or more."""
    local, at, domain = token.rpartition("@")
    if not (at and local and "@" not in local and len(token) <= 254 and token.isprintable()):
        return False
    labels = domain.split(".")
    return len(labels) > 1 and all(label.replace("-", "a").isalnum() and label[0] != "-" for label in labels)


def _name(before: str) -> str:
    """The display name in what stands between two addresses of a list."""
    text = before.casefold()
    text = before[: len(before) - len("mailto:")] if text.endswith("mailto:") else before
    for mark in (";", ">,", "),", "],", ">"):
        text = text.rpartition(mark)[2] if mark in text else text
    text = text.strip(" \t<([*")
    return " ".join(text.strip(" ,\"'\\").split())[:200]


def _comment(text: str, at: int) -> str:
    """The name in a comment behind an address (RFC 5322 §3.2.2): ``jane@example.com (Jane Doe)``."""
    rest = text[at : at + 200].lstrip(" >")
    return _name(rest[1:].partition(")")[0]) if rest.startswith("(") and ")" in rest else ""


def _from_enclosed(mail: Message) -> Forwarded | None:
    """Read an enclosed mail."""
    if mail.author is None:
        return None
    date = mail.header("Date") or (mail.date.isoformat() if mail.date else "")
    return Forwarded(mail.author, mail.to, mail.subject, date, mail.text, mail.message_id)


def _find_block(lines: Sequence[str]) -> _Block | None:
    """The first forwarded block: below a separator, else a bare block of header lines."""
    plain = [unmark(line) for line in lines]
    bare = [text for _, text in plain]
    for at, line in enumerate(bare):
        announced = separator(line) is not None
        start = _skip_blank(bare, at + 1) if announced else at
        if start >= len(bare) or not (announced or label(line)):
            continue
        if block := header_block(bare, start, announced=announced):
            author, to, subject, date = map(block.value, (FROM, TO, SUBJECT, DATE))
            return _Block(author, to, subject, date, block.stop, plain[start][0])
        if announced and (attribution := _attribution_after(bare, start)):
            text = " ".join(clean(part) for part in bare[attribution.start : attribution.stop])
            below = _skip_blank(bare, attribution.stop)
            depth = plain[below][0] if below < len(plain) else 0
            return _Block(_without_date(text), "", "", "", attribution.stop, depth)
    return None


def _without_date(attribution: str) -> str:
    """The end of an attribution's first line, from the name on, where a comma parts it from the date."""
    before, comma, after = attribution.rpartition(",")
    return after if comma and has_address(after) and any(map(str.isdigit, before)) else attribution


def _skip_blank(lines: Sequence[str], at: int) -> int:
    """The next line that is not blank, at most three further on."""
    stop = at + 3
    while at < min(stop, len(lines)) and not clean(lines[at]):
        at += 1
    return at


def _attribution_after(lines: Sequence[str], start: int) -> Attribution | None:
    """An attribution that begins at ``start``: some programs forward so."""
    for last in range(start, min(len(lines), start + 4)):
        if found := attribution_ending(lines, last, start):
            return found
    return None


def _body(lines: Sequence[str], depth: int) -> str:
    """The forwarded text, without the marks that its header block bore too, and rules above it."""
    first = 0
    while first < len(lines) and _ends_block(lines[first]):
        first += 1
    if not depth:
        return "\n".join(lines[first:]).strip("\n")
    last = max((at for at, line in enumerate(lines) if is_marked(line)), default=first - 1)
    return "\n".join(_unmark_once(line, depth) for line in lines[first : last + 1]).strip("\n")


def _ends_block(line: str) -> bool:
    """Whether a line is blank, or a rule or separator that some programs draw below the header block."""
    bare = clean(unmark(line)[1])
    return not bare or is_rule(bare) or (bare.startswith("==") and separator(bare) is not None)


def _unmark_once(line: str, depth: int) -> str:
    """A line without its first ``depth`` marks."""
    rest = line
    for _ in range(depth if is_marked(line) else 0):
        rest = rest.lstrip(" \t").removeprefix(">")
    return rest.removeprefix(" ") if is_marked(line) else line


def _first_quote(lines: Sequence[str]) -> _Quote | None:
    """What kind of quote comes first in a text; None where nothing is quoted."""
    bare = [unmark(line)[1] for line in lines]
    for at, line in enumerate(bare):
        if kind := separator(line):
            return _Quote.FORWARDED if kind is Separator.FORWARDED else _Quote.HEADERS
        found = label(line)
        if found and found[0] == FROM and header_block(bare, at):
            return _Quote.HEADERS
        if is_marked(lines[at]) and clean(line) and not found:
            return _Quote.ANSWERED
        if (attribution := attribution_ending(bare, at)) and attribution.strong:
            return _Quote.ANSWERED
    return None


def _says_forward(subject: str) -> bool:
    """Whether the first prefix of a subject is a forward's: ``Fwd:``, ``WG:``, ``TR:``."""
    prefix, colon, _ = subject.strip().replace("：", ":").partition(":")
    return bool(colon) and fold(prefix.strip()) in FORWARD_PREFIXES
