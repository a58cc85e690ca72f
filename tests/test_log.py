"""Logs: one line an event, nothing of a stranger's unescaped, no secret in a traceback."""

import io
import json
import logging

import pytest
import structlog

from ticketd import log
from ticketd.log import without_addresses


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def _fresh():
    handlers, level = logging.getLogger().handlers[:], logging.getLogger().level
    yield
    structlog.reset_defaults()
    logging.getLogger().handlers[:] = handlers
    logging.getLogger().setLevel(level)


def lines_of(out):
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_json_lines_carry_the_verb_and_its_bindings():
    out = io.StringIO()
    log.set_up("json", "info", out)
    structlog.get_logger().info("sent", mailbox="support", ticket=42)
    (line,) = lines_of(out)
    assert (line["event"], line["mailbox"], line["ticket"], line["level"]) == ("sent", "support", 42, "info")


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_stranger_cannot_write_lines_or_colours(log_format):
    out = io.StringIO()
    log.set_up(log_format, "info", out)
    structlog.get_logger().info("refused", reason="x\r\nsent\x1b[31m\u202e\u2028y")
    text = out.getvalue()
    assert text.count("\n") == 1
    assert not {"\r", "\x1b", "\u202e", "\u2028"} & set(text)


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_tracebacks_hold_no_locals_and_no_raw_controls(log_format):
    out = io.StringIO()
    log.set_up(log_format, "info", out)
    password = "hunter2-secret"  # a local that a careless formatter would print
    try:
        raise ValueError("odd \x1b[31m" + "\x07")
    except ValueError:
        structlog.get_logger().exception("broken")
    assert password not in out.getvalue()
    assert "ValueError" in out.getvalue()
    assert not {"\x1b", "\x07"} & set(out.getvalue())


def test_the_level_holds():
    out = io.StringIO()
    log.set_up("json", "warning", out)
    structlog.get_logger().info("quiet")
    structlog.get_logger().warning("loud")
    assert [line["event"] for line in lines_of(out)] == ["loud"]


def test_libraries_speak_through_the_same_lines():
    out = io.StringIO()
    log.set_up("json", "info", out)
    logging.getLogger("apscheduler.scheduler").warning("late by %s", "3 s")
    (line,) = lines_of(out)
    assert line["event"] == "late by 3 s"
    assert line["logger"] == "apscheduler.scheduler"


@pytest.mark.parametrize(
    ("out", "environ", "expected"),
    [
        (Terminal(), {}, False),
        (Terminal(), {"INVOCATION_ID": "1"}, True),
        (Terminal(), {"JOURNAL_STREAM": "8:1"}, True),
        (io.StringIO(), {}, True),
    ],
)
def test_auto_is_json_unless_a_person_reads(out, environ, expected):
    assert log._prefers_json(out, environ) is expected


@pytest.mark.parametrize(
    ("said", "logged"),
    [
        ("550 5.1.1 <jane@example.org>: no such user", "550 5.1.1 <…@…>: no such user"),
        ("jane.doe+x@mail.example.org jane@example.com unknown", "…@… …@… unknown"),
        ("250 2.0.0 queued as 4F2", "250 2.0.0 queued as 4F2"),
        ("@", "@"),
    ],
)
def test_what_a_server_said_is_logged_without_addresses(said: str, logged: str) -> None:
    assert without_addresses(said) == logged
