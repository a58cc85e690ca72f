"""Servers and signals around the real program: nothing lost, nothing twice (faults.md §3)."""

import os
import signal
from datetime import timedelta

import pytest

from tests.collect.kit import renumber
from tests.crash.desk import AGENTS, CALM, HASTY, Desk, customer
from tests.servers.dovecot import Dovecot
from tests.servers.proxy import Fault, Proxy
from tests.servers.smtp_sink import ACCEPT_AND_DROP, DROP
from ticketd.store import Store

pytestmark = [pytest.mark.server, pytest.mark.slow]

UNREACHABLE, CONFIGURATION = 75, 78


# The IMAP server


IMAP_FAULTS = {
    "refused": Fault("refuse"),
    "greeting stalls": Fault("silence"),
    "reset in a literal": Fault("reset", after=50_000),
    "ended in a literal": Fault("close", after=50_000),
    "stalled in a literal": Fault("stall", after=50_000),
    "BYE at FETCH": Fault("say", towards="server", seen=rb"BODY\.PEEK", text=b"* BYE sorry\r\n"),
    "BYE at STORE": Fault("say", towards="server", seen=rb"UID STORE", text=b"* BYE sorry\r\n"),
}


@pytest.mark.parametrize("fault", IMAP_FAULTS)
def test_an_imap_connection_that_breaks(desk: Desk, proxy: Proxy, fault: str) -> None:
    desk.arrive(*range(1, 6), size=30_000)
    desk.configure(imap=proxy.to(desk.servers.imap, IMAP_FAULTS[fault], Fault()), timeout=HASTY)
    first = desk.visit()
    assert first.status == UNREACHABLE, first.log
    assert desk.messages() == {} or "STORE" in fault
    assert desk.status()["mailboxes"][0]["last_error"]
    desk.configure(timeout=CALM)
    desk.check(1, 2, 3, 4, 5)
    assert not desk.status()["mailboxes"][0]["last_error"]


def test_mail_expunged_between_search_and_fetch(desk: Desk) -> None:
    desk.arrive(1, 2, 3)
    with desk.paused("before-imap:FETCH") as ended, desk.account.client() as client:
        client.select_folder("INBOX")
        client.delete_messages([2])
        client.expunge()
    assert ended[0].status == 0, ended[0].log
    desk.check(1, 3)


def test_a_folder_numbered_anew_acknowledges_nothing_old(desk: Desk, dovecot: Dovecot) -> None:
    desk.arrive(1, 2, 3)
    desk.visited()
    desk.arrive(4, at=desk.now - timedelta(days=60))
    renumber(dovecot, desk.account)
    desk.arrive(5)
    desk.check(1, 2, 3, 4, 5, unacknowledged=(4,))


def test_a_folder_numbered_anew_in_the_middle_of_a_pass(desk: Desk, dovecot: Dovecot) -> None:
    desk.arrive(1, 2, 3)
    desk.visited()
    desk.arrive(4, 5)
    with desk.paused("before-imap:FETCH"):
        renumber(dovecot, desk.account)
    desk.check(1, 2, 3, 4, 5)


def test_a_folder_deleted_and_made_again(desk: Desk) -> None:
    desk.arrive(1, 2)
    desk.visited()
    with desk.account.client() as client:
        client.select_folder("INBOX")
        client.delete_messages([1, 2])
        client.expunge()
    desk.arrive(3)
    desk.check(1, 2, 3)


# The SMTP server


@pytest.mark.parametrize("phase", ["connect", "ehlo", "mail", "rcpt", "data", "dot"])
def test_what_an_smtp_server_says_in_each_phase(desk: Desk, phase: str) -> None:
    answers = ("421 4.3.2 closing", "450 4.2.1 later", "550 5.1.1 no", "554 5.7.1 never")
    for number, answer in enumerate(answers, 1):
        fails = answer.startswith("55") and phase in ("rcpt", "data", "dot")
        desk.sink.reset()
        desk.sink.script[phase] = [answer]
        desk.arrive(number)
        desk.visit()
        for _ in range(3):
            desk.later(minutes=20)
            desk.visit()
        got = [one.recipient for one in desk.sink.messages if one.recipient != "ops@example.com"]
        wanted = sorted([*AGENTS, customer(number)])
        if fails:
            wanted.remove(AGENTS[0])
            failed = [row["to"] for row in desk.outbox() if row["state"] == "failed"]
            assert failed[-1] == AGENTS[0]
            assert b"could not be delivered" in desk.sink.messages[-1].content
        assert sorted(got) == wanted, answer
        desk.later(hours=2)
    assert desk.messages() == {1: 1, 2: 1, 3: 1, 4: 1}


