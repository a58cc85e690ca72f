"""The leak guard: what must not stand in a mail to a customer, found in its text and files.

Commands, signed ids, the card of a notification, agents' private addresses, notes, and
quoted header blocks. It says in words what it found and changes nothing; ``scrub`` takes out
our ids where a reply goes out all the same. Linear in the text; knows nothing of MIME.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ticketd.decide import card
from ticketd.decide.model import Attachment, Ticket
from ticketd.decide.policy import Policy

_SERIAL, _MAC = "[a-z2-7]{8}", "[a-z2-7]{16}"
# The heart of every form of ours, whatever stands around it, percent signs of a link included.
_TOKEN = re.compile(rf"\d\.(?:[rnql]\.{_SERIAL}|{_SERIAL}\.[rnql])\.{_MAC}", re.ASCII | re.IGNORECASE)
_SIGNED = re.compile(
    rf"(?:<t|\+t|%2bt|\[#|%5b%23)?\d{{1,12}}\.(?:[crnql]\.{_SERIAL}|{_SERIAL}\.[crnql])\.{_MAC}"
    rf"(?:@[^<>@\s]{{1,255}}>|\]|%5d)?|<t\d{{1,12}}\.{_MAC}@[^<>@\s]{{1,255}}>",
    re.ASCII | re.IGNORECASE,
)
_MAC_ANYWHERE = re.compile(rf"\.{_MAC}", re.ASCII | re.IGNORECASE)
_COMMAND = re.compile(r"[#＃]\s?[^\W\d]")
_ADDRESS = re.compile(r"[^\s<>()\[\],;:\"']+")
_LABELS = {
    "from": "from von de da van od från fra lähettäjä от отправитель kimden 差出人 发件人",
    "date": "date sent datum gesendet envoyé enviado enviada fecha data inviato verzonden wysłano skickat"
    " sendt дата отправлено 日期 发送时间",
    "to": "to an à para a aan do till til кому kime 宛先 收件人",
    "subject": "subject betreff objet asunto oggetto assunto onderwerp temat ämne emne тема konu 件名 主题",
}
_FAMILY = {word: family for family, words in _LABELS.items() for word in words.split()}
_BLOCK = 8  # lines within which three labels make a header block
_TOLD = 16  # characters of a note's line from which on finding it again is no chance
_SEARCHED = 2_000_000  # bytes of a text file that are looked through


def leaks(
    policy: Policy,
    text: str,
    *,
    notes: Iterable[str] = (),
    public: Iterable[str] = (),
    ticket: Ticket | None = None,
    files: Sequence[Attachment] = (),
    escaped: bool = False,
) -> list[str]:
    """What in ``text`` and ``files`` must not go to a customer, in words; empty where nothing is.

    ``notes`` are the texts of the ticket's notes, ``public`` those of its other messages: what
    they say is no secret. The ticket's participants know their own addresses. ``escaped`` says
    that the agent began the text with ``##``, so that its first line is meant as it stands.
    """
    lines = text.splitlines()
    found = [
        None if escaped else _command(lines),
        "a signed address or id of ours" if _TOKEN.search(text) else None,
        _card(lines),
        _private_address(policy, text, ticket),
        _note(text, notes, public),
        "the header of another mail" if _header_block(lines) else None,
        *(_file(file) for file in files),
    ]
    return [reason for reason in found if reason]


def scrub(text: str) -> str:
    """``text`` with every signed id of ours left out."""
    if not _MAC_ANYWHERE.search(text):  # most texts: the quick look spares the slow one
        return text
    return _SIGNED.sub("…", text)  # not nothing: what stands around must not become another


def _command(lines: Sequence[str]) -> str | None:
    first = next((line.strip("\u200b\u200c\u200d\ufeff\xa0 \t") for line in lines if line.strip()), "")
    if _COMMAND.match(first):
        return f"what looks like a command: {first[:60]}"
    return None


def _card(lines: Sequence[str]) -> str | None:
    if any(card.MARKER in line for line in lines):
        return "a part of our notification"
    if any(_is_barred(line) for line in lines):
        return "lines marked with | as in our notifications"
    return None


def _is_barred(line: str) -> bool:
    """A line of ours; a row of a table, closed by a bar as well, is the agent's own."""
    plain = line.lstrip("> \t").replace("\xa0", " ")
    return plain.startswith(card.BAR) and not plain.rstrip().endswith("|")


def _private_address(policy: Policy, text: str, ticket: Ticket | None) -> str | None:
    chunks = [chunk for chunk in text.lower().split() if "@" in chunk] if "@" in text else []
    words = {word.strip(".!?*_") for chunk in chunks for word in _ADDRESS.findall(chunk)}
    for agent in policy.agents.values():
        for key in words & agent.keys:
            if not policy.is_ours(key) and not (ticket and ticket.has_participant(key)):
                return f"an agent's own address: {key}"
    return None


def _squeeze(text: str) -> str:
    return " ".join(text.lower().split())


def _note(text: str, notes: Iterable[str], public: Iterable[str]) -> str | None:
    """Whether a whole note, or a line of one that is no chance, stands in the text."""
    pieces = {_squeeze(piece) for note in notes for piece in (note, *note.splitlines())}
    squeezed, known = _squeeze(text), _squeeze(" ".join(public))
    if any(len(piece) >= _TOLD and piece in squeezed and piece not in known for piece in pieces):
        return "the text of a note"
    return None


def _header_block(lines: Sequence[str]) -> bool:
    """Whether labels of three kinds of field stand close together, as above a quoted mail."""
    near: list[tuple[int, str]] = []
    for number, line in enumerate(lines):
        family = _label(line)
        if family is None:
            continue
        near = [(at, one) for at, one in near if number - at < _BLOCK] + [(number, family)]
        if len({one for _, one in near}) >= 3 and "from" in {one for _, one in near}:
            return True
    return False


def _label(line: str) -> str | None:
    label, colon, rest = line[:200].lstrip("> \t*").replace("：", ":").partition(":")
    if not colon or not rest.strip(" *"):
        return None
    return _FAMILY.get(label.strip(" *\xa0").lower())


def _file(file: Attachment) -> str | None:
    """Our ids in the name of a file, or in a file that is text: a mail of ours, sent along."""
    if _TOKEN.search(file.filename):
        return "a signed address or id of ours in the name of a file"
    readable = file.content_type.lower().startswith(("text/", "message/")) or file.filename.lower().endswith(
        ".eml"
    )
    if readable and _TOKEN.search(file.content[:_SEARCHED].decode("latin-1")):
        return f"a signed address or id of ours in the file {file.filename}"
    return None
