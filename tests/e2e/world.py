"""A world for the real program: a desk on a real Dovecot and Postfix, and people with mailboxes."""

from __future__ import annotations

import contextlib
import email
import email.policy
import io
import json
import os
import signal
import subprocess
import sys
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from tests.servers.dovecot import PASSWORD, Account, Dovecot
from tests.servers.postfix import Postfix
from tests.servers.process import wait_until
from ticketd.cli import main

_CONFIG = """\
[ticketd]
name = "Example Help Desk"
state_dir = "{state}"
{database}

[[mailboxes]]
name = "support"
address = "{desk}"
display_name = "Example Support"
import_since = "all"
{mailbox}

  [mailboxes.imap]
  host = "127.0.0.1"
  port = {imap}
  security = "none"
  username = "{desk}"
  password = "{password}"
  poll_every = "2s"

  [mailboxes.smtp]
  host = "127.0.0.1"
  port = {smtp}
  security = "none"

[[agents]]
name = "anna"
display_name = "Anna"
address = "{anna}"

[[agents]]
name = "bob"
display_name = "Bob"
address = "{bob}"
"""


class World:
    """One desk and its people. Every world has accounts of its own on the shared servers."""

    def __init__(
        self, dovecot: Dovecot, postfix: Postfix, directory: Path, *, database: str = "", mailbox: str = ""
    ) -> None:
        directory.mkdir(exist_ok=True)
        self.directory = directory
        self._serial = 0
        self.people: dict[str, Account] = {
            name: dovecot.user() for name in ("desk", "jane", "anna", "bob", "lee")
        }
        self.config = directory / "ticketd.toml"
        self.config.write_text(
            _CONFIG.format(
                state=directory / "state",
                database=f'database = "{database}"' if database else "",
                mailbox=mailbox,
                imap=dovecot.port,
                smtp=postfix.port,
                password=PASSWORD,
                **{name: account.address for name, account in self.people.items()},
            ),
            "utf-8",
        )
        self.config.chmod(0o600)

    def address(self, person: str) -> str:
        """A person's address."""
        return self.people[person].address

    def ticketd(self, *arguments: str, text: str = "", status: int | None = 0) -> str:
        """Run the real program; its standard output."""
        done = subprocess.run(
            [sys.executable, "-m", "ticketd", "-c", str(self.config), *arguments],
            input=text,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            cwd=self.directory,
        )
        if status is not None:
            assert done.returncode == status, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr, done.stderr
        return done.stdout

    def json(self, *arguments: str) -> Any:
        """What ``ARGUMENTS --json`` prints. In this process: only looks, so a start-up a look is saved."""
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            main(["-c", str(self.config), *arguments, "--json"])
        return json.loads(printed.getvalue())

    def start(self) -> subprocess.Popen[bytes]:
        """Start the daemon; its log goes to a file in the directory."""
        with (self.directory / "log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "ticketd", "-c", str(self.config), "run"],
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )

    def stop(self, daemon: subprocess.Popen[bytes]) -> int:
        """Ask the daemon to stop; its exit status."""
        daemon.send_signal(signal.SIGTERM)
        return daemon.wait(timeout=15)

    def write(
        self, author: str, subject: str, text: str, answers: EmailMessage | None = None, html: bool = False
    ) -> EmailMessage:
        """A mail to the desk as a mail client makes it."""
        self._serial += 1
        mail = EmailMessage(policy=email.policy.SMTP)
        mail["From"] = f"{author.title()} <{self.address(author)}>"
        mail["To"] = (answers["Reply-To"] or answers["From"]) if answers else self.address("desk")
        mail["Subject"] = subject
        mail["Date"] = f"Mon, 23 Nov 2026 09:00:{self._serial:02d} +0000"
        mail["Message-ID"] = (
            f"<{author}-{self._serial}-{self.address('desk').partition('@')[0]}@example.test>"
        )
        if answers is not None:
            mail["In-Reply-To"] = answers["Message-ID"]
            mail["References"] = f"{answers['References'] or ''} {answers['Message-ID']}".strip()
        mail.set_content(text, subtype="html" if html else "plain")
        return mail

    def send(self, *mails: EmailMessage | bytes) -> None:
        """Mails arrive in the desk's mailbox."""
        self.people["desk"].deliver(*(one if isinstance(one, bytes) else one.as_bytes() for one in mails))

    def inbox(self, person: str) -> list[EmailMessage]:
        """What a person received."""
        return [
            email.message_from_bytes(content, policy=email.policy.default)  # noqa: TID251 - our own mails
            for content in self.people[person].mails()
        ]

    def await_mail(self, person: str, count: int) -> EmailMessage:
        """Wait until a person has so many mails; the last one."""
        wait_until(lambda: len(self.inbox(person)) >= count, f"{person} has {count} mails")
        found = self.inbox(person)
        assert len(found) == count, [str(mail["Subject"]) for mail in found]
        return found[-1]


def text_of(mail: EmailMessage) -> str:
    """A mail's plain text."""
    part = mail.get_body(("plain",))
    return str(part.get_content()).replace("\r\n", "\n") if part else ""


def quoted(mail: EmailMessage) -> str:
    """A mail's text as a client quotes it."""
    return "\n".join(f"> {line}" for line in text_of(mail).splitlines())
