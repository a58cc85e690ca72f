"""Read the templates of our mails from the package and from the directory that the config names.

The only place that opens them; what they mean is ``decide.texts``'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path

from ticketd.decide.writing.texts import Mistake, Texts
from ticketd.errors import ConfigError

_SUFFIX = ".j2"
_MOST = 200_000  # characters in one template: more is a mistake


def load(directory: Path | None = None) -> Texts:
    """The shipped templates and, before them, those in ``directory`` (``*.txt.j2``, ``*.html.j2``).

    Raises ConfigError naming the template and the line of the first that does not compile.
    """
    own = _read(directory) if directory is not None else {}
    texts = Texts(shipped(), own)
    for name in sorted(own):
        try:
            texts.compile(name)
        except Mistake as mistake:
            where = f"{directory}/{name}{_SUFFIX}" + (f", line {mistake.line}" if mistake.line else "")
            raise ConfigError(f"{where}: {mistake.reason}") from mistake
    return texts


@cache
def shipped() -> Mapping[str, str]:
    """The templates of the package by name; read once, so that they are to be had afterwards."""
    folder = resources.files("ticketd") / "templates"
    return {
        entry.name.removesuffix(_SUFFIX): entry.read_text("utf-8")
        for entry in folder.iterdir()
        if entry.name.endswith(_SUFFIX)
    }


def _read(directory: Path) -> dict[str, str]:
    if not directory.is_dir():
        raise ConfigError(f"templates.dir: {directory} is not a directory")
    return {path.name.removesuffix(_SUFFIX): _source(path) for path in sorted(directory.glob(f"*{_SUFFIX}"))}


def _source(path: Path) -> str:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as UTF-8 text ({error})") from error
    if len(text) > _MOST:
        raise ConfigError(f"{path}: a template has at most {_MOST:,} characters")
    return text
