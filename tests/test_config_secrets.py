"""Secrets: read when needed, never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.test_config_load import AGENT, BOX, MINIMAL, read
from ticketd.config import Secret
from ticketd.errors import ConfigError


def with_password(toml: str) -> str:
    return MINIMAL.replace('{ env = "IMAP" }', toml)


def password(path: Path, toml: str, **environ: str) -> Secret:
    secret = read(path, with_password(toml), **environ).mailboxes[0].imap.password
    assert secret is not None
    return secret


def test_the_four_sources(tmp_path):
    (tmp_path / "pw").write_text("from a file\n")
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "support").write_text("from systemd\r\n")
    assert password(tmp_path, '{ file = "pw" }').read() == "from a file"
    assert password(tmp_path, f'{{ file = "{tmp_path}/pw" }}').read() == "from a file"
    assert password(tmp_path, '{ env = "PW" }', PW="from the environment\n").read() == "from the environment"
    systemd = {"CREDENTIALS_DIRECTORY": str(credentials)}
    assert password(tmp_path, '{ credential = "support" }', **systemd).read() == "from systemd"
    assert password(tmp_path, '" as it is "').read() == " as it is "


def test_a_credential_that_systemd_does_not_give_stands_beside_the_config(tmp_path):
    given, beside = tmp_path / "given", tmp_path / "credentials"
    for directory in (given, beside):
        directory.mkdir()
    (beside / "support").write_text("from beside\n")
    systemd = {"CREDENTIALS_DIRECTORY": str(given)}
    assert password(tmp_path, '{ credential = "support" }').read() == "from beside"
    assert password(tmp_path, '{ credential = "support" }', **systemd).read() == "from beside"
    (given / "support").write_text("from systemd\n")
    assert password(tmp_path, '{ credential = "support" }', **systemd).read() == "from systemd"


def test_only_the_last_newline_goes(tmp_path):
    (tmp_path / "pw").write_text("two\n\n")
    assert password(tmp_path, '{ file = "pw" }').read() == "two\n"


@pytest.mark.parametrize(
    ("toml", "content", "reason"),
    [
        ('{ file = "pw" }', None, "No such file"),
        ('{ file = "." }', None, "directory"),
        ('{ file = "pw" }', b"", "is empty"),
        ('{ file = "pw" }', b"\n", "is empty"),
        ('{ file = "pw" }', b"\xff", "not a text in UTF-8"),
        ('{ file = "pw" }', b"a\0b", "not a text"),
        ('{ file = "pw" }', b"x" * 70_000, "longer than"),
        ('{ env = "NONE" }', None, "NONE is not set"),
        ('{ credential = "support" }', None, "LoadCredential"),
    ],
)
def test_a_secret_that_cannot_be_read_is_placed(tmp_path, toml, content, reason):
    if content is not None:
        (tmp_path / "pw").write_bytes(content)
    settings = read(tmp_path, with_password(toml))
    with pytest.raises(ConfigError, match=reason) as caught:
        settings.check_secrets()
    assert str(caught.value).startswith(f"{tmp_path}/ticketd.toml, line 6: mailboxes.imap.password: ")


def test_every_secret_is_checked(tmp_path):
    oauth = "[mailboxes.oauth]\nprovider = 'google'\nclient_id = 'x'\nclient_secret = { env = 'D' }\n"
    text = (
        "[ticketd]\nsigning_key = { env = 'A' }\nprevious_signing_keys = [{ env = 'B' }]\n"
        f"{BOX}smtp.username = 'u'\nsmtp.password = {{ env = 'C' }}\n"
        f"{oauth}{AGENT}[http]\ntoken = {{ env = 'E' }}\n"
    )
    settings = read(tmp_path, text)
    assert len(list(settings.secrets())) == 6
    with pytest.raises(ConfigError) as caught:
        settings.check_secrets()
    told = str(caught.value).split("\n")
    assert [line.split("variable ")[1].split()[0] for line in told] == ["A", "B", "IMAP", "C", "D", "E"]
    read(tmp_path, text, A="1", B="1", C="1", D="1", E="1", IMAP="1").check_secrets()


def test_nothing_shows_a_secret(tmp_path):
    text = with_password('"hunter2"') + "[http]\ntoken = 'hunter2'\n"
    text = f"[ticketd]\nsigning_key = 'hunter2'\ndatabase = 'postgresql://u:hunter2@h.test/n'\n{text}"
    settings = read(tmp_path, text)
    shown = [settings, settings.mailboxes[0], settings.mailboxes[0].imap, settings.signing_key, settings.http]
    for value in shown:
        assert "hunter2" not in f"{value!r} {value}"


def test_secrets_compare_by_what_they_name(tmp_path):
    one = password(tmp_path, '{ env = "A" }', A="x")
    assert one == password(tmp_path, '{ env = "A" }', A="y")
    assert one != password(tmp_path, '{ env = "B" }')
    assert len({one, password(tmp_path, '{ env = "A" }')}) == 1


@pytest.mark.parametrize(
    ("toml", "key", "near"),
    [
        ('{ fil = "x" }', "fil", "file"),
        ('{ credentials = "x" }', "credentials", "credential"),
        ('{ file = "x", ENV = "y" }', "ENV", "env"),
    ],
)
def test_an_unknown_key_is_named_with_the_nearest(tmp_path, toml, key, near):
    with pytest.raises(ConfigError, match=rf'password has no key "{key}"; the nearest valid key is "{near}"'):
        password(tmp_path, toml)
