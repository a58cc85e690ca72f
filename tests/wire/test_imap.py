"""IMAP against a real Dovecot: logging in, looking, fetching whole, tidying up."""

from __future__ import annotations

import os
import socket
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.servers.certificates import Authority
from tests.servers.dovecot import Account, Dovecot
from tests.servers.process import free_port
from tests.servers.proxy import Fault, Kind, Proxy
from ticketd.errors import LoginRefused, Unavailable
from ticketd.wire import FolderMissing, Refused, Server, tls
from ticketd.wire.fetch import SLICE, Fetched
from ticketd.wire.imap import ImapConnection

pytestmark = pytest.mark.server

LIMIT = 50_000_000


def mail(number: int, body: str = "Hello.") -> bytes:
    head = f"From: jane@example.com\r\nSubject: Number {number}\r\nMessage-ID: <{number}@example.com>\r\n\r\n"
    return (head + body + "\r\n").encode()


def big_mail(size: int) -> bytes:
    head = b"From: jane@example.com\r\nSubject: Big\r\n\r\n"
    line = b"x" * 74 + b"\r\n"
    lines = line * (size // len(line) + 1)
    return head + lines[: size - len(head) - 2] + b"\r\n"


def server(account: Account, **changes: object) -> Server:
    values = {
        "host": account.host,
        "port": account.port,
        "security": "none",
        "username": account.username,
        "password": lambda: account.password,
        "timeout": 20.0,
    }
    return Server(**(values | changes))  # type: ignore[arg-type]


def impatient(imap: ImapConnection) -> None:
    """From here on a third of a second is long: for a server that is going to be silent."""
    imap._client.link.reader.timeout = 0.3
    imap._client.link.sock.settimeout(0.3)


@pytest.fixture
def account(dovecot: Dovecot) -> Account:
    return dovecot.user()


def test_select_and_status_agree(account: Account) -> None:
    account.deliver(mail(1), mail(2))
    with ImapConnection.connect(server(account)) as imap:
        assert imap.status("INBOX") == imap.select("INBOX")
        assert imap.select("INBOX", readonly=True).exists == 2
        assert {"IDLE", "MOVE", "UIDPLUS"} <= imap.capabilities
        assert sorted(imap.folders()) == ["Archive", "INBOX"]
        assert imap.certificate() is None


@pytest.mark.parametrize("name", ["Nowhere", "Gibt’s nicht", "100%", 'a"b\\c'])
def test_a_missing_folder_is_named(account: Account, name: str) -> None:
    with ImapConnection.connect(server(account)) as imap:
        with pytest.raises(FolderMissing, match="has no folder"):
            imap.select(name)
        with pytest.raises(FolderMissing):
            imap.status(name)
        assert imap.select("INBOX").exists == 0  # the connection lives


@pytest.mark.parametrize("name", ["INBOX\r\nA1 LOGOUT", "a\nb", "a\0b"])
def test_a_folder_name_cannot_end_the_command(account: Account, name: str) -> None:
    with ImapConnection.connect(server(account)) as imap:
        for use in (
            imap.select,
            imap.status,
            lambda name: imap.move([1], name),
            lambda name: imap.append(name, b""),
        ):
            with pytest.raises(ValueError, match="folder name"):
                use(name)
        imap.noop()


def test_uids_after_drops_the_last_one(account: Account) -> None:
    account.deliver(mail(1), mail(2), mail(3))
    with ImapConnection.connect(server(account)) as imap:
        imap.select("INBOX")
        assert imap.all_uids() == [1, 2, 3]
        assert imap.uids_after(1) == [2, 3]
        assert imap.uids_after(1, upto=2) == [2]
        assert imap.uids_after(3) == []
        assert imap.uids_after(99) == []
        assert imap.uids_after(3, upto=2) == imap.uids_after(0, upto=0) == []
        assert imap.select("Archive").exists == 0
        assert imap.all_uids() == []


def test_uids_of_a_huge_folder_come_range_by_range(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    account.deliver(*(mail(number) for number in range(7)))
    monkeypatch.setattr("ticketd.wire.imap._LISTED_AT_ONCE", 2)
    with ImapConnection.connect(server(account)) as imap:
        imap.select("INBOX")
        assert imap.all_uids() == [1, 2, 3, 4, 5, 6, 7]
        assert imap.uids_after(4) == [5, 6, 7]
        assert imap.uids_after(1, upto=4) == [2, 3, 4]
        assert imap.uids_after(7) == []


def test_uids_since_goes_by_arrival(account: Account) -> None:
    old = datetime(2020, 2, 3, 12, tzinfo=UTC)
    with account.client() as client:
        client.append("INBOX", mail(1), msg_time=old)
        client.append("INBOX", mail(2))
    with ImapConnection.connect(server(account)) as imap:
        imap.select("INBOX")
        assert imap.uids_since(old.date()) == [1, 2]
        assert imap.uids_since((old + timedelta(days=2)).date()) == [2]
        assert imap.fetch_sizes([1, 2, 77])[1].internal_date == old
        assert set(imap.fetch_sizes([1, 2, 77])) == {1, 2}


def test_fetch_gives_the_same_bytes_and_marks_nothing(account: Account) -> None:
    mails = [mail(number) for number in range(120)]
    account.deliver(*mails)
    with ImapConnection.connect(server(account)) as imap:
        imap.select("INBOX")
        fetched = list(imap.fetch(imap.all_uids(), LIMIT))
    assert [each.content for each in fetched] == mails
    assert [each.uid for each in fetched] == list(range(1, 121))
    assert all(each.complete and each.warning is None for each in fetched)
    assert all(abs(datetime.now(UTC) - each.internal_date) < timedelta(minutes=5) for each in fetched)
    assert set().union(*account.flags().values()) == set()


def test_fetch_slices_big_mails_and_keeps_the_order(account: Account) -> None:
    mails = [mail(1), big_mail(3 * SLICE), mail(2), big_mail(2 * SLICE + 17), big_mail(SLICE), mail(3)]
    account.deliver(*mails)
    with ImapConnection.connect(server(account)) as imap:
        imap.select("INBOX")
        fetched = list(imap.fetch(imap.all_uids(), LIMIT))
    assert [each.content == content for each, content in zip(fetched, mails, strict=True)] == [True] * 6
    assert all(each.complete for each in fetched)


def test_a_mail_above_the_limit_comes_as_headers(account: Account) -> None:
    account.deliver(mail(1), mail(2, "x" * 5000), mail(3))
    with ImapConnection.connect(server(account)) as imap:
        imap.select("INBOX")
        small, big, after = imap.fetch([1, 2, 3], max_size=1000)
    assert (small.complete, big.complete, after.complete) == (True, False, True)
    assert big.content == mail(2).partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    assert big.size > 5000


def test_an_expunged_mail_has_vanished(account: Account) -> None:
    account.deliver(mail(1), mail(2), mail(3))
    with ImapConnection.connect(server(account)) as imap:
        imap.select("INBOX")
        with account.client() as other:
            other.select_folder("INBOX")
            other.delete_messages([2])
            other.expunge()
        one, two, three = imap.fetch([1, 2, 3], LIMIT)
        assert (one.content, three.content) == (mail(1), mail(3))
        assert two.vanished
        assert two.content is None
        assert [each.vanished for each in imap.fetch([99], LIMIT)] == [True]


def test_seen_move_and_delete_touch_only_what_they_name(account: Account) -> None:
    account.deliver(*(mail(number) for number in range(1, 6)))
    with account.client() as other:
        other.select_folder("INBOX")
        other.delete_messages([5])  # somebody's mark, not ours to expunge
    with ImapConnection.connect(server(account)) as imap:
        imap.select("INBOX")
        imap.mark_seen([1, 77])
        imap.move([2, 77], "Archive")
        imap.delete([3, 77])
        assert imap.all_uids() == [1, 4, 5]
        with pytest.raises(FolderMissing):
            imap.move([1], "Nowhere")
    assert account.flags() == {1: {rb"\Seen"}, 4: set(), 5: {rb"\Deleted"}}
    assert account.mails("Archive") == [mail(2)]


def test_without_move_it_copies_and_expunges_by_uid(account: Account) -> None:
    account.deliver(mail(1), mail(2))
    with ImapConnection.connect(server(account)) as imap:
        imap.select("INBOX")
        imap.capabilities -= {"MOVE"}
        imap.move([1], "Archive")
        imap.capabilities -= {"UIDPLUS"}
        for use in (imap.delete, lambda uids: imap.move(uids, "Archive")):
            with pytest.raises(Refused, match="left alone"):
                use([2])
    assert account.mails() == [mail(2)]
    assert account.mails("Archive") == [mail(1)]


def test_a_folder_opened_to_read_keeps_its_recent_mail(account: Account) -> None:
    account.deliver(mail(1))
    with ImapConnection.connect(server(account)) as imap:
        imap.select("INBOX", readonly=True)
        assert len(list(imap.fetch([1], LIMIT))) == 1
    with account.client() as client:
        assert client.select_folder("INBOX")[b"RECENT"] == 1


def test_append_puts_a_mail(account: Account) -> None:
    with ImapConnection.connect(server(account)) as imap:
        imap.append("INBOX", mail(1))
        with pytest.raises(FolderMissing):
            imap.append("Nowhere", mail(1))
    assert account.mails() == [mail(1)]


def test_names_beyond_ascii_work(account: Account) -> None:
    account.deliver(mail(1), folder="Täglich & später")
    with ImapConnection.connect(server(account)) as imap:
        assert imap.select("Täglich & später").exists == 1


def test_a_wrong_password_is_the_operators_trouble(account: Account) -> None:
    with pytest.raises(LoginRefused, match=r"refuses the login of box.*AUTHENTICATIONFAILED"):
        ImapConnection.connect(server(account, password=lambda: "wrong"))
    with pytest.raises(LoginRefused, match="line break"):
        ImapConnection.connect(server(account, password=lambda: "a\r\nb"))


# TLS


@pytest.mark.parametrize("security", ["tls", "starttls"])
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_tls_is_verified_against_our_own_authority(
    dovecot: Dovecot, account: Account, authority: Authority, security: str, host: str
) -> None:
    port = dovecot.tls_port if security == "tls" else dovecot.port
    account.deliver(mail(1))
    reach = server(account, host=host, port=port, security=security, ca_file=str(authority.file))
    with ImapConnection.connect(reach) as imap:
        imap.select("INBOX")
        assert [each.content for each in imap.fetch([1], LIMIT)] == [mail(1)]
        assert imap.idle_wait(0.01) is False
        assert ("DNS", "localhost") in imap.certificate()["subjectAltName"]


@pytest.mark.parametrize(
    ("host", "trusted", "reason"),
    [
        ("127.0.0.2", True, "has expired"),
        ("127.0.0.3", True, "for another host"),
        ("localhost", False, "unknown authority"),
    ],
)
@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_bad_certificate_is_refused_before_the_password_is_asked_for(
    dovecot: Dovecot,
    account: Account,
    authority: Authority,
    host: str,
    trusted: bool,
    reason: str,
    security: str,
) -> None:
    port = dovecot.tls_port if security == "tls" else dovecot.port
    asked: list[str] = []
    reach = server(
        account,
        host=host,
        port=port,
        security=security,
        ca_file=str(authority.file) if trusted else None,
        password=lambda: asked.append("asked") or "secret",
    )
    with pytest.raises(Unavailable, match=rf"{host} port {port} cannot be trusted: .*{reason}") as caught:
        ImapConnection.connect(reach)
    assert not isinstance(caught.value, LoginRefused)
    assert asked == []


def test_an_unusable_ca_file_is_named(account: Account) -> None:
    with pytest.raises(Unavailable, match=r"ca_file /nowhere/ca\.pem cannot be used: no such file"):
        ImapConnection.connect(server(account, security="tls", ca_file="/nowhere/ca.pem"))


def test_a_ca_file_that_changed_is_read_again(
    dovecot: Dovecot, account: Account, authority: Authority, tmp_path: Path
) -> None:
    own = tmp_path / "own.pem"
    own.write_bytes(Authority(tmp_path).file.read_bytes())
    reach = server(account, port=dovecot.tls_port, security="tls", ca_file=str(own))
    assert tls.context(str(own)) is tls.context(str(own))
    with pytest.raises(Unavailable, match="unknown authority"):
        ImapConnection.connect(reach)
    own.write_bytes(authority.file.read_bytes())
    os.utime(own, ns=(1, 1))
    ImapConnection.connect(reach).close()


# A network that fails (faults.md F3 to F5)


def test_nobody_listens(account: Account) -> None:
    port = free_port()
    with pytest.raises(Unavailable, match=f"127.0.0.1 port {port} refuses the connection"):
        ImapConnection.connect(server(account, port=port))


def test_no_such_host(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Unavailable, match=r"imap\.example\.test port \d+ cannot be found: no such host name"):
        ImapConnection.connect(server(account, host="imap.example.test"))


def test_a_silent_server_costs_one_timeout(account: Account, proxy: Proxy) -> None:
    port = proxy.to(account.port, Fault("silence"))
    with pytest.raises(Unavailable, match="does not answer in time"):
        ImapConnection.connect(server(account, port=port, timeout=0.3))


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault("reset", after=200_000), "broke the connection"),
        (Fault("close", after=200_000), "ended|broke"),
        (Fault("stall", after=200_000), "does not answer in time"),
        (
            Fault("say", towards="server", seen=b"BODY.PEEK", text=b"* BYE tired\r\n"),
            "ended the connection: tired",
        ),
    ],
)
def test_a_mail_is_whole_or_not_there(account: Account, proxy: Proxy, fault: Fault, reason: str) -> None:
    account.deliver(mail(1), mail(2, "x" * 300_000))
    port = proxy.to(account.port, fault)
    got = []
    with ImapConnection.connect(server(account, port=port)) as imap:
        imap.select("INBOX")
        if fault.kind == "stall":
            impatient(imap)
        with pytest.raises(Unavailable, match=reason):
            got += list(imap.fetch([1, 2], LIMIT))
    assert all(each.content in (mail(1), mail(2, "x" * 300_000)) for each in got)


