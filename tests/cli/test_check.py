"""check: the config, every server, what would be imported, probes; it changes nothing."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime

import pytest

from tests.cli.kit import Cli, mail
from ticketd import checkup_servers, probe
from ticketd.assemble import assembled
from ticketd.checkup import Finding, exit_status
from ticketd.config import load
from ticketd.decide.context import Context
from ticketd.decide.model import Envelope
from ticketd.decide.reading.parse import parse
from ticketd.decide.rules import decide, read_clues


def problems(answer) -> str:
    found = answer.json["findings"]
    return " | ".join(f"{one['text']} → {one['remedy']}" for one in found if one["level"] == "problem")


def at(cli: Cli, servers, **more) -> Cli:
    return cli.configure(servers.imap_port, servers.smtp_port, **more)


def test_a_sound_config_offline_is_0_without_any_server(cli, tmp_path):
    answer = cli("check", "--offline", "--json")
    assert (answer.status, answer.json["ok"]) == (0, True)
    assert not (tmp_path / "state").exists()


def test_an_unknown_key_is_78_with_line_and_nearest_key(cli):
    path = cli.directory / "ticketd.toml"
    path.write_text(path.read_text().replace('display_name = "Example Support"', 'dispaly_name = "x"'))
    answer = cli("check", "--offline", "--json")
    assert (answer.status, answer.json["ok"]) == (78, False)
    assert "display_name" in problems(answer)
    assert "line" in answer.err


@pytest.mark.parametrize(
    ("rest", "says"),
    [
        ('[templates]\ndir = "nowhere"', "nowhere"),
        ('[http]\ntoken = { file = "no-token" }', "no-token"),
        ('[http]\ntoken = { credential = "intake" }', "LoadCredential"),
        (
            '[sla]\nhours = { mon = "09:00-10:00" }\nholidays = { country = "XX" }\n'
            '[[sla.policies]]\nname = "p"\nfirst_reply = "1h"',
            "XX",
        ),
    ],
)
def test_what_the_config_names_must_be_usable(cli, rest, says):
    answer = cli.configure(rest=rest)("check", "--offline", "--json")
    assert answer.status == 78
    assert says in problems(answer) + answer.err


def test_a_template_that_fails_is_named(cli, tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "reply.txt.j2").write_text("{{ nothing.of.this }}")
    answer = cli.configure(rest='[templates]\ndir = "own"')("check", "--offline", "--json")
    assert answer.status == 78
    assert "reply" in problems(answer)


def test_servers_that_work_are_listed_and_nothing_is_made(cli, servers, tmp_path):
    answer = at(cli, servers)("check", "--json")
    assert (answer.status, answer.json["ok"]) == (0, True)
    (mailbox,) = answer.json["mailboxes"]
    assert "IDLE" in mailbox["imap"]["capabilities"]
    assert mailbox["imap"]["uidvalidity"] > 0
    assert mailbox["imap"]["import"]["count"] == 0
    assert mailbox["smtp"]["usable"] is True
    assert not (tmp_path / "state").exists()
    assert "logged in" in cli("check").out


def test_a_refused_login_and_a_dead_server_are_75_each_with_a_remedy(cli, servers):
    wrong = at(cli, servers, password="hunter-secret")("check", "--json")
    assert wrong.status == 75
    assert "password" in problems(wrong)
    assert "support imap" in wrong.err
    assert "hunter-secret" not in wrong.out + wrong.err
    dead = cli.configure(imap=servers.imap_port, smtp=1)("check", "--json")
    assert dead.status == 75
    assert "nothing listens there" in problems(dead)
    assert dead.json["mailboxes"][0]["imap"]["usable"] is True


def test_a_missing_folder_names_those_that_are_there(cli, servers):
    path = at(cli, servers, mailbox='after_ingest = "move:Done"').directory / "ticketd.toml"
    answer = cli("check", "--json")
    assert answer.status == 75
    assert "Archive" in problems(answer)
    path.write_text(path.read_text().replace('"move:Done"', '"move:Archive"'))
    assert cli("check", "--json").status == 0


def test_a_server_that_never_answers_is_given_up():
    given_up = threading.Event()
    jobs = [(checkup_servers.Inspected("slow"), lambda inspected: given_up.wait(30) and None)]
    began = time.monotonic()
    (found,) = checkup_servers.in_parallel(jobs, 0.2)
    given_up.set()
    assert time.monotonic() - began < 10
    assert found.findings[0].status == 75


def test_what_would_be_imported(cli, servers):
    servers.deliver("jane@example.org", "support@example.com", mail("old"))
    many = at(cli, servers, mailbox='import_since = "all"')("check", "--json").json
    count = many["mailboxes"][0]["imap"]["import"]["count"]
    assert count == many["mailboxes"][0]["imap"]["exists"] > 0
    recent = at(cli, servers, mailbox='import_since = "14d"')("check", "--json").json
    assert recent["mailboxes"][0]["imap"]["import"]["count"] == count
    assert at(cli, servers)("run", "--once").status == 0
    servers.deliver("jane@example.org", "support@example.com", mail("new"))
    since = cli("check", "--json").json
    assert since["mailboxes"][0]["imap"]["import"]["count"] == 1


def test_policy_says_which_promise_applies(cli):
    cli.configure(
        rest='[[sla.policies]]\nname = "vip"\nmatch = { domain = "big.example" }\nfirst_reply = "1h"'
    )
    answer = cli("check", "--policy", "boss@big.example", "help")
    assert answer.status == 0
    assert answer.out.startswith("vip: applies")
    assert cli("check", "--policy", "jane@example.org", "help", "--json").json["policy"] is None


def test_probes_need_the_databases_key(cli, servers):
    answer = at(cli, servers)("check", "--probe")
    assert answer.status == 2
    assert "db upgrade" in answer.err


def test_probes_come_back_tell_of_the_server_and_become_no_tickets(cli, servers):
    at(cli, servers, mailbox='import_since = "all"')("run", "--once")
    before = len(cli("list", "all", "--json").json)
    answer = cli("check", "--probe", "--json")
    assert answer.status == 0
    found = answer.json["mailboxes"][0]["probe"]
    assert (found["arrived"], found["plus_addressing"], found["message_id_rewritten"]) == (True, True, False)
    assert found["plus_in_delivered_to"] is True
    assert found["forged_results_removed"] is False
    assert cli("run", "--once").status == 0
    assert [row["outcome"] for row in cli("ledger", "--json").json][-2:] == ["own", "own"]
    assert len(cli("list", "all", "--json").json) == before


def test_forged_results_that_pass_in_a_trusted_name_are_a_problem(cli, servers):
    at(cli, servers, mailbox='trusted_authserv = ["mx.example.com"]')("db", "upgrade")
    answer = cli("check", "--probe", "--json")
    assert answer.status == 1
    assert "pose as an agent" in problems(answer)


def test_a_probe_is_our_own_whatever_a_relay_does_to_its_message_id(cli):
    cli("db", "upgrade")
    now = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
    settings = load(cli.directory / "ticketd.toml", {})
    with assembled(settings) as desk:
        made = probe.make(desk.policy, settings.mailboxes[0], "support+x@example.com", "abc", now)
        message = parse(made.content.replace(b"Message-ID: <probe.abc@", b"Message-ID: <rewritten@"))
        clues = read_clues(message, "support", desk.policy)
        decision = decide(message, Envelope("support", now, "x"), clues, Context(1), desk.policy, now)
    assert decision.rule == "own_mail"


def test_the_config_comes_before_the_servers():
    def trouble(status: int) -> Finding:
        return Finding("problem", "x", "y", "z", status)

    assert exit_status([]) == 0
    assert exit_status([Finding("hint", "x", "y")]) == 0
    assert exit_status([trouble(75), trouble(78)]) == 78
    assert exit_status([trouble(1), trouble(75)]) == 75
    assert exit_status([trouble(1)]) == 1


TLS = """
[mailboxes.imap]
host = "{host}"
port = {imap}
security = "tls"
username = "{user}"
password = "{password}"
ca_file = "{ca}"

