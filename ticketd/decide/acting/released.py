"""What is left of an agent's held mail once they said yes to it, or made it a note.

Wrong commands are left out; but without ``#note`` or ``#requester`` a text would reach
somebody it was not meant for, so a mail with one of these half right is never sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ticketd.decide.acting.checks import problems_of, wrong
from ticketd.decide.case import Case
from ticketd.decide.excerpts.commands import VOCABULARY, Commands, Instruction, Problem
from ticketd.decide.policy import Agent
from ticketd.decide.work import Work

# They say whom a text is for.
_ADDRESSING = ("note", "requester")
# Left out, they change what becomes of the ticket, not who reads the text.
_SPARED = ("assign", "canned", "merge", "snooze", "split", "cc", "uncc")


def as_released(case: Case, work: Work, agent: Agent, said: Commands, how: str) -> Commands:
    """The commands without those that were wrong; ``how`` is ``yes`` or ``note``."""
    private = how == "note"
    twice = {problem.line.removeprefix("#") for problem in said.problems}
    kept = tuple(
        one
        for one in said.instructions
        if one.name not in twice
        and not ((private or one.name in _SPARED) and wrong(case, work, agent, one))
        and not (private and one.name in (*_ADDRESSING, "reply"))
    )
    problems = () if private else tuple(one for one in said.problems if _addresses(one))
    return replace(said, instructions=(Instruction("note"), *kept) if private else kept, problems=problems)


def choices(case: Case, work: Work, agent: Agent, said: Commands) -> Iterator[str]:
    """The answers that would let the mail go: ``yes`` and ``note`` where they would, ``no`` always."""
    for how in ("yes", "note"):
        if next(problems_of(case, work, agent, as_released(case, work, agent, said, how)), None) is None:
            yield how
    yield "no"


def _addresses(problem: Problem) -> bool:
    """Whether the command that was not understood is, or seems to be, one that says whom the text is for."""
    words = [problem.line.lstrip("#").split(maxsplit=1), problem.nearest.lstrip("#").split()]
    known = (VOCABULARY.get(found[0].lower().rstrip(":.")) for found in words if found)
    return any(one is not None and one[0] in _ADDRESSING for one in known)
