"""The command ``explain``: why a mail went where it went, what one would do.

Files are read one after the other, one desk for all; with ``--json`` a line for each.
"""

from __future__ import annotations

import json as jsonlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ticketd.cli import show
from ticketd.cli.state import now, quiet_log, settings_of
from ticketd.errors import NotFound, UsageError

if TYPE_CHECKING:
    from ticketd.explain import Explainer


def explain(
    context: typer.Context,
    mails: Annotated[
        list[str], typer.Argument(metavar="MESSAGE-ID|FILE.eml…", help="A mail that came, or files.")
    ],
    mailbox: Annotated[
        str | None, typer.Option("--mailbox", help="As if it came there; else where it is addressed to.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON document a line, in order.")] = False,
) -> None:
    """Show the trace of a mail's decision; for files, what would happen if each arrived now."""
    from ticketd.explain import explainer

    settings = settings_of(context)
    quiet_log(settings)
    unknown: list[str] = []
    with explainer(settings) as asked:
        if mailbox is not None and mailbox not in asked.policy.mailboxes:
            names = ", ".join(asked.policy.mailboxes)
            raise UsageError(f"there is no mailbox {mailbox!r}; the mailboxes are: {names}")
        for document in _documents(asked, mails, mailbox, unknown):
            if json:
                # ASCII alone: whatever stood in a mail, every locale can print it.
                print(jsonlib.dumps(document))
            else:
                _told(document)
    if unknown and all(map(_is_message_id, mails)):
        raise NotFound("; ".join(unknown))


def _documents(
    asked: Explainer, mails: list[str], mailbox: str | None, unknown: list[str]
) -> Iterator[dict[str, Any]]:
    """A document or more for each, in order; ``unknown`` hears of each Message-ID that is none."""
    for mail in mails:
        if not _is_message_id(mail):
            yield asked.file(Path(mail), mailbox, now())
            continue
        try:
            yield from asked.message_id(mail, mailbox, now())
        except NotFound as error:
            said = str(error) if mail.startswith("<") else f"{error}, and there is no file {mail}"
            unknown.append(said)
            yield asked.unknown(mail, said)


def _is_message_id(text: str) -> bool:
    """A file that is there is a file, whatever it is called."""
    shaped = "@" in text and "/" not in text and not text.endswith(".eml")
    return (shaped or (text[:1] == "<" and text[-1:] == ">")) and not os.path.lexists(text)


def _told(document: dict[str, Any]) -> None:
    """One document for a person to read."""
    message, row = document.get("message"), document.get("ledger")
    print(f"── {show.line(document.get('file') or document.get('message_id') or 'mail')}")
    if row:
        _recorded(row)
    if "outbox" in document:
        one = document["outbox"]
        print(f"   sent by us to {one['to']} on #{one['ticket'] or '-'}: {one['state']}")
    if message:
        _decided(document, message)
    if document["error"]:
        print(f"   error: {show.line(document['error'])}")


def _recorded(row: dict[str, Any]) -> None:
    ticket = f", #{row['ticket']}" if row["ticket"] else ""
    why = f": {row['reason']}" if row["reason"] else ""
    came = f"{row['mailbox']}/{row['folder']} UID {row['uid']}, {show.when(row['seen_at'])}"
    print(show.line(f"   it came to {came}; the ledger says {row['outcome']}{ticket}{why}"))
    print("   decided today, with what is known now:")


def _words(rule: str) -> str:
    return rule.replace("_", " ")


def _decided(document: dict[str, Any], message: dict[str, Any]) -> None:
    thread = document["thread"]
    placed = f"#{thread['ticket']} by {thread['by']}" if thread["ticket"] else "a new ticket"
    other = thread["perhaps"] not in (None, thread["ticket"])
    perhaps = f" (perhaps #{thread['perhaps']})" if other else ""
    standing = f", {document['standing']}" if document["standing"] else ""
    rows = {
        "from": f"{message['from']}: {document['identity']}{standing}",
        "proof": f"{document['proof']}; authentication: {document['authentication']}",
        "verdict": " · ".join((message["verdict"], *message["signs"])),
        "thread": placed + perhaps,
        "rule": f"{_words(document['rule'])} (not: {', '.join(map(_words, document['passed'])) or 'none'})",
    }
    for name, value in rows.items():
        print(f"   {name:<8} {show.line(value)}")
    for name, many in (("tried", document["trace"]), ("defect", message["defects"])):
        for one in many:
            print(f"   {name:<8} {show.line(one)}")
    for effect in document["effects"]:
        print(f"   {'effect':<8} {show.line(effect['words'])}")
