"""Delivers one mailbox's due mail over one reused connection: claim, submit, settle.

The instant of hand-over is the server's 250 after the final dot (RFC 5321 §4.2.5).
``mark_dot`` is committed just before it, so that a crash between the two is known as
``unsure``; a crash earlier is known as harmless. Whatever was leased and not tried is
given back, however long the database is away. No transaction is open while the
network speaks. What a reply means is ``decide.outcome``'s, when to try again ``decide.retry``'s.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog

from ticketd.decide import retry
from ticketd.decide.effects import MailKind
from ticketd.decide.outcome import Phase, Reply, Settle, State, unusable
from ticketd.decide.policy import Policy
from ticketd.deliver.insist import insist
from ticketd.deliver.settle import Settler
from ticketd.errors import Busy, TicketdError
from ticketd.progress import Progress
from ticketd.store import LEASE, Claimed, Store
from ticketd.wire.smtp import SmtpTrouble

_BATCH = 10
_MAILS_A_CONNECTION = 100
_ONE_MAIL = 1800.0  # seconds within which one is settled: 50 MB at 50 KB/s are 1,000, the answer takes 300

log = structlog.get_logger()


class Connection(Protocol):
    """What a courier needs of an SMTP connection."""

    def send(self, envelope_from: str, recipient: str, content: bytes, before_dot: Callable[[], None]) -> str:
        """Submit one mail to one recipient; the server's words on success, else ``SmtpTrouble``."""

    def close(self) -> None:
        """Say goodbye; never raises."""


@dataclass(slots=True)
class Tally:
    """What one run delivered; ``unusable`` says why the server could not be used."""

    sent: int = 0
    deferred: int = 0
    failed: int = 0
    unsure: int = 0
    unusable: str | None = None

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.sent + other.sent,
            self.deferred + other.deferred,
            self.failed + other.failed,
            self.unsure + other.unsure,
            self.unusable or other.unusable,
        )

    def count(self, settle: Settle) -> None:
        """Count one settled row."""
        name = {State.WAITING: "deferred"}.get(settle.state, settle.state.value)
        if hasattr(self, name):
            setattr(self, name, getattr(self, name) + 1)


