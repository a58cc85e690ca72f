"""``ticketd demo``: the real daemon, a mail server of its own, and people who mail each other.

Starts everything, plays the story, ends everything; loopback only. The story is
``demo_story``'s, the people are ``demo_people``'s.
"""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ticketd.demo_people import Missing, Person
from ticketd.demo_stage import Narrator
from ticketd.demo_story import Stage, tell
from ticketd.errors import TicketdError, UsageError
from ticketd.wire.embedded import EmbeddedServers

_STOP_WITHIN = 10.0  # seconds, as promised
_PEOPLE = {
    "jane": ("Jane Doe", "jane@example.org"),
    "anna": ("Anna", "anna@example.com"),
    "bob": ("Bob", "bob@example.com"),
}
_DESK = "support@example.com"
_PASSWORD = "correct-horse"  # noqa: S105 - of accounts that live as long as the demo

_CONFIG = """\
# The demo's desk: one mailbox, two agents.
[ticketd]
name = "Example Help Desk"
state_dir = "state"
log_format = "console"

[[mailboxes]]
name = "support"
address = "support@example.com"
display_name = "Example Support"
signature = "Example Support"
plus_addressing = true
import_since = "all"

  [mailboxes.imap]
  host = "127.0.0.1"
  port = {imap}
  security = "none"
  username = "support@example.com"
  password = "{password}"
  poll_every = "2s"

  [mailboxes.smtp]
  host = "127.0.0.1"
  port = {smtp}
  security = "none"
  username = "support@example.com"
  password = "{password}"

[[agents]]
name = "anna"
display_name = "Anna"
address = "anna@example.com"

[[agents]]
name = "bob"
display_name = "Bob"
address = "bob@example.com"
"""


def play(directory: Path | None = None) -> int:
    """Play the demo; 0 when every step was seen to happen, else 1.

    Raises ``Unavailable`` where the packages of ``ticketd[demo]`` are not installed.
    """
    logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd's advice is not for the audience
    with _place(directory) as place:
        return _play_in(place, keep=directory is not None)


@contextmanager
def _place(directory: Path | None) -> Iterator[Path]:
    """Where the desk lives: the directory asked for, else one that is gone afterwards."""
    if directory is None:
        with tempfile.TemporaryDirectory(prefix="ticketd-demo-") as made:
            yield Path(made)
        return
    if (directory / "state").exists():
        raise UsageError(f"{directory} holds an earlier demo: name another directory")
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TicketdError(f"cannot make {directory}: {error.strerror}") from None
    yield directory.resolve()


def _play_in(place: Path, *, keep: bool) -> int:
    began, narrator = time.monotonic(), Narrator()
    addresses = (_DESK, *(address for _, address in _PEOPLE.values()))
    with EmbeddedServers(dict.fromkeys(addresses, _PASSWORD)) as servers:
        config = _configure(place, servers)
        people = {key: Person(*who, servers) for key, who in _PEOPLE.items()}
        try:
            for person in people.values():
                person.sign_in()
            with _daemon(config, place / "daemon.log") as is_alive:
                for person in people.values():
                    person.hopeful = is_alive
                tell(Stage(people, _DESK, narrator, lambda: _ticket(place)))
                narrator.say("The tickets, as `ticketd list all` shows them:")
                _list(config)
        except Missing as missing:
            narrator.failed(str(missing), _tail(place / "daemon.log"))
            return 1
        finally:
            for person in people.values():
                person.sign_out()
            if keep:
                _keep_mails(place, people)
    narrator.done(time.monotonic() - began, place if keep else None)
    return 0


def _configure(place: Path, servers: EmbeddedServers) -> Path:
    """Write the config."""
    config = place / "ticketd.toml"
    config.touch(mode=0o600)
    text = _CONFIG.format(imap=servers.imap_port, smtp=servers.smtp_port, password=_PASSWORD)
    config.write_text(text, encoding="utf-8")
    return config


@contextmanager
def _daemon(config: Path, log: Path) -> Iterator[Callable[[], bool]]:
    """The real daemon, in a process of its own: whether it lives. It must end within ten seconds."""
    with log.open("wb") as written:
        process = subprocess.Popen(  # noqa: S603 - our own program, our own arguments
            [sys.executable, "-m", "ticketd", "-c", str(config), "run"],
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=written,
        )
    try:
        yield lambda: process.poll() is None
        if process.poll() is not None:
            raise Missing(f"the daemon was to run, but it ended with status {process.returncode}")
    except Missing:
        if process.poll() is not None:
            raise Missing(f"the daemon ended with status {process.returncode}") from None
        raise
    finally:
        status = _end(process)
    if status != 0:
        raise Missing(f"the daemon was to stop cleanly within {_STOP_WITHIN:.0f} s: status {status}")


def _end(process: subprocess.Popen[bytes]) -> int:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        return process.wait(_STOP_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _list(config: Path) -> None:
    """``ticketd list all``, as anybody would type it."""
    from ticketd.cli import main

    if main(["-c", str(config), "list", "all"]) != 0:
        raise Missing("`ticketd list all` failed")


def _ticket(place: Path) -> dict[str, Any]:
    """Ticket 1 as ``ticketd show 1 --json`` gives it."""
    from ticketd.store import Store

    store = Store.open(f"sqlite:///{place / 'state' / 'ticketd.db'}", create=False)
    try:
        with store.view() as view:
            return view.ticket(1)
    finally:
        store.close()


def _tail(log: Path) -> list[str]:
    return log.read_text("utf-8", "replace").splitlines()[-15:] if log.exists() else []


def _keep_mails(place: Path, people: dict[str, Person]) -> None:
    """Every mail that somebody received, as files."""
    for key, person in people.items():
        folder = place / "mails" / key
        folder.mkdir(parents=True, exist_ok=True)
        for number, content in enumerate(person.mails, 1):
            (folder / f"{number:02d}.eml").write_bytes(content)
