"""Providers: what they fill, and that what is written wins."""

from __future__ import annotations

import re

import pytest

from tests.test_config_load import read, refusal
from ticketd.config import PRESETS

AGENT = '[[agents]]\nname = "anna"\naddress = "anna@example.com"\n'


def box(keys: str) -> str:
    return f'[[mailboxes]]\nname = "support"\naddress = "support@example.com"\n{keys}\n{AGENT}'


@pytest.mark.parametrize("provider", PRESETS)
def test_a_provider_needs_only_the_passwords(tmp_path, provider):
    keys = f'provider = "{provider}"\nimap.password = {{ env = "A" }}\nsmtp.password = {{ env = "A" }}'
    (mailbox,) = read(tmp_path, box(keys)).mailboxes
    assert (mailbox.imap.host, mailbox.imap.port, mailbox.imap.security) == (
        PRESETS[provider].imap_host,
        993,
        "tls",
    )
    assert (mailbox.smtp.port, mailbox.smtp.security) in ((587, "starttls"), (465, "tls"))
    assert mailbox.imap.username == mailbox.smtp.username == "support@example.com"
    assert mailbox.plus_addressing is False  # never assumed


@pytest.mark.parametrize(("name", "preset"), PRESETS.items())
def test_presets_name_hosts(name, preset):
    for host in (preset.imap_host, preset.smtp_host):
        assert re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", host)
    assert preset.oauth in (None, "google", "microsoft")


def test_a_provider_with_oauth_needs_no_password(tmp_path):
    (mailbox,) = read(tmp_path, box('provider = "outlook"\noauth.client_id = "x"')).mailboxes
    assert mailbox.oauth is not None
    assert (mailbox.oauth.provider, mailbox.oauth.tenant) == ("microsoft", "consumers")
    assert mailbox.imap.password is None


def test_what_is_written_wins(tmp_path):
    keys = (
        'provider = "fastmail"\nimap.username = "me"\nimap.password = { env = "A" }\nimap.port = 143\n'
        'smtp.host = "relay.example.com"'
    )
    (mailbox,) = read(tmp_path, box(keys)).mailboxes
    assert (mailbox.imap.username, mailbox.imap.port, mailbox.imap.security) == ("me", 143, "starttls")
    assert (mailbox.smtp.host, mailbox.smtp.port, mailbox.smtp.security) == (
        "relay.example.com",
        587,
        "starttls",
    )
    assert mailbox.smtp.username is None  # our own relay: no AUTH


def test_a_provider_without_a_password_is_refused_for_both_servers(tmp_path):
    told = refusal(tmp_path, box('provider = "gmail"'))
    assert ["mailboxes.imap.password" in told[0], "mailboxes.smtp.password" in told[1]] == [True, True]


def test_a_custom_sign_in_is_whole(tmp_path):
    oauth = (
        'imap.host = "i.test"\nsmtp.host = "s.test"\n'
        '[mailboxes.oauth]\nprovider = "custom"\nclient_id = "x"\n'
        'token_url = "http://127.0.0.1:1/token"\ndevice_url = "https://id.test/device"\nscopes = ["mail"]'
    )
    (mailbox,) = read(tmp_path, box(oauth)).mailboxes
    assert mailbox.smtp.username == "support@example.com"
    told = refusal(tmp_path, box(oauth.replace("https://id.test", "http://id.test")))
    assert told == [
        f"{tmp_path}/ticketd.toml, line 10: mailboxes.oauth.device_url must begin with https://, not "
        '"http://id.test/device"'
    ]


def test_google_signs_in_by_browser_and_others_with_a_code(tmp_path):
    (google,) = read(tmp_path, box('provider = "gmail"\noauth.client_id = "x"')).mailboxes
    assert google.oauth.sign_in == "browser"
    assert google.oauth.scope == "https://mail.google.com/"
    (microsoft,) = read(tmp_path, box('provider = "microsoft365"\noauth.client_id = "x"')).mailboxes
    assert microsoft.oauth.sign_in == "device"
    assert microsoft.oauth.endpoint("device_url").endswith(".com/organizations/oauth2/v2.0/devicecode")
    assert "offline_access" in microsoft.oauth.scope


SIGN_INS = {
    "flow must not be": 'provider = "google", flow = "client-credentials", client_secret = "s"',
    "tenant is missing": 'provider = "microsoft", flow = "client-credentials", client_secret = "s"',
    "client_secret is missing": 'provider = "microsoft", tenant = "t", flow = "client-credentials"',
    "auth_url is missing": 'provider = "custom", flow = "browser", scopes = ["m"], token_url = "https://id.test/t"',
    "token_url must begin with": 'provider = "microsoft", token_url = "http://localhost.id.test/t"',
}


@pytest.mark.parametrize(("told", "keys"), SIGN_INS.items())
def test_a_sign_in_that_cannot_work_is_refused(tmp_path, told, keys):
    hosts = 'imap.host = "i.test"\nsmtp.host = "s.test"\n'
    (said,) = refusal(tmp_path, box(f'{hosts}oauth = {{ client_id = "x", {keys} }}'))
    assert f"mailboxes.oauth.{told}" in said
