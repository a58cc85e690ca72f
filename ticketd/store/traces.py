"""Find everything that is kept about a person: rows that name them, and mails whose bytes do.

What ``export`` writes and what ``forget`` removes is found here, so that both mean the
same. Reads every kept mail, which takes its time on a large desk: for readers, beside
everybody else's work. Knows nothing of what is done with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, Text, func, or_, select

from ticketd.decide.model import address_key
from ticketd.store.blocks import blocked_as
from ticketd.store.cases import block, message, ticket
from ticketd.store.tables import outbox, outgoing, raw_mail

_WORDS = (message.c.text, message.c.new_text, message.c.html, message.c.subject)
_PEOPLE = (message.c.to, message.c.cc, message.c.reply_to, message.c.bounce)


@dataclass(frozen=True)
class Person:
    """Somebody by their address, folded for comparison; a part of an address names nobody."""

    address: str

    @cached_property
    def _pattern(self) -> str:
        return rf"(?<![\w.%+-]){re.escape(self.address)}(?![\w-]|\.\w)"

    @cached_property
    def _in_text(self) -> re.Pattern[str]:
        return re.compile(self._pattern, re.IGNORECASE)

    @cached_property
    def _in_bytes(self) -> re.Pattern[bytes]:
        return re.compile(self._pattern.encode(), re.IGNORECASE)

    def named_in(self, text: str | None) -> bool:
        """Whether the address stands in a text."""
        return bool(text) and self._in_text.search(text or "") is not None

    def named_in_mail(self, content: bytes) -> bool:
        """Whether the address stands in a mail's bytes as they are."""
        return self._in_bytes.search(content) is not None

    def among(self, people: Sequence[Sequence[str]]) -> bool:
        """Whether this is one of the people of a JSON column."""
        return any(address_key(one[0]) == self.address for one in people)

    def without(self, people: Sequence[Sequence[str]]) -> list[Sequence[str]]:
        """The others."""
        return [one for one in people if address_key(one[0]) != self.address]

    def struck_from(self, text: str, by: str) -> str:
        """A text in which ``by`` stands for the address."""
        return self._in_text.sub(lambda _: by, text)


@dataclass(frozen=True, slots=True)
class Mails:
    """Mails whose bytes name a person, by their digests: those that came, and ours."""

    came: tuple[str, ...] = ()
    sent: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Traces:
    """Where a person is named: tickets, messages of others, mails, what is queued for them, a block."""

    tickets: tuple[int, ...]
    named_in: tuple[int, ...]
    mails: Mails
    outbox: tuple[int, ...]
    blocked: bool

    def __bool__(self) -> bool:
        """Whether anything is kept at all."""
        mails = self.mails.came or self.mails.sent
        return bool(self.tickets or self.named_in or mails or self.outbox or self.blocked)


def find_traces(connection: Connection, address: str, mails: Mails | None = None) -> Traces:
    """Everything kept about a person (a folded address); ``mails`` where they were found before."""
    person = Person(address)
    named = naming_messages(connection, person)
    numbers = {*tickets_of(connection, address), *(row.ticket for row in named)}
    theirs = select(outbox.c.id).where(outbox.c.recipient_key == address).order_by(outbox.c.id)
    barred = select(block.c.address).where(block.c.address.in_(blocked_as(connection, address)))
    return Traces(
        tuple(sorted(numbers)),
        tuple(row.id for row in named),
        find_mails(connection, address) if mails is None else mails,
        tuple(connection.scalars(theirs)),
        connection.scalar(barred) is not None,
    )


def find_mails(connection: Connection, address: str) -> Mails:
    """The mails whose bytes name a person: every kept mail is read."""
    person = Person(address)
    return Mails(tuple(_naming(connection, raw_mail, person)), tuple(_naming(connection, outgoing, person)))


def _naming(connection: Connection, table: Table, person: Person) -> Iterator[str]:
    """The database looks for the letters, Python sees whether they are the whole address."""
    holds = _position(connection, table.c.content, person.address) > 0
    for digest in connection.scalars(select(table.c.sha256).where(holds).order_by(table.c.sha256)).all():
        content = connection.scalar(select(table.c.content).where(table.c.sha256 == digest))
        if content and person.named_in_mail(content):
            yield digest


def _position(connection: Connection, content: ColumnElement[bytes], word: str) -> ColumnElement[int]:
    """Where a word in small letters stands in bytes, whatever the case there; 0 nowhere."""
    if connection.dialect.name == "sqlite":
        return func.instr(func.lower(content.cast(Text)), word)
    return func.strpos(func.lower(func.encode(content, "escape")), word)


def naming_messages(connection: Connection, person: Person) -> list[Any]:
    """Messages that somebody else wrote and that name the person, as rows."""
    rows = connection.execute(select(message).where(_mentions((*_WORDS, *_PEOPLE), person.address)))
    return [row for row in rows if row.author_key != person.address and names(row, person)]


def names(row: Any, person: Person) -> bool:
    """Whether a message is to the person or says their address."""
    words = (row.text, row.new_text, row.html, row.subject, (row.bounce or {}).get("recipient"))
    listed = (*row.to, *row.cc, *row.reply_to)
    return person.among(listed) or any(person.named_in(text) for text in words)


def _mentions(columns: Iterable[ColumnElement[Any]], address: str) -> ColumnElement[bool]:
    """The condition that one of these columns holds the letters of an address, JSON as text."""
    pattern = f"%{_escaped(address)}%"
    return or_(*(column.cast(Text).ilike(pattern, escape="\\") for column in columns))


def mentioning(connection: Connection, table: Table, person: Person, *columns: str) -> list[Any]:
    """The rows of a table that name the person in one of these columns of text."""
    found = select(table).where(_mentions([table.c[name] for name in columns], person.address))
    return [
        row
        for row in connection.execute(found)
        if any(person.named_in(getattr(row, name)) for name in columns)
    ]


def tickets_of(connection: Connection, address: str) -> list[int]:
    """The tickets that a person (a folded address) has, takes part in or wrote on."""
    wrote = select(message.c.ticket).where(message.c.author_key == address)
    own = select(ticket.c.id).where(ticket.c.requester_key == address)
    return sorted({*connection.scalars(wrote), *connection.scalars(own), *taking_part(connection, address)})


def taking_part(connection: Connection, address: str) -> set[int]:
    """Tickets that list the person beside their requester: their JSON is searched as text."""
    person = Person(address)
    rows = connection.execute(
        select(ticket).where(_mentions((ticket.c.participants, ticket.c.suggested), address))
    )
    return {row.id for row in rows if person.among((*row.participants, *row.suggested))}


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
