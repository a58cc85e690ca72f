"""The command block of an agent's mail: the first lines that begin with ``#``.

Forgiving of form (case, full-width signs, odd spaces, autocorrected dashes, a trailing
full stop), never of meaning: what is not understood whole is a problem, and the mail
is held. Knows nothing of tickets or of who the agent is; ``act`` carries commands out.
"""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ticketd.decide import clean
from ticketd.decide.excerpts.typed import read_typed
from ticketd.decide.model import Priority, Status

# Characters that mail clients put in unseen; they never change what a command means.
_UNSEEN = dict.fromkeys([*clean.UNSEEN, 0xFFFC, *range(0xFE00, 0xFE10)])
_SPACES = {ord(char): " " for char in "\u00a0\u2007\u202f\u2002\u2003\u2009\u3000\t"}
_SIGNS = {**dict.fromkeys(map(ord, "＃﹟♯"), "#"), ord("："): ":", ord("＋"): "+"}
_DASHES = {ord(char): "-" for char in "\u2010\u2011\u2012\u2013\u2014\u2212\uff0d"}
_FORM = {**_UNSEEN, **_SPACES, **_SIGNS}
_WORD = re.compile(r"#\s{0,4}(\w[\w-]{0,39})\s*(:?)\s*(.{0,2000})", re.DOTALL)
# What a client makes of bold, italics, lists and quotation marks in a plain text (``*#note*``, ``• #note``).
_DRESS = "*_/~`'\"“”„‟«»‹›‘’‚\\•‣◦▪·–—-+ "
_NUMBERED = re.compile(r"\d{1,3}[.)]\s{0,4}(?=[^\w\s])")
_BOLD_WORD = re.compile(r"(#\s{0,4}[\w-]{1,40}?)[*_~`]{1,3}(?=[\s:])")
_MEANT = re.compile(r"#\s{0,4}[^\W\d_]")
# What a client writes where a picture stands.
_PICTURE = re.compile(
    r"(?:\[[^\[\]]{0,300}\]|<[^<>\s]{0,300}\.(?:png|jpe?g|gif|webp)>|\ufffc|\s){1,20}", re.IGNORECASE
)

STATUS_WORDS = MappingProxyType(
    {
        "open": Status.OPEN,
        "reopen": Status.OPEN,
        "pending": Status.PENDING,
        "wait": Status.PENDING,
        "waiting": Status.PENDING,
        "solved": Status.SOLVED,
        "solve": Status.SOLVED,
        "close": Status.SOLVED,
        "closed": Status.SOLVED,
        "resolve": Status.SOLVED,
        "resolved": Status.SOLVED,
        "done": Status.SOLVED,
    }
)
PRIORITY_WORDS = MappingProxyType(
    {
        "low": Priority.LOW,
        "normal": Priority.NORMAL,
        "urgent": Priority.URGENT,
        "high": Priority.URGENT,
    }
)
FOLDER_WORDS = MappingProxyType(
    {
        "mine": "my-open",
        "my-open": "my-open",
        "unassigned": "unassigned",
        "open": "all-open",
        "all-open": "all-open",
        "pending": "pending",
        "solved": "solved",
        "spam": "spam",
        "all": "all",
    }
)


@dataclass(frozen=True, slots=True)
class Instruction:
    """One command, understood: its canonical name, and its argument in canonical form."""

    name: str
    argument: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """A command that was not understood: the line, what is wrong, the nearest command."""

    line: str
    reason: str
    nearest: str = ""


@dataclass(frozen=True, slots=True)
class Commands:
    """The block's instructions, the text below it, and the problems that hold the mail."""

    instructions: tuple[Instruction, ...] = ()
    text: str = ""
    problems: tuple[Problem, ...] = ()

    def all(self, name: str) -> tuple[str, ...]:
        """The arguments of every instruction of this name."""
        return tuple(one.argument for one in self.instructions if one.name == name)

    def last(self, name: str) -> str | None:
        """The argument of the last instruction of this name, None if there is none."""
        return next(iter(reversed(self.all(name))), None)

    def has(self, name: str) -> bool:
        """Whether there is an instruction of this name."""
        return any(one.name == name for one in self.instructions)


class _NotUnderstood(ValueError):
    """The argument does not fit the command; the text says why."""


