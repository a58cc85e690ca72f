"""The HTTP door of the real daemon: a chat comes in, the customer gets the mail, health is told."""

import json
import socket
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.servers.dovecot import Dovecot
from tests.servers.postfix import Postfix
from tests.servers.process import free_port, wait_until

from .world import World, text_of

pytestmark = pytest.mark.server


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_chat_comes_in_by_http(dovecot: Dovecot, postfix: Postfix, tmp_path: Path) -> None:
    world = World(dovecot, postfix, tmp_path)
    port = free_port()
    with world.config.open("a") as config:
        config.write(f'\n[http]\nlisten = "127.0.0.1:{port}"\ntoken = "sesame"\n')
    chat = {
        "visitor": {"address": world.address("jane"), "name": "Jane"},
        "subject": "Printer on fire",
        "transcript": [{"from": "visitor", "text": "It burns."}],
        "message": "Hello Jane, we come.",
    }
    daemon = world.start()
    try:
        wait_until(lambda: is_open(port), "the door is open")
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/v1/tickets",
            json.dumps(chat).encode(),
            {"Authorization": "Bearer sesame", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as answer:
            assert (answer.status, json.load(answer)["id"]) == (201, 1)
        request.remove_header("Authorization")
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request)
        refused.value.close()
        assert refused.value.code == 401
        assert "we come" in text_of(world.await_mail("jane", 1))
        assert "It burns" in text_of(world.await_mail("anna", 1))
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz") as answer:
            assert json.load(answer)["healthy"]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            assert b"ticketd_outbox" in answer.read()
    finally:
        assert world.stop(daemon) == 0
