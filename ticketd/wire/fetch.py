"""Fetching whole mails with bounded memory, believing nothing that cannot be checked (RFC 9051 §6.4.5).

Small mails come in batches bounded by count and bytes, big ones in slices, those above the
limit as headers alone. A mail is complete only when the server gave its body as bytes under
its own UID. Knows nothing of sockets: it asks through the two functions that it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ticketd.wire import Refused

AT_ONCE = 50  # mails in one FETCH
BATCH_BYTES = 4_000_000  # bytes in one FETCH
SLICE = 1_000_000  # bytes of a big mail in one FETCH
SIZES_AT_ONCE = 200
HEADER_BYTES = 262_144  # of a mail that is too big, at most so much

Answer = dict[bytes, Any]
Ask = Callable[[Sequence[int], Sequence[str]], dict[int, Answer]]


@dataclass(frozen=True, slots=True)
class Fetched:
    """One mail as the server gave it.

    ``content`` is all of it when ``complete``, else the headers of a mail above the size limit,
    else None: then it has ``vanished`` from the folder, or the server ``refused`` it with these words.
    ``warning`` says that its length is not the announced ``size``; the bytes are right nevertheless.
    """

    uid: int
    internal_date: datetime | None
    size: int
    content: bytes | None = None
    complete: bool = False
    vanished: bool = False
    refused: str | None = None
    warning: str | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a mail before it is fetched."""

    size: int
    internal_date: datetime


class Fetcher:
    """Fetches the mails of one folder; ``listed`` says whether the server still lists a UID."""

    def __init__(self, ask: Ask, listed: Callable[[int], bool], max_size: int) -> None:
        self._ask, self._listed, self._max_size = ask, listed, max_size

    def fetch(self, uids: Sequence[int]) -> Iterator[Fetched]:
        """Every mail asked for, in the order of UIDs, each with its fate."""
        for group in chunks(sorted(set(uids)), SIZES_AT_ONCE):
            facts = self._facts(group)
            for batch in _batches(group, facts, self._max_size):
                yield from self._batch(batch, facts)

    def _facts(self, uids: Sequence[int]) -> dict[int, Facts]:
        try:
            return sizes(self._ask, uids)
        except Refused:
            if len(uids) == 1:
                return {}
        return {uid: facts for each in uids for uid, facts in self._facts([each]).items()}

    def _batch(self, uids: Sequence[int], facts: dict[int, Facts]) -> Iterator[Fetched]:
        """Mails that may be fetched together; one by one where the server refuses the batch."""
        if len(uids) == 1:
            yield self._one(uids[0], facts.get(uids[0]))
            return
        try:
            answers = self._ask(uids, ["BODY.PEEK[]"])
        except Refused:
            for uid in uids:
                yield self._one(uid, facts.get(uid))
            return
        for uid in uids:
            yield self._whole(uid, facts[uid], _body(answers.get(uid)))

    def _one(self, uid: int, facts: Facts | None) -> Fetched:
        if facts is None:
            return self._absent(uid, None)
        try:
            if facts.size > self._max_size:
                return self._headers(uid, facts)
            if facts.size > SLICE:
                return self._whole(uid, facts, self._sliced(uid))
            return self._whole(uid, facts, _body(self._ask([uid], ["BODY.PEEK[]"]).get(uid)))
        except Refused as refusal:
            return Fetched(uid, facts.internal_date, facts.size, refused=str(refusal))

    def _whole(self, uid: int, facts: Facts, content: bytes | None) -> Fetched:
        """Judge a body: whether it is there, all of it, and within the limit."""
        if content is None or (not content and facts.size):
            return self._absent(uid, facts)
        if len(content) > self._max_size:
            return self._headers(uid, facts)
        warning = None
        if len(content) != facts.size:
            warning = f"the server announced {facts.size} bytes and sent {len(content)}"
        return Fetched(uid, facts.internal_date, facts.size, content, complete=True, warning=warning)

    def _sliced(self, uid: int) -> bytes | None:
        """A big mail piece by piece, until a piece is short or the limit is passed."""
        pieces: list[bytes] = []
        while SLICE * len(pieces) <= self._max_size:
            wanted = f"BODY.PEEK[]<{SLICE * len(pieces)}.{SLICE}>"
            piece = _body(self._ask([uid], [wanted]).get(uid))
            if piece is None:
                return None
            pieces.append(piece)
            if len(piece) != SLICE:
                break
        return b"".join(pieces)

    def _headers(self, uid: int, facts: Facts) -> Fetched:
        """What is kept of a mail that is too big."""
        answer = self._ask([uid], [f"BODY.PEEK[HEADER]<0.{HEADER_BYTES}>"]).get(uid)
        content = _body(answer)
        if content is None:
            return self._absent(uid, facts)
        return Fetched(uid, facts.internal_date, facts.size, content[:HEADER_BYTES])

    def _absent(self, uid: int, facts: Facts | None) -> Fetched:
        """A mail that was not given: gone only if the server no longer lists it (RFC 9051 §7.5.2)."""
        date, size = (facts.internal_date, facts.size) if facts else (None, 0)
        if self._listed(uid):
            return Fetched(uid, date, size, refused="the server lists the mail but does not give it")
        return Fetched(uid, date, size, vanished=True)


def sizes(ask: Ask, uids: Sequence[int]) -> dict[int, Facts]:
    """Size and arrival of each mail; those of which the server says nothing are left out."""
    answers = ask(uids, ["RFC822.SIZE", "INTERNALDATE"])
    known = {}
    for uid in uids:
        size = answers.get(uid, {}).get(b"RFC822.SIZE")
        if isinstance(size, int):
            known[uid] = Facts(size, _arrival(answers[uid].get(b"INTERNALDATE")))
    return known


def chunks(uids: Sequence[int], length: int) -> Iterator[Sequence[int]]:
    """Runs of at most ``length`` UIDs, so that no command line grows too long."""
    for start in range(0, len(uids), length):
        yield uids[start : start + length]


def _batches(uids: Sequence[int], facts: dict[int, Facts], max_size: int) -> Iterator[list[int]]:
    """Part UIDs into fetches: few, small together; the big and the unknown each alone."""
    batch: list[int] = []
    total = 0
    for uid in uids:
        size = facts[uid].size if uid in facts else max_size + 1
        alone = size > min(SLICE, max_size)
        if batch and (alone or len(batch) == AT_ONCE or total + size > BATCH_BYTES):
            yield batch
            batch, total = [], 0
        batch.append(uid)
        total += size
        if alone:
            yield batch
            batch, total = [], 0
    if batch:
        yield batch


def _body(answer: Answer | None) -> bytes | None:
    """The bytes of the one BODY[…] item; None for NIL, for none, and for what is not a string."""
    for key, value in (answer or {}).items():
        if key.startswith(b"BODY[") and isinstance(value, bytes):
            return value
    return None


def _arrival(date: datetime | None) -> datetime:
    """INTERNALDATE in UTC; a date that is no date means that the mail came just now."""
    try:
        return date.astimezone(UTC) if date else datetime.now(UTC)
    except (OverflowError, ValueError):
        return datetime.now(UTC)
