"""Changes of a ticket's fields: each with its event, none where nothing changes.

Used alike for mail, the command line and the clock. Knows nothing of why.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from ticketd.decide.deadlines import promises, timing
from ticketd.decide.effects import MoveMessages
from ticketd.decide.model import Address, Entry, Priority, Status, Ticket
from ticketd.decide.work import Work
from ticketd.decide.writing import letter


def set_status(work: Work, number: int, to: Status, actor: str, detail: str = "") -> None:
    """Change the status; a ticket that leaves pending is no longer snoozed."""
    ticket = work.ticket(number)
    if to == ticket.status:
        return
    work.record(number, "status", actor, ticket.status, to, detail)
    if to is Status.SOLVED:
        promises.on_solved(work, number)
    after = replace(
        ticket,
        status=to,
        updated_at=work.now,
        solved_at=work.now if to is Status.SOLVED else None,
        snoozed_until=ticket.snoozed_until if to is Status.PENDING else None,
    )
    work.save(timing.on_status(after, work.policy, work.now))


def set_priority(work: Work, number: int, to: Priority, actor: str, detail: str = "") -> None:
    """Change the priority; what is due follows it."""
    ticket = work.ticket(number)
    if to == ticket.priority:
        return
    work.record(number, "priority", actor, ticket.priority, to, detail)
    after = replace(ticket, priority=to, updated_at=work.now)
    work.save(timing.on_priority(after, work.policy))


def assign(work: Work, number: int, to: str | None, actor: str, detail: str = "") -> bool:
    """Assign to an agent's registered address, or to nobody; whether that changed anything."""
    ticket = work.ticket(number)
    if to == ticket.assignee:
        return False
    work.record(number, "assignee", actor, ticket.assignee, to, detail)
    work.save(replace(ticket, assignee=to, updated_at=work.now))
    return True


def set_subject(work: Work, number: int, to: str, actor: str) -> None:
    """Rename the ticket; customers go on in the thread they know."""
    ticket, to = work.ticket(number), letter.without_codes(to)
    if not to or to == ticket.subject:
        return
    work.record(number, "subject", actor, ticket.subject, to)
    work.save(replace(ticket, subject=to, updated_at=work.now))


def set_tags(work: Work, number: int, change: str, actor: str) -> None:
    """Apply ``+x -y`` to the tags."""
    ticket = work.ticket(number)
    tags = list(ticket.tags)
    for word in change.split():
        sign, tag = word[0], word[1:]
        if sign == "+" and tag not in tags:
            tags.append(tag)
        elif sign == "-" and tag in tags:
            tags.remove(tag)
    if tuple(tags) != ticket.tags:
        work.record(number, "tag", actor, " ".join(ticket.tags) or None, " ".join(tags) or None, change)
        work.save(replace(ticket, tags=tuple(tags), updated_at=work.now))


def set_requester(work: Work, number: int, to: Address, actor: str) -> None:
    """Give the ticket to another customer. Who had it is only suggested from now on: ``#cc`` keeps them."""
    ticket = work.ticket(number)
    before = ticket.requester
    if before is not None and before.key == to.key:
        return
    gone = {to.key, *((before.key,) if before else ())}
    others = tuple(person for person in ticket.participants if person.key not in gone)
    suggested = (
        *(person for person in ticket.suggested if person.key not in gone),
        *((before,) if before else ()),
    )
    work.record(number, "requester", actor, before.address if before else None, to.address)
    work.save(
        replace(ticket, requester=to, participants=(to, *others), suggested=suggested, updated_at=work.now)
    )


def add_participant(work: Work, number: int, person: Address, actor: str) -> None:
    """Let somebody take part: from now on they receive the replies."""
    ticket = work.ticket(number)
    if ticket.has_participant(person.key):
        return
    work.record(number, "participant", actor, None, person.address)
    suggested = tuple(one for one in ticket.suggested if one.key != person.key)
    participants = (*ticket.participants, person)
    work.save(replace(ticket, participants=participants, suggested=suggested, updated_at=work.now))