def _nothing(argument: str) -> str:
    if argument:
        raise _NotUnderstood("stands alone on its line, nothing may follow it")
    return ""


def _fixed(value: str) -> Callable[[str], str]:
    """A word that says it all: it takes no argument and stands for ``value``."""

    def read(argument: str) -> str:
        return _nothing(argument) or str(value)

    return read


def _something(argument: str) -> str:
    if not argument:
        raise _NotUnderstood("needs something after it")
    return argument


def _one_of(words: Mapping[str, str]) -> Callable[[str], str]:
    def read(argument: str) -> str:
        word = argument.lower().rstrip(".")
        if word not in words:
            raise _NotUnderstood("takes one of: " + ", ".join(words))
        return words[word]

    return read


def _address(argument: str) -> str:
    """One address, with or without a name; mail clients add ``mailto:``, brackets and a link."""
    found = read_typed(_something(argument).rstrip(".,;"))
    if found is None or "." not in found.address.rpartition("@")[2].strip("."):
        raise _NotUnderstood("takes one mail address, like jane@example.com")
    return found.address


def _who(argument: str) -> str:
    """A name or an address; of an address that a client made a link of, what was typed."""
    found = read_typed(_something(argument).rstrip(".,;"))
    if found is None:
        raise _NotUnderstood("takes the name or the one address of an agent")
    return f"{found.name} <{found.address}>" if found.name and found.address else found.name or found.address


def _number(argument: str) -> str:
    digits = argument.rstrip(".").lstrip("#").strip("[]").lstrip("#")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 12):
        raise _NotUnderstood("takes a ticket number, like #merge 42")
    return str(int(digits))


def _maybe_number(argument: str) -> str:
    return _number(argument) if argument.rstrip(".") else ""


def _tags(argument: str) -> str:
    words = _something(argument).translate(_DASHES).replace(",", " ").split()
    signed = [word if word[0] in "+-" else f"+{word}" for word in words]
    if any(not re.fullmatch(r"[+-][\w][\w.:-]{0,39}", word) for word in signed):
        raise _NotUnderstood("takes short words, like #tag +refund -new")
    return " ".join(word.lower() for word in signed)


def _snooze(argument: str) -> str:
    text = _something(argument).translate(_DASHES).rstrip(".")
    if not re.fullmatch(r"\d{1,4}[mhd]|\d{4}-\d\d-\d\d(?: \d\d:\d\d)?", text):
        raise _NotUnderstood("takes a time, like #snooze 2d or #snooze 2026-03-01 09:00")
    return text


def _public(argument: str) -> str:
    return _one_of({"true": "reply", "false": "note", "": "reply"})(argument)


_STATUS = _one_of(STATUS_WORDS)
_PRIORITY = _one_of(PRIORITY_WORDS)
_FOLDER = _one_of(FOLDER_WORDS)

# word → (canonical name, how its argument is read)
VOCABULARY: Mapping[str, tuple[str, Callable[[str], str]]] = MappingProxyType(
    {
        "note": ("note", _nothing),
        "private": ("note", _nothing),
        "internal": ("note", _nothing),
        "reply": ("reply", _nothing),
        "public": ("public", _public),
        "status": ("status", _STATUS),
        **{word: ("status", _fixed(to)) for word, to in STATUS_WORDS.items() if word != "waiting"},
        "assign": ("assign", _who),
        "assignee": ("assign", _who),
        "owner": ("assign", _who),
        "take": ("assign", _fixed("me")),
        "mine": ("assign", _fixed("me")),
        "unassign": ("assign", _fixed("none")),
        "priority": ("priority", _PRIORITY),
        **{word: ("priority", _fixed(to)) for word, to in PRIORITY_WORDS.items()},
        "requester": ("requester", _address),
        "customer": ("requester", _address),
        "for": ("requester", _address),
        "cc": ("cc", _address),
        "uncc": ("uncc", _address),
        "tag": ("tag", _tags),
        "tags": ("tag", _tags),
        "subject": ("subject", _something),
        "title": ("subject", _something),
        "merge": ("merge", _number),
        "split": ("split", _nothing),
        "snooze": ("snooze", _snooze),
        "canned": ("canned", _something),
        "macro": ("canned", _something),
        "fwd": ("fwd", _nothing),
        "spam": ("spam", _nothing),
        "block": ("block", _nothing),
        "undo": ("undo", _nothing),
        "yes": ("yes", _maybe_number),
        "no": ("no", _maybe_number),
        "show": ("show", _maybe_number),
        "list": ("list", _FOLDER),
        "help": ("help", _nothing),
    }
)

