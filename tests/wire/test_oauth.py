"""A token endpoint that answers oddly, slowly or not at all."""

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
