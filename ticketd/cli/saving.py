"""Write a ticket's mails and files to a directory. What a sender calls a file is never a path."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ticketd.store import View

_KEPT = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
_LONGEST = 80


def safe_name(name: str) -> str:
    """A file name of plain letters, without a leading dot, short enough for any disk."""
    plain = "".join(char if char in _KEPT else "_" for char in name)[-_LONGEST:]
    return plain.lstrip(".-") or "file"


_AGENTS = ("reply", "note")


def save_ticket(view: View, found: dict[str, Any], directory: Path, *, agents: bool = True) -> None:
    """Write a ticket's raw mails and attachments, under names of ours; ``agents``: those of agents too."""
    directory.mkdir(parents=True, exist_ok=True)
    left_out = {one["id"] for one in found["messages"] if one["kind"] in _AGENTS and not agents}
    for message, content in view.raw_mails(found["id"]):
        if message in left_out:
            continue
        (directory / f"{message:06d}.eml").write_bytes(content)
    for message in found["messages"]:
        for number, (one, content) in enumerate(view.files(message["id"]), 1):
            name = f"{message['id']:06d}-{number:03d}-{safe_name(one['filename'])}"
            (directory / name).write_bytes(content)
