"""The config as typed, frozen values: what the rest of the house is given.

``Document`` is the TOML's shape, table by table; ``Settings`` is what is handed out.
Knows nothing of where the text came from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field

from ticketd.config.locate import Place, line_of
from ticketd.config.secrets import Secret, SecretField
from ticketd.config.servers import FilePath, MailboxSettings, is_address
from ticketd.decide.policy import Agent, Frozen, Limits, Policy, Sla
from ticketd.decide.policy_fields import Daily, MailAddress, Name, Period, Text, Weekly, shown
from ticketd.errors import ConfigError


def _check_database(value: str) -> str:
    url = urlsplit(value) if value.startswith("postgresql://") else None
    if value != "sqlite" and (url is None or not url.path.strip("/")):
        raise ValueError('must be "sqlite" or like "postgresql://user@host/name"')
    return value


def _check_listen(value: str) -> str:
    host, _, port = value.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    if not bare or (":" in bare and not is_address(bare)) or not (port.isascii() and port.isdigit()):
        raise ValueError(f'must be an address and a port like "127.0.0.1:8025", not {shown(value)}')
    if int(port[:6]) > 65535:
        raise ValueError("must have a port of at most 65535")
    return value


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


class Desk(Frozen):
    """The help desk as a whole."""

    name: Text = Field("Help Desk", min_length=1, description="what the desk calls itself")
    state_dir: FilePath | None = Field(
        None,
        description="where the database and our files are",
        json_schema_extra={"default": "$STATE_DIRECTORY, else ./ticketd-state"},
    )
    database: Annotated[str, AfterValidator(_check_database)] = Field(
        "sqlite", description='`"sqlite"` (in `state_dir`) or `"postgresql://user@host/name"`', repr=False
    )
    signing_key: SecretField | None = Field(
        None,
        description="signs our reply addresses and Message-IDs",
        json_schema_extra={"default": "made once, kept in the database"},
    )
    previous_signing_keys: tuple[SecretField, ...] = Field(
        (), description="keys that were in use before: still believed, no longer used"
    )
    log_format: Literal["auto", "json", "console"] = Field(
        "auto", description="`auto`: readable on a terminal, else JSON"
    )
    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)] = Field(
        "info", description="the least that is logged"
    )
    admins: tuple[MailAddress, ...] = Field(
        (), description="who is told of trouble, at most once a kind and hour"
    )
    disclaimers: tuple[Text, ...] = Field(
        (), description="beginnings of lines at which a legal disclaimer starts: cut from agents' replies"
    )


class AdminDigest(Frozen):
    """The digest for those who run the desk."""

    to: tuple[MailAddress, ...] = Field(min_length=1, description="who gets the desk's digest")
    at: Weekly = Field("mon 08:00", description='when: `"08:00"` or `"mon 08:00"`, in `sla.timezone`')


class Digest(Frozen):
    """Summaries by mail."""

    agents: Daily | None = Field(None, description="when agents get theirs, daily; unset: off")
    admins: AdminDigest | None = Field(None, description="the desk's digest; unset: off")


class Http(Frozen):
    """The intake API, metrics and health."""

    listen: Annotated[str, AfterValidator(_check_listen)] = Field(
        "127.0.0.1:8025", description="address and port to listen on"
    )
    token: SecretField | None = Field(
        None, description="asked for on `/v1`, and everywhere beyond loopback; unset: no `/v1`"
    )

    @property
    def address(self) -> tuple[str, int]:
        """Host and port to listen on."""
        host, _, port = self.listen.rpartition(":")
        return host.removeprefix("[").removesuffix("]"), int(port)


class Retention(Frozen):
    """How long things are kept."""

    raw: Period | None = Field(None, description="drop raw mails older than this; unset: keep them")


class Templates(Frozen):
    """The admin's own texts."""

    dir: FilePath | None = Field(
        None, description="Jinja2 templates that replace shipped ones of the same name"
    )


