"""The config as its readers meet it: what loads, and what is said of what does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ticketd.config import DEFAULT_PATH, Settings, find_path, load
from ticketd.decide.model import Priority, Status
from ticketd.decide.policy import Mailbox, Span
from ticketd.errors import ConfigError

MINIMAL = """\
[[mailboxes]]
name = "support"
address = "support@example.com"
imap.host = "imap.example.com"
imap.username = "support@example.com"
imap.password = { env = "IMAP" }
smtp.host = "smtp.example.com"

[[agents]]
name = "anna"
address = "anna@example.com"
"""
BOX = MINIMAL.split("\n\n", maxsplit=1)[0] + "\n"
AGENT = MINIMAL.split("\n\n", maxsplit=1)[1]


def read(path: Path, text: str, **environ: str) -> Settings:
    file = path / "ticketd.toml"
    file.write_text(text, encoding="utf-8")
    return load(file, environ)


def refusal(path: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(path, text)
    assert caught.value.exit_status == 78
    assert caught.value.__cause__ is None
    # a traceback of what led to it would show what was given
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    return str(caught.value).split("\n")


def test_the_smallest_config_loads_with_every_default(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = read(tmp_path, MINIMAL)
    (mailbox,) = settings.mailboxes
    assert settings.state_dir == tmp_path / "ticketd-state"
    assert settings.database_url == f"sqlite:///{tmp_path}/ticketd-state/ticketd.db"
    assert (mailbox.imap.port, mailbox.imap.security, mailbox.imap.folder) == (993, "tls", "INBOX")
    assert (mailbox.smtp.port, mailbox.smtp.security, mailbox.smtp.username) == (587, "starttls", None)
    assert (mailbox.imap.poll_every, mailbox.imap.timeout) == (timedelta(minutes=1), timedelta(minutes=1))
    assert (mailbox.status_after_reply, mailbox.collision) == (Status.PENDING, "hold")
    assert (settings.log_format, settings.log_level, settings.admins) == ("auto", "info", ())
    assert settings.limits.message_size == 50_000_000
    assert (settings.http, settings.digest.agents, settings.retention.raw) == (None, None, None)
    assert settings.warnings == ()


@pytest.mark.parametrize(
    ("option", "environ", "expected"),
    [
        ("a.toml", {"TICKETD_CONFIG": "b.toml"}, Path("a.toml")),
        (None, {"TICKETD_CONFIG": "b.toml"}, Path("b.toml")),
        (None, {"TICKETD_CONFIG": ""}, DEFAULT_PATH),
        (None, {}, Path("/etc/ticketd/ticketd.toml")),
    ],
)
def test_where_the_config_is(option, environ, expected):
    assert find_path(option, environ) == expected


def test_no_path_means_the_environments(tmp_path):
    file = tmp_path / "x.toml"
    file.write_text(MINIMAL)
    assert load(None, {"TICKETD_CONFIG": str(file)}).path == file


@pytest.mark.parametrize(
    ("table", "environ", "expected"),
    [
        ("", {"STATE_DIRECTORY": "/var/lib/a:/var/lib/b"}, "/var/lib/a"),
        ('[ticketd]\nstate_dir = "/srv/t"\n', {"STATE_DIRECTORY": "/var/lib/a"}, "/srv/t"),
    ],
)
def test_where_the_state_is(tmp_path, table, environ, expected):
    assert read(tmp_path, table + MINIMAL, **environ).state_dir == Path(expected)


def test_relative_paths_begin_at_the_file(tmp_path):
    text = (
        f'[ticketd]\nstate_dir = "state"\n{BOX}imap.ca_file = "ca.pem"\n{AGENT}[templates]\ndir = "texts"\n'
    )
    settings = read(tmp_path, text)
    assert settings.state_dir == tmp_path / "state"
    assert settings.mailboxes[0].imap.ca_file == tmp_path / "ca.pem"
    assert settings.templates.dir == tmp_path / "texts"


def test_postgresql_by_its_driver(tmp_path):
    settings = read(tmp_path, f'[ticketd]\ndatabase = "postgresql://ticketd@db.test:5433/desk"\n{MINIMAL}')
    assert settings.database_url == "postgresql+psycopg://ticketd@db.test:5433/desk"


@pytest.mark.parametrize(
    ("keys", "port", "security"),
    [
        ("imap.port = 143", 143, "starttls"),
        ('imap.security = "starttls"', 143, "starttls"),
        ('imap.security = "none"\nimap.insecure = true', 143, "none"),
        ('imap.port = 10143\nimap.security = "starttls"', 10143, "starttls"),
        ("imap.port = 10143", 10143, "tls"),
    ],
)
def test_imap_port_and_security_imply_each_other(tmp_path, keys, port, security):
    imap = read(tmp_path, f"{BOX}{keys}\n{AGENT}").mailboxes[0].imap
    assert (imap.port, imap.security) == (port, security)


@pytest.mark.parametrize(
    ("keys", "port", "security"),
    [
        ("smtp.port = 465", 465, "tls"),
        ("smtp.port = 25", 25, "starttls"),
        ('smtp.security = "tls"', 465, "tls"),
        ('smtp.security = "none"\nsmtp.insecure = true', 25, "none"),
    ],
)
def test_smtp_port_and_security_imply_each_other(tmp_path, keys, port, security):
    smtp = read(tmp_path, f"{BOX}{keys}\n{AGENT}").mailboxes[0].smtp
    assert (smtp.port, smtp.security) == (port, security)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_loopback_needs_no_encryption(tmp_path, host):
    text = BOX.replace("imap.example.com", host) + f'imap.security = "none"\n{AGENT}'
    assert read(tmp_path, text).mailboxes[0].imap.security == "none"


def test_the_policy_holds_no_secret_and_no_server(tmp_path):
    policy = read(tmp_path, MINIMAL).policy("desk", (b"key",), None)
    assert type(policy.mailboxes["support"]) is Mailbox
    assert policy.mailboxes["support"] == Mailbox(name="support", address="support@example.com")
    assert list(policy.agents) == ["anna"]
    assert policy.agents_of("support") == (policy.agents["anna"],)


def test_one_target_or_one_a_priority(tmp_path):
    text = '[[sla.policies]]\nname = "p"\nfirst_reply = "1d"\nnext_reply = { low = "90m" }\n'
    (policy,) = read(tmp_path, MINIMAL + text).sla.policies
    assert policy.first_reply == dict.fromkeys(Priority, Span(days=1))
    assert policy.next_reply == {Priority.LOW: Span(time=timedelta(minutes=90))}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('"now"', datetime(2026, 3, 10, 12, tzinfo=UTC)),
        ('"all"', None),
        ('"14d"', datetime(2026, 2, 24, 12, tzinfo=UTC)),
        ("2026-01-01", datetime(2026, 1, 1, tzinfo=UTC)),
        ('"2026-01-01"', datetime(2026, 1, 1, tzinfo=UTC)),
        ("2026-01-01T08:00:00Z", datetime(2026, 1, 1, 8, tzinfo=UTC)),
    ],
)
def test_where_the_import_begins(tmp_path, value, expected):
    (mailbox,) = read(tmp_path, f"{BOX}import_since = {value}\n{AGENT}").mailboxes
    assert mailbox.import_line(datetime(2026, 3, 10, 12, tzinfo=UTC)) == expected


def test_equal_decisions_are_equal_wherever_they_stand(tmp_path):
    one, other = read(tmp_path, MINIMAL), read(tmp_path, f"# a comment\n{MINIMAL}")
    assert one == other
    assert one.lines != other.lines
    assert replace(one, name="Another") != one


def test_a_byte_order_mark_and_windows_lines_are_no_trouble(tmp_path):
    file = tmp_path / "ticketd.toml"
    file.write_bytes(b"\xef\xbb\xbf" + MINIMAL.replace("\n", "\r\n").encode())
    assert load(file, {}).mailboxes[0].name == "support"


# text, line, what the sentence must hold: the key, and what helps
REFUSED = {
    "unknown key": (MINIMAL.replace("imap.pass", "imap.pas"), 6, ["mailboxes.imap.pasword", '"password"']),
    "unknown key, nothing alike": (f"{MINIMAL}zzz = 1\n", 12, ["agents.zzz", "nearest valid key"]),
    "unknown table": (f"{MINIMAL}[limit]\n", 12, ["limit ", '"limits"']),
    "key of another table": (
        f'{BOX}poll_every = "1m"\n{AGENT}',
        8,
        ["mailboxes.poll_every", "[mailboxes.imap]"],
    ),
    "key above all tables": (f'log_level = "info"\n{MINIMAL}', 1, ["log_level", "[ticketd]"]),
    "empty": ("", 1, ["mailboxes", "[[mailboxes]]"]),
    "no agents": (BOX, 1, ["agents", "[[agents]]"]),
    "no name": (MINIMAL.replace('name = "support"\n', ""), 1, ["mailboxes.name", "missing", "[[mailboxes]]"]),
    "no smtp": (MINIMAL.replace('smtp.host = "smtp.example.com"\n', ""), 1, ["mailboxes.smtp", "missing"]),
    "no host": (
        MINIMAL.replace('imap.host = "imap.example.com"\n', ""),
        4,
        ["mailboxes.imap.host", "missing"],
    ),
    "no username": (
        MINIMAL.replace('imap.username = "support@example.com"\n', ""),
        4,
        ["mailboxes.imap.username", "missing"],
    ),
    "no password": (
        MINIMAL.replace('imap.password = { env = "IMAP" }\n', ""),
        4,
        ["mailboxes.imap.password", "missing"],
    ),
    "single brackets": (MINIMAL.replace("[[agents]]", "[agents]"), 9, ["agents", "[[agents]]"]),
    "text for a number": (f'{BOX}imap.port = "993"\n{AGENT}', 8, ["mailboxes.imap.port", "a string"]),
    "true for a number": (
        f"{MINIMAL}[limits]\nrecipients = true\n",
        13,
        ["limits.recipients", "true or false"],
    ),
    "text for a switch": (
        f'{BOX}subject_tag = "yes"\n{AGENT}',
        8,
        ["mailboxes.subject_tag", "true or false"],
    ),
    "number for a text": (MINIMAL.replace('"anna"', "7"), 10, ["agents.name", "a string", "a number"]),
    "text for a list": (f'[ticketd]\nadmins = "a@example.com"\n{MINIMAL}', 2, ["ticketd.admins", "an array"]),
    "text for a table": (f"{MINIMAL}[sla]\nholidays = 'PL'\n", 13, ["sla.holidays", "a table"]),
    "too large": (f"{BOX}imap.port = 70000\n{AGENT}", 8, ["mailboxes.imap.port", "65535"]),
    "negative": (f"{MINIMAL}[limits]\nattachments = -1\n", 13, ["limits.attachments", "at least 1"]),
    "not a choice": (
        f'{BOX}collision = "hols"\n{AGENT}',
        8,
        ["mailboxes.collision", '"hold"', '"off"', '"hols"'],
    ),
    "status": (f'{BOX}status_after_reply = "done"\n{AGENT}', 8, ["mailboxes.status_after_reply", '"solved"']),
    "duration without unit": (
        f"{BOX}imap.timeout = 60\n{AGENT}",
        8,
        ["mailboxes.imap.timeout", '"90s"', "60"],
    ),
    "duration in words": (f'{BOX}undo_window = "5 min"\n{AGENT}', 8, ["mailboxes.undo_window", '"5 min"']),
    "duration of nothing": (
        f'{BOX}imap.poll_every = "0s"\n{AGENT}',
        8,
        ["mailboxes.imap.poll_every", "longer"],
    ),
    "duration of ages": (f'{MINIMAL}[retention]\nraw = "999999999y"\n', 13, ["retention.raw", "100 years"]),
    "size": (f'{MINIMAL}[limits]\nmessage_size = "50"\n', 13, ["limits.message_size", '"50MB"']),
    "address": (
        MINIMAL.replace('"anna@example.com"', '"Anna <anna@example.com>"'),
        11,
        ["agents.address", "bare"],
    ),
    "address with a break": (
        MINIMAL.replace('"anna@example.com"', '"anna@example.com\\r\\nBcc: x@example.com"'),
        11,
        ["agents.address", "\\r\\n"],
    ),
    "display name with a break": (
        f'{MINIMAL}display_name = "a\\nb"\n',
        12,
        ["agents.display_name", "one line"],
    ),
    "alias in a list": (
        f'{MINIMAL}aliases = [\n  "a@example.com",\n  "b",\n]\n',
        14,
        ["agents.aliases", '"b"', "address"],
    ),
    "host with a port": (
        MINIMAL.replace('imap.host = "imap.example.com"', 'imap.host = "h.test:993"'),
        4,
        ['"port"'],
    ),
    "host as a URL": (
        MINIMAL.replace('"smtp.example.com"', '"smtp://h.test"'),
        7,
        ["mailboxes.smtp.host", "host name"],
    ),
    "provider": (f'{BOX}provider = "gmial"\n{AGENT}', 8, ["mailboxes.provider", '"gmail"']),
    "unencrypted": (
        f'{BOX}smtp.security = "none"\n{AGENT}',
        8,
        ["mailboxes.smtp.security", "insecure = true"],
    ),
    "smtp username alone": (f'{BOX}smtp.username = "u"\n{AGENT}', 7, ["mailboxes.smtp.password", "missing"]),
    "smtp password alone": (f'{BOX}smtp.password = "p"\n{AGENT}', 7, ["mailboxes.smtp.username", "missing"]),
    "import_since": (
        f'{BOX}import_since = "2026-13-01"\n{AGENT}',
        8,
        ["mailboxes.import_since", '"now"', "2026-13-01"],
    ),
    "after_ingest": (f'{BOX}after_ingest = "archive"\n{AGENT}', 8, ["mailboxes.after_ingest", "move:FOLDER"]),
    "move nowhere": (f'{BOX}after_ingest = "move:"\n{AGENT}', 8, ["mailboxes.after_ingest", "folder"]),
    "move with a break": (
        f'{BOX}after_ingest = "move:A\\r\\nB"\n{AGENT}',
        8,
        ["mailboxes.after_ingest", "one line"],
    ),
    "move to itself": (
        f'{BOX}after_ingest = "move:INBOX"\n{AGENT}',
        8,
        ["mailboxes.after_ingest", "where it is"],
    ),
    "folder with NUL": (f'{BOX}imap.folder = "A\\u0000B"\n{AGENT}', 8, ["mailboxes.imap.folder", "control"]),
    "strict without a server": (
        f'{BOX}agent_auth = "strict"\n{AGENT}',
        8,
        ["mailboxes.agent_auth", "trusted_authserv"],
    ),
    "authserv": (
        f'{BOX}trusted_authserv = ["mx example"]\n{AGENT}',
        8,
        ["mailboxes.trusted_authserv", "domain"],
    ),
    "acknowledge in quotes": (
        f'{BOX}acknowledge = "true"\n{AGENT}',
        8,
        ["mailboxes.acknowledge", "without quotes"],
    ),
    "acknowledge as a path": (
        f'{BOX}acknowledge = "../x"\n{AGENT}',
        8,
        ["mailboxes.acknowledge", "template"],
    ),
    "agents unknown": (f'{BOX}agents = ["ana"]\n{AGENT}', 8, ["mailboxes.agents", '"ana"', '"anna"']),
    "agents nobody": (f"{BOX}agents = []\n{AGENT}", 8, ["mailboxes.agents", "somebody"]),
    "plus address too long": (
        MINIMAL.replace('"support@example.com"\n', f'"{"s" * 40}@example.com"\nplus_addressing = true\n', 1),
        4,
        ["mailboxes.plus_addressing", "25 characters"],
    ),
    "two agents, one name": (
        f'{MINIMAL}[[agents]]\nname = "Anna"\naddress = "b@example.com"\n',
        13,
        ["agents.name", '"Anna"', "unique"],
    ),
    "two agents, one address": (
        f'{MINIMAL}[[agents]]\nname = "bob"\naddress = "ANNA@example.com"\n',
        14,
        ["agents.address", '"anna"'],
    ),
    "agent is the mailbox": (
        f'{MINIMAL}aliases = ["support@EXAMPLE.com"]\n',
        12,
        ["agents.aliases", "the mailbox", '"support"'],
    ),
    "agent called me": (MINIMAL.replace('"anna"', '"me"'), 10, ["agents.name", '"me"', "commands"]),
    "two mailboxes, one name": (MINIMAL + BOX, 13, ["mailboxes.name", "unique"]),
    "two mailboxes, one address": (
        MINIMAL + BOX.replace('"support"', '"sales"'),
        14,
        ["mailboxes.address", "the mailbox", '"support"'],
    ),
    "time zone": (f'{MINIMAL}[sla]\ntimezone = "Europe/Warszawa"\n', 13, ["sla.timezone", "Europe/Warsaw"]),
    "time zone as a directory": (f'{MINIMAL}[sla]\ntimezone = "Europe"\n', 13, ["sla.timezone", "time zone"]),
    "hours": (
        f'{MINIMAL}[sla]\nhours = {{ mon = "9-17" }}\n',
        13,
        ["sla.hours.mon", '"09:00-17:00"', '"9-17"'],
    ),
    "hours of nothing": (f'{MINIMAL}[sla]\nhours = {{ mon = "09:00-09:00" }}\n', 13, ["sla.hours.mon"]),
    "no hours": (f"{MINIMAL}[sla]\nhours = {{}}\n", 13, ["sla.hours", "at least one day"]),
    "a day": (f'{MINIMAL}[sla.hours]\nmonday = "09:00-17:00"\n', 13, ["sla.hours.monday", '"mon"']),
    "country": (f'{MINIMAL}[sla.holidays]\ncountry = "XX"\n', 13, ["sla.holidays.country", '"XX"']),
    "part of a country": (
        f'{MINIMAL}[sla.holidays]\ncountry = "DE"\nsubdivision = "BX"\n',
        14,
        ["sla.holidays.subdivision", '"BX"', "nearest"],
    ),
    "day off": (f'{MINIMAL}[sla.holidays]\nextra = ["24.12."]\n', 13, ["sla.holidays.extra", '"2026-12-24"']),
    "priority": (
        f'{MINIMAL}[[sla.policies]]\nname = "p"\npriority = "high"\n',
        14,
        ["sla.policies.priority", '"urgent"'],
    ),
    "target's priority": (
        f'{MINIMAL}[[sla.policies]]\nname = "p"\nsolve = {{ high = "1h" }}\n',
        14,
        ["sla.policies.solve.high", '"urgent"'],
    ),
    "target of nothing": (
        f'{MINIMAL}[[sla.policies]]\nname = "p"\nsolve = "0h"\n',
        14,
        ["sla.policies.solve", "longer"],
    ),
    "match nothing we have": (
        f'{MINIMAL}[[sla.policies]]\nname = "p"\nmatch = {{ mailbox = "suport" }}\n',
        14,
        ["sla.policies.match.mailbox", '"support"'],
    ),
    "match that hangs": (
        f'{MINIMAL}[[sla.policies]]\nname = "p"\nmatch = {{ subject = "(a+)+$" }}\n',
        14,
        ["sla.policies.match.subject", "(a+)+"],
    ),
    "match that is none": (
        f'{MINIMAL}[[sla.policies]]\nname = "p"\nmatch = {{ subject = "(" }}\n',
        14,
        ["sla.policies.match.subject", "regular expression"],
    ),
    "database": (f'[ticketd]\ndatabase = "mysql://u@h/n"\n{MINIMAL}', 2, ["ticketd.database", '"sqlite"']),
    "log level": (f'[ticketd]\nlog_level = "loud"\n{MINIMAL}', 2, ["ticketd.log_level", '"debug"']),
    "secret of two kinds": (
        MINIMAL.replace('{ env = "IMAP" }', '{ env = "A", file = "b" }'),
        6,
        ["mailboxes.imap.password", "credential"],
    ),
    "secret of no kind": (MINIMAL.replace("{ env =", "{ envv ="), 6, ["mailboxes.imap.password", "{ env ="]),
    "credential as a path": (
        MINIMAL.replace('{ env = "IMAP" }', '{ credential = "../x" }'),
        6,
        ["mailboxes.imap.password", '"/"'],
    ),
    "empty secret": (MINIMAL.replace('{ env = "IMAP" }', '""'), 6, ["mailboxes.imap.password", "empty"]),
    "digest": (f'{MINIMAL}[digest]\nagents = "8 o\'clock"\n', 13, ["digest.agents", '"09:30"']),
    "digest day": (
        f'{MINIMAL}[digest.admins]\nto = ["a@example.com"]\nat = "monday 08:00"\n',
        14,
        ["digest.admins.at", '"mon 08:00"'],
    ),
    "http beyond loopback": (f'{MINIMAL}[http]\nlisten = "0.0.0.0:8025"\n', 12, ["http.token", "loopback"]),
    "http without a port": (
        f'{MINIMAL}[http]\nlisten = "127.0.0.1"\n',
        13,
        ["http.listen", "127.0.0.1:8025"],
    ),
    "empty canned text": (f'{MINIMAL}[canned]\nrefund = ""\n', 13, ["canned.refund", "empty"]),
    "oauth without an id": (
        f"{BOX}[mailboxes.oauth]\nprovider = 'google'\n{AGENT}",
        8,
        ["mailboxes.oauth.client_id"],
    ),
    "custom oauth without a URL": (
        f"{BOX}[mailboxes.oauth]\nprovider = 'custom'\nclient_id = 'x'\n{AGENT}",
        8,
        ["mailboxes.oauth.token_url", "missing"],
    ),
    "value without quotes": (f"{BOX}signature = Anna\n{AGENT}", 8, ["signature", "not valid TOML", "quotes"]),
    "key twice": (f"{BOX}name = 'x'\n{AGENT}", 8, ["name", "twice"]),
    "table twice": (f"[sla]\n{MINIMAL}[sla]\n", 13, ["not valid TOML", "twice"]),
    "bracket missing": (f"{MINIMAL}[sla\n", 12, ["not valid TOML"]),
    "text not closed": (f'{MINIMAL}display_name = "Anna\n', 12, ["display_name", "not valid TOML"]),
    "number without end": (f"{BOX}imap.port = {'9' * 5000}\n{AGENT}", 11, ["not valid TOML"]),
}


@pytest.mark.parametrize(("text", "line", "hints"), REFUSED.values(), ids=REFUSED)
def test_a_refusal_names_file_line_key_and_remedy(tmp_path, text, line, hints):
    headline = refusal(tmp_path, text)[0]
    assert headline.startswith(f"{tmp_path / 'ticketd.toml'}, line {line}: ")
    for hint in hints:
        assert hint in headline


def test_all_problems_are_told_in_the_order_of_the_file(tmp_path):
    text = MINIMAL.replace("address", "adress").replace("imap.host", "imap.hots")
    lines = [int(problem.split(", line ")[1].split(":")[0]) for problem in refusal(tmp_path, text)]
    assert lines == sorted(lines)
    assert {3, 4, 11} <= set(lines)


@pytest.mark.parametrize(
    "broken",
    [
        MINIMAL.replace('{ env = "IMAP" }', '{ sesame = "hunter2" }'),
        MINIMAL.replace('{ env = "IMAP" }', '["hunter2"]'),
        MINIMAL.replace('{ env = "IMAP" }', '"hunter2'),
        MINIMAL.replace('{ env = "IMAP" }', "hunter2"),
        MINIMAL.replace('{ env = "IMAP" }', '"hunter2"').replace("imap.host", "imap.hots"),
        MINIMAL.replace('imap.password = { env = "IMAP" }', 'imap.pasword = "hunter2"'),
    ],
)
def test_no_refusal_shows_a_secret(tmp_path, broken):
    assert "hunter2" not in "\n".join(refusal(tmp_path, broken))


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"\xff\xfe\n", "line 1: "), (b"a = 1\nb = '\xe9'\n", "line 2: "), (b"a = " + b"[" * 20_000, "nested")],
)
def test_what_is_no_text_is_refused(tmp_path, content, said):
    file = tmp_path / "ticketd.toml"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=said):
        load(file, {})


def test_a_config_that_is_not_there(tmp_path):
    with pytest.raises(ConfigError, match=r"no such config file; name one with -c FILE or \$TICKETD_CONFIG"):
        load(tmp_path / "none.toml", {})
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path, {})


def test_others_reading_a_plain_secret_is_warned_about(tmp_path):
    plain = MINIMAL.replace('{ env = "IMAP" }', '"hunter2"')
    file = tmp_path / "ticketd.toml"
    file.write_text(plain)
    file.chmod(0o644)
    (warning,) = load(file, {}).warnings
    assert warning.startswith(f"{file}, line 6: mailboxes.imap.password is a plain string")
    assert "hunter2" not in warning
    file.chmod(0o640)
    assert load(file, {}).warnings == ()


def test_what_is_unwise_is_warned_about(tmp_path):
    twin = BOX.replace('"support"', '"sales"').replace('address = "support@', 'address = "sales@')
    text = f'[ticketd]\nadmins = ["support@example.com"]\n{MINIMAL}{twin}'
    said = "\n".join(read(tmp_path, text).warnings)
    assert "line 2: ticketd.admins" in said
    assert "line 17: mailboxes.imap is the same folder" in said
