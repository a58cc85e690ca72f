"""``#undo`` against what has already gone out: nothing is pretended."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from ticketd.store import Store

from .stage import Stage, text_of, with_policy

FIRE = """\
From: Jane Doe <jane@example.org>
To: support@example.com
Subject: Printer on fire
Message-ID: <fire@example.org>

My printer is on fire.
"""
ANSWER = """\
From: Anna <anna@example.com>
To: support@example.com
Subject: Re: {{anna.subject}}
Message-ID: <%s@example.com>
In-Reply-To: {{anna.message_id}}

%s

{{anna.quoted}}
"""


@pytest.fixture
def stage(tmp_path: Path):
    store = Store.open(f"sqlite:///{tmp_path / 'ticketd.db'}")
    store.migrate()
    yield with_policy(Stage(store, tmp_path), undo_window="10m")
    store.close()


def dispatch(stage: Stage) -> int:
    """Every mail that is due now is sent."""
    with stage.store.begin("send") as tx:
        claimed = tx.claim("support", stage.now)
        for one in claimed:
            tx.connection.exec_driver_sql(
                f"UPDATE outbox SET state = 'sent', lease_until = NULL WHERE id = {one.id:d}"
            )
    return len(claimed)


def rows(stage: Stage) -> list[tuple[str, str]]:
    """Recipient and state of every reply to a customer."""
    with stage.store.begin("look") as tx:
        found = tx.connection.exec_driver_sql("SELECT recipient, state FROM outbox WHERE kind = 'reply'")
        return [(row[0], row[1]) for row in found]


def test_a_reply_within_the_window_is_called_back_and_kept_as_a_note(stage: Stage) -> None:
    stage.send(FIRE)
    stage.send(ANSWER % ("reply", "#solved\n\nPour water on it."))
    dispatch(stage)
    stage.send(ANSWER % ("undo", "#undo"))
    ticket = stage.ticket(1)
    assert rows(stage) == [("jane@example.org", "cancelled")]
    assert (ticket["status"], ticket["assignee"]) == ("open", None)
    assert [one["kind"] for one in ticket["messages"]] == ["customer", "note"]
    stage.wait(timedelta(hours=1))
    assert dispatch(stage) == 0


def test_a_reply_that_went_out_is_said_to_have_gone_out(stage: Stage) -> None:
    stage.send(FIRE)
    stage.send(ANSWER % ("reply", "#solved\n\nPour water on it."))
    stage.now += timedelta(minutes=11)
    dispatch(stage)
    assert rows(stage) == [("jane@example.org", "sent")]
    assert stage.send(ANSWER % ("undo", "#undo")) == {"held": 1}
    assert "has gone out already" in text_of(stage.last_to("anna"))
    ticket = stage.ticket(1)
    assert (ticket["status"], ticket["assignee"]) == ("solved", "anna@example.com")
    assert [one["kind"] for one in ticket["messages"]] == ["customer", "reply"]


def test_a_change_made_after_the_reply_went_out_is_still_taken_back(stage: Stage) -> None:
    stage.send(FIRE)
    stage.send(ANSWER % ("reply", "Pour water on it."))
    stage.now += timedelta(minutes=11)
    dispatch(stage)
    stage.send(ANSWER % ("solved", "#solved"))
    assert stage.send(ANSWER % ("undo", "#undo")) == {"ticket": 1}
    assert stage.ticket(1)["status"] == "pending"


def test_nobody_calls_back_what_a_colleague_wrote(stage: Stage) -> None:
    stage.send(FIRE)
    stage.send(ANSWER % ("reply", "Pour water on it."))
    bob = ANSWER.replace("anna", "bob").replace("Anna", "Bob")
    assert stage.send(bob % ("undo", "#undo")) == {"held": 1}
    assert rows(stage) == [("jane@example.org", "waiting")]
