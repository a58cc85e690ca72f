"""The man pages tell of every command, option, exit status and config key, and are faultless roff."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from tests.servers.process import need
from tests.test_config_load import read
from ticketd import errors, roff
from ticketd.cli.app import app
from ticketd.config.reference import documented_keys, header, tables
from ticketd.manual import ENVIRONMENT, SIGNALS, SMALLEST, STATUSES, config_page, program_page

PAGES = {"ticketd.8": program_page, "ticketd.toml.5": config_page}


def as_text(page: str) -> str:
    """A page without its markup: what a reader sees, but for line breaks."""
    page = page.replace(r"\-", "-").replace(r"\(aq", "'").replace(r"\e", "\\")
    page = re.sub(r"\\\[u([0-9A-F]+)\]", lambda sign: chr(int(sign[1], 16)), page)
    return re.sub(r"\\f[BIR]|\\&", "", page)


PROGRAM, CONFIG = as_text(program_page()), as_text(config_page())


def commands(group: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    for word, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{word} ")
        else:
            yield name + word, command


COMMANDS = dict(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there_with_all_that_it_takes(name):
    chapter = re.search(rf"^\.SS {name}\b(.*?)(?=^\.S[SH] )", PROGRAM, re.MULTILINE | re.DOTALL)
    assert chapter, name
    for parameter in COMMANDS[name].params:
        names = parameter.opts if parameter.param_type_name == "option" else [parameter.metavar]
        assert all(
            re.search(rf"^{re.escape(each)}(?![\w-])", chapter[1], re.MULTILINE) for each in names if each
        )
        assert parameter.help, f"{name} {parameter.name} says nothing of itself"


def test_the_global_options_are_there():
    assert re.search("^-c, --config FILE$", PROGRAM, re.MULTILINE)
    assert re.search("^--debug$", PROGRAM, re.MULTILINE)


def test_every_exit_status_of_an_error_is_there():
    raised = {each.exit_status for each in vars(errors).values() if hasattr(each, "exit_status")}
    assert raised <= set(STATUSES)
    assert all(re.search(rf"^\.TP\n{status}\n", PROGRAM, re.MULTILINE) for status in STATUSES)


def test_the_signals_and_the_environment_are_those_of_the_code():
    sources = "".join(path.read_text("utf-8") for path in Path(errors.__file__).parent.rglob("*.py"))
    code = sources.replace("signal.", "")
    assert all(f"{name}" in code for name in SIGNALS)
    asked_for = set(re.findall(r'environ(?:\.get\(|\[)"([A-Z_]+)"', sources))
    assert {name for name in asked_for if not name.startswith("WATCHDOG_")} <= set(ENVIRONMENT)


@pytest.mark.parametrize("key", documented_keys(), ids=lambda key: key.name)
def test_every_key_stands_below_its_table(key):
    *place, name = key.name.split(".")
    chapter = CONFIG.partition(f"\n.SS {header(tuple(place))}\n")[2].partition("\n.S")[0]
    assert f"\n.TP\n{name} ({key.type})\n" in f"\n{chapter}"
    if key.default.startswith("`"):
        assert f"Default: {key.default.replace('`', '')}." in chapter


def test_tables_that_may_stand_several_times_say_so():
    shown = {place: header(place) for place in tables() if place}
    assert shown["mailboxes",] == "[[mailboxes]]"
    assert shown["sla", "policies", "match"] == "[sla.policies.match]"
    assert {place for place, words in shown.items() if words.startswith("[[")} == {
        ("mailboxes",),
        ("agents",),
        ("sla", "policies"),
    }


def test_the_example_is_a_config(tmp_path):
    assert read(tmp_path, SMALLEST).mailboxes[0].name == "support"
    assert SMALLEST.split("\n")[-1] in CONFIG


@pytest.mark.parametrize("name", PAGES)
def test_roff_finds_nothing_to_warn_of(name):
    need("groff")
    done = subprocess.run(
        ["groff", "-man", "-ww", "-z"],
        input=PAGES[name](),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_page_is_plain_ascii_so_that_no_locale_spoils_it():
    assert all(make().isascii() for make in PAGES.values())


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("say `--json` twice", r"say \fB\-\-json\fR twice"),
        (".PP is no macro here", r"\&.PP is no macro here"),
        ("'nor this", r"\&'nor this"),
        (r"a \ stays", r"a \e stays"),
        ("…", r"\[u2026]"),
        ("one\n  line", "one line"),
    ],
)
def test_text_stays_text(text, marked):
    assert roff.prose(text) == marked
