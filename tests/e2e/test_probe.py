"""``check --probe`` on real servers: it tells how mail comes back, and its probes are never tickets."""

from pathlib import Path

import pytest

from tests.servers.dovecot import Dovecot
from tests.servers.postfix import Postfix

from .world import World

pytestmark = pytest.mark.server


def test_the_probe_tells_what_the_servers_do(dovecot: Dovecot, postfix: Postfix, tmp_path: Path) -> None:
    world = World(dovecot, postfix, tmp_path, mailbox="plus_addressing = true")
    world.ticketd("run", "--once")
    told = world.ticketd("check", "--probe")
    assert "plus addresses are delivered" in told
    assert "Message-ID is kept" in told
    world.ticketd("run", "--once")
    assert world.json("list", "all") == world.json("list", "spam") == []
    assert {row["outcome"] for row in world.json("ledger")} == {"own"}
