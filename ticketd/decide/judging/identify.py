"""Who wrote a mail, and how well that is proven: agent, customer or nobody.

Identity is From alone, exactly one address. An agent acts only when proven: by a token
that was made for that agent, or by a trusted server's DMARC (product.md, "Being an
agent"; faults.md §6). Knows nothing of what the mail wants.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from ticketd.decide.context import Clues, Context, Issued
from ticketd.decide.judging.authentication import Authenticated, Authentication, authenticate
from ticketd.decide.model import Message, Purpose
from ticketd.decide.policy import Agent, Mailbox, Policy
from ticketd.decide.tokens import is_genuine

TOKEN_LIFE = timedelta(days=90)
"""A token proves its agent for so long after it was made."""

MAIL_LIFE = timedelta(days=14)
"""DMARC vouches for a mail for so long after its Date: a signature lasts, and can be played again."""


class Who(StrEnum):
    """Whose mail it is, by From."""

    AGENT = "agent"
    CUSTOMER = "customer"
    UNKNOWN = "unknown"


class Proof(StrEnum):
    """What proves an agent."""

    TOKEN = "token"  # noqa: S105 - the word for a proof, no secret
    DMARC = "dmarc"
    BOTH = "both"
    NONE = "none"


class Standing(StrEnum):
    """What a mail from an agent's address may do."""

    PROVEN = "proven"
    PARK = "park"
    QUARANTINE = "quarantine"


_NOT_ASKED = Authentication(Authenticated.NONE, "not asked")


@dataclass(frozen=True, slots=True)
class Identity:
    """Who wrote, how well proven, and which token they answered.

    ``token`` is the first token that proves this agent; where there is none, that of the
    notification which the mail answers all the same. ``tickets`` are those that the proof
    reaches, None for all. ``confirmed`` is whether the agent was asked and said that it
    is theirs. ``foreign`` are genuine agents' tokens that somebody else than
    their agent has used. ``doubt`` is what speaks against a proof, in words.
    """

    who: Who
    proof: Proof = Proof.NONE
    standing: Standing | None = None
    agent: Agent | None = None
    confirmed: bool = False
    token: Issued | None = None
    tickets: frozenset[int] | None = None
    foreign: tuple[Issued, ...] = ()
    doubt: str = ""
    authentication: Authentication = _NOT_ASKED


# (authenticated, has a token) → standing, for agent_auth = token-or-dmarc and strict.
_STANDINGS: Mapping[str, Mapping[tuple[Authenticated, bool], Standing]] = {
    "token-or-dmarc": {
        (Authenticated.PASS, True): Standing.PROVEN,
        (Authenticated.PASS, False): Standing.PROVEN,
        (Authenticated.NONE, True): Standing.PROVEN,
        (Authenticated.NONE, False): Standing.PARK,
        (Authenticated.FAIL, True): Standing.PARK,
        (Authenticated.FAIL, False): Standing.QUARANTINE,
    },
    "strict": {
        (Authenticated.PASS, True): Standing.PROVEN,
        (Authenticated.PASS, False): Standing.PARK,
        (Authenticated.NONE, True): Standing.PARK,
        (Authenticated.NONE, False): Standing.PARK,
        (Authenticated.FAIL, True): Standing.PARK,
        (Authenticated.FAIL, False): Standing.QUARANTINE,
    },
}

_PROOFS: Mapping[tuple[bool, bool], Proof] = {
    (True, True): Proof.BOTH,
    (True, False): Proof.TOKEN,
    (False, True): Proof.DMARC,
    (False, False): Proof.NONE,
}


def agent_tokens(clues: Clues, context: Context, policy: Policy) -> tuple[Issued, ...]:
    """The genuine tokens of agents that a mail carries, in threading order, revoked ones included."""
    found = []
    for signed in clues.signed:
        issued = context.issued.get((signed.ticket, signed.purpose, signed.serial))
        if issued is None or issued.token.purpose == Purpose.CUSTOMER:
            continue
        if is_genuine(policy, signed, issued) and issued not in found:
            found.append(issued)
    return tuple(found)


