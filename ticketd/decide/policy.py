"""What the admin decided: the part of the config that decisions depend on.

Frozen pydantic models with the contract's key names. Loading, secrets and servers
are ``ticketd.config``'s; this module opens nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from ticketd.decide.model import Channel, Priority, Status, address_key
from ticketd.decide.policy_fields import (
    AfterIngest,
    BusinessTime,
    Count,
    Day,
    Domain,
    Duration,
    Flag,
    Hours,
    ImportSince,
    MailAddress,
    Name,
    Number,
    Pattern,
    Period,
    Size,
    Span,
    Template,
    Text,
    Zone,
    check_week,
    import_line,
    read_duration,
    read_size,
    read_span,
)

__all__ = [
    "Agent",
    "Calendar",
    "Frozen",
    "Holidays",
    "Limits",
    "Mailbox",
    "Match",
    "Policy",
    "Sla",
    "SlaPolicy",
    "Span",
    "read_duration",
    "read_size",
    "read_span",
]


Days = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Frozen(BaseModel):
    """A settings table: unknown keys are errors, values never change."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class Agent(Frozen):
    """A person who works tickets."""

    name: Name = Field(description="what commands call the agent: `#assign anna`")
    address: MailAddress = Field(description="where notifications go and commands come from")
    display_name: Text = Field("", description="the name that customers see; unset: `name`")
    aliases: tuple[MailAddress, ...] = Field((), description="other addresses that the agent writes from")

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

    name: Name = Field(description="what commands and logs call the mailbox")
    address: MailAddress = Field(description="the address that customers write to and get answers from")
    aliases: tuple[MailAddress, ...] = Field((), description="other addresses that reach this mailbox")
    display_name: Text = Field("", description="the name in From; unset: `name`")
    agents: tuple[str, ...] | None = Field(
        None, description="who works here, by name; unset: all agents", json_schema_extra={"default": "all"}
    )
    plus_addressing: Flag = Field(
        False, description="true: `support+…@example.com` reaches this mailbox (`check --probe` tells)"
    )
    assign_on_reply: Flag = Field(True, description="a reply assigns an unassigned ticket to its agent")
    collision: Literal["hold", "off"] = Field(
        "hold", description="hold a reply that crosses another reply or a newer customer's mail"
    )
    status_after_reply: Status = Field(Status.PENDING, description="status after an agent's reply")
    undo_window: Duration = Field(timedelta(), description="how long a reply waits for `#undo`")
    import_since: ImportSince = Field(
        "now",
        description='what the first connection takes: `"now"`, `"all"`, a date or a duration back',
        json_schema_extra={"type": "now, all, date or duration"},
    )
    after_ingest: AfterIngest = Field(
        "keep",
        description="what is done with a mail that was taken in",
        json_schema_extra={"type": "keep, seen, delete or move:FOLDER"},
    )
    trusted_authserv: tuple[Domain, ...] = Field(
        (), description="servers whose `Authentication-Results` are believed"
    )
    agent_auth: Literal["token-or-dmarc", "strict"] = Field(
        "token-or-dmarc", description="what proves an agent; `strict`: both, needs `trusted_authserv`"
    )
    signature: str = Field("", description="text below every reply to a customer")
    acknowledge: Template = Field(
        False,
        description="tell customers that their mail arrived; or the name of a template",
        json_schema_extra={"type": "true, false or template"},
    )
    subject_tag: Flag = Field(False, description="`[#42]` in the subject to customers too")
    auto_solve_after: Period | None = Field(None, description="solve tickets pending this long; unset: never")

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

    @property
    def move_to(self) -> str | None:
        """The folder that taken mail moves to, None where it does not move."""
        return self.after_ingest.removeprefix("move:") if self.after_ingest.startswith("move:") else None

    def import_line(self, connected_at: datetime) -> datetime | None:
        """From which INTERNALDATE on mail is taken, once first connected then; None: all of it."""
        return import_line(self.import_since, connected_at)


