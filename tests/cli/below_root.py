"""A ticketd whose interpreter only root may read: what it opens there as somebody else is refused.

``python below_root.py ARGUMENT…`` is ``ticketd ARGUMENT…``, wherever the interpreter lies.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ticketd import preload
from ticketd.cli import main

_TREE = str(Path(preload.__file__).parent)
_PRIVATE = tuple({sys.prefix, sys.base_prefix, _TREE})
_who = os.geteuid


def refuse(happens: str, arguments: tuple[object, ...]) -> None:
    if happens == "open" and _who() != 0 and str(arguments[0]).startswith(_PRIVATE):
        raise PermissionError(f"only root may read {arguments[0]}")


preload.readable_by = lambda *_: False  # type: ignore[assignment]
sys.addaudithook(refuse)
sys.exit(main())
