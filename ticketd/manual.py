"""The man pages, made from the code: ticketd(8) from the commands, ticketd.toml(5) from the config's models.

Only what no command and no key can say of itself stands here as text. Nothing made is kept
in git; `ticketd install` makes the pages where it puts them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

import typer

from ticketd import __version__, roff
from ticketd.config.reference import Key, documented_keys, header

_SOURCE = f"ticketd {__version__}"

DESCRIPTION = """\
ticketd watches the mailboxes that a team already has, turns each conversation into a ticket, and lets
agents work those tickets from the mail client that they already use.

`ticketd run` is the daemon; a systemd unit starts it. The other commands look at the same desk, or change
it, while it runs. Run as root, they act as the owner of the state directory. Tables are for terminals,
plain text for pipes, `--json` prints one JSON document on standard output and nothing else there. Errors
are one sentence on standard error."""

STATUSES: Mapping[int, str] = {
    0: "Done. For `status`: healthy.",
    1: "It failed. For `status`: degraded.",
    2: "Wrong usage.",
    75: "Something outside is unreachable or refuses: try again later.",
    78: "The config cannot load, or another daemon holds the database. The unit does not restart it.",
    130: "Interrupted at the terminal.",
    143: "`run --once` was stopped by SIGTERM before it was done; the next one goes on from there.",
}

SIGNALS: Mapping[str, str] = {
    "SIGHUP": "Read the config and its secrets again. A config that does not validate is refused and"
    " logged, and the old one stays in force. Another database or `state_dir` needs a restart.",
    "SIGTERM": "Finish the transaction in hand and stop, within ten seconds. So does `SIGINT`.",
}

ENVIRONMENT: Mapping[str, str] = {
    "TICKETD_CONFIG": "The config, where there is no `-c`.",
    "STATE_DIRECTORY": "The state directory, where the config names none. systemd sets it.",
    "CREDENTIALS_DIRECTORY": "Where the secrets are that the config calls credentials. systemd sets it.",
    "NOTIFY_SOCKET": "Where systemd hears that the daemon is ready, reloads, stops, lives (`WATCHDOG_USEC`).",
}

FILES: Mapping[str, str] = {
    "/etc/ticketd/ticketd.toml": "The config, see ticketd.toml(5).",
    "/etc/ticketd/credentials/": "What the config calls credentials, a file each: for the service and for"
    " commands at a terminal.",
    "/var/lib/ticketd/": "The state directory of the service; with SQLite, `ticketd.db` there is the desk.",
}

_VALUES: Mapping[str, str] = {
    "str": "TEXT",
    "path": "FILE",
    "int": "N",
    "int range": "N",
    "list[str]": "TEXT",
    "list[Path]": "FILE",
}
"""What stands for a value of each type; a choice shows its words."""


def program_page() -> str:
    """The page ticketd(8)."""
    return roff.page(_program())


def config_page() -> str:
    """The page ticketd.toml(5)."""
    return roff.page(_config())


# ticketd(8)


def _program() -> Iterator[str]:
    group = _group()
    context = typer.Context(group, info_name="ticketd")
    yield from roff.title("ticketd", 8, _SOURCE)
    yield roff.section("name")
    yield r"ticketd \- a help desk that lives in mail"
    yield roff.section("synopsis")
    yield f"{roff.bold('ticketd')} [{roff.bold('-c')} {roff.italic('FILE')}] {roff.italic('command')} ..."
    yield roff.section("description")
    yield from roff.paragraphs(DESCRIPTION)
    yield roff.section("options")
    yield from _parameters(group, context)
    yield roff.section("commands")
    for name, command in _commands(group):
        yield from _command(name, command, context)
    yield from _entries("exit status", {str(status): text for status, text in STATUSES.items()})
    yield from _entries("signals", SIGNALS)
    yield from _entries("environment", ENVIRONMENT)
    yield from _entries("files", FILES)
    yield roff.section("see also")
    yield r"ticketd.toml(5), systemd.service(5), journalctl(1)"


def _group() -> Any:
    from ticketd.cli.app import app

    return typer.main.get_command(app)


def _commands(group: Any) -> Iterator[tuple[str, Any]]:
    """Every command by its full name; a group's commands in place of the group."""
    for name, command in group.commands.items():
        inside = getattr(command, "commands", None)
        if inside is None:
            yield name, command
        else:
            yield from ((f"{name} {inner}", each) for inner, each in inside.items())


