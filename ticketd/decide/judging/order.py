"""In which order mails that wait together are taken in: parents first, then by date.

The server's order means nothing: threads are to come out the same whatever it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from ticketd.decide.reading.fields import message_id, message_ids, unfold
from ticketd.decide.reading.limits import read_head


@dataclass(frozen=True, slots=True)
class Signals:
    """What places a mail among others: its own id, the ids it answers, when it was written."""

    message_id: str | None = None
    answered: tuple[str, ...] = ()
    date: datetime | None = None


def read_signals(content: bytes) -> Signals:
    """Read them from a mail or the beginning of one; never raises."""
    head = read_head(content)
    answered = message_ids([*head.every("in-reply-to"), *head.every("references")])
    return Signals(message_id(head.first("message-id")), answered, _written_at(head.first("date")))


def _written_at(raw: bytes | None) -> datetime | None:
    """The Date field where it is as it should be; it only breaks ties."""
    try:
        date = parsedate_to_datetime(unfold(raw)[:100]) if raw else None
    except (ValueError, OverflowError, IndexError, TypeError):
        return None
    return date if date is None or date.tzinfo else date.replace(tzinfo=UTC)


def parents_first(waiting: Mapping[int, tuple[Signals, datetime]]) -> list[int]:
    """The keys of ``waiting`` so that each mail comes after those it answers.

    Values are a mail's signals and when the server got it, which stands in for a Date
    that is missing. Ids that refer to each other in a circle keep their date order.
    """
    by_date = sorted(waiting, key=lambda key: (_when(*waiting[key]), key))
    owners = {mail.message_id: key for key, (mail, _) in waiting.items() if mail.message_id}
    parents = {key: _parents(waiting[key][0], owners) - {key} for key in by_date}
    placed: dict[int, None] = {}
    for key in by_date:
        _place(key, parents, placed)
    return list(placed)


def _when(mail: Signals, received_at: datetime) -> datetime:
    return mail.date or received_at


def _parents(mail: Signals, owners: Mapping[str, int]) -> set[int]:
    return {owners[one] for one in mail.answered if one in owners}


def _place(key: int, parents: Mapping[int, set[int]], placed: dict[int, None]) -> None:
    """Place a mail after its ancestors: depth first, without recursion, circles cut."""
    stack, entered = [key], set()
    while stack:
        here = stack[-1]
        left = [one for one in sorted(parents[here]) if one not in placed and one not in entered]
        entered.add(here)
        if left:
            stack.extend(left)
        else:
            placed.setdefault(stack.pop())
