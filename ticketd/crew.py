"""The desk's live settings, and the workers that follow them: one a mailbox, and the dispatcher.

A reload swaps settings and policy between two units of work; a mailbox whose settings
changed gets a new worker, which begins when the old one has ended. Knows nothing of signals.
"""

from __future__ import annotations

import shutil
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import structlog

from ticketd.alerts import tell_admins
from ticketd.collect.archive import tell_of_archive
from ticketd.collect.inhand import InHand
from ticketd.collect.intake import take_in_waiting
from ticketd.collect.poll import Poller
from ticketd.collect.tidy import Tidier
from ticketd.collect.watch import READING, MailboxWorker, Watch
from ticketd.config import MailboxSettings, Settings
from ticketd.decide.effects import Alert
from ticketd.decide.policy import Policy
from ticketd.deliver.courier import Courier
from ticketd.deliver.dispatch import Dispatcher
from ticketd.errors import TicketdError
from ticketd.headway import Heard, Lines
from ticketd.progress import Progress
from ticketd.servers import imap_server, smtp_server
from ticketd.signin import SignIns, ending
from ticketd.store import Store
from ticketd.wire import Server
from ticketd.wire.smtp import SmtpConnection

_ONE_MAIL = 120.0  # seconds: taking in one takes milliseconds

Clock = Callable[[], datetime]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Live:
    """What is in force now."""

    settings: Settings
    policy: Policy

    def mailbox(self, name: str) -> MailboxSettings:
        """A mailbox's settings; KeyError for one that left the config."""
        return self.mailboxes[name]

    @property
    def mailboxes(self) -> dict[str, MailboxSettings]:
        """The mailboxes by name."""
        return {mailbox.name: mailbox for mailbox in self.settings.mailboxes}


