"""Verdicts, where several signs meet; each single sign has a mail in ``tests/mail``."""

import pytest

from ticketd.decide.judging.bouncesigns import failed_recipients
from ticketd.decide.judging.classify import classify
from ticketd.decide.model import Classification, Verdict
from ticketd.decide.reading.parse import parse

STANDARD = b"Return-Path: <>\nFrom: MAILER-DAEMON@relay.example\nTo: support@example.org\n"


def verdict(head: str, body: str = "Hello.\n", **how: bool) -> Classification:
    return classify(parse(f"{head}\n\n{body}".encode()), **how)


def test_signed_proof_beats_everything() -> None:
    found = verdict("From: jane@example.com\nAuto-Submitted: auto-replied\nPrecedence: bulk", own=True)
    assert found.verdict is Verdict.OWN
    assert not found.answerable


def test_a_mail_that_only_says_it_is_ours_is_not() -> None:
    assert verdict("From: support@example.org\nX-Ticketd-Loop: a:b").verdict is Verdict.PERSON


@pytest.mark.parametrize(
    ("head", "wanted"),
    [
        (
            "Return-Path: <>\nX-Failed-Recipients: a@b.example\nAuto-Submitted: auto-replied",
            "bounce",
        ),
        (
            "Return-Path: <>\nFrom: jane@example.com\nAuto-Submitted: auto-replied\nPrecedence: bulk",
            "vacation",
        ),
        ("From: jane@example.com\nList-Id: <x.example>\nAuto-Submitted: auto-generated", "vacation"),
        ("From: noreply@example.com\nList-Id: <x.example>\nIn-Reply-To: <a@b>", "bulk"),
        ("From: jane@example.com\nList-Id: <x.example>\nIn-Reply-To: <a@b>", "person"),
        ("From: jane@example.com\nAuto-Submitted: no\nList-Id: <x.example>", "bulk"),
    ],
)
def test_the_strongest_sign_wins(head: str, wanted: str) -> None:
    assert verdict(head).verdict == wanted


def test_nobody_is_acknowledged_but_persons() -> None:
    for head in ("Precedence: bulk", "Auto-Submitted: auto-replied", "X-Failed-Recipients: a@b.example"):
        assert not verdict(f"From: jane@example.com\n{head}").answerable
    assert verdict("From: jane@example.com").answerable


def test_signs_are_told() -> None:
    assert "Precedence: bulk" in verdict("From: jane@example.com\nPrecedence: bulk").signs


def test_a_sign_in_an_attached_mail_is_no_sign() -> None:
    inner = "Content-Type: message/rfc822\n\nAuto-Submitted: auto-replied\nX-Failed-Recipients: a@b\n\nhi"
    head = "From: jane@example.com\nContent-Type: multipart/mixed; boundary=x"
    mail = f"{head}\n\n--x\n\nhi\n--x\n{inner}\n--x--\n"
    assert classify(parse(mail.encode())).verdict is Verdict.PERSON


@pytest.mark.parametrize(
    ("words", "permanent"),
    [
        ("<jane@example.com>: 550 5.1.1 no such user", True),
        ("<jane@example.com>: 450 4.2.1 try again", False),
        ("<jane@example.com>: user unknown", True),
        ("<jane@example.com>: 421 busy; the message will be retried", False),
        ("<jane@example.com>: delivery temporarily suspended, your mail has been delayed", False),
    ],
)
def test_a_bounce_in_words_is_for_good_or_for_now(words: str, permanent: bool) -> None:
    found = classify(parse(STANDARD + b"Subject: Undelivered mail\n\n" + words.encode()))
    assert found.verdict is Verdict.BOUNCE
    assert found.bounce is not None
    assert found.bounce.permanent is permanent
    assert found.bounce.recipient == "jane@example.com"
    assert found.recorded is not permanent


def test_an_address_in_a_version_number_is_no_status() -> None:
    found = classify(parse(STANDARD + b"\n192.0.2.1 and 5.1.1.1 said no to <jane@example.com>"))
    assert found.bounce is not None
    assert found.bounce.status is None


def test_the_bounce_library_is_kept_from_raising() -> None:
    assert failed_recipients(parse(b"From: \xff\nSubject: \xff\n\n\xff")) == ((), ())
