"""Two grounds side by side, one a processor, on one Dovecot; each with its sink and its database."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.crash.dump import Databases, PostgresDatabases, SqliteDatabases
from tests.crash.killer import Ground
from tests.crash.zygote import Zygote
from tests.servers.dovecot import Dovecot
from tests.servers.postgres import Postgres
from tests.servers.smtp_sink import SmtpSink

SHARED_MEMORY = Path("/dev/shm")  # a process that dies loses nothing there, and fsync costs nothing


@contextmanager
def grounds(dovecot: Dovecot, postgres: Postgres | None = None, count: int = 2) -> Iterator[list[Ground]]:
    """Grounds with databases of the one kind or, given a server, of the other."""
    with ExitStack() as stack:
        yield [stack.enter_context(ground(dovecot, postgres)) for _ in range(count)]


@contextmanager
def ground(dovecot: Dovecot, postgres: Postgres | None = None) -> Iterator[Ground]:
    """One ground."""
    directory = new_directory()
    sink = SmtpSink().start()
    databases: Databases = PostgresDatabases(postgres) if postgres else SqliteDatabases()
    try:
        with Zygote() as zygote:
            yield Ground(zygote, sink, dovecot, directory, databases)
    finally:
        sink.stop()
        databases.close()
        shutil.rmtree(directory, ignore_errors=True)


def new_directory() -> Path:
    """A directory in memory where there is one."""
    parent = SHARED_MEMORY if SHARED_MEMORY.is_dir() else None
    return Path(tempfile.mkdtemp(prefix="ticketd-crash-", dir=parent))
