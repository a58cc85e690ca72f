"""Our signed ids: reply addresses, Message-IDs, subject codes, root ids (contract, "On the wire").

HMAC-SHA256 (RFC 2104) over version, form, purpose, instance, ticket, recipient and
serial, cut to 80 bits, in lower-case base32. Serials are derived from causes, not
drawn: the same cause gives the same id. Knows nothing of who may do what.
"""

from __future__ import annotations

import base64
import hmac
import re
from functools import lru_cache

from ticketd.decide.context import Issued, SignedId
from ticketd.decide.effects import Token
from ticketd.decide.model import Purpose
from ticketd.decide.policy import Mailbox, Policy

_SERIAL, _MAC = "[a-z2-7]{8}", "[a-z2-7]{16}"
_ID = re.compile(rf"<t(\d{{1,12}})\.({_SERIAL})\.([crnql])\.({_MAC})@[^<>@\s]{{1,255}}>", re.ASCII)
_ROOT = re.compile(rf"<t(\d{{1,12}})\.({_MAC})@[^<>@\s]{{1,255}}>", re.ASCII)
_TAGGED = rf"\+t(\d{{1,12}})\.([crnql])\.({_SERIAL})\.({_MAC})"
_ADDRESS = re.compile(rf"[^+@]{{1,64}}{_TAGGED}@[^@\s]{{1,255}}", re.ASCII)
_CODE = re.compile(rf"\[#(\d{{1,12}})\.([crnql])\.({_SERIAL})\.({_MAC})\]", re.ASCII)
_TAG = re.compile(r"\[#(\d{1,12})\]", re.ASCII)
_LOOP = re.compile(rf"([a-z2-7]{{1,32}}):({_MAC})", re.ASCII)


