"""What an unreadable mail calls itself: found in any bytes, never with an error."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketd.decide.reading.glance import glance


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"Subject: Fire\r\nMessage-ID: <a@b>\r\n\r\nSubject: no\r\n", ("<a@b>", "Fire")),
        (b"message-id:\r\n <a@b>\r\nSUBJECT: one\r\n two\r\n\r\n", ("<a@b>", "one two")),
        (b"Subject: =?utf-8?q?Caf=C3=A9?= =?utf-8?b?ISE=?=\n\n", (None, "Café!!")),
        (b"Subject: =?no-such?q?a?= b\n\n", (None, "=?no-such?q?a?= b")),
        (b"Subject: =?utf-8?b?broken\n\n", (None, "=?utf-8?b?broken")),
        (b"Subject: caf\xe9\n", (None, "caf�")),
        (b"X: y\n\nMessage-ID: <in@body>\n", (None, "")),
        (b"", (None, "")),
    ],
)
def test_it_is_found(content, found):
    assert glance(content) == found


@given(st.binary(max_size=500))
def test_any_bytes_will_do(noise):
    message_id, subject = glance(b"Subject: " + noise + b"\r\nMessage-ID: <" + noise + b">\r\n\r\n")
    assert message_id is None or message_id.startswith("<")
    assert len(subject) <= 500
    glance(noise)
