"""winmail.dat gives its files and texts; a hostile one gives nothing, in time."""

import struct
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketd.decide.reading.tnef import open_tnef


def attribute(name: int, data: bytes) -> bytes:
    return struct.pack("<BHHI", 2, name, 6, len(data)) + data + struct.pack("<H", sum(data) & 0xFFFF)


def text_property(name: int, text: str) -> bytes:
    data = text.encode("utf-16-le") + b"\0\0"
    return struct.pack("<HHII", 0x1F, name, 1, len(data)) + data + b"\0" * (-len(data) % 4)


def properties(*each: bytes) -> bytes:
    return struct.pack("<I", len(each)) + b"".join(each)


START = struct.pack("<IH", 0x223E9F78, 1)
FILE = attribute(0x9002, bytes(14)) + attribute(0x8010, b"BILL~1.PDF\0") + attribute(0x800F, b"content")
LONG_NAME = attribute(0x9005, properties(text_property(0x3707, "Größe der Rechnung.pdf")))
NUMBER = struct.pack("<HHI", 3, 0x1234, 7)
NAMED = struct.pack("<HH", 3, 0x8001) + bytes(16) + struct.pack("<III", 0, 5, 7)


def test_a_file_has_its_long_name_and_its_exact_content() -> None:
    opened = open_tnef(START + FILE + LONG_NAME)
    assert opened is not None
    assert [(file.name, file.content) for file in opened.files] == [("Größe der Rechnung.pdf", b"content")]


def test_texts_stand_behind_other_properties() -> None:
    html = b"<p>Hello</p>"
    page = struct.pack("<HHII", 0x102, 0x1013, 1, len(html)) + html
    opened = open_tnef(
        START + attribute(0x9003, properties(NUMBER, NAMED, text_property(0x1000, "Hellö"), page))
    )
    assert opened is not None
    assert opened.text == "Hellö"
    assert opened.html == "<p>Hello</p>"


def test_the_code_page_is_believed_if_it_is_one() -> None:
    body = attribute(0x800C, "Привет".encode("cp1251"))
    opened = open_tnef(START + attribute(0x9007, struct.pack("<II", 1251, 0)) + body)
    assert opened is not None
    assert opened.text == "Привет"


@pytest.mark.parametrize("content", [b"", b"PK\3\4", START, START + FILE[:20], START + b"\xff" * 50])
def test_nothing_is_found_in_what_is_torn_or_something_else(content: bytes) -> None:
    assert open_tnef(content) is None


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 200), st.binary(max_size=8))
def test_any_bytes_are_opened_or_not(at: int, change: bytes) -> None:
    whole = START + FILE + LONG_NAME + attribute(0x9003, properties(NUMBER, NAMED))
    open_tnef(whole[:at] + change + whole[at + len(change) :])


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(START + attribute(0x9003, b"\xff" * 2_000_000), id="counts"),
        pytest.param(START + struct.pack("<BHHI", 1, 0x9999, 6, 0) * 300_000, id="empty-attributes"),
        pytest.param(START + attribute(0x9003, properties() + NUMBER * 300_000), id="properties"),
    ],
)
def test_what_a_stranger_counts_is_not_believed(content: bytes) -> None:
    began = time.process_time()
    open_tnef(content)
    assert time.process_time() - began < 1
