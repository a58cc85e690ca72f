"""Every key of the config, told from the models themselves: the reference in README and the man page.

Walks over the models' fields and their descriptions. Knows nothing of any file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from ticketd.config.secrets import Secret
from ticketd.config.settings import Document
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
}


@dataclass(frozen=True, slots=True)
class Key:
    """One key: its dotted name, and what stands in its line of the reference."""

    name: str
    type: str
    default: str
    meaning: str


def tables() -> dict[tuple[str, ...], type[BaseModel]]:
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
    for name, info in model.model_fields.items():
        inner = _model_in(info.annotation)
        if inner is not None:
            yield from _keys((*place, name), inner)
        else:
            shown = (*place, name, "NAME") if name == "canned" else (*place, name)
            yield Key(".".join(shown), _type(info), _default(info), info.description or "")


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
    return _extra(info, "type") or _word(info.annotation)


def _word(annotation: Any) -> str:
    bare = _bare(annotation)
    if get_origin(bare) is Literal:
        return ", ".join(str(choice) for choice in get_args(bare))
    if get_origin(bare) is tuple:
        return f"list of {_word(get_args(bare)[0])}"
    if isinstance(bare, type) and issubclass(bare, Enum):
        return ", ".join(str(member.value) for member in bare)
    if get_origin(bare) is not None:
        value = _word(get_args(bare)[1])
        return f"{value}, or one per priority" if value == "duration" else value
    return _WORDS[bare]


def _default(info: FieldInfo) -> str:
    special = _extra(info, "default")
    if special:
        return special if special.startswith('"') is False else f"`{special}`"
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
