"""mboxrd: whatever the bytes, they come back."""

import mailbox
from datetime import UTC, datetime
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketd.decide import mbox

AT = datetime(2026, 11, 3, 9, 5, 7, tzinfo=UTC)
PIECES = st.sampled_from(
    [b"From ", b">From ", b">>>From ", b"\n", b"\r\n", b"\r", b">", b"x", b"", b"\xff\x00", b"Subject: x\n\n"]
)


def file_of(*contents):
    return BytesIO(b"".join(mbox.entry(content, AT) for content in contents))


@given(st.lists(st.lists(PIECES, max_size=12).map(b"".join), max_size=4))
def test_every_mail_comes_back_byte_for_byte(contents):
    assert list(mbox.mails(file_of(*contents))) == contents


@pytest.mark.parametrize(
    ("content", "quoted"),
    [
        (b"From me\r\n", b">From me\r\n"),
        (b"a\r\n>From me", b"a\r\n>>From me"),
        (b"a\n>>From me\n", b"a\n>>>From me\n"),
        (b" From me\nFromage\n> From me\n", b" From me\nFromage\n> From me\n"),
    ],
)
def test_what_looks_like_a_beginning_is_quoted(content, quoted):
    assert mbox.entry(content, AT) == b"From MAILER-DAEMON Tue Nov  3 09:05:07 2026\n" + quoted + b"\n"


def test_another_program_reads_it(tmp_path):
    path = tmp_path / "support.mbox"
    path.write_bytes(file_of(b"Subject: one\r\n\r\nFrom here\r\n", b"Subject: two\r\n\r\nend\r\n").read())
    found = mailbox.mbox(path, create=False)
    assert [mail["Subject"] for mail in found] == ["one", "two"]
    assert found.get_message(0).get_from() == "MAILER-DAEMON Tue Nov  3 09:05:07 2026"
    found.close()
