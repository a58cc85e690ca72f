from dataclasses import dataclass
from pathlib import Path

import pytest

from ticketd.decide.excerpts.excerpt import excerpt

MARKER = "--- reply above this line ---"
REPLIES = Path(__file__).parent.parent / "mail" / "replies"


@dataclass(frozen=True)
class Case:
    title: str
    scene: frozenset[str]
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        return "\n".join("" if line == "." else line[1:] for line in self.lines)

    def part(self, letter: str) -> list[str]:
        return [line[1:].strip() for line in self.lines if line[:1] == letter and line[1:].strip()]


def cases():
    for path in sorted(path for path in REPLIES.glob("*.txt") if path.stem != "forwards"):
        for chunk in path.read_text(encoding="utf-8").split("%% ")[1:]:
            head, *lines = chunk.rstrip("\n").split("\n")
            title, _, scene = head.partition(" | ")
            yield pytest.param(
                Case(title, frozenset(scene.split()), tuple(lines)), id=f"{path.stem}: {title}"
            )


def lines_of(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip()]


@pytest.mark.parametrize("case", list(cases()))
def test_each_line_is_what_the_case_says(case):
    agent = "agent" in case.scene
    result = excerpt(case.text, agent=agent, marker=MARKER if agent else None)
    assert lines_of(result.new_text) == case.part("N")
    assert lines_of(result.quoted) == case.part("Q")
    assert lines_of(result.signature) == case.part("S")
    if agent:
        assert result.certain is ("unsure" not in case.scene)
