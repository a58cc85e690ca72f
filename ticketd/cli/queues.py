"""Commands about what waits and what became of it: status, outbox, quarantine, ledger."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ticketd.cli import show
from ticketd.cli.explaining import explain
from ticketd.cli.state import LARGEST_ID, assembly, now
from ticketd.cli.upkeep import check_mailbox, db_backup, db_current, db_upgrade, reconcile
from ticketd.errors import NotFound

if TYPE_CHECKING:
    from ticketd.store import Store

JsonFlag = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
Id = Annotated[int, typer.Argument(metavar="ID", max=LARGEST_ID, help="As the list shows it.")]
OfMailbox = Annotated[str | None, typer.Option("--mailbox", help="Of this mailbox only.")]


class State(StrEnum):
    """Where a mail of ours stands."""

    WAITING = "waiting"
    SENT = "sent"
    UNSURE = "unsure"
    FAILED = "failed"
    CANCELLED = "cancelled"


def register(app: typer.Typer) -> None:
    """Add these commands to the app."""
    app.command("status")(status)
    app.command("ledger")(ledger)
    app.command("reconcile")(reconcile)
    app.command("explain")(explain)
    groups = (
        ("outbox", "Mail of ours that waits to be sent.", (outbox_list, outbox_retry, outbox_cancel)),
        (
            "quarantine",
            "Mails that are parked, held or quarantined.",
            (quarantine_list, quarantine_show, quarantine_accept, quarantine_drop),
        ),
        ("db", "The database.", (db_upgrade, db_current, db_backup)),
    )
    for name, about, commands in groups:
        group = typer.Typer(help=about, no_args_is_help=True, rich_markup_mode=None)
        for command in commands:
            group.command(command.__name__.removeprefix(f"{name}_"))(command)
        app.add_typer(group, name=name)


# status


def status(context: typer.Context, json: JsonFlag = False) -> None:
    """How the desk fares. Exit status 0: healthy, 1: degraded."""
    with assembly(context) as ready, ready.store.view() as view:
        found = view.status([mailbox.name for mailbox in ready.settings.mailboxes], now())
    if json:
        show.as_json(found)
    else:
        _status(found)
    raise typer.Exit(0 if found["healthy"] else 1)


def _status(found: dict[str, Any]) -> None:
    print("healthy" if found["healthy"] else "degraded")
    print()
    headings = ("MAILBOX", "LAST POLL", "LAG", "TO FETCH", "WAITING", "TAKEN IN", "SET ASIDE", "LAST ERROR")
    show.table(headings, [_mailbox_row(one) for one in found["mailboxes"]])
    outbox, aside = found["outbox"], found["quarantine"]
    oldest = f", oldest {show.when(outbox['oldest_at'])}" if outbox["oldest_at"] else ""
    counts = ", ".join(f"{outbox[name]} {name}" for name in ("waiting", "unsure", "failed", "late", "leased"))
    print(f"\nOutbox      {counts}{oldest}")
    oldest = f", oldest {show.when(aside['oldest_at'])}" if aside["oldest_at"] else ""
    print(f"Quarantine  {aside['count']}{oldest}")
    print(f"SLA         {found['sla']['breached']} breached")
    for one in found["stranded"]:
        waits = f"{one['to_send']} mails to send, {one['to_take_in']} to take in"
        print(show.line(f"Stranded    {one['mailbox']} is not in the config: {waits}"))
    for one in found["troubles"]:
        where = f"{one['mailbox']}: " if one["mailbox"] else ""
        print(show.line(f"Trouble     {show.when(one['at'])}  {where}{one['kind']}  {one['detail'] or ''}"))
    for one in found["failures"]:
        print(
            show.line(f"Refused     {show.when(one['at'])}  mail {one['id']} to {one['to']}: {one['error']}")
        )


def _mailbox_row(one: dict[str, Any]) -> tuple[object, ...]:
    counts = one["ledger"]
    aside = sum(counts[name] for name in ("parked", "held", "quarantined"))
    held = f"sending held until {show.when(one['held_until'])}: {one['held_reason']}"
    trouble = one["last_error"] or (held if one["held_until"] else "")
    polled = show.when(one["last_poll_at"]) or "never"
    taken = sum(counts.values()) - counts["received"] - aside
    waiting = (one["to_fetch"], counts["received"])
    return one["name"], polled, f"{one['lag']} s", *waiting, taken, aside, trouble


# outbox


def outbox_list(
    context: typer.Context,
    state: Annotated[State | None, typer.Option("--state", help="In this state only.")] = None,
    json: JsonFlag = False,
) -> None:
    """List our mails, one row a recipient."""
    with assembly(context) as ready, ready.store.view() as view:
        found = view.outbox(state)
    _outbox(found, json)


def _outbox(found: list[dict[str, Any]], json: bool) -> None:
    if json:
        show.as_json(found)
        return
    headings = ("ID", "TICKET", "KIND", "TO", "STATE", "ATTEMPTS", "NEXT ATTEMPT", "LAST ERROR")
    names = ("id", "ticket", "kind", "to", "state", "attempts")
    show.table(
        headings,
        [
            (*(one[name] for name in names), show.when(one["next_attempt_at"]), one["last_error"])
            for one in found
        ],
    )


def _outbox_row(store: Store, number: int) -> dict[str, Any]:
    with store.view() as view:
        row = next((one for one in view.outbox() if one["id"] == number), None)
    if row is None:
        raise NotFound(f"there is no mail {number} in the outbox")
    return row


def outbox_retry(context: typer.Context, number: Id, json: JsonFlag = False) -> None:
    """Make a waiting, unsure or failed mail due now; its account's back-off ends."""
    with assembly(context) as ready:
        with ready.store.begin("outbox") as tx:
            tx.outbox_retry(number, now())
        row = _outbox_row(ready.store, number)
    _changed(row, json, f"mail {number} to {row['to']} is due now")


