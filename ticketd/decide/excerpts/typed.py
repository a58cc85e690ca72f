"""Read an address as a person typed it and as their mail program then dressed it.

Outlook makes a link of it, and in plain text writes it twice: ``jane@example.com<mailto:jane@example.com>``.
It knows nothing of what an address is good for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ticketd.decide.model import address_key

_ADDRESS = r"[^\s<>()\[\]@\",:;\\]{1,64}@[^\s<>()\[\]@\",:;\\]{1,255}"
_FOUND = re.compile(rf"(?:mailto:)?({_ADDRESS})", re.IGNORECASE)
_DRESS = str.maketrans(dict.fromkeys("<>[]()", " "))
LONGEST = 700


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed: the name beside the address, and the address; either may be empty."""

    name: str
    address: str


def read_typed(text: str) -> Typed | None:
    """The name and the one address in ``text``; None where it shows two that are not the same.

    A name stands before its address, which is in brackets then, and nothing stands behind it.
    """
    bare = text.strip()[:LONGEST]
    found = list(_FOUND.finditer(bare))
    if not found:
        return Typed(bare, "")
    between = bare[found[0].end() :].translate(_DRESS)
    for other in found[1:]:
        between = between.replace(other[0], " ")
    if len({address_key(one[1].rstrip(".")) for one in found}) > 1 or between.strip(" .;,"):
        return None
    before = bare[: found[0].start()].rstrip()
    name = before.translate(_DRESS).strip(" \"'")
    if name and not before.endswith(("<", "[", "(")):
        return None
    return Typed(name, found[0][1].rstrip("."))
