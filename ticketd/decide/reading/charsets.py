"""Turn bytes into text that can be stored, whatever charset they claim (RFC 2978, WHATWG labels).

Only the charsets named here are ever looked up: some of Python's codecs run programs of the
sender's making (``unicode_escape``), take quadratic time (``punycode``) or raise outside their
contract (``idna``). Knows nothing of mails: only of labels, bytes and text.
"""

from __future__ import annotations

import re
from encodings.aliases import aliases

# A label's codec: the superset that its mails are really written in where that is another one.
_CODECS = {
    "ansi-x3.4-1968": "ascii",
    "ascii": "ascii",
    "us-ascii": "ascii",
    "iso646-us": "ascii",
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "unicode-1-1-utf-8": "utf-8",
    "utf-8-mac": "utf-8",
    "cp65001": "utf-8",
    "utf8mb4": "utf-8",
    "utf-7": "utf-7",
    "unicode-1-1-utf-7": "utf-7",
    "utf7": "utf-7",
    "utf-16": "utf-16",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
    "utf-32": "utf-32",
    "utf-32le": "utf-32-le",
    "utf-32be": "utf-32-be",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "l1": "cp1252",
    "iso-8859-1": "cp1252",
    "cp1252": "cp1252",
    "ansi": "cp1252",
    "iso-8859-2": "iso8859-2",
    "latin2": "iso8859-2",
    "iso-8859-3": "iso8859-3",
    "iso-8859-4": "iso8859-4",
    "iso-8859-5": "iso8859-5",
    "iso-8859-6": "iso8859-6",
    "iso-8859-7": "iso8859-7",
    "iso-8859-8": "iso8859-8",
    "iso-8859-8-i": "iso8859-8",
    "iso-8859-8-e": "iso8859-8",
    "iso-8859-9": "cp1254",
    "latin5": "cp1254",
    "iso-8859-10": "iso8859-10",
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "iso-8859-13": "iso8859-13",
    "iso-8859-14": "iso8859-14",
    "iso-8859-15": "iso8859-15",
    "latin9": "iso8859-15",
    "iso-8859-16": "iso8859-16",
    "koi8-r": "koi8-r",
    "koi8-u": "koi8-u",
    "koi8-ru": "koi8-u",
    "macintosh": "mac-roman",
    "mac": "mac-roman",
    "x-mac-roman": "mac-roman",
    "x-mac-cyrillic": "mac-cyrillic",
    "x-mac-ce": "mac-latin2",
    "gb2312": "gb18030",
    "gb-2312-80": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "cp936": "gb18030",
    "gb18030": "gb18030",
    "euc-cn": "gb18030",
    "hz-gb-2312": "hz",
    "big5": "big5hkscs",
    "big5-hkscs": "big5hkscs",
    "big5hkscs": "big5hkscs",
    "x-big5": "big5hkscs",
    "cn-big5": "big5hkscs",
    "cp950": "cp950",
    "iso-2022-jp": "iso2022_jp_3",
    "iso-2022-jp-1": "iso2022_jp_1",
    "iso-2022-jp-2": "iso2022_jp_2",
    "iso-2022-jp-3": "iso2022_jp_3",
    "iso-2022-jp-2004": "iso2022_jp_2004",
    "iso-2022-jp-ms": "iso2022_jp_ext",
    "cp50220": "iso2022_jp_ext",
    "cp50221": "iso2022_jp_ext",
    "shift-jis": "cp932",
    "shiftjis": "cp932",
    "sjis": "cp932",
    "x-sjis": "cp932",
    "ms-kanji": "cp932",
    "cp932": "cp932",
    "windows-31j": "cp932",
    "euc-jp": "euc_jp",
    "x-euc-jp": "euc_jp",
    "eucjp": "euc_jp",
    "euc-kr": "cp949",
    "euckr": "cp949",
    "ks-c-5601": "cp949",
    "ks-c-5601-1987": "cp949",
    "ks-c-5601-1989": "cp949",
    "ksc5601": "cp949",
    "cp949": "cp949",
    "uhc": "cp949",
    "johab": "johab",
    "iso-2022-kr": "iso2022_kr",
    "cp437": "cp437",
    "ibm437": "cp437",
    "cp850": "cp850",
    "ibm850": "cp850",
    "cp852": "cp852",
    "ibm852": "cp852",
    "cp855": "cp855",
    "cp866": "cp866",
    "ibm866": "cp866",
    "cp874": "cp874",
    **{f"cp{page}": f"cp{page}" for page in range(1250, 1259)},
    **{f"windows-{page}": f"cp{page}" for page in (874, *range(1250, 1259))},
    **{f"x-cp{page}": f"cp{page}" for page in range(1250, 1259)},
    "windows-949": "cp949",
    "windows-936": "gb18030",
    "windows-932": "cp932",
    "windows-950": "cp950",
    "windows-65001": "utf-8",
}

