"""Commands of upkeep: reconcile the ledger with the servers, migrate and back up the database."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ticketd.cli import show
from ticketd.cli.state import assembly, now, quiet_log, settings_of
from ticketd.errors import Unavailable, UsageError

if TYPE_CHECKING:
    from ticketd.assemble import Assembly
    from ticketd.config import MailboxSettings, Settings
    from ticketd.headway import Heard
    from ticketd.store import Store


def check_mailbox(settings: Settings, name: str | None) -> None:
    """Refuse a mailbox that the config does not have."""
    names = [mailbox.name for mailbox in settings.mailboxes]
    if name is not None and name not in names:
        raise UsageError(f"there is no mailbox {name!r}; the mailboxes are: {', '.join(names)}")


# db


@contextmanager
def _opened(context: typer.Context, create: bool) -> Iterator[Store]:
    """The database as it is, not migrated."""
    from ticketd.store import Store

    settings = settings_of(context)
    quiet_log(settings)
    if create:
        settings.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    store = Store.open(settings.database_url, create=create)
    try:
        yield store
    finally:
        store.close()


def db_upgrade(context: typer.Context) -> None:
    """Bring the database to this program's schema, making it where there is none."""
    with _opened(context, create=True) as store:
        before = store.schema_current()
        store.migrate()
        after = store.schema_current()
    print(f"schema {after}" if before == after else f"schema {before or 'none'} → {after}")


def db_current(context: typer.Context) -> None:
    """Say which schema the database has, and which this program works with."""
    with _opened(context, create=False) as store:
        current, head = store.schema_current(), store.schema_head()
    print(current or "none")
    if current != head:
        print(f"this ticketd works with {head}: run `ticketd db upgrade`", file=sys.stderr)


def db_backup(
    context: typer.Context,
    target: Annotated[Path, typer.Argument(metavar="FILE", help="A new file.")],
) -> None:
    """Copy the database consistently, while the daemon runs."""
    with _opened(context, create=False) as store:
        store.backup(target)
    print(f"{target}: {target.stat().st_size} bytes")


# reconcile


def reconcile(
    context: typer.Context,
    mailbox: Annotated[str | None, typer.Option("--mailbox", help="This mailbox only.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Compare the server's mails with the ledger, fetch what is missing, report.

    What is fetched is taken in by the daemon or the next `run --once`.
    """
    from ticketd.headway import shown

    with assembly(context) as ready:
        check_mailbox(ready.settings, mailbox)
        wanted = [one for one in ready.settings.mailboxes if mailbox in (None, one.name)]
        with shown() as headway:
            found = [_reconciled(ready, one, headway(one.name)) for one in wanted]
    if json:
        show.as_json(found)
    else:
        _reconciliation([one for one in found if not one["error"]])
    for one in found:
        if one["error"]:
            print(show.line(f"ticketd: {one['mailbox']}: {one['error']}"), file=sys.stderr)
    raise typer.Exit(Unavailable.exit_status if any(one["error"] for one in found) else 0)


def _reconciled(ready: Assembly, mailbox: MailboxSettings, heard: Heard) -> dict[str, Any]:
    """One mailbox; a server that cannot be used is told of, and the others go on."""
    from ticketd.collect.reconcile import reconcile as compare
    from ticketd.collect.watched import WatchedConnection
    from ticketd.servers import imap_server
    from ticketd.signin import SignIns

    server = imap_server(mailbox, SignIns(ready.store, now, ready.settings.state_dir))
    size = ready.settings.limits.message_size
    try:
        with WatchedConnection.connect(server) as source:
            desk, folder = mailbox.desk, mailbox.imap.folder
            found = compare(ready.store, desk, folder, source, size, now, heard)
    except Unavailable as error:
        return {"mailbox": mailbox.name, "error": str(error)}
    return found.as_json() | {"error": None}


def _reconciliation(found: list[dict[str, Any]]) -> None:
    names = ("mailbox", "on_server", "in_ledger", "fetched", "new", "refused", "gone")
    headings = ("MAILBOX", "ON SERVER", "IN LEDGER", "MISSING", "FETCHED", "NEW", "REFUSED", "GONE")
    show.table(
        headings,
        [(*(one[n] for n in names[:3]), len(one["missing"]), *(one[n] for n in names[3:])) for one in found],
    )
