"""Log in to every server side by side, see what each can do and what would be imported.

Folders are examined, never opened for change; nothing is fetched but sizes and dates.
Each server gets so many seconds and no more; one that is dead delays no other.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from ticketd.checkup import SERVER, Cursor, Finding, problem
from ticketd.config import PRESETS, MailboxSettings
from ticketd.errors import ConfigError, LoginRefused, TicketdError, Unavailable
from ticketd.servers import imap_server, smtp_server
from ticketd.signin import SignIns
from ticketd.wire import FolderMissing, Server
from ticketd.wire.imap import ImapConnection, Selected
from ticketd.wire.smtp import SmtpConnection

PATIENCE = 15.0
"""Seconds that one server may take for all that it is asked."""

_SOON = 21  # days of a certificate
_COUNTED = 5_000  # mails whose dates are read; of more, days are exact enough


@dataclass(slots=True)
class Inspected:
    """What was learned of one server. ``facts`` is JSON, ``hint`` what one must know of its provider.

    ``by_token`` is whether we sign in with OAuth 2 there.
    """

    where: str
    hint: str = ""
    by_token: bool = False
    facts: dict[str, Any] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


def inspect_all(
    mailboxes: Iterable[MailboxSettings],
    cursors: Mapping[str, Cursor],
    sign_ins: SignIns,
    now: datetime,
    patience: float = PATIENCE,
) -> list[Inspected]:
    """Every IMAP and SMTP server of these mailboxes, all at once."""
    jobs: list[tuple[Inspected, Callable[[Inspected], None]]] = []
    for mailbox in mailboxes:
        preset = PRESETS.get(mailbox.provider or "")
        hint = preset.hint if preset else ""
        servers = (
            imap_server(mailbox, sign_ins, at_most=PATIENCE),
            smtp_server(mailbox, sign_ins, at_most=PATIENCE),
        )
        imap, smtp = (
            Inspected(f"{mailbox.name} {side}", hint, server.oauth is not None)
            for side, server in zip(("imap", "smtp"), servers, strict=True)
        )
        jobs.append((imap, _imap_job(mailbox, servers[0], cursors.get(mailbox.name), now)))
        jobs.append((smtp, _smtp_job(mailbox, servers[1], now)))
    return in_parallel(jobs, patience)


def in_parallel(
    jobs: list[tuple[Inspected, Callable[[Inspected], None]]], patience: float
) -> list[Inspected]:
    """Do all jobs, each in a thread; one that does not end in time is left behind and said to be late."""
    threads = []
    for inspected, job in jobs:
        thread = threading.Thread(target=_guarded, args=(job, inspected), daemon=True)
        thread.start()
        threads.append(thread)
    end = time.monotonic() + patience
    results = []
    for (inspected, _), thread in zip(jobs, threads, strict=True):
        thread.join(max(0.0, end - time.monotonic()))
        if thread.is_alive():  # it may still write to its own: show what was learned so far
            inspected = replace(inspected, facts=dict(inspected.facts), findings=list(inspected.findings))
            text = f"does not finish within {patience:.0f} s"
            inspected.findings.append(problem(inspected.where, text, _REMEDIES[Unavailable], SERVER))
        results.append(inspected)
    return results


_REMEDIES: dict[type[TicketdError], str] = {
    LoginRefused: "check username and password; many providers want an app password or OAuth",
    FolderMissing: "make the folder, or name one that is there",
    ConfigError: "mend the config",
    Unavailable: "check host, port and security, the network and the firewall; then try again",
}


def _guarded(job: Callable[[Inspected], None], inspected: Inspected) -> None:
    """A server's trouble is a finding, with its remedy."""
    try:
        job(inspected)
        inspected.facts["usable"] = not any(one.level == "problem" for one in inspected.findings)
    except TicketdError as error:
        inspected.facts["usable"] = False
        remedy = next(words for kind, words in _REMEDIES.items() if isinstance(error, kind))
        if isinstance(error, LoginRefused):
            remedy = _login_remedy(inspected, remedy)
        status = error.exit_status
        inspected.findings.append(problem(inspected.where, str(error), remedy, status))


def _login_remedy(inspected: Inspected, usual: str) -> str:
    if inspected.by_token:
        usual = (
            "run `ticketd login` and sign in as the mailbox itself (or one that may use it);"
            " see that IMAP and SMTP are allowed for it"
        )
    return f"{usual}; this provider {inspected.hint}" if inspected.hint else usual


# IMAP


def _imap_job(
    mailbox: MailboxSettings, server: Server, cursor: Cursor | None, now: datetime
) -> Callable[[Inspected], None]:
    def job(inspected: Inspected) -> None:
        inspected.facts |= {"server": str(server), "security": mailbox.imap.security}
        with ImapConnection.connect(server) as connection:
            inspected.facts["capabilities"] = sorted(connection.capabilities)
            _certificate(inspected, connection.certificate(), now)
            _quirks(inspected, mailbox, connection.capabilities)
            _other_folder(inspected, mailbox, connection)
            _folder(inspected, mailbox, connection, cursor, now)

    return job


def _certificate(inspected: Inspected, certificate: dict[str, Any] | None, now: datetime) -> None:
    if not certificate or "notAfter" not in certificate:
        return
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate["notAfter"]), UTC)
    days = (ends - now).days
    inspected.facts["certificate_days"] = days
    text = f"certificate valid for {days} more days"
    if days < _SOON:
        inspected.findings.append(Finding("hint", inspected.where, text, "see that it is renewed in time"))
    else:
        inspected.findings.append(Finding("fine", inspected.where, text))


