"""In which order mails that wait together are taken in: parents first, then by date.

The server's order means nothing: threads are to come out the same whatever it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from ticketd.decide.model import Message


def parents_first(waiting: Mapping[int, tuple[Message, datetime]]) -> list[int]:
    """The keys of ``waiting`` so that each mail comes after those it answers.

    Values are a mail's header fields and when the server got it, which stands in for a
    Date that is missing. Ids that refer to each other in a circle keep their date order.
    """
    by_date = sorted(waiting, key=lambda key: (_when(*waiting[key]), key))
    owners = {message.message_id: key for key, (message, _) in waiting.items() if message.message_id}
    parents = {key: _parents(waiting[key][0], owners) - {key} for key in by_date}
    placed: dict[int, None] = {}
    for key in by_date:
        _place(key, parents, placed)
    return list(placed)


def _when(message: Message, received_at: datetime) -> datetime:
    return message.date or received_at


def _parents(message: Message, owners: Mapping[str, int]) -> set[int]:
    answered = (*message.in_reply_to, *message.references)
    return {owners[one] for one in answered if one in owners}


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
