"""Read who a mail is from, who it is to, and when it says it was written (RFC 5322 §3.3, §3.4, §3.6).

The reading is mail-parser's, with its evidence, on fields that were cut to limits before; what it
calls ambiguous is shown to people and is never an identity. Knows nothing of who is an agent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_tz
from typing import Any

from mailparser.dates import DateResult, parse_mail_date
from mailparser.utils import get_addresses

from ticketd.decide.model import Address
from ticketd.decide.reading.charsets import codec_of, exact, shown
from ticketd.decide.reading.fields import decode_words, text_of, unfold
from ticketd.decide.reading.limits import Head

MAX_ADDRESSES = 200
MAX_OFFSET = 15 * 3600  # seconds from UTC
MAX_ADDRESS_FIELD = 32 * 1024  # characters of one kind of address field


@dataclass(frozen=True, slots=True)
class Correspondents:
    """Who a mail is from and to. ``author`` is None unless From is one clean address."""

    author: Address | None = None
    from_text: str = ""
    sender: Address | None = None
    reply_to: tuple[Address, ...] = ()
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    date: datetime | None = None
    defects: tuple[str, ...] = ()


_ADDRESS_FIELDS = ("from", "reply-to", "to", "cc")


def correspondents(head: Head, hint: str | None = None) -> Correspondents:
    """Read From, Sender, Reply-To, To, Cc and Date."""
    defects: list[str] = []
    raw = {name: _joined(head.every(name), hint, name, defects) for name in _ADDRESS_FIELDS}
    parsed = _mail_parser(raw, head.first("date"))
    found = {name: _mailboxes(parsed, name, raw[name], defects) for name in _ADDRESS_FIELDS}
    date = _date(parsed, head.first("date"), defects)
    sender = addresses(head.every("sender"), hint)
    author = _author(head, parsed, found["from"], raw["from"], defects)
    return Correspondents(
        author=author,
        from_text=", ".join(text_of(value, hint) for value in head.every("from")[:3])[:1000],
        sender=sender[0] if sender else None,
        reply_to=found["reply-to"],
        to=found["to"],
        cc=found["cc"],
        date=date,
        defects=tuple(defects),
    )


def addresses(values: Sequence[bytes], hint: str | None = None) -> tuple[Address, ...]:
    """Every address in fields of one kind, ambiguous ones left out."""
    raw = _joined(values, hint, "", [])
    return _mailboxes(_mail_parser({"to": raw}, None), "to", raw, []) if raw else ()


def bare_addresses(values: Iterable[bytes]) -> tuple[Address, ...]:
    """The addresses of trace fields (Delivered-To, X-Original-To): one a field, without a name."""
    found = []
    for value in list(values)[:MAX_ADDRESSES]:
        text = unfold(value)
        inner = text[text.rfind("<") + 1 :].partition(">")[0] if "<" in text else text.partition(" ")[0]
        inner = shown(inner.strip("\"' ,;"))
        if "@" in inner and len(inner) <= 320:
            found.append(Address(inner))
    return tuple(dict.fromkeys(found))


# What Python's own mailer makes of the comma between two addresses where it folds (CVE-2025-1795).
_FOLDED_COMMA = "=?utf-8?q?=2C?="


def _joined(values: Sequence[bytes], hint: str | None, name: str, defects: list[str]) -> str:
    """The fields of one kind as one list of at most 200 addresses."""
    if not values:
        return ""
    text = ", ".join(unfold(value, hint) for value in values[:MAX_ADDRESSES]).replace("\0", "")
    text = text.replace(_FOLDED_COMMA, ",")
    cut = text[:MAX_ADDRESS_FIELD]
    if cut.count(",") >= MAX_ADDRESSES:
        cut = ",".join(cut.split(",", MAX_ADDRESSES)[:MAX_ADDRESSES])
    if len(cut) < len(text):
        cut = cut.rpartition(",")[0] if len(cut) == MAX_ADDRESS_FIELD else cut
        defects.append(f"more than {cut.count(',') + 1} addresses in {name}: the rest was not read")
    if ";" in cut and ":" not in cut and name != "from":
        cut = _with_commas(cut)
    return _tame_charsets(shown(cut))


def _with_commas(text: str) -> str:
    """A list with semicolons, as Outlook shows and some mailers send it; a quoted name keeps its own."""
    pieces = text.replace('\\"', "\0").split('"')
    pieces[::2] = [piece.replace(";", ",") for piece in pieces[::2]]
    return '"'.join(pieces).replace("\0", '\\"')


def _tame_charsets(text: str) -> str:
    """Name UTF-8 in encoded words whose charset nobody should look up."""
    if "=?" not in text:
        return text
    pieces = text.split("=?")
    for number, piece in enumerate(pieces[1:], 1):
        label, mark, rest = piece.partition("?")
        if mark and len(label) < 80 and codec_of(label.partition("*")[0]) is None:
            pieces[number] = f"utf-8?{rest}"
    return "=?".join(pieces)


@dataclass(frozen=True, slots=True)
class _Read:
    """What mail-parser read: by field the names and addresses, and what it says of doubtful items."""

    pairs: dict[str, list[tuple[str, str]]]
    evidence: dict[str, list[dict[str, Any]]]
    date: DateResult


def _mail_parser(raw: dict[str, str], date: bytes | None) -> _Read | None:
    """mail-parser's reading of the address fields and the date, None where it gives up."""
    try:
        read = _Read({}, {}, parse_mail_date(None if date is None else _date_text(date)))
        for name, value in raw.items():
            read.evidence[name] = []
            found = get_addresses(value, defects=read.evidence[name], decode_names=True) if value else []
            read.pairs[name] = [("" if label == one else label, one) for label, one in found if one]
    except Exception:  # noqa: BLE001 - it promises nothing for hostile fields; the caller falls back
        return None
    return read


