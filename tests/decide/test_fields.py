"""Single header fields: words, ids and parameters, and who a mail is from."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketd.decide.reading import limits
from ticketd.decide.reading.addresses import addresses, bare_addresses, correspondents
from ticketd.decide.reading.charsets import codec_of, decode, shown, storable
from ticketd.decide.reading.fields import (
    decode_words,
    message_id,
    message_ids,
    parametrised,
    references,
    text_of,
)
from ticketd.decide.reading.files import safe_name
from ticketd.decide.reading.limits import read_head

TEXT = st.text(max_size=80)


@settings(deadline=None, max_examples=80)
@given(TEXT)
def test_words_of_any_text_come_back(text: str) -> None:
    from email.header import Header

    wanted = shown(text).strip()
    encoded = Header(wanted, "utf-8", maxlinelen=40).encode()
    assert text_of(encoded.encode()) == wanted


@settings(deadline=None, max_examples=80)
@given(st.text(alphabet="=?utf-8qQbB_ \n=C3A9", max_size=120))
def test_torn_words_never_raise(text: str) -> None:
    decode_words(text)


def test_text_without_words_is_left_alone() -> None:
    assert decode_words("2 =? 3, really?=") == "2 =? 3, really?="


@pytest.mark.parametrize(
    ("label", "codec"),
    [
        ("UTF-8", "utf-8"),
        ("utf_8", "utf-8"),
        ('"ISO_8859-1"', "cp1252"),
        ("ISO8859-15", "iso8859-15"),
        ("win1251", "cp1251"),
        ("windows1252", "cp1252"),
        ("iso-8859-1:1987", "cp1252"),
        ("gb2312", "gb18030"),
    ],
)
def test_charset_labels_as_mails_write_them(label: str, codec: str) -> None:
    assert codec_of(label) == codec


@pytest.mark.parametrize(
    "label", ["idna", "punycode", "unicode_escape", "undefined", "zlib", "rot13", "hex", "\0", ""]
)
def test_codecs_that_are_no_charsets_are_never_used(label: str) -> None:
    assert codec_of(label) is None
    assert decode(b"a\\u0041", label)[0] == "a\\u0041"


@settings(deadline=None, max_examples=100)
@given(
    st.binary(max_size=60),
    st.sampled_from(["utf-8", "utf-7", "gb2312", "iso-2022-jp", "utf-16", "hz-gb-2312", "big5", "x", None]),
)
def test_any_bytes_are_text_that_can_be_stored(data: bytes, label: str | None) -> None:
    text = storable(decode(data, label)[0])
    assert "\0" not in text
    assert "\r" not in text
    assert storable(text) == text
    text.encode("utf-8")
    shown(text).encode("utf-8")


def test_ids_are_found_in_whatever_stands_about_them() -> None:
    assert message_ids([b'"x" <a@b> (c) <d@e>', b"<a@b>"]) == ("<a@b>", "<d@e>")
    assert message_id(b" plain@host ") == "<plain@host>"
    assert message_id(b"   ") is None
    assert message_id(None) is None


def test_references_keep_the_first_and_the_last_twenty() -> None:
    defects: list[str] = []
    kept = references([b" ".join(b"<%d@x>" % i for i in range(50))], defects)
    assert kept == ("<0@x>", *(f"<{i}@x>" for i in range(30, 50)))
    assert defects


def test_parameters_with_all_their_oddities() -> None:
    field = parametrised(b'Text/Plain (x); Charset = "utf-8" ; name="a\\"b.txt"; empty=; =odd; x')
    assert field.value == "text/plain"
    assert field.parameters["charset"] == "utf-8"
    assert field.parameters["name"] == 'a"b.txt'


def test_parameters_are_counted() -> None:
    assert len(parametrised(b"a/b" + b"".join(b"; p%d=1" % i for i in range(500))).parameters) <= 100


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=60), st.sampled_from(["image/png", "x/y", ""]))
def test_a_file_name_is_never_a_path(name: str, kind: str) -> None:
    safe = safe_name(name, kind, 1)
    assert safe
    assert not set(safe) & set("/\\\0\n\r")
    assert safe not in (".", "..")
    assert len(safe.encode()) <= 150


def author(block: str) -> str | None:
    found = correspondents(read_head(block.encode() + b"\n\n")).author
    return found.address if found else None


@pytest.mark.parametrize(
    "block",
    [
        "From: anna@example.org\nFrom: anna@example.org",
        "From: anna@example.org; mallory@example.net",
        "From: [x] Friends: anna@example.org;",
        "From: (x) Friends: anna@example.org;",
        "From: anna@example.org\0",
        "From: <anna@example.org>, <anna@example.org>",
        "From: anna@example.org <>",
        "From: anna@example.org <<mallory@example.net>",
        'From: "anna@example.org',
        "From: anna@example.org mallory@example.net",
        "From: anna@@example.org",
        "From: anna@example.org@example.net",
        "X: y\rFrom: anna@example.org\nFrom: mallory@example.net",
        "X: y\0From: z\nFrom: mallory@example.net",
    ],
)
def test_in_doubt_there_is_no_identity(block: str) -> None:
    assert author(block) is None


@pytest.mark.parametrize(
    "value",
    [
        "[a:b] Anna <anna@example.org>",
        '"Anna: at work" <anna@example.org>',
        "Anna (at work: always) <anna@example.org>",
        "Anna <anna@example.org> (((((((((((((((((((a)))))))))))))))))))",
        '"a\\"b:" <anna@example.org>',
    ],
)
def test_a_colon_in_a_name_is_no_group(value: str) -> None:
    assert author(f"From: {value}") == "anna@example.org"


@settings(deadline=None, max_examples=100)
@given(st.text(alphabet='ab@.<>(),;:" \\[]=?\n\r\0', max_size=40))
def test_from_gives_no_identity_or_one_address(value: str) -> None:
    found = correspondents(read_head(b"From: " + value.encode() + b"\n\n")).author
    if found is not None:
        assert "@" in found.address
        assert not set(found.address) & set("\r\n\0<>")


def test_trace_addresses() -> None:
    assert [a.address for a in bare_addresses([b"<a@b>", b"c@d (x)", b"none", b"a@b"])] == ["a@b", "c@d"]


def test_recipients_of_several_fields_count_together() -> None:
    values = [b"a%d@b.example" % i for i in range(300)]
    assert len(addresses(values)) == 200


def test_a_head_within_its_limits_has_no_defects() -> None:
    head = read_head(b"A: 1\r\nB: 2\r\n  3\r\n\r\nbody")
    assert head.fields == [("a", "A", b" 1"), ("b", "B", b" 2\n  3")]
    assert head.body == 19
    assert not head.defects


def test_limits_of_the_header_block() -> None:
    head = read_head(
        b"A: " + b"x" * (limits.MAX_FIELD + 1) + b"\r\n" + b"B: 1\r\n" * limits.MAX_FIELDS + b"\r\n"
    )
    assert len(head.fields) == limits.MAX_FIELDS
    assert all(len(value) <= limits.MAX_FIELD for _, _, value in head.fields)
    assert len(head.defects) == 2