class Document(Frozen):
    """The whole TOML document."""

    ticketd: Desk = Field(Desk(), description="the help desk as a whole")
    mailboxes: tuple[MailboxSettings, ...] = Field(min_length=1, description="the mailboxes that are watched")
    agents: tuple[Agent, ...] = Field(min_length=1, description="the people who work tickets")
    limits: Limits = Field(Limits(), description="how much of anything")
    sla: Sla = Field(Sla(), description="what is due when")
    canned: Mapping[Name, str] = Field(default_factory=dict, description="texts for `#canned NAME`")
    digest: Digest = Field(Digest(), description="summaries by mail")
    http: Http | None = Field(None, description="the intake API, metrics and health; unset: off")
    retention: Retention = Field(Retention(), description="how long things are kept")
    templates: Templates = Field(Templates(), description="the admin's own texts")


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that the admin decided. Equal when the decisions are, wherever they stood.

    ``path`` and ``lines`` say where; ``warnings`` are sentences about what is allowed but unwise.
    """

    path: Path = field(compare=False)
    name: str
    state_dir: Path
    database: str = field(repr=False)
    signing_key: Secret | None
    previous_signing_keys: tuple[Secret, ...]
    log_format: Literal["auto", "json", "console"]
    log_level: Literal["debug", "info", "warning", "error"]
    admins: tuple[str, ...]
    disclaimers: tuple[str, ...]
    mailboxes: tuple[MailboxSettings, ...]
    agents: tuple[Agent, ...]
    limits: Limits
    sla: Sla
    canned: Mapping[str, str]
    digest: Digest
    http: Http | None
    retention: Retention
    templates: Templates
    lines: Mapping[Place, int] = field(repr=False, compare=False)
    warnings: tuple[str, ...] = field(default=(), compare=False)

    @property
    def database_url(self) -> str:
        """The database as SQLAlchemy names it. May hold a password: not for logs."""
        if self.database == "sqlite":
            return f"sqlite:///{self.state_dir / 'ticketd.db'}"
        return "postgresql+psycopg://" + self.database.removeprefix("postgresql://")

    def policy(self, instance: str, keys: tuple[bytes, ...], texts: Any) -> Policy:
        """The part that decisions depend on, for the desk named ``instance``."""
        return Policy(
            name=self.name,
            instance=instance,
            keys=keys,
            mailboxes={mailbox.name: mailbox.desk for mailbox in self.mailboxes},
            agents={agent.name: agent for agent in self.agents},
            limits=self.limits,
            sla=self.sla,
            canned=self.canned,
            admins=self.admins,
            disclaimers=self.disclaimers,
            texts=texts,
        )

    def secrets(self) -> Iterator[tuple[Place, Secret]]:
        """Every secret that the config names, with its place."""
        if self.signing_key:
            yield ("ticketd", "signing_key"), self.signing_key
        yield from secrets_in(("ticketd", "previous_signing_keys"), self.previous_signing_keys)
        yield from secrets_in(("mailboxes",), self.mailboxes)
        yield from secrets_in(("http",), self.http)

    def check_secrets(self) -> None:
        """Read every secret once, to learn early what is missing. Raises ``ConfigError`` that names all."""
        troubles = []
        for place, secret in self.secrets():
            try:
                secret.read()
            except ConfigError as error:
                troubles.append(f"{self.path}, line {line_of(self.lines, place)}: {dotted(place)}: {error}")
        if troubles:
            raise ConfigError("\n".join(troubles))


def dotted(place: Place) -> str:
    """A place as an admin would say it: ``mailboxes.imap.host``."""
    return ".".join(key for key in place if isinstance(key, str))


def secrets_in(place: Place, value: object) -> Iterator[tuple[Place, Secret]]:
    """Every secret in a table or an array of them, with its place."""
    if isinstance(value, Secret):
        yield place, value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from secrets_in((*place, name), getattr(value, name))
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from secrets_in((*place, index), item)
