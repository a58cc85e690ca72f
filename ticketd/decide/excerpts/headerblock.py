"""Read a block of header lines that stands in a text: From, Sent, To, Subject, in any client's language.

The labels are translations of the fields of RFC 5322 §3.6. Linear: a block has a bounded number of lines.
It knows nothing of whether the block begins a quote or a forwarded mail.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ticketd.decide.excerpts.labels import CC, DATE, FROM, LABELS, OTHER, SUBJECT, TO
from ticketd.decide.excerpts.phrases import fold
from ticketd.decide.excerpts.quotelines import READ, clean, has_address, has_exact_date

BLOCK: Final = 30  # lines that a block may take


@dataclass(frozen=True, slots=True)
class HeaderBlock:
    """A block of header lines in the text: fields as (kind, value), ``stop`` is the line after it."""

    fields: tuple[tuple[str, str], ...]
    stop: int

    def value(self, kind: str) -> str:
        """The first value of this kind of field, else an empty text."""
        return next((value for key, value in self.fields if key == kind), "")


def label(line: str) -> tuple[str, str] | None:
    """Read ``Label: value`` of a header block: (kind, value), else None."""
    bare = clean(line)
    at = min((i for i in (bare.find(":", 0, 40), bare.find("：", 0, 40)) if i >= 0), default=-1)
    if at < 0:
        return None
    kind = LABELS.get(fold(bare[:at].strip(" *_|\t")))
    return (kind, bare[at + 1 :].strip(" *_\t")) if kind else None


def header_block(lines: Sequence[str], start: int, *, announced: bool = False) -> HeaderBlock | None:
    """Read a block of header lines that begins at ``start``.

    ``announced`` says that a separator stands above it, so that less is needed to believe it.
    """
    fields: list[tuple[str, str]] = []
    at = stop = start
    while at < min(len(lines), start + BLOCK):
        found = label(lines[at])
        if found:
            if found[0] == FROM and any(kind == FROM for kind, _ in fields):
                break  # another block begins
            fields.append(found)
        elif not _continues(lines, at, fields):
            if clean(lines[at]) or not _label_follows(lines, at, fields):
                break
        elif fields:
            kind, value = fields[-1]
            fields[-1] = (kind, f"{value} {clean(lines[at])}".strip()[: 4 * READ])
        at += 1
        stop = at
    block = HeaderBlock(tuple(fields), stop)
    return block if _believable(block, announced) or _is_one_line(block) else None


def _is_one_line(block: HeaderBlock) -> bool:
    """Whether a whole block stands in one line: ``From: Jane Sent: Monday To: Bob Subject: x``."""
    if len(block.fields) != 1 or block.fields[0][0] != FROM:
        return False
    words = fold(block.fields[0][1]).split()
    kinds = {LABELS.get(word.strip("*_:：")) for word in words if word.rstrip("*")[-1:] in (":", "：")}
    return {DATE, TO, SUBJECT} <= kinds


def _continues(lines: Sequence[str], at: int, fields: list[tuple[str, str]]) -> bool:
    """Whether a line without a label goes on with the field above it."""
    bare = clean(lines[at])
    if not fields or not bare:
        return False
    kind, value = fields[-1]
    if not value or value.endswith((",", ";")):
        return True
    if lines[at][:1] in (" ", "\t") and at > 0 and clean(lines[at - 1]) and kind != OTHER:
        return True
    folded_list = kind in (FROM, TO, CC) and has_address(bare) and len(bare.split()) <= 8
    return folded_list and bool(clean(lines[at - 1])) and bare.rstrip(";,").endswith((">", "]", ")"))


def _label_follows(lines: Sequence[str], at: int, fields: list[tuple[str, str]]) -> bool:
    """Whether a blank line stands between two labels (double-spaced blocks)."""
    if not fields or at + 1 >= len(lines):
        return False
    follower = label(lines[at + 1])
    if follower is None:
        return False
    missing = follower[0] not in {kind for kind, _ in fields}
    return missing and (follower[0] != OTHER)


def _believable(block: HeaderBlock, announced: bool) -> bool:
    """Whether the fields are those of a mail rather than of a form that somebody filled in."""
    kinds = {kind for kind, _ in block.fields}
    date = block.value(DATE)
    if FROM not in kinds:
        return has_exact_date(date) and has_address(block.value(TO))
    dated = DATE in kinds and any(char.isdigit() for char in date)
    if announced:
        return dated or bool(kinds & {TO, SUBJECT}) or has_address(block.value(FROM))
    if block.fields[0][0] != FROM:
        addressed = any(has_address(value) for _, value in block.fields)
        return len(kinds & {DATE, TO, SUBJECT}) >= 2 and addressed
    if SUBJECT in kinds:
        return dated or TO in kinds
    return dated and any(has_address(value) for _, value in block.fields)