@pytest.mark.parametrize("lost", ["dropped", "swallowed"])
def test_a_lost_250_is_one_more_copy_of_the_same_bytes(desk: Desk, proxy: Proxy, lost: str) -> None:
    desk.arrive(1)
    if lost == "swallowed":
        swallow = Fault("swallow", seen=rb"\r\n\.\r\n")
        desk.configure(smtp=proxy.to(desk.servers.smtp, swallow, Fault()), timeout=HASTY)
    else:
        desk.sink.script["dot"] = [ACCEPT_AND_DROP]
    desk.visit()
    desk.later(seconds=30)
    desk.configure(timeout=CALM)
    desk.check(1, repeats=1)
    assert desk.doubts() == {"notification": 1}
    assert {row["state"] for row in desk.outbox()} == {"sent"}


def test_a_lost_250_of_an_acknowledgement_is_no_more_copies(desk: Desk) -> None:
    desk.arrive(1)
    desk.sink.script["dot"] = ["250 ok", "250 ok", ACCEPT_AND_DROP]
    desk.visit()
    for _ in range(3):
        desk.later(minutes=10)
        desk.check(1)


def test_an_acknowledgement_lost_before_the_server_had_it_stays_lost(desk: Desk) -> None:
    desk.arrive(1)
    desk.sink.script["dot"] = ["250 ok", "250 ok", DROP]
    desk.visit()
    desk.later(minutes=10)
    desk.check(1, unacknowledged=(1,))


# Processes


@pytest.mark.parametrize("which", ["desk", "pg_desk"])
def test_a_second_daemon_is_refused(request: pytest.FixtureRequest, which: str) -> None:
    desk: Desk = request.getfixturevalue(which)
    store = Store.open(desk.url)
    with store.hold():
        second = desk.visit()
    store.close()
    assert second.status == CONFIGURATION
    assert f"process {os.getpid()}" in second.log


@pytest.mark.parametrize("point", range(3, 90, 12))
def test_sigterm_at_any_point(desk: Desk, point: int) -> None:
    desk.arrive(1, 2, 3)
    ended = desk.visit(daemon=True, term=point)
    not_up_yet = point < 7
    assert ended.status == (-signal.SIGTERM if not_up_yet else 0), ended.log
    assert "Traceback" not in ended.log
    desk.check(1, 2, 3)


def test_mail_of_a_mailbox_that_leaves_the_config_is_kept_and_said(desk: Desk, dovecot: Dovecot) -> None:
    desk.arrive(1)
    desk.sink.script["connect"] = ["421 4.3.2 closing"]
    assert desk.visit().status == UNREACHABLE
    ours = desk.config.read_text()
    other = ours.replace('name = "support"', 'name = "other"').replace(
        desk.servers.username, dovecot.user().username
    )
    desk.config.write_text(other)
    desk.later(hours=2)
    without = desk.visit()
    assert without.status == 0, without.log
    assert without.log.count("mail waits for a mailbox that is not in the config") == 1
    assert desk.sink.messages == []
    status = desk.status(["other"])
    assert status["stranded"] == [{"mailbox": "support", "to_send": 3, "to_take_in": 0}]
    assert not status["healthy"]
    desk.config.write_text(ours)
    desk.check(1, unacknowledged=(1,))  # two hours late, which is no use to anybody
    assert desk.status()["healthy"]


def test_a_storm_of_sighups_with_a_config_that_is_wrong(desk: Desk) -> None:
    desk.arrive(1, 2, 3)
    with desk.paused("before-imap:FETCH", daemon=True, storm=True, term=70) as ended:
        good = desk.config.read_text()
        desk.config.write_text(good + "\n[nonsense]\n")
    assert ended[0].status == 0, ended[0].log
    assert "config refused" in ended[0].log
    assert "Traceback" not in ended[0].log
    desk.configure()
    desk.check(1, 2, 3)
