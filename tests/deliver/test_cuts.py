"""The connection to the SMTP server cut at every point: nothing lost, never a copy unaccounted for."""

from dataclasses import replace

import pytest

from tests.servers.proxy import Fault

pytestmark = [pytest.mark.server, pytest.mark.slow]


@pytest.mark.parametrize("towards", ["client", "server"])
@pytest.mark.parametrize("kind", ["reset", "close"])
def test_every_mail_arrives_once_or_twice_as_the_same_and_then_an_event_says_so(
    desk, smtp_sink, clock, proxy, kind, towards
):
    twice = 0
    for cut in range(0, 700, 15):
        port = proxy.to(smtp_sink.port, Fault(kind, towards=towards, after=cut), Fault())
        desk.server = replace(desk.server, port=port)
        smtp_sink.messages.clear()
        before = len(desk.events("resent"))
        desk.queue()
        for _ in range(4):
            desk.courier.run()
            clock.pass_(minutes=20)
        copies = [message.content for message in smtp_sink.messages]
        assert desk.rows("reply")[-1]["state"] == "sent"
        assert 1 <= len(copies) <= 2
        assert len(set(copies)) == 1
        doubted = len(desk.events("resent")) - before
        assert doubted >= len(copies) - 1  # a mail may be in doubt though it never arrived
        twice += len(copies) - 1
    assert twice or (kind, towards) != ("reset", "client")
    assert not desk.rows("notification")
