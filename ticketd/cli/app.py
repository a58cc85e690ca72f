"""The app itself: global options, and errors turned into one sentence and an exit status."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from typer import exceptions

from ticketd.cli import installing, ops, privacy, queues, reporting, show, signing_in, tickets
from ticketd.cli.state import Options, reason_of
from ticketd.errors import TicketdError

app = typer.Typer(
    name="ticketd",
    help="A help desk that lives in your mail.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def options(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(
            "-c", "--config", help="The config; else $TICKETD_CONFIG, else /etc/ticketd/ticketd.toml."
        ),
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
) -> None:
    """Keep the global options for the command."""
    context.obj = Options(config, debug)


tickets.register(app)
queues.register(app)
privacy.register(app)
reporting.register(app)
ops.register(app)
signing_in.register(app)
installing.register(app)


def run_app(arguments: list[str]) -> int:
    """Run the app; every error that we foresee is one sentence on standard error."""
    debug = "--debug" in arguments
    try:
        result = app(arguments, standalone_mode=False)
    except TicketdError as error:
        if debug:
            raise
        return _fail(str(error), error.exit_status)
    except exceptions.TyperException as error:
        if error.format_message().startswith("Usage:"):  # no command was named: the help says which there are
            print(error.format_message(), file=sys.stderr)
            return error.exit_code
        return _fail(error.format_message() or "wrong usage: see ticketd --help", error.exit_code)
    except (exceptions.Abort, KeyboardInterrupt):
        return _fail("interrupted", 130)
    except (BrokenPipeError, SystemExit) as error:
        if isinstance(error, SystemExit) and not isinstance(error.__context__, BrokenPipeError):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0  # whoever reads our output has enough of it
    except Exception as error:
        if debug:
            raise
        return _fail(_unforeseen(error), 1)
    return result if isinstance(result, int) else 0


def _unforeseen(error: Exception) -> str:
    """A disk that is full, a directory that is gone; anything else is ours."""
    if isinstance(error, OSError):
        where = f" {error.filename}" if error.filename else ""
        return f"cannot read or write{where}: {reason_of(error)}"
    return f"an error in ticketd itself ({type(error).__name__}: {error}); --debug shows where"


def _fail(message: str, status: int) -> int:
    """Say what is wrong. Several problems of one config stand a line each."""
    lines = (show.line(line) for line in f"ticketd: {message}".splitlines())
    print("\n".join(lines), file=sys.stderr)
    return status
