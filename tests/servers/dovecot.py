"""A private Dovecot: any account name, one password; plain, STARTTLS, TLS and LMTP on free ports."""

from __future__ import annotations

import grp
import itertools
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from imapclient import IMAPClient

from tests.servers.certificates import Certificate
from tests.servers.process import answers, end, free_port, need, new_directory, wait_until

PASSWORD = "correct-horse"
_serials = itertools.count(1)

_CONFIG = """\
base_dir = {d}/run
state_dir = {d}/state
log_path = {d}/log
protocols = imap lmtp
listen = 127.0.0.1
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {login_user}
first_valid_uid = {uid}
ssl = {ssl}
{certificate}
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
recipient_delimiter = +
lmtp_hdr_delivery_address = final
mail_location = maildir:{d}/mail/%u:INDEX={d}/index/%u
mail_max_userip_connections = 1000
mail_fsync = never
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Archive {{
    auto = create
  }}
}}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={d}/home/%u allow_all_users=yes
}}
service imap-login {{
  chroot =
  process_min_avail = 1
  inet_listener imap {{
    address = {addresses}
    port = {port}
  }}
  inet_listener imaps {{
    address = {addresses}
    port = {tls_port}
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp_port}
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
{others}
{extra}
"""


@dataclass(frozen=True)
class Account:
    """One mail account on a private Dovecot, and a look into it that is not ticketd's."""

    host: str
    port: int
    username: str
    password: str = field(default=PASSWORD, repr=False)

    @property
    def address(self) -> str:
        """The address whose mail the account receives."""
        return self.username

    def client(self) -> IMAPClient:
        """A logged-in connection of the test's own, for use as a context manager."""
        client = IMAPClient(self.host, self.port, ssl=False, timeout=30)
        client._imap.debug = 0  # else it formats every body for a log that nobody keeps
        try:
            client.login(self.username, self.password)
        except BaseException:
            client.shutdown()
            raise
        return client

    def deliver(self, *mails: bytes, folder: str = "INBOX") -> None:
        """Put mails into a folder, as if they had arrived now; the folder is made where it is missing."""
        with self.client() as client:
            if not client.folder_exists(folder):
                client.create_folder(folder)
            for mail in mails:
                client.append(folder, mail)

    def mails(self, folder: str = "INBOX") -> list[bytes]:
        """The mails in a folder, in the order of their UIDs."""
        with self.client() as client:
            client.select_folder(folder, readonly=True)
            found = client.fetch(client.search(), ["BODY.PEEK[]"])
            return [found[uid][b"BODY[]"] for uid in sorted(found)]

    def flags(self, folder: str = "INBOX") -> dict[int, set[bytes]]:
        """The flags of each mail, by UID, \\Recent aside."""
        with self.client() as client:
            client.select_folder(folder, readonly=True)
            return {
                uid: set(flags) - {rb"\Recent"} for uid, flags in client.get_flags(client.search()).items()
            }


class Dovecot:
    """The server process. ``port`` speaks plain and STARTTLS, ``tls_port`` TLS, ``lmtp_port`` LMTP."""

    host = "127.0.0.1"

    def __init__(
        self,
        certificate: Certificate | None = None,
        extra: str = "",
        others: Mapping[str, Certificate] | None = None,
    ) -> None:
        """``others``: further loopback addresses on the same ports, each with a certificate of its own."""
        need("dovecot")
        self._others = others or {}
        self.directory = new_directory("dovecot")
        self.port, self.tls_port, self.lmtp_port = free_port(), free_port(), free_port()
        self._certificate, self._extra = certificate, extra
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Dovecot:
        """Write the config, start the server, wait for its greeting."""
        self._write_config()
        program = shutil.which("dovecot", path="/usr/sbin:/usr/bin") or "dovecot"
        with (self.directory / "output").open("wb") as output:
            command = [program, "-F", "-c", str(self.directory / "dovecot.conf")]
            self._process = subprocess.Popen(command, stdout=output, stderr=output)
        wait_until(lambda: self._process_died() or answers(self.port, b"* OK"), "Dovecot greets")
        if self._process_died():
            raise RuntimeError(f"Dovecot ended: {(self.directory / 'output').read_text()}")
        return self

    def stop(self) -> None:
        """Stop the server and remove what it kept."""
        end(self._process, signal.SIGTERM)
        shutil.rmtree(self.directory, ignore_errors=True)

    def user(self, name: str | None = None) -> Account:
        """An account of that name, else of one that nobody has used yet; a bare name gets a domain."""
        name = name or f"box{next(_serials)}-{os.getpid()}"
        return Account(self.host, self.port, name if "@" in name else f"{name}@example.test")

    def renumber(self, account: Account) -> None:
        """Make the INBOX forget its UIDs: a new UIDVALIDITY and UIDs from 1 (as after a restore)."""
        for kept in ("mail", "index"):
            for path in (self.directory / kept / account.username).rglob("dovecot*"):
                if "uidvalidity" not in path.name:  # else the new number may be the old one: it is the time
                    path.unlink(missing_ok=True)

    def _process_died(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def _write_config(self) -> None:
        config = _CONFIG.format(
            d=self.directory,
            password=PASSWORD,
            port=self.port,
            tls_port=self.tls_port,
            lmtp_port=self.lmtp_port,
            ssl="yes" if self._certificate else "no",
            certificate=_certificate_lines(self._certificate),
            addresses=" ".join([self.host, *self._others]),
            others="\n".join(
                f"local {host} {{\n{_certificate_lines(each)}\n}}" for host, each in self._others.items()
            ),
            extra=self._extra,
            **_identity(self.directory),
        )
        (self.directory / "dovecot.conf").write_text(config)


def _certificate_lines(certificate: Certificate | None) -> str:
    if certificate is None:
        return ""
    return f"ssl_cert = <{certificate.certificate}\nssl_key = <{certificate.key}"


def _identity(directory: Path) -> dict[str, str | int]:
    """The users that Dovecot runs as; as root, mail must belong to somebody else."""
    for name in ("run", "state", "mail", "home", "index"):
        (directory / name).mkdir()
    if os.geteuid() != 0:
        me, group = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(os.getegid()).gr_name
        return {"user": me, "login_user": me, "group": group, "uid": os.geteuid(), "gid": os.getegid()}
    owner = pwd.getpwnam("dovecot")
    for name in ("mail", "home", "index"):
        os.chown(directory / name, owner.pw_uid, owner.pw_gid)
    users = {"user": "dovecot", "login_user": "dovenull", "group": "dovecot"}
    return {**users, "uid": owner.pw_uid, "gid": owner.pw_gid}
