"""A private PostgreSQL: one server a session, one fresh database a test. For tests it never fsyncs."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

from tests.servers.process import answers, end, free_port, need, new_directory, wait_until

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_buffers": "32MB",
    "max_connections": "200",
}
_CARELESS = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


class Postgres:
    """The server process; everybody on loopback is its superuser ``ticketd``."""

    def __init__(self, *, durable: bool = False) -> None:
        """``durable`` keeps what was committed even when the machine dies: what a benchmark must pay."""
        self._settings = _SETTINGS if durable else {**_SETTINGS, **_CARELESS}
        self._programs = _programs()
        self.directory = new_directory("postgres")
        self.port = free_port()
        self._serials = itertools.count(1)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Postgres:
        """Make the cluster and start the server."""
        data, as_whom = self.directory / "data", _unprivileged(self.directory)
        init = [str(self._programs / "initdb"), "-D", str(data), "-U", "ticketd", "-A", "trust", "-E", "UTF8"]
        subprocess.run([*init, "--locale=C.UTF-8", "--no-sync"], check=True, capture_output=True, **as_whom)
        self._launch(data, as_whom)
        return self

    def restart(self) -> None:
        """End every session at once, as a crash would, and start again."""
        end(self._process, signal.SIGQUIT)
        self._launch(self.directory / "data", _unprivileged(self.directory))

    def _launch(self, data: Path, as_whom: dict[str, Any]) -> None:
        settings = [f"--{key}={value}" for key, value in {**self._settings, "port": self.port}.items()]
        with (self.directory / "log").open("ab") as log:
            command = [str(self._programs / "postgres"), "-D", str(data), *settings]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, **as_whom)
        ready = [str(self._programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        wait_until(
            lambda: answers(self.port) and subprocess.run(ready, check=False).returncode == 0,
            "PostgreSQL accepts connections",
        )

    def stop(self) -> None:
        """Stop the server and remove its data."""
        end(self._process, signal.SIGQUIT)  # immediate: nothing in it is worth a checkpoint
        shutil.rmtree(self.directory, ignore_errors=True)

    def new_database(self) -> str:
        """Make an empty database; its URL for SQLAlchemy with psycopg 3."""
        name = f"test{next(self._serials)}"
        self._administer(f"CREATE DATABASE {name}")
        return f"postgresql+psycopg://ticketd@127.0.0.1:{self.port}/{name}"

    def drop_database(self, url: str) -> None:
        """Remove a database, whoever is still connected to it."""
        self._administer(f"DROP DATABASE IF EXISTS {url.rsplit('/', 1)[1]} WITH (FORCE)")

    def _administer(self, statement: str) -> None:
        import psycopg

        where = f"postgresql://ticketd@127.0.0.1:{self.port}/postgres"
        with psycopg.connect(where, autocommit=True) as connection:
            connection.execute(statement)


def _programs() -> Path:
    """Where the newest installed server's programs are; Debian does not put them on the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    need("initdb", "postgres")
    return Path(shutil.which("initdb") or "initdb").parent


def _unprivileged(directory: Path) -> dict[str, Any]:
    """How to run a program as somebody who is not root, which PostgreSQL insists on."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(directory), "LC_ALL": "C.UTF-8"}
    if os.geteuid() != 0:
        return {"env": environment, "cwd": directory}
    owner = pwd.getpwnam("postgres")
    os.chown(directory, owner.pw_uid, owner.pw_gid)
    who = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
    return {**who, "env": environment, "cwd": directory}
