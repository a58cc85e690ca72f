"""A chat transcript (contract, "Chat transcript") as a ticket to open."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from ticketd.collect.desk import Desk
from ticketd.decide.acting.manual import Opening
from ticketd.decide.excerpts.commands import Commands, Instruction
from ticketd.decide.model import Channel
from ticketd.errors import UsageError


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, given: Any) -> Any:
        """Null is as good as absent: many tools write every field that they know."""
        if not isinstance(given, dict):
            return given
        return {name: value for name, value in given.items() if value is not None}


class Visitor(_Strict):
    """Who chatted; not every chat asks for an address."""

    address: str = ""
    name: str = ""


class Line(_Strict):
    """One line of a chat."""

    at: datetime | None = None
    sender: str = ""
    text: str

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=lambda name: {"sender": "from"}.get(name, name)
    )


class Transcript(_Strict):
    """A chat that becomes a ticket; ``message`` is mailed to the visitor."""

    channel: Literal["chat", "manual"] = "chat"
    visitor: Visitor
    subject: str
    mailbox: str | None = None
    transcript: tuple[Line, ...] = ()
    priority: Literal["low", "normal", "urgent"] | None = None
    assignee: str | None = None
    status: Literal["open", "pending", "solved"] = "open"
    tags: tuple[str, ...] = ()
    note: str = ""
    message: str = ""


def read_transcript(content: bytes) -> Transcript:
    """Read the JSON; UsageError says what is wrong with it, and where."""
    try:
        document: Any = json.loads(content)
    except RecursionError:
        raise UsageError("the transcript is not one: its JSON is nested too deeply") from None
    except ValueError as error:
        raise UsageError(f"the transcript is not JSON: {error}") from None
    try:
        return Transcript.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(step) for step in first["loc"])
        raise UsageError(f"the transcript's {where}: {first['msg']}") from None


def opening_of(chat: Transcript, desk: Desk) -> Opening:
    """The ticket to open; UsageError for an agent, mailbox or address that is none."""
    known = bool(chat.visitor.address.strip())
    if chat.message.strip() and not known:
        raise UsageError("the transcript's message cannot be mailed: visitor.address is missing")
    given = [Instruction("status", chat.status)]
    given += [Instruction("priority", chat.priority)] if chat.priority else []
    given += [Instruction("tag", " ".join(f"+{tag}" for tag in chat.tags))] if chat.tags else []
    if chat.assignee and desk.agent(chat.assignee):
        given.append(Instruction("assign", chat.assignee))
    return Opening(
        mailbox=desk.mailbox(chat.mailbox),
        requester=desk.customer(chat.visitor.address, chat.visitor.name) if known else None,
        speaker=chat.visitor.name,
        subject=chat.subject.strip() or "(no subject)",
        channel=Channel(chat.channel),
        said=_said(chat),
        text=chat.message,
        note=chat.note,
        commands=Commands(tuple(given)),
    )


def _said(chat: Transcript) -> str:
    """The lines as a person reads them."""
    lines = []
    for line in chat.transcript:
        speaker = (chat.visitor.name or "visitor") if line.sender in ("", "visitor") else line.sender
        at = f"{line.at:%H:%M} " if line.at else ""
        lines.append(f"{at}{speaker}: {line.text}")
    return "\n".join(lines)