def remove_participant(work: Work, number: int, key: str, actor: str) -> None:
    """Somebody takes part no longer. The requester is changed, never removed."""
    ticket = work.ticket(number)
    gone = [person for person in ticket.participants if person.key == key]
    if not gone or (ticket.requester and ticket.requester.key == key):
        return
    work.record(number, "participant", actor, gone[0].address, None)
    left = tuple(person for person in ticket.participants if person.key != key)
    work.save(replace(ticket, participants=left, updated_at=work.now))


def suggest_participants(work: Work, number: int, people: tuple[Address, ...]) -> None:
    """People that a later mail names in To or Cc: shown to agents, told nothing."""
    ticket = work.ticket(number)
    known = {person.key for person in (*ticket.participants, *ticket.suggested)}
    new = tuple(person for person in people if person.key not in known)
    if new:
        limit = work.policy.limits.recipients
        work.save(replace(ticket, suggested=(*ticket.suggested, *new)[:limit]))


def set_spam(work: Work, number: int, spam: bool, actor: str, detail: str = "") -> None:
    """Put the ticket into the spam folder, or take it out."""
    ticket = work.ticket(number)
    if ticket.spam == spam:
        return
    work.record(number, "spam", actor, str(ticket.spam).lower(), str(spam).lower(), detail)
    work.save(replace(ticket, spam=spam, updated_at=work.now))


def snooze(work: Work, number: int, until: datetime, actor: str) -> None:
    """Pending now, open again at ``until``."""
    set_status(work, number, Status.PENDING, actor)
    ticket = work.ticket(number)
    work.record(number, "snooze", actor, None, until.isoformat().replace("+00:00", "Z"))
    work.save(replace(ticket, snoozed_until=until, updated_at=work.now))


def merge(work: Work, source: int, target: int, actor: str, detail: str = "") -> None:
    """Merge ``source`` into ``target``: its messages and people go along, mail to it too."""
    gone, kept = work.ticket(source), work.ticket(target)
    known = {person.key for person in kept.participants}
    joining = tuple(person for person in gone.participants if person.key not in known)
    tags = tuple(dict.fromkeys((*kept.tags, *gone.tags)))
    requester = kept.requester or gone.requester
    participants = (*kept.participants, *joining)
    if kept.requester is None and requester is not None:
        participants = (requester, *(person for person in participants if person.key != requester.key))
    after = replace(kept, requester=requester, participants=participants, tags=tags, updated_at=work.now)
    work.save(timing.on_merge(after, gone, work.policy))
    work.save(_retired(gone, target, work.now))
    work.add(MoveMessages(source, target))
    work.record(source, "merge", actor, str(source), str(target), detail)
    work.record(target, "merge", actor, str(source), str(target), detail)


def _retired(ticket: Ticket, target: int, now: datetime) -> Ticket:
    """A merged ticket: in no folder, nothing of it is due."""
    return replace(
        ticket,
        merged_into=target,
        updated_at=now,
        first_reply_due_at=None,
        next_reply_due_at=None,
        solve_due_at=None,
        snoozed_until=None,
        clock="",
    )


def split(work: Work, number: int, entry: Entry, actor: str) -> int:
    """Make one message a ticket of its own, its author the requester; the new number."""
    ticket = work.ticket(number)
    new = work.new_number()
    work.save(
        timing.on_open(
            Ticket(
                id=new,
                subject=letter.without_codes(entry.subject) or ticket.subject,
                mailbox=ticket.mailbox,
                created_at=work.now,
                updated_at=work.now,
                requester=entry.author,
                participants=(entry.author,),
                channel=ticket.channel,
            ),
            work.policy,
            (),
            work.now,
        )
    )
    work.add(MoveMessages(number, new, entry.id))
    work.record(number, "split", actor, str(number), str(new))
    work.record(new, "split", actor, str(number), str(new))
    return new
