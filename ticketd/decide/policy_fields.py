"""The kinds of value that a config may hold, each read from its TOML form.

A reader takes what TOML gave and returns the value; what it cannot take it refuses
with a ``ValueError`` whose text follows the key's name ("must be …"). Values follow
RFC 5321 §4.1.2 (addresses) and RFC 3501 §5.1 (folder names). Knows nothing of files.
"""

from __future__ import annotations

import json
import string
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator

from ticketd.decide.pattern import check_pattern

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "y": 365 * 86400}
_SIZES = {"KB": 1000, "MB": 1000**2, "GB": 1000**3}
_ATEXT = frozenset(string.ascii_letters + string.digits + "!#$%&'*+-/=?^_`{|}~.")
_LABEL = frozenset(string.ascii_letters + string.digits + "-")
_CENTURY = timedelta(days=36500)  # longer ones would overflow a datetime
_FULL_DAY = 24 * 60
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def shown(value: object) -> str:
    """Show a refused value: short, on one line, a string quoted as in TOML."""
    if not isinstance(value, str):
        return str(value)[:60]
    return json.dumps(value if len(value) <= 60 else f"{value[:60]}…", ensure_ascii=False)


def read_duration(value: object) -> timedelta:
    """Turn ``"90s"``, ``"5m"``, ``"2h"``, ``"3d"``, ``"5y"`` into a timedelta of at most a century."""
    if isinstance(value, timedelta):
        return value
    text = value if isinstance(value, str) else ""
    number, unit = text[:-1], text[-1:]
    if not (number.isascii() and number.isdigit() and unit in _UNITS):
        raise ValueError(f'must be a duration like "90s", "5m", "2h", "3d" or "5y", not {shown(value)}')
    if len(number) > 10 or int(number) * _UNITS[unit] > _CENTURY.total_seconds():
        raise ValueError(f"must be at most 100 years, not {shown(value)}")
    return timedelta(seconds=int(number) * _UNITS[unit])


def _positive(value: timedelta) -> timedelta:
    if value <= timedelta():
        raise ValueError('must be longer than "0s"')
    return value


def read_size(value: object) -> object:
    """Turn ``"50MB"`` into bytes; an integer is bytes already."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    text = value if isinstance(value, str) else ""
    number, unit = text[:-2], text[-2:].upper()
    if not (number.isascii() and number.isdigit() and len(number) <= 9 and unit in _SIZES and int(number)):
        raise ValueError(f'must be a size like "800KB" or "50MB", not {shown(value)}')
    return int(number) * _SIZES[unit]


@dataclass(frozen=True, slots=True)
class Span:
    """A length of business time: ``time`` in hours, or ``days`` business days."""

    days: int = 0
    time: timedelta = timedelta()


def read_span(value: object) -> Span:
    """Turn ``"4h"`` into business time, ``"2d"`` into business days."""
    if isinstance(value, Span):
        return value
    duration = _positive(read_duration(value))
    if isinstance(value, str) and value.endswith("d"):
        return Span(days=duration.days)
    return Span(time=duration)


def one_line(value: str) -> str:
    """Take a text that may stand in a header or a log line: no control characters."""
    if any(ord(character) < 32 or 127 <= ord(character) < 160 for character in value):
        raise ValueError("must be one line, without control characters")
    return value


def word(value: str) -> str:
    """Take a name: one line of 1 to 64 characters that cannot be mistaken for an address or a list."""
    if not 0 < len(value) <= 64 or value != value.strip() or "@" in value or "," in value:
        raise ValueError(f'must be a short name without "@" and ",", not {shown(value)}')
    return one_line(value)


def _is_domain(value: str) -> bool:
    try:
        labels = value.encode("idna").decode("ascii").split(".")
    except UnicodeError:
        return False
    plain = all(_LABEL.issuperset(label) and label and label.strip("-") == label for label in labels)
    return plain and len(".".join(labels)) <= 253


def check_domain(value: str) -> str:
    """Take a domain name, also one outside ASCII (RFC 5890)."""
    if not _is_domain(value):
        raise ValueError(f'must be a domain like "example.com", not {shown(value)}')
    return value


def check_address(value: str) -> str:
    """Take a bare mail address: a dot-atom, ``@``, a domain (RFC 5321 §4.1.2)."""
    local, _, domain = value.rpartition("@")
    atom = 0 < len(local) <= 64 and _ATEXT.issuperset(local) and "" not in local.split(".")
    if not (atom and _is_domain(domain)):
        raise ValueError(f'must be one bare address like "support@example.com", not {shown(value)}')
    return value


def check_folder(value: str) -> str:
    """Take the name of an IMAP folder."""
    if not 0 < len(value) <= 200:
        raise ValueError("must be the name of a folder")
    return one_line(value)


def check_after_ingest(value: str) -> str:
    """Take ``keep``, ``seen``, ``delete`` or ``move:FOLDER``."""
    if value.startswith("move:"):
        check_folder(value.removeprefix("move:"))
    elif value not in ("keep", "seen", "delete"):
        raise ValueError(f'must be "keep", "seen", "delete" or "move:FOLDER", not {shown(value)}')
    return value


def import_line(value: str | date | datetime, now: datetime) -> datetime | None:
    """The moment from which mail is taken, for a mailbox first connected at ``now``; None: all of it.

    Dates begin at midnight UTC. Raises ``ValueError`` for what is none of the four forms.
    """
    if value == "now":
        return now
    if value == "all":
        return None
    if isinstance(value, str) and value[-1:] in _UNITS:
        return now - read_duration(value)
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def read_import_since(value: object) -> str | date | datetime:
    """Take ``now``, ``all``, a date (quoted or not) or a duration, and keep it as it stands."""
    expected = 'must be "now", "all", a date like 2026-01-01 or a duration like "14d"'
    if not isinstance(value, str | date):
        raise ValueError(f"{expected}, not {shown(value)}")
    try:
        import_line(value, datetime(2999, 1, 1, tzinfo=UTC))
    except ValueError:
        raise ValueError(f"{expected}, not {shown(value)}") from None
    return value


def read_date(value: object) -> date:
    """Turn ``"2026-12-24"`` or TOML's own date into a date."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return date.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        raise ValueError(f'must be a date like "2026-12-24", not {shown(value)}') from None