def _mailboxes(parsed: _Read | None, name: str, raw: str, defects: list[str]) -> tuple[Address, ...]:
    """What mail-parser read of a field, and what can be shown of items that it calls ambiguous."""
    if not raw:
        return ()
    pairs = parsed.pairs[name] if parsed is not None else []
    unread = (
        raw.split(",")
        if parsed is None
        else [d["raw"] for d in _evidence(parsed, name) if not d["recovered"]]
    )
    salvaged = [pair for item in unread if (pair := _salvage(item))]
    if salvaged:
        defects.append(f"an address in {name} is not well-formed")
    people = (Address(_bare(address, name), _name(label)) for label, address in (*pairs, *salvaged))
    return tuple(dict.fromkeys(person for person in people if "@" in person.address))[:MAX_ADDRESSES]


def _bare(address: str, name: str) -> str:
    """The address, without the single quotes that Outlook puts about it; From stays as it is."""
    quoted = name != "from" and len(address) > 2 and address[0] == address[-1] == "'"
    return shown(address[1:-1] if quoted else address)


def _salvage(item: str) -> tuple[str, str] | None:
    """The name and address that a reader would see in a malformed item, for showing only."""
    before, angle, rest = item.rpartition("<")
    if angle:
        address = rest.partition(">")[0].strip()
        return (before.strip(' "\t'), address) if _plausible(address) else None
    words = decode_words(item).replace("<", " ").replace(">", " ").split()
    spec = next((word.strip("\"'(),;<>") for word in words if _plausible(word.strip("\"'(),;<>"))), None)
    return ("", spec) if spec else None


def _plausible(address: str) -> bool:
    """Whether text could be one address: a single @ with something on both sides, no spaces."""
    local, at, domain = address.rpartition("@")
    return bool(at and local and domain) and "@" not in local and not set(address) & set(' \t"<>()[],;:')


def _name(label: str) -> str:
    """A display name for people: words decoded, quotes and doubled spaces gone."""
    text = decode_words(label) if "=?" in label else label
    text = " ".join(shown(text).split())
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        text = text[1:-1].strip()
    return text[:500]


_HARMLESS = {"structural-recovery", "overlong-encoded-word", "invalid-encoded-word", "invalid-display-name"}


