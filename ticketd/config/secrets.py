"""Secrets that the config names without holding them.

A secret is read when it is needed and never shown. Knows nothing of what it opens.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal

from pydantic import PlainValidator, ValidationInfo

from ticketd.decide.policy_fields import shown
from ticketd.errors import ConfigError

_LONGEST = 65536
_FORMS = 'must be { file = "path" }, { env = "NAME" }, { credential = "name" } or a string'

_SOURCES = ("file", "env", "credential")

Source = Literal["file", "env", "credential", "plain"]


class Secret:
    """Where a secret is to be found: ``source`` says how, ``read`` fetches it."""

    __slots__ = ("_beside", "_environ", "_remembered", "_value", "source")

    def __init__(
        self, source: Source, value: str, environ: Mapping[str, str], beside: Path = Path("credentials")
    ) -> None:
        """``beside`` the config is the directory of the credentials that systemd does not give."""
        self.source = source
        self._value = value
        self._environ = environ
        self._beside = beside
        self._remembered: str | None = None

    def remember(self) -> None:
        """Read it now, for a time when it may be no more; what is missing is told when it is needed."""
        with suppress(ConfigError):
            self._remembered = self._text()

    def read(self) -> str:
        """The secret, without the newline at its end. Raises ``ConfigError`` when there is none."""
        text = self._text()
        text = text.removesuffix("\n").removesuffix("\r")
        if not text or "\0" in text:
            raise ConfigError(f"{self} is {'not a text' if text else 'empty'}")
        return text

    def _text(self) -> str:
        if self.source == "plain":
            return self._value
        if self.source == "env":
            if self._value not in self._environ:
                raise ConfigError(f"the environment variable {self._value} is not set")
            return self._environ[self._value]
        path = self._path()
        if self._remembered is not None and not os.access(path, os.R_OK):
            return self._remembered
        return _read_file(path)

    def _path(self) -> Path:
        if self.source == "file":
            return Path(self._value)
        return self._credential()

    def _credential(self) -> Path:
        """What systemd gives comes first; it gives nothing to a command that is typed at a terminal."""
        given = self._environ.get("CREDENTIALS_DIRECTORY")
        if given and not _missing(Path(given) / self._value):
            return Path(given) / self._value
        path = self._beside / self._value
        if _missing(path):
            raise ConfigError(
                f"{self} is missing: systemd gives none (LoadCredential= in the unit), and there is no {path}"
            )
        return path

    def __repr__(self) -> str:
        return f"Secret({self})"

    def __str__(self) -> str:
        """Where the secret is, never what it is."""
        names = {"file": "the file", "env": "the environment variable", "credential": "the credential"}
        return f"{names[self.source]} {self._value}" if self.source in names else "a plain string"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return (self.source, self._value) == (other.source, other._value)

    def __hash__(self) -> int:
        return hash((self.source, self._value))


def _missing(path: Path) -> bool:
    """Whether there is no such file; one that we may not see is not missing."""
    try:
        return not path.exists()
    except OSError:
        return False


def _read_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_LONGEST + 1)
    except OSError as error:
        raise ConfigError(f"the secret {path} cannot be read: {error.strerror}") from None
    if len(content) > _LONGEST:
        raise ConfigError(f"the secret {path} is longer than {_LONGEST} bytes")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise ConfigError(f"the secret {path} is not a text in UTF-8") from None


def read_secret(value: object, info: ValidationInfo) -> Secret:
    """Turn the TOML form into a ``Secret``; its refusals never show the value."""
    if isinstance(value, Secret):
        return value
    context = info.context or {}
    environ: Mapping[str, str] = context.get("environ", {})
    if isinstance(value, str):
        if not value:
            raise ValueError("must not be empty")
        return Secret("plain", value, environ)
    if isinstance(value, Mapping):
        _refuse_unknown(value)
    if not isinstance(value, Mapping) or len(value) != 1:
        raise ValueError(_FORMS)
    source, name = next(iter(value.items()))
    if source not in _SOURCES or not isinstance(name, str) or not name or "\0" in name:
        raise ValueError(_FORMS)
    if source == "credential" and ("/" in name or name in (".", "..")):
        raise ValueError(f'must name a credential without "/", not {shown(name)}')
    if source == "file":
        name = str(context.get("base", Path()) / name)
    return Secret(source, name, environ, context.get("base", Path()) / "credentials")


def _refuse_unknown(value: Mapping[str, object]) -> None:
    """Say which key is none, and which is the nearest."""
    unknown = [key for key in value if key not in _SOURCES]
    if unknown:
        (close,) = difflib.get_close_matches(unknown[0].lower(), _SOURCES, n=1, cutoff=0.0)
        raise ValueError(f'has no key {shown(unknown[0])}; the nearest valid key is "{close}": it {_FORMS}')


SecretField = Annotated[Secret, PlainValidator(read_secret)]
