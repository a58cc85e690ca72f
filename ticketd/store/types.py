"""Column types that make both databases keep the same thing: times in UTC, clean text, plain JSON.

SQLite drops time zones, PostgreSQL refuses NUL, both refuse lone surrogates: what is
bound here is made storable first. Knows nothing of tables.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Integer, LargeBinary, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

Id = BigInteger().with_variant(Integer(), "sqlite")
"""A key that the database counts up: SQLite does so only for a column called INTEGER."""

Bytes = LargeBinary

_KEY_LENGTH = 300

FAR = datetime(9999, 12, 31, tzinfo=UTC)
"""Stands for "never" where a time must sort after all others."""


def clean(text: str) -> str:
    """``text`` as both databases can keep it: no NUL, no lone surrogates."""
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode("utf-8")
    return text


class CleanText(TypeDecorator[str]):
    """Text of any length, made storable on the way in."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Drop what no database takes."""
        return None if value is None else clean(value)


class KeyText(CleanText):
    """Text from outside that an index holds: an absurdly long one is cut, and told apart by its digest.

    PostgreSQL's index rows end at 2,704 bytes. What is compared with the column is cut alike.
    """

    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Cut what is longer than any honest id or address."""
        value = super().process_bind_param(value, dialect)
        if value is None or len(value) <= _KEY_LENGTH:
            return value
        return value[:_KEY_LENGTH] + hashlib.sha256(value.encode()).hexdigest()


def _without_nul(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "\ufffd")
    if isinstance(value, dict):
        return {key: _without_nul(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nul(each) for each in value]
    return value


class Json(TypeDecorator[Any]):
    """A small value as JSON text: lists of addresses, tags, ids."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Write compact JSON; empty lists and None are common and cheap."""
        if value is None:
            return None
        if not value:
            return "[]"
        written = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        if "\\u0000" in written:
            written = json.dumps(_without_nul(value), ensure_ascii=False)
        return clean(written)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """Read it back."""
        if value is None:
            return None
        return [] if value == "[]" else json.loads(value)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment: aware going in, stored as UTC, aware coming out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a naive time: nobody knows which moment it means."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give it back aware, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
