"""How far an import is: bars for whom looks, lines in the log for whom does not."""

import io
import sys
import threading

import structlog

from tests.servers.process import wait_until
from ticketd import headway
from ticketd.headway import MANY, Bars, Lines


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Watch:
    seconds = 0.0

    def __call__(self):
        return self.seconds


def told(lines, steps, what="fetched", seconds=0.0):
    """What is logged of these steps (done, total), so many seconds apart."""
    with structlog.testing.capture_logs() as logs:
        for done, total in steps:
            lines(what, done, total)
            lines._elapsed.seconds += seconds
    return [(line[what.replace(" ", "_")], line["out_of"]) for line in logs]


def test_a_few_mails_are_not_worth_a_line():
    assert told(Lines("support", Watch()), [(n, 200) for n in range(50, 201, 50)]) == []


def test_a_line_every_5000_mails_and_one_at_the_end():
    steps = [(n, 12_000) for n in range(50, 12_001, 50)]
    assert told(Lines("support", Watch()), steps) == [(5050, 12_000), (10_050, 12_000), (12_000, 12_000)]


def test_a_slow_import_has_a_line_a_minute():
    lines = Lines("support", Watch())
    assert told(lines, [(n, 10) for n in range(1, 11)], "taken in", 25.0) == [(4, 10), (7, 10), (10, 10)]
    assert told(lines, [(n, 3) for n in range(1, 4)], "taken in", 25.0) == []  # the next one starts afresh


def test_bars_come_with_many_mails_go_when_they_are_done_and_leave_the_log_above(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with headway.shown() as shown:
        support, sales = shown("support"), shown("sales")
        support("fetched", 0, MANY - 1)
        assert terminal.getvalue() == ""
        support("fetched", 50, MANY + 50)
        assert sys.stderr is not terminal
        print("a line of the log", file=sys.stderr)
        sales("taken in", 0, 2 * MANY)
        support("fetched", MANY + 50, MANY + 50)
        sales("taken in", 2 * MANY, 2 * MANY)
        assert sys.stderr is terminal
    seen = terminal.getvalue()
    assert "a line of the log\n" in seen
    assert f"{MANY + 50}/{MANY + 50}" in seen
    assert "sales: taken in" in seen


def test_bars_are_taken_away_when_the_work_is_cut_short(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    before = threading.active_count()
    bars = Bars()
    bars.of("support")("fetched", 0, 10_000)
    bars.close()
    assert sys.stderr is terminal
    wait_until(lambda: threading.active_count() == before, "nobody draws any more")


def test_where_nobody_looks_it_is_the_log(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with headway.shown() as shown:
        assert isinstance(shown("support"), Lines)
