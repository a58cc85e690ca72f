"""A newcomer's best friend: is the config sound, can every server be used, what would be imported.

Changes nothing, here or on a server: no database or directory is made, folders are only
examined, nothing is mailed. Each finding that is no good news names its remedy.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from ticketd.config import MailboxSettings, Settings
from ticketd.decide.policy import Policy
from ticketd.errors import ConfigError, NotFound, TicketdError, Unavailable

if TYPE_CHECKING:
    from ticketd.store import Store

Level = Literal["fine", "hint", "problem"]

CONFIG, SERVER = 78, 75
_PLENTY = 1_000_000_000  # bytes


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. ``status`` is the exit status that a problem asks for."""

    level: Level
    where: str
    text: str
    remedy: str = ""
    status: int = 0


def problem(where: str, text: str, remedy: str, status: int) -> Finding:
    """Something that must be mended."""
    return Finding("problem", where, text, remedy, status)


def exit_status(findings: Iterable[Finding]) -> int:
    """The config's trouble before the servers', 0 where there is none."""
    asked = {one.status for one in findings if one.level == "problem"}
    return CONFIG if CONFIG in asked else SERVER if SERVER in asked else 1 if asked else 0


def check_config(settings: Settings, now: datetime) -> Iterator[Finding]:
    """What can be said without any server."""
    from ticketd.decide.deadlines import sla

    yield Finding("fine", "config", f"{settings.path} is valid")
    for warning in settings.warnings:
        yield Finding("hint", "config", warning)
    yield from _secrets(settings)
    yield from _texts(settings)
    for line in sla.problems(settings.sla, now):
        yield problem("sla", line, "mend [sla] or the policy in the config", CONFIG)
    for mailbox in settings.mailboxes:
        yield from _proof(mailbox)
        yield from _plus(mailbox)


def _secrets(settings: Settings) -> Iterator[Finding]:
    try:
        settings.check_secrets()
    except ConfigError as error:
        for line in str(error).splitlines():
            known = next((words for mark, words in _SECRETS.items() if mark in line), _SECRETS[""])
            yield problem("secrets", line, known, CONFIG)


_SECRETS = {
    "LoadCredential": "put it into the directory credentials beside the config",
    "": "see that the secret exists and this user may read it",
}
"""The remedy for a secret, by what its trouble mentions."""


def _texts(settings: Settings) -> Iterator[Finding]:
    """Every template is tried out on invented mail."""
    from ticketd.decide.writing.rehearsal import rehearse

    try:
        mistakes = rehearse(rehearsal_policy(settings))
    except ConfigError as error:
        yield problem("templates", str(error), "mend the template", CONFIG)
        return
    for one in mistakes:
        line = f", line {one.line}" if one.line else ""
        remedy = "mend the template; until then the shipped one is sent"
        yield problem("templates", f"{one.name}{line}: {one.reason}", remedy, CONFIG)


def rehearsal_policy(settings: Settings) -> Policy:
    """A policy that signs nothing that anybody believes: for trying things out."""
    from ticketd.texts_files import load

    return settings.policy("rehearsal", (b"rehearsal",), load(settings.templates.dir))


def _proof(mailbox: MailboxSettings) -> Iterator[Finding]:
    if not mailbox.trusted_authserv:
        yield Finding(
            "hint",
            mailbox.name,
            "agents are proven by answering a notification alone; any other mail of theirs"
            " (a new ticket, #fwd, #list) is parked until they confirm it",
            "name the server that stamps Authentication-Results in trusted_authserv"
            " (`ticketd check --probe` tells its name)",
        )


def _plus(mailbox: MailboxSettings) -> Iterator[Finding]:
    from ticketd.config import PRESETS

    preset = PRESETS.get(mailbox.provider or "")
    if preset and preset.plus_addressing and not mailbox.plus_addressing:
        yield Finding(
            "hint",
            mailbox.name,
            f"{mailbox.provider} usually delivers plus addresses, which survive relays that rewrite ids",
            "try `ticketd check --probe`, then set plus_addressing = true",
        )


def check_disk(settings: Settings) -> Iterator[Finding]:
    """Room for the database, in the nearest directory that exists."""
    place = settings.state_dir
    while not place.exists() and place != place.parent:
        place = place.parent
    free = shutil.disk_usage(place).free
    text = f"{free / 1e9:.1f} GB free for {settings.state_dir}"
    if free < 2 * settings.limits.message_size:
        remedy = "make room: mail stays on the server until then"
        yield problem("disk", text, remedy, 1)
    elif free < _PLENTY:
        yield Finding("hint", "disk", text, "make room before it is full")
    else:
        yield Finding("fine", "disk", text)


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a mailbox was read."""

    folder: str | None
    uidvalidity: int | None
    last_uid: int


@dataclass(frozen=True, slots=True)
class Past:
    """What the database knows: for each mailbox that was connected before, where reading goes on."""

    cursors: Mapping[str, Cursor]
    policy: Policy | None = None


def check_database(settings: Settings) -> tuple[list[Finding], Past]:
    """Is it there, whose schema has it, how far was each mailbox read."""
    from ticketd.assemble import policy_of
    from ticketd.store import Store

    nothing = Past({})
    try:
        store = Store.open(settings.database_url, create=False)
    except NotFound:
        return [Finding("fine", "database", "none yet: the first run makes it")], nothing
    except Unavailable as error:
        return [problem("database", str(error), "see that the database server runs", SERVER)], nothing
    except TicketdError as error:
        return [problem("database", str(error), "see README, “Restore”", error.exit_status)], nothing
    try:
        current, head = store.schema_current(), store.schema_head()
        if current != head:
            text = f"{store.where} has schema {current or 'none'}, this program works with {head}"
            return [Finding("hint", "database", text, "the next run upgrades it")], nothing
        past = Past(_cursors(store, settings), policy_of(settings, store))
        return [Finding("fine", "database", f"{store.where} has schema {current}")], past
    except TicketdError as error:
        return [problem("database", str(error), "see README, “Restore”", error.exit_status)], nothing
    finally:
        store.close()


def _cursors(store: Store, settings: Settings) -> dict[str, Cursor]:
    from ticketd.store.receive import Receiving

    cursors = {}
    with store.view() as view:
        boxes = view.status([mailbox.name for mailbox in settings.mailboxes], datetime.now(UTC))["mailboxes"]
        for name in (box["name"] for box in boxes if box["last_poll_at"]):
            state = Receiving(view.connection).mailbox_state(name)  # it is there: nothing is made
            cursors[name] = Cursor(state.folder, state.uidvalidity, state.last_uid)
    return cursors
