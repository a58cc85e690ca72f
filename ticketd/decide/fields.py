"""Read single header fields under limits: words, addresses, ids, dates, parameters.

RFC 5322 §3.4 and §3.6.4, 2047, 2231, 6532, forgiving what mailers do. Addresses and dates are
mail-parser's reading, with its evidence; what it calls ambiguous is shown, never an identity.
Knows nothing of bodies.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import Message as Compat32
from email.utils import parsedate_tz
from urllib.parse import unquote_to_bytes

from mailparser import MailParser

from ticketd.decide.charsets import codec_of, decode, shown
from ticketd.decide.limits import Head
from ticketd.decide.model import Address

MAX_ADDRESSES = 200
MAX_ADDRESS_FIELD = 32 * 1024  # characters of one kind of address field
MAX_PARAMETERS = 100
MAX_PARAMETER = 4096  # characters of a parameter's value
MAX_WORD = 4000  # characters of an encoded word
MAX_ID = 998
MAX_REFERENCES = 21  # the first and the last 20


# ------------------------------------------------------------------------------------ text


def unfold(value: bytes, hint: str | None = None) -> str:
    """The field's text on one line, 8-bit bytes decoded, encoded words left as they are.

    ``hint`` is the charset of the body: mailers that send raw 8-bit headers use the same.
    """
    try:
        text = value.decode("ascii")
    except UnicodeDecodeError:
        text = _eight_bit(value, hint)
    if "\x1b$" in text:
        text = decode(value, "iso-2022-jp")[0]
    return text.replace("\n", "").strip(" \t\r\0")


def _eight_bit(value: bytes, hint: str | None) -> str:
    """Decode a raw 8-bit field: UTF-8 (RFC 6532), else as the body is, else windows-1252."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return decode(value, hint if hint and codec_of(hint) not in (None, "utf-8") else None)[0]


def text_of(value: bytes, hint: str | None = None) -> str:
    """The field as people read it: unfolded, words decoded, no control characters."""
    return shown(decode_words(unfold(value, hint))).strip()


@dataclass(slots=True)
class _Run:
    """Encoded words that stand side by side in one charset: decoded together, as bytes."""

    charset: str
    data: list[bytes] = field(default_factory=list)

    def text(self) -> str:
        return decode(b"".join(self.data), self.charset.partition("*")[0])[0]


def decode_words(text: str) -> str:
    """Decode RFC 2047 words anywhere in ``text``, also where they stand against the rules."""
    if "=?" not in text:
        return text
    out: list[str] = []
    run: _Run | None = None
    done = 0
    at = text.find("=?")
    while at >= 0:
        word = _read_word(text, at)
        if word is None:
            at = text.find("=?", at + 2)
            continue
        charset, data, end = word
        gap = text[done:at]
        joins = run is not None and not gap.strip(" \t\n")
        if run is None or not joins or run.charset != charset:
            if run is not None:
                out.append(run.text())
            if not joins:
                out.append(gap)
            run = _Run(charset)
        run.data.append(data)
        done = end
        at = text.find("=?", end)
    if run is not None:
        out.append(run.text())
    out.append(text[done:])
    return "".join(out)


def _read_word(text: str, at: int) -> tuple[str, bytes, int] | None:
    """The encoded word at ``at``: its charset, its bytes, where it ends; None if it is none."""
    mark = text.find("?", at + 2, at + 2 + 80)
    if mark < 0 or text[mark + 2 : mark + 3] != "?":
        return None
    charset, encoding, begin = text[at + 2 : mark].lower(), text[mark + 1].lower(), mark + 3
    end = text.find("?=", begin, begin + MAX_WORD)
    if end < 0 or encoding not in "bq" or not charset:
        return None
    payload = text[begin:end].encode("utf-8", "replace")
    data = binascii.a2b_qp(payload, header=True) if encoding == "q" else base64_loosely(payload)
    return charset, data, end + 2


def base64_loosely(data: bytes | memoryview) -> bytes:
    """Base64 of any length: what does not fill a byte is dropped."""
    try:
        return binascii.a2b_base64(data)
    except binascii.Error:
        clean = bytes(data).translate(None, _NOT_BASE64)
    return binascii.a2b_base64(clean[: len(clean) - (len(clean) % 4 == 1)] + b"===")


_NOT_BASE64 = bytes(
    set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
)


# ------------------------------------------------------------------------------- addresses


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


def _joined(values: Sequence[bytes], hint: str | None, name: str, defects: list[str]) -> str:
    """The fields of one kind as one list of at most 200 addresses."""
    if not values:
        return ""
    text = ", ".join(unfold(value, hint) for value in values[:MAX_ADDRESSES]).replace("\0", "")
    cut = text[:MAX_ADDRESS_FIELD]
    if cut.count(",") >= MAX_ADDRESSES:
        cut = ",".join(cut.split(",", MAX_ADDRESSES)[:MAX_ADDRESSES])
    if len(cut) < len(text):
        cut = cut.rpartition(",")[0] if len(cut) == MAX_ADDRESS_FIELD else cut
        defects.append(f"more than {cut.count(',') + 1} addresses in {name}: the rest was not read")
    return _tame_charsets(shown(cut))


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


