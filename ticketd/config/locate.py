"""On which line of a TOML 1.0 text each key stands: what ``tomllib`` does not tell.

Reads only what ``tomllib`` has already accepted, so it checks nothing: it walks over
keys, values and comments, and notes where each place begins. Knows nothing of what
the keys mean.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping

Place = tuple[str | int, ...]  # keys and the indexes of arrays, from the top

_BLANK = " \t\r"
_SPACE = " \t\r\n"


def key_lines(text: str) -> Mapping[Place, int]:
    """The line (from 1) on which each key, array element and table of ``text`` begins."""
    reader = _Reader(text)
    reader.document()
    return reader.lines


def line_of(lines: Mapping[Place, int], place: Place) -> int:
    """The line of ``place``, else of the nearest table around it that stands in the text."""
    while place and place not in lines:
        place = place[:-1]
    return lines.get(place, 1)


class _Reader:
    """A cursor over the text, and what it has noted."""

    def __init__(self, text: str) -> None:
        self.text = text + "\n"
        self.at = 0
        self.line = 1
        self.lines: dict[Place, int] = {(): 1}
        self.elements: dict[Place, int] = {}  # how many tables each [[array]] has so far

    def document(self) -> None:
        """Walk over the whole text."""
        table: Place = ()
        self.skip(_SPACE)
        while self.at < len(self.text):
            if self.peek() == "[":
                table = self.header()
            else:
                self.pair(table)
            self.skip(_SPACE)

    def peek(self) -> str:
        """The character at the cursor, none at the end."""
        return self.text[self.at : self.at + 1]

    def forward(self, count: int) -> str:
        """Step over ``count`` characters and return them."""
        passed = self.text[self.at : self.at + count]
        self.line += passed.count("\n")
        self.at += count
        return passed

    def skip(self, characters: str) -> None:
        """Step over any of ``characters``; where lines may end, over comments too."""
        while self.peek() and (self.peek() in characters or self.peek() == "#"):
            if self.peek() == "#":
                if characters is _BLANK:
                    return
                self.forward(self.text.index("\n", self.at) - self.at)
            else:
                self.forward(1)

    def note(self, place: Place, line: int) -> None:
        """Remember where ``place`` and the tables around it first stood."""
        for end in range(1, len(place) + 1):
            self.lines.setdefault(place[:end], line)

    def header(self) -> Place:
        """Read ``[table]`` or ``[[array of tables]]`` and return its place."""
        line, brackets = self.line, 2 if self.text.startswith("[[", self.at) else 1
        self.forward(brackets)
        keys = self.key()
        self.forward(brackets)
        place = self.resolve(keys[:-1]) + keys[-1:]
        if brackets == 2:
            self.elements[place] = self.elements.get(place, 0) + 1
            place += (self.elements[place] - 1,)
        self.note(place, line)
        self.lines[place] = line  # a table's own header, though its child may have come first
        return place

    def resolve(self, keys: Place) -> Place:
        """The place that a header's ``keys`` mean: in arrays of tables the last table so far."""
        place: Place = ()
        for key in keys:
            place += (key,)
            if place in self.elements:
                place += (self.elements[place] - 1,)
        return place

    def pair(self, table: Place) -> None:
        """Read ``key = value``."""
        line = self.line
        place = table + self.key()
        self.note(place, line)
        self.forward(1)  # the equals sign
        self.skip(_BLANK)
        self.value(place)

    def key(self) -> Place:
        """Read a key, dotted or not, up to what follows it."""
        keys: list[str] = []
        while True:
            self.skip(_BLANK)
            begin = self.at
            if self.peek() in ("'", '"'):
                self.string()
            else:
                while self.peek() not in (".", "=", "]", " ", "\t"):
                    self.forward(1)
            keys += tomllib.loads(f"{self.text[begin : self.at]}=0")  # undoes the escapes
            self.skip(_BLANK)
            if self.peek() != ".":
                return tuple(keys)
            self.forward(1)

    def value(self, place: Place) -> None:
        """Read a value; note what is inside it."""
        if self.peek() in ("'", '"'):
            self.string()
        elif self.peek() == "[":
            self.array(place)
        elif self.peek() == "{":
            self.inline(place)
        else:
            while self.peek() not in (",", "]", "}", "#", "\n"):
                self.forward(1)

    def array(self, place: Place) -> None:
        """Read ``[a, b]``."""
        self.forward(1)
        index = 0
        while True:
            self.skip(_SPACE)
            if self.peek() in (",", "]"):
                if self.forward(1) == "]":
                    return
                continue
            self.note((*place, index), self.line)
            self.value((*place, index))
            index += 1

    def inline(self, place: Place) -> None:
        """Read ``{ key = value, … }``."""
        self.forward(1)
        while True:
            self.skip(_SPACE)
            if self.peek() in (",", "}"):
                if self.forward(1) == "}":
                    return
                continue
            self.pair(place)

    def string(self) -> None:
        """Step over a string of any of the four kinds."""
        quote = self.peek()
        triple = self.text.startswith(quote * 3, self.at)
        end = quote * 3 if triple else quote
        self.forward(len(end))
        while not self.text.startswith(end, self.at):
            self.forward(2 if quote == '"' and self.peek() == "\\" else 1)
        self.forward(len(end))
        while triple and self.peek() == quote:  # up to two quotes may stand before the closing three
            self.forward(1)