def read_minute(text: str) -> int:
    """Minutes since midnight of ``"09:30"``; ``"24:00"`` is the end of the day."""
    hour, _, minute = text.partition(":")
    digits = (hour + minute).isascii() and hour.isdigit() and minute.isdigit()
    if digits and len(hour) <= 2 == len(minute) and int(minute) < 60:
        minutes = int(hour) * 60 + int(minute)
        if minutes <= _FULL_DAY:
            return minutes
    raise ValueError(f'must be a time like "09:30", not {shown(text)}')


def check_hours(value: str) -> str:
    """Take a day's spans, ``"09:00-12:00,13:00-17:00"``; one may run over midnight."""
    for span in value.split(","):
        begin, _, end = (part.strip() for part in span.partition("-"))
        try:
            empty = read_minute(begin) in (read_minute(end), _FULL_DAY)
        except ValueError:
            empty = True
        if empty:
            raise ValueError(
                f'must be hours like "09:00-17:00" or "09:00-12:00,13:00-17:00", not {shown(value)}'
            )
    return value


def check_week(value: Mapping[str, str]) -> Mapping[str, str]:
    """Take business hours that open at least one day: else nothing would ever be due."""
    if not value:
        raise ValueError("must name at least one day; leave the key out for round the clock")
    return value


def check_daily(value: str) -> str:
    """Take a time of day."""
    if read_minute(value) == _FULL_DAY:
        raise ValueError('must be a time like "09:30", not "24:00"')
    return value


def check_weekly(value: str) -> str:
    """Take ``"08:00"`` (every day) or ``"mon 08:00"`` (once a week)."""
    day, space, minute = value.rpartition(" ")
    try:
        check_daily(minute)
    except ValueError:
        day, space = "", " "
    if space and day not in DAYS:
        raise ValueError(f'must be a time like "08:30" or "mon 08:00", not {shown(value)}')
    return value


def check_zone(value: str) -> str:
    """Take the name of a time zone that this machine knows."""
    try:
        ZoneInfo(value)
    except (LookupError, ValueError, OSError):
        raise ValueError(f'must be a time zone like "Europe/Warsaw", not {shown(value)}') from None
    return value


def check_template(value: object) -> bool | str:
    """Take true, false or the name of a template: letters, digits, ``-`` and ``_``."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false", "yes", "no", "on", "off"):
        raise ValueError(
            f"must be true or false without quotes, or the name of a template, not {shown(value)}"
        )
    if isinstance(value, str) and value.replace("-", "").replace("_", "").isalnum():
        return value
    raise ValueError(f"must be true, false or the name of a template, not {shown(value)}")


Flag = Annotated[bool, Field(strict=True)]
Count = Annotated[int, Field(strict=True, ge=0)]
Number = Annotated[int, Field(strict=True, ge=1)]
Text = Annotated[str, AfterValidator(one_line)]
Name = Annotated[str, AfterValidator(word)]
MailAddress = Annotated[str, AfterValidator(check_address)]
Domain = Annotated[str, AfterValidator(check_domain)]
Folder = Annotated[str, AfterValidator(check_folder)]
AfterIngest = Annotated[str, AfterValidator(check_after_ingest)]
ImportSince = Annotated[str | date | datetime, PlainValidator(read_import_since)]
Day = Annotated[date, BeforeValidator(read_date)]
Hours = Annotated[str, AfterValidator(check_hours)]
Daily = Annotated[str, AfterValidator(check_daily)]
Weekly = Annotated[str, AfterValidator(check_weekly)]
Zone = Annotated[str, AfterValidator(check_zone)]
Template = Annotated[bool | str, PlainValidator(check_template)]
Pattern = Annotated[str, AfterValidator(check_pattern)]
Duration = Annotated[timedelta, BeforeValidator(read_duration)]
Period = Annotated[Duration, AfterValidator(_positive)]
Size = Annotated[int, BeforeValidator(read_size)]
BusinessTime = Annotated[Span, BeforeValidator(read_span)]
