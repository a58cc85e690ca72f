"""demo: it plays whole, leaves what it promises, and fails where a step was not seen."""

from __future__ import annotations

import pytest

from ticketd import demo
from ticketd.decide.reading.parse import parse
from ticketd.errors import UsageError


@pytest.mark.slow
def test_the_demo_plays_and_leaves_database_and_mails(tmp_path, cli):
    answer = cli("demo", "--dir", tmp_path / "kept")
    assert answer.status == 0, answer.err
    assert answer.out.rstrip().splitlines()[-1].startswith("Every step was seen to happen")
    assert "solved" in answer.out.partition("ticketd list all")[2]
    mails = sorted((tmp_path / "kept" / "mails" / "jane").iterdir())
    assert len(mails) == 2
    assert "pull the plug" in parse(mails[0].read_bytes()).text
    assert (tmp_path / "kept" / "state" / "ticketd.db").exists()


@pytest.mark.slow
def test_a_daemon_that_does_not_run_is_a_failed_demo(tmp_path, cli, monkeypatch):
    monkeypatch.setattr(demo, "_CONFIG", demo._CONFIG + "\nunknown = 1\n")
    answer = cli("demo", "--dir", tmp_path / "kept")
    assert answer.status == 1
    assert "the daemon ended with status 78" in answer.err
    assert "Every step" not in answer.out


def test_an_earlier_demo_is_not_played_over(tmp_path):
    (tmp_path / "state").mkdir()
    with pytest.raises(UsageError, match="earlier demo"):
        demo.play(tmp_path)


def test_without_its_packages_it_says_what_to_install(cli, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pymap.imap", None)
    answer = cli("demo")
    assert answer.status != 0
    assert "ticketd[demo]" in answer.err
