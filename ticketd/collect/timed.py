"""Run what is due by the clock: SLA notices, snoozes, auto-solve, questions, unconfirmed mails.

Decides nothing itself (``decide.timed`` does); each page of tickets is one transaction,
and what was told is remembered in the same one, so that nothing is told twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from ticketd.decide import compose, sla, timed
from ticketd.decide.clock import Clock
from ticketd.decide.context import Clues, Waiting
from ticketd.decide.effects import Send
from ticketd.decide.policy import Policy
from ticketd.decide.work import Work
from ticketd.store import Store, Transaction

PAGE = 100
UNCONFIRMED_AFTER = timedelta(days=7)


def run_due(store: Store, policy: Policy, now: datetime) -> Counter[str]:
    """Everything that the time has come for; how much of each was done."""
    done: Counter[str] = Counter()
    done["due"] += _run_tickets(store, policy, now)
    done["solved"] += _solve_quiet(store, policy, now)
    done["unconfirmed"] += _give_up_waiting(store, now)
    done["asked"] += _ask(store, policy, now)
    return +done


def _run_tickets(store: Store, policy: Policy, now: datetime) -> int:
    """Wake snoozed tickets and tell of what is due or overdue, page by page."""
    ahead, after, count = sla.longest_warning(policy.sla), 0, 0
    while True:
        with store.begin("due") as tx:
            tx.lock_desk()
            numbers = tx.due_tickets(now, PAGE, ahead=ahead, after=after)
            for number in numbers:
                count += _run_ticket(tx, policy, number, now)
        if len(numbers) < PAGE:
            return count
        after = numbers[-1]


def _run_ticket(tx: Transaction, policy: Policy, number: int, now: datetime) -> int:
    work = _work(tx, policy, number, now, "due")
    if number not in work.context.tickets:
        return 0
    timed.wake(work, number)
    ticket = work.ticket(number)
    governing = sla.policy_named(policy.sla, ticket.policy)
    for notice in sla.due_notices(ticket, Clock.from_json(ticket.clock), governing, policy.sla, now):
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


def _ask(store: Store, policy: Policy, now: datetime) -> int:
    """Ask about parked mails that were not asked about, at most once an hour and agent."""
    with store.begin("ask") as tx:
        tx.lock_desk()
        due = tx.questions_due(now)
        effects = tuple(_questions(policy, due.items(), now))
        if effects:
            tx.apply(effects, now, None)
    return len(effects)


def _questions(
    policy: Policy, due: Iterable[tuple[str, tuple[Waiting, ...]]], now: datetime
) -> Iterator[Send]:
    for key, items in due:
        agent = policy.agent_by_key(key)
        mailbox = next(
            (one.name for one in policy.mailboxes.values() if agent in policy.agents_of(one.name)), None
        )
        if agent is None or mailbox is None:
            continue
        cause = f"ask/{key}/{'/'.join(str(item.item) for item in items)}"
        yield Send(compose.question(policy, agent, items, mailbox, cause, now))
