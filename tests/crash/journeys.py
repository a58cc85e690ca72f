"""What is played: the golden stories of ``tests/journeys``, and what they have no step for.

A journey is a list of steps; before each, mails arrive or time passes. In a mail's text
``{{anna.message_id}}`` and the like stand for what Anna received (``tests.journeys.stage``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

STORIES = Path(__file__).parents[1] / "journeys" / "stories"


@dataclass(frozen=True)
class Step:
    """Mails that arrive, or time that passes, and then one pass of the desk."""

    name: str
    mails: tuple[str, ...] = ()
    wait: timedelta = timedelta(minutes=1)
    refuse: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Journey:
    """Steps on one desk, whose config may say more than the stories' does."""

    name: str
    steps: tuple[Step, ...]
    mailbox: str = ""
    more: str = ""
    founded: bool = True  # False: the first pass finds no database


def story(name: str) -> Journey:
    """A story of ``tests/journeys``."""
    steps = sorted(path for path in (STORIES / name).iterdir() if path.suffix in (".eml", ".txt"))
    return Journey(name, tuple(_step(path) for path in steps))


def stories() -> list[str]:
    """The names of all stories."""
    return sorted(path.name for path in STORIES.iterdir() if path.is_dir())


def _step(path: Path) -> Step:
    text = path.read_text("utf-8")
    if path.suffix == ".txt":
        return Step(path.stem, wait=timedelta(hours=float(text)))
    return Step(path.stem, (text,))


def mail(sender: str, number: int, text: str, **fields: str) -> str:
    """A simple mail to the desk."""
    head = {
        "From": f"{sender.title()} <{sender}@{_DOMAINS.get(sender, 'example.org')}>",
        "To": "support@example.com",
        "Subject": f"Question {number}",
        "Date": "Mon, 23 Nov 2026 09:00:00 +0000",
        "Message-ID": f"<{sender}.{number}@mail.example.org>",
        **{name.replace("_", "-"): value for name, value in fields.items()},
    }
    return "".join(f"{name}: {value}\n" for name, value in head.items()) + f"\n{text}\n"


_DOMAINS = {"anna": "example.com", "bob": "example.com"}


def reply(agent: str, text: str, number: int = 1) -> str:
    """An agent's answer to the last notification."""
    return mail(
        agent,
        number,
        f"{text}\n\nOn Mon, 23 Nov 2026, Example Support wrote:\n{{{{{agent}.quoted}}}}",
        To=f"{{{{{agent}.reply_to}}}}",
        Subject=f"Re: {{{{{agent}.subject}}}}",
        In_Reply_To=f"{{{{{agent}.message_id}}}}",
    )


_FIRST = (mail("jane", 1, "My printer burns."), mail("lee", 2, "Mine does not print."))

FIRST_START = Journey("first-start", (Step("01-two-mails", _FIRST),), founded=False)

BATCH = Journey(
    "batch",
    (
        Step("01-four-mails", (*_FIRST, _FIRST[0], mail("mallory", 3, "Hello there."))),
        Step(
            "02-both-agents", (reply("anna", "Pour water on it."), reply("bob", "#note\n\nI saw that too."))
        ),
    ),
    mailbox="acknowledge = true",
)

REFUSED = Journey(
    "refused",
    (
        Step("01-jane", (_FIRST[0],)),
        Step("02-anna", (reply("anna", "Pour water on it."),), refuse={"jane@example.org": "550 5.1.1 gone"}),
        Step("03-anna", (reply("anna", "Hello?", 2),)),
    ),
)

LATE = Journey(
    "late",
    (
        Step("01-jane", (_FIRST[0],)),
        Step("02-warned", wait=timedelta(minutes=45)),
        Step("03-breached", wait=timedelta(minutes=30)),
        Step("04-solved", (reply("anna", "#solved\n\nIt is out."),)),
    ),
    more=(
        '[sla]\nwarn_before = "30m"\nescalate_to = "lead@example.com"\n'
        '[[sla.policies]]\nname = "all"\nfirst_reply = "1h"\nnext_reply = "1h"\n'
    ),
)

_FOR_LEE = "#requester lee@example.org\n\nHello Lee."

PARKED = Journey(
    "parked",
    (
        Step("01-two-unproven", (mail("anna", 1, _FOR_LEE), mail("anna", 2, _FOR_LEE))),
        Step("02-the-second", (reply("anna", "#yes 2", 3), mail("anna", 4, _FOR_LEE))),
        Step("03-the-first", (reply("anna", "#yes 1", 5),)),
    ),
)

OURS = (FIRST_START, BATCH, REFUSED, LATE, PARKED)


def some_journeys() -> Iterator[Journey]:
    """Those that between them do whatever the desk does."""
    yield from OURS
    yield from (story(name) for name in _TELLING)


_TELLING = (
    "main-top-posted",
    "note-and-answer",
    "held-made-a-note",
    "parked-for-a-week",
    "snooze",
    "merge",
    "split",
    "undo",
    "collision",
)


def all_journeys() -> Iterator[Journey]:
    """Every journey there is."""
    yield from OURS
    yield from (story(name) for name in stories())