# The same by the names of Python's codecs, reached through its table of aliases: only these.
_PYTHON_CODECS = {
    "ascii": "ascii",
    "latin_1": "cp1252",
    "utf_8": "utf-8",
    "utf_16": "utf-16",
    "utf_7": "utf-7",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "gb18030": "gb18030",
    "big5": "big5hkscs",
    "shift_jis": "cp932",
    "euc_jp": "euc_jp",
    "euc_kr": "cp949",
    "iso2022_jp": "iso2022_jp_3",
    "iso2022_kr": "iso2022_kr",
    "hz": "hz",
    "koi8_r": "koi8-r",
    "koi8_u": "koi8-u",
    "koi8_t": "koi8-t",
    "kz1048": "kz1048",
    "ptcp154": "ptcp154",
    "tis_620": "cp874",
    "iso8859_9": "cp1254",
    "iso8859_11": "cp874",
    "mac_roman": "mac-roman",
    "mac_latin2": "mac-latin2",
    "mac_cyrillic": "mac-cyrillic",
    "mac_greek": "mac-greek",
    "mac_turkish": "mac-turkish",
    "mac_iceland": "mac-iceland",
    **{f"iso8859_{n}": f"iso8859-{n}" for n in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)},
    **{
        f"cp{n}": f"cp{n}"
        for n in (
            437,
            720,
            737,
            775,
            850,
            852,
            855,
            857,
            858,
            *range(860, 867),
            869,
            874,
            1125,
            *range(1250, 1259),
        )
    },
}

# Codecs in which a wrong sequence is the sender's slip, not a wrong label.
_SECOND_CHOICE = {"big5hkscs": "cp950", "euc_jp": "euc_jis_2004"}

# What ends a line in one system or another, and what a database or a terminal would choke on.
_BREAKS = re.compile("[\x0b\x0c\x85\u2028\u2029]")
_UNSTORABLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")
_UNSHOWABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029\ufeff\ufffe\uffff]+")


def codec_of(label: str) -> str | None:
    """The codec for a charset label as mails write it, None when there is none to be trusted."""
    folded = label.strip().strip("\"'").lower().replace("_", "-").replace(" ", "-").partition("$")[0]
    for name in (
        folded,
        folded.removeprefix("x-"),
        folded.partition(":")[0],
        folded.removesuffix("-sig"),
        folded.removesuffix("-i"),
    ):
        if name in _CODECS:
            return _CODECS[name]
    if folded.startswith("iso8859"):
        folded = "iso-8859-" + folded[7:].lstrip("-")
    elif folded.startswith(("win", "ibm-", "cp-")):
        folded = "cp" + folded.lstrip("windosbmcp-")
    known = folded.removeprefix("x-").replace("-", "_")
    return _CODECS.get(folded) or _PYTHON_CODECS.get(aliases.get(known, known))


