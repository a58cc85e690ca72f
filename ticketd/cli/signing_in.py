"""The command ``login``: a person signs a mailbox in, and sees at once whether its servers agree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from ticketd.cli import show
from ticketd.cli.state import assembly, now
from ticketd.cli.upkeep import check_mailbox
from ticketd.errors import NotFound

if TYPE_CHECKING:
    from ticketd.assemble import Assembly
    from ticketd.config import MailboxSettings


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("login")(login)


def login(
    context: typer.Context,
    mailbox: Annotated[str, typer.Argument(metavar="MAILBOX", help="Its name in the config.")],
    forget: Annotated[bool, typer.Option("--forget", help="Keep the mailbox's sign-in no longer.")] = False,
) -> None:
    """Sign a mailbox in with OAuth 2 and keep what the provider grants.

    A running daemon takes it up at once.
    """
    from ticketd.login import sign_in
    from ticketd.signin import keep

    with assembly(context) as ready:
        if forget:
            _forget(ready, mailbox)
            return
        check_mailbox(ready.settings, mailbox)
        box = next(one for one in ready.settings.mailboxes if one.name == mailbox)
        grant = sign_in(box, _tell, now, _pasted())
        keep(ready.store, mailbox, grant)
        print(show.line(f"{mailbox} is signed in"))
        _try_out(ready, box)


def _forget(ready: Assembly, mailbox: str) -> None:
    """Drop what is kept, also of a mailbox that left the config; what the provider knows stays there."""
    with ready.store.begin("forget-grant") as tx:
        if not tx.drop_grant(mailbox):
            raise NotFound(f"nobody is signed in to {mailbox!r}")
    print(show.line(f"{mailbox} is not signed in any more; take its access away at the provider, too"))


def _tell(text: str) -> None:
    print(text, flush=True)


def _pasted() -> Iterator[str]:
    """What a person pastes. Read unbuffered: at the exit nobody may still hold Python's standard input."""
    try:
        with open(0, "rb", buffering=0, closefd=False) as typed:
            for line in typed:
                yield line.decode("utf-8", "replace")
    except OSError:
        return  # there is no standard input


def _try_out(ready: Assembly, mailbox: MailboxSettings) -> None:
    """Log in to both servers; the first refusal is the command's."""
    from ticketd.servers import imap_server, smtp_server
    from ticketd.signin import SignIns
    from ticketd.wire.imap import ImapConnection
    from ticketd.wire.smtp import SmtpConnection

    sign_ins = SignIns(ready.store, now, ready.settings.state_dir)
    ImapConnection.connect(imap_server(mailbox, sign_ins)).close()
    SmtpConnection.connect(smtp_server(mailbox, sign_ins)).close()
    print("its servers accept the sign-in")
