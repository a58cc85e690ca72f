"""A private Postfix (root only): accepts mail on a free port and delivers all of it by LMTP, or bounces.

Every domain goes to the same LMTP server. ``refused@…`` is refused at RCPT, ``gone@…`` is accepted and
bounces with a real delivery status notification to the envelope's sender.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.servers.process import answers, free_port, need, new_directory, wait_until

_SERVICES = """\
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""

_SETTINGS = """\
compatibility_level = 3.6
queue_directory = {d}/spool
data_directory = {d}/data
mail_owner = postfix
setgid_group = postdrop
maillog_file = {d}/mail.log
maillog_file_prefixes = {d}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.example.test
mydestination =
mynetworks = 127.0.0.0/8
alias_maps =
alias_database =
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_recipient_restrictions = check_recipient_access regexp:{d}/etc/recipients
transport_maps = regexp:{d}/etc/transport
default_transport = lmtp:inet:127.0.0.1:{lmtp_port}
lmtp_host_lookup = native
smtp_tls_security_level = none
smtpd_reject_unlisted_recipient = no
recipient_delimiter = +
message_size_limit = 60000000
mailbox_size_limit = 0
minimal_backoff_time = 1s
maximal_backoff_time = 5s
queue_run_delay = 1s
"""


class Postfix:
    """The server; it is stopped by Postfix's own command."""

    host = "127.0.0.1"

    def __init__(self, lmtp_port: int) -> None:
        need("postfix")
        if os.geteuid() != 0:
            if os.environ.get("CI"):
                pytest.fail("Postfix starts as root only, and CI must have it")
            pytest.skip("Postfix starts as root only")
        self.directory = new_directory("postfix")
        self.port, self._lmtp_port = free_port(), lmtp_port

    def start(self) -> Postfix:
        """Write the configs, start the server, wait for its greeting."""
        self._write_config()
        self._run("start")
        wait_until(lambda: answers(self.port, b"220"), "Postfix greets")
        return self

    def stop(self) -> None:
        """Stop the server and remove what it kept."""
        self._run("stop")
        shutil.rmtree(self.directory, ignore_errors=True)

    def queue_is_empty(self) -> bool:
        """Whether everything accepted has been delivered or bounced."""
        queues = (self.directory / "spool" / name for name in ("maildrop", "incoming", "active", "deferred"))
        return not any(path.is_file() for queue in queues for path in queue.rglob("*"))

    def _run(self, verb: str) -> None:
        program = shutil.which("postfix", path="/usr/sbin:/usr/bin") or "postfix"
        done = subprocess.run(
            [program, "-c", str(self.directory / "etc"), verb], check=False, capture_output=True
        )
        if done.returncode and verb == "start":
            raise RuntimeError(f"Postfix did not start: {done.stderr.decode(errors='replace')}")

    def _write_config(self) -> None:
        for name in ("etc", "spool", "data"):
            (self.directory / name).mkdir()
        os.chown(self.directory / "data", pwd.getpwnam("postfix").pw_uid, -1)
        etc: Path = self.directory / "etc"
        (etc / "master.cf").write_text(_SERVICES.format(port=self.port))
        (etc / "main.cf").write_text(_SETTINGS.format(d=self.directory, lmtp_port=self._lmtp_port))
        (etc / "transport").write_text("/^gone@/ error:5.1.1 nobody here by that name\n")
        (etc / "recipients").write_text("/^refused@/ REJECT we do not take mail for you\n")
