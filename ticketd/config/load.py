"""Find the config, read it, and hand out settings or say line by line what is wrong.

The only part of the config that touches files. Knows nothing of what the settings do.
"""

from __future__ import annotations

import re
import stat
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ticketd.config.advice import advice
from ticketd.config.checks import check
from ticketd.config.locate import Place, key_lines, line_of
from ticketd.config.problems import Problem, problems_of
from ticketd.config.settings import Document, Settings
from ticketd.errors import ConfigError

DEFAULT_PATH = Path("/etc/ticketd/ticketd.toml")
_AT_LINE = re.compile(r" \(at line (\d+), column \d+\)$")


def find_path(option: str | Path | None, environ: Mapping[str, str]) -> Path:
    """The config file: what ``-c`` named, else ``$TICKETD_CONFIG``, else ``/etc/ticketd/ticketd.toml``."""
    return Path(option or environ.get("TICKETD_CONFIG") or DEFAULT_PATH)


def load(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Read and validate the config at ``path`` (None: where ``find_path`` says).

    Raises ``ConfigError``: a line for each problem, in the order of the file. Secrets are
    not read here: see ``Settings.check_secrets``.
    """
    path = path or find_path(None, environ)
    text = _read(path)
    content = _parse(path, text)
    lines = key_lines(text)
    context = {"environ": environ, "base": path.parent}
    try:
        document = Document.model_validate(content, context=context)
    except ValidationError as error:
        raise _refusal(path, lines, problems_of(error)) from None  # it shows what was given: secrets too
    problems = check(document)
    if problems:
        raise _refusal(path, lines, problems)
    return _settings(path, lines, document, environ)


def _read(path: Path) -> str:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise ConfigError(
            f"{path}: there is no such config file; name one with -c FILE or $TICKETD_CONFIG"
        ) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigError(f"{path}: the config file cannot be read: {reason}") from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}, line {line}: the config is not a text in UTF-8") from None


def _parse(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ConfigError(f"{path}: the config is nested too deeply") from None
    except ValueError as error:  # not only TOMLDecodeError: a number of 5,000 digits is one, too
        raise ConfigError(_malformed(path, text, str(error))) from None


def _malformed(path: Path, text: str, message: str) -> str:
    """Say what is wrong with the TOML, with the key that stands on the line; never the value."""
    place = _AT_LINE.search(message)
    rows = text.rstrip().split("\n")
    line = min(int(place[1]), len(rows)) if place else len(rows)
    reason = _AT_LINE.sub("", message).removesuffix(" (at end of document)")
    key, equals, _ = rows[line - 1].partition("=")
    named = bool(equals) and key.strip().replace(".", "").replace("-", "").isidentifier()
    subject = key.strip()[:60] if named else "this"
    return f"{path}, line {line}: {subject} is not valid TOML: {_reworded(reason)}"


def _reworded(reason: str) -> str:
    """Tomllib's reason in an admin's words."""
    if reason == "Cannot overwrite a value":
        return "the key stands there twice"
    if reason.startswith("Cannot declare"):
        return "the table is declared twice; repeat only tables in [[double brackets]]"
    if reason == "Invalid value":
        return "the value is none (is it a text without quotes?)"
    return reason[:1].lower() + reason[1:]


def _refusal(path: Path, lines: Mapping[Place, int], problems: Iterable[Problem]) -> ConfigError:
    placed = sorted(((line_of(lines, problem.place), str(problem)) for problem in problems), key=_by_line)
    return ConfigError("\n".join(f"{path}, line {line}: {text}" for line, text in dict.fromkeys(placed)))


def _by_line(placed: tuple[int, str]) -> int:
    return placed[0]


def _settings(
    path: Path, lines: Mapping[Place, int], document: Document, environ: Mapping[str, str]
) -> Settings:
    tables = {name: getattr(document, name) for name in Document.model_fields if name != "ticketd"}
    desk = {name: getattr(document.ticketd, name) for name in type(document.ticketd).model_fields}
    desk["state_dir"] = _state_dir(document, environ)
    warnings = tuple(
        f"{path}, line {line_of(lines, hint.place)}: {hint}"
        for hint in advice(document, others_can_read=_others_can_read(path))
    )
    return Settings(path=path, lines=lines, warnings=warnings, **desk, **tables)


def _state_dir(document: Document, environ: Mapping[str, str]) -> Path:
    """The configured directory, else the first that systemd made, else one below where we stand."""
    given = environ.get("STATE_DIRECTORY", "").partition(":")[0]
    return (document.ticketd.state_dir or Path(given or "ticketd-state")).absolute()


def _others_can_read(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & stat.S_IROTH)
    except OSError:
        return False