def _mail_parser(raw: dict[str, str], date: bytes | None) -> MailParser | None:
    """mail-parser's reading of the address fields and the date, None where it gives up."""
    message = Compat32()
    for name, value in raw.items():
        if value:
            message[name] = value
    if date is not None:
        message["date"] = shown(unfold(date))[:200]
    try:
        return MailParser(message)
    except Exception:  # noqa: BLE001 - it promises nothing for hostile fields; the caller falls back
        return None


def _mailboxes(parsed: MailParser | None, name: str, raw: str, defects: list[str]) -> tuple[Address, ...]:
    """What mail-parser read of a field, and what can be shown of items that it calls ambiguous."""
    if not raw:
        return ()
    pairs: list[tuple[str, str]] = (
        []
        if parsed is None
        else list(getattr(parsed, name.replace("-", "_") + ("_" if name == "from" else "")))
    )
    if parsed is None:
        pairs = [pair for item in raw.split(",") if (pair := _salvage(item))]
    for defect in [] if parsed is None else parsed.address_header_defects:
        if defect["header"] == name and not defect["recovered"] and (pair := _salvage(defect["raw"])):
            pairs.append(pair)
            defects.append(f"an address in {name} is not well-formed")
    people = (Address(shown(address), _name(label)) for label, address in pairs)
    return tuple(dict.fromkeys(person for person in people if "@" in person.address))[:MAX_ADDRESSES]


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
    head: Head, parsed: MailParser | None, found: tuple[Address, ...], raw: str, defects: list[str]
) -> Address | None:
    """The identity: exactly one From field with exactly one clean address, else nobody."""
    values = head.every("from")
    reason = None
    if not values or not raw:
        reason = "no From"
    elif len(values) > 1:
        reason = "more than one From"
    elif head.suspect or b"\0" in values[0] or b"\r" in values[0]:
        reason = "control characters about From"
    elif parsed is None or len(found) != 1 or _is_group(raw) or not _is_clean(parsed):
        reason = "From is not one clean address"
    if reason is not None:
        defects.append(f"{reason}: the sender is not known")
        return None
    return found[0]


def _is_clean(parsed: MailParser) -> bool:
    """Whether mail-parser saw nothing in From that two readers could read in two ways."""
    evidence = [defect for defect in parsed.address_header_defects if defect["header"] == "from"]
    return all(defect["recovered"] and set(defect["reason"].split(",")) <= _HARMLESS for defect in evidence)


def _is_group(raw: str) -> bool:
    """Whether From is a group or has a route: a colon or semicolon outside quotes and comments."""
    quoted = escaped = False
    depth = 0
    for sign in raw:
        if escaped:
            escaped = False
        elif sign == "\\":
            escaped = True
        elif sign == '"' and not depth:
            quoted = not quoted
        elif quoted:
            continue
        elif sign in "()":
            depth += 1 if sign == "(" else -1
        elif sign in ":;" and depth <= 0 and "[" not in raw:
            return True
    return False


# ------------------------------------------------------------------------------------ dates


def _date(parsed: MailParser | None, raw: bytes | None, defects: list[str]) -> datetime | None:
    """The Date field in UTC, None where it is absent or absurd."""
    if raw is None:
        return None
    date = parsed.date if parsed is not None else None
    if date is None:
        date = _loose_date(shown(unfold(raw))[:200])
    if date is None or not 1900 <= date.year <= 2200:
        defects.append("the Date field cannot be read")
        return None
    return date.astimezone(UTC) if date.tzinfo else date.replace(tzinfo=UTC)


def _loose_date(text: str) -> datetime | None:
    """A date that only the standard library's reader understands, or none."""
    try:
        parts = parsedate_tz(text)
        if parts is None:
            return None
        naive = datetime(*parts[:6], tzinfo=UTC)
        return datetime.fromtimestamp(naive.timestamp() - (parts[9] or 0), UTC)
    except (ValueError, OverflowError, TypeError, IndexError, OSError):
        return None


# -------------------------------------------------------------------------------------- ids

_BETWEEN_ANGLES = re.compile(r"<([^<>]{1,998})>")


def message_ids(values: Iterable[bytes]) -> tuple[str, ...]:
    """Every Message-ID in fields of one kind, in order, once each, in angle brackets."""
    found: dict[str, None] = {}
    for value in values:
        text = decode_words(unfold(value))
        for inner in _BETWEEN_ANGLES.findall(text) or _bare_ids(text):
            token = shown("".join(inner.split()))
            if token and len(token) <= MAX_ID:
                found[f"<{token}>"] = None
    return tuple(found)


