"""What no single key can tell: whether the tables of a config fit together.

Each check yields problems with the place of the key to mend. Pure; knows nothing of
files and servers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from urllib.parse import urlsplit

from ticketd.config.locate import Place
from ticketd.config.oauth import OAuthSettings
from ticketd.config.problems import Problem, nearest
from ticketd.config.servers import MailboxSettings, ServerSettings, is_loopback
from ticketd.config.settings import Document
from ticketd.decide.model import address_key
from ticketd.decide.policy import Agent, Calendar, Mailbox
from ticketd.decide.policy_fields import shown

# Local part: "+t", nine digits, ".P.", eight and sixteen characters with their dot (contract, "On the wire").
_SIGNED_LOCAL = 2 + 9 + 3 + 8 + 1 + 16
_LONGEST_DOMAIN = 200 - 42  # an id of ours stays within 200
_RESERVED = ("me", "none")  # what `#assign` means by them


def check(document: Document) -> list[Problem]:
    """Everything that does not fit together; none where all is well."""
    return list(
        chain(
            _names("mailboxes", [mailbox.name for mailbox in document.mailboxes]),
            _names("agents", [agent.name for agent in document.agents]),
            _names("sla", [policy.name for policy in document.sla.policies], "policies"),
            _canned(document),
            _reserved(document),
            _addresses(document),
            *(_mailbox(index, mailbox, document) for index, mailbox in enumerate(document.mailboxes)),
            _policies(document),
            _holidays(document),
            _http(document),
        )
    )


def _names(table: str, names: Sequence[str], *rest: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, name in enumerate(names):
        if name.casefold() in seen:
            yield Problem((table, *rest, index, "name"), f"must be unique: {shown(name)} is taken")
        seen.add(name.casefold())


def _canned(document: Document) -> Iterator[Problem]:
    seen: set[str] = set()
    for name, text in document.canned.items():
        if not text.strip():
            yield Problem(("canned", name), "must not be empty")
        if name.casefold() in seen:
            yield Problem(("canned", name), "must be unique, upper and lower case apart")
        seen.add(name.casefold())


def _reserved(document: Document) -> Iterator[Problem]:
    for index, agent in enumerate(document.agents):
        if agent.name.casefold() in _RESERVED:
            yield Problem(
                ("agents", index, "name"),
                f"must not be {shown(agent.name)}: commands mean something else by it",
            )


def _addresses(document: Document) -> Iterator[Problem]:
    """One address belongs to one mailbox or one agent."""
    owners: dict[str, str] = {}
    for table, index, who in _owners(document):
        owner = f"the {'agent' if table == 'agents' else 'mailbox'} {shown(who.name)}"
        places: list[tuple[Place, str]] = [((table, index, "address"), who.address)]
        places += [((table, index, "aliases", number), alias) for number, alias in enumerate(who.aliases)]
        for place, address in places:
            other = owners.setdefault(address_key(address), owner)
            if other != owner:
                yield Problem(place, f"must not be {shown(address)}: that is {other}'s")


def _owners(document: Document) -> Iterator[tuple[str, int, Mailbox | Agent]]:
    for index, mailbox in enumerate(document.mailboxes):
        yield "mailboxes", index, mailbox
    for number, agent in enumerate(document.agents):
        yield "agents", number, agent


def _mailbox(index: int, mailbox: MailboxSettings, document: Document) -> Iterator[Problem]:
    place: Place = ("mailboxes", index)
    yield from _staff(place, mailbox, [agent.name for agent in document.agents])
    yield from _wire(place, mailbox)
    if mailbox.agent_auth == "strict" and not mailbox.trusted_authserv:
        yield Problem((*place, "agent_auth"), 'must not be "strict" without trusted_authserv')
    if mailbox.move_to == mailbox.imap.folder:
        yield Problem(
            (*place, "after_ingest"), f"must not move mail to {shown(mailbox.move_to)}, where it is"
        )
    yield from _sign_in((*place, "imap"), mailbox.imap, mailbox, required=True)
    yield from _sign_in((*place, "smtp"), mailbox.smtp, mailbox, required=False)
    if mailbox.oauth:
        yield from _oauth((*place, "oauth"), mailbox.oauth)


def _staff(place: Place, mailbox: MailboxSettings, names: list[str]) -> Iterator[Problem]:
    if mailbox.agents == ():
        yield Problem((*place, "agents"), "must name somebody; leave the key out for all agents")
    for number, name in enumerate(mailbox.agents or ()):
        if name not in names:
            yield Problem(
                (*place, "agents", number),
                f'must be names of [[agents]], not {shown(name)}; the nearest is "{nearest(name, names)}"',
            )


def _wire(place: Place, mailbox: MailboxSettings) -> Iterator[Problem]:
    """Whether our signed ids have room (RFC 5321 §4.5.3.1.1; the contract's 200)."""
    local, _, domain = address_key(mailbox.address).rpartition("@")
    room = 64 - _SIGNED_LOCAL
    if mailbox.plus_addressing and len(local) > room:
        yield Problem(
            (*place, "plus_addressing"), f'needs an address of at most {room} characters before "@"'
        )
    if len(domain) > _LONGEST_DOMAIN:
        yield Problem((*place, "address"), f"must have a domain of at most {_LONGEST_DOMAIN} characters")


def _sign_in(
    place: Place, server: ServerSettings, mailbox: MailboxSettings, *, required: bool
) -> Iterator[Problem]:
    if server.security == "none" and not server.insecure and not is_loopback(server.host):
        yield Problem(
            (*place, "security"),
            f'must not be "none" for {shown(server.host)}, which is not this machine,'
            " unless insecure = true is meant",
        )
    if server.username is None and (required or server.password):
        yield Problem((*place, "username"), "is missing: somebody must sign in")
    if server.username is not None and server.password is None and mailbox.oauth is None:
        yield Problem((*place, "password"), f"is missing: {shown(server.username)} needs one to sign in")


_OAUTH_URLS = {"token_url": None, "device_url": "device", "auth_url": "browser"}
"""Which flow needs which endpoint; None: all of them."""


def _oauth(place: Place, oauth: OAuthSettings) -> Iterator[Problem]:
    for key, flow in _OAUTH_URLS.items():
        url = oauth.endpoint(key)
        if not url and flow in (None, oauth.sign_in):
            yield Problem((*place, key), 'is missing: provider = "custom" needs it')
        if url and not _is_private(url):
            yield Problem((*place, key), f"must begin with https://, not {shown(url)}")
    if not oauth.scope:
        yield Problem((*place, "scopes"), 'is missing: provider = "custom" needs it')
    if oauth.sign_in == "client-credentials":
        yield from _application(place, oauth)


def _is_private(url: str) -> bool:
    """Whether nobody on the way can read what is sent there."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host)))


def _application(place: Place, oauth: OAuthSettings) -> Iterator[Problem]:
    """What it takes that the application signs in by itself."""
    needs = 'is missing: flow = "client-credentials" needs it'
    if oauth.client_secret is None:
        yield Problem((*place, "client_secret"), needs)
    if oauth.provider == "microsoft" and not oauth.tenant:
        yield Problem((*place, "tenant"), needs)
    if oauth.provider == "google":
        yield Problem(
            (*place, "flow"), 'must not be "client-credentials" for Google, which has none for mail'
        )


def _policies(document: Document) -> Iterator[Problem]:
    names = [mailbox.name for mailbox in document.mailboxes]
    for index, policy in enumerate(document.sla.policies):
        name = policy.match.mailbox
        if name is not None and name not in names:
            yield Problem(
                ("sla", "policies", index, "match", "mailbox"),
                f'must be the name of a mailbox, not {shown(name)}; the nearest is "{nearest(name, names)}"',
            )


def _holidays(document: Document) -> Iterator[Problem]:
    calendars: list[tuple[Place, Calendar]] = [(("sla",), document.sla)]
    calendars += [(("sla", "policies", i), policy) for i, policy in enumerate(document.sla.policies)]
    for place, calendar in calendars:
        days = calendar.holidays
        if days and days.subdivision is not None and days.country is None:
            yield Problem((*place, "holidays", "subdivision"), "must stand beside a country")
        elif days and days.country is not None:
            yield from _country((*place, "holidays"), days.country, days.subdivision)


def _country(place: Place, country: str, subdivision: str | None) -> Iterator[Problem]:
    import holidays  # only where it is asked for: it takes longer than all the rest

    if not country.isalpha() or not hasattr(holidays, country.upper()) or len(country) != 2:
        text = f'must be a country whose holidays are known, like "PL", not {shown(country)}'
        yield Problem((*place, "country"), text)
        return
    try:
        holidays.country_holidays(country.upper(), subdiv=subdivision)
    except NotImplementedError:
        parts = getattr(holidays, country.upper()).subdivisions
        hint = f'; the nearest is "{nearest(str(subdivision), list(parts))}"' if parts else ": it has none"
        text = f"must be a known part of {shown(country)}, not {shown(subdivision)}{hint}"
        yield Problem((*place, "subdivision"), text)


def _http(document: Document) -> Iterator[Problem]:
    if document.http and document.http.token is None and not is_loopback(document.http.address[0]):
        yield Problem(("http", "token"), f"is missing: {document.http.listen} is not loopback")
