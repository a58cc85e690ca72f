"""Try out every template on invented mail, so that a slip in one is found before a customer writes.

Knows nothing of where templates come from; ``ticketd check`` shows what it finds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from ticketd.decide.context import History, Waiting
from ticketd.decide.deadlines.report import Facts, ReplyFact, Report, make_report
from ticketd.decide.model import Address, Attachment, Entry, Kind, Priority, Ticket
from ticketd.decide.policy import Agent, Mailbox, Policy
from ticketd.decide.writing import ask, digests, letter, lists, notify, relay
from ticketd.decide.writing.texts import Mistake

_NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
_JANE = Address("jane@example.org", "Jane Doe")
_FILES = (
    Attachment("fire.jpg", "image/jpeg", b"picture"),
    Attachment("film.mp4", "video/mp4", b""),
)
_SAID = "The printer burns.\n\nJane"


def rehearse(policy: Policy) -> list[Mistake]:
    """What is wrong with the templates, each named once; empty where all is well."""
    strict = replace(policy, texts=letter.texts_of(policy).strictly())
    found: dict[str, Mistake] = {}
    for mailbox in policy.mailboxes.values():
        for agent in policy.agents_of(mailbox.name)[:1]:
            for scene in _scenes(strict, mailbox, agent):
                try:
                    scene()
                except Mistake as mistake:
                    found.setdefault(mistake.name, mistake)
        found.update((missing.name, missing) for missing in _missing(strict, mailbox))
    return list(found.values())


def _missing(policy: Policy, mailbox: Mailbox) -> Iterator[Mistake]:
    name = mailbox.acknowledge
    if isinstance(name, str) and f"{name}.txt" not in letter.texts_of(policy).names:
        yield Mistake(f"{name}.txt", 0, f"mailbox {mailbox.name} names it, and there is none")


def _ticket(mailbox: Mailbox, subject: str) -> Ticket:
    return Ticket(
        1,
        subject,
        mailbox.name,
        _NOW,
        _NOW,
        requester=_JANE,
        participants=(_JANE, Address("joe@example.net")),
        suggested=(Address("carl@example.net", "Carl"),),
        priority=Priority.URGENT,
        tags=("refund",),
        first_reply_due_at=_NOW + timedelta(hours=1),
    )


def _entries(agent: Agent) -> tuple[Entry, ...]:
    author = Address(agent.address, agent.shown)
    warned = Address("joe@example.net", "jane@example.org")
    return (
        Entry(Kind.CUSTOMER, warned, _SAID, _SAID, _NOW, id=1, attachments=_FILES, reply_to=_JANE),
        Entry(Kind.REPLY, author, _SAID, _SAID, _NOW, id=2),
        Entry(Kind.NOTE, author, _SAID, _SAID, _NOW, id=3),
    )


def _report(agent: Agent) -> Report:
    replies = (ReplyFact(agent.key, "support", _NOW - timedelta(hours=1)),)
    return make_report(Facts(_NOW - timedelta(days=1), _NOW, replies=replies))


def _scenes(policy: Policy, mailbox: Mailbox, agent: Agent) -> Sequence[Callable[[], object]]:
    """Every mail that we send, each in its fullest form and its barest."""
    entries = _entries(agent)
    full = _ticket(mailbox, "Printer on fire")
    bare = Ticket(2, "", mailbox.name, _NOW, _NOW)
    items = [Waiting(number, "not proven", "Printer", _NOW, "parked") for number in (1, 2)]
    at: tuple[str, str, datetime] = (mailbox.name, "rehearsal", _NOW)
    cause, now = at[1:]
    mail, reply, note = entries
    return (
        lambda: relay.relay(policy, full, reply, agent, mail, cause, now),
        lambda: relay.acknowledgement(policy, full, mail, cause, now),
        lambda: notify.notification(policy, full, None, mail, agent, "why", cause, now, entries),
        lambda: notify.notification(policy, full, None, mail, agent, "why", cause, now, entries[:2]),
        lambda: notify.notification(policy, bare, None, note, agent, "why", cause, now),
        lambda: notify.notification(policy, bare, None, None, agent, "why", cause, now),
        lambda: notify.failure(policy, agent, full, _JANE.address, "why", _SAID, True, cause, now),
        lambda: notify.failure(policy, agent, bare, _JANE.address, "why", _SAID, False, cause, now),
        lambda: notify.alert(policy, agent.address, mailbox.name, "trouble", _SAID, cause, now),
        lambda: ask.question(policy, agent, items, *at),
        lambda: ask.question(policy, agent, items[:1], *at),
        lambda: ask.held(policy, agent, full, "Printer", _SAID, "why", "#solved", 1, *at),
        lambda: ask.held(policy, agent, None, "Printer", _SAID, "why", None, 1, *at),
        lambda: lists.listing(policy, agent, "mine", [full, bare] * 51, *at),
        lambda: lists.listing(policy, agent, "mine", [], *at),
        lambda: lists.digest(policy, agent, [full, bare], *at),
        lambda: digests.desk_digest(policy, agent.address, _report(agent), {"volume": b"png"}, cause, now),
        lambda: lists.shown(policy, agent, History(full, entries), *at),
        lambda: lists.shown(policy, agent, History(bare, entries[:1]), *at),
        lambda: lists.help_text(policy, agent, *at),
        lambda: lists.archive(policy, agent, 1234, *at),
    )
