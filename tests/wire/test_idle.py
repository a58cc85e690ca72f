"""IDLE against a real Dovecot and against servers that behave oddly."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator

import pytest

from tests.servers.certificates import Authority
from tests.servers.dovecot import Account, Dovecot
from tests.servers.proxy import Fault, Proxy
from tests.servers.scripted_imap import CLOSE, IDLING, ScriptedImaps
from tests.wire.test_imap import impatient, mail, server
from ticketd.errors import Unavailable
from ticketd.wire import Refused, Server
from ticketd.wire.imap import ImapConnection

LONG = 20.0  # seconds; no test waits for them to pass


@pytest.fixture
def account(dovecot: Dovecot) -> Account:
    return dovecot.user()


@pytest.fixture
def wake() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


@pytest.mark.server
@pytest.mark.parametrize("security", ["none", "tls", "starttls"])
def test_new_mail_wakes(dovecot: Dovecot, account: Account, authority: Authority, security: str) -> None:
    port = dovecot.tls_port if security == "tls" else dovecot.port
    reach = server(account, port=port, security=security, ca_file=str(authority.file))
    with ImapConnection.connect(reach) as imap:
        imap.select("INBOX")
        threading.Timer(0.1, account.deliver, [mail(1)]).start()
        began = time.monotonic()
        assert imap.idle_wait(LONG) is True
        assert time.monotonic() - began < LONG / 2
        assert imap.uids_after(0) == [1]
        assert imap.idle_wait(0.05) is False


@pytest.mark.server
def test_mail_that_came_before_idle_is_not_missed(account: Account) -> None:
    with ImapConnection.connect(server(account)) as imap:
        imap.select("INBOX")
        account.deliver(mail(1))
        assert imap.idle_wait(LONG) is True
        assert imap.idle_wait(0.05) is False


@pytest.mark.server
def test_quiet_and_woken_and_still_usable(account: Account, wake: tuple[int, int]) -> None:
    with ImapConnection.connect(server(account)) as imap:
        imap.select("INBOX")
        assert imap.idle_wait(0.05) is False
        os.write(wake[1], b"!")
        began = time.monotonic()
        assert imap.idle_wait(LONG, wake[0]) is False
        assert time.monotonic() - began < LONG / 2
        assert imap.status("INBOX").exists == 0


@pytest.mark.server
def test_a_dead_link_is_noticed(account: Account, proxy: Proxy) -> None:
    with ImapConnection.connect(server(account, port=proxy.to(account.port))) as imap:
        imap.select("INBOX")
        threading.Timer(0.1, proxy.cut).start()
        with pytest.raises(Unavailable, match="broke the connection"):
            imap.idle_wait(LONG)


@pytest.mark.server
def test_a_link_that_swallows_everything_is_noticed_when_we_leave_idle(
    account: Account, proxy: Proxy
) -> None:
    port = proxy.to(account.port, Fault("swallow", seen=b"DONE"))
    with ImapConnection.connect(server(account, port=port)) as imap:
        imap.select("INBOX")
        impatient(imap)
        with pytest.raises(Unavailable, match="does not answer in time"):
            imap.idle_wait(0.05)


def odd(port: int) -> Server:
    return Server("127.0.0.1", port, "none", "support", lambda: "secret", timeout=5)


@pytest.mark.parametrize("said", [["* 4 EXISTS", "+ idling"], ["+ idling", "* 4 EXISTS"]])
def test_news_in_the_same_breath_as_idling(scripted_imap: ScriptedImaps, said: list[str]) -> None:
    with ImapConnection.connect(odd(scripted_imap({"IDLE": ["\r\n".join(said), IDLING]}).port)) as imap:
        imap.select("INBOX")
        began = time.monotonic()
        assert imap.idle_wait(LONG) is True
        assert time.monotonic() - began < LONG / 2
        imap.noop()


def test_keepalives_and_flags_are_no_news(scripted_imap: ScriptedImaps) -> None:
    said = "* OK still here\r\n+ idling\r\n* OK still here\r\n* 2 FETCH (FLAGS (\\Seen))\r\n* 1 EXPUNGE"
    with ImapConnection.connect(odd(scripted_imap({"IDLE": [said, IDLING]}).port)) as imap:
        imap.select("INBOX")
        assert imap.idle_wait(0.1) is False


def test_a_server_that_refuses_idle(scripted_imap: ScriptedImaps) -> None:
    with ImapConnection.connect(odd(scripted_imap({"IDLE": ["NO not today"]}).port)) as imap:
        imap.select("INBOX")
        with pytest.raises(Refused, match="refuses IDLE: not today"):
            imap.idle_wait(LONG)
        imap.noop()


@pytest.mark.parametrize("said", [["+ idling", CLOSE], ["+ idling", "* BYE shutting down", CLOSE], [CLOSE]])
def test_a_server_that_leaves_during_idle(scripted_imap: ScriptedImaps, said: list[str]) -> None:
    with ImapConnection.connect(odd(scripted_imap({"IDLE": said}).port)) as imap:
        imap.select("INBOX")
        with pytest.raises(Unavailable, match=r"(broke|ended) the connection"):
            imap.idle_wait(LONG)
