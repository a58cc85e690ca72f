"""The table of faults is whole, and names only tests that exist."""

import re
from pathlib import Path

HERE = Path(__file__).parent


def test_every_fault_has_its_line_and_every_test_exists() -> None:
    table = HERE.joinpath("README.md").read_text()
    assert sorted({int(number) for number in re.findall(r"^\| F(\d+) \|", table, re.M)}) == [*range(1, 34)]
    there = {
        name
        for path in HERE.parent.rglob("test_*.py")
        for name in re.findall(r"def (test_\w+)", path.read_text())
    }
    assert set(re.findall(r"`(test_\w+)`", table)) <= there
