"""A desk for each test, and servers that live in this process."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tests.cli.kit import Cli
from ticketd.wire.embedded import EmbeddedServers


@pytest.fixture(autouse=True)
def _own_log() -> Iterator[None]:
    """Undo what a command did to the log: its stream ends with the test."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The command line on a fresh desk whose servers do not answer."""
    return Cli(tmp_path, capsys.readouterr, monkeypatch).configure()


@pytest.fixture(scope="module")
def servers() -> Iterator[EmbeddedServers]:
    """A mail server in this process, with an account for the desk and for each agent."""
    with EmbeddedServers({"support@example.com": "s", "anna@example.com": "a"}) as running:
        yield running
