"""A backup of PostgreSQL: a dump that pg_restore takes, its file ours alone, its password in no argument."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path

import pytest

from tests.servers.postgres import Postgres
from ticketd.errors import TicketdError
from ticketd.store import Store
from ticketd.store.dump import dump

from .given import opened

pytestmark = pytest.mark.server


@pytest.fixture
def store(fresh_postgresql):
    store = Store.open(fresh_postgresql())
    yield store
    store.close()


def test_a_dump_is_a_database_again_and_knows_that_it_is_a_copy(
    store, postgres: Postgres, tmp_path: Path
) -> None:
    opened(store)
    file = tmp_path / "copy"
    store.backup(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["copy"]
    url = postgres.new_database()
    plain = url.replace("+psycopg", "")
    subprocess.run(["pg_restore", "--no-owner", "-d", plain, file], check=True, capture_output=True)
    subprocess.run(
        ["psql", "-d", plain, "-c", "UPDATE desk SET copied_at = now()"], check=True, capture_output=True
    )
    again = Store.open(url)
    try:
        with again.view() as view:
            assert view.ticket(1)["subject"] == "Printer on fire"
        assert again.desk() == store.desk()
        with again.hold(), again.begin() as tx:
            tx.lock_desk()
            assert tx.restored_at is not None
    finally:
        again.close()
        postgres.drop_database(url)


def fake(directory: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A pg_dump of our own."""
    program = directory / "pg_dump"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{directory}:/usr/bin:/bin")


def test_the_password_goes_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(tmp_path, monkeypatch, 'echo "$PGPASSWORD"; echo "$@"')
    dump({"host": "db.example.com", "user": "u", "dbname": "it's", "password": "se cret"}, tmp_path / "copy")
    secret, arguments = (tmp_path / "copy").read_text().splitlines()
    assert secret == "se cret"
    assert "se cret" not in arguments
    assert r"dbname=it\'s" in arguments


def test_a_dump_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(tmp_path, monkeypatch, "echo half; echo 'pg_dump: error: server version mismatch' >&2; exit 1")
    with pytest.raises(TicketdError, match="cannot be dumped: error: server version mismatch"):
        dump({"dbname": "x"}, tmp_path / "copy")
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    with pytest.raises(TicketdError, match="pg_dump is not here: install"):
        dump({"dbname": "x"}, tmp_path / "copy")
    assert [path.name for path in tmp_path.iterdir()] == ["pg_dump"]
