"""The crew follows new settings: who is concerned is replaced, and never works beside its successor."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from tests.servers.process import wait_until
from tests.test_signin import box
from ticketd.assemble import policy_of
from ticketd.config import load
from ticketd.crew import Crew, Live
from ticketd.decide.grants import granted
from ticketd.progress import Progress
from ticketd.signin import identity
from ticketd.store import Store

_CONFIG = """\
[ticketd]
state_dir = "{state}"
[[agents]]
name = "anna"
address = "anna@example.test"
"""
_MAILBOX = """\
[[mailboxes]]
name = "{name}"
address = "{name}@example.test"
import_since = "all"
imap.host = "127.0.0.1"
imap.port = {port}
imap.security = "none"
imap.username = "{user}"
imap.password = "{password}"
smtp = {{ host = "127.0.0.1", port = 9, security = "none" }}
"""


@pytest.fixture
def store(tmp_path):
    (tmp_path / "state").mkdir()
    store = Store.open(f"sqlite:///{tmp_path / 'state' / 'ticketd.db'}")
    store.migrate()
    yield store
    store.close()


@pytest.fixture
def live(tmp_path, store):
    """Live settings with the named accounts as mailboxes."""

    def make(**accounts):
        boxes = [
            _MAILBOX.format(name=name, port=one.port, user=one.username, password=one.password)
            for name, one in accounts.items()
        ]
        path = tmp_path / "ticketd.toml"
        path.write_text(_CONFIG.format(state=tmp_path / "state") + "".join(boxes))
        path.chmod(0o600)
        settings = load(path, {})
        return Live(settings, policy_of(settings, store))

    return make


@pytest.fixture
def crew(store):
    crews = []

    def make(live):
        crews.append(Crew(store, live, lambda: datetime.now(UTC)))
        crews[-1].start()
        return crews[-1]

    yield make
    for each in crews:
        assert each.stop(10)


def ledger(store):
    with store.view() as view:
        return [row["mailbox"] for row in view.ledger()]


@pytest.mark.server
def test_only_the_mailboxes_that_changed_get_new_workers(dovecot, store, live, crew):
    one, two, three = dovecot.user(), dovecot.user(), dovecot.user()
    running = crew(live(kept=one, changed=two, removed=three))
    before = dict(running.workers)
    running.follow(live(kept=one, changed=three, added=two))
    assert set(running.workers) == {"kept", "changed", "added"}
    assert running.workers["kept"] is before["kept"]
    assert running.workers["changed"] is not before["changed"]
    for name in ("changed", "removed"):
        before[name].join(20)
        assert not before[name].is_alive()
    two.deliver(b"Subject: hello\r\n\r\nx\r\n")
    wait_until(lambda: ledger(store) == ["added"], "the added mailbox is read")
    assert running.late() == []


@pytest.mark.server
def test_changing_to_and_fro_leaves_one_worker(dovecot, store, live, crew):
    one, two = dovecot.user(), dovecot.user()
    running = crew(live(support=one))
    workers = [running.workers["support"]]
    for number in range(6):
        running.follow(live(support=two if number % 2 else one, other=one))
        workers.append(running.workers["support"])
    for worker in workers[:-1]:
        if worker is not running.workers["support"]:
            worker.join(30)
            assert not worker.is_alive()
    assert running.workers["support"].is_alive()


@pytest.mark.server
def test_new_settings_end_the_holds_that_the_old_ones_earned(dovecot, store, live, crew):
    running = crew(live(support=dovecot.user()))
    with store.begin() as tx:
        tx.hold_account("support", datetime(2999, 1, 1, tzinfo=UTC), "535 no")
    running.follow(live(support=dovecot.user()))
    with store.begin() as tx:
        assert tx.mailbox_state("support").held_until is None


@pytest.mark.server
def test_a_full_disk_is_seen_before_it_is_full(dovecot, live, crew, monkeypatch):
    running = crew(live(support=dovecot.user()))
    assert running._has_room()
    usage = type("Usage", (), {"free": 99_999_999})
    monkeypatch.setattr("ticketd.crew.shutil.disk_usage", lambda path: usage)
    assert not running._has_room()


@pytest.mark.server
def test_a_worker_that_is_not_heard_of_is_named(dovecot, live, crew):
    running = crew(live(support=dovecot.user(), sales=dovecot.user()))
    running.workers["sales"].progress = Progress(-1)
    assert running.late() == ["sales"]


@pytest.mark.server
def test_a_mail_that_takes_too_long_is_noticed_though_a_visit_may_last(dovecot, live, crew, monkeypatch):
    reached, go = threading.Event(), threading.Event()

    def hang(store, policy, name, clock, in_hand, stopping, heard):
        stopping()
        reached.set()
        go.wait(20)
        return Counter()

    monkeypatch.setattr("ticketd.crew.take_in_waiting", hang)
    monkeypatch.setattr("ticketd.crew._ONE_MAIL", -1.0)
    running = crew(live(support=dovecot.user()))
    assert reached.wait(20)
    assert running.late() == ["support"]
    go.set()
    wait_until(lambda: running.late() == [], "it goes on")


def test_the_end_of_a_sign_in_is_told_of_once_and_days_ahead(tmp_path, store, provider):
    mailbox = box(tmp_path, provider)
    path = tmp_path / "ticketd.toml"
    path.write_text('[ticketd]\nadmins = ["ops@example.com"]\n' + path.read_text())
    settings = load(path, {})
    crew = Crew(store, Live(settings, policy_of(settings, store)), lambda: datetime.now(UTC))
    now = datetime.now(UTC)
    answer = {"access_token": "a", "refresh_token": "r", "refresh_token_expires_in": 2 * 86400}
    with store.begin() as tx:
        tx.keep_grant("support", granted(answer, None, identity(mailbox), now, signed_in=True))
    for _ in range(3):
        crew.warn_of_endings(now)
        now += timedelta(hours=5)
    with store.view() as view:
        (queued,) = view.outbox()
    assert queued["to"] == "ops@example.com"
