"""What an operator gets wrong, with the real program on real servers: one sentence, and nothing is lost."""

from pathlib import Path

import pytest

from tests.servers.certificates import Authority
from tests.servers.dovecot import Dovecot
from tests.servers.postfix import Postfix

from .world import World, quoted

pytestmark = pytest.mark.server


@pytest.mark.parametrize(
    ("host", "reason"), [("127.0.0.2", "expired"), ("127.0.0.3", "127.0.0.3"), ("localhost", "")]
)
def test_only_a_verified_certificate_is_spoken_to(
    dovecot: Dovecot, postfix: Postfix, authority: Authority, tmp_path: Path, host: str, reason: str
) -> None:
    world = World(dovecot, postfix, tmp_path)
    world.send(world.write("jane", "Printer on fire", "My printer is on fire."))
    insecure = f'host = "127.0.0.1"\n  port = {dovecot.port}\n  security = "none"'
    secure = (
        f'host = "{host}"\n  port = {dovecot.tls_port}\n  security = "tls"\n  ca_file = "{authority.file}"'
    )
    config = world.config.read_text()
    assert insecure in config
    world.config.write_text(config.replace(insecure, secure))
    said = world.ticketd("run", "--once", status=75 if reason else 0)
    assert reason in said
    assert len(world.json("list")) == (0 if reason else 1)
    world.config.write_text(config)
    world.ticketd("run", "--once")
    assert len(world.json("list")) == 1


def test_after_a_new_signing_key_old_notifications_are_still_answered(
    dovecot: Dovecot, postfix: Postfix, tmp_path: Path
) -> None:
    world = World(dovecot, postfix, tmp_path)
    world.send(world.write("jane", "Printer on fire", "My printer is on fire."))
    world.ticketd("run", "--once")
    told = world.await_mail("anna", 1)
    config = world.config.read_text()
    world.config.write_text(config.replace("[ticketd]", '[ticketd]\nsigning_key = "another key"'))
    world.send(world.write("anna", f"Re: {told['Subject']}", f"Pour water.\n\n{quoted(told)}", told))
    world.ticketd("run", "--once")
    got = world.await_mail("jane", 1)
    world.send(world.write("jane", "Re: Printer on fire", "Thank you!", got))
    world.ticketd("run", "--once")
    assert len(world.json("show", "1")["messages"]) == 3
