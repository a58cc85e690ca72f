"""Write out everything that a desk keeps, in forms that any other program can load.

Into a new directory, for its owner alone: what is in there is the customers'. The last
file to be written is the one that says what the others hold; without it they are not all.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from ticketd.decide import mbox
from ticketd.errors import TicketdError, UsageError
from ticketd.store.everything import Dated, Everything

_PLAIN = re.compile(r"[a-z0-9_][a-z0-9._-]{0,59}", re.ASCII)
_OUR_ENDING = re.compile(r"(\.sent|-[0-9a-f]{8})$", re.ASCII)

ABOUT = """\
Everything that a ticketd desk kept, at one moment.

tickets.jsonl  a ticket a line, as `ticketd show ID --json` prints it, spam too. A ticket with
               "merged_into" has its own events alone: its messages are on the other.
ledger.jsonl   what became of every mail that came, a mail a line; sha256 is of its bytes
outbox.jsonl   what became of every mail to customers, a recipient a line
mail/*.mbox    the mails that came to each mailbox, and (*.sent.mbox) those that went to customers:
               mboxrd. Take one ">" from lines that begin with ">From ", ">>From " and so on, and
               the last line feed of each mail, and it is what it was, byte for byte.
files/ab/ab…   every attached file, by the sha256 that its message in tickets.jsonl names
export.json    what is here, in numbers; written last: without it the export was cut short

The desk's keys, passwords and notifications to agents are not here, nor are bounces and receipts of
those: ledger.jsonl alone names them. But agents' own answers are here, and each holds the id by which
the desk believes it, for 90 days; so may what others sent with a notification in it, such as a bounce
that the desk could not match (in the spam folder) or had not taken in. While the desk is in use keep
this as safe as the agents' mailboxes, or make those ids worthless with `ticketd revoke AGENT`.
"""


def write_everything(everything: Everything, directory: Path, facts: Mapping[str, Any]) -> Counter[str]:
    """Write all of it; how many of what. Refuses a directory that has something in it."""
    try:
        _make_room(directory)
        return _write(everything, directory, facts)
    except OSError as error:
        raise TicketdError(f"cannot write {error.filename or directory}: {error.strerror}") from None


def _make_room(directory: Path) -> None:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(directory.iterdir()):
        raise UsageError(f"{directory} is not empty: name a new directory, nothing is written over")
    directory.chmod(0o700)  # one that was there may be open to others
    for name in ("mail", "files"):
        (directory / name).mkdir(mode=0o700)


def _write(everything: Everything, directory: Path, facts: Mapping[str, Any]) -> Counter[str]:
    with _new(directory / "README.txt") as file:
        file.write(ABOUT.encode())
    counts = Counter(
        tickets=_write_lines(directory / "tickets.jsonl", everything.tickets()),
        ledger=_write_lines(directory / "ledger.jsonl", everything.ledger()),
        outbox=_write_lines(directory / "outbox.jsonl", everything.outbox()),
        files=_write_files(directory / "files", everything.files()),
    )
    for name in everything.mailboxes():
        plain = directory / "mail" / _file_name(name)
        counts["received"] += _write_mails(plain.with_name(f"{plain.name}.mbox"), everything.received(name))
        counts["sent"] += _write_mails(plain.with_name(f"{plain.name}.sent.mbox"), everything.sent(name))
    _write_lines(directory / "export.json", [{**facts, "counts": counts}])
    return counts


def _new(path: Path) -> BinaryIO:
    """A file that was not there, for its owner alone."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _write_lines(path: Path, documents: Iterable[Mapping[str, Any]]) -> int:
    count = 0
    with _new(path) as file:
        for document in documents:
            file.write(json.dumps(document, ensure_ascii=False).encode() + b"\n")
            count += 1
    return count


def _write_mails(path: Path, mails: Iterable[Dated]) -> int:
    count = 0
    with _new(path) as file:
        for at, content in mails:
            file.write(mbox.entry(content, at))
            count += 1
    return count


def _write_files(directory: Path, files: Iterable[tuple[str, bytes]]) -> int:
    count = 0
    for digest, content in files:
        with _new(directory / digest[:2] / digest) as file:
            file.write(content)
        count += 1
    return count


def _file_name(mailbox: str) -> str:
    """A mailbox's name where it is a plain word; else what is plain of it, and a digest.

    No two are alike, where capitals do not count either; none is another's with our endings.
    """
    if _PLAIN.fullmatch(mailbox) and not _OUR_ENDING.search(mailbox):
        return mailbox
    plain = "".join(char for char in mailbox if _PLAIN.fullmatch(f"_{char.lower()}")).lstrip(".-")[:60]
    return f"{plain}-{hashlib.sha256(mailbox.encode()).hexdigest()[:8]}"
