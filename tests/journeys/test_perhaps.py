"""A stranger's mail that points at a ticket: agents are told, and one ready mail admits it."""

from __future__ import annotations

from pathlib import Path

from tests.abuse.kit import open_desk

from .stage import PEOPLE, text_of


def test_agents_see_which_ticket_it_may_be_about_and_can_merge_it(tmp_path: Path) -> None:
    desk = open_desk(tmp_path)
    desk.mail(PEOPLE["jane"], Message_ID="<fire@example.org>")
    assert "#merge" not in text_of(desk.last_to("anna"))
    desk.mail(PEOPLE["lee"], "I am her husband.", In_Reply_To="<fire@example.org>")
    told = desk.last_to("anna")
    assert told["Subject"] == "[#2] Printer on fire"
    assert "It seems to be about #1" in text_of(told)
    assert "body=%23merge%201" in text_of(told)
    assert desk.answer("anna", "#merge 1") == {"ticket": 1}
    assert desk.kinds(1) == ["customer", "customer"]
    desk.store.close()
