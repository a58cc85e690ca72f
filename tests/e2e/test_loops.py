"""Robots that answer each other on real servers: they fall silent, and the mails are counted."""

from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.servers.dovecot import Dovecot
from tests.servers.postfix import Postfix
from tests.servers.process import wait_until

from .world import World

pytestmark = [pytest.mark.server, pytest.mark.slow]
ACKNOWLEDGE = "acknowledge = true"
ROUNDS = 8


def delivered(postfix: Postfix) -> None:
    wait_until(postfix.queue_is_empty, "Postfix has delivered everything")


def test_two_desks_that_acknowledge_each_other_fall_silent(
    dovecot: Dovecot, postfix: Postfix, tmp_path: Path
) -> None:
    one, other = (World(dovecot, postfix, tmp_path / name, mailbox=ACKNOWLEDGE) for name in ("one", "other"))
    begun = one.write("jane", "We are both desks", "Hello, what is the matter?")
    begun.replace_header("From", f"The other desk <{other.address('desk')}>")
    one.send(begun)
    counts = []
    for _ in range(ROUNDS):
        for world in (one, other):
            world.ticketd("run", "--once")
            delivered(postfix)
        counts.append(len(one.inbox("desk")) + len(other.inbox("desk")))
    # The mail that began it, and one acknowledgement, which nobody acknowledges.
    assert counts == [2] * ROUNDS
    assert len(one.json("list", "all")) == 1
    assert [one["spam"] for one in other.json("list", "spam")] == [True]


@pytest.mark.parametrize("marked", [True, False], ids=["marked", "unmarked"])
def test_a_vacation_script_that_answers_everything_falls_silent(
    dovecot: Dovecot, postfix: Postfix, tmp_path: Path, marked: bool
) -> None:
    world = World(dovecot, postfix, tmp_path, mailbox=ACKNOWLEDGE)
    world.send(world.write("jane", "Printer on fire", "My printer is on fire."))
    answered = 0
    for _ in range(ROUNDS):
        world.ticketd("run", "--once")
        delivered(postfix)
        received = world.inbox("jane")
        for mail in received[answered:]:
            world.send(vacation(world, mail, marked))
        answered = len(received)
    # One acknowledgement a new ticket at most; an answer to it joins that ticket and gets none.
    assert len(world.inbox("jane")) == 1
    assert len(world.json("list", "all")) == 1
    assert len(world.json("show", "1")["messages"]) == 2


def vacation(world: World, mail: EmailMessage, marked: bool) -> EmailMessage:
    """What a simple script answers: the honest one says that it is a machine, the other does not."""
    answer = world.write("jane", f"I am away: {mail['Subject']}", "I am away until Monday.", mail)
    if marked:
        answer["Auto-Submitted"] = "auto-replied"
    return answer
