"""The servers that tests share: started when first asked for, stopped when the session ends."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers.certificates import Authority
from tests.servers.dovecot import Dovecot
from tests.servers.oauth import Provider
from tests.servers.postfix import Postfix
from tests.servers.postgres import Postgres
from tests.servers.process import new_directory
from tests.servers.proxy import Proxy
from tests.servers.scripted_imap import ScriptedImaps
from tests.servers.smtp_sink import SmtpSink


@pytest.fixture(scope="session")
def authority() -> Iterator[Authority]:
    """A certificate authority of our own; ``authority.file`` is the ``ca_file`` that trusts it."""
    directory = new_directory("certificates")
    yield Authority(directory)
    for path in directory.iterdir():
        path.unlink()
    directory.rmdir()


@pytest.fixture(scope="session")
def dovecot(authority: Authority) -> Iterator[Dovecot]:
    """A real Dovecot for all tests: take an account of your own by ``dovecot.user()``.

    Its certificate is good at localhost, expired at 127.0.0.2, and somebody else's at 127.0.0.3.
    """
    others = {"127.0.0.2": authority.expired(), "127.0.0.3": authority.wrong_host()}
    server = Dovecot(authority.good(), others=others)
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture(scope="session")
def postfix(dovecot: Dovecot) -> Iterator[Postfix]:
    """A real Postfix that delivers every address into the account of that name on ``dovecot``."""
    server = Postfix(dovecot.lmtp_port)
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture(scope="session")
def _smtp_sink(authority: Authority) -> Iterator[SmtpSink]:
    server = SmtpSink(authority.good()).start()
    yield server
    server.stop()


@pytest.fixture
def smtp_sink(_smtp_sink: SmtpSink) -> SmtpSink:
    """A scripted SMTP server with no mails and no script."""
    _smtp_sink.reset()
    return _smtp_sink


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A private PostgreSQL for all tests."""
    server = Postgres()
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture
def pg_url(postgres: Postgres) -> Iterator[str]:
    """The URL of a fresh, empty PostgreSQL database, dropped after the test."""
    url = postgres.new_database()
    yield url
    postgres.drop_database(url)


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """A loopback proxy that makes faults: ``proxy.to(port, Fault(...))`` gives the port to use instead."""
    proxies = Proxy()
    yield proxies
    proxies.close()


@pytest.fixture
def scripted_imap() -> Iterator[ScriptedImaps]:
    """Makes IMAP servers that lie: ``scripted_imap({"UID FETCH": ["* …", "OK"]}).port``."""
    servers = ScriptedImaps()
    yield servers
    servers.close()


@pytest.fixture
def provider() -> Iterator[Provider]:
    """An OAuth 2 provider of its own."""
    running = Provider("support@example.test").start()
    yield running
    running.stop()