def _bare_ids(text: str) -> list[str]:
    """Ids whose angle brackets are missing or torn."""
    words = text.replace("<", " ").replace(">", " ").replace(",", " ").split()
    return [word for word in words if "@" in word]


def message_id(value: bytes | None) -> str | None:
    """The one Message-ID of a field, even without brackets or ``@``; None when there is none."""
    if value is None:
        return None
    found = message_ids([value])
    if found:
        return found[0]
    words = shown(unfold(value)).replace("<", " ").replace(">", " ").split()
    return f"<{words[0]}>" if words and len(words[0]) <= MAX_ID else None


def references(values: Iterable[bytes], defects: list[str]) -> tuple[str, ...]:
    """References, oldest first: the first and the last 20."""
    ids = message_ids(values)
    if len(ids) <= MAX_REFERENCES:
        return ids
    defects.append(f"{len(ids)} references: kept the first and the last 20")
    return (ids[0], *ids[-(MAX_REFERENCES - 1) :])


# ------------------------------------------------------------------------------- parameters


@dataclass(frozen=True, slots=True)
class Parametrised:
    """A field like Content-Type: its lower-case value and its parameters, names lower case."""

    value: str = ""
    parameters: dict[str, str] = field(default_factory=dict)


def parametrised(raw: bytes | None, hint: str | None = None) -> Parametrised:
    """Read ``value; name=text``: RFC 2045 §5.1, RFC 2231, and the words of RFC 2047 where people put them."""
    if raw is None:
        return Parametrised()
    text = unfold(raw, hint)
    value, rest = _split_value(text)
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[str, bool]]] = {}
    for name, content in _parameters(rest):
        base, star, tail = name.partition("*")
        if not star:
            plain.setdefault(base, decode_words(content))
        else:
            number = tail.rstrip("*")
            pieces.setdefault(base, {})[int(number) if number.isdecimal() and len(number) < 5 else 0] = (
                content,
                tail.endswith("*") or not tail,
            )
    extended = {name: _assemble(parts) for name, parts in pieces.items()}
    joined = {**plain, **{name: text for name, text in extended.items() if text or name not in plain}}
    return Parametrised(value, {name: shown(text)[:MAX_PARAMETER] for name, text in joined.items()})


def _split_value(text: str) -> tuple[str, str]:
    """Part the value from its parameters, a missing semicolon and comments forgiven."""
    head, _, rest = text.partition(";")
    value = head.partition("(")[0].strip().strip("\"'")
    first, _, more = value.partition(" ")
    if "=" in more:
        rest = f"{more};{rest}"
    if "=" in first and "/" not in first.partition("=")[0]:
        return "", f"{first};{rest}"
    return shown(first).strip(" ,;").lower()[:200], rest


def _parameters(text: str) -> list[tuple[str, str]]:
    """The raw ``name=text`` pairs of a parameter list, quotes undone, at most 100."""
    found: list[tuple[str, str]] = []
    at = 0
    while at < len(text) and len(found) < MAX_PARAMETERS:
        equals, semicolon = text.find("=", at), text.find(";", at)
        if equals < 0:
            break
        if 0 <= semicolon < equals:
            at = semicolon + 1
            continue
        name = text[at:equals].strip().strip("\"'").lower()
        content, at = _parameter_text(text, equals + 1)
        if name and len(name) < 80:
            found.append((name.rpartition(" ")[2], content))
    return found


def _parameter_text(text: str, at: int) -> tuple[str, int]:
    """The text of one parameter from ``at``, and where the next begins."""
    while at < len(text) and text[at] in " \t":
        at += 1
    if text[at : at + 1] != '"':
        end = text.find(";", at)
        end = len(text) if end < 0 else end
        return text[at:end].strip(), end + 1
    out: list[str] = []
    at += 1
    while at < len(text) and text[at] != '"':
        if text[at] == "\\" and text[at + 1 : at + 2] in ('"', "\\"):
            at += 1
        out.append(text[at])
        at += 1
    end = text.find(";", at)
    return "".join(out), (len(text) if end < 0 else end) + 1


def _assemble(parts: dict[int, tuple[str, bool]]) -> str:
    """Join the pieces of an RFC 2231 parameter; percent signs count only in marked pieces."""
    charset: str | None = None
    data: list[bytes] = []
    for number, (content, encoded) in sorted(parts.items()):
        if encoded and number == 0 and content.count("'") >= 2:
            charset, _, content = content.split("'", 2)
        data.append(unquote_to_bytes(content) if encoded else content.encode("utf-8", "replace"))
    text, _ = decode(b"".join(data), charset or None)
    return decode_words(text)