def _command(name: str, command: Any, context: Any) -> Iterator[str]:
    own = typer.Context(command, parent=context, info_name=name)
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    words = [roff.bold(name), *(_argument(each) for each in arguments)]
    if len(arguments) < len(command.params):
        words.append(f"[{roff.italic('options')}]")
    yield roff.heading(" ".join(words))
    yield from roff.paragraphs(command.help)
    yield from _parameters(command, own)


def _argument(parameter: Any) -> str:
    word = roff.italic(_placeholder(parameter))
    return word if parameter.required else f"[{word}]"


def _parameters(command: Any, context: Any) -> Iterator[str]:
    for parameter in command.params:
        _, text = parameter.get_help_record(context)
        yield from roff.entry(_named(parameter, context), _told(text))


def _told(text: str) -> str:
    """What a parameter's help says; of what typer adds in brackets, the default."""
    told, _, added = text.partition("  [")
    default = re.search(r"default: ([^;\]]*)", added)
    return f"{told} Default: {default[1]}." if default else told


def _named(parameter: Any, context: Any) -> str:
    """An argument's word, or an option's names and the word for its value."""
    if parameter.param_type_name == "argument":
        return roff.italic(_placeholder(parameter))
    names = ", ".join(roff.bold(name) for name in parameter.opts)
    if parameter.is_flag:
        return names
    kind = parameter.display_type(context).strip("<>")
    return f"{names} {roff.italic(parameter.metavar or _VALUES.get(kind, kind))}"


def _placeholder(parameter: Any) -> str:
    return str(parameter.metavar or parameter.name.upper())


def _entries(name: str, entries: Mapping[str, str]) -> Iterator[str]:
    yield roff.section(name)
    for word, text in entries.items():
        yield from roff.entry(roff.bold(word), text)


# ticketd.toml(5)

SYNTAX = """\
The config is TOML, and UTF-8. `ticketd check` tells whether it is right; an unknown key is an error that
names the file, the line and the nearest valid key. `systemctl reload ticketd` puts it in force.

A duration is `"90s"`, `"5m"`, `"2h"`, `"3d"` or `"5y"` (years of 365 days); a size is `"800KB"` or
`"50MB"`. Relative paths begin at the config.

A secret is one of four: `{ credential = "name" }`, what systemd gives by `LoadCredential=`, else the file
`credentials/name` beside the config; `{ file = "path" }`; `{ env = "NAME" }`; or a plain string, which is
warned about when others can read the file."""

SMALLEST = """\
[[mailboxes]]
name = "support"
address = "support@example.com"

  [mailboxes.imap]
  host = "imap.example.com"
  username = "support@example.com"
  password = { credential = "support" }

  [mailboxes.smtp]
  host = "smtp.example.com"
  username = "support@example.com"
  password = { credential = "support" }

[[agents]]
name = "anna"
address = "anna@example.com\""""


def _config() -> Iterator[str]:
    yield from roff.title("ticketd.toml", 5, _SOURCE)
    yield roff.section("name")
    yield r"ticketd.toml \- the config of ticketd"
    yield roff.section("synopsis")
    yield roff.italic("/etc/ticketd/ticketd.toml")
    yield roff.section("description")
    yield from roff.paragraphs(SYNTAX)
    yield roff.section("keys")
    yield from roff.paragraphs("A table in double brackets may stand several times.")
    for place, keys in groupby(documented_keys(), _place):
        yield roff.heading(roff.literal(header(place)))
        for key in keys:
            yield from _key(key)
    yield roff.section("example")
    yield from roff.paragraphs("Enough for a desk:")
    yield from roff.example(SMALLEST)
    yield roff.section("see also")
    yield "ticketd(8), systemd.exec(5)"


def _place(key: Key) -> tuple[str, ...]:
    return tuple(key.name.split(".")[:-1])


def _key(key: Key) -> list[str]:
    """A key: its name and type, what it means, its default."""
    meaning = f"{key.meaning[:1].upper()}{key.meaning[1:]}. {_default(key)}"
    return roff.entry(f"{roff.bold(key.name.rpartition('.')[2])} ({roff.plain(key.type)})", meaning)


def _default(key: Key) -> str:
    if key.default in ("required", "\N{EN DASH}"):
        return "Required." if key.default == "required" else ""
    return f"Default: {key.default}."
