"""What an agent's mail amounts to: its text, its files, and whether it is a reply or a note.

Between ``commands`` (what was written) and ``act`` (what is done). In doubt private.
"""

from __future__ import annotations

from dataclasses import replace

from ticketd.decide.acting import act
from ticketd.decide.acting.act import Deed, Mode
from ticketd.decide.case import Case
from ticketd.decide.context import History
from ticketd.decide.excerpts.commands import Commands
from ticketd.decide.excerpts.pasted import content_key, pasted
from ticketd.decide.model import Attachment, Kind, Purpose
from ticketd.decide.policy import Agent
from ticketd.decide.reading.tnef import is_tnef
from ticketd.decide.work import Work

_SEALS = (
    "application/pkcs7-signature",
    "application/x-pkcs7-signature",
    "application/pgp-signature",
)


def files_of(case: Case) -> tuple[Attachment, ...]:
    """The agent's attached files; inline pictures do not count, nor does the seal of a signed mail.

    A ``winmail.dat`` holds the whole mail once more, quote and all: what is inside are the files.
    """
    files = (one for one in case.message.attachments if not one.inline)
    return tuple(one for one in files if one.content_type not in _SEALS and not is_tnef(one.content))


def pictures_of(case: Case, said: Commands) -> tuple[Attachment, ...]:
    """The pictures that the agent pasted into their text: files like others, where they go out."""
    wanted = pasted(case.message.html, said.text) if case.message.html else frozenset()
    inline = (one for one in case.message.attachments if one.inline)
    return tuple(replace(one, inline=False) for one in inline if content_key(one.content_id) in wanted)


def text_of(work: Work, said: Commands) -> str:
    """The agent's text below the configured text that they named."""
    name = said.last("canned")
    parts = (work.policy.canned_text(name) if name else "", said.text)
    return "\n\n".join(part.strip("\n") for part in parts if part and part.strip())


def deed_of(case: Case, work: Work, agent: Agent, said: Commands, mode: Mode) -> Deed:
    """Everything that the mail asks for, as one deed."""
    token = case.identity.token
    reached = {person.key for person in (*case.message.to, *case.message.cc)}
    return Deed(
        agent=agent,
        commands=said,
        mode=mode,
        text=text_of(work, said),
        attachments=(*files_of(case), *(pictures_of(case, said) if mode is not Mode.NOTHING else ())),
        message=case.message,
        reached=frozenset(reached),
        recorded=is_recorded(case, said),
        told=token.last_message if token else 0,
    )


def mode_of(case: Case, work: Work, said: Commands) -> Mode:
    """A note where commanded, or where a note's notification is answered; in doubt private."""
    if not (text_of(work, said).strip() or files_of(case)):
        return Mode.NOTHING
    if said.has("reply"):
        return Mode.REPLY
    if said.has("note") or _answers_note(case, work) or _passes_customers_by(case, work, said):
        return Mode.NOTE
    return Mode.REPLY


def is_recorded(case: Case, said: Commands) -> bool:
    """Whether it is a copy of what the agent sent themselves, on a ticket: kept, and not sent again."""
    return case.placement.ticket is not None and case.is_copy and not said.has("reply")


def _passes_customers_by(case: Case, work: Work, said: Commands) -> bool:
    """Whether it is a copy of what went to people who take no part: the customers are not to see it."""
    number = case.placement.ticket
    if number is None or not is_recorded(case, said):
        return False
    named = (*case.message.to, *case.message.cc)
    return not any(work.ticket(number).has_participant(person.key) for person in named)


def _answers_note(case: Case, work: Work) -> bool:
    """Whether it answers a mail of ours that shows a note, or the mail in which a colleague wrote one."""
    token, number = case.identity.token, case.placement.ticket
    if token is not None and token.token.purpose == Purpose.NOTE:
        return True
    answered = case.message.in_reply_to or case.message.references[-1:]
    notes = (one for one in work.history(number).entries if one.kind is Kind.NOTE) if number else ()
    return any(one.message_id in answered for one in notes)


def leaks_of(case: Case, work: Work, said: Commands, history: History | None = None) -> str:
    """What of the reply is internal. A first line with ``#`` was written ``##``: it is meant."""
    files = (*files_of(case), *pictures_of(case, said))
    found = act.leaks_of(work.policy, text_of(work, said), files, history, escaped=True)
    return "it would show the customer what is internal: " + "; ".join(found) if found else ""
