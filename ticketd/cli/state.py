"""What every command needs: the settings, the desk put together, standard input, the clock."""

from __future__ import annotations

import os
import pwd
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ticketd.errors import TicketdError, UsageError

if TYPE_CHECKING:
    from ticketd.assemble import Assembly
    from ticketd.collect.desk import Desk
    from ticketd.config import Settings


_acting_as = ""  # whom root became
LARGEST_ID = 2**53 - 1
"""A greater number is no id of ours, and no database's."""


@dataclass(frozen=True, slots=True)
class Options:
    """The global options."""

    config: Path | None
    debug: bool


def now() -> datetime:
    """The time, for those who may ask for it."""
    return datetime.now(UTC)


def settings_of(context: typer.Context) -> Settings:
    """The config, read and validated; its warnings go to standard error once."""
    from ticketd.config import find_path, load

    options: Options = context.obj
    settings = load(find_path(options.config, os.environ), os.environ)
    become_owner(settings)
    return settings


def become_owner(settings: Settings) -> None:
    """Run as root, act as the owner of the state directory: what we write stays the daemon's."""
    if os.geteuid() != 0 or not settings.state_dir.exists():
        return
    owner = settings.state_dir.stat()
    if owner.st_uid == 0:
        return
    global _acting_as
    _acting_as = f"{_name_of(owner.st_uid)}, who owns {settings.state_dir}"
    _take_along(settings, owner.st_uid, owner.st_gid)
    os.setgroups([])
    os.setgid(owner.st_gid)
    os.setuid(owner.st_uid)


def _name_of(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"user {user}"


def _take_along(settings: Settings, user: int, group: int) -> None:
    """Read now what root alone may read: the program itself, where it lies below ``/root``, and secrets."""
    from ticketd import preload

    for _, secret in settings.secrets():
        secret.remember()
    if not preload.readable_by(user, group):
        preload.load_everything(settings.sla)


@contextmanager
def assembly(context: typer.Context) -> Iterator[Assembly]:
    """The desk of this config, opened."""
    from ticketd.assemble import assembled

    settings = settings_of(context)
    quiet_log(settings)
    with assembled(settings) as ready:
        yield ready


def quiet_log(settings: Settings) -> None:
    """Log to standard error, as the config says."""
    from ticketd.log import set_up

    set_up(settings.log_format, settings.log_level)


@contextmanager
def desk(context: typer.Context) -> Iterator[tuple[Assembly, Desk]]:
    """The desk, ready for changes."""
    from ticketd.collect.desk import Desk

    with assembly(context) as ready:
        yield ready, Desk(ready.store, ready.policy, now)


def read_text() -> str:
    """The text on standard input; nothing where that is a terminal and nobody typed."""
    if sys.stdin is None or sys.stdin.closed:
        return ""
    if sys.stdin.isatty():
        print("Write the text, end it with Ctrl-D on a line of its own:", file=sys.stderr)
    try:
        return sys.stdin.buffer.read().decode("utf-8")
    except UnicodeDecodeError:
        raise UsageError("the text on standard input is not UTF-8") from None


def read_file(path: Path) -> bytes:
    """A file's bytes, or one sentence about why not."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise TicketdError(f"cannot read {path}: {reason_of(error)}") from None


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """What is done inside writes to a path that somebody named, or there is one sentence about why not."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise TicketdError(f"cannot write {error.filename or path}: {reason_of(error)}") from None


def reason_of(error: OSError) -> str:
    """Why a path cannot be used; and as whom we tried, where that is not who typed the command."""
    reason = error.strerror or str(error)
    return f"{reason} (for {_acting_as})" if _acting_as and isinstance(error, PermissionError) else reason
