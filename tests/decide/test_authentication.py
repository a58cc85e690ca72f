import pytest

from ticketd.decide.judging.authentication import Authenticated, authenticate

from .desk_kit import ANNA, mail

PASS = "mx.example.com; dmarc=pass (p=reject) header.from=example.com"
OURS = "from out.example.com by mx.example.com with ESMTPS id 1; Mon, 23 Nov 2026 12:00:00 +0000"
FOREIGN = "from home by relay.evil.test with ESMTP id 2; Mon, 23 Nov 2026 11:59:00 +0000"


def result(*headers: tuple[str, str], trusted: tuple[str, ...] = ("mx.example.com",)) -> Authenticated:
    return authenticate(mail(ANNA, headers=headers), trusted).result


def ar(value: str) -> tuple[str, str]:
    return ("Authentication-Results", value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (PASS, Authenticated.PASS),
        ("MX.Example.COM; dmarc=pass header.from=EXAMPLE.com", Authenticated.PASS),
        (
            "mx.example.com; spf=pass smtp.mailfrom=example.com; dmarc=fail header.from=example.com",
            Authenticated.FAIL,
        ),
        ("mx.example.com; dkim=pass header.d=example.com", Authenticated.PASS),
        ("mx.example.com; dkim=pass header.d=evil.test", Authenticated.NONE),
        ("mx.example.com; dkim=pass header.d=com", Authenticated.NONE),
        ("mx.example.com; dmarc=pass header.from=evil.test", Authenticated.NONE),
        ("mx.example.com; dmarc=pass", Authenticated.NONE),
        ("mx.example.com; spf=pass smtp.mailfrom=example.com", Authenticated.NONE),
        ("mx.example.com; none", Authenticated.NONE),
        ("mx.example.com (dmarc=pass header.from=example.com); spf=none", Authenticated.NONE),
        ("evil.test; dmarc=pass header.from=example.com", Authenticated.NONE),
        ("evil.test (mx.example.com); dmarc=pass header.from=example.com", Authenticated.NONE),
        ("mx.example.com.evil.test; dmarc=pass header.from=example.com", Authenticated.NONE),
        (
            "mx.example.com; dkim=pass header.d=example.com; dmarc=fail header.from=example.com",
            Authenticated.FAIL,
        ),
        ("mx.example.com; dmarc=pass header.from=example.com (" + "(" * 3000, Authenticated.NONE),
        ("mx.example.com; dmarc=pass header.from=example.com" + " " * 5000, Authenticated.NONE),
    ],
)
def test_one_field(value: str, expected: Authenticated) -> None:
    assert result(ar(value)) is expected


def test_nothing_is_believed_unless_configured() -> None:
    assert result(ar(PASS), trusted=()) is Authenticated.NONE


def test_two_fields_of_a_trusted_server_and_none_is_believed() -> None:
    assert result(ar(PASS), ar(PASS)) is Authenticated.NONE
    assert result(ar(PASS), ar('"mx.example.com" garbage; dmarc=pass')) is Authenticated.NONE


def test_a_foreign_field_beside_it_changes_nothing() -> None:
    assert result(ar("evil.test; dmarc=fail header.from=example.com"), ar(PASS)) is Authenticated.PASS


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ((ar(PASS), ("Received", OURS), ("Received", FOREIGN)), Authenticated.PASS),
        ((("Received", OURS), ar(PASS), ("Received", FOREIGN)), Authenticated.PASS),
        ((("Received", OURS), ("Received", FOREIGN), ar(PASS)), Authenticated.NONE),
        ((("Received", FOREIGN), ar(PASS)), Authenticated.NONE),
        ((("Received", FOREIGN), ("Received", OURS), ("Received", FOREIGN), ar(PASS)), Authenticated.NONE),
        ((("Received", OURS), ("Received", OURS), ar(PASS)), Authenticated.NONE),
    ],
)
def test_it_must_stand_above_the_first_foreign_received(
    headers: tuple[tuple[str, str], ...], expected: Authenticated
) -> None:
    assert result(*headers) is expected


def test_without_an_author_there_is_nothing_to_authenticate() -> None:
    assert authenticate(mail(None, headers=(ar(PASS),)), ("mx.example.com",)).result is Authenticated.NONE
