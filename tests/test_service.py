"""The shipped unit in a real systemd: installed by `make install`, polled mail, sent mail, and locked up."""

from __future__ import annotations

import json
import sys
import sysconfig
import time
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from tests.servers.dovecot import PASSWORD, Account, Dovecot
from tests.servers.machine import Machine
from tests.servers.process import wait_until
from tests.servers.smtp_sink import SmtpSink

pytestmark = [
    pytest.mark.server,
    pytest.mark.slow,
    pytest.mark.timeout(300),
]  # of two cores that others use too
TREE = Path(__file__).parent.parent
UNIT = "ticketd.service"
CONFIG = "/etc/ticketd/ticketd.toml"

SETTINGS = """\
[ticketd]
name = "Example Help Desk"
state_dir = "/var/lib/ticketd"

[[mailboxes]]
name = "support"
address = "{desk}"
import_since = "all"

  [mailboxes.imap]
  host = "127.0.0.1"
  port = {imap}
  security = "none"
  username = "{desk}"
  password = {{ credential = "support" }}

  [mailboxes.smtp]
  host = "127.0.0.1"
  port = {smtp}
  security = "none"
  username = "{desk}"
  password = {{ credential = "support" }}

[[agents]]
name = "anna"
address = "anna@example.test"
"""
# What an operator may add: the secret, from a file that is root's alone. Tests restart it often.
DROP_IN = """\
[Unit]
StartLimitIntervalSec=0
[Service]
LoadCredential=support:/srv/secrets/support
RestartSec=100ms
ExecStartPre=/opt/ticketd/bin/python /opt/probe.py
"""
PROBE = (TREE / "tests" / "servers" / "confined.py").read_text("utf-8")


class Desk:
    """A desk installed on a machine, with its mail servers."""

    def __init__(self, machine: Machine, dovecot: Dovecot, sink: SmtpSink) -> None:
        self.machine, self.sink = machine, sink
        self.account: Account = dovecot.user("support")
        self.settings = SETTINGS.format(desk=self.account.address, imap=dovecot.port, smtp=sink.port)
        sink.username = self.account.address

    def install(self) -> None:
        """Install, and make it ours: the config, the secret, what the tests add to the unit."""
        self.make_install()
        self.write("/srv/secrets/support", PASSWORD, 0o600)
        self.write("/opt/probe.py", PROBE)
        self.drop_in("tests", DROP_IN)
        self.configure()

    def make_install(self) -> None:
        """As README says, but for the network: the packages are those of the tests."""
        # The service cannot see an interpreter below /root: the system's own, of the packages' version.
        interpreter = f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"
        packages = sysconfig.get_path("purelib")
        self.machine.run(
            "make", "-C", str(TREE), "install", f"INTERPRETER={interpreter}", f"PACKAGES={packages}"
        )

    def drop_in(self, name: str, text: str) -> None:
        """Add to the unit, as ``systemctl edit`` does."""
        self.write(f"/etc/systemd/system/{UNIT}.d/{name}.conf", text)
        self.machine.run("systemctl", "daemon-reload")

    def write(self, inside: str, text: str, mode: int = 0o644) -> None:
        path = self.machine.path(inside)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        path.chmod(mode)

    def configure(self, text: str | None = None) -> None:
        """The config that it has; another one for a while."""
        self.write(CONFIG, self.settings if text is None else text)

    def systemctl(self, verb: str) -> int:
        return self.machine.run("systemctl", verb, UNIT, check=False).returncode

    def show(self, name: str) -> str:
        return self.machine.show(UNIT, name)

    def json(self, *arguments: str) -> Any:
        """What ``ticketd ARGUMENTS --json`` prints for root at a terminal."""
        return json.loads(self.machine.run("ticketd", *arguments, "--json").stdout)

    def write_in(self, *subjects: str) -> None:
        """Customers write."""
        for subject in subjects:
            mail = EmailMessage()
            mail["From"], mail["To"] = "jane@example.com", self.account.address
            mail["Subject"], mail["Message-ID"] = subject, f"<{subject}@example.com>"
            mail.set_content("Please help.")
            content = mail.as_bytes()
            self.machine.inside(lambda: self.account.deliver(content))  # noqa: B023 - it is called at once

    def wait_for(self, *subjects: str) -> None:
        """Until each mail has a ticket, and its agent was told."""
        wait_until(lambda: all(self.told(each) for each in subjects), f"mails about {subjects}")
        assert set(subjects) <= set(self.subjects())

    def subjects(self) -> list[str]:
        return sorted(one["subject"] for one in self.json("list", "all", "--limit", "1000"))

    def told(self, subject: str) -> list[bytes]:
        """The mails that were sent about a ticket."""
        return [each.content for each in list(self.sink.messages) if subject.encode() in each.content]

    def journal(self) -> str:
        return self.machine.run("journalctl", "--unit", UNIT, "--output=cat", "--no-pager").stdout


@pytest.fixture(scope="module")
def installed() -> Iterator[Desk]:
    """A machine on which a desk was installed, and the servers that it uses, on that machine's loopback."""
    machine = Machine(TREE)
    try:
        machine.start()
        dovecot, sink = machine.inside(Dovecot), SmtpSink()
        try:
            machine.inside(dovecot.start)
            machine.inside(sink.start)
            desk = Desk(machine, dovecot, sink)
            desk.install()
            yield desk
        finally:
            sink.stop()
            dovecot.stop()
    finally:
        machine.stop()


