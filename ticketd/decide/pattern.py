"""Which regular expressions an admin may match subjects with: those that stay quick on hostile text.

Python's engine backtracks, and subjects come from strangers. A pattern is therefore
refused before it runs: by its size, its constructs, and the number of ways in which
it could try one subject of ``LONGEST`` characters.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from functools import lru_cache
from re import _constants as op  # type: ignore[attr-defined]  # private, and the only way to the parse tree
from re import _parser  # type: ignore[attr-defined]
from typing import Any

LONGEST = 255  # characters of a subject that are looked at
_TRIES = (LONGEST + 1) ** 3  # some milliseconds, since most ways fail early
_REPEATS = {op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT}
_REFUSED = {op.GROUPREF, op.GROUPREF_EXISTS, op.GROUPREF_IGNORE, op.GROUPREF_LOC_IGNORE}


def check_pattern(value: str) -> str:
    """Take a regular expression that is quick on any subject, else raise ``ValueError``."""
    if len(value) > 200:
        raise ValueError("must be a regular expression of at most 200 characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # "possible nested set": not what was meant
            tree = _parser.parse(value)
            re.compile(value)
    except (re.error, ValueError, RecursionError, OverflowError, Warning) as error:
        raise ValueError(f"must be a regular expression: {error}") from None
    anchored = len(tree) > 0 and tree[0][0] is op.AT
    if _ways(tree, inside=False) * (1 if anchored else LONGEST) > _TRIES:
        raise ValueError("could take too long on a hostile subject: use fewer of * + ? and {}")
    return value


def matches(pattern: str, subject: str) -> bool:
    """Whether the pattern is found in the first ``LONGEST`` characters of the subject, in any case."""
    return _compiled(pattern).search(subject[:LONGEST]) is not None


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


def _ways(tree: Iterable[Any], *, inside: bool) -> int:
    """How many ways there are to try ``tree`` at one place; refuse what multiplies without bound."""
    ways = 1
    for kind, argument in tree:
        if kind in _REFUSED:
            raise ValueError("must not refer back to a group: that can take forever")
        if kind in _REPEATS:
            ways *= _repeat_ways(*argument, inside=inside)
        elif kind is op.BRANCH:
            ways *= _branch_ways(argument[1], inside=inside)
        else:
            for part in _subtrees(argument):
                ways *= _ways(part, inside=inside)
    return ways


def _repeat_ways(least: int, most: int, body: Any, *, inside: bool) -> int:
    most = min(int(most), LONGEST)
    if least != most and inside:
        raise ValueError("must not repeat what repeats, as (a+)+ does: that can take forever")
    return (max(most - least, 0) + 1) * _ways(body, inside=inside or most > 1)


def _branch_ways(branches: list[Any], *, inside: bool) -> int:
    literal = [branch[0] for branch in branches if len(branch) and branch[0][0] is op.LITERAL]
    firsts = {chr(code).casefold()[:1] for _, code in literal}
    if inside and len(firsts) < len(branches):
        raise ValueError("must not repeat alternatives that begin alike: that can take forever")
    # Alternatives that begin with different letters leave one way; count the others in full.
    ways = [_ways(branch, inside=inside) for branch in branches]
    return max(ways) if len(firsts) == len(branches) else sum(ways)


def _subtrees(argument: Any) -> list[Any]:
    if isinstance(argument, _parser.SubPattern):
        return [argument]
    if isinstance(argument, tuple | list):
        return [part for part in argument if isinstance(part, _parser.SubPattern)]
    return []