class Courier:
    """Delivers what is due of one mailbox. One thread at a time may run it."""

    def __init__(
        self,
        store: Store,
        mailbox: str,
        connect: Callable[[], Connection],
        policy: Callable[[], Policy],
        clock: Callable[[], datetime],
        stop: threading.Event,
    ) -> None:
        self._store, self._mailbox, self._connect = store, mailbox, connect
        self._policy, self._clock, self._stop = policy, clock, stop
        self.progress = Progress(_ONE_MAIL)
        self._settler = Settler(store, mailbox, policy, clock, stop, self.progress)
        self._connection: Connection | None = None
        self._carried = 0  # mails that the open connection has taken
        self._lease = clock()  # the end of the lease that we took last
        self._past_dot = False  # whether the mail in hand may have arrived

    def run(self) -> Tally:
        """Deliver all that is due now; returns at the first trouble that is the account's."""
        tally = Tally()
        try:
            while self._goes_on() and (rows := self._claim()):
                if not self._deliver_batch(rows, tally):
                    break
        finally:
            self._hang_up()
        return tally

    def _goes_on(self) -> bool:
        """Whether nobody asked to stop, and the mailbox is still in the config."""
        return not self._stop.is_set() and self._mailbox in self._policy().mailboxes

    def _claim(self) -> list[Claimed]:
        """Lease what is due. Where the commit's answer is lost the lease may stand: it is given back."""
        self.progress.promise(_ONE_MAIL)
        now = self._clock()
        self._lease = now + LEASE
        try:
            with self._store.begin("claim") as tx:
                return tx.claim(self._mailbox, now, limit=_BATCH)
        except TicketdError:
            self._give_back()
            raise

    def _deliver_batch(self, rows: list[Claimed], tally: Tally) -> bool:
        """Deliver rows until one meets the account's trouble; whatever was not tried is given back."""
        untried = list(rows)
        try:
            while untried and self._goes_on():
                settle = self._deliver(untried.pop(0), tally)
                tally.count(settle)
                if settle.holds_account:
                    return False
            return not untried
        finally:
            if untried:
                self._give_back()

    def _give_back(self, undotted: Claimed | None = None) -> None:
        """What we lease and have not settled stands as before; of ``undotted`` no dot was sent."""

        def write() -> None:
            with self._store.begin("give-back") as tx:
                if undotted:
                    tx.unmark_dot(undotted)
                tx.give_back(self._mailbox, self._lease)

        insist(write, self._stop, self._mailbox, self.progress)

    def _deliver(self, row: Claimed, tally: Tally) -> Settle:
        """One row to its end; its fate is committed before the next is looked at."""
        self.progress.promise(_ONE_MAIL)
        if row.phase == Phase.DOT:
            return self._settler.settle(row, Reply(Phase.DOT, None, "nobody wrote down what was answered"))
        if row.kind is MailKind.ACKNOWLEDGEMENT and self._is_stale(row):
            return self._settler.cancel(row, "too late to acknowledge")
        reply = self._submitted(row)
        if unusable(reply):
            tally.unusable = str(reply)
        return self._settler.settle(row, reply)

    def _submitted(self, row: Claimed) -> Reply:
        """Submit one mail. The database's trouble is everybody's; any other error of ours is this mail's.

        It is tried later, and holds up no other; in doubt only where the dot may have been sent.
        """
        try:
            return self._submit(row)
        except Exception as error:
            if isinstance(error, TicketdError) and not self._past_dot:
                self._give_back(undotted=row)
                raise
            log.exception("delivery failed", mailbox=self._mailbox, row=row.id)
            self._hang_up()
            phase = Phase.DOT if self._past_dot else Phase.DATA
            return Reply(phase, None, f"an error of ours: {type(error).__name__}")

    def _is_stale(self, row: Claimed) -> bool:
        return self._clock() - row.created_at > retry.TOO_LATE_TO_ACKNOWLEDGE

    def _submit(self, row: Claimed) -> Reply:
        """Submit one mail. Trouble on a connection that served before is tried once on a new one."""
        reused = self._connection is not None
        reply = self._attempt(row)
        if reused and self._connection is None and reply.phase is not Phase.DOT:
            reply = self._attempt(row)
        return reply

    def _attempt(self, row: Claimed) -> Reply:
        """Speak SMTP; what it came to, as a reply. A connection in trouble is hung up."""
        self._past_dot = False
        if self._carried >= _MAILS_A_CONNECTION:
            self._hang_up()
        try:
            connection = self._connection = self._connection or self._connect()
        except SmtpTrouble as trouble:
            return _reply(trouble)
        except TicketdError as error:  # a secret that cannot be read is as good as a refused login
            return Reply(Phase.AUTH, None, str(error))
        try:
            words = connection.send(self._sender(), row.recipient, row.content, lambda: self._mark_dot(row))
        except ValueError as error:  # bytes that no server may be given: ours to mend, not to try again
            if self._past_dot:
                raise
            return Reply(Phase.DATA, 554, f"5.6.0 not sent: {error}")
        except SmtpTrouble as trouble:
            reply = _reply(trouble)
            if reply.code is None or unusable(reply):
                self._hang_up()
            return reply
        self._carried += 1
        return Reply(Phase.DOT, 250, words)

    def _sender(self) -> str:
        """The envelope's sender: the desk, so that bounces come back to it."""
        return self._policy().mailboxes[self._mailbox].address

    def _mark_dot(self, row: Claimed) -> None:
        """The last commit before the point of no return."""
        with self._store.begin("mark-dot") as tx:
            if not tx.mark_dot(row, self._clock()):
                raise Busy(f"Another daemon has taken over the outbox's mail {row.id}.")
        self._past_dot = True

    def _hang_up(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection, self._carried = None, 0


def _reply(trouble: SmtpTrouble) -> Reply:
    return Reply(Phase(trouble.phase), trouble.code, trouble.text)
