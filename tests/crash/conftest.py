"""A zygote for a module's tests, a directory in memory, and a desk on either database."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.desk import Desk
from tests.crash.grounds import new_directory
from tests.crash.zygote import Zygote
from tests.servers.dovecot import Dovecot
from tests.servers.smtp_sink import SmtpSink


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    with Zygote() as made:
        yield made


@pytest.fixture
def directory() -> Iterator[Path]:
    made = new_directory()
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def desk(zygote: Zygote, dovecot: Dovecot, smtp_sink: SmtpSink, directory: Path) -> Desk:
    return Desk(zygote, dovecot, smtp_sink, directory)


@pytest.fixture
def pg_desk(zygote: Zygote, dovecot: Dovecot, smtp_sink: SmtpSink, directory: Path, pg_url: str) -> Desk:
    return Desk(zygote, dovecot, smtp_sink, directory, pg_url)
