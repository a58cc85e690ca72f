"""A token endpoint that answers oddly, slowly or not at all."""

import socket
import threading
from contextlib import closing, suppress

import pytest

from tests.servers.proxy import Fault
from ticketd.errors import Unavailable
from ticketd.wire import oauth


def test_one_form_one_answer(provider):
    provider.refreshing.add("r")
    status, document = oauth.ask(provider.url("token"), {"grant_type": "refresh_token", "refresh_token": "r"})
    assert (status, document["token_type"]) == (200, "Bearer")
    assert provider.asked == [{"grant_type": "refresh_token", "refresh_token": "r"}]


@pytest.mark.parametrize(
    "body", [b"", b"<html>Sign in to the network</html>", b"[1, 2]", b"\xff\xfe", b"[" * 60_000, b"7"]
)
def test_what_is_no_json_object_is_an_empty_one(provider, body):
    provider.script = [(200, body)]
    assert oauth.ask(provider.url("token"), {}) == (200, {})


def test_a_flood_is_not_read(provider):
    provider.script = [(200, b'{"access_token": "' + b"x" * 1_000_000 + b'"}')]
    assert oauth.ask(provider.url("token"), {}) == (200, {})


def test_a_redirect_is_not_followed(provider):
    provider.script = [(302, {})]
    assert oauth.ask(provider.url("token"), {"client_secret": "s"})[0] == 302
    assert len(provider.asked) == 1


def test_nobody_listens(provider):
    provider.stop()
    with pytest.raises(Unavailable, match=r"^127\.0\.0\.1 refuses the connection"):
        oauth.ask(provider.url("token"), {})
    provider.start()


def test_a_silent_endpoint_costs_one_patience(proxy, provider):
    port = proxy.to(provider.port, Fault("silence"))
    with pytest.raises(Unavailable, match="does not answer in time"):
        oauth.ask(f"http://127.0.0.1:{port}/token", {}, patience=0.2)


@pytest.mark.server
def test_a_certificate_that_nobody_vouches_for(dovecot):
    with pytest.raises(
        Unavailable, match="cannot be trusted: its certificate comes from an unknown authority"
    ):
        oauth.ask(f"https://localhost:{dovecot.tls_port}/token", {})


@pytest.mark.parametrize("drip", [b"X-Drip: 1\r\n", b"x"])
def test_an_endpoint_that_drips_is_hung_up_on(drip):
    """Each piece comes in time, and there is no end of them."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        enough = threading.Event()

        def serve():
            connection, _ = server.accept()
            with connection, suppress(OSError):
                connection.recv(65536)
                head = b"HTTP/1.1 200 OK\r\n" + (
                    b"" if drip.endswith(b"\n") else b"Content-Length: 60000\r\n\r\n"
                )
                connection.sendall(head)
                while not enough.wait(0.02):
                    connection.sendall(drip)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            with pytest.raises(Unavailable, match="does not answer in time"):
                oauth.ask(f"http://127.0.0.1:{server.getsockname()[1]}/token", {}, patience=0.3)
        finally:
            enough.set()
            thread.join()


def test_no_proxy_sees_what_goes_over_loopback_in_the_clear(provider, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    provider.refreshing.add("r")
    form = {"grant_type": "refresh_token", "refresh_token": "r"}
    assert oauth.ask(provider.url("token"), form)[0] == 200
