"""An agent with a wish of their own gets the answer, and goes on as anybody does."""

from __future__ import annotations

from pathlib import Path

from tests.abuse.kit import open_desk

from .stage import PEOPLE, text_of, with_policy

PROVEN = "mx.example.com; dmarc=pass header.from=example.com"
ANNA, BOB = PEOPLE["anna"], PEOPLE["bob"]


def test_a_wish_is_answered_and_goes_on(tmp_path: Path) -> None:
    desk = open_desk(tmp_path)
    with_policy(desk, trusted_authserv=("mx.example.com",))
    desk.mail(ANNA, "The coffee machine is broken.", Authentication_Results=PROVEN)
    assert desk.answer("bob", "I shall buy another.") == {"ticket": 1}
    assert "I shall buy another." in text_of(desk.last_to("anna"))
    assert (desk.ticket(1)["status"], desk.ticket(1)["assignee"]) == ("pending", BOB)
    assert desk.answer("anna", "A red one, please.", Authentication_Results=PROVEN) == {"ticket": 1}
    assert desk.kinds(1) == ["customer", "reply", "customer"]
    assert (desk.ticket(1)["status"], desk.ticket(1)["assignee"]) == ("open", BOB)
    assert "A red one, please." in text_of(desk.last_to("bob"))
    desk.answer("bob", "#cc jane@example.org\n\nIt is ordered.")
    assert ANNA not in str(desk.last_to("jane"))
    assert "It is ordered." in text_of(desk.last_to("anna"))
    desk.store.close()
