"""The daemon and ``run --once`` as real processes, between a real Dovecot and a scripted SMTP server."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.servers.process import wait_until
from tests.servers.proxy import Fault
from tests.servers.smtp_sink import ACCEPT_AND_HANG, HANG

pytestmark = [pytest.mark.server, pytest.mark.slow]

# A process that may keep its bytecode starts in a third of the time.
_ENVIRON = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
_CONFIG = """\
[ticketd]
name = "Example Help Desk"
state_dir = "{state}"
database = "{database}"
admins = ["ops@example.test"]
log_format = "json"

{mailboxes}
[[agents]]
name = "anna"
address = "anna@example.test"
"""
_MAILBOX = """\
[[mailboxes]]
name = "{name}"
address = "{address}"
import_since = "all"
{more}

  [mailboxes.imap]
  host = "127.0.0.1"
  port = {imap}
  security = "none"
  username = "{address}"
  password = "{password}"
  poll_every = "{every}"
  timeout = "30s"

  [mailboxes.smtp]
  host = "127.0.0.1"
  port = {smtp}
  security = "none"
  timeout = "30s"

"""


def mail(number: int = 1, text: str = "My printer is on fire.") -> bytes:
    lines = (
        f"Message-ID: <{number}@example.com>",
        "From: Jane Doe <jane@example.com>",
        "To: support@example.test",
        f"Subject: Printer {number}",
        "Date: Mon, 23 Nov 2026 09:00:00 +0000",
        "",
        text,
        "",
    )
    return "\r\n".join(lines).encode()


class Desk:
    """A config in a directory, and the program run on it."""

    def __init__(self, directory: Path, smtp_port: int) -> None:
        self.directory, self.smtp_port = directory, smtp_port
        self.config = directory / "ticketd.toml"
        self.database = "sqlite"
        self.mailboxes: list[str] = []
        self.daemon: subprocess.Popen | None = None

    def add(self, name, account, *, imap=None, smtp=None, every="60s", password=None, more="") -> None:
        self.mailboxes.append(
            _MAILBOX.format(
                name=name,
                address=account.address,
                imap=imap or account.port,
                smtp=smtp or self.smtp_port,
                password=password or account.password,
                every=every,
                more=more,
            )
        )
        self.write()

    def write(self) -> None:
        mailboxes = "\n".join(self.mailboxes)
        text = _CONFIG.format(state=self.directory / "state", database=self.database, mailboxes=mailboxes)
        self.config.write_text(text)
        self.config.chmod(0o600)

    def command(self, *arguments: str) -> list[str]:
        program = "import sys; from ticketd.cli import main; sys.exit(main())"
        return [sys.executable, "-c", program, "-c", str(self.config), *arguments]

    def run(self, *arguments: str, timeout: float = 60) -> subprocess.CompletedProcess:
        return subprocess.run(
            self.command(*arguments), capture_output=True, text=True, timeout=timeout, env=_ENVIRON
        )

    def json(self, *arguments: str):
        done = self.run(*arguments, "--json")
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    def start(self, **environ: str) -> None:
        with (self.directory / "log").open("ab") as log:
            self.daemon = subprocess.Popen(
                self.command("run"), stdout=log, stderr=log, env={**_ENVIRON, **environ}
            )

    def up(self) -> None:
        """Wait until the daemon works; whatever keeps it from that is shown."""
        wait_until(lambda: "started" in self.events() or self.daemon.poll() is not None, "the daemon is up")
        assert self.daemon.poll() is None, self.log()

    def end(self, number: int = signal.SIGTERM) -> int:
        assert self.daemon is not None
        self.daemon.send_signal(number)
        return self.daemon.wait(15)

    def log(self) -> str:
        return (self.directory / "log").read_text()

    def events(self) -> list[str]:
        return [json.loads(line)["event"] for line in self.log().splitlines() if line.startswith("{")]


@pytest.fixture
def desk(tmp_path, smtp_sink):
    desk = Desk(tmp_path, smtp_sink.port)
    yield desk
    if desk.daemon and desk.daemon.poll() is None:
        desk.daemon.kill()
        desk.daemon.wait(10)


@pytest.fixture
def account(dovecot):
    return dovecot.user()


def test_once_takes_in_tells_the_agent_and_says_so_in_a_line(desk, account, smtp_sink):
    desk.add("support", account)
    account.deliver(mail())
    done = desk.run("run", "--once")
    assert (done.returncode, done.stdout) == (0, "ticketd: 1 taken in; 1 sent\n"), done.stderr
    (told,) = smtp_sink.messages
    assert told.recipient == "anna@example.test"
    assert [ticket["subject"] for ticket in desk.json("list")] == ["Printer 1"]
    again = desk.run("run", "--once")
    assert (again.returncode, again.stdout) == (0, "ticketd: 0 taken in; 0 sent\n")


def test_once_goes_on_with_the_other_mailboxes_and_says_75(desk, dovecot, account, smtp_sink, proxy):
    desk.add("dead", dovecot.user(), imap=proxy.to(account.port, Fault("silence")))
    desk.add("locked", dovecot.user(), password="wrong")
    desk.add("support", account)
    account.deliver(mail())
    began = time.monotonic()
    done = desk.run("run", "--once")
    assert done.returncode == 75
    assert time.monotonic() - began < 25  # 15 for the dead one, and to start on a busy machine
    assert done.stdout.startswith("ticketd: 1 taken in; 1 sent; dead: ")
    assert "locked: " in done.stdout
    assert done.stdout.count("\n") == 1


def test_once_says_75_when_the_smtp_server_is_dead_and_sends_when_it_is_back(desk, account, smtp_sink, proxy):
    desk.add("support", account, smtp=proxy.to(desk.smtp_port, Fault("refuse"), Fault()))
    account.deliver(mail())
    first = desk.run("run", "--once")
    assert first.returncode == 75
    assert "support (SMTP): " in first.stdout
    (row,) = desk.json("outbox", "list")
    assert row["state"] == "waiting"
    second = desk.run("run", "--once")
    assert (second.returncode, second.stdout) == (0, "ticketd: 0 taken in; 1 sent\n")


def test_once_says_75_for_a_dead_smtp_server_also_where_nothing_is_due(desk, account, smtp_sink, proxy):
    """And a server that is well is greeted once: whoever delivers goes on with the same connection."""
    desk.add("support", account, smtp=proxy.to(desk.smtp_port, Fault("refuse"), Fault()))
    first = desk.run("run", "--once")
    assert first.returncode == 75
    assert first.stdout.startswith("ticketd: 0 taken in; 0 sent; support (SMTP): ")
    account.deliver(mail())
    second = desk.run("run", "--once")
    assert (second.returncode, second.stdout) == (0, "ticketd: 1 taken in; 1 sent\n"), second.stderr


def test_once_says_that_mail_cannot_be_filed_and_takes_it_in_all_the_same(desk, account, smtp_sink):
    desk.add("support", account, more='after_ingest = "move:Not There"')
    account.deliver(mail())
    done = desk.run("run", "--once")
    assert (done.returncode, "Not There" in done.stdout) == (75, True), done.stderr
    assert done.stdout.startswith("ticketd: 1 taken in; ")
    assert len(account.mails()) == 1
    status = desk.json("status")
    assert (status["healthy"], "Not There" in status["mailboxes"][0]["last_error"]) == (False, True)
    assert [one["kind"] for one in status["troubles"]] == ["filing"]


def test_once_waits_15_seconds_for_two_silent_servers(desk, account, smtp_sink, proxy):
    silent = [proxy.to(port, Fault("silence")) for port in (account.port, desk.smtp_port)]
    desk.add("support", account, imap=silent[0], smtp=silent[1])
    began = time.monotonic()
    done = desk.run("run", "--once")
    assert done.returncode == 75
    assert "support: " in done.stdout
    assert "support (SMTP): " in done.stdout
    assert time.monotonic() - began < 23  # side by side; and to start on a busy machine


def test_once_says_0_when_a_recipient_is_refused(desk, account, smtp_sink):
    desk.add("support", account)
    smtp_sink.refuse["anna@example.test"] = "550 5.1.1 no such user"
    account.deliver(mail())
    done = desk.run("run", "--once")
    assert done.returncode == 0
    assert "1 failed" in done.stdout
    assert smtp_sink.messages[-1].recipient == "ops@example.test"


def test_the_daemon_sees_mail_at_once_and_ends_at_sigterm(desk, account, smtp_sink):
    desk.add("support", account)
    desk.start()
    desk.up()
    account.deliver(mail(1))
    smtp_sink.wait_for(1)
    account.deliver(mail(2))
    smtp_sink.wait_for(2)
    began = time.monotonic()
    assert desk.end() == 0
    assert time.monotonic() - began < 10
    assert desk.events()[-1] == "stopped"
    assert "Traceback" not in desk.log()


def test_a_second_daemon_says_who_holds_the_database(desk, account):
    desk.add("support", account)
    desk.start()
    desk.up()
    for arguments in (("run",), ("run", "--once")):
        second = desk.run(*arguments)
        assert second.returncode == 78
        assert str(desk.daemon.pid) in second.stderr
    assert desk.end() == 0


def test_a_killed_daemon_restarts_at_once_and_goes_on(desk, account, smtp_sink):
    desk.add("support", account)
    desk.start()
    desk.up()
    desk.end(signal.SIGKILL)
    account.deliver(mail())
    desk.start()
    smtp_sink.wait_for(1)
    assert desk.end() == 0


@pytest.mark.parametrize(
    ("phase", "answer", "copies"), [("rcpt", HANG, 1), ("dot", ACCEPT_AND_HANG, 2), ("connect", HANG, 1)]
)
def test_a_stop_while_the_smtp_server_hangs_is_quick_and_loses_nothing(
    desk, account, smtp_sink, phase, answer, copies
):
    desk.add("support", account)
    smtp_sink.script[phase] = [answer]
    desk.start()
    desk.up()
    account.deliver(mail())
    wait_until(lambda: not smtp_sink.script[phase], "the server hangs")
    began = time.monotonic()
    assert desk.end() == 0
    assert time.monotonic() - began < 10
    desk.start()
    smtp_sink.wait_for(copies)
    wait_until(lambda: desk.json("outbox", "list")[0]["state"] == "sent", "the mail is known as sent")
    assert desk.end() == 0
    assert len(smtp_sink.messages) == copies
    assert len({message.content for message in smtp_sink.messages}) == 1


def test_once_works_on_postgresql_and_finds_its_lock(desk, account, smtp_sink, pg_url):
    desk.add("support", account)
    desk.database = pg_url.replace("+psycopg", "")
    desk.write()
    account.deliver(mail())
    done = desk.run("run", "--once")
    assert (done.returncode, done.stdout) == (0, "ticketd: 1 taken in; 1 sent\n"), done.stderr
    desk.start()
    desk.up()
    second = desk.run("run", "--once")
    assert second.returncode == 78
    assert str(desk.daemon.pid) in second.stderr
    desk.end(signal.SIGKILL)
    account.deliver(mail(2))
    assert desk.run("run", "--once").stdout == "ticketd: 1 taken in; 1 sent\n"


def test_a_reload_follows_new_mailboxes_and_refuses_a_config_that_is_wrong(desk, dovecot, account, smtp_sink):
    desk.add("support", account)
    desk.start()
    desk.up()
    good = desk.config.read_text()
    desk.config.write_text(good + "\n[nonsense]\n")
    desk.daemon.send_signal(signal.SIGHUP)
    wait_until(lambda: any("config refused" in event for event in desk.events()), "it is refused")
    account.deliver(mail(1))
    smtp_sink.wait_for(1)
    other = dovecot.user()
    other.deliver(mail(2))
    desk.add("sales", other)
    desk.daemon.send_signal(signal.SIGHUP)
    smtp_sink.wait_for(2)
    desk.mailboxes.pop(0)
    desk.write()
    for _ in range(20):
        desk.daemon.send_signal(signal.SIGHUP)
    wait_until(lambda: desk.events().count("reloaded") >= 2, "it is reloaded")
    other.deliver(mail(3))
    smtp_sink.wait_for(3)
    assert desk.end() == 0
    assert "Traceback" not in desk.log()


def test_systemd_hears_ready_watchdog_and_stopping(desk, account, tmp_path):
    desk.add("support", account)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(tmp_path / "notify"))
        ear.settimeout(20)
        desk.start(NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="1000000")
        assert ear.recv(1000) == b"STATUS=migrating the database"
        assert ear.recv(1000).startswith(b"READY=1")
        assert ear.recv(1000).startswith(b"WATCHDOG=1")
        assert ear.recv(1000).startswith(b"WATCHDOG=1")
        desk.daemon.send_signal(signal.SIGTERM)
        said = ear.recv(1000)
        while said.startswith(b"WATCHDOG=1"):
            said = ear.recv(1000)
        assert said == b"STOPPING=1"
    assert desk.daemon.wait(15) == 0


def test_a_database_that_is_taken_away_ends_the_daemon(desk, account):
    desk.add("support", account)
    desk.start()
    desk.up()
    (desk.directory / "state" / "ticketd.db").rename(desk.directory / "elsewhere.db")
    assert desk.daemon.wait(20) == 1
    assert desk.run("run", "--once").returncode == 1
