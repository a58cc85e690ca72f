"""Structured logs: JSON under systemd and in pipes, readable lines on a terminal, always on standard error.

Every event is one line: a verb or a sentence, bound with mailbox, ticket and message id.
Mail has seven verbs: taken-in, held, queued, sent, deferred, refused, filed. Whatever a
stranger wrote is escaped, and tracebacks carry no local variables, since those hold secrets.
"""

from __future__ import annotations

import io
import logging
import os
import re
import sys
import traceback
from collections.abc import Mapping
from typing import Any, TextIO, cast

import structlog

Event = structlog.typing.EventDict

_LIBRARIES = dict.fromkeys(("apscheduler", "imapclient", "alembic", "httpx2", "httpcore2"), logging.WARNING)


def set_up(log_format: str = "auto", level: str = "info", stream: TextIO | None = None) -> None:
    """Send all logs to ``stream`` (standard error) as ``auto``, ``json`` or ``console``."""
    out = stream or cast(TextIO, _StandardError())
    threshold = logging.getLevelNamesMapping()[level.upper()]
    as_json = log_format == "json" or (log_format == "auto" and _prefers_json(out, os.environ))
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _render_traceback,
            _escape,
            _renderer(out, as_json=as_json),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.WriteLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    _adopt_libraries(threshold)


class _StandardError(io.TextIOBase):
    """Standard error as it is at that moment: while progress bars are shown, what is above them."""

    def write(self, text: str, /) -> int:
        """Write a line."""
        return sys.stderr.write(text)

    def flush(self) -> None:
        """Let it be seen."""
        sys.stderr.flush()

    def isatty(self) -> bool:
        """Whether somebody looks."""
        return sys.stderr.isatty()


def _prefers_json(out: TextIO, environ: Mapping[str, str]) -> bool:
    under_systemd = "JOURNAL_STREAM" in environ or "INVOCATION_ID" in environ
    return under_systemd or not out.isatty()


def _renderer(out: TextIO, *, as_json: bool) -> structlog.typing.Processor:
    if as_json:
        return structlog.processors.JSONRenderer(sort_keys=False)
    return structlog.dev.ConsoleRenderer(colors=out.isatty(), pad_event_to=24)


def _render_traceback(_logger: object, _method: str, event: Event) -> Event:
    """Turn ``exc_info`` into text: frames and message, no locals."""
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()[1]
    if isinstance(info, tuple):
        info = info[1]
    if isinstance(info, BaseException):
        lines = "".join(traceback.format_exception(info)).splitlines()
        event["exception"] = "\n".join(map(printable, lines))
    return event


def _escape(_logger: object, _method: str, event: Event) -> Event:
    for key, value in event.items():
        if isinstance(value, str) and key != "exception":
            event[key] = printable(value)
    return event


_ADDRESS = re.compile(r"[^\s<>@\"',;:()]{1,64}@[^\s<>@\"',;:()]{1,255}")


def without_addresses(text: str) -> str:
    """What a server said, without the addresses in it: whose mail it was is not for the journal."""
    return _ADDRESS.sub("…@…", text)


def printable(text: str) -> str:
    """``text`` with every control, bidi and line-breaking character escaped."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


class _Forward(logging.Handler):
    """Hands what libraries log to structlog, so that all lines look alike."""

    def emit(self, record: logging.LogRecord) -> None:
        logger: Any = structlog.get_logger()
        logger.log(record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info or None)


def _adopt_libraries(threshold: int) -> None:
    root = logging.getLogger()
    root.handlers[:] = [handler for handler in root.handlers if not isinstance(handler, _Forward)]
    root.addHandler(_Forward())
    root.setLevel(max(threshold, logging.WARNING))
    for name, level in _LIBRARIES.items():
        logging.getLogger(name).setLevel(max(threshold, level))
