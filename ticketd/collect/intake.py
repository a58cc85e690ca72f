"""Take in what was received: one mail, one transaction (architecture.md, "The heart").

The bytes are read and parsed outside; inside the transaction the past is looked up under
the desk's lock, the decision is made, and everything it says is written together with
the ledger's outcome. That commit is the hand-over: before it the mail is still
``received`` and is found again, after it everything follows from the outbox.
"""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime

import structlog

from ticketd.alerts import alert
from ticketd.collect.inhand import InHand
from ticketd.collect.questions import ask_about_parked
from ticketd.decide.effects import Alert, Conclude, Outgoing, Send
from ticketd.decide.judging.order import Signals, parents_first, read_signals
from ticketd.decide.model import Envelope, Outcome
from ticketd.decide.policy import Policy
from ticketd.decide.reading.parse import parse
from ticketd.decide.rules import Decision, decide, read_clues
from ticketd.errors import Damaged, Unavailable
from ticketd.headway import Heard, unheard
from ticketd.store import Mail, Store

log = structlog.get_logger("ticketd.collect")

BATCH = 200
STRIKES = 3


def take_in_waiting(
    store: Store,
    policy: Policy,
    mailbox: str,
    clock: Callable[[], datetime],
    in_hand: InHand,
    stopping: Callable[[], bool] = lambda: False,
    heard: Heard = unheard,
) -> Counter[str]:
    """Take in every mail that is waiting in ``mailbox``; how many came to which outcome.

    Agents are asked about what was parked when the batch is done: about all of it in one mail.
    """
    outcomes: Counter[str] = Counter()
    strike_left_over(store, in_hand, clock())
    total = 0
    while not stopping():
        with store.view() as view:
            waiting = {one.ledger_id: one for one in view.waiting(mailbox, BATCH)}
            total = total or (len(waiting) if len(waiting) < BATCH else view.count_waiting(mailbox))
        if not waiting:
            break
        for ledger_id in parents_first(_signals(waiting, in_hand)):
            if stopping():
                break
            with in_hand.holding(ledger_id):
                outcomes[take_in_guarded(store, policy, waiting[ledger_id], clock)] += 1
            heard("taken in", outcomes.total(), max(total, outcomes.total()))
    if outcomes[Outcome.PARKED] or outcomes[Outcome.IGNORED]:  # the answer to a question is ignored
        ask_about_parked(store, policy, clock())
    return outcomes


def _signals(waiting: Mapping[int, Mail], in_hand: InHand) -> dict[int, tuple[Signals, datetime]]:
    """What places each mail among the others: to read it may be the end of us, too."""
    signals = {}
    for ledger_id, mail in waiting.items():
        with in_hand.holding(ledger_id):
            signals[ledger_id] = (_signals_of(mail), mail.internal_date)
    return signals


def _signals_of(mail: Mail) -> Signals:
    """What it says itself; where that cannot be read, it comes by its arrival, and its turn will tell why."""
    try:
        return read_signals(mail.head)
    except Exception:
        log.exception("order unknown", ledger_id=mail.ledger_id)
        return Signals()


def strike_left_over(store: Store, in_hand: InHand, now: datetime) -> None:
    """A mail was in hand when the process died: count that against it before it is tried again."""
    ledger_id = in_hand.left_over()
    if ledger_id is not None:
        with store.begin("strike") as tx:
            tx.strike(ledger_id, "the process died while this mail was in hand", now)
        in_hand.clear()


def take_in_guarded(store: Store, policy: Policy, waiting: Mail, clock: Callable[[], datetime]) -> str:
    """Take in one mail; an error of ours is a strike against it, the third quarantines it.

    Raises:
        Unavailable, Damaged: the database is in trouble, which is no fault of the mail.

    """
    try:
        return take_in(store, policy, waiting, clock())
    except (Unavailable, Damaged):
        raise
    except Exception:  # noqa: BLE001 - whatever a mail provokes is a strike against it, with its traceback
        return _strike(store, waiting.ledger_id, clock())


def _strike(store: Store, ledger_id: int, now: datetime) -> str:
    log.exception("strike", ledger_id=ledger_id)
    with store.begin("strike") as tx:
        attempts = tx.strike(ledger_id, traceback.format_exc(), now)
    return Outcome.QUARANTINED if attempts >= STRIKES else "struck"


def take_in(store: Store, policy: Policy, waiting: Mail, now: datetime) -> str:
    """Take in one mail: one parse, one read, one decision, one commit."""
    mail = waiting if waiting.is_whole else _whole(store, waiting)
    ledger_id = mail.ledger_id
    message = parse(mail.content, policy.limits)
    clues = read_clues(message, mail.mailbox, policy)
    with store.begin("take-in") as tx:
        tx.lock_desk()
        if not tx.is_waiting(ledger_id):
            return "gone"
        context = tx.context(clues, now, ledger_id)
        old_mails = tx.old_mails(mail.mailbox) if mail.late else 0
        decision = decide(message, envelope_of(mail, old_mails), clues, context, policy, now)
        tx.apply(decision.effects, now, ledger_id, message)
        for trouble in decision.effects:
            if isinstance(trouble, Alert):
                alert(tx, policy, trouble, now)
    return _report(mail, message.message_id, decision)


def _whole(store: Store, mail: Mail) -> Mail:
    """A mail that is too long to be read with the others."""
    with store.view() as view:
        return view.mail(mail.ledger_id)


def envelope_of(mail: Mail, old_mails: int = 0) -> Envelope:
    """How the mail came; its cause is its place in the ledger, and how it was let go."""
    return Envelope(
        mailbox=mail.mailbox,
        received_at=mail.internal_date,
        cause=f"mail/{mail.sha256}/{mail.ledger_id}/{mail.released or ''}",
        late=mail.late,
        released=mail.released,
        item=mail.ledger_id,
        complete=mail.complete,
        old_mails=old_mails,
    )


_VERBS = {Outcome.HELD: "held", Outcome.PARKED: "held", Outcome.QUARANTINED: "held"}


def _report(mail: Mail, message_id: str | None, decision: Decision) -> str:
    conclusion = next(one for one in decision.effects if isinstance(one, Conclude))
    log.info(
        _VERBS.get(conclusion.outcome, "taken-in"),
        mailbox=mail.mailbox,
        message_id=message_id,
        ticket=conclusion.ticket,
        outcome=str(conclusion.outcome),
        verdict=str(decision.classification.verdict),
        by=decision.placement.by,
        rule=decision.rule,
    )
    for effect in decision.effects:
        if isinstance(effect, Send):
            _report_queued(effect.mail, message_id)
    return conclusion.outcome


def _report_queued(mail: Outgoing, because: str | None) -> None:
    """What followed from a mail, so that looking for either id finds both."""
    log.info(
        "queued",
        mailbox=mail.mailbox,
        message_id=mail.message_id,
        ticket=mail.ticket or None,
        kind=str(mail.kind),
        because=because,
    )
