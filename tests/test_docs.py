"""Docs that fail: README's commands, statuses, table of commands for agents, and map of the house."""

import re
from pathlib import Path

from ticketd.decide.acting.transition import TABLE, Happening
from ticketd.decide.excerpts.commands import VOCABULARY
from ticketd.decide.model import Status

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def test_every_command_of_the_program_is_documented() -> None:
    from ticketd.cli.app import app

    names = [command.name for command in app.registered_commands] + [
        group.name for group in app.registered_groups
    ]
    missing = [name for name in names if f"`{name}`" not in README]
    assert not missing


def test_every_word_that_agents_can_write_is_documented() -> None:
    assert not set(VOCABULARY) - set(re.findall(r"#(\w+)", README))


def test_the_status_table_is_the_programs() -> None:
    for happening in Happening:
        after = [str(TABLE[status, happening]) for status in Status]
        assert f"| {happening} | {' | '.join(after)} |" in README


def test_the_map_of_the_house_is_true() -> None:
    told = set(re.findall(r"^    (\w+)/ ", README, re.MULTILINE))
    there = {path.name for path in (ROOT / "ticketd").iterdir() if (path / "__init__.py").exists()}
    assert told == there
    told = set(re.findall(r"^        (\w+)/ ", README, re.MULTILINE))
    there = {path.name for path in (ROOT / "ticketd/decide").iterdir() if (path / "__init__.py").exists()}
    assert told == there


def test_the_changelog_has_an_entry_for_this_version() -> None:
    assert "## Unreleased" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_nothing_committed_names_a_registry_or_a_machine() -> None:
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    assert "://" not in lock
