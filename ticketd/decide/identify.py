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

from ticketd.decide.authentication import Authenticated, Authentication, authenticate
from ticketd.decide.context import Clues, Context, Issued
from ticketd.decide.model import Message, Purpose
from ticketd.decide.policy import Agent, Mailbox, Policy
from ticketd.decide.tokens import is_genuine

TOKEN_LIFE = timedelta(days=90)
"""A token proves its agent for so long after it was made."""


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

    ``token`` is the first genuine token of this agent; ``foreign`` are genuine agents'
    tokens that somebody else than their agent has used.
    """

    who: Who
    proof: Proof = Proof.NONE
    standing: Standing | None = None
    agent: Agent | None = None
    token: Issued | None = None
    foreign: tuple[Issued, ...] = ()
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
    """The genuine tokens of agents that a mail carries, in threading order, revoked ones left out."""
    found = []
    for signed in clues.signed:
        issued = context.issued.get((signed.ticket, signed.purpose, signed.serial))
        if issued is None or issued.revoked or issued.token.purpose == Purpose.CUSTOMER:
            continue
        if is_genuine(policy, signed, issued) and issued not in found:
            found.append(issued)
    return tuple(found)


def identify(message: Message, clues: Clues, context: Context, policy: Policy, now: datetime) -> Identity:
    """Who wrote ``message``; tokens older than 90 days prove nothing any more."""
    tokens = agent_tokens(clues, context, policy)
    if message.author is None:
        return Identity(Who.UNKNOWN, foreign=tokens)
    key = message.author.key
    if policy.is_ours(key):
        return Identity(Who.UNKNOWN, foreign=tokens)
    agent = policy.agent_by_key(key)
    if agent is None:
        return Identity(Who.CUSTOMER, foreign=tokens)
    mailbox = policy.mailboxes[clues.mailbox]
    return _identify_agent(message, agent, tokens, mailbox, now)


def _identify_agent(
    message: Message, agent: Agent, tokens: tuple[Issued, ...], mailbox: Mailbox, now: datetime
) -> Identity:
    own = [one for one in tokens if one.token.recipient == agent.key and _is_fresh(one, now)]
    authentication = authenticate(message, mailbox.trusted_authserv)
    passed = authentication.result is Authenticated.PASS
    return Identity(
        Who.AGENT,
        _PROOFS[bool(own), passed],
        _STANDINGS[mailbox.agent_auth][authentication.result, bool(own)],
        agent,
        own[0] if own else None,
        # A proven agent may use a colleague's mail; nobody else may.
        () if passed or own else tuple(one for one in tokens if one.token.recipient != agent.key),
        authentication,
    )


def _is_fresh(issued: Issued, now: datetime) -> bool:
    return now - issued.issued_at < TOKEN_LIFE
