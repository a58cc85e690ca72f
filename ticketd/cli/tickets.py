"""Commands about tickets: list, show, new, set, reply, note, merge, spam, block."""

from __future__ import annotations

import mimetypes
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ticketd.cli import show
from ticketd.cli.saving import save_ticket
from ticketd.cli.state import LARGEST_ID, assembly, desk, now, read_file, read_text, writing
from ticketd.errors import UsageError

if TYPE_CHECKING:
    from ticketd.decide.excerpts.commands import Instruction
    from ticketd.decide.model import Attachment

JsonFlag = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
As = Annotated[str | None, typer.Option("--as", help="The agent who does it; else it is the system.")]
Attach = Annotated[list[Path] | None, typer.Option("--attach", help="A file to attach; may be repeated.")]


class Folder(StrEnum):
    """The saved views of tickets."""

    UNASSIGNED = "unassigned"
    MY_OPEN = "my-open"
    ALL_OPEN = "all-open"
    PENDING = "pending"
    SOLVED = "solved"
    SPAM = "spam"
    ALL = "all"


class StatusWord(StrEnum):
    """A ticket's status."""

    OPEN = "open"
    PENDING = "pending"
    SOLVED = "solved"


class PriorityWord(StrEnum):
    """A ticket's priority."""

    LOW = "low"
    NORMAL = "normal"
    URGENT = "urgent"


def register(app: typer.Typer) -> None:
    """Add these commands to the app."""
    app.command("list")(list_tickets)
    app.command("show")(show_ticket)
    app.command("new")(new_ticket)
    app.command("set")(set_fields)
    app.command("reply")(reply)
    app.command("note")(note)
    app.command("merge")(merge)
    app.command("spam")(spam)
    app.command("block")(block)


