"""Points at which a test may stop the process: before and after every commit.

Does nothing in production. Knows nothing of what is committed but its name.
"""

from __future__ import annotations

from collections.abc import Callable


def _nothing(point: str) -> None:
    """The default: go on."""


_reached: Callable[[str], None] = _nothing


def install(reached: Callable[[str], None] | None) -> None:
    """Call ``reached`` with each point's name from now on; None calls nothing again."""
    global _reached
    _reached = reached or _nothing


def at(point: str) -> None:
    """Say that ``point`` (``before-commit:NAME``, ``after-commit:NAME``) is reached."""
    _reached(point)
