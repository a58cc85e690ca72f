"""OAuth 2 with the real program: a provider, and a Dovecot and an SMTP server that ask it about tokens."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.dovecot import Account, Dovecot
from tests.servers.oauth import Provider
from tests.servers.process import new_directory, wait_until
from tests.servers.smtp_sink import SmtpSink

pytestmark = pytest.mark.server

_CONFIG = """\
[ticketd]
state_dir = "{state}"
admins = ["ops@example.com"]
log_format = "json"

[[mailboxes]]
name = "support"
address = "{address}"
import_since = "all"
imap = {{ host = "127.0.0.1", port = {imap}, security = "none", poll_every = "2s" }}
smtp = {{ host = "127.0.0.1", port = {smtp}, security = "none" }}

[mailboxes.oauth]
provider = "custom"
client_id = "desk"
flow = "{flow}"
client_secret = "s3cret-of-the-application"
token_url = "{token}"
device_url = "{device}"
scopes = ["mail"]

[[agents]]
name = "anna"
address = "anna@example.com"
"""

_MAIL = (
    b"From: jane@example.org\r\nTo: support@example.test\r\nSubject: Fire %d\r\n"
    b"Message-ID: <%d@example.org>\r\n\r\nHelp.\r\n"
)


class Desk:
    """A mailbox that is opened with tokens alone, and the program on it."""

    def __init__(self, server: Dovecot, account: Account, sink: SmtpSink, provider: Provider, place: Path):
        self.server, self.account, self.sink, self.provider = server, account, sink, provider
        self.config, self._count = place / "ticketd.toml", 0
        self.configure("device")
        sink.knows = provider.knows

    def configure(self, flow: str) -> None:
        """Write the config."""
        text = _CONFIG.format(
            state=self.config.parent / "state",
            address=self.account.address,
            imap=self.server.port,
            smtp=self.sink.port,
            flow=flow,
            token=self.provider.url("token"),
            device=self.provider.url("device"),
        )
        self.config.write_text(text)
        self.config.chmod(0o600)

    def arrive(self) -> None:
        """A customer writes."""
        self._count += 1
        self.account.deliver(_MAIL % (self._count, self._count))

    def ticketd(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the program to its end."""
        done = subprocess.run(
            [sys.executable, "-m", "ticketd", "-c", str(self.config), *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert "Traceback" not in done.stderr, done.stderr
        for secret in ("s3cret-of-the-application", "access-", "refresh-"):
            assert secret not in done.stdout + done.stderr
        return done

    def tickets(self) -> int:
        """How many tickets there are."""
        return len(json.loads(self.ticketd("list", "--json").stdout))


@pytest.fixture
def provider() -> Iterator[Provider]:
    running = Provider(f"desk-{os.getpid()}@example.test").start()
    yield running
    running.stop()


@pytest.fixture
def desk(provider: Provider, smtp_sink: SmtpSink, tmp_path: Path) -> Iterator[Desk]:
    directory = new_directory("oauth")
    (directory / "oauth2").write_text(provider.dovecot())
    passdb = (
        "auth_mechanisms = plain login xoauth2 oauthbearer\npassdb {\n  driver = oauth2\n"
        f"  mechanisms = xoauth2 oauthbearer\n  args = {directory / 'oauth2'}\n}}\n"
    )
    server = Dovecot(extra=passdb)
    try:
        server.start()
        yield Desk(server, server.user(provider.account), smtp_sink, provider, tmp_path)
    finally:
        server.stop()
        (directory / "oauth2").unlink()
        directory.rmdir()


def test_from_the_first_sign_in_to_the_last(desk: Desk, provider: Provider) -> None:
    desk.arrive()
    refused = desk.ticketd("run", "--once")
    assert refused.returncode == 75
    assert "nobody has signed in yet: run `ticketd login support`" in refused.stdout
    looked = desk.ticketd("check")
    assert looked.returncode == 75
    assert "Remedy: run `ticketd login`" in looked.stdout

    provider.approve()
    provider.rotates = True
    signed_in = desk.ticketd("login", "support")
    assert signed_in.returncode == 0, signed_in.stderr
    assert "WDJB-MJHT" in signed_in.stdout
    assert "its servers accept the sign-in" in signed_in.stdout
    assert desk.ticketd("check").returncode == 0
    assert desk.ticketd("run", "--once").returncode == 0
    assert desk.tickets() == 1
    assert [one.recipient for one in desk.sink.messages] == ["anna@example.com"]
    assert desk.sink.messages[0].username == provider.account

    provider.tokens.clear()  # the servers forget them early: a new one is asked for, and nothing is lost
    desk.arrive()
    assert desk.ticketd("run", "--once").returncode == 0
    assert desk.tickets() == 2

    provider.revoke()
    desk.arrive()
    ended = desk.ticketd("run", "--once")
    assert ended.returncode == 75
    assert "invalid_grant: the sign-in has ended" in ended.stdout
    status = json.loads(desk.ticketd("status", "--json").stdout)
    assert "ticketd login support" in status["mailboxes"][0]["last_error"]
    assert desk.ticketd("login", "support").returncode == 0
    assert desk.ticketd("run", "--once").returncode == 0
    assert desk.tickets() == 3

    assert desk.ticketd("login", "--forget", "support").returncode == 0
    assert desk.ticketd("login", "--forget", "support").returncode == 1
    assert "nobody has signed in yet" in desk.ticketd("run", "--once").stdout


def test_an_application_needs_nobody(desk: Desk) -> None:
    desk.configure("client-credentials")
    desk.arrive()
    assert desk.ticketd("check").returncode == 0  # before there is a database
    assert desk.ticketd("run", "--once").returncode == 0
    assert desk.tickets() == 1
    assert len(desk.sink.messages) == 1
    assert desk.ticketd("login", "support").returncode == 0


def test_a_running_daemon_takes_up_a_sign_in(desk: Desk, provider: Provider) -> None:
    desk.arrive()
    log = desk.config.parent / "log"
    with log.open("wb") as out:
        daemon = subprocess.Popen(
            [sys.executable, "-m", "ticketd", "-c", str(desk.config), "run"], stdout=out, stderr=out
        )
    try:
        wait_until(lambda: b"nobody has signed in yet" in log.read_bytes(), "the daemon says what is missing")
        provider.approve()
        assert desk.ticketd("login", "support").returncode == 0
        told = "anna@example.com"
        wait_until(lambda: told in [one.recipient for one in desk.sink.messages], "Anna is told")
    finally:
        daemon.terminate()
        daemon.wait(15)
    for secret in (b"access-", b"refresh-", b"s3cret"):
        assert secret not in log.read_bytes()