class Crew:
    """Makes and keeps the workers."""

    def __init__(
        self,
        store: Store,
        live: Live,
        clock: Clock,
        *,
        at_most: float | None = None,
        headway: Callable[[str], Heard] = Lines,
    ) -> None:
        """``at_most`` (seconds) is all that we wait for any server: one attempt, no long patience.

        ``headway`` gives whom to tell how far the import of a mailbox is.
        """
        self.store, self.live, self.clock = store, live, clock
        self._at_most, self._headway = at_most, headway
        self.sign_ins = SignIns(store, clock, live.settings.state_dir)
        self._signed_in: dict[str, datetime] = {}
        self.taken_in: Counter[str] = Counter()
        self._counting = threading.Lock()
        self.workers: dict[str, MailboxWorker] = {}
        self._leaving: dict[str, MailboxWorker] = {}
        self._greeted: dict[str, SmtpConnection | TicketdError] = {}
        self._once: dict[str, Server] = {}
        self.stopping = threading.Event()
        self.dispatcher = Dispatcher(store, lambda: self.live.mailboxes.keys(), self._courier, clock)

    # What a mailbox's worker works with

    def watch(self, name: str) -> Watch:
        """A mailbox's watch, by the settings in force now."""
        mailbox, limits = self.live.mailbox(name), self.live.settings.limits
        folder, progress = mailbox.imap.folder, Progress(READING)
        return Watch(
            name=name,
            server=lambda: imap_server(mailbox, self.sign_ins, at_most=self._at_most),
            poller=Poller(
                self.store,
                mailbox,
                folder,
                limits.message_size,
                self.clock,
                has_room=self._has_room,
                between=lambda: not self._stopping(progress, READING),
                heard=self._headway(name),
            ),
            tidier=Tidier(self.store, mailbox, folder),
            take_in=lambda: self.take_in(name, progress),
            trouble=lambda kind, text: self.alert(kind, text, name),
            clock=self.clock,
            poll_every=mailbox.imap.poll_every,
            idle=mailbox.imap.idle,
            progress=progress,
        )

    def _stopping(self, progress: Progress, seconds: float) -> bool:
        """Asked between two steps: whether to stop. A worker that asks is alive."""
        progress.promise(seconds)
        return self.stopping.is_set()

    def take_in(self, name: str, progress: Progress | None = None) -> int:
        """Take in what waits in a mailbox; how many mails. What follows from it is sent at once."""
        live = self.live
        if name not in live.mailboxes:
            return 0
        with InHand(live.settings.state_dir, name) as in_hand:
            alive = progress or Progress()
            outcomes = take_in_waiting(
                self.store,
                live.policy,
                name,
                self.clock,
                in_hand,
                lambda: self._stopping(alive, _ONE_MAIL),
                self._headway(name),
            )
        told = tell_of_archive(self.store, live.policy, name, self.clock())
        with self._counting:
            self.taken_in.update(outcomes)
        if outcomes or told:
            self.dispatcher.notify()
        return outcomes.total()

    def alert(self, kind: str, text: str, mailbox: str | None = None) -> None:
        """The admins are to know: by mail, at most once a kind and hour."""
        tell_admins(self.store, self.live.policy, Alert(kind, text, mailbox), self.clock())
        self.dispatcher.notify()

    def greet(self, name: str) -> str | None:
        """Log in to a mailbox's SMTP server for whoever delivers; what was wrong, None where nothing was."""
        try:
            self._greeted[name] = self._connect(name)
        except TicketdError as error:
            self._greeted[name] = error
            return str(error)
        return None

    def take_leave(self, name: str) -> None:
        """Say goodbye where nothing was to be delivered."""
        unused = self._greeted.pop(name, None)
        if isinstance(unused, SmtpConnection):
            unused.close()

    def _courier(self, name: str, stop: threading.Event) -> Courier:
        def connect() -> SmtpConnection:
            greeted = self._greeted.get(name)
            if isinstance(greeted, TicketdError):
                raise greeted  # one attempt at each server
            self._greeted.pop(name, None)
            return greeted if greeted and greeted.lives() else self._connect(name)

        return Courier(self.store, name, connect, lambda: self.live.policy, self.clock, stop)

    def _connect(self, name: str) -> SmtpConnection:
        return SmtpConnection.connect(self._smtp_server(name), once=self._at_most is not None)

    def _smtp_server(self, name: str) -> Server:
        """Where a mailbox's mail goes; what we wait for it is counted together where there is one attempt."""
        if self._at_most is None:
            return smtp_server(self.live.mailbox(name), self.sign_ins)
        if name not in self._once:
            self._once[name] = smtp_server(self.live.mailbox(name), self.sign_ins, at_most=self._at_most)
        return self._once[name]

    def _has_room(self) -> bool:
        """Whether the disk holds two more mails of the largest kind (Postfix asks for one and a half)."""
        settings = self.live.settings
        return shutil.disk_usage(settings.state_dir).free >= 2 * settings.limits.message_size

    # The workers' lives

    def start(self) -> None:
        """Start the dispatcher and a worker a mailbox."""
        self.forget_holds(self.live.mailboxes)
        with self.store.begin("sign-ins") as tx:
            self._signed_in = tx.sign_ins()
        self.say_what_is_stranded()
        self.dispatcher.start()
        for name in self.live.mailboxes:
            self._start_worker(name)

    def forget_holds(self, names: Iterable[str]) -> None:
        """Whoever starts us or mends the config wants to see it tried, whatever came of it before."""
        with self.store.begin("forget-holds") as tx:
            for name in names:
                if tx.mailbox_state(name).held_until is not None:
                    tx.clear_account(name)

    def look_at_sign_ins(self) -> None:
        """Where somebody has signed in since the last look (``ticketd login``), try the mailbox at once."""
        with self.store.begin("sign-ins") as tx:
            found = tx.sign_ins()
        before, self._signed_in = self._signed_in, found
        mended = [name for name in self.live.mailboxes if found.get(name) != before.get(name)]
        self.forget_holds(mended)
        for name in mended:
            worker = self.workers.get(name)
            if worker:
                worker.try_again()

    def warn_of_endings(self, now: datetime) -> None:
        """Tell the admins once, days ahead, where somebody must sign in again."""
        for name, ends in ending(self.store, self.live.mailboxes, now).items():
            with self.store.begin("sign-in-ends") as tx:
                since = tx.sign_ins()[name]  # each renewal may name another end: once a sign-in is enough
                news = tx.tell(f"sign-in-ends {name} {since.isoformat()}", now)
            if news:
                when = f"{ends:%Y-%m-%d %H:%M}Z"
                self.alert(
                    "login", f"The sign-in of {name} ends at {when}: run `ticketd login {name}`.", name
                )

    def awaits_sign_in(self) -> bool:
        """Whether a mailbox that signs in with OAuth 2 cannot be read just now."""
        boxes = self.live.mailboxes
        return any(worker.troubled and boxes[name].oauth for name, worker in self.workers.items())

    def say_what_is_stranded(self) -> None:
        """Mail of a mailbox that left the config is kept and waits: not for ever unnoticed."""
        with self.store.view() as view:
            for left in view.stranded(tuple(self.live.mailboxes)):
                log.warning("mail waits for a mailbox that is not in the config", **left)

    def _start_worker(self, name: str) -> None:
        """A mailbox's worker; it waits for the one before it to end."""
        self.workers[name] = MailboxWorker(self.watch(name), self._leaving.pop(name, None))
        self.workers[name].start()

    def _end_worker(self, name: str) -> None:
        if name in self.workers:
            self._leaving[name] = self.workers.pop(name)
            self._leaving[name].ask_to_stop()

    def follow(self, live: Live) -> None:
        """New settings are in force: stop, start and restart the workers whom they concern."""
        before, self.live = self.live, live
        concerned = [name for name, box in live.mailboxes.items() if _differs(before, live, box)]
        for name in (*concerned, *(before.mailboxes.keys() - live.mailboxes.keys())):
            self._end_worker(name)
        with suppress(TicketdError):  # the database is in trouble: the holds end by themselves
            self.forget_holds(concerned)
            self.say_what_is_stranded()
        for name in concerned:
            self._start_worker(name)
        self.dispatcher.notify()

    def poke(self, name: str) -> None:
        """Let a mailbox's worker look now."""
        worker = self.workers.get(name)
        if worker:
            worker.poke()

    def ask_to_stop(self) -> None:
        """Stop after the transactions in hand; safe in a signal handler."""
        self.stopping.set()
        self.dispatcher.ask_to_stop()

    def stop(self, seconds: float) -> bool:
        """Stop after the transactions in hand; whether everybody came back in time."""
        self.ask_to_stop()
        for worker in self.workers.values():
            worker.ask_to_stop()
        until = Progress(seconds)
        done = self.dispatcher.stop(until.left)
        for worker in self.workers.values():
            worker.join(max(0.0, until.left))
        return done and not any(worker.is_alive() for worker in self.workers.values())

    def late(self) -> list[str]:
        """Who has not been heard of by the time promised."""
        workers = self.workers.items()
        late = [name for name, one in workers if not (one.progress.kept and one.is_alive())]
        return late + self.dispatcher.late()


def _differs(before: Live, after: Live, mailbox: MailboxSettings) -> bool:
    """Whether a mailbox's worker works with other settings than before."""
    old = before.mailboxes.get(mailbox.name)
    return old != mailbox or before.settings.limits != after.settings.limits
