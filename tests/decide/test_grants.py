"""What token endpoints answer, and when a grant is due (RFC 6749, 8628)."""

from datetime import UTC, datetime, timedelta

import pytest

from ticketd.decide.grants import Answer, granted, judge, reason

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("status", "document", "answer"),
    [
        (200, {"access_token": "a"}, Answer.GRANTED),
        (200, {}, Answer.LATER),
        (200, {"access_token": ""}, Answer.LATER),
        (200, {"access_token": 7}, Answer.LATER),
        (200, {"access_token": "a\r\nb"}, Answer.LATER),
        (200, {"access_token": "a", "error": "invalid_grant"}, Answer.REFUSED),
        (200, {"error": "access_denied"}, Answer.REFUSED),
        (403, {"error": "rate_limit_exceeded"}, Answer.LATER),
        (400, {"error": "invalid_grant"}, Answer.REFUSED),
        (401, {"error": "invalid_client"}, Answer.REFUSED),
        (400, {"error": "something_new"}, Answer.REFUSED),
        (400, {"error": "authorization_pending"}, Answer.PENDING),
        (428, {"error": "authorization_pending"}, Answer.PENDING),
        (400, {"error": "slow_down"}, Answer.SLOW_DOWN),
        (403, {"error": "slow_down"}, Answer.SLOW_DOWN),
        (400, {"error": "temporarily_unavailable"}, Answer.LATER),
        (503, {"error": "invalid_grant"}, Answer.LATER),
        (429, {"error": "rate"}, Answer.LATER),
        (404, {}, Answer.LATER),
        (302, {}, Answer.LATER),
        (400, {"error": ["invalid_grant"]}, Answer.LATER),
    ],
)
def test_each_answer_has_one_meaning(status, document, answer):
    assert judge(status, document) is answer


def test_a_reason_is_one_line_with_what_to_do():
    said = reason(
        400, {"error": "invalid_grant", "error_description": "AADSTS70008:\r\n expired " + "x" * 999}
    )
    assert said.startswith("invalid_grant: the sign-in has ended")
    assert "AADSTS70008: expired" in said
    assert len(said) < 350
    assert reason(502, {}) == "it answers 502 and nothing that is OAuth"


def grant(now=NOW, before=None, signed_in=True, **document):
    return granted({"access_token": "a", **document}, before, "client", now, signed_in=signed_in)


def test_a_grant_is_due_after_four_fifths_of_its_life():
    one = grant(expires_in=3600)
    assert not one.is_due(NOW)
    assert not one.is_due(NOW + HOUR * 0.79)
    assert one.is_due(NOW + HOUR * 0.8)
    assert one.is_due(NOW - timedelta(seconds=1))  # a clock put back: who knows
    assert one.serves(NOW + HOUR * 0.9)
    assert not one.serves(NOW + HOUR)


@pytest.mark.parametrize(
    ("said", "seconds"), [(599, 599), ("599", 599), (None, 3600), (0, 3600), (-5, 3600), ("soon", 3600)]
)
def test_a_life_is_read_as_providers_write_it(said, seconds):
    assert grant(expires_in=said).expires_at == NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize("said", [0, -5, "x", True, 3599.5])
def test_an_end_that_is_none_is_not_known(said):
    assert grant(refresh_token="r", refresh_token_expires_in=said).refresh_expires_at is None


def test_a_life_beyond_all_calendars_is_ten_years():
    assert grant(expires_in=10**11).expires_at < NOW + timedelta(days=3651)


def test_a_refresh_token_that_is_not_named_anew_stays():
    first = grant(refresh_token="r1", refresh_token_expires_in=7 * 86400)
    second = grant(NOW + HOUR, first, signed_in=False)
    assert second.refresh_token == "r1"
    assert second.refresh_expires_at == first.refresh_expires_at
    assert second.signed_in_at == NOW
    third = grant(NOW + 2 * HOUR, second, signed_in=False, refresh_token="r2")
    assert third.refresh_token == "r2"
    assert third.refresh_expires_at is None  # nothing is known of the new one


def test_a_new_sign_in_forgets_the_old_one():
    first = grant(refresh_token="r1", refresh_token_expires_in=86400)
    again = grant(NOW + HOUR, first, signed_in=True)
    assert again.refresh_token is None
    assert again.signed_in_at == NOW + HOUR


def test_an_end_is_known_days_ahead():
    one = grant(refresh_token="r", refresh_token_expires_in=7 * 86400)
    assert not one.ends_soon(NOW + timedelta(days=3))
    assert one.ends_soon(NOW + timedelta(days=4, hours=1))
    assert not grant(refresh_token="r").ends_soon(NOW + timedelta(days=1000))


def test_nothing_shows_a_token():
    shown = repr(grant(refresh_token="secret-r"))
    assert "secret-r" not in shown
    assert "'a'" not in shown
