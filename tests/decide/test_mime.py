from datetime import UTC, datetime, timedelta, timezone
from email import message_from_bytes
from email.header import decode_header, make_header
from email.utils import getaddresses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketd.decide.model import Address, Attachment
from ticketd.decide.writing import mime

anything = st.text(max_size=300)
quick = settings(max_examples=150, deadline=None)


def letter(text="Hello", **fields):
    return mime.Letter("<id@example.com>", (("Subject", "Hi"),), text, **fields)


def parsed(one):
    return message_from_bytes(mime.to_bytes(one))


def text_of(part):
    return part.get_payload(decode=True).decode("utf-8").replace("\r\n", "\n")


@quick
@given(anything)
def test_a_subject_survives_and_stays_one_field(subject):
    content = b"Subject: " + mime.unstructured(subject).encode("ascii") + b"\r\n\r\n"
    message = message_from_bytes(content)
    assert message.keys() == ["Subject"]
    shown = str(make_header(decode_header(message["Subject"].replace("\r\n", ""))))
    assert shown.split() == mime.clean.line(subject).split()
    assert all(len(line) <= 76 for line in content.splitlines())


@quick
@given(anything)
def test_a_display_name_never_becomes_an_address(name):
    value = mime.mailbox_value(Address("jane@example.org", name))
    assert [address for _, address in getaddresses([value])] == ["jane@example.org"]
    assert "\n" not in value.replace("\r\n ", "")


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Anna at Example Support", "Anna at Example Support"),
        ("Doe, Jane", '"Doe, Jane"'),
        ('Jane "JD" Doe', '"Jane \\"JD\\" Doe"'),
        ("Jane\r\nBcc: x@evil.example", '"Jane Bcc: x@evil.example"'),
        ("=?utf-8?q?x?=", "=?utf-8?b?PT91dGYtOD9xP3g/PQ==?="),
        ("", ""),
    ],
)
def test_display_names(name, written):
    assert mime.phrase(name) == written


@pytest.mark.parametrize(
    "address",
    [
        "",
        "jane",
        "@example.org",
        "jane@",
        "a b@example.org",
        "a@b>,<c@d",
        "a@b\r\nBcc: c",
        "a@b,c@d",
        "a\0@b",
    ],
)
def test_what_is_no_address_is_refused(address):
    with pytest.raises(ValueError):
        mime.wire_address(address)


def test_a_domain_is_sent_in_a_labels():
    assert mime.wire_address("jane@bücher.example") == "jane@xn--bcher-kva.example"


@quick
@given(st.text(max_size=2000))
def test_a_text_arrives_as_it_was_cleaned(text):
    cleaned = mime.clean.body(text)
    content = mime.to_bytes(letter(cleaned))
    assert text_of(message_from_bytes(content)).rstrip("\n") == cleaned.rstrip("\n")
    assert content.count(b"\r\n") == content.count(b"\n") == content.count(b"\r")
    assert all(len(line) <= 998 for line in content.split(b"\r\n"))


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("plain\n| quoted", "7bit"),
        ("Grüße aus München, und noch ein paar Worte", "quoted-printable"),
        ("Привет, как дела", "base64"),
        ("From here on", "quoted-printable"),
        ("-- \nAnna", "quoted-printable"),
        ("x" * 991, "quoted-printable"),
    ],
)
def test_the_encoding_is_the_plainest_that_survives(text, encoding):
    message = parsed(letter(text))
    assert message["Content-Transfer-Encoding"] == encoding
    assert text_of(message).rstrip("\n") == text


@quick
@given(
    st.binary(max_size=400),
    anything,
    st.sampled_from(["image/png", "message/rfc822", "a/b\r\nX: y", "", "TEXT/HTML"]),
)
def test_a_file_arrives_exactly(content, name, kind):
    message = parsed(letter(files=(Attachment(name, kind, content),)))
    text, file = message.get_payload()
    assert text_of(text) == "Hello"
    assert file.get_payload(decode=True) == content
    assert file.get_filename() == mime.safe_filename(name)
    assert file.get_content_type() in {"image/png", "text/html", "application/octet-stream"}
    assert file.get_content_disposition() == "attachment"


@quick
@given(st.text(max_size=300))
def test_a_file_name_is_safe_and_stays_as_it_is(name):
    safe = mime.safe_filename(name)
    assert mime.safe_filename(safe) == safe
    assert 0 < len(safe.encode("utf-8")) <= 160
    assert not set(safe) & set('/\\:*?"<>|%\r\n\0')


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "_._etc_passwd"),
        ("\u200b.htaccess", "htaccess"),
        ("CON.txt", "file_CON.txt"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("trailing. ", "trailing"),
        ("", "file"),
        ("a." + "b" * 5000, "a." + "b" * 138),
        ("Żółć.pdf", "Żółć.pdf"),
    ],
)
def test_file_names(name, safe):
    assert mime.safe_filename(name) == safe


def test_parts_stand_in_the_usual_order():
    message = parsed(letter(html="<p>Hello</p>", files=(Attachment("a.txt", "text/plain", b"x"),)))
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "text/plain",
    ]


def test_nothing_in_a_text_can_end_its_part():
    boundary = parsed(letter(html="x")).get_boundary()
    message = parsed(letter(f"--{boundary}--\nmore", html="x"))
    assert text_of(message.get_payload()[0]).rstrip("\n") == f"--{boundary}--\nmore"


def test_references_are_ids_and_nothing_else():
    ids = ["<a@x>", "junk", "<b@x>\r\nX-Evil: 1", "<a@x>", "<c d@x>", "<c@x>"]
    assert mime.references_value(ids) == "<a@x>\r\n <c@x>"


def test_a_date_is_in_utc_whatever_zone_it_came_in():
    moment = datetime(2026, 11, 23, 13, 10, 5, 999, tzinfo=timezone(timedelta(hours=1)))
    assert (
        mime.date_value(moment)
        == mime.date_value(moment.astimezone(UTC))
        == "Mon, 23 Nov 2026 12:10:05 +0000"
    )
