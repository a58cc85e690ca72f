"""Commands about what is kept: export a person or everything, forget a person, revoke tokens."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ticketd.cli.saving import save_ticket
from ticketd.cli.state import assembly, now, writing
from ticketd.errors import NotFound, UsageError

if TYPE_CHECKING:
    from ticketd.store import View
    from ticketd.store.privacy import Forgotten
    from ticketd.store.traces import Traces


_EXPORTED = {"tickets": "tickets", "received": "mails received", "sent": "mails sent", "files": "files"}


def register(app: typer.Typer) -> None:
    """Add these commands to the app."""
    app.command("export")(export)
    app.command("forget")(forget)
    app.command("revoke")(revoke)


def export(
    context: typer.Context,
    what: Annotated[
        list[str], typer.Argument(metavar="[ADDRESS] DIR", help="The person, and where to write it.")
    ],
    everything: Annotated[
        bool, typer.Option("--all", help="All tickets, mails and files, in a new directory.")
    ] = False,
) -> None:
    """Write what is kept about a person, or everything: tickets as JSON, mails and files as they came."""
    if len(what) != (1 if everything else 2):
        raise UsageError("say `export ADDRESS DIR`, or `export --all DIR`")
    if everything:
        _export_all(context, Path(what[0]))
    else:
        _export_person(context, what[0], Path(what[1]))


def _export_all(context: typer.Context, directory: Path) -> None:
    from ticketd import __version__
    from ticketd.leave import write_everything
    from ticketd.store.everything import Everything
    from ticketd.store.views import iso

    with assembly(context) as ready, ready.store.view() as view:
        facts = {"desk": ready.policy.name, "at": iso(now()), "ticketd": __version__}
        counts = write_everything(Everything(view), directory, facts)
    told = ", ".join(f"{counts[name]} {word}" for name, word in _EXPORTED.items())
    print(f"{told} written to {directory}; its README.txt says how to load them", file=sys.stderr)


def _export_person(context: typer.Context, address: str, directory: Path) -> None:
    from ticketd.decide.model import address_key

    with assembly(context) as ready, ready.store.view() as view:
        traces = view.traces(address_key(address))
        if not traces:
            raise NotFound(f"nothing is kept about {address}")
        with writing(directory):
            document = {"address": address} | _write_traces(view, traces, directory)
            shown = json.dumps(document, ensure_ascii=False, indent=1)
            (directory / "person.json").write_text(shown, "utf-8")
    print(f"{len(traces.tickets)} tickets written to {directory}", file=sys.stderr)


def _write_traces(view: View, traces: Traces, directory: Path) -> dict[str, Any]:
    """Write the tickets that name a person, and the mails that name them elsewhere; what JSON says of them.

    Agents' own mails stay out: their words are in the tickets, their ids are what agents
    are believed by. So do mails of ours, which say what the tickets say.
    """
    directory.mkdir(parents=True, exist_ok=True)
    tickets = [view.ticket(number) for number in traces.tickets]
    for found in tickets:
        save_ticket(view, found, directory / f"ticket-{found['id']}", agents=False)
    rows = [row for row in view.ledger() if row["sha256"] in set(traces.mails.came)]
    elsewhere = {row["sha256"] for row in rows if row["ticket"] not in traces.tickets and not row["agent"]}
    for digest in sorted(elsewhere):
        (directory / f"mail-{digest[:16]}.eml").write_bytes(view.came(digest))
    return {
        "tickets": tickets,
        "ledger": rows,
        "outbox": [row for row in view.outbox() if row["id"] in traces.outbox],
        "copies_sent": len(traces.mails.sent),
        "blocked": traces.blocked,
    }


def forget(
    context: typer.Context,
    address: Annotated[str, typer.Argument(help="The person.")],
) -> None:
    """Remove a person's mails and attachments for good; the counts stay. Export first."""
    from ticketd.decide.model import address_key

    key = address_key(address)
    with assembly(context) as ready:
        if ready.policy.is_ours(key):
            raise UsageError(f"{address} is the desk's own address: every mail names it")
        with ready.store.view() as view:  # it takes its time: the desk goes on meanwhile
            mails = view.mails_naming(key)
        with ready.store.begin("forget") as tx:
            tx.lock_desk()
            gone = tx.forget(key, mails)
        left = ready.store.scrub()  # also where nothing is kept: an earlier run may have been cut short
        if left:
            print(f"ticketd: {left}", file=sys.stderr)
    if not gone.found:
        raise NotFound(f"nothing is kept about {address}")
    _tell(gone, address)


def _tell(gone: Forgotten, address: str) -> None:
    counts = f"{gone.messages} messages on {gone.tickets} tickets, {gone.raw_mails} raw mails"
    print(f"forgotten: {counts}", file=sys.stderr)
    if gone.waiting:
        wait = f"{gone.waiting} mails that name {address} wait to be sent or decided on"
        print(f"{wait} (`outbox`, `quarantine`): forget again when they are done", file=sys.stderr)
    if gone.blocked:
        stays = f"{address} stays blocked, by a digest that does not say the address"
        print(f"{stays}; `block --undo {address}` removes it", file=sys.stderr)


def revoke(
    context: typer.Context,
    agent: Annotated[str, typer.Argument(help="The agent: a name or address.")],
    ticket: Annotated[int | None, typer.Option("--ticket", help="For this ticket only.")] = None,
) -> None:
    """Make the reply addresses and Message-IDs that an agent was given prove nothing any more."""
    from ticketd.cli.state import desk

    with desk(context) as (ready, front):
        found = front.agent(agent)
        if found is None:
            raise UsageError("say whose: an agent's name or address")
        with ready.store.begin("revoke") as tx:
            count = tx.revoke_tokens(found.key, ticket)
    print(f"revoked: {count}", file=sys.stderr)
