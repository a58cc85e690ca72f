"""The demo's servers: everybody receives what was sent to them, by real IMAP and SMTP."""

from __future__ import annotations

import builtins
import gc
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.wire.test_imap import LIMIT, big_mail, mail
from ticketd.errors import LoginRefused, NotFound, Unavailable
from ticketd.wire import FolderMissing
from ticketd.wire.embedded import EmbeddedServers
from ticketd.wire.imap import ImapConnection
from ticketd.wire.smtp import SmtpConnection, SmtpTrouble

DESK, ANNA, JANE = "support@example.test", "anna@example.test", "jane@example.com"


@pytest.fixture
def servers() -> Iterator[EmbeddedServers]:
    with EmbeddedServers({DESK: "one", ANNA: "two", JANE: "three"}) as both:
        yield both


def received(servers: EmbeddedServers, address: str) -> list[bytes]:
    with ImapConnection.connect(servers.imap(address)) as imap:
        imap.select("INBOX", readonly=True)
        return [each.content or b"" for each in imap.fetch(imap.all_uids(), LIMIT)]


def test_each_person_receives_their_own_mail(servers: EmbeddedServers) -> None:
    with SmtpConnection.connect(servers.smtp(JANE)) as smtp:
        smtp.send(JANE, DESK, mail(1))
        smtp.send("", "Support+T42.tag@example.test", mail(2))
        with pytest.raises(SmtpTrouble) as caught:
            smtp.send(JANE, "nobody@example.test", mail(3))
    assert (caught.value.phase, caught.value.enhanced) == ("rcpt", (5, 1, 1))
    first, second = received(servers, DESK)
    assert first.startswith(
        b"Return-Path: <jane@example.com>\r\nDelivered-To: support@example.test\r\nReceived: "
    )
    assert first.endswith(mail(1))
    assert second.startswith(b"Return-Path: <>\r\nDelivered-To: Support+T42.tag@example.test\r\n")
    assert received(servers, ANNA) == received(servers, JANE) == []


def test_all_that_the_desk_does_with_imap_works(servers: EmbeddedServers) -> None:
    for number in range(60):
        servers.deliver(JANE, DESK, mail(number))
    servers.deliver(JANE, DESK, big_mail(2_500_000))
    with ImapConnection.connect(servers.imap(DESK)) as imap:
        assert {"IDLE", "MOVE", "UIDPLUS"} <= imap.capabilities
        selected = imap.select("INBOX")
        assert (selected.exists, imap.status("INBOX")) == (61, selected)
        uids = imap.all_uids()
        got = list(imap.fetch(uids, LIMIT))
        assert [each.uid for each in got] == uids
        assert all(each.complete and each.warning is None for each in got)
        assert got[59].content.endswith(mail(59))
        assert got[60].content.endswith(big_mail(2_500_000))
        imap.mark_seen(uids[:1])
        imap.move(uids[1:2], "Archive")
        imap.delete(uids[2:3])
        assert imap.all_uids() == [uids[0], *uids[3:]]
        assert imap.uids_after(uids[-1]) == []
        assert [each.vanished for each in imap.fetch(uids[1:2], LIMIT)] == [True]
        with pytest.raises(FolderMissing):
            imap.select("Nowhere")
        assert imap.select("Archive").exists == 1


def test_new_mail_is_noticed_in_idle_and_by_status(servers: EmbeddedServers) -> None:
    with ImapConnection.connect(servers.imap(DESK)) as imap:
        before = imap.select("INBOX")
        threading.Timer(0.1, servers.deliver, [JANE, DESK, mail(1)]).start()
        began = time.monotonic()
        assert imap.idle_wait(20) is True
        assert time.monotonic() - began < 10
        assert imap.idle_wait(0.05) is False
        servers.deliver(JANE, DESK, mail(2))
        imap.noop()
        assert imap._heard_of_mail()
        assert imap.status("INBOX").uidnext == before.uidnext + 2
        assert len(imap.uids_after(before.uidnext - 1)) == 2
        assert [each.complete for each in imap.fetch(imap.all_uids(), 50)] == [False, False]


def test_a_quiet_conversation_survives_the_garbage_collector(servers: EmbeddedServers) -> None:
    with ImapConnection.connect(servers.imap(DESK)) as imap:
        imap.select("INBOX")
        threading.Timer(0.2, gc.collect).start()
        assert imap.idle_wait(0.5) is False


def test_strangers_do_not_get_in(servers: EmbeddedServers) -> None:
    servers.accounts[JANE] = "wrong"
    with pytest.raises(LoginRefused):
        ImapConnection.connect(servers.imap(JANE))
    servers.accounts[JANE] = "three"
    stranger = servers.smtp(JANE)
    servers.accounts[JANE] = "changed"
    with pytest.raises(LoginRefused):
        SmtpConnection.connect(stranger)
    with pytest.raises(NotFound, match=r"no account bob@example\.test"):
        servers.deliver(JANE, "bob@example.test", mail(1))


def test_stopping_twice_and_starting_again() -> None:
    servers = EmbeddedServers({DESK: "one"})
    servers.stop()
    servers.start()
    servers.deliver(JANE, DESK, mail(1))
    open_one = ImapConnection.connect(servers.imap(DESK))
    servers.stop()
    servers.stop()
    open_one.close()
    with pytest.raises(Unavailable, match="refuses the connection"):
        ImapConnection.connect(servers.imap(DESK))


def test_without_the_packages_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without_pymap(name: str, *rest: Any) -> Any:
        if name.startswith("pymap"):
            raise ImportError("no", name="pymap")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without_pymap)
    with pytest.raises(Unavailable, match=r"needs the package pymap: install ticketd\[demo\]"):
        EmbeddedServers({DESK: "one"}).start()
