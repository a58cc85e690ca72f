"""Run what is due by the clock: a changed SLA, its notices, snoozes, auto-solve, questions, unconfirmed mail.

Decides nothing itself (``decide.timed`` does); each page of tickets is one transaction,
and what was told is remembered in the same one, so that nothing is told twice.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import datetime, timedelta

from ticketd.collect.questions import ask_about_parked
from ticketd.decide.acting import timed
from ticketd.decide.context import Clues
from ticketd.decide.deadlines import sla, timing
from ticketd.decide.deadlines.clock import Clock
from ticketd.decide.effects import Save
from ticketd.decide.model import Ticket
from ticketd.decide.policy import Policy
from ticketd.decide.work import Work
from ticketd.store import Store, Transaction

PAGE = 100
UNCONFIRMED_AFTER = timedelta(days=7)
_IN_FORCE = "sla-config"


def run_due(store: Store, policy: Policy, now: datetime) -> Counter[str]:
    """Everything that the time has come for; how much of each was done."""
    done: Counter[str] = Counter()
    done["recounted"] += _recount(store, policy, now)
    done["due"] += _run_tickets(store, policy, now)
    done["solved"] += _solve_quiet(store, policy, now)
    done["unconfirmed"] += _give_up_waiting(store, now)
    done["asked"] += ask_about_parked(store, policy, now)
    return +done


def _recount(store: Store, policy: Policy, now: datetime) -> int:
    """Where the config's SLA is not the one that was in force, count anew what is due on open tickets.

    A promise that was told of is not told of again: its notice names the promise, not the time.
    """
    found = hashlib.sha256(policy.sla.model_dump_json().encode()).hexdigest()[:32]
    after, count = 0, 0
    while True:
        with store.begin("recount") as tx:
            if after == 0 and tx.told(f"{_IN_FORCE} {found}"):
                return 0
            tx.lock_desk()
            tickets = tx.running_tickets(after)
            anew = [(ticket, timing.on_priority(ticket, policy)) for ticket in tickets]
            changed = [Save(recounted) for ticket, recounted in anew if recounted != ticket]
            if changed:
                tx.apply(changed, now, None)
            count += len(changed)
            if not tickets:
                tx.in_force(_IN_FORCE, found, now)
                return count
        after = tickets[-1].id


def _run_tickets(store: Store, policy: Policy, now: datetime) -> int:
    """Wake snoozed tickets and tell of what is due or overdue, page by page."""
    ahead, after, count = sla.longest_warning(policy.sla), 0, 0
    while True:
        with store.begin("due") as tx:
            tx.lock_desk()
            numbers = tx.due_tickets(now, PAGE, ahead=ahead, after=after)
            for number in _pending(tx, policy, numbers, now):
                count += _run_ticket(tx, policy, number, now)
        if len(numbers) < PAGE:
            return count
        after = numbers[-1]


def _pending(tx: Transaction, policy: Policy, numbers: list[int], now: datetime) -> list[int]:
    """Those of the tickets to be woken or told of; a ticket long overdue was told of, and costs no more."""
    tickets = tx.tickets(numbers)
    notices = {number: _notices(ticket, policy, now) for number, ticket in tickets.items()}
    told = tx.told_of([notice.key for each in notices.values() for notice in each])
    return [
        number
        for number in sorted(tickets)
        if tickets[number].snoozed_until or any(notice.key not in told for notice in notices[number])
    ]


def _notices(ticket: Ticket, policy: Policy, now: datetime) -> tuple[sla.Notice, ...]:
    governing = sla.policy_named(policy.sla, ticket.policy)
    return sla.due_notices(ticket, Clock.from_json(ticket.clock), governing, policy.sla, now)


def _run_ticket(tx: Transaction, policy: Policy, number: int, now: datetime) -> int:
    work = _work(tx, policy, number, now, "due")
    if number not in work.context.tickets:
        return 0
    timed.wake(work, number)
    for notice in _notices(work.ticket(number), policy, now):
        if tx.tell(notice.key, now):
            for settled in notice.settles:
                tx.tell(settled, now)
            timed.tell(work, number, notice)
    return _apply(tx, work, now)


def _work(tx: Transaction, policy: Policy, number: int, now: datetime, why: str) -> Work:
    context = tx.context(Clues(mailbox="", tickets=(number,)), now)
    return Work(policy, context, now, f"{why}/{number}/{now.isoformat()}")


def _apply(tx: Transaction, work: Work, now: datetime) -> int:
    effects = work.effects()
    if effects:
        tx.apply(effects, now, None)
    return int(bool(effects))


def _solve_quiet(store: Store, policy: Policy, now: datetime) -> int:
    count = 0
    for mailbox in policy.mailboxes.values():
        if mailbox.auto_solve_after is None:
            continue
        with store.begin("auto-solve") as tx:
            tx.lock_desk()
            for number in tx.quiet_tickets(mailbox.name, now - mailbox.auto_solve_after, PAGE):
                work = _work(tx, policy, number, now, "quiet")
                timed.solve_quiet(work, number)
                count += _apply(tx, work, now)
    return count


def _give_up_waiting(store: Store, now: datetime) -> int:
    """A parked mail that nobody confirmed becomes an internal note."""
    with store.begin("unconfirmed") as tx:
        items = tx.unconfirmed(now - UNCONFIRMED_AFTER)
        for item in items:
            tx.release(item, "unconfirmed")
    return len(items)
