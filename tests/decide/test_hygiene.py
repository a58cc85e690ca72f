import pytest

from ticketd.decide.writing import hygiene

GOOD = (
    b"From: Desk <desk@example.com>\r\n"
    b"To: Jane <jane@example.org>\r\n"
    b"Subject: Hi\r\n"
    b"MIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="=_m"\r\n'
    b"\r\n"
    b"--=_m\r\n"
    b'Content-Type: multipart/alternative; boundary="=_a"\r\n'
    b"\r\n"
    b"--=_a\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n"
    b"\r\n"
    b"Hello\r\n"
    b"--=_a--\r\n"
    b"--=_m\r\n"
    b"Content-Type: application/pdf\r\n"
    b'Content-Disposition: attachment; filename="a.pdf"\r\n'
    b"\r\n"
    b"eA==\r\n"
    b"--=_m--\r\n"
)
NAMES = ("From", "To", "Subject")


def check(content, names=NAMES, author="desk@example.com", recipients=("jane@example.org",)):
    hygiene.check(content, names, author, recipients)


def test_what_was_meant_passes():
    check(GOOD)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        (b"Hello\r\n", b"Hello\n", "bare"),
        (b"Hello\r\n", b"Hel\rlo\r\n", "bare"),
        (b"Hello\r\n", b"Hel\0lo\r\n", "NUL"),
        (b"Subject: Hi", b"Subject: Hi\r\nBcc: evil@example.net", "other header fields"),
        (b"Subject: Hi", b"Subject: Hi\r\nSubject: Ho", "other header fields"),
        (b"Subject: Hi\r\n", b"", "other header fields"),
        (b"Subject: Hi", b"Subject: Hi\r\nFrom: evil@example.net", "other header fields"),
        (b"Desk <desk@", b"Desk <desk@example.com>, Evil <evil@", "its from"),
        (b"<jane@example.org>", b"<jane@example.org>, <evil@example.net>", "to cc"),
        (b"<jane@example.org>", b"<evil@example.net>", "to cc"),
        (b"Subject: Hi", b"Subject: " + b"x" * 990, "too long"),
        (b"Subject: Hi", b"Subject: Hi\r\n \r\n more", "empty"),
        (b"Subject: Hi", b"Subject: Hi\r\nno field at all", "malformed"),
        (b"Subject: Hi", b"Subject: \xff", "utf-8"),
        (b'"a.pdf"', b'"../a.pdf"', "dangerous name"),
        (b'"a.pdf"', b'"con.txt"', "dangerous name"),
        (b'filename="a.pdf"', b"filename*=utf-8''a%E2%80%AEfdp.exe", "dangerous name"),
        (b"Content-Type: application/pdf", b"Content-Type: application/pdf\r\nX-Evil: 1", "part"),
        (b"--=_m--", b"--=_x--", "boundaries"),
        (b"--=_a--\r\n", b"--=_x--\r\n", "boundaries"),
    ],
)
def test_anything_else_is_refused(old, new, complaint):
    assert old in GOOD
    with pytest.raises(ValueError, match=complaint):
        check(GOOD.replace(old, new, 1))


def test_a_header_has_an_end_and_a_limit():
    with pytest.raises(ValueError, match="no end"):
        check(b"From: desk@example.com\r\n")
    with pytest.raises(ValueError, match="too long"):
        check(b"X: y\r\n" * 20_000 + b"\r\n")
