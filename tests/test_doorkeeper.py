"""The HTTP door follows the config: another token, another address, no door at all."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.kit import CONFIG
from tests.servers.process import PATIENCE, free_port, wait_until
from ticketd.assemble import assembled
from ticketd.config import load
from ticketd.daemon import Daemon


def status(port: int, token: str = "") -> int | None:
    """What the door says to an empty ticket: 401 before 422; None where nobody is."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("POST", "/v1/tickets", b"{}", {"Authorization": f"Bearer {token}"})
        return connection.getresponse().status
    except OSError:
        return None
    finally:
        connection.close()


Reload = Callable[[str], None]


@pytest.fixture
def reload(tmp_path: Path) -> Iterator[Reload]:
    """A daemon's door: opened by the first ``[http]`` table, reloaded by the next ones."""
    path = tmp_path / "ticketd.toml"

    def write(rest: str) -> None:
        path.write_text(CONFIG.format(imap=1, smtp=1, password="s", mailbox="", rest=rest))
        path.chmod(0o600)

    write("")
    with assembled(load(path, {})) as desk:
        daemon = Daemon(desk, lambda: desk.store.desk().created_at)

        def follow(rest: str) -> None:
            write(rest)
            daemon._reload()

        yield follow
        daemon._end()


def test_a_reload_takes_the_new_token_and_moves_the_door(reload: Reload) -> None:
    first, second = free_port(), free_port()
    table = '[http]\nlisten = "127.0.0.1:{}"\ntoken = "{}"\n'
    reload(table.format(first, "old"))
    wait_until(lambda: status(first, "old") == 422, "the door is open")
    reload(table.format(first, "new"))
    assert (status(first, "old"), status(first, "new")) == (401, 422)
    reload(table.format(second, "new"))
    wait_until(lambda: status(second, "new") == 422, "the door has moved")
    assert status(first, "new") is None
    reload("")
    assert status(second, "new") is None


def test_without_a_token_nobody_has_it(reload: Reload) -> None:
    port = free_port()
    reload(f'[http]\nlisten = "127.0.0.1:{port}"\n')
    wait_until(lambda: status(port) == 401, "the door is open")
    assert status(port, "") == 401