def decode(data: bytes, label: str | None) -> tuple[str, str | None]:
    """Decode by the label, else as UTF-8, else as windows-1252; say in words what was wrong.

    The text may hold anything that the charset can say: pass it through ``storable`` or ``shown``.
    """
    codec = codec_of(label) if label else "ascii"
    if codec in (None, "ascii"):
        note = f"unknown charset {shown(label)[:40]!r}" if label and codec is None else None
        return _guess(data), note
    if codec == "cp1252" and (text := _mislabelled(data)) is not None:
        return text, f"text said to be {shown(label or '')[:40]} is UTF-8"
    try:
        return data.decode(codec), None
    except UnicodeError:
        return _despite_errors(data, codec), f"text is not valid {shown(label or '')[:40]}"


def _mislabelled(data: bytes) -> str | None:
    """The text of bytes that say they are Western but can only be UTF-8: two signs or more fit it."""
    if data.isascii():
        return None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return text if len(text) - len(text.encode("ascii", "ignore")) >= 2 else None


def _despite_errors(data: bytes, codec: str) -> str:
    """Decode what the label's codec refuses: a slip is marked, a lying label is not believed."""
    if codec == "cp1252":
        return _windows(data)
    if codec == "utf-8":
        return _guess(data)
    if codec.startswith("iso2022_jp"):
        return _japanese(data)
    second = _SECOND_CHOICE.get(codec)
    if second:
        try:
            return data.decode(second)
        except UnicodeError:
            pass  # not that one either: marked below
    text = data.decode(codec, "replace")
    return text if text.count("\ufffd") * 10 <= len(text) else _guess(data)


def _japanese(data: bytes) -> str:
    """ISO-2022-JP with the signs that Windows adds to it: circled digits, 株 in brackets, half-width kana."""
    first, *others = data.split(b"\x1b")
    out = [first.decode("ascii", "replace")]
    for piece in others:
        shift, said = piece[:2], piece[2:]
        if shift in (b"$B", b"$@"):
            out.append(said.translate(_HIGH).decode("euc_jis_2004", "replace"))
        elif shift == b"(I":
            out.append(said.translate(_HIGH).decode("shift_jis", "replace"))
        else:
            out.append(said.decode("ascii", "replace"))
    return "".join(out)


_HIGH = bytes(byte | 0x80 if 0x21 <= byte <= 0x7E else byte for byte in range(256))


def _guess(data: bytes) -> str:
    """UTF-8 where most of it is, else windows-1252: what unlabelled mail is written in."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("utf-8", "replace")
    if b"\xed" in data:  # pairs of surrogates, each encoded by itself (CESU-8)
        try:
            return data.decode("utf-8", "surrogatepass").encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeError:
            pass  # other bytes are wrong, too
    high = len(data) - len(data.translate(None, bytes(range(128, 256))))
    return text if text.count("\ufffd") * 3 <= high else _windows(data)


def _windows(data: bytes) -> str:
    """windows-1252, its five holes filled as browsers do."""
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace").replace("\ufffd", "")


def storable(text: str) -> str:
    """Body text with line feeds as line ends, free of NUL, surrogates and control characters."""
    if "\r" in text:
        text = text.replace("\r\r\n", "\n").replace("\r\n", "\n").replace("\r", "\n")
    if text.isascii() and text.isprintable():
        return text
    return _UNSTORABLE.sub("", _BREAKS.sub("\n", text))


def exact(text: str) -> str:
    """One line for machines: what cannot be stored is marked, so that nothing joins across it."""
    return text if text.isprintable() else _UNSHOWABLE.sub(_mark, text)


def _mark(found: re.Match[str]) -> str:
    return " " if not found.group().strip("\t\n\r ") else "\ufffd"


def shown(text: str) -> str:
    """One line for people: runs of control characters are one space, surrogates are gone."""
    if text.isprintable():
        return text
    return _UNSHOWABLE.sub(lambda found: "" if set(found.group()) <= _NOTHING else " ", text)


_NOTHING = {"\x00", "\ufeff", "\ufffe", "\uffff", *map(chr, range(0xD800, 0xE000))}