def outbox_cancel(context: typer.Context, number: Id, json: JsonFlag = False) -> None:
    """Do not send a mail that waits."""
    with assembly(context) as ready:
        with ready.store.begin("outbox") as tx:
            tx.outbox_cancel(number)
        row = _outbox_row(ready.store, number)
    _changed(row, json, f"mail {number} to {row['to']} is cancelled")


def _changed(row: dict[str, Any], json: bool, words: str) -> None:
    if json:
        show.as_json(row)
    else:
        print(show.line(words))


# quarantine


def quarantine_list(context: typer.Context, json: JsonFlag = False) -> None:
    """List the mails that are set aside until somebody decides."""
    with assembly(context) as ready, ready.store.view() as view:
        found = view.quarantine()
    if json:
        show.as_json(found)
        return
    rows = [
        (one["id"], one["mailbox"], one["state"], show.when(one["at"]), one["subject"], one["reason"])
        for one in found
    ]
    show.table(("ID", "MAILBOX", "STATE", "SINCE", "SUBJECT", "REASON"), rows)


def quarantine_show(context: typer.Context, number: Id, json: JsonFlag = False) -> None:
    """Show one of them: why it is there, and the mail itself."""
    with assembly(context) as ready, ready.store.view() as view:
        found = view.quarantine_item(number)
        try:
            raw: bytes | None = view.raw_mail(number)
        except NotFound:
            raw = None
    if json:
        show.as_json(found | {"raw": raw.decode("utf-8", "replace") if raw is not None else None})
        return
    shown = {name: value for name, value in found.items() if name != "traceback" and value is not None}
    show.fields(shown)
    if found["traceback"]:
        print("\n── what went wrong")
        print(show.body(found["traceback"].rstrip()))
    if raw is not None:
        print("\n── the mail")
        print(show.body(raw.decode("utf-8", "replace").rstrip()))


def quarantine_accept(context: typer.Context, number: Id, json: JsonFlag = False) -> None:
    """Take the mail in after all; the daemon or the next `run --once` does it."""
    with assembly(context) as ready:
        with ready.store.view() as view:
            found = view.quarantine_item(number)
        with ready.store.begin("quarantine") as tx:
            tx.quarantine_accept(number)
    _changed(found | {"state": "received"}, json, f"mail {number} will be taken in")


def quarantine_drop(context: typer.Context, number: Id, json: JsonFlag = False) -> None:
    """Be done with the mail: nothing of it takes effect, its bytes stay."""
    with assembly(context) as ready:
        with ready.store.view() as view:
            found = view.quarantine_item(number)
        with ready.store.begin("quarantine") as tx:
            tx.quarantine_drop(number)
    _changed(found | {"state": "ignored"}, json, f"mail {number} is dropped")


# ledger


def ledger(context: typer.Context, mailbox: OfMailbox = None, json: JsonFlag = False) -> None:
    """What became of every mail ever seen, oldest first."""
    with assembly(context) as ready:
        with ready.store.view() as view:
            found = view.ledger(mailbox)
        if not found:  # a mailbox that left the config keeps its rows
            check_mailbox(ready.settings, mailbox)
    if json:
        show.as_json(found)
        return
    rows = [
        (
            one["id"],
            one["mailbox"],
            one["uid"],
            show.when(one["seen_at"]),
            one["outcome"],
            one["ticket"],
            one["message_id"],
            one["reason"],
        )
        for one in found
    ]
    show.table(("ID", "MAILBOX", "UID", "SEEN", "OUTCOME", "TICKET", "MESSAGE-ID", "REASON"), rows)
