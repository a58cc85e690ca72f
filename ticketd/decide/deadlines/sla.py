"""The promises: which policy a ticket gets, what is due when, and what is to be told about it.

Decisions only: the first policy that matches wins, a warning and a breach are told once
for each promise. The arithmetic is ``hours``', the state of a ticket ``clock``'s, whose
names stand here too. Knows nothing of mails, tables and the time of day.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from ticketd.decide.deadlines.clock import (
    Clock,
    Due,
    dues,
    fulfil,
    merge,
    on_agent_reply,
    on_customer_mail,
    on_status,
    resume,
    start,
    stop,
)
from ticketd.decide.deadlines.hours import NeverOpen, business_hours
from ticketd.decide.deadlines.words import target_in_words
from ticketd.decide.model import Channel, Priority, Status, Ticket, address_key
from ticketd.decide.pattern import matches
from ticketd.decide.policy import Match, Sla, SlaPolicy, Targets
from ticketd.errors import ConfigError

__all__ = [
    "Clock",
    "Due",
    "Notice",
    "due_notices",
    "dues",
    "dues_on_open",
    "escalate_to",
    "explain_policy",
    "fulfil",
    "longest_warning",
    "match_policy",
    "merge",
    "on_agent_reply",
    "on_customer_mail",
    "on_status",
    "policy_named",
    "problems",
    "raised",
    "resume",
    "start",
    "stop",
    "warn_before",
]


@dataclass(frozen=True, slots=True)
class _Facts:
    """What a policy can be matched with."""

    mailbox: str | None
    channel: Channel
    address: str
    recipients: frozenset[str]
    subject: str
    tags: frozenset[str]

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]


_TESTS: dict[str, Callable[[str, _Facts], bool]] = {
    "mailbox": lambda wanted, facts: wanted == facts.mailbox,
    "channel": lambda wanted, facts: wanted == facts.channel,
    "address": lambda wanted, facts: address_key(wanted) == facts.address,
    "domain": lambda wanted, facts: address_key(f"@{wanted}") == f"@{facts.domain}",
    "recipient": lambda wanted, facts: address_key(wanted) in facts.recipients,
    "subject": lambda wanted, facts: matches(f"(?i){wanted}", facts.subject),
    "tag": lambda wanted, facts: wanted.casefold() in facts.tags,
}
"""A test for each key of ``match``. A domain is itself alone, not its subdomains."""


def match_policy(
    sla: Sla,
    *,
    mailbox: str | None,
    channel: Channel = Channel.EMAIL,
    address: str | None = None,
    recipients: Collection[str] = (),
    subject: str = "",
    tags: Collection[str] = (),
) -> SlaPolicy | None:
    """The first policy whose every key holds, None when none does.

    ``address`` is the requester's (None: unknown), ``recipients`` are all addresses that
    the mail was sent to. Addresses are folded here; a subject pattern is searched for
    anywhere, whatever the case.
    """
    facts = _facts(mailbox, channel, address, recipients, subject, tags)
    return next((policy for policy in sla.policies if not any(_misfits(policy.match, facts))), None)


def explain_policy(
    sla: Sla,
    *,
    mailbox: str | None,
    channel: Channel = Channel.EMAIL,
    address: str | None = None,
    recipients: Collection[str] = (),
    subject: str = "",
    tags: Collection[str] = (),
) -> tuple[str, ...]:
    """One line for each policy that was tried and why it does not apply, then the one that does."""
    facts = _facts(mailbox, channel, address, recipients, subject, tags)
    lines: list[str] = []
    for policy in sla.policies:
        misfits = tuple(_misfits(policy.match, facts))
        if not misfits:
            return (*lines, f"{policy.name}: applies. {_promises(policy)}")
        lines.append(f"{policy.name}: no, {' and '.join(misfits)}")
    return (*lines, "no policy applies: nothing is due")


def policy_named(sla: Sla, name: str | None) -> SlaPolicy | None:
    """The policy that a ticket names, None when it names none or the config no longer has it."""
    return next((policy for policy in sla.policies if policy.name == name), None)


def _facts(
    mailbox: str | None,
    channel: Channel,
    address: str | None,
    recipients: Collection[str],
    subject: str,
    tags: Collection[str],
) -> _Facts:
    return _Facts(
        mailbox,
        channel,
        address_key(address or ""),
        frozenset(address_key(recipient) for recipient in recipients),
        subject,
        frozenset(tag.casefold() for tag in tags),
    )


def _misfits(match: Match, facts: _Facts) -> Iterator[str]:
    """The keys that do not hold, in words."""
    for key, test in _TESTS.items():
        wanted = getattr(match, key)
        if wanted is not None and not test(wanted, facts):
            yield f"{key} is not {str(wanted)!r}"


def _promises(policy: SlaPolicy) -> str:
    said = [f"priority {policy.priority or Priority.NORMAL}"]
    for name, targets in _targets(policy).items():
        if targets:
            said.append(f"{name.replace('_', ' ')} in {_targets_in_words(targets)}")
    return ", ".join(said)


def _targets(policy: SlaPolicy) -> dict[str, Targets]:
    return {"first_reply": policy.first_reply, "next_reply": policy.next_reply, "solve": policy.solve}


def _targets_in_words(targets: Targets) -> str:
    spans = {priority: target_in_words(span) for priority, span in targets.items()}
    if len(spans) == len(Priority) and len(set(spans.values())) == 1:
        return next(iter(spans.values()))
    return " / ".join(f"{words} ({priority})" for priority, words in spans.items())


def dues_on_open(policy: SlaPolicy | None, sla: Sla, priority: Priority, at: datetime) -> Due:
    """What is due on a ticket that a customer opens at ``at``."""
    return dues(start(at), policy, sla, priority)


def warn_before(policy: SlaPolicy | None, sla: Sla) -> timedelta:
    """How long before a due time the reminder goes out, on the clock on the wall."""
    own = policy.warn_before if policy else None
    return sla.warn_before if own is None else own


def longest_warning(sla: Sla) -> timedelta:
    """The longest ``warn_before`` there is: nothing that is due later has a notice yet."""
    return max((warn_before(policy, sla) for policy in sla.policies), default=sla.warn_before)


def escalate_to(policy: SlaPolicy | None, sla: Sla) -> str | None:
    """Who is told of a breach, None for nobody."""
    return (policy.escalate_to if policy else None) or sla.escalate_to


def raised(priority: Priority) -> Priority:
    """The next higher priority; urgent stays urgent."""
    return Priority.NORMAL if priority is Priority.LOW else Priority.URGENT


@dataclass(frozen=True, slots=True)
class Notice:
    """A reminder before a due time, or word that it has passed.

    It is told unless its ``key`` was told before; when it is told, ``key`` and ``settles``
    are both remembered. A promise (one wait for a reply, one solution) has one key of each
    kind for its life, so that a due time that moves is not told of twice. ``since`` is
    since when it is owed, as events have it.
    """

    kind: Literal["warning", "breach"]
    target: Literal["first_reply", "next_reply", "solve"]
    due_at: datetime
    key: str
    settles: tuple[str, ...] = ()
    since: str = ""


def due_notices(
    ticket: Ticket, clock: Clock, policy: SlaPolicy | None, sla: Sla, now: datetime
) -> tuple[Notice, ...]:
    """What is to be told of this ticket by ``now``, told before or not.

    A due time that has passed gives its breach alone, and settles its warning.
    """
    if ticket.status is not Status.OPEN or ticket.merged_into is not None or ticket.spam:
        return ()
    warning = warn_before(policy, sla)
    notices = (
        _notice(ticket, "first_reply", ticket.first_reply_due_at, clock.reply_from, warning, now),
        _notice(ticket, "next_reply", ticket.next_reply_due_at, clock.reply_from, warning, now),
        _notice(ticket, "solve", ticket.solve_due_at, clock.solve_from, warning, now),
    )
    return tuple(notice for notice in notices if notice is not None)


def _notice(
    ticket: Ticket,
    target: Literal["first_reply", "next_reply", "solve"],
    due_at: datetime | None,
    began: datetime | None,
    warning: timedelta,
    now: datetime,
) -> Notice | None:
    if due_at is None or now < due_at - warning:
        return None
    since = (began or ticket.created_at).astimezone(UTC).isoformat()
    warned, breached = (f"sla {ticket.id} {target} {since} {kind}" for kind in ("warning", "breach"))
    told = since.replace("+00:00", "Z")
    if now < due_at:
        return Notice("warning", target, due_at, warned, since=told)
    return Notice("breach", target, due_at, breached, (warned,), told)


def problems(sla: Sla, now: datetime) -> tuple[str, ...]:
    """What is wrong with the policies' calendars, one line each; for the loading of the config.

    Holidays of a country that is not known, targets that no business hours can meet.
    """
    lines = (_problem(policy, name, sla, now) for policy in sla.policies for name in _targets(policy))
    return tuple(dict.fromkeys(line for line in lines if line))


def _problem(policy: SlaPolicy, target: str, sla: Sla, now: datetime) -> str:
    hours = business_hours(policy, sla)
    try:
        hours.is_open(now)
        for span in _targets(policy)[target].values():
            hours.add(now, span)
    except NeverOpen as error:
        return f"policy {policy.name!r}, {target}: {error}"
    except ConfigError as error:
        return f"policy {policy.name!r}: {error}"
    return ""
