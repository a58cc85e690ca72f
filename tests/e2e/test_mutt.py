"""An agent's day in a real mail client: NeoMutt in a terminal, on real IMAP and SMTP servers.

The client's own reply, quoting and threading headers reach the desk as they are; the
editor is a script, since the test types no prose.
"""

from __future__ import annotations

import os
import pty
import select
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from tests.servers.dovecot import PASSWORD, Dovecot
from tests.servers.postfix import Postfix
from tests.servers.process import need, wait_until

from .world import World, text_of

pytestmark = pytest.mark.server

_SETTINGS = """\
set my_name = "Anna"
set realname = "Anna"
set from = "{address}"
set use_from = yes
set hostname = "example.test"
set folder = "imap://{user}@127.0.0.1:{imap}/"
set spoolfile = "+INBOX"
set imap_user = "{address}"
set imap_pass = "{password}"
set imap_authenticators = "login"
set ssl_starttls = no
set ssl_force_tls = no
set smtp_url = "smtp://127.0.0.1:{smtp}/"
set smtp_authenticators = ""
set copy = no
set record = ""
set editor = "{editor} %s"
set edit_headers = no
set fast_reply = yes
set include = yes
set abort_unmodified = no
set wait_key = no
set quit = yes
set mail_check = 1
set header_cache = ""
set tmpdir = "{directory}"
set attribution = "On %d, %n wrote:"
set reply_to = yes
set sort = date-received
set mark_old = no
set status_format = "INDEX %m mails"
set pager_format = "PAGER"
set sendmail_wait = 0
set user_agent = yes
unset mailcap_path
alternative_order text/plain text/html
"""

_EDITOR = """\
#!/bin/sh
# What an agent does in the editor: their words above the quote.
cp "$1" "{directory}/before"
printf '%s\\n' '#solved' '' 'Hello Jane,' '' 'please pour water on it.' '' 'Anna' '' > "$1"
cat "{directory}/before" >> "$1"
"""


class Terminal:
    """A program in a terminal of its own; what it shows is gathered and read."""

    def __init__(self, *command: str, home: Path) -> None:
        self.shown = b""
        self._screen, theirs = pty.openpty()
        self._program = subprocess.Popen(
            command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=_environment(home),
            start_new_session=True,
        )
        os.close(theirs)

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._screen, keys.encode())

    def shows(self, words: str) -> bool:
        """Whether the words were written to the screen so far."""
        while select.select([self._screen], [], [], 0)[0]:
            try:
                read = os.read(self._screen, 65536)
            except OSError:  # its end was closed
                break
            if not read:
                break
            self.shown += read
        return words.encode() in self.shown

    def wait_for(self, words: str) -> None:
        """Wait until the screen shows the words, then forget what it showed."""
        try:
            wait_until(lambda: self.shows(words), f"the terminal shows {words!r}")
        except AssertionError:
            raise AssertionError(f"no {words!r} in:\n{self.shown.decode(errors='replace')[-3000:]}") from None
        self.shown = b""

    def ended(self) -> bool:
        """Whether the program has ended."""
        self.shows("")
        return self._program.poll() is not None

    def close(self) -> None:
        """End the program where it has not."""
        self._program.kill()
        self._program.wait()
        os.close(self._screen)


def _environment(home: Path) -> dict[str, str]:
    path = os.environ["PATH"]
    return {
        "HOME": str(home),
        "PATH": path,
        "TERM": "xterm",
        "LANG": "C.UTF-8",
        "LINES": "40",
        "COLUMNS": "100",
    }


@pytest.fixture
def world(dovecot: Dovecot, postfix: Postfix, tmp_path: Path) -> World:
    return World(dovecot, postfix, tmp_path)


def home_of(world: World, postfix: Postfix, directory: Path) -> Path:
    """Anna's home directory: her client's settings, her editor."""
    directory.mkdir()
    editor = directory / "editor"
    editor.write_text(_EDITOR.format(directory=directory))
    editor.chmod(editor.stat().st_mode | stat.S_IXUSR)
    account = world.people["anna"]
    settings = _SETTINGS.format(
        address=account.address,
        user=account.address.replace("@", "%40"),
        imap=account.port,
        smtp=postfix.port,
        password=PASSWORD,
        editor=editor,
        directory=directory,
    )
    (directory / "muttrc").write_text(settings)
    return directory


def test_a_notification_is_read_replied_to_and_solved(world: World, postfix: Postfix, tmp_path: Path) -> None:
    need("neomutt")
    world.send(world.write("jane", "Printer on fire", "Hello,\n\nmy printer is on fire.\n\nJane\n"))
    world.ticketd("run", "--once")
    world.await_mail("anna", 1)

    home = home_of(world, postfix, tmp_path / "anna")
    client = Terminal(shutil.which("neomutt") or "neomutt", "-n", "-F", str(home / "muttrc"), home=home)
    try:
        client.wait_for("INDEX 1 mails")
        client.type("\r")
        client.wait_for("my printer is on fire")
        client.type("r")
        client.wait_for("Send")  # the compose menu: y:Send
        client.type("y")
        wait_until(lambda: client.shows("Mail sent"), "the client has sent it")
        client.type("qq")
        wait_until(client.ended, "the client has ended")
    finally:
        client.close()
    wait_until(lambda: len(world.inbox("desk")) == 2, "the desk has Anna's answer")
    answer = world.inbox("desk")[-1]
    assert "NeoMutt" in str(answer["User-Agent"])
    assert "> | my printer is on fire" in text_of(answer)

    world.ticketd("run", "--once")
    got = world.await_mail("jane", 1)
    assert text_of(got).split("\n--")[0].rstrip() == "Hello Jane,\n\nplease pour water on it.\n\nAnna"
    assert world.address("anna") not in got.as_string()
    ticket = world.json("show", "1")
    assert (ticket["status"], ticket["assignee"]) == ("solved", world.address("anna"))
