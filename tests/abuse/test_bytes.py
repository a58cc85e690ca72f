"""The rows of the attack tables that are about bytes: signatures, smuggling, ciphers, archives, commands.

STARTTLS stripping (53) and malicious servers (54) stand in ``tests/wire/test_imap_odd.py``.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

import ticketd.wire

from .kit import DESK, Desk, raw

Make = Callable[..., Desk]
JANE, ANNA = "jane@example.org", "anna@example.com"
BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")


def test_14_a_signature_in_the_mail_itself_proves_nothing(busy: Make) -> None:
    """``l=`` leaves room below what was signed; nobody here verifies, so nobody is deceived."""
    desk = busy()
    before = len(desk.to_outsiders())
    signature = "v=1; a=rsa-sha256; d=example.com; s=s1; l=10; h=from; bh=aGVsbG8=; b=aGVsbG8="
    outcome = desk.mail(
        ANNA, "#solved\nHello Jane.", DKIM_Signature=signature, In_Reply_To=desk.ids()["jane"]
    )
    assert outcome == {"parked": 1}
    assert len(desk.to_outsiders()) == before


@pytest.mark.parametrize("body", ["Hello.\n.\nMAIL FROM:<x@evil.test>", "one\rtwo\r.\rthree", "x\r\n.\r\ny"])
def test_15_nothing_is_smuggled_past_the_dot(busy: Make, body: str) -> None:
    desk = busy()
    desk.answer("anna", body)
    with desk.store.begin("look") as tx:
        contents = tx.connection.exec_driver_sql("SELECT content FROM outgoing").scalars().all()
    assert contents
    assert not any(BARE.search(bytes(content)) for content in contents)


def test_29_what_is_encrypted_stays_as_it_is(bare: Make) -> None:
    desk = bare()
    sealed = "-----BEGIN PGP MESSAGE-----\r\n\r\nhQEMA1\r\n-----END PGP MESSAGE-----\r\n"
    body = (
        "--b\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n"
        f"--b\r\nContent-Type: application/octet-stream; name=encrypted.asc\r\n\r\n{sealed}--b--\r\n"
    )
    kind = 'multipart/encrypted; protocol="application/pgp-encrypted"; boundary=b'
    desk.mail(JANE, body, MIME_Version="1.0", Content_Type=kind)
    (message,) = desk.ticket(1)["messages"]
    assert "encrypted.asc" in [one["filename"] for one in message["attachments"]]
    assert any("encrypted" in defect for defect in message["defects"])


def test_48_an_archive_is_bytes_and_nothing_more(bare: Make) -> None:
    """A megabyte of zeros in a kilobyte: stored as it came, opened by nobody."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        # a name with a date of its own: the time of day would now and then hold a bare line end
        archive.writestr(zipfile.ZipInfo("../../etc/passwd"), b"\0" * 1_000_000, zipfile.ZIP_DEFLATED)
    content = packed.getvalue()
    body = b"--b\r\nContent-Type: application/zip; name=a.zip\r\n\r\n" + content + b"\r\n--b--\r\n"
    desk = bare()
    fields = [("From", JANE), ("To", DESK), ("Subject", "x"), ("MIME-Version", "1.0")]
    desk.send(raw([*fields, ("Content-Type", "multipart/mixed; boundary=b")], body))
    (message,) = desk.ticket(1)["messages"]
    with desk.store.view() as view:
        (kept,) = [content for _, content in view.files(message["id"])]
    assert kept == content


def test_52_no_senders_words_are_in_a_command_to_the_server() -> None:
    """Mails are asked for by number alone: there is no search for what a header says."""
    sources = Path(ticketd.wire.__file__).parent.glob("*.py")
    lines = [line for source in sources for line in source.read_text("utf-8").splitlines()]
    asked = [line for line in lines if "search(" in line.lower()]
    assert asked
    assert not any("HEADER" in line or "TEXT" in line or "SUBJECT" in line for line in asked)


def test_52_an_id_that_is_a_command_is_an_odd_id(bare: Make) -> None:
    desk = bare()
    evil = '<x"\r\n X1 STORE 1:* +FLAGS (\\Deleted)@evil.test>'
    assert desk.mail(JANE, "Hello.", Message_ID=evil) == {"ticket": 1}
    assert "\n" not in (desk.ticket(1)["messages"][0]["message_id"] or "")
