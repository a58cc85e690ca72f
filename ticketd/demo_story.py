"""The demo's story: a customer and two agents, told as it happens.

Every sentence that claims something is checked before it is said; what is not seen in
time ends the story. Knows nothing of servers and processes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ticketd.decide.model import Message
from ticketd.demo_people import Missing, Person
from ticketd.demo_stage import Narrator

_SUBJECT = "The printer is on fire"
_WRITES = """\
Hello,

smoke comes out of the printer on the second floor whenever I print the
invoice of May. What shall I do?

Jane Doe
"""
_ANSWER = "Hello Jane,\n\nplease pull the plug and leave the room. Is the flap at the back open?"
_SLIP = "#slved\n\nPull the plug!"
_NOTE = "that model was recalled, do not tell her to open it"
_BACK = "The flap is shut. The plug is out, and the smoke is gone. Thank you!"
_SOLVED = "Good. A new printer arrives on Tuesday; the old one will be picked up."


@dataclass(frozen=True, slots=True)
class Stage:
    """What the story needs: the people, the desk's address, a voice, and a way to look at the ticket."""

    people: dict[str, Person]
    desk: str
    narrator: Narrator
    look: Callable[[], dict[str, Any]]

    def check(self, holds: bool, words: str) -> None:
        """Say ``words`` where they hold; else the story ends here."""
        if not holds:
            raise Missing(f"it was to be seen that {words}")
        self.narrator.seen(words)

    def ticket(self, **wanted: object) -> None:
        """The ticket must stand like this."""
        found = self.look()
        stands = {name: found[name] for name in wanted}
        if stands != wanted:
            raise Missing(f"ticket #1 was to stand as {wanted}, but it stands as {stands}")
        words = ", ".join(f"{name} {value or 'nobody'}" for name, value in wanted.items())
        self.narrator.seen(f"ticket #1: {words}")


def tell(stage: Stage) -> None:
    """The whole story; raises Missing at the first thing that is not seen."""
    first = _jane_writes(stage)
    told, also = _agents_are_told(stage)
    _bob_slips(stage, also)
    answer = _anna_answers(stage, first, told)
    again = _jane_writes_back(stage, told, answer)
    _anna_solves(stage, again)


def _jane_writes(stage: Stage) -> Message:
    stage.narrator.say(f"1. Jane, a customer, writes to {stage.desk}.")
    first = stage.people["jane"].write(stage.desk, _SUBJECT, _WRITES)
    stage.narrator.mail("Jane sends", first)
    return first


def _agents_are_told(stage: Stage) -> tuple[Message, Message]:
    stage.narrator.say("2. It becomes ticket #1. Nobody is assigned, so both agents are told, by mail.")
    anna, bob = stage.people["anna"], stage.people["bob"]
    told = anna.await_mail("the notification", lambda mail: "[#1]" in mail.subject)
    stage.narrator.mail("Anna's mailbox", told, "Reply-To")
    stage.check("smoke comes out" in told.text, "Anna reads what Jane wrote")
    also = bob.await_mail("the notification", lambda mail: "[#1]" in mail.subject)
    stage.check(also.message_id != told.message_id, "Bob has a notification of his own")
    stage.ticket(status="open", assignee=None, priority="normal")
    return told, also


def _bob_slips(stage: Stage, told: Message) -> None:
    stage.narrator.say("3. Bob is in a hurry and mistypes a command.")
    stage.narrator.mail("Bob sends", stage.people["bob"].reply(told, _SLIP))
    back = stage.people["bob"].await_mail("his own text back", lambda mail: "#slved" in mail.text)
    stage.narrator.mail("Bob's mailbox", back)
    stage.check("Pull the plug!" in back.text, "Bob has his text back, with what is wrong")
    stage.check(not stage.people["jane"].look(), "nothing was sent to Jane")
    stage.ticket(status="open", assignee=None)


def _anna_answers(stage: Stage, first: Message, told: Message) -> Message:
    stage.narrator.say("4. Anna presses Reply in her mail client: a note for colleagues, and the answer.")
    sent = stage.people["anna"].reply(told, f"#note: {_NOTE}\n\n{_ANSWER}")
    stage.narrator.mail("Anna sends", sent)

    stage.narrator.say("5. Jane receives the answer, in the thread of her own mail.")
    answer = stage.people["jane"].await_mail("Anna's answer", lambda mail: "pull the plug" in mail.text)
    stage.narrator.mail("Jane's mailbox", answer, "In-Reply-To", "References")
    stage.check(answer.in_reply_to == (first.message_id,), "it answers Jane's own mail (In-Reply-To)")
    stage.check(first.message_id in answer.references, "and stands in its thread (References)")
    stage.check(answer.author is not None and answer.author.address == stage.desk, "it comes from the desk")
    clean = all(words not in answer.text for words in (_NOTE, "#note", "anna@example.com", "> "))
    stage.check(clean, "no note, no command, no quote and no private address went along")
    stage.ticket(status="pending", assignee="anna@example.com")
    return answer


def _jane_writes_back(stage: Stage, told: Message, answer: Message) -> Message:
    stage.narrator.say("6. Jane writes back: the ticket opens again, and Anna, whose it is now, is told.")
    stage.narrator.mail("Jane sends", stage.people["jane"].reply(answer, _BACK))
    again = stage.people["anna"].await_mail("word of Jane's mail", lambda mail: "flap is shut" in mail.text)
    stage.narrator.mail("Anna's mailbox", again)
    stage.check(bool({*again.references} & {*told.references}), "it is the same conversation at Anna's")
    stage.ticket(status="open", assignee="anna@example.com")
    unbothered = not any("flap is shut" in mail.text for mail in stage.people["bob"].look())
    stage.check(unbothered, "Bob is not bothered any more")
    return again


def _anna_solves(stage: Stage, again: Message) -> None:
    stage.narrator.say("7. Anna answers, and says in the first line that this solves it.")
    stage.narrator.mail("Anna sends", stage.people["anna"].reply(again, f"#solved\n\n{_SOLVED}"))
    last = stage.people["jane"].await_mail("the last answer", lambda mail: "on Tuesday" in mail.text)
    stage.narrator.mail("Jane's mailbox", last)
    stage.check("#solved" not in last.text, "Jane sees no command")
    stage.ticket(status="solved", assignee="anna@example.com")
