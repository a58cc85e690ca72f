"""Small readers of bodies: soft line breaks, invitations, transfer encodings, names and logos."""

import base64
import binascii

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketd.decide.model import Attachment
from ticketd.decide.reading.calendars import told
from ticketd.decide.reading.files import mark_logos, safe_name, type_of
from ticketd.decide.reading.flowed import unflow
from ticketd.decide.reading.transfer import undo, uuencoded


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=300), st.integers(1, 90), st.sampled_from([b"\r\n", b"\n", b" \r\n"]))
def test_base64_in_lines_of_any_length(content: bytes, width: int, end: bytes) -> None:
    encoded = base64.b64encode(content)
    lines = end.join(encoded[at : at + width] for at in range(0, len(encoded), width))
    assert undo(memoryview(lines), "base64") == content


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=80), st.sampled_from(["base64", "quoted-printable", "x-uuencode", "7bit", "x"]))
def test_any_bytes_are_undone(data: bytes, encoding: str) -> None:
    undo(memoryview(data), encoding)


@settings(deadline=None, max_examples=40)
@given(st.binary(min_size=1, max_size=200))
def test_uuencoded_files_are_exact(content: bytes) -> None:
    lines = b"".join(binascii.b2a_uu(content[at : at + 45]) for at in range(0, len(content), 45))
    text = b"Above\r\n\r\nbegin 644 a file.bin\r\n" + lines.replace(b"\n", b"\r\n") + b"`\r\nend\r\nBelow\r\n"
    (found,) = uuencoded(text)
    assert found.name == b"a file.bin"
    assert found.content == content
    assert text[: found.start] + text[found.end :] == b"Above\r\n\r\nBelow\r\n"


@pytest.mark.parametrize(
    ("flowed", "fixed"),
    [
        ("a \nb\nc", "a b\nc"),
        ("> a \n> b\n>> c", "> a b\n>> c"),
        ("> a \nb", "> a\nb"),
        ("a\n-- \nb ", "a\n-- \nb"),
        (" >a\n  b", ">a\n b"),
        ("", ""),
    ],
)
def test_soft_line_breaks(flowed: str, fixed: str) -> None:
    assert unflow(flowed) == fixed


def test_an_invitation_is_told_in_words() -> None:
    ics = (
        "BEGIN:VCALENDAR\r\nMETHOD:CANCEL\r\nBEGIN:VEVENT\r\nSUMMARY:A long\r\n  title\\, really\r\n"
        "DTSTART;VALUE=DATE:20261124\r\nDESCRIPTION:One\\nTwo\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nSUMMARY:Other\r\n"
    )
    summary, words = told(ics)
    assert summary == "A long title, really"
    assert words == "Cancelled: A long title, really\nWhen: 2026-11-24\nAbout: One\nTwo"


def test_an_answer_to_an_invitation_says_which() -> None:
    event = "BEGIN:VEVENT\nSUMMARY:S\nATTENDEE;PARTSTAT=ACCEPTED:mailto:a@b.example\nEND:VEVENT"
    ics = f"BEGIN:VCALENDAR\nMETHOD:REPLY\n{event}"
    assert told(ics)[1] == "Answer: S\nAnswer: accepted"


def test_no_calendar_no_words() -> None:
    assert told("hello\nDTSTART:20261124\n") == ("", "")


def picture(content: bytes, kind: str = "image/png") -> Attachment:
    return Attachment("logo.png", kind, content)


def test_a_picture_seen_before_is_a_logo() -> None:
    logo, photo, paper = picture(b"logo"), picture(b"photo"), picture(b"paper", "application/pdf")
    marked = mark_logos((logo, photo, paper), {logo.sha256, paper.sha256})
    assert [item.inline for item in marked] == [True, False, False]


def test_a_large_picture_sent_twice_is_still_a_file() -> None:
    large = picture(bytes(200_000))
    assert not mark_logos((large,), {large.sha256})[0].inline


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.PDF", "application/pdf"), ("a.b.txt", "text/plain"), ("a", "application/octet-stream")],
)
def test_types_by_name(name: str, kind: str) -> None:
    assert type_of(name) == kind


def test_names_where_there_are_none() -> None:
    assert safe_name("", "image/png", 2) == "image-2.png"
    assert safe_name("...", "application/x-odd", 1) == "attachment-1.bin"
