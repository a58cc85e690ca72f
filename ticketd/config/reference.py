"""Every key of the config, told from the models themselves: the reference in README and the man page.

Walks over the models' fields and their descriptions. Knows nothing of any file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from ticketd.config.secrets import Secret
from ticketd.config.servers import check_host
from ticketd.config.settings import Document
from ticketd.decide import policy_fields as fields
from ticketd.decide.pattern import check_pattern
from ticketd.decide.policy_fields import Span

_WORDS: Mapping[object, str] = {
    bool: "true or false",
    int: "number",
    str: "text",
    timedelta: "duration",
    Span: "duration",
    date: "date",
    Path: "path",
    Secret: "secret",
    fields.word: "name",
    fields.check_address: "address",
    fields.check_domain: "domain",
    fields.check_folder: "folder",
    fields.check_zone: "time zone",
    fields.check_daily: "time",
    fields.check_weekly: "day and time",
    fields.check_hours: "hours",
    check_pattern: "regular expression",
    check_host: "host",
}


@dataclass(frozen=True, slots=True)
class Key:
    """One key: its dotted name, and what stands in its line of the reference."""

    name: str
    type: str
    default: str
    meaning: str


@cache
def tables() -> Mapping[tuple[str, ...], type[BaseModel]]:
    """The model of every table, by its dotted place; of arrays of tables, that of each element."""
    found: dict[tuple[str, ...], type[BaseModel]] = {}
    _collect((), Document, found)
    return found


def _collect(
    place: tuple[str, ...], model: type[BaseModel], found: dict[tuple[str, ...], type[BaseModel]]
) -> None:
    found[place] = model
    for name, info in model.model_fields.items():
        inner = _model_in(info.annotation)
        if inner is not None:
            _collect((*place, name), inner, found)


def documented_keys() -> tuple[Key, ...]:
    """Every key, in the order of the models."""
    return tuple(_keys((), Document))


def _keys(place: tuple[str, ...], model: type[BaseModel]) -> Iterator[Key]:
    """The keys of a table, then those of the tables inside it, as TOML demands."""
    inside: list[tuple[str, type[BaseModel]]] = []
    for name, info in model.model_fields.items():
        inner = _model_in(info.annotation)
        if inner is not None and place:
            inside.append((name, inner))
        elif inner is not None:
            yield from _keys((name,), inner)
        else:
            path = (*place, name, "NAME") if name == "canned" else (*place, name)
            default = "as in `[sla]`" if _inherited(place, name) else _default(info)
            yield Key(".".join(path), _type(info), default, info.description or "")
    for name, inner in inside:
        yield from _keys((*place, name), inner)


def _inherited(place: tuple[str, ...], name: str) -> bool:
    """Whether an SLA policy takes the key from ``[sla]`` when it has none of its own."""
    above = tables().get(("sla", *place[2:]))
    return place[:2] == ("sla", "policies") and above is not None and name in above.model_fields


def header(place: tuple[str, ...]) -> str:
    """A table's header as it stands in TOML: ``[sla]``, or ``[[agents]]`` where there may be several."""
    info = tables()[place[:-1]].model_fields[place[-1]]
    several = get_origin(_bare(info.annotation)) is tuple
    return f"[[{'.'.join(place)}]]" if several else f"[{'.'.join(place)}]"


def reference() -> str:
    """The reference as a Markdown table."""
    rows = ["| key | type | default | meaning |", "|---|---|---|---|"]
    for key in documented_keys():
        cells = (f"`{key.name}`", key.type, key.default, key.meaning)
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows) + "\n"


def _bare(annotation: Any) -> Any:
    """The annotation without ``Annotated`` and ``| None``."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        others = [part for part in get_args(annotation) if part is not NoneType]
        return _bare(others[0]) if len(others) == 1 else annotation
    return annotation


def _model_in(annotation: Any) -> type[BaseModel] | None:
    bare = _bare(annotation)
    if get_origin(bare) is tuple:
        bare = _bare(get_args(bare)[0])
    return bare if isinstance(bare, type) and issubclass(bare, BaseModel) else None


def _extra(info: FieldInfo, what: str) -> str | None:
    extra = info.json_schema_extra
    return str(extra[what]) if isinstance(extra, dict) and what in extra else None


def _type(info: FieldInfo) -> str:
    checked = (_WORDS.get(getattr(mark, "func", None)) for mark in info.metadata)
    return _extra(info, "type") or next(filter(None, checked), None) or _word(info.annotation)


def _word(annotation: Any) -> str:
    if get_origin(annotation) is Annotated:
        checked = (_WORDS.get(getattr(mark, "func", None)) for mark in get_args(annotation)[1:])
        return next(filter(None, checked), None) or _word(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return " or ".join(_word(part) for part in get_args(annotation) if part is not NoneType)
    if get_origin(annotation) is tuple:
        return f"list of {_word(get_args(annotation)[0])}"
    return _choices(annotation) or _word_of_table(annotation) or _WORDS[annotation]


def _choices(annotation: Any) -> str:
    """The words to choose from, where there are only some."""
    if get_origin(annotation) is Literal:
        return ", ".join(str(choice) for choice in get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return ", ".join(str(member.value) for member in annotation)
    return ""


def _word_of_table(annotation: Any) -> str:
    """What a table of free keys holds: one value for each key."""
    if get_origin(annotation) is None:
        return ""
    value = _word(get_args(annotation)[1])
    return f"{value}, or one per priority" if value == "duration" else value


def _default(info: FieldInfo) -> str:
    special = _extra(info, "default")
    if special:
        return f"`{special}`" if special.startswith('"') and special.count('"') == 2 else special
    if info.is_required():
        return "required"
    default = info.get_default(call_default_factory=True)
    return "–" if default in (None, PydanticUndefined, (), {}, "") else f"`{toml(default)}`"


def toml(value: object) -> str:
    """A default as one would write it in the config."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, timedelta):
        return f'"{duration(value)}"'
    return str(value) if isinstance(value, int) else f'"{value}"'


def duration(value: timedelta) -> str:
    """A duration in its largest whole unit."""
    seconds = int(value.total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