# Two different ones of these in one mail contradict each other.
_SINGULAR = ("status", "assign", "priority", "requester", "subject", "merge", "snooze", "canned")


def _fold(line: str) -> str:
    """A line as it is meant: in doubt a command that a client has dressed up is one."""
    folded = line.translate(_FORM).strip()
    if folded.startswith("#"):
        return folded
    number = _NUMBERED.match(folded)
    bare = (folded[number.end() :] if number else folded).lstrip(_DRESS)
    return _BOLD_WORD.sub(r"\1", bare.rstrip(_DRESS + "."), count=1) if _MEANT.match(bare) else folded


def is_command_line(line: str) -> bool:
    """Whether a line, at the place of commands, would be taken for one: ``#`` but not ``##``."""
    folded = _fold(line)
    return folded.startswith("#") and not folded.startswith("##")


def _unescape(line: str) -> str:
    """``##`` at the start of a line is a literal ``#``."""
    folded = line.translate(_FORM).lstrip()
    return folded[1:] if folded.startswith("##") else line


def read_line(line: str) -> Instruction | Problem:
    """Understand one command line, whole, or say what is wrong with it."""
    folded = _fold(line)
    found = _WORD.fullmatch(folded)
    if found is None:
        return Problem(folded[:200], "is not a command; a line of text that begins with # is written ##")
    word, colon, argument = found[1].lower(), found[2], found[3].strip()
    if word == "note" and colon and argument:
        return Instruction("note-line", argument)
    known = VOCABULARY.get(word)
    if known is None:
        nearest = difflib.get_close_matches(word, VOCABULARY, n=1, cutoff=0.6)
        return Problem(folded[:200], "is not a command", f"#{nearest[0]}" if nearest else "")
    name, read = known
    try:
        # A trailing full stop does not matter, but in a free text it belongs to the text.
        value = read(argument if name == "subject" else argument.rstrip("."))
    except _NotUnderstood as error:
        return Problem(folded[:200], f"#{word} {error}", f"#{word}")
    return Instruction(value, "") if name == "public" else Instruction(name, value)


def _contradictions(instructions: tuple[Instruction, ...]) -> list[Problem]:
    problems = []
    for name in _SINGULAR:
        values = {one.argument for one in instructions if one.name == name}
        if len(values) > 1:
            problems.append(
                Problem(f"#{name}", f"#{name} is given {len(values)} times, with different values")
            )
    given = {(one.name, one.argument) for one in instructions}
    names = {one.name for one in instructions}
    if "snooze" in names and given & {("status", Status.OPEN), ("status", Status.SOLVED)}:
        problems.append(Problem("#snooze", "#snooze makes it pending, which the other status contradicts"))
    if {"merge", "split"} <= names:
        problems.append(Problem("#merge", "#merge and #split contradict each other"))
    if {"note", "reply"} <= names:
        problems.append(Problem("#note", "#note and #reply contradict each other"))
    return problems


def _block(lines: list[str]) -> list[str]:
    """The lines down to the last command: blank ones and pictures may stand between, nothing else."""
    above = list(itertools.takewhile(lambda line: is_command_line(line) or _is_empty(line), lines))
    while above and not is_command_line(above[-1]):
        above.pop()
    return above


def _is_empty(line: str) -> bool:
    """Whether a line says nothing: blank, or the place of a picture."""
    return not _fold(line) or _PICTURE.fullmatch(line[:2000].strip()) is not None


def read_commands(text: str) -> Commands:
    """Part the new text of an agent's mail into its command block and what is below it."""
    lines = text.splitlines()
    block = _block(lines)
    read = [read_line(line) for line in block if is_command_line(line)]
    instructions = tuple(one for one in read if isinstance(one, Instruction))
    problems = [one for one in read if isinstance(one, Problem)]
    below = "\n".join(_unescape(line) for line in lines[len(block) :]).strip("\n")
    return Commands(instructions, below.rstrip(), (*problems, *_contradictions(instructions)))
