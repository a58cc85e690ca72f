"""The sample config is complete and true: it validates, holds every key, and shows the real defaults."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.test_config_load import MINIMAL, read
from ticketd.config import load
from ticketd.config.reference import documented_keys
from ticketd.errors import ConfigError

SAMPLE = Path(__file__).parent.parent / "config" / "ticketd.toml"
UNCOMMENTED = re.sub(r"^( *)#(?=[a-z\[])", r"\1", SAMPLE.read_text("utf-8"), flags=re.MULTILINE)
KEYS = {key.name: key for key in documented_keys()}
FREE = (
    "canned",
    "sla.hours",
    "sla.policies.hours",
    "sla.policies.first_reply",
)  # the admin names what is inside


def keys_of(value: Any, name: str = "") -> set[str]:
    """Every key of a document, dotted, its arrays merged."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return set().union(*(keys_of(item, name) for item in value))
    secret = isinstance(value, dict) and set(value) == {"credential"}
    if not isinstance(value, dict) or secret or name in FREE:
        return {name}
    return set().union(*(keys_of(inner, f"{name}.{key}".lstrip(".")) for key, inner in value.items()))


def test_the_sample_validates_without_a_warning():
    loaded = load(SAMPLE, {})
    assert loaded.mailboxes[0].agents == ("anna", "bob")
    assert loaded.warnings == ()


def test_it_validates_with_everything_uncommented(tmp_path):
    loaded = read(tmp_path, UNCOMMENTED)
    assert loaded.http is not None
    assert loaded.mailboxes[0].oauth is not None


ASSIGNMENTS = [
    number for number, line in enumerate(UNCOMMENTED.split("\n")) if re.match(" *[a-z_]+ = ", line)
]
JUNK = [
    "1",
    "-1",
    "nan",
    "true",
    '"x"',
    '""',
    "[]",
    '["x"]',
    "[{}]",
    "{}",
    "{ file = 1 }",
    "2026-01-01",
    "07:00:00",
]
JUNK += ["99999999999999999999", '"\\u0000"', '"a@b"', '"9999y"', '{ "" = [] }', "}", "'''"]


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(number=st.sampled_from(ASSIGNMENTS), junk=st.sampled_from(JUNK))
def test_whatever_stands_there_it_loads_or_is_refused_in_sentences(tmp_path, number, junk):
    lines = UNCOMMENTED.split("\n")
    lines[number] = lines[number].partition(" = ")[0] + f" = {junk}"
    try:
        read(tmp_path, "\n".join(lines))
    except ConfigError as refused:
        for sentence in str(refused).split("\n"):
            assert re.match(rf"{tmp_path}/ticketd\.toml, line \d+: \S", sentence)
            assert "is not valid: " not in sentence  # pydantic's words, not ours


def test_it_holds_every_key_and_no_other():
    assert keys_of(tomllib.loads(UNCOMMENTED)) == {name.removesuffix(".NAME") for name in KEYS}


def test_every_key_has_its_meaning_in_the_sample():
    missing = [
        line
        for line in SAMPLE.read_text("utf-8").split("\n")
        if re.match(r" *#?[a-z_]+ = ", line)
        and "# " not in line
        and not line.lstrip(" #").startswith(EXPLAINED)
    ]
    assert missing == []


# These stand a second time, below the lines that explain them.
EXPLAINED = ("name =", "address =", "escalate_to =", "timezone =", "hours =", "country =", "subdivision =")
EXPLAINED += ("extra =", "refund =")


ACTIVE = keys_of(tomllib.loads(SAMPLE.read_text("utf-8")))  # what the sample sets: its comments name defaults
DEFAULTS = {
    name: key.default.strip("`")
    for name, key in KEYS.items()
    if re.fullmatch("`[^`]+`", key.default) and name not in ACTIVE
}


@pytest.mark.parametrize(("name", "default"), DEFAULTS.items(), ids=DEFAULTS)
def test_what_is_commented_out_shows_the_default(name, default):
    key = name.rpartition(".")[2]
    shown = re.findall(rf"^ *#{key} = (\S.*?) +#", SAMPLE.read_text("utf-8"), re.MULTILINE)
    assert default in shown


def test_the_defaults_in_the_reference_are_those_that_load(tmp_path):
    by_default = read(tmp_path, MINIMAL)
    for name in ("limits.recipients", "limits.mime_depth"):
        assert str(getattr(by_default.limits, name.rpartition(".")[2])) == KEYS[name].default.strip("`")


def test_every_key_has_a_type_and_a_meaning():
    assert [key.name for key in KEYS.values() if not (key.type and key.default and key.meaning)] == []
    assert len(KEYS) == len(documented_keys())
