"""The parts that forged mails are made of: what From says, and what is claimed to prove it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ticketd.decide import tokens
from ticketd.decide.effects import Token
from ticketd.decide.model import Purpose

from .kit import DESK, Desk

Fields = list[tuple[str, str | bytes]]
ANNA = "anna@example.com"
EVIL = "mallory@evil.test"

# From (and the fields about it) that read as Anna's own address, and prove nothing.
AS_ANNA: Mapping[str, Fields] = {
    "bare": [("From", ANNA)],
    "named": [("From", f"Anna <{ANNA}>")],
    "upper-case": [("From", ANNA.upper())],
    "folded": [("From", f"Anna\r\n <{ANNA}>")],
    "encoded-name": [("From", f"=?utf-8?b?QW5uYQ==?= <{ANNA}>")],
    "space-before-colon": [("From ", ANNA)],
    "sender-elsewhere": [("From", ANNA), ("Sender", EVIL)],
    "reply-to-elsewhere": [("From", ANNA), ("Reply-To", EVIL)],
    "with-return-path": [("Return-Path", f"<{ANNA}>"), ("From", ANNA)],
}
# From that some reader might take for Anna's, and that no reader of ours may.
LIKE_ANNA: Mapping[str, Fields] = {
    "two-froms-first": [("From", ANNA), ("From", EVIL)],
    "two-froms-second": [("From", EVIL), ("From", ANNA)],
    "two-froms-same": [("From", ANNA), ("From", ANNA)],
    "two-addresses": [("From", f"{ANNA}, {EVIL}")],
    "two-addresses-reversed": [("From", f"{EVIL}, {ANNA}")],
    "group": [("From", f"Agents: {ANNA};")],
    "group-of-two": [("From", f"Agents: {ANNA}, {EVIL};")],
    "route": [("From", f"<@evil.test:{ANNA}>")],
    "bare-cr": [("From", f"{EVIL}\rFrom: {ANNA}")],
    "bare-cr-reversed": [("From", f"{ANNA}\rFrom: {EVIL}")],
    "bare-cr-in-subject": [("From", EVIL), ("Subject", f"x\rFrom: {ANNA}")],
    "nul": [("From", b"anna@example.com\0@evil.test")],
    "nul-between": [("From", EVIL.encode() + b"\0\nFrom: anna@example.com")],
    "encoded-address": [("From", "=?utf-8?q?anna=40example=2Ecom?=")],
    "encoded-angle": [("From", f"=?utf-8?q?=3Canna=40example=2Ecom=3E?= <{EVIL}>")],
    "encoded-line-break": [("From", f"=?utf-8?q?x=0D=0AFrom:_anna=40example.com?= <{EVIL}>")],
    "display-name": [("From", f'"{ANNA}" <{EVIL}>')],
    "display-name-bare": [("From", f"{ANNA} <{EVIL}>")],
    "display-name-angle": [("From", f'"Anna <{ANNA}>" <{EVIL}>')],
    "two-angles": [("From", f"<{ANNA}> <{EVIL}>")],
    "comment": [("From", f"{EVIL} ({ANNA})")],
    "comment-first": [("From", f"({ANNA}) {EVIL}")],
    "unclosed-comment": [("From", f"{ANNA}(<{EVIL}>")],
    "quoted-local": [("From", '"anna@example.com"@evil.test')],
    "percent-hack": [("From", "anna%example.com@evil.test")],
    "plus-tag": [("From", "anna+x@example.com")],
    "dotted": [("From", "an.na@example.com")],
    "sub-domain": [("From", "anna@mail.example.com")],
    "longer-domain": [("From", "anna@example.com.evil.test")],
    "trailing-dot": [("From", "anna@example.com.")],
    "cyrillic-local": [("From", "\u0430nna@example.com")],
    "cyrillic-domain": [("From", "anna@ex\u0430mple.com")],
    "a-labels": [("From", "anna@xn--exmple-4nf.com")],
    "zero-width": [("From", "anna\u200b@example.com")],
    "full-width": [("From", "anna@\uff45xample.com")],
    "ideographic-stop": [("From", "anna@example\u3002com")],
    "soft-hyphen": [("From", "anna@exam\u00adple.com")],
    "joiner": [("From", "anna@example.com\u200d")],
    "override": [("From", "\u202emoc.elpmaxe@anna <mallory@evil.test>")],
    "reply-to": [("From", EVIL), ("Reply-To", ANNA)],
    "sender": [("From", EVIL), ("Sender", ANNA)],
    "sender-alone": [("Sender", ANNA)],
    "resent-from": [("From", EVIL), ("Resent-From", ANNA)],
    "original-from": [("From", EVIL), ("X-Original-From", ANNA), ("X-Google-Original-From", ANNA)],
    "return-path": [("Return-Path", f"<{ANNA}>"), ("From", EVIL)],
    "our-own-headers": [("From", EVIL), ("X-Ticketd-Ticket", "1"), ("X-Ticketd-Agent", ANNA)],
    "no-from": [],
    "empty-from": [("From", "")],
    "the-desk": [("From", DESK)],
    "the-desk-tagged": [("From", "support+anna@example.com")],
    "the-customer": [("From", "jane@example.org"), ("Reply-To", ANNA)],
}

Claim = Callable[[Desk], Fields]


def _answering(make: Callable[[Desk, Mapping[str, str]], str]) -> Claim:
    """A claim by In-Reply-To and References."""

    def claim(desk: Desk) -> Fields:
        message_id = make(desk, desk.ids())
        return [("In-Reply-To", message_id), ("References", message_id)]

    return claim


def _addressed(make: Callable[[Desk, Mapping[str, str]], str]) -> Claim:
    """A claim by the address that the mail says it was delivered to."""

    def claim(desk: Desk) -> Fields:
        address = make(desk, desk.ids())
        return [("Delivered-To", address), ("X-Original-To", address)]

    return claim


def parts(message_id: str) -> list[str]:
    """``t1``, serial, purpose, MAC of one of our Message-IDs."""
    return message_id.strip("<>").partition("@")[0].split(".")


def _made(number: str, serial: str, purpose: str, mac: str) -> str:
    return f"<{number}.{serial}.{purpose}.{mac}@example.com>"


def _changed(whose: str, **other: str | Callable[[str], str]) -> Claim:
    """One of our ids with one part of it changed."""

    def make(_: Desk, ids: Mapping[str, str]) -> str:
        names = ("number", "serial", "purpose", "mac")
        known = dict(zip(names, parts(ids[whose]), strict=True))
        for name, value in other.items():
            known[name] = value(known[name]) if callable(value) else value
        return _made(**known)

    return _answering(make)


def _flip(text: str) -> str:
    return ("b" if text[0] == "a" else "a") + text[1:]


def _other_desk(desk: Desk, ids: Mapping[str, str]) -> str:
    """The id that another desk, with another key and name, gives to its own Anna."""
    foreign = type(desk.policy)(
        name="Other", instance="otherotherother2", keys=(b"o" * 32,), mailboxes={}, agents={}
    )
    serial = parts(ids["anna-1"])[1]
    return tokens.message_id(foreign, Token(Purpose.REPLY, 1, ANNA, serial), "example.com")


def _other_instance(desk: Desk, ids: Mapping[str, str]) -> str:
    foreign = type(desk.policy)(
        name="Other", instance="otherotherother2", keys=desk.policy.keys, mailboxes={}, agents={}
    )
    return tokens.message_id(foreign, Token(Purpose.REPLY, 1, ANNA, parts(ids["anna-1"])[1]), "example.com")


def _code(desk: Desk) -> Fields:
    number, serial, purpose, mac = parts(desk.ids()["anna-1"])
    return [("Subject", f"[#{number[1:]}.{purpose}.{serial}.{mac}]")]


def _id_mac_as_address(_: Desk, ids: Mapping[str, str]) -> str:
    number, serial, purpose, mac = parts(ids["anna-1"])
    return f"support+{number}.{purpose}.{serial}.{mac}@example.com"


def _customers_address(desk: Desk, ids: Mapping[str, str]) -> str:
    """The customers' own token in the form of an address: genuine, and no agent's."""
    token = Token(Purpose.CUSTOMER, 1, "ticket:1", parts(ids["jane"])[1])
    return tokens.reply_address(desk.policy, token, desk.policy.mailboxes["support"])


def _thousand(_: Desk) -> Fields:
    return [("References", "\r\n ".join(f"<t{n}.{n:016d}@example.com>" for n in range(1, 400)))]


# What anybody may know or guess: none of it proves an agent.
CLAIMS: Mapping[str, Claim] = {
    "nothing": lambda _: [],
    "subject-tag": lambda _: [("Subject", "Re: [#1] Printer on fire")],
    "root-id": _answering(lambda desk, _: tokens.root_id(desk.policy, 1, "example.com")),
    "customers-id": _answering(lambda _, ids: ids["jane"]),
    "customers-address": _addressed(_customers_address),
    "customers-id-as-r": _changed("jane", purpose="r"),
    "customers-id-as-n": _changed("jane", purpose="n"),
    "agents-id-as-q": _changed("anna-1", purpose="q"),
    "agents-id-as-c": _changed("anna-1", purpose="c"),
    "no-mac": _answering(lambda _, ids: "<t1.{}.r@example.com>".format(parts(ids["anna-1"])[1])),
    "empty-mac": _changed("anna-1", mac=""),
    "mac-15": _changed("anna-1", mac=lambda mac: mac[:15]),
    "mac-17": _changed("anna-1", mac=lambda mac: mac + "a"),
    "mac-32": _changed("anna-1", mac=lambda mac: mac * 2),
    "mac-flipped": _changed("anna-1", mac=_flip),
    "mac-zeros": _changed("anna-1", mac="a" * 16),
    "mac-of-customer": lambda desk: _changed("anna-1", mac=parts(desk.ids()["jane"])[3])(desk),
    "mac-of-bob": lambda desk: _changed("anna-1", mac=parts(desk.ids()["bob-1"])[3])(desk),
    "serial-of-bob": lambda desk: _changed("anna-1", serial=parts(desk.ids()["bob-1"])[1])(desk),
    "serial-flipped": _changed("anna-1", serial=_flip),
    "serial-7": _changed("anna-1", serial=lambda serial: serial[:7]),
    "other-ticket": _changed("anna-1", number="t2"),
    "ticket-0": _changed("anna-1", number="t0"),
    "huge-ticket": _changed("anna-1", number="t" + "9" * 12),
    "other-desk": _answering(_other_desk),
    "other-instance": _answering(_other_instance),
    "id-mac-as-address": _addressed(_id_mac_as_address),
    "id-mac-as-code": _code,
    "four-hundred-roots": _thousand,
}
# Genuine tokens, and whose they are. From anybody but their owner they prove nothing.
STOLEN: Mapping[str, Claim] = {
    name: _answering(lambda _, ids, name=name: ids[name])  # type: ignore[misc]
    for name in ("anna-1", "anna-note", "bob-1", "bob-2", "bob-question")
}