def test_a_connection_reset_at_once(account: Account, proxy: Proxy) -> None:
    with pytest.raises(Unavailable, match="broke the connection"):
        ImapConnection.connect(server(account, port=proxy.to(account.port, Fault("refuse"))))


def test_a_refused_tls_handshake(account: Account, authority: Authority) -> None:
    reach = server(account, security="tls", ca_file=str(authority.file))  # a port that speaks plain IMAP
    with pytest.raises(Unavailable, match="does not speak the TLS"):
        ImapConnection.connect(reach)


@pytest.mark.parametrize("after", [0, 1, 200, 1500])
@pytest.mark.parametrize("kind", ["reset", "close"])
@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_handshake_that_is_cut(
    dovecot: Dovecot,
    account: Account,
    authority: Authority,
    proxy: Proxy,
    security: str,
    kind: Kind,
    after: int,
) -> None:
    port = proxy.to(dovecot.tls_port if security == "tls" else dovecot.port, Fault(kind, after=after))
    reach = server(account, host="localhost", port=port, security=security, ca_file=str(authority.file))
    with pytest.raises(Unavailable, match=f"localhost port {port} ") as caught:
        ImapConnection.connect(reach)
    assert not isinstance(caught.value, LoginRefused)


def test_a_flipped_byte_in_a_tls_stream_is_noticed(
    dovecot: Dovecot, account: Account, authority: Authority, proxy: Proxy
) -> None:
    account.deliver(mail(1, "x" * 9000))
    for after in (4500, 6000):
        port = proxy.to(dovecot.tls_port, Fault("flip", after=after))
        reach = server(account, host="localhost", port=port, security="tls", ca_file=str(authority.file))
        with pytest.raises(Unavailable):
            read_all(reach)