def identify(message: Message, clues: Clues, context: Context, policy: Policy, now: datetime) -> Identity:
    """Who wrote ``message``; tokens older than 90 days prove nothing any more."""
    tokens = agent_tokens(clues, context, policy)
    foreign = tuple(one for one in tokens if not one.revoked)
    if message.author is None:
        return Identity(Who.UNKNOWN, foreign=foreign)
    key = message.author.key
    agent = None if policy.is_ours(key) else policy.agent_by_key(key)
    if agent is None:
        return Identity(Who.UNKNOWN if is_desk(policy, key) else Who.CUSTOMER, foreign=foreign)
    if not _is_exact(message.author.address, agent):
        return Identity(Who.UNKNOWN, foreign=foreign)
    mailbox = policy.mailboxes[clues.mailbox]
    return _identify_agent(message, agent, tokens, mailbox, policy, now)


def is_desk(policy: Policy, key: str) -> bool:
    """Whether mail to this address is mail to us: one of our mailboxes', with a plus tag or without."""
    local, _, domain = key.rpartition("@")
    return policy.is_ours(key) or policy.is_ours(f"{local.partition('+')[0]}@{domain}")


def _identify_agent(
    message: Message,
    agent: Agent,
    tokens: tuple[Issued, ...],
    mailbox: Mailbox,
    policy: Policy,
    now: datetime,
) -> Identity:
    own = [one for one in tokens if _proves(one, agent, now)]
    authentication = authenticate(message, mailbox.trusted_authserv)
    passed = authentication.result is Authenticated.PASS
    standing = _STANDINGS[mailbox.agent_auth][authentication.result, bool(own)]
    doubt = _on_behalf(message, agent, passed) or _played_again(message, policy, bool(own), now)
    if standing is Standing.PROVEN and doubt:
        standing = Standing.PARK
    return Identity(
        Who.AGENT,
        _PROOFS[bool(own), passed],
        standing,
        agent,
        token=own[0] if own else next(filter(_is_notification, tokens), None),
        tickets=None if passed else frozenset(one.token.ticket for one in own),
        # A proven agent may use a colleague's mail; nobody else may.
        foreign=() if passed or own else tuple(one for one in tokens if _is_others(one, agent)),
        doubt=doubt,
        authentication=authentication,
    )


def _is_exact(address: str, agent: Agent) -> bool:
    """Whether the address is written as registered: folding makes full-width and invisible signs equal."""
    return address.isascii() or address in (agent.address, *agent.aliases)


def _proves(issued: Issued, agent: Agent, now: datetime) -> bool:
    fresh = now - issued.issued_at < TOKEN_LIFE
    return issued.token.recipient == agent.key and fresh and not issued.revoked


def _is_others(issued: Issued, agent: Agent) -> bool:
    return issued.token.recipient != agent.key and not issued.revoked


def _is_notification(issued: Issued) -> bool:
    """Whether it tells what an answer means, a reply or a note, although it proves nothing."""
    return issued.token.purpose in (Purpose.REPLY, Purpose.NOTE)


def _on_behalf(message: Message, agent: Agent, passed: bool) -> str:
    """Somebody of another domain sent it for the agent, and From's own does not vouch for it."""
    if passed or message.sender is None or message.sender.key in agent.keys:
        return ""
    domains = {key.rpartition("@")[2] for key in agent.keys}
    elsewhere = message.sender.key.rpartition("@")[2] not in domains
    return f"{message.sender.key} sent it on their behalf" if elsewhere else ""


def _played_again(message: Message, policy: Policy, has_token: bool, now: datetime) -> str:
    """An authentic mail that was meant for somebody else, or for another time, may be played to us."""
    if has_token:
        return ""
    if not any(is_desk(policy, person.key) for person in (*message.to, *message.cc)):
        return "our address is not in To or Cc"
    if message.date is not None and now - message.date > MAIL_LIFE:
        return f"it is old: written on {message.date:%Y-%m-%d}"
    return ""
