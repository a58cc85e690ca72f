"""``run --once``: visit each mailbox one time, run and deliver what is due, say in a line what was done.

All servers side by side, one attempt at each (at the SMTP servers also when nothing is
due), none waited for longer than 15 seconds. Knows nothing of the daemon's threads.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import partial

import structlog

from ticketd.collect.digests import send_digests
from ticketd.collect.timed import run_due
from ticketd.crew import Crew
from ticketd.deliver.courier import Tally
from ticketd.errors import TicketdError

PATIENCE = 13.0  # seconds that we wait for a server in all; a dead one is given up within 15
_ROUNDS = 5  # what a round queues (an agent told of a failure) goes out in the next

Errand = Callable[[], str | None]

log = structlog.get_logger()


def run_once(crew: Crew) -> tuple[str, bool]:
    """Do all there is to do; a summary in one line, and whether every server could be used.

    Asked to stop, it ends after the transactions in hand; the next run does the rest.
    """
    crew.forget_holds(crew.live.mailboxes)
    crew.say_what_is_stranded()
    troubles = _look_at_servers(crew)
    _take_in_all(crew)  # what waited in a mailbox whose server is away
    if not crew.stopping.is_set():
        run_due(crew.store, crew.live.policy, crew.clock())
        send_digests(crew.store, crew.live.policy, crew.live.settings.digest, crew.clock())
    _take_in_all(crew)  # what nobody confirmed for a week, let go just now
    tallies = _deliver_all(crew)
    for name, tally in tallies.items():
        if tally.unusable:
            troubles[_smtp(name)] = tally.unusable
    _take_leave(crew)
    return _summary(crew, tallies, troubles), not troubles


def _take_in_all(crew: Crew) -> None:
    for name in crew.live.mailboxes:
        crew.take_in(name)


def _look_at_servers(crew: Crew) -> dict[str, str]:
    """Read every mailbox and greet every SMTP server; what was wrong, by the server's name in the summary."""
    errands: dict[str, Errand] = {name: partial(_visit, crew, name) for name in crew.live.mailboxes}
    errands |= {_smtp(name): partial(crew.greet, name) for name in crew.live.mailboxes}
    return _side_by_side(errands)


def _visit(crew: Crew, name: str) -> str | None:
    return crew.watch(name).visit_once()


def _smtp(name: str) -> str:
    return f"{name} (SMTP)"


def _side_by_side(errands: Mapping[str, Errand]) -> dict[str, str]:
    """Run them, each in a thread of its own, to their end; what was wrong, by name."""
    troubles: dict[str, str] = {}

    def run(name: str, errand: Errand) -> None:
        try:
            trouble = errand()
        except TicketdError as error:
            trouble = str(error)
        except Exception as error:
            log.exception("visit failed", server=name)
            trouble = f"an error in ticketd itself: {error}"
        if trouble:
            troubles[name] = trouble

    threads = [threading.Thread(target=run, args=one, name=f"visit-{one[0]}") for one in errands.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return troubles


def _take_leave(crew: Crew) -> None:
    _side_by_side({name: partial(crew.take_leave, name) for name in crew.live.mailboxes})


def _deliver_all(crew: Crew) -> dict[str, Tally]:
    total: dict[str, Tally] = {}
    for _ in range(_ROUNDS):
        tallies = {} if crew.stopping.is_set() else crew.dispatcher.deliver_once()
        if not tallies:
            break
        for name, tally in tallies.items():
            total[name] = total.get(name, Tally()) + tally
    return total


def _summary(crew: Crew, tallies: Mapping[str, Tally], troubles: Mapping[str, str]) -> str:
    done = sum(tallies.values(), Tally())
    parts = [f"{crew.taken_in.total()} taken in", f"{done.sent} sent"]
    counts = (("deferred", done.deferred), ("unsure", done.unsure), ("failed", done.failed))
    parts += [f"{count} {word}" for word, count in counts if count]
    parts += [f"{name}: {trouble}" for name, trouble in sorted(troubles.items())]
    if crew.stopping.is_set():
        parts.append("interrupted: the next run goes on from here")
    return "; ".join(" ".join(part.split()) for part in parts)
