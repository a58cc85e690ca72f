"""The command line: every command of the contract, its errors in one sentence.

``main`` is the entry point. The commands' modules are imported where the app is built;
what they need beyond that (database, servers) they import when they run, so that
``--help`` answers at once.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit status (contract, "Exit status"). Never shows a traceback."""
    from ticketd.cli.app import run_app

    _tolerate()
    status = run_app(list(sys.argv[1:] if arguments is None else arguments))
    _flush()
    return status


def _tolerate() -> None:
    """Print what the locale has no letters for as escapes, rather than not at all."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _flush() -> None:
    """Write out what is buffered; whoever closed the pipe early does not want it."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
