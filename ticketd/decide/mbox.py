"""The mbox format, variant mboxrd: many mails in one file, each to be had back byte for byte (RFC 4155).

A mail follows a line ``From MAILER-DAEMON <time>`` and is followed by one line feed that
is not its own. Of its lines those that begin with ``From `` after any number of ``>`` get
one ``>`` more. Line ends are left as they came.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

_LOOKS_LIKE_A_BEGINNING = re.compile(rb"^(>*From )", re.MULTILINE)
_QUOTED = re.compile(rb"^>(>*From )", re.MULTILINE)


def entry(content: bytes, at: datetime) -> bytes:
    """A mail that came or went ``at`` that time, as it stands in an mbox file."""
    first = f"From MAILER-DAEMON {at.astimezone(UTC):%a %b %e %H:%M:%S %Y}\n".encode("ascii")
    return first + _LOOKS_LIKE_A_BEGINNING.sub(rb">\1", content) + b"\n"


def mails(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The mails of an mbox file, given line by line, as they were."""
    mail: list[bytes] | None = None
    for line in lines:
        if line.startswith(b"From "):
            if mail is not None:
                yield _unquoted(mail)
            mail = []
        elif mail is not None:
            mail.append(line)
    if mail is not None:
        yield _unquoted(mail)


def _unquoted(lines: list[bytes]) -> bytes:
    return _QUOTED.sub(rb"\1", b"".join(lines).removesuffix(b"\n"))
