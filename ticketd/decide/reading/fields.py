"""Read single header fields under limits: encoded words, message ids, parameters.

RFC 5322 §3.6.4, 2045 §5.1, 2047, 2231, 6532, forgiving what mailers do. Addresses and dates are
``addresses``'. Knows nothing of bodies.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from ticketd.decide.reading.charsets import codec_of, decode, shown

MAX_PARAMETERS = 100
MAX_PARAMETER = 4096  # characters of a parameter's value
MAX_WORD = 4000  # characters of an encoded word
MAX_ID = 998
MAX_REFERENCES = 21  # the first and the last 20


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
    """Encoded words that stand side by side in one charset: decoded together, as bytes.

    Some mailers cut characters in two, some even the base64: what is cut is joined first.
    """

    charset: str
    words: list[tuple[str, bytes]] = field(default_factory=list)

    def add(self, encoding: str, payload: bytes) -> None:
        """Take one more word, joined to the last where that was cut within its base64."""
        if encoding == "b" and self.words:
            last, before = self.words[-1]
            if last == "b" and len(before) % 4 and not before.endswith(b"="):
                self.words[-1] = ("b", before + payload)
                return
        self.words.append((encoding, payload))

    def text(self) -> str:
        """The text of all its words."""
        data = b"".join(
            binascii.a2b_qp(payload, header=True) if encoding == "q" else base64_loosely(payload)
            for encoding, payload in self.words
        )
        return decode(data, self.charset.partition("*")[0])[0]


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
        charset, encoding, payload, end = word
        gap = text[done:at]
        joins = run is not None and not gap.strip(" \t\n")
        if run is None or not joins or run.charset != charset:
            if run is not None:
                out.append(run.text())
            if not joins:
                out.append(gap)
            run = _Run(charset)
        run.add(encoding, payload)
        done = end
        at = text.find("=?", end)
    if run is not None:
        out.append(run.text())
    out.append(text[done:])
    return "".join(out)


def _read_word(text: str, at: int) -> tuple[str, str, bytes, int] | None:
    """The encoded word at ``at``: charset, encoding, payload, where it ends; None if it is none."""
    mark = text.find("?", at + 2, at + 2 + 80)
    if mark < 0 or text[mark + 2 : mark + 3] != "?":
        return None
    charset, encoding, begin = text[at + 2 : mark].lower(), text[mark + 1].lower(), mark + 3
    end = text.find("?=", begin, begin + MAX_WORD)
    if end < 0 or encoding not in "bq" or not charset:
        return None
    return charset, encoding, text[begin:end].encode("utf-8", "replace"), end + 2


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
