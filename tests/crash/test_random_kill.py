"""The real daemon killed at random moments under load; two hundred times in ``make soak``."""

import random
from pathlib import Path

import pytest

from tests.crash.random_kill import Target, kill_at_random
from tests.servers.dovecot import Dovecot
from tests.servers.smtp_sink import SmtpSink

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_killed_at_random(
    dovecot: Dovecot, smtp_sink: SmtpSink, directory: Path, database: str, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("pg_url") if database == "postgresql" else ""
    seed = random.randrange(1_000_000)
    toll = kill_at_random(Target(dovecot, smtp_sink, directory, url), 3, random.Random(seed))
    print(seed, toll)
    assert toll.mails >= 18
    assert toll.wrong == 0, (seed, toll)
    assert toll.repeats <= toll.kills
