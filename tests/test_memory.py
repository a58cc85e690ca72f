"""A migration in a child process: the database is new when it returns, and systemd is kept patient."""

from __future__ import annotations

import os
import socket
import threading

from tests.test_config_load import MINIMAL, read
from ticketd import memory
from ticketd.store import Store


def test_the_database_has_this_programs_schema_afterwards(tmp_path):
    settings = read(tmp_path, f'[ticketd]\nstate_dir = "state"\n{MINIMAL}', IMAP="x")
    settings.state_dir.mkdir()
    memory.migrate_aside(settings)
    store = Store.open(settings.database_url)
    assert store.schema_current() == store.schema_head()
    store.close()


def test_systemd_is_asked_for_more_time_while_it_lasts(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "_ASK_EVERY", 0.01)
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    at_work, ends_with_child = os.pipe()
    heard: list[bytes] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(30)

        def listen_for_a_while() -> None:
            heard.extend(systemd.recv(200) for _ in range(3))
            os.close(ends_with_child)

        listener = threading.Thread(target=listen_for_a_while)
        listener.start()
        memory._wait_for(at_work)
        listener.join(30)
    os.close(at_work)
    assert heard == [b"STATUS=migrating the database", *[b"EXTEND_TIMEOUT_USEC=40000"] * 2]