def _author(
    head: Head, parsed: _Read | None, found: tuple[Address, ...], raw: str, defects: list[str]
) -> Address | None:
    """The identity: exactly one From field with exactly one clean address, else nobody."""
    values = head.every("from")
    reason = None
    if not values or not raw:
        reason = "no From"
    elif len(values) > 1:
        reason = "more than one From"
    elif head.suspect or _hides(unfold(values[0])) or b"\r" in values[0]:
        reason = "control characters about From"
    elif (
        parsed is None
        or len(parsed.pairs["from"]) != 1
        or len(found) != 1
        or _is_group(raw)
        or not _is_clean(parsed)
    ):
        reason = "From is not one clean address"
    if reason is not None:
        defects.append(f"{reason}: the sender is not known")
        return None
    if any(not defect["recovered"] for defect in _evidence(parsed, "from")):
        return Address(found[0].address, _name(raw.rpartition("<")[0].strip()) or found[0].name)
    return found[0]


def _evidence(parsed: _Read | None, name: str) -> list[dict[str, Any]]:
    """What mail-parser says of the items of a field that it had to recover or leave out."""
    return parsed.evidence[name] if parsed is not None else []


def _hides(text: str) -> bool:
    """Whether signs that are not shown stand in a text."""
    return exact(text).count("\ufffd") > text.count("\ufffd")


def _is_clean(parsed: _Read) -> bool:
    """Whether mail-parser saw nothing in From that two readers could read in two ways."""
    return all(
        set(defect["reason"].split(",")) <= _HARMLESS
        if defect["recovered"]
        else not set(defect["raw"]) & _MEANINGFUL
        for defect in _evidence(parsed, "from")
    )


# In an item of From without any of these there is only a piece of a name: "Doe, Jane <jane@…>".
_MEANINGFUL = frozenset('@<>:;()[]"\\')


def _is_group(raw: str) -> bool:
    """Whether From is a group or has a route: a colon or semicolon outside quotes, comments, literals."""
    closing = ""
    depth, escaped = 0, False
    for sign in raw:
        if escaped:
            escaped = False
        elif sign == "\\":
            escaped = True
        elif closing == ")" and sign in "()":
            depth += 1 if sign == "(" else -1
            closing = ")" if depth else ""
        elif closing:
            closing = "" if sign == closing else closing
        elif sign in _CLOSING:
            closing, depth = _CLOSING[sign], 1
        elif sign in ":;":
            return True
    return False


_CLOSING = {'"': '"', "(": ")", "[": "]"}


def _date(parsed: _Read | None, raw: bytes | None, defects: list[str]) -> datetime | None:
    """The Date field in UTC, None where it is absent or absurd."""
    if raw is None:
        return None
    date: datetime | None = parsed.date.value if parsed is not None else None
    if date is None and not _is_absurd(parsed):
        date = _loose_date(_date_text(raw))
    if date is None or not 1900 <= date.year <= 2200:
        defects.append("the Date field cannot be read")
        return None
    return date.astimezone(UTC) if date.tzinfo else date.replace(tzinfo=UTC)


def _date_text(raw: bytes) -> str:
    """The Date field, zones like ``GMT+01:00`` and ``+01:00`` as the standard writes them."""
    return _ZONE.sub(r"\1\2\3", shown(unfold(raw))[:200])


_ZONE = re.compile(r"(?:\b(?:GMT|UTC) ?)?( ?[+-])(\d\d):?(\d\d)(?!\d)")


def _is_absurd(parsed: _Read | None) -> bool:
    """Whether mail-parser read the Date and found no such day, time or zone."""
    if parsed is None or parsed.date.value is not None:
        return False
    return any("syntax" not in reason for reason in parsed.date.reasons)


def _loose_date(text: str) -> datetime | None:
    """A date that only the standard library's reader understands, or none."""
    try:
        if text[:4].isdigit() and text[4:5] == "-":
            return datetime.fromisoformat(text.strip())
        parts = parsedate_tz(text)
        if parts is None or abs(parts[9] or 0) > MAX_OFFSET:
            return None
        naive = datetime(*parts[:6], tzinfo=UTC)
        return datetime.fromtimestamp(naive.timestamp() - (parts[9] or 0), UTC)
    except (ValueError, OverflowError, TypeError, IndexError, OSError):
        return None
