"""A desk with named servers, a name server that fails, a network that goes away (faults.md F23, F33).

    unshare --net --mount python -m tests.crash.names_world DIRECTORY     (test_names does so)

Three mailboxes: ``near`` is reached by address, ``half`` sends by name, ``named`` does both by
name. Whatever becomes of the name, ``near`` goes on, the watchdog hears so, nothing is lost
and nothing comes twice. Ends with 0, or with the assertion that failed.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from tests.servers.names import NXDOMAIN, OK, SERVFAIL, SILENCE, Names
from tests.servers.process import wait_until
from ticketd.wire.embedded import EmbeddedServers
from ticketd.wire.imap import ImapConnection

HOST, JANE, ANNA = "mail.desk.test", "jane@example.com", "anna@example.test"
BOXES = {"near": ("127.0.0.1", "127.0.0.1"), "half": ("127.0.0.1", HOST), "named": (HOST, HOST)}
TROUBLES = {
    "no such name": (NXDOMAIN, []),
    "the name server fails": (SERVFAIL, []),
    "no answer": (SILENCE, []),
    "no address": (OK, []),
    "an address that cannot be reached": (OK, [IPv6Address("2001:db8::1")]),
    "an address where nobody is": (OK, [IPv4Address("127.0.0.9")]),
}
RIGHT = [IPv6Address("2001:db8::1"), IPv4Address("127.0.0.1")]
_MAILBOX = """\
[[mailboxes]]
name = "{name}"
address = "{name}@example.test"
import_since = "all"
imap = {{ host = "{imap}", port = {imap_port}, username = "{name}@example.test", {rest} }}
smtp = {{ host = "{smtp}", port = {smtp_port}, username = "{name}@example.test", {rest} }}
"""


class World:
    """The servers, the config, and how many mails came to each mailbox."""

    def __init__(self, directory: Path, servers: EmbeddedServers) -> None:
        self.directory, self.servers, self.mails = directory, servers, 0
        self.config = directory / "ticketd.toml"
        rest = 'security = "none", insecure = true, password = "secret", timeout = "3s"'
        head = '[ticketd]\nlog_format = "json"\n[[agents]]\nname = "anna"\naddress = "anna@example.test"\n'
        ports = {"imap_port": servers.imap_port, "smtp_port": servers.smtp_port, "rest": rest}
        boxes = [
            _MAILBOX.format(name=name, imap=imap, smtp=smtp, **ports) for name, (imap, smtp) in BOXES.items()
        ]
        self.config.write_text(head + "\n".join(boxes))
        self.config.chmod(0o600)
        self.command = [sys.executable, "-m", "ticketd", "-c", str(self.config), "run"]
        self.environ = {**os.environ, "STATE_DIRECTORY": str(directory / "state")}

    def mail(self) -> None:
        """One mail more in each mailbox."""
        self.mails += 1
        for name in BOXES:
            content = (
                f"From: {JANE}\r\nTo: {name}@example.test\r\nSubject: {name} {self.mails}\r\n\r\nHello\r\n"
            )
            self.servers.deliver(JANE, f"{name}@example.test", content.encode())

    def told(self) -> Counter[str]:
        """How many notifications Anna has of each mailbox."""
        with ImapConnection.connect(self.servers.imap(ANNA)) as imap:
            imap.select("INBOX", readonly=True)
            contents = [each.content or b"" for each in imap.fetch(imap.all_uids(), 1_000_000)]
        subjects = [line for one in contents for line in one.split(b"\r\n") if line.startswith(b"Subject:")]
        assert len(set(subjects)) == len(subjects), "nothing is told twice"
        return Counter(name for name in BOXES for line in subjects if name.encode() in line)

    def once(self) -> subprocess.CompletedProcess[str]:
        """One pass."""
        return subprocess.run(
            [*self.command, "--once"],
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


def passes(world: World, names: Names) -> None:
    """A pass in each trouble, and one when it is over."""
    for trouble, (names.say, names.addresses) in TROUBLES.items():
        world.mail()
        began = time.monotonic()
        done = world.once()
        assert done.returncode == 75, (trouble, done)
        assert time.monotonic() - began < 20, trouble
        for wrong in ("named: ", "half (SMTP): "):
            assert wrong in done.stdout, (trouble, done.stdout)
        assert "Traceback" not in done.stderr, (trouble, done.stderr)
        assert world.told() == {"near": world.mails}, trouble
    names.say, names.addresses = OK, RIGHT
    done = world.once()
    assert done.returncode == 0, done
    assert world.told() == dict.fromkeys(BOXES, world.mails)


def daemon(world: World, names: Names) -> None:
    """The daemon while the resolver hangs, when it answers again, and told to end while it hangs anew."""
    names.say = SILENCE
    place, log = world.directory / "notify", world.directory / "log"
    environ = {**world.environ, "NOTIFY_SOCKET": str(place), "WATCHDOG_USEC": "1000000"}
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear, log.open("wb") as file:
        ear.bind(str(place))
        running = subprocess.Popen(world.command, env=environ, stdout=file, stderr=file)
        try:
            disturb(world, names, ear, log)
            names.say = SILENCE
            running.send_signal(signal.SIGTERM)
            began = time.monotonic()
            assert running.wait(15) == 0, log.read_text()
            assert time.monotonic() - began < 10
        finally:
            running.kill()
        assert "Traceback" not in log.read_text(), log.read_text()
    names.say = OK
    assert world.once().returncode == 0
    assert world.told() == dict.fromkeys(BOXES, world.mails)


def disturb(world: World, names: Names, ear: socket.socket, log: Path) -> None:
    """What happens around the daemon, and that it goes on."""
    world.mail()
    wait_until(lambda: "mailbox in trouble" in log.read_text(), "the name is missed")
    heard(ear, 5)
    wait_until(lambda: world.told()["near"] == world.mails, "the near one goes on")
    assert world.told()["named"] == world.mails - 1
    said = [line for line in log.read_text().splitlines() if "mailbox in trouble" in line]
    assert len(said) == 1, said
    names.say = OK
    wait_until(lambda: world.told()["named"] == world.mails, "the named one is read again")
    flap(world, ear)


def flap(world: World, ear: socket.socket) -> None:
    """The network goes away under a daemon that is at work, and comes back (F33)."""
    for state in ("down", "up"):
        subprocess.run(["ip", "link", "set", "lo", state], check=True)
        if state == "down":
            world.mail()
            heard(ear, 3)
    wait_until(lambda: world.told()["near"] == world.mails, "the near one is read again")


def heard(ear: socket.socket, times: int) -> None:
    """The watchdog hears so often that all is well; what it heard before does not count."""
    ear.settimeout(0.01)
    with suppress(TimeoutError):
        while ear.recv(1000):
            pass
    ear.settimeout(20)
    while times:
        times -= ear.recv(1000).startswith(b"WATCHDOG=1")


def main(directory: Path) -> None:
    """All of it."""
    accounts = [JANE, ANNA, *(f"{name}@example.test" for name in BOXES)]
    with Names() as names, EmbeddedServers(dict.fromkeys(accounts, "secret")) as servers:
        world = World(directory, servers)
        passes(world, names)
        daemon(world, names)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
