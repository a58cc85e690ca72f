"""The command ``check`` as a person and a script see it: findings, each with its remedy."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

import typer

from ticketd.cli import show
from ticketd.cli.state import now, quiet_log, settings_of
from ticketd.errors import ConfigError

if TYPE_CHECKING:
    from ticketd.checkup import Finding, Past
    from ticketd.config import Settings
    from ticketd.signin import SignIns

Json = dict[str, Any]


def check(
    context: typer.Context, *, offline: bool, probe: bool, policy: tuple[str, str] | None, json: bool
) -> int:
    """Run ``check``; its exit status: 0 all well, 78 the config, 75 a server."""
    try:
        settings = settings_of(context)
    except ConfigError as error:
        if json:
            show.as_json({"ok": False, "findings": [_broken(line) for line in str(error).splitlines()]})
        raise
    quiet_log(settings)
    if policy is not None:
        return _policy(settings, policy, json)
    document, findings, status = _look(settings, offline, probe, now())
    if json:
        show.as_json({"ok": status == 0, **document, "findings": [_finding(one) for one in findings]})
    else:
        _print(findings)
    for one in findings:
        if one.level == "problem":
            print(show.line(f"ticketd: {one.where}: {one.text}"), file=sys.stderr)
    return status


def _broken(line: str) -> Json:
    remedy = "mend the config at this line"
    return {"level": "problem", "where": "config", "text": line, "remedy": remedy}


def _finding(one: Finding) -> Json:
    return {"level": one.level, "where": one.where, "text": one.text, "remedy": one.remedy or None}


def _policy(settings: Settings, wanted: tuple[str, str], json: bool) -> int:
    """Say which SLA policy a mail of this sender and subject gets, at the first mailbox."""
    from ticketd.decide.deadlines import sla

    address, subject = wanted
    mailbox = settings.mailboxes[0].name
    facts: Json = {"mailbox": mailbox, "address": address, "subject": subject}
    recipients = (settings.mailboxes[0].address,)
    lines = sla.explain_policy(settings.sla, **facts, recipients=recipients)
    if json:
        chosen = sla.match_policy(settings.sla, **facts, recipients=recipients)
        show.as_json({**facts, "policy": chosen.name if chosen else None, "lines": list(lines)})
    else:
        for line in lines:
            print(show.line(line))
    return 0


def _look(settings: Settings, offline: bool, probe: bool, at: datetime) -> tuple[Json, list[Finding], int]:
    """Look at everything in order; servers only where the config is sound."""
    from ticketd import checkup

    findings = list(checkup.check_config(settings, at))
    document: Json = {"config": str(settings.path), "mailboxes": []}
    status = checkup.exit_status(findings)
    if offline or status:
        return document, findings, status
    findings += checkup.check_disk(settings)
    about_database, past = checkup.check_database(settings)
    findings += about_database
    with _sign_ins(settings, past) as sign_ins:
        document["mailboxes"], about_servers = _servers(settings, past, sign_ins, probe, at)
    findings += about_servers
    return document, findings, checkup.exit_status(findings)


@contextmanager
def _sign_ins(settings: Settings, past: Past) -> Iterator[SignIns]:
    """What mailboxes sign in with; a token that is due is renewed, which must be kept."""
    from ticketd.signin import SignIns
    from ticketd.store import Store

    usable = past.policy is not None and any(mailbox.oauth for mailbox in settings.mailboxes)
    store = Store.open(settings.database_url, create=False) if usable else None
    try:
        yield SignIns(store, now, settings.state_dir)
    finally:
        if store:
            store.close()


def _servers(
    settings: Settings, past: Past, sign_ins: SignIns, probe: bool, at: datetime
) -> tuple[list[Json], list[Finding]]:
    from ticketd.checkup_servers import inspect_all

    inspected = {one.where: one for one in inspect_all(settings.mailboxes, past.cursors, sign_ins, at)}
    findings = [finding for one in inspected.values() for finding in one.findings]
    documents: list[Json] = []
    for mailbox in settings.mailboxes:
        sides = {side: inspected[f"{mailbox.name} {side}"] for side in ("imap", "smtp")}
        document: Json = {"name": mailbox.name} | {side: one.facts for side, one in sides.items()}
        documents.append(document)
    if probe:
        from ticketd.probe import probe_all

        usable = [
            mailbox
            for mailbox, document in zip(settings.mailboxes, documents, strict=True)
            if document["imap"].get("usable") and document["smtp"].get("usable")
        ]
        probed = {one.where.removesuffix(" probe"): one for one in probe_all(usable, past.policy, sign_ins)}
        for document in documents:
            one = probed.get(document["name"])
            document["probe"] = one.facts if one else None
        findings += [finding for one in probed.values() for finding in one.findings]
    return documents, findings


_MARKS = {"fine": "ok", "hint": "hint", "problem": "PROBLEM"}
_STYLES = {"hint": "yellow", "problem": "bold red"}


def _print(findings: list[Finding]) -> None:
    rows = [(_MARKS[one.level], one.where, _said(one)) for one in findings]
    styles = {row: _STYLES[one.level] for row, one in enumerate(findings) if one.level in _STYLES}
    show.table(("FOUND", "WHERE", "WHAT"), rows, styles)
    hints = sum(one.level == "hint" for one in findings)
    if not any(one.level == "problem" for one in findings):
        print(f"\nall is well, {hints} hints")


def _said(one: Finding) -> str:
    return f"{one.text.rstrip('.')}. Remedy: {one.remedy}" if one.remedy else one.text
