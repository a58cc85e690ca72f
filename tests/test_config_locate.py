"""The locator against odd layouts, and against tomllib."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketd.config.locate import Place, key_lines, line_of

ODD = '''\
# a comment with [brackets] and = signs
top = "x" # another

  [ a . "b.c" ]   # spaces and a quoted dot
x.y = 1
x . 'z' = """
# not a comment
[not.a.table]
\\""" still " inside"""""
after = \'\'\'
key = 'no'
\'\'\'

[[list]]
name = 1
deep = [ # comment ] in an array
  [1, 2],

  { q = "}", r = { s = [ "]" ] } },
]
[list.sub]
k = 1979-05-27 07:32:00

[[list]]
"" = 2
[[list.inner]]
[[list.inner]]
v = { "\\u00e9" = 1 }
\t[list.sub]
k = true
[late]
'''


def places(value: object, place: Place = ()) -> Iterator[Place]:
    yield place
    items = value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else ())
    for key, inner in items:
        yield from places(inner, (*place, key))


def test_odd_layouts():
    lines = key_lines(ODD)
    expected: dict[Place, int] = {
        ("top",): 2,
        ("a", "b.c"): 4,
        ("a", "b.c", "x", "y"): 5,
        ("a", "b.c", "x", "z"): 6,
        ("a", "b.c", "after"): 10,
        ("list", 0): 14,
        ("list", 0, "name"): 15,
        ("list", 0, "deep"): 16,
        ("list", 0, "deep", 0, 1): 17,
        ("list", 0, "deep", 1, "r", "s", 0): 19,
        ("list", 0, "sub", "k"): 22,
        ("list", 1): 24,
        ("list", 1, ""): 25,
        ("list", 1, "inner", 0): 26,
        ("list", 1, "inner", 1, "v", "é"): 28,
        ("list", 1, "sub"): 29,
        ("list", 1, "sub", "k"): 30,
        ("late",): 31,
    }
    assert {place: lines.get(place) for place in expected} == expected
    assert set(lines) == set(places(tomllib.loads(ODD)))


def test_windows_lines_count_as_lines():
    assert key_lines(ODD.replace("\n", "\r\n")) == key_lines(ODD)


@pytest.mark.parametrize("text", ["", "\n", "# only", "a=1", "a=[]", "[a]", "a={}", "a=''", 'a=""""""'])
def test_the_ends_of_a_text(text):
    assert set(key_lines(text)) == set(places(tomllib.loads(text)))


def test_a_table_stands_where_its_header_is_not_where_its_child_is():
    lines = key_lines("[a.b]\nx = 1\n[a]\ny = 2\n")
    assert (lines["a",], lines["a", "b"]) == (3, 1)


def test_what_is_missing_stands_where_its_table_is():
    lines = key_lines("\n[a]\nx = 1\n")
    assert line_of(lines, ("a", "none", "deeper")) == 2
    assert line_of(lines, ("none",)) == 1


KEYS = st.sampled_from(["a", "b-1", '"c.d"', "'e e'", '"\\u00e9\\""'])
SCALARS = st.sampled_from(
    ["1", "-1.5e3", "true", "1979-05-27", "'# ]'", '"\\"},="', '"""\n"" \\\n """', "'''\n]'''", "inf"]
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: "[ # c\n" + ",\n ".join(items) + "\n]")
        | st.dictionaries(KEYS, inner.filter(lambda text: "#" not in text), max_size=3).map(
            lambda table: "{" + ", ".join(f"{key} = {value}" for key, value in table.items()) + "}"
        )
    ),
    max_leaves=6,
)
TABLES = st.dictionaries(KEYS, VALUES, max_size=4)


def written(table: dict[str, str]) -> str:
    return "".join(f"  {key} = {value} # c\n\n" for key, value in table.items())


@settings(max_examples=60, deadline=None)
@given(TABLES, st.lists(TABLES, max_size=3), TABLES)
def test_every_place_of_a_document_has_its_line(top, elements, last):
    text = written(top) + "".join(f"[[list.'of']]\n{written(table)}" for table in elements)
    text += f"[last]\n{written(last)}"
    lines = key_lines(text)
    assert set(lines) == set(places(tomllib.loads(text)))
    rows = text.split("\n")
    assert all(rows[line - 1].strip() for line in lines.values() if text.strip())
