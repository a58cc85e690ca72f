"""The status table in full: what happens to a ticket, and how it stands afterwards.

Knows nothing of who did it or whether they were allowed to.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from ticketd.decide.model import Status


class Happening(StrEnum):
    """What can happen to a ticket without a status command."""

    PERSON_WROTE = "a person among the participants writes"
    AUTOMATIC_CAME = "an automatic mail arrives"
    BOUNCED = "a permanent bounce of our mail arrives"
    AGENT_REPLIED = "an agent replies"
    AGENT_NOTED = "an agent writes a note"


AFTER_REPLY = "status_after_reply"
"""Stands in the table for the mailbox's configured status."""

TABLE: Mapping[tuple[Status, Happening], Status | str] = {
    (Status.OPEN, Happening.PERSON_WROTE): Status.OPEN,
    (Status.PENDING, Happening.PERSON_WROTE): Status.OPEN,
    (Status.SOLVED, Happening.PERSON_WROTE): Status.OPEN,
    (Status.OPEN, Happening.AUTOMATIC_CAME): Status.OPEN,
    (Status.PENDING, Happening.AUTOMATIC_CAME): Status.PENDING,
    (Status.SOLVED, Happening.AUTOMATIC_CAME): Status.SOLVED,
    (Status.OPEN, Happening.BOUNCED): Status.OPEN,
    (Status.PENDING, Happening.BOUNCED): Status.OPEN,
    (Status.SOLVED, Happening.BOUNCED): Status.OPEN,
    (Status.OPEN, Happening.AGENT_REPLIED): AFTER_REPLY,
    (Status.PENDING, Happening.AGENT_REPLIED): AFTER_REPLY,
    (Status.SOLVED, Happening.AGENT_REPLIED): AFTER_REPLY,
    (Status.OPEN, Happening.AGENT_NOTED): Status.OPEN,
    (Status.PENDING, Happening.AGENT_NOTED): Status.PENDING,
    (Status.SOLVED, Happening.AGENT_NOTED): Status.SOLVED,
}


def transition(
    status: Status,
    happening: Happening,
    *,
    after_reply: Status = Status.PENDING,
    commanded: Status | None = None,
) -> Status:
    """The status afterwards. A commanded status beats the table."""
    if commanded is not None:
        return commanded
    after = TABLE[status, happening]
    return after_reply if after == AFTER_REPLY else Status(after)
