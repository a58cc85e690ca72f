from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketd.decide import tokens
from ticketd.decide.context import SignedId
from ticketd.decide.model import Purpose

from .desk_kit import POLICY, SUPPORT, issued, token

FORMS = ("id", "address", "code")


def signed(form: str, made: tokens.Token) -> SignedId:
    found = {
        "id": lambda: tokens.read_message_id(tokens.message_id(POLICY, made, "example.com")),
        "address": lambda: tokens.read_address(tokens.reply_address(POLICY, made, SUPPORT)),
        "code": lambda: tokens.read_codes(f"Re: {tokens.subject_code(POLICY, made)} Printer")[0],
    }[form]()
    assert found is not None
    return found


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("purpose", list(Purpose))
def test_what_we_sign_is_genuine(form: str, purpose: Purpose) -> None:
    made = token(purpose, 42)
    assert tokens.is_genuine(POLICY, signed(form, made), issued(made))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "change",
    [{"ticket": 43}, {"recipient": "bob@example.com"}, {"purpose": Purpose.NOTE}, {"serial": "aaaaaaaa"}],
)
def test_a_mac_is_good_for_one_thing_only(form: str, change: dict[str, object]) -> None:
    made = token(Purpose.REPLY, 42)
    assert not tokens.is_genuine(POLICY, signed(form, made), issued(replace(made, **change)))


@pytest.mark.parametrize("form", FORMS)
def test_another_forms_mac_is_worth_nothing(form: str) -> None:
    made = token()
    others = [signed(other, made).mac for other in FORMS if other != form]
    for mac in others:
        assert not tokens.is_genuine(POLICY, replace(signed(form, made), mac=mac), issued(made))


@pytest.mark.parametrize("form", FORMS)
def test_without_its_row_an_id_is_worth_nothing(form: str) -> None:
    assert not tokens.is_genuine(POLICY, signed(form, token()), None)


def test_another_instance_and_another_key_are_worth_nothing() -> None:
    made = token()
    one = signed("id", made)
    assert not tokens.is_genuine(replace(POLICY, instance="z" * 16), one, issued(made))
    assert not tokens.is_genuine(replace(POLICY, keys=(b"x" * 32,)), one, issued(made))
    assert tokens.is_genuine(replace(POLICY, keys=(b"x" * 32, b"k" * 32)), one, issued(made))


def test_the_shape_is_the_contracts() -> None:
    made = token(Purpose.REPLY, 42)
    local, _, domain = tokens.message_id(POLICY, made, "example.com")[1:-1].partition("@")
    number, serial, purpose, mac = local.split(".")
    assert (number, purpose, domain, len(serial), len(mac)) == ("t42", "r", "example.com", 8, 16)
    address = tokens.reply_address(POLICY, made, SUPPORT)
    assert address.startswith(f"support+t42.r.{serial}.")
    assert len(address.partition("@")[0]) <= 64
    assert tokens.subject_code(POLICY, made).startswith(f"[#42.r.{serial}.")


def test_the_same_cause_gives_the_same_serial_and_another_another() -> None:
    one = tokens.mint(POLICY, Purpose.REPLY, 1, "anna@example.com", "cause")
    assert one == tokens.mint(POLICY, Purpose.REPLY, 1, "anna@example.com", "cause")
    others = {
        tokens.mint(POLICY, Purpose.REPLY, 1, "anna@example.com", "another").serial,
        tokens.mint(POLICY, Purpose.REPLY, 1, "bob@example.com", "cause").serial,
        tokens.mint(POLICY, Purpose.NOTE, 1, "anna@example.com", "cause").serial,
        tokens.mint(POLICY, Purpose.REPLY, 2, "anna@example.com", "cause").serial,
    }
    assert len(others | {one.serial}) == 5


def test_a_root_threads_its_own_ticket_only() -> None:
    root = tokens.read_message_id(tokens.root_id(POLICY, 42, "example.com"))
    assert root is not None
    assert (root.form, root.ticket, root.purpose) == ("root", 42, "")
    assert tokens.is_genuine(POLICY, root, None)
    assert not tokens.is_genuine(POLICY, replace(root, ticket=43), None)


@pytest.mark.parametrize("cut", [0, 8, 15])
def test_a_truncated_or_extended_mac_has_no_form_of_ours(cut: int) -> None:
    whole = tokens.message_id(POLICY, token(), "example.com")
    local, _, domain = whole[1:-1].partition("@")
    head, _, mac = local.rpartition(".")
    assert tokens.read_message_id(f"<{head}.{mac[:cut]}@{domain}>") is None
    assert tokens.read_message_id(f"<{head}.{mac}a@{domain}>") is None
    assert tokens.read_message_id(f"x{whole}") is None


def test_the_loop_mark_is_good_for_its_ticket() -> None:
    mark = tokens.loop_mark(POLICY, 42)
    assert tokens.is_own_loop(POLICY, mark, (41, 42))
    assert not tokens.is_own_loop(POLICY, mark, (41,))
    assert not tokens.is_own_loop(replace(POLICY, instance="z" * 16), mark, (42,))
    assert not tokens.is_own_loop(POLICY, "yes", (42,))


def test_scrubbing_leaves_no_token() -> None:
    made = token()
    text = (
        f"see {tokens.message_id(POLICY, made, 'example.com')} or {tokens.subject_code(POLICY, made).upper()}"
        f" or {tokens.reply_address(POLICY, made, SUPPORT)} or {tokens.root_id(POLICY, 1, 'example.com')}."
    )
    assert tokens.holds_token(text)
    assert not tokens.holds_token(tokens.scrub(text))
    assert tokens.scrub("[#42] plain tags stay") == "[#42] plain tags stay"


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=120))
def test_reading_never_raises(text: str) -> None:
    assert tokens.read_message_id(text) is None
    assert tokens.read_address(text) is None
    assert tokens.read_codes(text) == ()
    tokens.read_tags(text)
    assert not tokens.is_own_loop(POLICY, text, (0, 1))