@pytest.fixture
def desk(installed: Desk) -> Desk:
    """The desk, its service running by its own config."""
    installed.configure()
    if installed.show("ActiveState") != "active":
        assert installed.systemctl("start") == 0, installed.journal()
    return installed


def test_it_is_ready_once_it_works_and_says_what_it_does(desk):
    assert desk.systemctl("stop") == 0
    # Type=notify: returns when the daemon says that it is ready, fails when that takes TimeoutStartSec=.
    assert desk.systemctl("start") == 0
    assert desk.show("StatusText").startswith("watching 1 mailbox")
    assert desk.show("NRestarts") == "0"


def test_it_takes_mail_in_and_sends_mail_out(desk):
    desk.write_in("a-question")
    desk.wait_for("a-question")
    database = desk.machine.path("/var/lib/ticketd/ticketd.db")
    assert database.read_bytes().startswith(b"SQLite format 3")
    assert database.stat().st_uid == database.parent.stat().st_uid != 0
    assert database.parent.stat().st_mode & 0o777 == 0o700
    assert {each.username for each in desk.sink.messages} == {desk.account.address}
    assert PASSWORD not in desk.journal()


def test_its_mail_is_found_in_the_journal_by_its_id(desk):
    desk.write_in("where-is-it")
    desk.wait_for("where-is-it")
    found = [json.loads(line) for line in desk.journal().splitlines() if "<where-is-it@example.com>" in line]
    (ticket,) = (one["id"] for one in desk.json("list", "all") if one["subject"] == "where-is-it")
    assert [(line["event"], line["ticket"]) for line in found] == [("taken-in", ticket), ("queued", ticket)]


def test_reload_follows_a_new_config_and_refuses_a_wrong_one(desk):
    process = desk.show("MainPID")
    desk.configure(desk.settings.replace("Example Help Desk", "Another Name"))
    assert desk.systemctl("reload") == 0
    wait_until(lambda: '"reloaded"' in desk.journal(), "reloaded")
    desk.configure("this is no TOML")
    assert desk.systemctl("reload") == 0
    wait_until(lambda: "config refused" in desk.journal(), "refused")
    desk.configure()
    desk.write_in("after-reloads")
    desk.wait_for("after-reloads")
    assert desk.show("MainPID") == process


def test_commands_at_a_terminal_have_the_secrets_that_stand_beside_the_config(desk):
    support = "/etc/ticketd/credentials/support"
    assert (
        desk.machine.run("stat", "--format=%a %U %G", str(Path(support).parent)).stdout
        == "750 root ticketd\n"
    )
    desk.machine.run("install", "-m", "640", "-g", "ticketd", "/dev/stdin", support, text=f"{PASSWORD}\n")
    assert desk.machine.run("ticketd", "check").stdout.count("logged in") == 2


def test_an_upgrade_under_a_desk_at_work_loses_nothing(desk):
    desk.write_in("before-the-upgrade")
    desk.make_install()
    desk.write_in("with-the-old-program")
    desk.wait_for("before-the-upgrade", "with-the-old-program")
    assert desk.systemctl("restart") == 0
    desk.write_in("with-the-new-program")
    desk.wait_for("with-the-new-program")
    assert desk.json("quarantine", "list") == []
    assert desk.machine.path(CONFIG).read_text() == desk.settings


def test_it_stops_cleanly_within_ten_seconds(desk):
    began = time.monotonic()
    assert desk.systemctl("stop") == 0
    assert time.monotonic() - began < 10
    assert (desk.show("Result"), desk.show("ExecMainStatus")) == ("success", "0")


def test_a_config_that_cannot_load_is_not_tried_again(desk):
    desk.systemctl("stop")
    desk.configure(desk.settings.replace("address", "adress", 1))
    assert desk.systemctl("start") != 0
    assert (desk.show("ActiveState"), desk.show("SubState")) == ("failed", "failed")  # and not "auto-restart"
    assert (desk.show("ExecMainStatus"), desk.show("NRestarts")) == ("78", "0")
    assert f"{CONFIG}, line" in desk.journal()


def test_what_hangs_is_killed_by_the_watchdog_and_nothing_is_lost(desk):
    desk.drop_in("watchdog", "[Service]\nWatchdogSec=5s\n")
    assert desk.systemctl("restart") == 0
    restarts = desk.show("NRestarts")
    subjects = [f"while-it-hung-{number}" for number in range(5)]
    desk.machine.run("systemctl", "kill", "--kill-whom=main", "--signal=STOP", UNIT)
    desk.write_in(*subjects)
    wait_until(lambda: desk.show("NRestarts") != restarts, "systemd restarts it")
    desk.drop_in("watchdog", "")
    wait_until(lambda: desk.show("ActiveState") == "active", "it is back")
    assert "Watchdog timeout" in desk.machine.run("journalctl", "--no-pager").stdout
    desk.wait_for(*subjects)
    assert [each for each in desk.subjects() if each.startswith("while")] == subjects
    assert [len(desk.told(each)) for each in subjects] == [1] * len(subjects)


def test_what_it_should_not_reach_it_does_not_reach(desk):
    tried = json.loads(desk.machine.path("/var/lib/ticketd/probe.json").read_text())
    reached = {what: how for what, how in tried["must fail"].items() if how == "reached"}
    refused = {what: how for what, how in tried["must work"].items() if how != "reached"}
    assert (reached, refused) == ({}, {})
    assert len(tried["must fail"]) > 15
