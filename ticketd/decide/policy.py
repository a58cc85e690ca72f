"""What the admin decided: the part of the config that decisions depend on.

Frozen pydantic models with the contract's key names. Loading, secrets and servers
are ``ticketd.config``'s; this module opens nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from ticketd.decide.model import Priority, Status, address_key

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "y": 365 * 86400}


def read_duration(value: object) -> object:
    """Turn ``"90s"``, ``"5m"``, ``"2h"``, ``"3d"``, ``"5y"`` into a timedelta."""
    if not isinstance(value, str):
        return value
    number, unit = value[:-1], value[-1:]
    if not (number.isascii() and number.isdigit() and unit in _UNITS and len(number) <= 9):
        raise ValueError('a duration is a number and a unit, like "90s", "5m", "2h", "3d", "5y"')
    return timedelta(seconds=int(number) * _UNITS[unit])


_SIZES = {"KB": 1000, "MB": 1000**2, "GB": 1000**3}


def read_size(value: object) -> object:
    """Turn ``"50MB"`` into bytes."""
    if not isinstance(value, str):
        return value
    number, unit = value[:-2], value[-2:].upper()
    if not (number.isascii() and number.isdigit() and unit in _SIZES):
        raise ValueError('a size is a number and a unit, like "800KB", "50MB"')
    return int(number) * _SIZES[unit]


Duration = Annotated[timedelta, BeforeValidator(read_duration)]
Size = Annotated[int, BeforeValidator(read_size)]


@dataclass(frozen=True, slots=True)
class Span:
    """A length of business time: ``time`` in hours, or ``days`` business days."""

    days: int = 0
    time: timedelta = timedelta()


def read_span(value: object) -> object:
    """Turn ``"4h"`` into business time, ``"2d"`` into business days."""
    if isinstance(value, str) and value.endswith("d"):
        duration = read_duration(value)
        assert isinstance(duration, timedelta)
        return Span(days=duration.days)
    if isinstance(value, str):
        duration = read_duration(value)
        assert isinstance(duration, timedelta)
        return Span(time=duration)
    return value


class Frozen(BaseModel):
    """A settings table: unknown keys are errors, values never change."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class Agent(Frozen):
    """A person who works tickets."""

    name: str
    address: str
    display_name: str = ""
    aliases: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The registered address, folded for comparison."""
        return address_key(self.address)

    @property
    def keys(self) -> frozenset[str]:
        """Every registered address, folded for comparison."""
        return frozenset((self.key, *(address_key(alias) for alias in self.aliases)))

    @property
    def shown(self) -> str:
        """The name that customers and colleagues see."""
        return self.display_name or self.name


class Mailbox(Frozen):
    """A mailbox's desk side: who answers there, and how."""

    name: str
    address: str
    aliases: tuple[str, ...] = ()
    display_name: str = ""
    agents: tuple[str, ...] | None = None
    plus_addressing: bool = False
    assign_on_reply: bool = True
    collision: Literal["hold", "off"] = "hold"
    status_after_reply: Status = Status.PENDING
    undo_window: Duration = timedelta()
    import_since: str | date | datetime = "now"
    after_ingest: str = "keep"
    trusted_authserv: tuple[str, ...] = ()
    agent_auth: Literal["token-or-dmarc", "strict"] = "token-or-dmarc"
    signature: str = ""
    acknowledge: bool | str = False
    subject_tag: bool = False
    auto_solve_after: Duration | None = None

    @property
    def shown(self) -> str:
        """The name that stands in From."""
        return self.display_name or self.name

    @property
    def keys(self) -> frozenset[str]:
        """The mailbox's own addresses, folded for comparison."""
        return frozenset((address_key(self.address), *(address_key(a) for a in self.aliases)))

    @property
    def domain(self) -> str:
        """The domain of our Message-IDs."""
        return address_key(self.address).rpartition("@")[2]


class Limits(Frozen):
    """How much of anything is accepted, and how much automatic mail is sent."""

    message_size: Size = 50_000_000
    attachments: int = Field(200, ge=1)
    mime_depth: int = Field(20, ge=1, le=50)
    recipients: int = Field(50, ge=1)
    acks_per_address_per_hour: int = Field(2, ge=0)
    automatic_per_address_per_day: int = Field(10, ge=0)
    reopens_per_ticket_per_hour: int = Field(5, ge=0)


class Holidays(Frozen):
    """Days off: by country and by date."""

    country: str | None = None
    subdivision: str | None = None
    extra: tuple[date, ...] = ()


class Calendar(Frozen):
    """Business hours. ``hours`` maps mon … sun to spans; None means always."""

    timezone: str | None = None
    hours: Mapping[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], str] | None = None
    holidays: Holidays | None = None


class Match(Frozen):
    """What a policy applies to: every key given must hold."""

    mailbox: str | None = None
    channel: str | None = None
    address: str | None = None
    domain: str | None = None
    recipient: str | None = None
    subject: str | None = None
    tag: str | None = None


def _per_priority(value: object) -> object:
    """Spread one target over all priorities; take a table per priority as it is."""
    if isinstance(value, str):
        return {priority: read_span(value) for priority in Priority}
    if isinstance(value, Mapping):
        return {key: read_span(span) for key, span in value.items()}
    return value


Targets = Annotated[Mapping[Priority, Span], BeforeValidator(_per_priority)]


class SlaPolicy(Calendar):
    """A promise: which tickets it is for, their priority, and what is due when."""

    name: str
    match: Match = Match()
    priority: Priority | None = None
    first_reply: Targets = Field(default_factory=dict)
    next_reply: Targets = Field(default_factory=dict)
    solve: Targets = Field(default_factory=dict)
    on_breach: tuple[Literal["raise", "unassign"], ...] = ()
    warn_before: Duration | None = None
    escalate_to: str | None = None


class Sla(Calendar):
    """All policies, first match wins, and what they share."""

    warn_before: Duration = timedelta(minutes=30)
    escalate_to: str | None = None
    policies: tuple[SlaPolicy, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything a decision may depend on besides the mail, the ticket and the time.

    ``instance`` names this desk for good; ``keys`` signs (the first) and honours (the
    others) our ids. ``texts`` are the loaded templates, rendered by ``compose``.
    """

    name: str
    instance: str
    keys: tuple[bytes, ...] = field(repr=False)
    mailboxes: Mapping[str, Mailbox]
    agents: Mapping[str, Agent]
    limits: Limits = Limits()
    sla: Sla = Sla()
    canned: Mapping[str, str] = field(default_factory=dict)
    admins: tuple[str, ...] = ()
    disclaimers: tuple[str, ...] = ()
    texts: Any = None

    def agent_by_key(self, key: str | None) -> Agent | None:
        """The agent who registered this address, else None. Exact: no plus, no dots."""
        return next((agent for agent in self.agents.values() if key in agent.keys), None)

    def agents_of(self, mailbox: str) -> tuple[Agent, ...]:
        """The agents of a mailbox, in the config's order."""
        names = self.mailboxes[mailbox].agents if mailbox in self.mailboxes else None
        if names is None:
            return tuple(self.agents.values())
        return tuple(self.agents[name] for name in names if name in self.agents)

    def is_ours(self, key: str) -> bool:
        """Whether the address is a mailbox's or one of its aliases."""
        return any(key in mailbox.keys for mailbox in self.mailboxes.values())