def read_all(reach: Server) -> list[Fetched]:
    with ImapConnection.connect(reach) as imap:
        imap.select("INBOX")
        return list(imap.fetch(imap.all_uids(), LIMIT))


def test_a_folder_numbered_anew(dovecot: Dovecot, account: Account) -> None:
    account.deliver(mail(1), mail(2), mail(3))
    with ImapConnection.connect(server(account)) as imap:
        imap.select("INBOX")
        imap.delete([1])
        before = imap.select("INBOX")
    dovecot.renumber(account)
    with ImapConnection.connect(server(account)) as imap:
        after = imap.select("INBOX")
        assert imap.all_uids() == [1, 2]
    assert before.uidvalidity != after.uidvalidity


def test_a_folder_that_was_deleted_under_us(account: Account) -> None:
    account.deliver(mail(1), folder="Short-lived")
    with ImapConnection.connect(server(account)) as imap:
        imap.select("Short-lived")
        with account.client() as other:
            other.delete_folder("Short-lived")
        with suppress(Unavailable):  # this server hangs up
            assert not any(each.complete and each.content != mail(1) for each in imap.fetch([1], LIMIT))
    with ImapConnection.connect(server(account)) as imap, pytest.raises(FolderMissing):
        imap.select("Short-lived")


def test_close_never_raises(account: Account, proxy: Proxy) -> None:
    imap = ImapConnection.connect(server(account, port=proxy.to(account.port)))
    proxy.cut()
    imap.close()
    imap.close()


def test_a_name_without_an_answer_is_given_up(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    never = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: never.wait(30))
    try:
        with pytest.raises(Unavailable, match="in time"):
            ImapConnection.connect(server(account, host="slow.example.test", timeout=0.2))
    finally:
        never.set()
