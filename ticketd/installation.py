"""Puts on a machine what a desk needs there: unit, account, sample config, man pages, a link to the program.

The files come with the package, whoever installed it (``make install``, pip, pipx, uv); the
man pages are made from the code. A config is never overwritten; a config, secrets, the state
and the account are never removed. Knows nothing of desks.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from ticketd.errors import TicketdError, UsageError

ACCOUNT = "ticketd"
HIDDEN = ("/root", "/home", "/run/user")
"""What the unit cannot see (systemd.exec(5), ProtectHome=)."""
_PROGRAM = "/opt/ticketd/bin/ticketd"


@dataclass(frozen=True, slots=True)
class Places:
    """Where things belong: ``prefix`` as in any Makefile, ``root`` the machine's or a package's."""

    prefix: Path
    root: Path
    program: Path

    @property
    def unit(self) -> Path:
        """The systemd unit."""
        return self._below_prefix("lib/systemd/system/ticketd.service")

    @property
    def account(self) -> Path:
        """What makes the account (sysusers.d(5))."""
        return self._below_prefix("lib/sysusers.d/ticketd.conf")

    @property
    def link(self) -> Path:
        """The program on everybody's PATH."""
        return self._below_prefix("bin/ticketd")

    @property
    def pages(self) -> tuple[Path, Path]:
        """The man pages of the program and of its config."""
        above = self._below_prefix("share/man")
        return above / "man8/ticketd.8", above / "man5/ticketd.toml.5"

    @property
    def config(self) -> Path:
        """The config."""
        return self.root / "etc/ticketd/ticketd.toml"

    @property
    def credentials(self) -> Path:
        """Where secrets stand, readable to the service alone."""
        return self.config.parent / "credentials"

    @property
    def state(self) -> Path:
        """The service's state; commands that root types act as its owner."""
        return self.root / "var/lib/ticketd"

    @property
    def removable(self) -> tuple[Path, ...]:
        """What goes when ticketd goes."""
        return (self.unit, self.account, *self.pages)

    def _below_prefix(self, name: str) -> Path:
        return self.root / self.prefix.relative_to("/") / name


def places(prefix: str, destdir: str, scripts: str, interpreter: str) -> Places:
    """The places for the program in ``scripts``; refuses one that the service could not see."""
    root = Path(destdir or "/").absolute()
    if not Path(prefix).is_absolute():
        raise UsageError(f"the prefix must be an absolute path, not {prefix!r}")
    program = _without(root, Path(scripts).absolute() / "ticketd")
    for path in (program, _without(root, Path(os.path.realpath(interpreter)))):
        if any(path.is_relative_to(hidden) for hidden in HIDDEN):
            raise TicketdError(
                f"the service could not see {path}: its unit hides {', '.join(HIDDEN)}. Install ticketd"
                ' elsewhere, with the system\'s Python (README, "Running it")'
            )
    return Places(Path(prefix), root, program)


def _without(root: Path, path: Path) -> Path:
    """The path as it will be where ``root`` becomes ``/``."""
    return Path("/") / path.relative_to(root) if path.is_relative_to(root) else path


def put(where: Places) -> Iterator[str]:
    """Put everything in its place; a line about each thing."""
    os.umask(0o022)
    yield _link(where)
    unit = shipped("ticketd.service").replace(_PROGRAM, str(where.program))
    yield _write(where.unit, unit)
    yield _write(where.account, shipped("ticketd.sysusers"))
    for path, page in zip(where.pages, _pages(), strict=True):
        yield _write(path, page)
    yield _config(where)
    if where.root == Path("/"):
        yield from _settle(where)


def take_away(where: Places) -> Iterator[str]:
    """Take away what ``put`` brought; a line about each thing."""
    for path in where.removable:
        if path.exists():
            path.unlink()
            yield f"removed {path}"
    if where.link.is_symlink() and where.link.readlink() == where.program:
        where.link.unlink()
        yield f"removed {where.link}"
    if where.root == Path("/"):
        _reload()
    yield f"kept {where.config.parent}, the state and the account {ACCOUNT}"


def shipped(name: str) -> str:
    """A file that came with the package."""
    try:
        found = [file for file in files("ticketd") or () if file.name == name]
    except PackageNotFoundError:
        found = []
    if not found:
        raise TicketdError(f"{name} did not come with this ticketd: install it with pip, pipx, uv or make")
    return Path(str(found[0].locate())).read_text("utf-8")


def _pages() -> tuple[str, str]:
    from ticketd.manual import config_page, program_page

    return program_page(), config_page()


def _write(path: Path, text: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return f"wrote {path}"


def _link(where: Places) -> str:
    """Link to the program; one that is that already, or is the program, is left alone."""
    link = where.link
    if link == where.program or (link.is_symlink() and link.readlink() == where.program):
        return f"kept {link}"
    if link.exists() and not link.is_symlink():
        raise TicketdError(f"{link} is there and is not ours: move it away, or name another --prefix")
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(where.program)
    return f"wrote {link}"


def _config(where: Places) -> str:
    """The sample, where there is no config yet."""
    if where.config.exists():
        return f"kept {where.config}"
    return _write(where.config, shipped("ticketd.toml"))


def _settle(where: Places) -> Iterator[str]:
    """On the machine itself: the account, the directories that only it may see, systemd's knowledge of it."""
    _run("systemd-sysusers", str(where.account))
    for path, mode, owner in ((where.credentials, 0o750, "root"), (where.state, 0o700, ACCOUNT)):
        if not path.exists():
            path.mkdir(mode)
            shutil.chown(path, owner, ACCOUNT)
            yield f"wrote {path}"
    _reload()


def _reload() -> None:
    if Path("/run/systemd/system").exists():  # sd_booted(3)
        _run("systemctl", "daemon-reload")


def _run(*command: str) -> None:
    try:
        subprocess.run(command, check=True)  # noqa: S603 - two programs of systemd, named here
    except (OSError, subprocess.CalledProcessError) as error:
        raise TicketdError(f"`{' '.join(command)}` failed: {error}") from None