def _base32(digest: bytes, length: int) -> str:
    return base64.b32encode(digest[: length * 5 // 8]).decode("ascii").lower()


@lru_cache(maxsize=64)  # in one mail the same ids stand in several places
def _mac(key: bytes, instance: str, form: str, token: Token) -> str:
    """Sign; the fields are joined by a character that none of them can hold."""
    text = "\n".join(("v1", form, token.purpose, instance, str(token.ticket), token.recipient, token.serial))
    return _base32(hmac.digest(key, text.encode(), "sha256"), 16)


def mint(policy: Policy, purpose: Purpose, ticket: int, recipient: str, cause: str) -> Token:
    """The token for a mail that follows from ``cause``; unguessable without the key."""
    text = "\n".join(("serial", purpose, policy.instance, str(ticket), recipient, cause))
    serial = _base32(hmac.digest(policy.keys[0], text.encode(), "sha256"), 8)
    return Token(purpose, ticket, recipient, serial)


def message_id(policy: Policy, token: Token, domain: str) -> str:
    """``<t42.SERIAL.P.MAC@domain>``."""
    mac = _mac(policy.keys[0], policy.instance, "id", token)
    return f"<t{token.ticket}.{token.serial}.{token.purpose}.{mac}@{domain}>"


def reply_address(policy: Policy, token: Token, mailbox: Mailbox) -> str:
    """``support+t42.P.SERIAL.MAC@domain``."""
    local, _, domain = mailbox.address.rpartition("@")
    mac = _mac(policy.keys[0], policy.instance, "address", token)
    return f"{local}+t{token.ticket}.{token.purpose}.{token.serial}.{mac}@{domain}"


def subject_code(policy: Policy, token: Token) -> str:
    """``[#42.P.SERIAL.MAC]``, for the links in mails to agents."""
    mac = _mac(policy.keys[0], policy.instance, "code", token)
    return f"[#{token.ticket}.{token.purpose}.{token.serial}.{mac}]"


def _root_token(ticket: int) -> Token:
    return Token(Purpose.CUSTOMER, ticket, "", "")


def root_id(policy: Policy, ticket: int, domain: str) -> str:
    """``<t42.MAC@domain>``: stands in References of all our mail; threads, proves nothing."""
    return f"<t{ticket}.{_mac(policy.keys[0], policy.instance, 'root', _root_token(ticket))}@{domain}>"


def loop_mark(policy: Policy, ticket: int) -> str:
    """The value of X-Ticketd-Loop: signed over the ticket, since relays rewrite Message-ID."""
    return f"{policy.instance}:{_mac(policy.keys[0], policy.instance, 'loop', _root_token(ticket))}"


def read_message_id(text: str) -> SignedId | None:
    """The signed id in a Message-ID of ours, or a root id; None for any other."""
    folded = text.strip().lower()
    if found := _ID.fullmatch(folded):
        ticket, serial, purpose, mac = found.groups()
        return SignedId("id", int(ticket), mac, purpose, serial)
    if found := _ROOT.fullmatch(folded):
        return SignedId("root", int(found[1]), found[2])
    return None


def read_address(address: str) -> SignedId | None:
    """The signed id in a reply address; None for any other."""
    if found := _ADDRESS.fullmatch(address.strip().lower()):
        ticket, purpose, serial, mac = found.groups()
        return SignedId("address", int(ticket), mac, purpose, serial)
    return None


def read_codes(subject: str) -> tuple[SignedId, ...]:
    """The signed subject codes in a subject, in order, at most three."""
    found = _CODE.findall(subject[:1000].lower())[:3]
    return tuple(
        SignedId("code", int(ticket), mac, purpose, serial) for ticket, purpose, serial, mac in found
    )


def read_tags(subject: str) -> tuple[int, ...]:
    """The plain ticket numbers ``[#42]`` in a subject, at most three."""
    return tuple(int(number) for number in _TAG.findall(subject[:1000])[:3])


# The heart of every form, with whatever of the form still stands around it: a client may have lost a bracket.
_ANYWHERE = re.compile(
    "|".join(
        (
            rf"<?t\d{{1,12}}\.{_MAC}@[^<>@\s]{{1,255}}>?",
            rf"(?:<?t|\+t|\[?#)?\d{{1,12}}\.(?:[crnql]\.{_SERIAL}|{_SERIAL}\.[crnql])\.{_MAC}"
            r"(?:@[^<>@\s]{1,255}>?|\])?",
        )
    ),
    re.ASCII | re.IGNORECASE,
)


def holds_token(text: str) -> bool:
    """Whether a signed id of ours stands anywhere in ``text``."""
    return _ANYWHERE.search(text) is not None


def proves_agent(message_id: str) -> bool:
    """Whether this is the id of a mail to an agent, by which that agent is believed."""
    signed = read_message_id(message_id)
    return signed is not None and signed.purpose not in ("", Purpose.CUSTOMER)


def scrub(text: str) -> str:
    """``text`` without any signed id of ours: for what leaves the desk."""
    return _ANYWHERE.sub("", text)


def is_genuine(policy: Policy, signed: SignedId, issued: Issued | None) -> bool:
    """Whether we made this id: its MAC is right under one of our keys, in constant time.

    An id with a serial needs the row that says for whom it was made.
    """
    if signed.form == "root":
        token = _root_token(signed.ticket)
    elif issued is None:
        return False
    else:
        token = issued.token
    macs = (_mac(key, policy.instance, signed.form, token) for key in policy.keys)
    return any(hmac.compare_digest(mac, signed.mac) for mac in macs)


def is_own_loop(policy: Policy, mark: str, tickets: tuple[int, ...]) -> bool:
    """Whether an X-Ticketd-Loop value is ours for one of the tickets its mail references."""
    found = _LOOP.fullmatch(mark.strip().lower())
    if found is None or found[1] != policy.instance.lower():
        return False
    macs = (
        _mac(key, policy.instance, "loop", _root_token(ticket)) for key in policy.keys for ticket in tickets
    )
    return any(hmac.compare_digest(mac, found[2]) for mac in macs)
