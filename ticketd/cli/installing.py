"""The command ``install``: what pip cannot do, for a machine that is to run the service."""

from __future__ import annotations

import sys
import sysconfig
from typing import Annotated

import typer

from ticketd.errors import TicketdError


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("install")(install)


def install(
    prefix: Annotated[
        str, typer.Option("--prefix", metavar="DIR", help="Where unit, man pages and link go.")
    ] = "/usr/local",
    destdir: Annotated[
        str, typer.Option("--destdir", metavar="DIR", help="Put it all below here, for a package.")
    ] = "",
    remove: Annotated[
        bool, typer.Option("--remove", help="Take it away again; config, secrets and state stay.")
    ] = False,
) -> None:
    """Put the unit, its account, a sample config, the man pages and a link to this program in place."""
    from ticketd.installation import places, put, take_away

    where = places(prefix, destdir, sysconfig.get_path("scripts"), sys.executable)
    try:
        for line in take_away(where) if remove else put(where):
            print(line)
    except OSError as error:
        raise TicketdError(f"cannot write {error.filename}: {error.strerror}") from None
