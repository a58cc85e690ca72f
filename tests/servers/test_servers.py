"""The private servers themselves: each starts, serves and keeps tests apart."""

from __future__ import annotations

import smtplib

import pytest

from tests.servers.dovecot import Dovecot
from tests.servers.postfix import Postfix
from tests.servers.process import need, wait_until
from tests.servers.proxy import Fault, Proxy
from tests.servers.smtp_sink import ACCEPT_AND_DROP, SmtpSink

MAIL = b"From: jane@example.com\r\nTo: support@example.test\r\nSubject: Hello\r\n\r\nHello.\r\n"


@pytest.mark.server
def test_dovecot_gives_each_test_its_own_account(dovecot: Dovecot) -> None:
    one, other = dovecot.user(), dovecot.user()
    one.deliver(MAIL)
    assert one.mails() == [MAIL]
    assert other.mails() == []


@pytest.mark.server
def test_postfix_delivers_into_dovecot_and_bounces(dovecot: Dovecot, postfix: Postfix) -> None:
    sender, recipient = dovecot.user(), dovecot.user()
    plus = recipient.address.replace("@", "+t42.tag@")
    with smtplib.SMTP(postfix.host, postfix.port) as client:
        client.sendmail(sender.address, [plus], MAIL)
        client.sendmail(sender.address, ["gone@example.com"], MAIL)
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            client.sendmail(sender.address, ["refused@example.com"], MAIL)
    wait_until(lambda: bool(recipient.mails() and sender.mails()), "the mail and the bounce are delivered")
    assert f"Delivered-To: {plus}".encode() in recipient.mails()[0]
    assert b"multipart/report" in sender.mails()[0]
    assert b"Status: 5.1.1" in sender.mails()[0]


def test_sink_keeps_mail_and_follows_its_script(smtp_sink: SmtpSink) -> None:
    smtp_sink.script["dot"] = ["451 4.3.0 try later", ACCEPT_AND_DROP]
    with smtplib.SMTP(smtp_sink.host, smtp_sink.port) as client:
        with pytest.raises(smtplib.SMTPDataError):
            client.sendmail("a@example.test", ["b@example.com"], MAIL)
        with pytest.raises(smtplib.SMTPServerDisconnected):
            client.sendmail("a@example.test", ["b@example.com"], MAIL)
    assert [(mail.recipient, mail.content) for mail in smtp_sink.messages] == [("b@example.com", MAIL)]


@pytest.mark.server
def test_pg_url_is_an_empty_database(pg_url: str) -> None:
    import psycopg

    with psycopg.connect(pg_url.replace("+psycopg", "")) as connection:
        connection.execute("CREATE TABLE mine (id int)")
        count = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"
        assert connection.execute(count).fetchone() == (1,)


def test_proxy_passes_on_and_swallows(smtp_sink: SmtpSink, proxy: Proxy) -> None:
    lost = Fault("swallow", seen=rb"\r\n\.\r\n")
    port = proxy.to(smtp_sink.port, Fault(), lost)
    with smtplib.SMTP("127.0.0.1", port) as client:
        client.sendmail("a@example.test", ["b@example.com"], MAIL)
    client = smtplib.SMTP("127.0.0.1", port, timeout=0.5)
    with pytest.raises(smtplib.SMTPServerDisconnected):
        client.sendmail("a@example.test", ["c@example.com"], MAIL)
    client.close()
    assert len(smtp_sink.wait_for(2)) == 2


def test_a_missing_server_skips_here_and_fails_where_ci_promised_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    need("sh")
    with pytest.raises(pytest.skip.Exception, match="no-such-server"):
        need("sh", "no-such-server")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no-such-server"):
        need("no-such-server")
