"""What is wrong with a config, in sentences: from pydantic's findings to the admin's words.

Each problem names a place and what is the matter with it. Values are shown only where
no secret can be meant. Knows nothing of files.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import Any

from pydantic import ValidationError

from ticketd.config.locate import Place
from ticketd.config.reference import tables
from ticketd.config.settings import dotted
from ticketd.decide.policy_fields import shown

_TYPES: tuple[tuple[type, str], ...] = (
    (bool, "true or false"),
    (int, "a number"),
    (float, "a number with a point"),
    (str, "a string"),
    (list, "an array"),
    (dict, "a table"),
    (date, "a date"),
    (time, "a time"),
)
_WANTED = {
    "string_type": "a string",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "tuple_type": "an array",
    "mapping_type": "a table",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "path_type": "a path in a string",
}
_BOUNDS = {"greater_than_equal": ("ge", "at least"), "less_than_equal": ("le", "at most")}
_REPEATED = ("mailboxes", "agents", "sla.policies")


@dataclass(frozen=True, slots=True)
class Problem:
    """A place and what is wrong there: the text continues the name of the key."""

    place: Place
    text: str

    def __str__(self) -> str:
        name = dotted(self.place)
        return f"{name} {self.text}" if name else self.text


def problems_of(error: ValidationError) -> Iterator[Problem]:
    """What pydantic found, each in a sentence."""
    for found in error.errors(include_url=False):
        if found["type"] == "too_short" and found["input"]:
            continue  # an array whose elements were refused: each has its own problem
        place = tuple(part for part in found["loc"] if part != "[key]")
        yield Problem(
            place, _sentence(found["type"], place, found["input"], found.get("ctx") or {}, found["msg"])
        )


def nearest(word: str, words: Iterable[str]) -> str | None:
    """The word that is most like ``word``; None where there are none."""
    folded = {candidate.lower(): candidate for candidate in words}
    close = difflib.get_close_matches(word.lower(), folded, n=1, cutoff=0.0)
    return folded[close[0]] if close else None


def table_name(place: Place) -> str:
    """A table as its header is written: ``[limits]``, ``[[mailboxes]]``."""
    name = dotted(place)
    return f"[[{name}]]" if name in _REPEATED else f"[{name}]"


def _sentence(kind: str, place: Place, given: object, context: Mapping[str, Any], message: str) -> str:
    if kind == "extra_forbidden":
        return _unknown(place)
    if kind == "missing":
        return _missing(place)
    if kind == "value_error":
        return str(context["error"])
    if kind in ("enum", "literal_error"):
        return _choice(place, given, str(context["expected"]).replace("'", '"'))
    if kind in _WANTED:
        return _wrong_type(kind, place, given)
    if kind in _BOUNDS:
        bound, words = _BOUNDS[kind]
        return f"must be {words} {context[bound]}, not {shown(given)}"
    if kind in ("too_short", "string_too_short"):
        return "must not be empty"
    return "is not valid: " + message[:1].lower() + message[1:]


def _unknown(place: Place) -> str:
    """Say that there is no such key, and which is the nearest: in its table, else in another."""
    *table, key = (part for part in place if isinstance(part, str))
    models = tables()
    here = list(models[tuple(table)].model_fields) if tuple(table) in models else []
    homes = [home for home, model in models.items() if key in model.model_fields]
    if key not in here and homes and not difflib.get_close_matches(key.lower(), here, cutoff=0.8):
        return "is not a key there: it belongs in " + " or ".join(map(_home, homes[:3]))
    what = "table" if not table else "key"
    return f'is not a known {what}; the nearest valid {what} is "{nearest(key, here)}"'


def _home(place: tuple[str, ...]) -> str:
    return table_name(place) if place else "the top of the file"


def _missing(place: Place) -> str:
    if dotted(place) in ("mailboxes", "agents"):
        return f"is missing: the config needs at least one {table_name(place)} table"
    around = place[:-1]
    return f"is missing from the {table_name(around)} that begins on this line"


def _choice(place: Place, given: object, expected: str) -> str:
    if place and place[-1] == given and len(place) > 1:  # the key itself is the choice
        return f"is not a known key; valid keys are {expected}"
    return f"must be {expected}, not {_kind_of(given) if not isinstance(given, str) else shown(given)}"


def _wrong_type(kind: str, place: Place, given: object) -> str:
    if dotted(place) in _REPEATED:
        return f"must be an array of tables: write {table_name(place)} above each"
    return f"must be {_WANTED[kind]}, not {_kind_of(given)}"


def _kind_of(value: object) -> str:
    return next((words for kind, words in _TYPES if isinstance(value, kind)), "something else")
