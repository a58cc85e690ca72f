"""SMTP phase by phase, against a scripted server and a real Postfix (faults.md F19 to F22, §7)."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.servers.certificates import Authority
from tests.servers.dovecot import Dovecot
from tests.servers.postfix import Postfix
from tests.servers.process import free_port, wait_until
from tests.servers.proxy import Fault, Proxy
from tests.servers.smtp_sink import ACCEPT_AND_DROP, ACCEPT_AND_HANG, DROP, HANG, SmtpSink
from tests.wire.bearer import Bearer
from ticketd.errors import LoginRefused, Unavailable
from ticketd.wire import Server
from ticketd.wire.smtp import SmtpConnection, SmtpLoginRefused, SmtpTrouble

MAIL = b"From: support@example.test\r\nTo: jane@example.com\r\nSubject: Hello\r\n\r\nHello.\r\n"
SOON = 0.8  # seconds: long for a server in this process, even on a busy machine
FROM, TO = "support@example.test", "jane@example.com"


def reach(port: object, **changes: object) -> Server:
    values = {"host": "localhost", "port": port, "security": "none", "timeout": 10.0}
    return Server(**(values | changes))  # type: ignore[arg-type]


def logged_in(sink: SmtpSink, **changes: object) -> Server:
    who = {"port": sink.port, "username": sink.username, "password": lambda: sink.password}
    return reach(**(who | changes))


def trouble_of(server: Server, content: bytes = MAIL, **changes: Any) -> SmtpTrouble:
    """The trouble that one mail to one recipient meets."""
    with pytest.raises(SmtpTrouble) as caught, SmtpConnection.connect(server, once=True) as smtp:
        smtp.send(changes.get("sender", FROM), changes.get("to", TO), content)
    return caught.value


# A mail arrives as it is


@pytest.mark.parametrize(
    "content",
    [
        MAIL,
        b"Subject: dots\r\n\r\n.\r\n..\r\n.hidden\r\nend\r\n",
        b".first line is a dot\r\n\r\nx\r\n",
        b"Subject: smuggled\r\n\r\nx\r\n.\r\nMAIL FROM:<a@example.org>\r\n",
        b"Subject: long\r\n\r\n" + b"0123456789\r\n" * 40_000,
        "Subject: grün\r\n\r\nÄ\r\n".encode(),
    ],
)
def test_the_bytes_arrive_as_they_are(smtp_sink: SmtpSink, content: bytes) -> None:
    with SmtpConnection.connect(reach(smtp_sink.port)) as smtp:
        assert smtp.send(FROM, TO, content).startswith("2.0.0 queued")
    (mail,) = smtp_sink.messages
    assert (mail.sender, mail.recipient, mail.content) == (FROM, TO, content)


def test_a_missing_last_line_end_is_the_only_thing_added(smtp_sink: SmtpSink) -> None:
    with SmtpConnection.connect(reach(smtp_sink.port)) as smtp:
        smtp.send(FROM, TO, b"Subject: x\r\n\r\nend")
        assert smtp.certificate() is None
    assert smtp_sink.messages[0].content == b"Subject: x\r\n\r\nend\r\n"


@pytest.mark.parametrize("content", [b"a\nb\r\n", b"a\rb\r\n", b"a\r\n\n.\n", b"a\r\r\n", b"\n"])
def test_bare_line_ends_are_never_sent(smtp_sink: SmtpSink, content: bytes) -> None:
    with SmtpConnection.connect(reach(smtp_sink.port)) as smtp:
        with pytest.raises(ValueError, match="CRLF"):
            smtp.send(FROM, TO, content)
        smtp.send(FROM, TO, MAIL)
    assert [mail.content for mail in smtp_sink.messages] == [MAIL]


def test_one_connection_serves_many_mails(smtp_sink: SmtpSink) -> None:
    smtp_sink.refuse["gone@example.com"] = "550 5.1.1 no such user"
    with SmtpConnection.connect(logged_in(smtp_sink)) as smtp:
        smtp.send(FROM, TO, MAIL)
        with pytest.raises(SmtpTrouble) as caught:
            smtp.send(FROM, "gone@example.com", MAIL)
        smtp.send(FROM, "bob@example.com", MAIL)
    assert (caught.value.phase, caught.value.code, caught.value.enhanced) == ("rcpt", 550, (5, 1, 1))
    assert [mail.recipient for mail in smtp_sink.messages] == [TO, "bob@example.com"]
    assert smtp_sink.connections == 1
    assert smtp_sink.commands.count("rset") == 1
    assert smtp_sink.commands[-1] == "quit"


def test_what_the_server_offers_is_used(smtp_sink: SmtpSink) -> None:
    with SmtpConnection.connect(reach(smtp_sink.port)) as smtp:
        assert smtp.max_size == smtp_sink.size_limit
        assert smtp.smtputf8
        assert smtp.eight_bit
        smtp.send(FROM, "jörg@exämple.test", "Subject: ü\r\n\r\n".encode())
    (mail,) = smtp_sink.messages
    assert mail.recipient == "jörg@exämple.test"
    assert {"SMTPUTF8", "BODY=8BITMIME"} <= set(mail.options)


# What is known before the server is asked


@pytest.mark.parametrize(
    "address", ["", "jane", "@example.com", "a b@example.com", "a>@example.com", "a@b\r\nRSET", "a\0@b"]
)
def test_an_address_that_could_change_the_command(smtp_sink: SmtpSink, address: str) -> None:
    trouble = trouble_of(reach(smtp_sink.port), to=address)
    assert (trouble.phase, trouble.code, trouble.enhanced) == ("rcpt", 553, (5, 1, 3))
    assert "mail" not in smtp_sink.commands


def test_odd_but_right_addresses_go(smtp_sink: SmtpSink) -> None:
    with SmtpConnection.connect(reach(smtp_sink.port)) as smtp:
        smtp.send("", "support+t42.c.abcdefgh.0123456789abcdef@example.test", MAIL)
    assert smtp_sink.messages[0].sender == ""


def test_a_mail_above_the_servers_limit_is_not_offered(smtp_sink: SmtpSink) -> None:
    smtp_sink.script["ehlo"] = ["250-sink\r\n250 SIZE 50"]
    trouble = trouble_of(reach(smtp_sink.port))
    assert (trouble.phase, trouble.code, trouble.enhanced) == ("mail", 552, (5, 3, 4))
    assert "mail" not in smtp_sink.commands


def test_a_server_of_few_words(smtp_sink: SmtpSink) -> None:
    smtp_sink.script["ehlo"] = ["500 what?"] * 5
    with SmtpConnection.connect(reach(smtp_sink.port)) as smtp:
        smtp.send(FROM, TO, MAIL)
        assert smtp.max_size is None
        with pytest.raises(SmtpTrouble, match=r"7-bit"):
            smtp.send(FROM, TO, "Ä\r\n".encode())
        with pytest.raises(SmtpTrouble, match=r"ASCII addresses"):
            smtp.send(FROM, "jörg@example.com", MAIL)
    assert len(smtp_sink.messages) == 1


# Answers in each phase (F19)


@pytest.mark.parametrize(
    "answer", ["421 4.3.2 closing", "450 4.7.1 later", "550 5.7.1 no", "554 5.0.0 never"]
)
@pytest.mark.parametrize("phase", ["ehlo", "mail", "rcpt", "data", "dot"])
def test_an_answer_says_its_phase(smtp_sink: SmtpSink, phase: str, answer: str) -> None:
    smtp_sink.script[phase] = [answer]
    smtp_sink.script["helo"] = [answer]
    trouble = trouble_of(reach(smtp_sink.port))
    assert (trouble.phase, trouble.code, trouble.text) == (phase, int(answer[:3]), answer[4:])
    assert f"answers {answer} (at {phase.upper()})" in str(trouble)
    assert smtp_sink.messages == []


@pytest.mark.parametrize("answer", ["421 busy", "554 no service"])
def test_a_greeting_that_turns_us_away(smtp_sink: SmtpSink, answer: str) -> None:
    smtp_sink.script["connect"] = [answer]
    trouble = trouble_of(reach(smtp_sink.port))
    assert (trouble.phase, trouble.code) == ("greeting", int(answer[:3]))


@pytest.mark.parametrize("phase", ["connect", "ehlo", "mail", "rcpt", "data", "dot"])
@pytest.mark.parametrize("fault", [DROP, HANG])
def test_silence_says_its_phase(smtp_sink: SmtpSink, phase: str, fault: str) -> None:
    smtp_sink.script[phase] = [fault]
    trouble = trouble_of(reach(smtp_sink.port, timeout=SOON))
    assert (trouble.phase, trouble.code) == ("greeting" if phase == "connect" else phase, None)
    assert ("broke the connection" if fault == DROP else "does not answer in time") in str(trouble)


@pytest.mark.parametrize("answer", ["what", "99 x", "700 x", "abc def"])
def test_nonsense_after_the_dot_is_no_answer(smtp_sink: SmtpSink, answer: str) -> None:
    smtp_sink.script["dot"] = [answer]
    trouble = trouble_of(reach(smtp_sink.port))
    assert (trouble.phase, trouble.code) == ("dot", None)


def test_an_endless_answer_is_given_up(smtp_sink: SmtpSink) -> None:
    smtp_sink.script["mail"] = ["250-and on\r\n" * 5000 + "250 ok"]
    trouble = trouble_of(reach(smtp_sink.port))
    assert (trouble.phase, trouble.code) == ("mail", None)


# The final dot (F21, F22)


def test_before_dot_is_called_between_354_and_the_mail(smtp_sink: SmtpSink) -> None:
    seen: list[list[str]] = []
    with SmtpConnection.connect(reach(smtp_sink.port)) as smtp:
        smtp.send(FROM, TO, MAIL, lambda: seen.append([*smtp_sink.commands, str(len(smtp_sink.messages))]))
        smtp_sink.script["rcpt"] = ["450 later"]
        with pytest.raises(SmtpTrouble):
            smtp.send(FROM, TO, MAIL, lambda: seen.append(["never"]))
    assert seen == [["ehlo", "mail", "rcpt", "data", "0"]]


def test_what_fails_before_the_dot_sends_nothing(smtp_sink: SmtpSink) -> None:
    class DiskFull(Exception):
        pass

    def commit() -> None:
        raise DiskFull

    smtp = SmtpConnection.connect(reach(smtp_sink.port))
    with pytest.raises(DiskFull):
        smtp.send(FROM, TO, MAIL, commit)
    with pytest.raises(SmtpTrouble) as caught:
        smtp.send(FROM, TO, MAIL)
    smtp.close()
    assert (caught.value.phase, caught.value.code) == ("connect", None)
    assert smtp_sink.messages == []


@pytest.mark.parametrize("fault", [ACCEPT_AND_DROP, ACCEPT_AND_HANG])
def test_a_lost_answer_to_the_dot_is_known_as_such(smtp_sink: SmtpSink, fault: str) -> None:
    smtp_sink.script["dot"] = [fault]
    trouble = trouble_of(reach(smtp_sink.port, timeout=SOON))
    assert (trouble.phase, trouble.code) == ("dot", None)
    assert len(smtp_sink.messages) == 1


def test_a_swallowed_answer_to_the_dot_is_known_as_such(smtp_sink: SmtpSink, proxy: Proxy) -> None:
    port = proxy.to(smtp_sink.port, Fault("swallow", seen=rb"\r\n\.\r\n"))
    trouble = trouble_of(reach(port, timeout=SOON))
    assert (trouble.phase, trouble.code) == ("dot", None)
    assert len(smtp_sink.wait_for(1)) == 1


def test_a_break_in_the_middle_of_a_mail_is_before_the_dot(smtp_sink: SmtpSink, proxy: Proxy) -> None:
    big = b"Subject: big\r\n\r\n" + b"0123456789\r\n" * 2_000_000
    port = proxy.to(smtp_sink.port, Fault("reset", towards="server", after=100_000))
    trouble = trouble_of(reach(port), big)
    assert (trouble.phase, trouble.code) == ("data", None)
    assert smtp_sink.messages == []


def test_patience_after_the_dot(smtp_sink: SmtpSink) -> None:
    assert SmtpConnection(reach(1, timeout=60))._dot_timeout == 300
    assert SmtpConnection(reach(1, timeout=900))._dot_timeout == 900
    assert SmtpConnection(reach(1, timeout=15), once=True)._dot_timeout == 15


@pytest.mark.parametrize("answer", [DROP, HANG, "500 no goodbye", "421 gone"])
def test_what_quit_is_answered_does_not_matter(
    smtp_sink: SmtpSink, answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ticketd.wire.smtp._GOODBYE", 0.2)
    smtp_sink.script["quit"] = [answer]
    with SmtpConnection.connect(reach(smtp_sink.port)) as smtp:
        smtp.send(FROM, TO, MAIL)
    assert len(smtp_sink.messages) == 1
    smtp.close()


# Logging in


@pytest.mark.parametrize("offered", ["PLAIN LOGIN", "LOGIN", "CRAM-MD5 LOGIN"])
def test_logging_in(smtp_sink: SmtpSink, offered: str) -> None:
    smtp_sink.script["ehlo"] = [f"250-sink\r\n250 AUTH {offered}"]
    with SmtpConnection.connect(logged_in(smtp_sink)) as smtp:
        smtp.send(FROM, TO, MAIL)
    assert smtp_sink.messages[0].username == smtp_sink.username


def test_a_wrong_password_is_tried_once(smtp_sink: SmtpSink) -> None:
    trouble = trouble_of(logged_in(smtp_sink, password=lambda: "wröng"))
    assert isinstance(trouble, LoginRefused)
    assert (trouble.phase, trouble.code) == ("auth", 535)
    assert smtp_sink.commands.count("auth") == 1
    assert "wröng" not in str(trouble)


@pytest.mark.parametrize(
    ("answer", "refused"),
    [("454 4.7.0 later", False), ("421 4.7.0 busy", False), ("535 5.7.8 no", True), ("534 5.7.9 weak", True)],
)
def test_whose_trouble_a_refused_login_is(smtp_sink: SmtpSink, answer: str, refused: bool) -> None:
    smtp_sink.script["auth"] = [answer]
    trouble = trouble_of(logged_in(smtp_sink))
    assert (trouble.phase, trouble.code) == ("auth", int(answer[:3]))
    assert isinstance(trouble, LoginRefused) is refused


def test_a_server_without_a_login_that_we_know(smtp_sink: SmtpSink) -> None:
    smtp_sink.script["ehlo"] = ["250-sink\r\n250 AUTH GSSAPI"]
    assert isinstance(trouble_of(logged_in(smtp_sink)), LoginRefused)


@pytest.mark.parametrize(
    ("offered", "sent"),
    [
        ("PLAIN XOAUTH2", "XOAUTH2 user=support@example.test\1auth=Bearer tok=en\1\1"),
        ("OAUTHBEARER", "OAUTHBEARER n,a=support@example.test,\1auth=Bearer tok=en\1\1"),
    ],
)
def test_a_token_is_sent_as_the_server_knows_it(smtp_sink: SmtpSink, offered: str, sent: str) -> None:
    smtp_sink.script["ehlo"] = [f"250-sink\r\n250 AUTH {offered}"]
    smtp_sink.script["auth"] = ["235 2.7.0 welcome"]
    SmtpConnection.connect(logged_in(smtp_sink, oauth=Bearer("tok=en"))).close()
    mechanism, secret = smtp_sink.arguments["auth"][0].split()
    assert f"{mechanism} {base64.b64decode(secret).decode()}" == sent


def test_a_token_refused_is_a_refused_login(smtp_sink: SmtpSink) -> None:
    smtp_sink.script["auth"] = ["535 5.7.3 expired"]
    assert isinstance(trouble_of(logged_in(smtp_sink, oauth=Bearer("token"))), SmtpLoginRefused)


def test_a_token_that_cannot_be_had(smtp_sink: SmtpSink) -> None:
    gone = Bearer(LoginRefused("the refresh token was revoked"))
    down = Bearer(Unavailable("the token server is down"))
    assert isinstance(trouble_of(logged_in(smtp_sink, oauth=gone)), LoginRefused)
    trouble = trouble_of(logged_in(smtp_sink, oauth=down))
    assert not isinstance(trouble, LoginRefused)
    assert (trouble.phase, trouble.code, trouble.text) == ("auth", None, "the token server is down")
    assert "auth" not in smtp_sink.commands


def test_a_token_refused_is_tried_once_more_with_a_new_one(smtp_sink: SmtpSink) -> None:
    smtp_sink.script["ehlo"] = ["250-sink\r\n250 AUTH XOAUTH2"]
    smtp_sink.script["auth"] = ["535 5.7.3 expired", "235 2.7.0 welcome"]
    SmtpConnection.connect(logged_in(smtp_sink, oauth=Bearer("old", "new"))).close()
    sent = [base64.b64decode(one.split()[1]).decode() for one in smtp_sink.arguments["auth"]]
    assert ["Bearer old" in sent[0], "Bearer new" in sent[1], len(sent)] == [True, True, 2]


# TLS (F6)


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_tls_is_verified(smtp_sink: SmtpSink, authority: Authority, security: str) -> None:
    port = smtp_sink.tls_port if security == "tls" else smtp_sink.port
    with SmtpConnection.connect(
        logged_in(smtp_sink, port=port, security=security, ca_file=str(authority.file))
    ) as smtp:
        smtp.send(FROM, TO, MAIL)
        assert ("DNS", "localhost") in smtp.certificate()["subjectAltName"]
    assert smtp_sink.messages[0].username == smtp_sink.username


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_an_unknown_authority_is_refused(smtp_sink: SmtpSink, security: str) -> None:
    port = smtp_sink.tls_port if security == "tls" else smtp_sink.port
    trouble = trouble_of(logged_in(smtp_sink, port=port, security=security))
    assert (trouble.phase, trouble.code) == ("tls", None)
    assert "cannot be trusted: its certificate comes from an unknown authority" in str(trouble)
    assert "auth" not in smtp_sink.commands


def test_starttls_is_never_done_without(smtp_sink: SmtpSink, authority: Authority) -> None:
    server = logged_in(smtp_sink, security="starttls", ca_file=str(authority.file))
    smtp_sink.script["ehlo"] = ["250-sink\r\n250 AUTH PLAIN"]
    assert "does not offer STARTTLS" in str(trouble_of(server))
    smtp_sink.script["starttls"] = ["454 4.7.0 not now"]
    trouble = trouble_of(server)
    assert (trouble.phase, trouble.code) == ("tls", 454)
    smtp_sink.script["starttls"] = ["220 go on\r\n250-sink\r\n250 AUTH PLAIN"]
    assert "spoke out of turn" in str(trouble_of(server))
    assert "auth" not in smtp_sink.commands


def test_an_unusable_ca_file(smtp_sink: SmtpSink) -> None:
    trouble = trouble_of(logged_in(smtp_sink, security="starttls", ca_file="/nowhere/ca.pem"))
    assert trouble.phase == "tls"
    assert "/nowhere/ca.pem" in str(trouble)


# A network that fails


def test_nobody_listens() -> None:
    port = free_port()
    trouble = trouble_of(reach(port))
    assert (trouble.phase, trouble.code) == ("connect", None)
    assert str(trouble) == f"localhost port {port} refuses the connection: nothing listens there"


def test_silence_from_the_start(smtp_sink: SmtpSink, proxy: Proxy) -> None:
    trouble = trouble_of(reach(proxy.to(smtp_sink.port, Fault("silence")), timeout=SOON))
    assert (trouble.phase, trouble.code) == ("greeting", None)


# A real server


@pytest.mark.server
def test_postfix_takes_and_refuses(postfix: Postfix, dovecot: Dovecot) -> None:
    account = dovecot.user()
    content = MAIL + b".dot\r\n.\r\n" + b"x" * 900 + b"\r\n"
    with SmtpConnection.connect(reach(postfix.port, host=postfix.host)) as smtp:
        assert smtp.send(FROM, account.address, content).startswith("2.0.0 Ok: queued as")
        with pytest.raises(SmtpTrouble) as caught:
            smtp.send(FROM, "refused@example.com", content)
        smtp.send(FROM, account.address, content)
    assert (caught.value.phase, caught.value.enhanced) == ("rcpt", (5, 7, 1))
    wait_until(lambda: len(account.mails()) == 2, "both mails are delivered")
    assert all(mail.endswith(content.partition(b"\r\n\r\n")[2]) for mail in account.mails())
