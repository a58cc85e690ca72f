"""Send the digest mails that are due: to each agent their own tickets, to the admins the desk's figures.

Each mail is one transaction, with the note that it was sent: none is sent twice, and one
that fails keeps no other from going. When and what is ``decide.digests``'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from functools import partial

import structlog

from ticketd.config.settings import AdminDigest, Digest
from ticketd.decide.context import Clues
from ticketd.decide.deadlines.report import Report, make_report
from ticketd.decide.effects import Outgoing, Send
from ticketd.decide.policy import Agent, Policy
from ticketd.decide.writing import compose, digests, letter
from ticketd.errors import TicketdError
from ticketd.plots import draw_aside
from ticketd.store import Store, Transaction
from ticketd.store.figures import facts

log = structlog.get_logger()


def send_digests(
    store: Store,
    policy: Policy,
    digest: Digest,
    now: datetime,
    draw: Callable[[Report], Mapping[str, bytes]] = draw_aside,
) -> int:
    """Queue every digest that is due and was not queued yet; how many. ``draw`` makes the pictures."""
    zone = letter.zone(policy)
    day = digests.due_day(digest.agents, now, zone) if digest.agents else None
    count = _tell_agents(store, policy, day, now) if day else 0
    if digest.admins is not None:
        day = digests.due_day(digest.admins.at, now, zone)
        count += _tell_admins(store, policy, digest.admins, day, now, draw) if day else 0
    return count


def _tell_agents(store: Store, policy: Policy, day: date, now: datetime) -> int:
    keys = {digests.agent_key(agent.key, day): agent for agent in policy.agents.values()}
    count = 0
    for key in _untold(store, keys):
        count += _once(store, key, now, partial(_agents_own, policy, keys[key], key, now))
    return count


def _agents_own(policy: Policy, agent: Agent, key: str, now: datetime, tx: Transaction) -> Outgoing | None:
    """The digest of one agent, None where nothing is open: then there is nothing to tell."""
    clues = Clues(mailbox="", agent=agent.key, folders=("my-open",))
    tickets = tx.context(clues, now).folders["my-open"]
    mailbox = next((name for name in policy.mailboxes if agent in policy.agents_of(name)), None)
    if not tickets or mailbox is None:
        return None
    return compose.digest(policy, agent, tickets, mailbox, key, now)


def _tell_admins(
    store: Store,
    policy: Policy,
    admins: AdminDigest,
    day: date,
    now: datetime,
    draw: Callable[[Report], Mapping[str, bytes]],
) -> int:
    keys = {digests.desk_key(address, day): address for address in admins.to}
    untold = _untold(store, keys)
    if not untold:
        return 0
    zone = letter.zone(policy)
    with store.view() as view:
        found = facts(view, now - digests.span_of(admins.at), now)
    report = make_report(found, zone, [agent.key for agent in policy.agents.values()])
    pictures, count = draw(report), 0
    for key in untold:
        mail = digests.desk_digest(policy, keys[key], report, pictures, key, now)
        count += _once(store, key, now, partial(_this, mail))
    return count


def _this(mail: Outgoing, _tx: Transaction) -> Outgoing:
    return mail


def _untold(store: Store, keys: Iterable[str]) -> list[str]:
    with store.begin("digests") as tx:
        return [key for key in keys if not tx.told(key)]


def _once(store: Store, key: str, now: datetime, compose_it: Callable[[Transaction], Outgoing | None]) -> int:
    """Queue one digest unless it was before; one that cannot be made is logged and tried again."""
    try:
        with store.begin("digest") as tx:
            tx.lock_desk()
            mail = compose_it(tx) if tx.tell(key, now) else None
            if mail is not None:
                tx.apply((Send(mail),), now, None)
        return int(mail is not None)
    except (TicketdError, ValueError):
        log.exception("digest failed", digest=key)
        return 0
