"""Any bytes give a message; the same mail gives the same fingerprint; no bomb takes long."""

import base64
import quopri
import time
import tracemalloc
from dataclasses import fields, is_dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketd.decide.policy import Limits
from ticketd.decide.reading.parse import parse, peek

HEAD = (
    b"From: Jane Doe <jane@example.com>\r\nTo: support@example.org\r\nSubject: The printer\r\n"
    b"Date: Sun, 22 Nov 2026 21:05:00 +0000\r\nMessage-ID: <a1@example.com>\r\n"
    b"In-Reply-To: <b1@example.org>\r\nReferences: <r1@example.org> <b1@example.org>\r\n"
)
MAIL = HEAD + b"\r\nThe printer is on fire.\r\n"

PIECES = st.sampled_from(
    [
        b"From: jane@example.com",
        b"From: =?utf-8?q?J=C3?= <a@b>",
        b"To: a@b, (c <d",
        b"Subject: =?x?b?AA?=",
        b"Date: Sun, 31 Feb 2026 25:61:00 +9999",
        b"References: <a@b> <",
        b"Content-Type: multipart/mixed; boundary=x",
        b"Content-Type: multipart/alternative; boundary=y",
        b"Content-Type: message/rfc822",
        b"Content-Type: text/html; charset=utf-7",
        b"Content-Type: text/plain; charset=iso-2022-jp; format=flowed; delsp=yes",
        b"Content-Type: text/calendar",
        b"Content-Type: message/delivery-status",
        b"Content-Disposition: attachment; filename*0*=utf-8''%; filename*2=x",
        b"Content-Transfer-Encoding: base64",
        b"Content-Transfer-Encoding: quoted-printable",
        b"Content-ID: <c>",
        b"--x",
        b"--x--",
        b"--y",
        b"",
        b"begin 644 f",
        b"#0V%T",
        b"end",
        b"QUJD=",
        b"=C3=\xa4 =",
        b"<p>a<table><tr><td>b<img src=cid:c></blockquote>",
        b"\x1b$B0!",
        b"\x00\r\x85\xff",
        b"BEGIN:VEVENT\nDTSTART:1",
    ]
)


def strings(value: Any) -> list[str]:
    """Every text in a value, however deep."""
    if isinstance(value, str):
        return [value]
    if is_dataclass(value):
        return [text for each in fields(value) for text in strings(getattr(value, each.name))]
    if isinstance(value, tuple):
        return [text for item in value for text in strings(item)]
    return []


@settings(deadline=None, max_examples=150)
@given(st.one_of(st.binary(max_size=400), st.lists(PIECES, max_size=25).map(b"\n".join)))
def test_any_bytes_give_a_message_that_can_be_stored(content: bytes) -> None:
    message = parse(content)
    assert message.size == len(content)
    for text in strings(message):
        text.encode("utf-8")
        assert "\0" not in text
    assert "\n" not in message.subject


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 400), st.binary(max_size=6))
def test_a_mail_with_some_bytes_changed_gives_a_message(at: int, change: bytes) -> None:
    parse(MAIL[:at] + change + MAIL[at:])
    parse(MAIL[:at] + change)


@settings(deadline=None, max_examples=40)
@given(st.binary(max_size=300))
def test_attachments_are_exact(content: bytes) -> None:
    encoded = base64.encodebytes(content).replace(b"\n", b"\r\n")
    mail = HEAD + (
        b"Content-Type: application/octet-stream; name=a.bin\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + encoded
    )
    assert parse(mail).attachments[0].content == content


def test_peek_reads_what_puts_mails_in_order() -> None:
    whole, head = parse(MAIL), peek(HEAD)
    for name in ("message_id", "in_reply_to", "references", "date", "author", "subject"):
        assert getattr(head, name) == getattr(whole, name), name
    assert head.text == ""


def test_peek_of_a_head_cut_off_anywhere() -> None:
    for at in range(len(HEAD)):
        peek(HEAD[:at])


def alternative(text: bytes, encoding: bytes) -> bytes:
    return (
        HEAD + b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: " + encoding + b"\r\n\r\n" + text
    )


BODY = "Grüße,\r\nder Drucker brennt.\r\n".encode()


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(
            b"Received: by mx.example.org; Sun, 22 Nov 2026 21:06:00 +0000\r\n" + MAIL, id="received"
        ),
        pytest.param(
            b"Delivered-To: help@example.org\r\nReturn-Path: <jane@example.com>\r\n" + MAIL, id="delivery"
        ),
        pytest.param(MAIL.replace(b"\r\n", b"\n"), id="line-ends"),
        pytest.param(MAIL.replace(b"Doe <", b"Doe\r\n <"), id="folding"),
        pytest.param(MAIL + b"\r\n\r\n", id="last-empty-lines"),
    ],
)
def test_another_delivery_is_the_same_mail(other: bytes) -> None:
    assert parse(other).fingerprint == parse(MAIL).fingerprint


