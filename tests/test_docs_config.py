"""README documents every key of the config as the program knows it."""

from __future__ import annotations

from pathlib import Path

from ticketd.config.reference import documented_keys, reference

README = Path(__file__).parent.parent / "README.md"
MEND = 'python -c "from ticketd.config.reference import reference; print(reference())" makes the table'


def rows() -> list[str]:
    return reference().rstrip("\n").split("\n")


def test_the_reference_has_a_row_a_key():
    names = [key.name for key in documented_keys()]
    assert [row.split("`")[1] for row in rows()[2:]] == names
    assert all(row.replace("\\|", "").count("|") == 5 for row in rows())


def test_readme_has_every_row():
    written = README.read_text("utf-8").split("\n")
    assert [row for row in rows() if row not in written] == [], MEND
