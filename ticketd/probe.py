"""``check --probe``: mail a mailbox to itself and see what its servers make of the mail.

Two mails, one to the plain address and one to a plus address. Both carry our signed
``X-Ticketd-Loop`` (over ticket 0, as alerts do), so that the daemon knows them as its own,
notes them in the ledger and makes no ticket of them, whatever a relay does to Message-ID.
Nothing is deleted: the admin finds the probes in the mailbox. Knows nothing of tickets.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from ticketd.checkup import SERVER, Finding, problem
from ticketd.checkup_servers import PATIENCE as SERVER_PATIENCE
from ticketd.checkup_servers import Inspected, in_parallel
from ticketd.config import MailboxSettings
from ticketd.decide import tokens
from ticketd.decide.model import Message
from ticketd.decide.policy import Policy
from ticketd.decide.reading.parse import peek
from ticketd.errors import UsageError
from ticketd.servers import imap_server, smtp_server
from ticketd.signin import SignIns
from ticketd.wire import Server
from ticketd.wire.imap import ImapConnection
from ticketd.wire.smtp import SmtpConnection, SmtpTrouble

PATIENCE = 60.0
"""Seconds that the probes may take to arrive."""

_LOOK_EVERY = 1.0
_AFTER_FIRST = 10.0  # seconds that the second probe may take once the first is there
_SKEW = 60  # seconds of a clock that matter


@dataclass(frozen=True, slots=True)
class Probe:
    """One mail to ourselves. ``nonce`` is found again in its subject and its forged result."""

    nonce: str
    recipient: str
    message_id: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Arrived:
    """A probe that came, and when the server says that it did."""

    message: Message
    internal_date: datetime | None


def make(policy: Policy, mailbox: MailboxSettings, recipient: str, nonce: str, now: datetime) -> Probe:
    """A probe; its forged Authentication-Results speak in the name of the servers that are believed."""
    domain = mailbox.address.rpartition("@")[2]
    message_id = f"<probe.{nonce}@{domain}>"
    mail = EmailMessage(policy=SMTP)
    for server in mailbox.trusted_authserv or (f"probe.{domain}",):
        mail["Authentication-Results"] = f"{server}; dmarc=pass header.from={nonce}.example"
    mail["From"] = mail["To"] = mailbox.address
    if recipient != mailbox.address:
        mail.replace_header("To", recipient)
    mail["Subject"] = f"ticketd probe {nonce}"
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = message_id
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Ticketd-Loop"] = tokens.loop_mark(policy, 0)
    mail.set_content("Sent by `ticketd check --probe`. It never becomes a ticket; delete it as you like.\n")
    return Probe(nonce, recipient, message_id, mail.as_bytes())


def probe_all(
    mailboxes: Iterable[MailboxSettings], policy: Policy | None, sign_ins: SignIns
) -> list[Inspected]:
    """Probe these mailboxes side by side.

    Raises UsageError where no database is there: its keys sign the probes.
    """
    if policy is None:
        raise UsageError("the probes are signed with the database's key: run `ticketd db upgrade` first")
    jobs = [(Inspected(f"{mailbox.name} probe"), _job(mailbox, policy, sign_ins)) for mailbox in mailboxes]
    return in_parallel(jobs, PATIENCE + 30)


def _job(mailbox: MailboxSettings, policy: Policy, sign_ins: SignIns) -> Callable[[Inspected], None]:
    def job(inspected: Inspected) -> None:
        local, _, domain = mailbox.address.rpartition("@")
        nonces = secrets.token_hex(8), secrets.token_hex(8)
        recipients = mailbox.address, f"{local}+probe{nonces[1]}@{domain}"
        now = datetime.now(UTC)
        probes = [make(policy, mailbox, *pair, now) for pair in zip(recipients, nonces, strict=True)]
        source = imap_server(mailbox, sign_ins, at_most=SERVER_PATIENCE)
        target = smtp_server(mailbox, sign_ins, at_most=SERVER_PATIENCE)
        with ImapConnection.connect(source) as connection:
            last = _newest(connection, mailbox.imap.folder)
            refused = _send(mailbox, target, probes)
            arrived = _await(connection, last, [one for one in probes if one.nonce not in refused])
        inspected.facts |= _facts(mailbox, probes, arrived, now)
        inspected.findings += _findings(inspected.where, mailbox, inspected.facts, refused, probes)

    return job


def _newest(connection: ImapConnection, folder: str) -> int:
    """The highest UID before the probes."""
    selected = connection.select(folder, readonly=True)
    return selected.uidnext - 1 if selected.uidnext else max(connection.all_uids(), default=0)


def _send(mailbox: MailboxSettings, server: Server, probes: list[Probe]) -> dict[str, str]:
    """Submit them; why the server refused which. Trouble of the server itself is raised."""
    refused = {}
    with SmtpConnection.connect(server, once=True) as connection:
        for probe in probes:
            try:
                connection.send(mailbox.address, probe.recipient, probe.content)
            except SmtpTrouble as error:
                if error.code is None or error.phase not in ("rcpt", "mail", "data", "dot"):
                    raise
                refused[probe.nonce] = str(error)
    return refused


def _await(connection: ImapConnection, last: int, probes: list[Probe]) -> dict[str, Arrived]:
    """Look every second until all are there; a lone one is waited for a little less."""
    arrived: dict[str, Arrived] = {}
    end = time.monotonic() + PATIENCE
    while len(arrived) < len(probes) and time.monotonic() < end:
        connection.noop()
        fresh = connection.uids_after(last)
        for mail in connection.fetch(fresh, 1_000_000):
            message = peek(mail.content or b"")
            for probe in probes:
                if probe.nonce in message.subject and probe.nonce not in arrived:
                    arrived[probe.nonce] = Arrived(message, mail.internal_date)
                    end = min(end, time.monotonic() + _AFTER_FIRST)
        last = max((last, *fresh))
        if len(arrived) < len(probes):
            time.sleep(_LOOK_EVERY)
    return arrived


def _facts(
    mailbox: MailboxSettings, probes: list[Probe], arrived: dict[str, Arrived], now: datetime
) -> dict[str, object]:
    plain, plus = (arrived.get(one.nonce) for one in probes)
    seen = plain or plus
    if seen is None:
        return {"arrived": False}
    probe = probes[0] if plain else probes[1]
    kept = {person.key for one in arrived.values() for person in one.message.delivered_to}
    skew = (seen.internal_date - now).total_seconds() if seen.internal_date else None
    return {
        "arrived": plain is not None,
        "plus_addressing": plus is not None,
        "delivered_to": sorted(kept),
        "plus_in_delivered_to": probes[1].recipient.lower() in kept,
        "message_id_rewritten": seen.message.message_id != probe.message_id,
        "authserv_ids": sorted(set(_stamped(seen.message, probe.nonce))),
        "forged_results_removed": not any(_is_forged(one, probe.nonce) for one in _results(seen.message)),
        "clock_difference": round(skew) if skew is not None else None,
    }


def _results(message: Message) -> tuple[str, ...]:
    return message.header_all("Authentication-Results")


def _is_forged(value: str, nonce: str) -> bool:
    return f"header.from={nonce}.example" in value


def _stamped(message: Message, nonce: str) -> Iterator[str]:
    """The names of the servers that stamped their results on the way."""
    for value in _results(message):
        if not _is_forged(value, nonce):
            with suppress(IndexError):
                yield value.partition(";")[0].split()[0].lower()


def _findings(
    where: str,
    mailbox: MailboxSettings,
    facts: dict[str, object],
    refused: dict[str, str],
    probes: list[Probe],
) -> Iterator[Finding]:
    if not facts["arrived"]:
        said = refused.get(probes[0].nonce, f"did not arrive within {PATIENCE:.0f} s")
        remedy = "see that the mailbox takes mail from itself, and that no rule or spam filter moved it"
        yield problem(where, f"the mail to {mailbox.address}: {said}", remedy, SERVER)
    if "plus_addressing" not in facts:
        return
    if facts["plus_in_delivered_to"]:
        yield Finding("fine", where, "Delivered-To shows the plus address")
    yield _plus(where, mailbox, bool(facts["plus_addressing"]), refused.get(probes[1].nonce))
    if facts["message_id_rewritten"]:
        text = "a server rewrites Message-ID: replies are threaded by References and plus addresses"
        yield Finding("hint", where, text, "set plus_addressing = true if plus addresses are delivered")
    else:
        yield Finding("fine", where, "Message-ID is kept")
    yield from _authserv(where, mailbox, facts)
    skew = facts["clock_difference"]
    if isinstance(skew, int) and abs(skew) > _SKEW + PATIENCE:
        text = f"the IMAP server's clock is {skew} s off ours"
        yield Finding("hint", where, text, "set both by NTP: due times count from the server's")


def _plus(where: str, mailbox: MailboxSettings, works: bool, refused: str | None) -> Finding:
    if works:
        remedy = "" if mailbox.plus_addressing else "set plus_addressing = true"
        return Finding("hint" if remedy else "fine", where, "plus addresses are delivered", remedy)
    text = f"plus addresses are not delivered{f': {refused}' if refused else ''}"
    if mailbox.plus_addressing:
        return problem(where, text, "set plus_addressing = false: agents' answers would be lost", 1)
    return Finding("fine", where, text)


def _authserv(where: str, mailbox: MailboxSettings, facts: dict[str, object]) -> Iterator[Finding]:
    ids = facts["authserv_ids"]
    names = ", ".join(ids) if isinstance(ids, list) else ""
    trusted = {name.lower() for name in mailbox.trusted_authserv}
    if names:
        new = isinstance(ids, list) and not trusted & set(ids)
        remedy = f"if these are your own server's, name them in trusted_authserv: {names}" if new else ""
        text = f"Authentication-Results are stamped by {names}"
        yield Finding("hint" if remedy else "fine", where, text, remedy)
    if not facts["forged_results_removed"] and trusted:
        yield problem(
            where,
            f"forged Authentication-Results in the name of {', '.join(sorted(trusted))} pass:"
            " whoever can mail you this way can pose as an agent",
            "let that server remove results in its own name from incoming mail (RFC 8601 §5),"
            " or empty trusted_authserv",
            1,
        )
