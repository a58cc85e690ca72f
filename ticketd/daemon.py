"""The daemon: holds the database, starts the workers, watches them, follows signals; or ``run --once``.

SIGTERM and SIGINT stop within ten seconds, SIGHUP reloads. systemd hears from us only
while the scheduler, the dispatcher, its couriers and every mailbox's worker keep their
promises. A database that nobody can go on with ends the daemon. Decides nothing and
speaks to no server itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from ticketd import headway
from ticketd import log as logs
from ticketd.assemble import Assembly, assembled, policy_of
from ticketd.collect.bell import Bell
from ticketd.collect.digests import send_digests
from ticketd.collect.reconcile import Reconciled, reconcile
from ticketd.collect.retention import Retention
from ticketd.collect.timed import run_due
from ticketd.collect.watched import WatchedConnection
from ticketd.config import Http, Settings, load
from ticketd.crew import Crew, Live
from ticketd.deliver.recovery import recover
from ticketd.doorkeeper import Door
from ticketd.errors import Busy, Damaged, TicketdError
from ticketd.memory import migrate_aside, share_arenas, trim
from ticketd.once import PATIENCE, run_once
from ticketd.scheduler import Errands, Schedule
from ticketd.servers import imap_server
from ticketd.signals import Signals
from ticketd.systemd import notify, watchdog_seconds

_STOP_WITHIN = 7.0  # seconds; ten are promised, and a busy machine needs some for itself
_LOOK_EVERY = 5.0  # seconds
_DUE_WITHIN = 1800.0  # seconds: it takes one, or minutes when the promises of a large desk have changed
_UNREACHABLE = 75
_SIGNALLED = 128  # and the signal's number, as a shell has it

log = structlog.get_logger()


def now() -> datetime:
    """The time."""
    return datetime.now(UTC)


def run(settings: Settings, *, once: bool = False, clock: Callable[[], datetime] = now) -> int:
    """Run the daemon until it is told to stop, or once; the exit status.

    Raises ``Busy`` where another daemon holds the database, ``ConfigError`` for a secret
    or template that cannot be read, ``TicketdError`` for a database that cannot be used.
    """
    logs.set_up(settings.log_format, settings.log_level)
    settings.check_secrets()
    settings.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    share_arenas()
    if not once:
        migrate_aside(settings)
    with assembled(settings) as desk, desk.store.hold():
        recover(desk.store, desk.policy, clock())
        if once:
            return _once(desk, clock)
        with headway.shown() as shown:
            daemon = Daemon(desk, clock, shown)
            with daemon.signals():
                return daemon.run()


def _once(desk: Assembly, clock: Callable[[], datetime]) -> int:
    with headway.shown() as shown:
        live = Live(desk.settings, desk.policy)
        crew = Crew(desk.store, live, clock, at_most=PATIENCE, headway=shown)
        with Signals(crew.ask_to_stop) as signals:
            summary, usable = run_once(crew)
    if desk.store.damage:
        raise Damaged(desk.store.damage)
    print(f"ticketd: {summary}", flush=True)
    if signals.caught:
        return _SIGNALLED + signals.caught
    return 0 if usable else _UNREACHABLE


class Daemon:
    """Everything that runs while the daemon does."""

    def __init__(
        self,
        desk: Assembly,
        clock: Callable[[], datetime],
        shown: Callable[[str], headway.Heard] = headway.Lines,
    ) -> None:
        """``shown`` gives whom to tell how far the import of a mailbox is."""
        self._store, self._clock = desk.store, clock
        self._crew = Crew(desk.store, Live(desk.settings, desk.policy), clock, headway=shown)
        self._errands = Errands()
        self._schedule = Schedule(self._crew.poke, self._tick, self._nightly)
        self._bell = Bell()
        self._retention = Retention(desk.store, clock)
        self._door = self._make_door(desk.settings.http)
        self._stop_asked = self._reload_asked = False
        self._exit_status = 0
        self._late: list[str] = []
        self._file = _identity(self._store.path)

    def stop(self) -> None:
        """Ask to stop; safe in a signal handler and from any thread."""
        self._stop_asked = True
        self._bell.ring()

    def reload(self) -> None:
        """Ask to read the config again; safe in a signal handler and from any thread."""
        self._reload_asked = True
        self._bell.ring()

    def signals(self) -> Signals:
        """While entered, SIGTERM, SIGINT and SIGHUP are ours."""
        return Signals(self.stop, self.reload)

    def run(self) -> int:
        """Work until asked to stop; the exit status."""
        self._crew.start()
        self._schedule.start(self._polls())
        if self._door:
            self._door.start()
        log.info("started", mailboxes=len(self._crew.live.mailboxes), database=self._store.where)
        notify("READY=1", self._status())
        try:
            self._look_after()
        finally:
            self._end()
        return self._exit_status

    def _look_after(self) -> None:
        """Until asked to stop: reload, feed the watchdog, see that clock and database are there."""
        every = min(_LOOK_EVERY, (watchdog_seconds() or _LOOK_EVERY) / 3)
        while not self._stop_asked:
            if self._reload_asked:
                self._reload_asked = False
                self._reload()
            if self._damaged():
                break
            self._schedule.restart_if_late()
            if self._crew.awaits_sign_in():
                self._errands.start("sign-ins", self._crew.look_at_sign_ins)
            self._feed()
            self._bell.wait(every)
            self._bell.hush()

    def _damaged(self) -> bool:
        """Whether the database is one that nobody can go on with: then the daemon ends and says so."""
        said = self._store.damage
        if not said and _identity(self._store.path) != self._file:
            said = f"The database {self._store.where} is gone or was replaced."
        if said:
            log.critical("database lost", said=said)
            self._exit_status = Damaged.exit_status
        return bool(said)

    def _feed(self) -> None:
        """Tell the watchdog that all is well, unless somebody has not been heard of."""
        late = self._crew.late() + self._errands.late()
        if late != self._late:
            if late:
                log.warning("no progress", who=late)
            else:
                log.info("everybody is at work again")
            self._late = late
        if not late:
            notify("WATCHDOG=1", self._status())

    def _status(self) -> str:
        workers = self._crew.workers.values()
        troubled = sum(worker.troubled for worker in workers)
        return f"STATUS=watching {len(workers)} mailboxes" + (f", {troubled} in trouble" if troubled else "")

    def _end(self) -> None:
        """Stop everybody; whoever does not come back is left where the next start finds it."""
        notify("STOPPING=1")
        self._schedule.stop()
        if self._door:
            self._door.stop()
        back = self._crew.stop(_STOP_WITHIN) and self._errands.wait(1.0)
        log.info("stopped", everybody_came_back=back)
        self._bell.close()

    # What the clock asks for

    def _polls(self) -> dict[str, timedelta]:
        return {name: box.imap.poll_every for name, box in self._crew.live.mailboxes.items()}

    def _tick(self) -> None:
        self._errands.start("due", self._run_due, _DUE_WITHIN)

    def _nightly(self) -> None:
        self._errands.start("reconcile", self._tidy_up)

    def _run_due(self) -> None:
        """Every minute: SLA, snoozes, questions, digests; mail that somebody let go; free memory back."""
        self._still_ours()
        with self._store.view() as view:
            waiting = {mail.mailbox for mail in view.waiting(limit=50)}
        live, at = self._crew.live, self._clock()
        done = run_due(self._store, live.policy, at)
        if send_digests(self._store, live.policy, live.settings.digest, at) or done:
            self._crew.dispatcher.notify()
        for name in waiting:
            self._crew.poke(name)
        if any(mailbox.oauth for mailbox in live.settings.mailboxes):
            self._crew.look_at_sign_ins()
            self._crew.warn_of_endings(at)
        trim()

    def _still_ours(self) -> None:
        """Note that we are at work; where another daemon has taken the database over, end."""
        try:
            self._store.alive(self._clock())
        except Busy as error:
            log.critical("another daemon took over", said=str(error))
            self._exit_status = error.exit_status
            self.stop()
            raise

    def _tidy_up(self) -> None:
        """At night: compare with the servers, drop what is older than the desk keeps it."""
        self._reconcile_all()
        self._retention.drop(self._crew.live.settings.retention.raw)

    def _reconcile_all(self) -> None:
        """Compare every mailbox with the ledger; the admins hear of it only where they differed."""
        for name in self._crew.live.mailboxes:
            if self._crew.stopping.is_set():
                return
            with suppress(TicketdError):  # unreachable: the mailbox's worker tells of that
                found = self._reconcile(name)
                log.info("reconciled", **found.as_json())
                if found.differed:
                    self._crew.alert("reconcile", _in_words(found), name)
                self._crew.poke(name)

    def _reconcile(self, name: str) -> Reconciled:
        live = self._crew.live
        box = live.mailbox(name)
        size = live.settings.limits.message_size
        with WatchedConnection.connect(imap_server(box, self._crew.sign_ins)) as source:
            return reconcile(self._store, box, box.imap.folder, source, size, self._clock)

    # New settings

    def _reload(self) -> None:
        """Follow the config as it stands now; one that is wrong is refused, the old one stays."""
        notify("RELOADING=1")
        try:
            self._follow(load(self._crew.live.settings.path, os.environ))
        except TicketdError as error:
            log.warning("config refused, the old one stays in force", said=str(error))
        notify("READY=1", self._status())

    def _make_door(self, http: Http | None) -> Door | None:
        """The door as configured, closed; ConfigError where its packages are not here."""
        if http is None:
            return None
        return Door(http, self._store, lambda: self._crew.live.policy, self._token, self._clock)

    def _token(self) -> str:
        """What the door asks for now; "" where nothing is configured."""
        http = self._crew.live.settings.http
        return http.token.read() if http and http.token else ""

    def _move_door(self, door: Door | None) -> None:
        """Close the door that was; open the one that is configured now, where it is another."""
        if (door and door.address) == (self._door and self._door.address):
            return
        if self._door:
            self._door.stop()
        self._door = door
        if door:
            door.start()
        log.info("http moved", address=door and "{}:{}".format(*door.address))

    def _follow(self, settings: Settings) -> None:
        settings.check_secrets()
        door = self._make_door(settings.http)
        policy, old = policy_of(settings, self._store), self._crew.live.settings
        if (settings.database_url, settings.state_dir) != (old.database_url, old.state_dir):
            log.warning("another database or state_dir needs a restart")
        logs.set_up(settings.log_format, settings.log_level)
        self._crew.follow(Live(settings, policy))
        self._schedule.follow(self._polls())
        self._move_door(door)
        log.info("reloaded", mailboxes=len(settings.mailboxes))


def _identity(path: Path | None) -> tuple[int, int] | None:
    """Which file a path names: None where there is none (any more), or where it is no file's database."""
    try:
        stat = path.stat() if path else None
    except OSError:
        return None
    return (stat.st_dev, stat.st_ino) if stat else None


def _in_words(found: Reconciled) -> str:
    return (
        f"The ledger of {found.mailbox} lacked {len(found.missing)} mails of {found.on_server} on the server;"
        f" {found.fetched} were fetched now, {found.refused} the server would not give."
    )