[mailboxes.smtp]
host = "localhost"
port = {smtp}
security = "starttls"
username = "{smtp_user}"
password = "{smtp_password}"
ca_file = "{ca}"
"""


def on_dovecot(cli: Cli, dovecot, authority, sink, host: str) -> None:
    account = dovecot.user()
    head = (
        '[ticketd]\nstate_dir = "state"\n[[mailboxes]]\nname = "support"\naddress = "support@example.com"\n'
    )
    servers = TLS.format(
        host=host,
        imap=dovecot.tls_port,
        user=account.username,
        password=account.password,
        ca=authority.file,
        smtp=sink.port,
        smtp_user=sink.username,
        smtp_password=sink.password,
    )
    agents = '[[agents]]\nname = "anna"\naddress = "anna@example.com"\n'
    path = cli.directory / "ticketd.toml"
    path.write_text(head + servers + agents)
    path.chmod(0o600)


@pytest.mark.server
def test_certificates_are_verified_and_their_days_told(cli, dovecot, authority, smtp_sink):
    on_dovecot(cli, dovecot, authority, smtp_sink, "localhost")
    answer = cli("check", "--json")
    assert answer.status == 0, answer.err
    (mailbox,) = answer.json["mailboxes"]
    assert mailbox["imap"]["certificate_days"] >= 0
    assert mailbox["smtp"]["certificate_days"] >= 0


@pytest.mark.server
@pytest.mark.parametrize(("host", "says"), [("127.0.0.2", "expired"), ("127.0.0.3", "another host")])
def test_a_bad_certificate_is_75_and_says_what_is_wrong_with_it(
    cli, dovecot, authority, smtp_sink, host, says
):
    on_dovecot(cli, dovecot, authority, smtp_sink, host)
    answer = cli("check", "--json")
    assert answer.status == 75
    assert says in problems(answer)
