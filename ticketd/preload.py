"""Load all that a command may need while it can still be read: soon it may be somebody who cannot.

A command that root types acts as the owner of ``state_dir``. Where the interpreter lives
in a place that the owner may not enter (below ``/root``), whatever Python would read from
there later must be read before: modules, templates, migrations, time zones. Knows nothing
of what commands do.
"""

from __future__ import annotations

import importlib
import pkgutil
import stat
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

from ticketd.decide.policy import Sla

_NOT_NEEDED = ("ticketd.demo", "ticketd.wire.embedded", "ticketd.__main__")
"""The demo acts as whoever plays it; its servers are slow to import."""

_LAZY = (
    "anyio",
    "apscheduler.executors",
    "apscheduler.triggers",
    "concurrent.futures",
    "email",
    "encodings",
    "httpcore2",
    "idna",
    "psycopg",
    "pydantic.v1",
    "rich",
    "sqlalchemy.dialects.postgresql",
    "sqlalchemy.dialects.sqlite",
    "uvicorn",
)
"""Packages of others that load parts of themselves only when they are used."""

_zones: list[ZoneInfo] = []
"""Held, so that whoever asks for them again gets these."""


def readable_by(user: int, group: int) -> bool:
    """Whether this user may read every module that is loaded: so all that are not loaded yet, too."""
    files = {Path(found) for module in list(sys.modules.values()) if (found := _file_of(module))}
    folders = {folder for file in files for folder in file.parents}
    return all(may(path, user, group, stat.S_IROTH) for path in files) and all(
        may(path, user, group, stat.S_IXOTH) for path in folders
    )


def _file_of(module: object) -> str | None:
    found = getattr(module, "__file__", None)
    return found if isinstance(found, str) and found.startswith("/") else None


def may(path: Path, user: int, group: int, right: int) -> bool:
    """Whether the permission bits give the right, which is written as that of others."""
    try:
        found = path.stat()
    except OSError:
        return True  # it was removed since: nobody reads it any more
    if found.st_uid == user:
        return bool(found.st_mode & right << 6)
    if found.st_gid == group:
        return bool(found.st_mode & right << 3)
    return bool(found.st_mode & right)


def load_everything(sla: Sla) -> None:
    """Import what commands import when they run, and read what they read from beside the modules."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of modules that nobody but us asked for
        for package in ("ticketd", *_LAZY):
            for name in _modules_of(package):
                _load(name)
    _zones.extend(ZoneInfo(one.timezone or "UTC") for one in (sla, *sla.policies))
    from ticketd.store.migrations.run import scripts
    from ticketd.texts_files import shipped

    scripts()
    shipped()


def _modules_of(package: str) -> Iterator[str]:
    """The package and all in it, in the order of their names; nothing where it is not installed."""
    found = _load(package)
    if found is None:
        return
    yield package
    paths = getattr(found, "__path__", ())
    for module in pkgutil.iter_modules(paths, f"{package}."):
        if module.name.startswith(_NOT_NEEDED):
            continue
        if module.ispkg:
            yield from _modules_of(module.name)
        else:
            yield module.name


def _load(name: str) -> object | None:
    """The module; None where it wants what is not installed, which whoever uses it will be told."""
    try:
        return importlib.import_module(name)
    except Exception:  # noqa: BLE001 - a module of others may fail in any way
        return None