def test_another_transfer_encoding_is_the_same_mail() -> None:
    ways = [
        alternative(BODY, b"8bit"),
        alternative(quopri.encodestring(BODY.replace(b"\r\n", b"\n")), b"quoted-printable"),
        alternative(base64.encodebytes(BODY), b"base64"),
    ]
    assert len({parse(way).fingerprint for way in ways}) == 1


@pytest.mark.parametrize(
    "other",
    [
        MAIL.replace(b"fire", b"ice"),
        MAIL.replace(b"<a1@", b"<a2@"),
        MAIL.replace(b"21:05", b"21:06"),
        MAIL.replace(b"jane@", b"jan@"),
        MAIL.replace(b"Subject: The", b"Subject: A"),
    ],
)
def test_other_content_is_another_mail(other: bytes) -> None:
    assert parse(other).fingerprint != parse(MAIL).fingerprint


def test_a_mail_over_the_size_limit_is_read_as_far_as_it_goes() -> None:
    message = parse(MAIL + b"more\r\n" * 1000, Limits(message_size=1000))
    assert message.subject == "The printer"
    assert message.text.startswith("The printer is on fire.")
    assert len(message.text) < 1000
    assert any("read the first 1000" in defect for defect in message.defects)


def test_config_limits_attachments_and_depth() -> None:
    part = b"--x\r\nContent-Type: application/x-n\r\n\r\nx\r\n"
    many = HEAD + b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + part * 5 + b"--x--\r\n"
    assert len(parse(many, Limits(attachments=3)).attachments) == 3
    inner = b"--x\r\nContent-Type: multipart/mixed; boundary=y\r\n\r\n--y\r\n\r\ndeep\r\n--y--\r\n--x--\r\n"
    deep = HEAD + b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + inner
    assert parse(deep, Limits(mime_depth=2)).text == "deep"
    assert parse(deep, Limits(mime_depth=1)).text == ""


MB = 1_000_000
REPORT = (
    b"Content-Type: multipart/report; boundary=b\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
)
BOMBS = {
    "nested-parts": HEAD
    + b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (i, i) for i in range(9000)),
    "nested-mails": (HEAD + b"Content-Type: message/rfc822\r\n\r\n") * 4000,
    "empty-parts": HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\n" * 200_000,
    "near-delimiters": HEAD
    + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx"
    + b"\n--bX" * MB,
    "from-fields": b"From: a@b.example\r\n" * 100_000 + b"\r\n",
    "fields": b"".join(b"X-%d: y\r\n" % i for i in range(200_000)) + b"\r\n",
    "comments": b"From: " + b"(" * 5000 + b")" * 5000 + b"\r\n\r\n",
    "recipients": b"To: " + b", ".join(b"a%d@b.example" % i for i in range(50_000)) + b"\r\n\r\n",
    "quotes": b"To: " + b'"a,' * 20_000 + b"\r\n\r\n",
    "encoded-words": b"Subject: " + b" ".join([b"=?utf-8?q?=C3=A4?="] * 20_000) + b"\r\n\r\n",
    "torn-words": b"Subject: " + b"=?a?q?x" * 9000 + b"\r\n\r\n",
    "references": b"References: " + b" ".join(b"<%d@x>" % i for i in range(50_000)) + b"\r\n\r\n",
    "parameters": b"Content-Type: text/plain" + b"; a*0*=b" * 8000 + b"\r\n\r\n",
    "subject": b"Subject: " + b"x" * 10 * MB,
    "base64-pieces": HEAD
    + b"Content-Transfer-Encoding: base64\r\nContent-Type: image/png\r\n\r\n"
    + b"QQ==" * MB,
    "divs": HEAD + b"Content-Type: text/html\r\n\r\n" + b"<div>" * MB,
    "list-items": HEAD + b"Content-Type: text/html\r\n\r\n" + b"<dd><li>" * MB,
    "comments-in-html": HEAD + b"Content-Type: text/html\r\n\r\n" + b"<!--" * MB,
    "html-parts": HEAD
    + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    + (b"--b\r\nContent-Type: text/html\r\n\r\n" + b"<p>hello <b>x</b></p>\n" * 4000) * 100,
    "uuencode": HEAD + b"\r\n" + b"begin 644 a\n" * 500_000,
    "mbox-lines": b"From a\n" * MB,
    "carriage-returns": b"\r" * 5 * MB,
    "report": HEAD + REPORT + b"Final-Recipient: rfc822; a@b\r\nAction: failed\r\n\r\n" * 100_000,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BOMBS)
def test_no_bomb_takes_two_seconds(name: str) -> None:
    began = time.process_time()
    message = parse(BOMBS[name])
    assert time.process_time() - began < 2
    assert len(message.attachments) <= 200
    assert len(message.text) <= 4 * MB


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind",
    [b"application/pdf", b"text/plain; charset=utf-8", b"text/html", b"message/rfc822", b"x/y; boundary=b"],
)
def test_a_large_mail_takes_little_more_than_its_size(kind: bytes) -> None:
    large = (
        HEAD
        + b"Content-Type: "
        + kind
        + b"\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + b"QUJDRA==" * 2 * MB
    )
    tracemalloc.start()
    parse(large)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5 * len(large)