class Limits(Frozen):
    """How much of anything is accepted, and how much automatic mail is sent."""

    message_size: Size = Field(
        50_000_000,
        description="the largest mail that is taken in",
        json_schema_extra={"type": "size", "default": '"50MB"'},
    )
    attachments: Number = Field(200, description="parts of one mail that are kept")
    mime_depth: Number = Field(20, le=50, description="mails inside mails, parts inside parts")
    recipients: Number = Field(50, description="recipients of one reply")
    acks_per_address_per_hour: Count = Field(2, description="acknowledgements to one address")
    acks_per_domain_per_hour: Count = Field(60, description="acknowledgements to all addresses of one domain")
    acks_per_hour: Count = Field(300, description="acknowledgements of the whole desk")
    automatic_per_address_per_day: Count = Field(10, description="automatic mails to one address")
    reopens_per_ticket_per_hour: Count = Field(5, description="reopenings of one ticket")


class Holidays(Frozen):
    """Days off: by country and by date."""

    country: str | None = Field(None, description="public holidays of this country (ISO 3166)")
    subdivision: str | None = Field(None, description="and of this part of it (ISO 3166-2)")
    extra: tuple[Day, ...] = Field(
        (), description="more days off", json_schema_extra={"type": "list of dates"}
    )


class Calendar(Frozen):
    """Business hours. ``hours`` maps mon … sun to spans; None means always."""

    timezone: Zone | None = Field(
        None, description="time zone of `hours`, by its IANA name", json_schema_extra={"default": '"UTC"'}
    )
    hours: Annotated[Mapping[Days, Hours], AfterValidator(check_week)] | None = Field(
        None,
        description='business hours by day (`mon` … `sun`): `"09:00-12:00,13:00-17:00"`',
        json_schema_extra={"type": "table of hours", "default": "always"},
    )
    holidays: Holidays | None = Field(None, description="days off")


class Match(Frozen):
    """What a policy applies to: every key given must hold."""

    mailbox: str | None = Field(None, description="the mailbox's name")
    channel: Channel | None = Field(None, description="how the ticket came")
    address: MailAddress | None = Field(None, description="the requester's address")
    domain: Domain | None = Field(None, description="the requester's domain")
    recipient: MailAddress | None = Field(None, description="an address in To or Cc")
    subject: Pattern | None = Field(None, description="regular expression found in the subject")
    tag: str | None = Field(None, description="a tag of the ticket")


def _per_priority(value: object) -> object:
    """Spread one target over all priorities; take a table per priority as it is."""
    if isinstance(value, str):
        span = read_span(value)
        return dict.fromkeys(Priority, span)
    if not isinstance(value, Mapping):
        raise ValueError('must be a duration like "4h", or a table of one per priority')
    return value


Targets = Annotated[Mapping[Priority, BusinessTime], BeforeValidator(_per_priority)]


class SlaPolicy(Calendar):
    """A promise: which tickets it is for, their priority, and what is due when."""

    name: Name = Field(description="what `check --policy` and events call it")
    match: Match = Field(Match(), description="what it applies to; unset: everything")
    priority: Priority | None = Field(None, description="the priority that it gives")
    first_reply: Targets = Field(default_factory=dict, description="business time to the first reply")
    next_reply: Targets = Field(default_factory=dict, description="business time to each next reply")
    solve: Targets = Field(default_factory=dict, description="business time to the solution")
    on_breach: tuple[Literal["raise", "unassign"], ...] = Field(
        (), description="at a breach raise the priority, unassign the ticket"
    )
    warn_before: Duration | None = Field(
        None, description="remind this long before a breach", json_schema_extra={"default": "as `[sla]`"}
    )
    escalate_to: MailAddress | None = Field(
        None, description="who is told of a breach", json_schema_extra={"default": "as `[sla]`"}
    )


class Sla(Calendar):
    """All policies, first match wins, and what they share."""

    warn_before: Duration = Field(timedelta(minutes=30), description="remind this long before a breach")
    escalate_to: MailAddress | None = Field(None, description="who is told of a breach; unset: nobody")
    policies: tuple[SlaPolicy, ...] = Field((), description="the first that matches wins")


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
    limits: Limits = field(default_factory=Limits)
    sla: Sla = field(default_factory=Sla)
    canned: Mapping[str, str] = field(default_factory=dict)
    admins: tuple[str, ...] = ()
    disclaimers: tuple[str, ...] = ()
    texts: Any = None

    def canned_text(self, name: str) -> str | None:
        """The configured text of this name, whatever the case; None where there is none."""
        folded = name.casefold()
        return next((text for known, text in self.canned.items() if known.casefold() == folded), None)

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
