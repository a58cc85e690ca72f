"""The tables of a mailbox that say how to reach it: IMAP, SMTP, OAuth 2.

Defaults follow RFC 8314 (TLS first) and RFC 6409 (submission). Knows the shape of the
keys; whether they fit together is ``checks``' to say.
"""

from __future__ import annotations

import difflib
import ipaddress
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationInfo, model_validator

from ticketd.config.oauth import OAuthSettings
from ticketd.config.presets import PRESETS
from ticketd.config.secrets import SecretField
from ticketd.decide.policy import Frozen, Mailbox
from ticketd.decide.policy_fields import Flag, Folder, Period, Text, shown

Security = Literal["tls", "starttls", "none"]


def check_host(value: str) -> str:
    """Take a host name or an IP address, without scheme and port."""
    if not value or value != "".join(value.split()) or "/" in value or "@" in value:
        raise ValueError(f'must be a host name like "imap.example.com", not {shown(value)}')
    if ":" in value and not is_address(value):
        raise ValueError(f'must be a host name alone, not {shown(value)}; "port" is a key of its own')
    return value


def is_address(host: str) -> bool:
    """Whether ``host`` is an IP address."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether ``host`` can only be this machine."""
    return host.lower() == "localhost" or (is_address(host) and ipaddress.ip_address(host).is_loopback)


def beside_config(value: Path, info: ValidationInfo) -> Path:
    """Read a relative path from the config file's directory on."""
    base: Path = (info.context or {}).get("base", Path())
    return base / value


def check_provider(value: str) -> str:
    """Take the name of a preset."""
    if value not in PRESETS:
        near = difflib.get_close_matches(value.lower(), PRESETS, n=1, cutoff=0.0)[0]
        raise ValueError(
            f'must be a known provider, not {shown(value)}; the nearest is "{near}"'
            " (leave the key out for any other)"
        )
    return value


Provider = Annotated[str, AfterValidator(check_provider)]
Host = Annotated[str, AfterValidator(check_host)]
FilePath = Annotated[Path, AfterValidator(beside_config)]


class ServerSettings(Frozen):
    """One server, and how we sign in to it."""

    host: Host = Field(description="the server", json_schema_extra={"default": "the provider's"})
    port: int = Field(strict=True, ge=1, le=65535, description="its port")
    security: Security = Field(
        description="`tls` from the first byte, `starttls`, or `none` (loopback only, unless `insecure`)"
    )
    insecure: Flag = Field(False, description="true: send the password unencrypted to any host")
    username: Text | None = Field(
        None,
        min_length=1,
        description="who signs in; SMTP without one: no AUTH",
        json_schema_extra={"default": "`address`, with a provider or OAuth"},
    )
    password: SecretField | None = Field(None, description="the password; not needed with OAuth")
    timeout: Period = Field(
        timedelta(seconds=60),
        description="how long the server may be silent",
        json_schema_extra={"default": '"60s"'},
    )
    ca_file: FilePath | None = Field(
        None,
        description="certificates (PEM) to trust instead of the system's",
        json_schema_extra={"default": "the system's"},
    )


def _fill(data: object, security: Mapping[int, str], usual: str, ports: Mapping[str, int]) -> object:
    """Fill ``security`` from the port and ``port`` from the security, where they are left out."""
    if not isinstance(data, Mapping):
        return data
    port = data.get("port")
    chosen = data.get("security", security.get(port, usual) if isinstance(port, int) else usual)
    default = ports.get(chosen) if isinstance(chosen, str) else None
    return {"port": default or ports[usual], **data, "security": chosen}


class ImapSettings(ServerSettings):
    """Where mail comes from."""

    port: int = Field(
        strict=True,
        ge=1,
        le=65535,
        description="its port",
        json_schema_extra={"default": "993 with tls, else 143"},
    )
    security: Security = Field(
        description="`tls` from the first byte, `starttls`, or `none` (loopback only, unless `insecure`)",
        json_schema_extra={"default": '"tls"; on port 143 "starttls"'},
    )
    folder: Folder = Field("INBOX", description="the folder that is watched")
    poll_every: Period = Field(timedelta(minutes=1), description="how often it is polled")
    idle: Flag = Field(True, description="let the server tell of new mail at once, where it can (IDLE)")

    @model_validator(mode="before")
    @classmethod
    def _defaults(cls, data: object) -> object:
        return _fill(data, {143: "starttls"}, "tls", {"tls": 993, "starttls": 143, "none": 143})


class SmtpSettings(ServerSettings):
    """Where mail goes. Nothing is inherited from IMAP; without a username there is no AUTH."""

    port: int = Field(
        strict=True,
        ge=1,
        le=65535,
        description="its port",
        json_schema_extra={"default": "587 with starttls, 465 with tls, 25 with none"},
    )
    security: Security = Field(
        description="`starttls`, `tls` from the first byte, or `none` (loopback only, unless `insecure`)",
        json_schema_extra={"default": '"starttls"; on port 465 "tls"'},
    )

    @model_validator(mode="before")
    @classmethod
    def _defaults(cls, data: object) -> object:
        return _fill(data, {465: "tls"}, "starttls", {"starttls": 587, "tls": 465, "none": 25})


class MailboxSettings(Mailbox):
    """A mailbox whole: its desk side, and its servers."""

    provider: Provider | None = Field(
        None,
        description="fills hosts, ports and sign-in: " + ", ".join(f"`{name}`" for name in PRESETS),
    )
    imap: ImapSettings = Field(description="where its mail comes from")
    smtp: SmtpSettings = Field(description="where its mail goes")
    oauth: OAuthSettings | None = Field(None, description="OAuth 2 sign-in, for both servers")

    @property
    def desk(self) -> Mailbox:
        """The side that decisions may see: no servers, no secrets."""
        return Mailbox.model_construct(**{name: getattr(self, name) for name in Mailbox.model_fields})

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, data: object) -> object:
        return _fill_in(data) if isinstance(data, Mapping) else data


def _fill_in(data: Mapping[str, Any]) -> dict[str, Any]:
    """Fill what the provider and OAuth imply; keys that are given win."""
    filled = dict(data)
    name = data.get("provider")
    preset = PRESETS.get(name) if isinstance(name, str) else None
    if preset is not None:
        filled["imap"] = _under(preset.imap(), data.get("imap", {}))
        filled["smtp"] = _under(preset.smtp(), data.get("smtp", {}))
        if "oauth" in data and preset.oauth:
            implied = {"provider": preset.oauth, **({"tenant": preset.tenant} if preset.tenant else {})}
            filled["oauth"] = _under(implied, data["oauth"])
    for side in ("imap", "smtp"):
        table = filled.get(side)
        if isinstance(table, Mapping) and _signs_in(data, side, preset is not None):
            filled[side] = {"username": data.get("address"), **table}
    return filled


def _under(implied: Mapping[str, object], given: object) -> object:
    """What is given, over what is implied. Another host has its own port and security."""
    if not isinstance(given, Mapping):
        return given
    if "host" in given and given["host"] != implied.get("host"):
        return dict(given)
    filled = {**implied, **given}
    if "port" in given and "security" not in given:
        del filled["security"]  # the port that is given says it
    return filled


def _signs_in(data: Mapping[str, Any], side: str, preset: bool) -> bool:
    """Whether the mailbox's address is the username where none is given: at providers, and for OAuth."""
    given = data.get(side, {})
    own_host = isinstance(given, Mapping) and "host" in given
    return isinstance(data.get("address"), str) and ("oauth" in data or (preset and not own_host))