def _quirks(inspected: Inspected, mailbox: MailboxSettings, capabilities: frozenset[str]) -> None:
    """What this server cannot do, and what that means here."""
    found = []
    if mailbox.imap.idle and "IDLE" not in capabilities:
        every = f"{mailbox.imap.poll_every.total_seconds():.0f} s"
        found.append((f"no IDLE: new mail is seen every {every}", "lower poll_every if that is too slow"))
    if "UIDPLUS" not in capabilities and mailbox.after_ingest == "delete":
        found.append(("no UIDPLUS: taken mail cannot be deleted safely and is kept", 'use "keep" or "seen"'))
    if mailbox.move_to and not {"MOVE", "UIDPLUS"} & capabilities:
        found.append(("neither MOVE nor UIDPLUS: taken mail cannot be moved safely", 'use "keep" or "seen"'))
    if "X-GM-EXT-1" in capabilities:
        text = "Gmail: labels show as folders, and a mail stands in All Mail besides its folder"
        found.append((text, "watch INBOX alone; after_ingest only takes the label away"))
    inspected.findings += [Finding("hint", inspected.where, text, remedy) for text, remedy in found]


def _other_folder(inspected: Inspected, mailbox: MailboxSettings, connection: ImapConnection) -> None:
    """The folder that taken mail moves to must be there."""
    if mailbox.move_to is None:
        return
    try:
        connection.status(mailbox.move_to)
    except FolderMissing as error:
        remedy = f"make it, or change after_ingest; {_there(connection)}"
        inspected.findings.append(problem(inspected.where, str(error), remedy, SERVER))


def _there(connection: ImapConnection) -> str:
    names = connection.folders()
    return f"there are: {', '.join(names[:20])}{' …' if len(names) > 20 else ''}"


def _folder(
    inspected: Inspected,
    mailbox: MailboxSettings,
    connection: ImapConnection,
    cursor: Cursor | None,
    now: datetime,
) -> None:
    folder = mailbox.imap.folder
    try:
        selected = connection.select(folder, readonly=True)
    except FolderMissing as error:
        remedy = f"make it, or change imap.folder; {_there(connection)}"
        inspected.findings.append(problem(inspected.where, str(error), remedy, SERVER))
        return
    inspected.facts |= {
        "folder": folder,
        "exists": selected.exists,
        "uidvalidity": selected.uidvalidity,
        "uidnext": selected.uidnext,
    }
    count, words = _import(mailbox, connection, selected, cursor, now)
    inspected.facts["import"] = {"count": count, "words": words}
    text = f"logged in; {folder} holds {selected.exists} mails, UIDVALIDITY {selected.uidvalidity}"
    inspected.findings.append(Finding("fine", inspected.where, f"{text}, UIDNEXT {selected.uidnext}"))
    inspected.findings.append(Finding("fine", inspected.where, words))


def _import(
    mailbox: MailboxSettings,
    connection: ImapConnection,
    selected: Selected,
    cursor: Cursor | None,
    now: datetime,
) -> tuple[int, str]:
    """How many mails the next poll would take, and why these."""
    if cursor and (cursor.folder, cursor.uidvalidity) == (mailbox.imap.folder, selected.uidvalidity):
        count = len(connection.uids_after(cursor.last_uid))
        return count, f"{count} mails are new since the last poll (after UID {cursor.last_uid})"
    if cursor:
        return selected.exists, (
            f"the folder is another or numbered anew: all {selected.exists} mails are matched with the ledger"
        )
    since = str(mailbox.import_since)
    if since == "now":
        return 0, 'nothing of what is there would be imported (import_since = "now")'
    line = mailbox.import_line(now)
    if line is None:
        return selected.exists, f'all {selected.exists} mails would be imported (import_since = "all")'
    count = _count_since(connection, line)
    return count, f"{count} mails since {line:%Y-%m-%d %H:%M}Z would be imported (import_since = {since!r})"


def _count_since(connection: ImapConnection, line: datetime) -> int:
    uids = connection.uids_since(line.astimezone(UTC).date())
    if len(uids) > _COUNTED:
        return len(uids)
    return sum(facts.internal_date >= line for facts in connection.fetch_sizes(uids).values())


# SMTP


def _smtp_job(mailbox: MailboxSettings, server: Server, now: datetime) -> Callable[[Inspected], None]:
    def job(inspected: Inspected) -> None:
        inspected.facts |= {"server": str(server), "security": mailbox.smtp.security}
        with SmtpConnection.connect(server, once=True) as connection:
            offered = connection.extensions
            inspected.facts["extensions"] = sorted(offered)
            inspected.facts["max_size"] = connection.max_size
            signed_in = "logged in" if mailbox.smtp.username else "no login (no username in [mailboxes.smtp])"
            limit = f"; takes up to {connection.max_size} bytes" if connection.max_size else ""
            inspected.findings.append(Finding("fine", inspected.where, signed_in + limit))
            _certificate(inspected, connection.certificate(), now)
            if not mailbox.smtp.username and "auth" in offered:
                text = "the server offers a login and none is configured: it may refuse to send"
                remedy = "set smtp.username and smtp.password (nothing is inherited from imap)"
                inspected.findings.append(Finding("hint", inspected.where, text, remedy))

    return job
