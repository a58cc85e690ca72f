"""Paths that a command is given and cannot use: one clear sentence, and nothing half done."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.kit import Cli, mail


@pytest.fixture
def desk(cli: Cli) -> Cli:
    cli.take_in(mail("first"))
    (cli.directory / "file").write_text("here already")
    return cli


COMMANDS = {
    "show": ("show", 1, "--save"),
    "export": ("export", "jane@example.org"),
    "export all": ("export", "--all"),
    "report": ("report", "--html"),
    "backup": ("db", "backup"),
    "demo": ("demo", "--dir"),
}


@pytest.mark.parametrize("path", ["file/below", "missing/../file/x", "n" * 300])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_path_that_cannot_be_written_is_one_sentence(desk: Cli, command: str, path: str) -> None:
    answer = desk(*COMMANDS[command], desk.directory / path)
    assert answer.status in (1, 2)
    assert (answer.err.count("\n"), "ticketd itself" in answer.err) == (1, False), answer.err
    assert str(desk.directory) in answer.err
    assert (desk.directory / "file").read_text() == "here already"


@pytest.mark.parametrize("command", ["show", "export", "export all", "backup", "demo"])
def test_a_file_where_a_directory_or_a_new_file_is_wanted(desk: Cli, command: str) -> None:
    answer = desk(*COMMANDS[command], desk.directory / "file")
    assert answer.status in (1, 2)
    assert (answer.err.count("\n"), "ticketd itself" in answer.err) == (1, False), answer.err


def test_a_report_to_a_directory(desk: Cli) -> None:
    answer = desk("report", "--html", desk.directory)
    assert (answer.status, "Is a directory" in answer.err) == (1, True)


@pytest.mark.parametrize("path", ["missing", ".", "file/below"])
def test_what_cannot_be_read_is_one_sentence(desk: Cli, path: str) -> None:
    for command in (
        ("new", "--requester", "a@b.example", "--subject", "x", "--attach", path),
        ("new", "--from-chat", path),
        ("reply", 1, "--attach", path),
    ):
        answer = desk(*command, text="x")
        assert (answer.status, answer.err.count("\n")) == (1, 1)
        assert "cannot read" in answer.err
    assert len(desk("list", "--json").json) == 1


def test_a_state_directory_below_a_file(cli: Cli) -> None:
    path = cli.directory / "ticketd.toml"
    path.write_text(path.read_text().replace('"state"', '"ticketd.toml/state"'))
    for command in (("list",), ("run", "--once"), ("db", "upgrade")):
        answer = cli(*command)
        assert (answer.status, answer.err.count("\n")) == (1, 1)
        assert "Not a directory" in answer.err


@pytest.mark.parametrize("content", ["[" * 100_000, '{"a":' * 100_000, '{"visitor": ' + "[" * 100_000])
def test_a_transcript_that_is_nested_too_deeply(cli: Cli, content: str) -> None:
    file: Path = cli.directory / "deep.json"
    file.write_text(content)
    answer = cli("new", "--from-chat", file)
    assert (answer.status, answer.err.count("\n")) == (2, 1)
    assert "nested too deeply" in answer.err