def list_tickets(
    context: typer.Context,
    folder: Annotated[Folder, typer.Argument(help="Which tickets.")] = Folder.ALL_OPEN,
    agent: Annotated[
        str | None, typer.Option("--agent", help="Whose, for my-open: a name or address.")
    ] = None,
    mailbox: Annotated[str | None, typer.Option("--mailbox", help="Of this mailbox only.")] = None,
    search: Annotated[
        str | None, typer.Option("--search", help="Words in subjects, addresses, bodies.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 100,
    json: JsonFlag = False,
) -> None:
    """List tickets: urgent first, then what is due soonest, then the oldest update."""
    with desk(context) as (ready, front):
        whose = front.agent(agent)
        if folder is Folder.MY_OPEN and whose is None:
            raise UsageError("my-open needs --agent: whose tickets?")
        if mailbox is not None:
            front.mailbox(mailbox)
        with ready.store.view() as view:
            found = view.list_tickets(folder, whose.key if whose else None, mailbox, search, limit)
    if json:
        show.as_json(found)
    else:
        _table(found)


_STYLES = {"urgent": "bold red", "low": "dim"}


def _table(found: list[dict[str, Any]]) -> None:
    rows = [
        (
            one["id"],
            one["subject"],
            one["requester"]["address"] or "unknown",
            one["status"],
            one["priority"],
            show.when(one["created_at"]),
            show.when(one["updated_at"]),
            one["assignee"] or "",
            _due(one),
        )
        for one in found
    ]
    headings = ("ID", "SUBJECT", "REQUESTER", "STATUS", "PRIORITY", "CREATED", "UPDATED", "ASSIGNEE", "DUE")
    styles = {
        number: _STYLES[one["priority"]] for number, one in enumerate(found) if one["priority"] in _STYLES
    }
    show.table(headings, rows, styles)


def _due(one: dict[str, Any]) -> str:
    """What is due, in words."""
    from datetime import datetime

    from ticketd.decide.deadlines.words import due_in_words
    from ticketd.decide.model import Ticket

    def moment(name: str) -> datetime | None:
        return datetime.fromisoformat(one[name]) if one[name] else None

    if one["due_at"] is None:
        return ""
    at = now()
    ticket = Ticket(
        id=0,
        subject="",
        mailbox="",
        created_at=at,
        updated_at=at,
        first_reply_due_at=moment("first_reply_due_at"),
        next_reply_due_at=moment("next_reply_due_at"),
        solve_due_at=moment("solve_due_at"),
    )
    return due_in_words(ticket, at)


def show_ticket(
    context: typer.Context,
    number: Annotated[int, typer.Argument(metavar="ID", max=LARGEST_ID, help="The ticket.")],
    json: JsonFlag = False,
    save: Annotated[Path | None, typer.Option("--save", help="Write raw mails and attachments here.")] = None,
) -> None:
    """Show one ticket whole: fields, messages, notes, events."""
    with assembly(context) as ready, ready.store.view() as view:
        found = view.ticket(number)
        if save is not None:
            with writing(save):
                save_ticket(view, found, save)
    if json:
        show.as_json(found)
    else:
        _whole(found)


def _whole(found: dict[str, Any]) -> None:
    people = ", ".join(show.who(person) for person in found["participants"])
    show.fields(
        {
            "Ticket": f"#{found['id']} {found['subject']}",
            "Status": found["status"] + (" (spam)" if found["spam"] else ""),
            "Priority": found["priority"],
            "Requester": show.who(found["requester"]),
            "Participants": people,
            "Assignee": found["assignee"] or "nobody",
            "Mailbox": f"{found['mailbox']} ({found['channel']})",
            "Tags": " ".join(found["tags"]),
            "Created": show.when(found["created_at"]),
            "Updated": show.when(found["updated_at"]),
            "Due": _due(found),
        }
    )
    for message in found["messages"]:
        author = show.line(show.who(message["author"]))
        print(f"\n── {message['kind']} · {author} · {show.when(message['received_at'])}")
        print(show.body(message["text"].rstrip()))
        for one in message["attachments"]:
            print(f"   [{show.line(one['filename'])}, {one['size']} bytes]")
        for defect in message["defects"]:
            print(f"   ({show.line(defect)})")
    print("\n── events")
    for one in found["events"]:
        change = " → ".join(str(side) for side in (one["from"], one["to"]) if side is not None)
        print(
            show.line(
                f"{show.when(one['at'])}  {one['actor']}  {one['kind']}  {change}  {one['detail'] or ''}"
            ).rstrip()
        )


def _files(paths: list[Path] | None) -> tuple[Attachment, ...]:
    from ticketd.decide.model import Attachment

    made = []
    for path in paths or []:
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        made.append(Attachment(path.name, kind, read_file(path)))
    return tuple(made)


def _instruction(name: str, argument: str) -> Instruction:
    """One option as the command that an agent would write; wrong usage where that is none."""
    from ticketd.decide.excerpts.commands import Problem, read_line

    read = read_line(f"#{name} {argument}")
    if isinstance(read, Problem):
        raise UsageError(f"--{name} {argument!r}: {read.reason.removeprefix(f'#{name} ')}")
    return read


def _tag(word: str) -> Instruction:
    return _instruction("tag", word if word[:1] in "+-" else f"+{word}")


def new_ticket(
    context: typer.Context,
    requester: Annotated[str | None, typer.Option("--requester", help="The customer's address.")] = None,
    subject: Annotated[str | None, typer.Option("--subject", help="What it is about.")] = None,
    mailbox: Annotated[
        str | None, typer.Option("--mailbox", help="May be left out where there is one.")
    ] = None,
    name: Annotated[str, typer.Option("--name", help="The customer's name.")] = "",
    priority: Annotated[
        PriorityWord | None, typer.Option("--priority", help="Else what the SLA says.")
    ] = None,
    assign: Annotated[str | None, typer.Option("--assign", help="An agent's name or address.")] = None,
    status: Annotated[StatusWord, typer.Option("--status", help="How it stands.")] = StatusWord.OPEN,
    tag: Annotated[list[str] | None, typer.Option("--tag", help="A short word; may be repeated.")] = None,
    note: Annotated[str, typer.Option("--note", help="An internal note.")] = "",
    attach: Attach = None,
    actor: As = None,
    from_chat: Annotated[
        Path | None, typer.Option("--from-chat", help="Take everything from a chat transcript (JSON).")
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Open a ticket; the text on standard input is mailed to the requester."""
    from ticketd.decide.acting.manual import Opening
    from ticketd.decide.excerpts.commands import Commands

    with desk(context) as (ready, front):
        if from_chat is not None:
            from ticketd.collect.chat import opening_of, read_transcript

            opening = opening_of(read_transcript(read_file(from_chat)), front)
        else:
            if requester is None or not (subject or "").strip():
                raise UsageError("say who and what: --requester ADDRESS --subject TEXT")
            given = [_instruction("status", status)]
            given += [_instruction("priority", priority)] if priority else []
            given += [_instruction("assign", assign)] if assign and front.agent(assign) else []
            given += [_tag(word) for word in tag or []]
            opening = Opening(
                mailbox=front.mailbox(mailbox),
                requester=front.customer(requester, name),
                subject=(subject or "").strip(),
                text=read_text(),
                note=note,
                attachments=_files(attach),
                commands=Commands(tuple(given)),
                agent=front.agent(actor),
            )
        number = front.open(opening)
        with ready.store.view() as view:
            made = view.ticket(number)
    if json:
        show.as_json(made)
    else:
        print(f"#{number}")


def set_fields(
    context: typer.Context,
    number: Annotated[int, typer.Argument(metavar="ID", max=LARGEST_ID, help="The ticket.")],
    status: Annotated[StatusWord | None, typer.Option("--status", help="How it stands.")] = None,
    priority: Annotated[PriorityWord | None, typer.Option("--priority", help="How much it hurries.")] = None,
    assign: Annotated[
        str | None, typer.Option("--assign", help="An agent's name or address, or none.")
    ] = None,
    subject: Annotated[str | None, typer.Option("--subject", help="What it is about.")] = None,
    requester: Annotated[str | None, typer.Option("--requester", help="The customer's address.")] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", help="+word adds, -word removes.")] = None,
    actor: As = None,
) -> None:
    """Change fields of a ticket."""
    with desk(context) as (_ready, front):
        given = [_instruction("status", status)] if status else []
        given += [_instruction("priority", priority)] if priority else []
        if assign is not None:
            front.agent(assign)
            given.append(_instruction("assign", assign))
        given += [_instruction("subject", subject)] if subject is not None else []
        if requester is not None:
            given.append(_instruction("requester", front.customer(requester).address))
        given += [_tag(word) for word in tag or []]
        if not given:
            raise UsageError(
                "say what to change: --status, --priority, --assign, --subject, --requester or --tag"
            )
        front.change(number, given, front.agent(actor))


def reply(
    context: typer.Context,
    number: Annotated[int, typer.Argument(metavar="ID", max=LARGEST_ID, help="The ticket.")],
    actor: As = None,
    status: Annotated[
        StatusWord | None, typer.Option("--status", help="Afterwards; else as configured.")
    ] = None,
    attach: Attach = None,
) -> None:
    """Mail the text on standard input to the ticket's participants."""
    with desk(context) as (_ready, front):
        front.reply(number, read_text(), front.agent(actor), _files(attach), status)


def note(
    context: typer.Context,
    number: Annotated[int, typer.Argument(metavar="ID", max=LARGEST_ID, help="The ticket.")],
    actor: As = None,
) -> None:
    """Keep the text on standard input as an internal note."""
    with desk(context) as (_ready, front):
        front.note(number, read_text(), front.agent(actor))


def merge(
    context: typer.Context,
    number: Annotated[int, typer.Argument(metavar="ID", max=LARGEST_ID, help="The ticket that goes.")],
    into: Annotated[int, typer.Argument(metavar="INTO", max=LARGEST_ID, help="The ticket that stays.")],
    actor: As = None,
) -> None:
    """Merge one ticket into another."""
    with desk(context) as (_ready, front):
        front.merge(number, into, front.agent(actor))


def spam(
    context: typer.Context,
    number: Annotated[int, typer.Argument(metavar="ID", max=LARGEST_ID, help="The ticket.")],
    undo: Annotated[bool, typer.Option("--undo", help="Take it out of spam again.")] = False,
    actor: As = None,
) -> None:
    """Put a ticket into the spam folder."""
    with desk(context) as (_ready, front):
        front.spam(number, front.agent(actor), not undo)


def block(
    context: typer.Context,
    address: Annotated[str, typer.Argument(help="The sender.")],
    undo: Annotated[bool, typer.Option("--undo", help="Accept their mail again.")] = False,
) -> None:
    """Send every later mail of this sender to spam."""
    with desk(context) as (_ready, front):
        front.block(address, not undo)
    print(f"{'accepted again' if undo else 'blocked'}: {address}", file=sys.stderr)
