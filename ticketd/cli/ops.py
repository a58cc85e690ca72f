"""Commands of operations: run, check, demo."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ticketd.cli.state import settings_of


def register(app: typer.Typer) -> None:
    """Add these commands to the app."""
    app.command("run")(run)
    app.command("check")(check)
    app.command("demo")(demo)


def run(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="Do all that is due now, then exit.")] = False,
) -> None:
    """Run the daemon: watch the mailboxes, send what is due, until it is told to stop."""
    from ticketd.daemon import run as run_daemon

    settings = settings_of(context)
    for warning in settings.warnings:
        print(f"ticketd: {warning}", file=sys.stderr)
    raise typer.Exit(run_daemon(settings, once=once))


def check(
    context: typer.Context,
    offline: Annotated[bool, typer.Option("--offline", help="The config alone, no server.")] = False,
    probe: Annotated[
        bool, typer.Option("--probe", help="Mail each mailbox to itself and see what comes of it.")
    ] = False,
    policy: Annotated[
        tuple[str, str] | None,
        typer.Option("--policy", metavar="ADDRESS SUBJECT", help="Which SLA policy such a mail gets."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Validate the config, log in to every server, say what each can do. Changes nothing."""
    from ticketd.cli.checking import check as run_check

    raise typer.Exit(run_check(context, offline=offline, probe=probe, policy=policy, json=json))


def demo(
    directory: Annotated[
        Path | None, typer.Option("--dir", help="Leave the database and all mails here.")
    ] = None,
) -> None:
    """Play the desk's day on a mail server of its own: a customer, two agents, real mails."""
    from ticketd.demo import play

    raise typer.Exit(play(directory))
