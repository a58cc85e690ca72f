"""The leak guard: what must not stand in a mail to a customer, found in its text and files.

Commands, signed ids, the card of a notification, agents' private addresses, notes, and
quoted header blocks. It says in words what it found and changes nothing; ``scrub`` takes out
our ids where a reply goes out all the same. Linear in the text; knows nothing of MIME.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from unicodedata import normalize

from ticketd.decide import clean
from ticketd.decide.model import Attachment, Ticket
from ticketd.decide.policy import Policy
from ticketd.decide.writing import card
from ticketd.decide.writing.leakfiles import is_text, texts_of

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
_LABELS = {
    "from": "from von de da van od från fra lähettäjä от отправитель kimden 差出人 发件人",
    "date": "date sent datum gesendet envoyé enviado enviada fecha data inviato verzonden wysłano skickat"
    " sendt дата отправлено 日期 发送时间",
    "to": "to an à para a aan do till til кому kime 宛先 收件人",
    "subject": "subject betreff objet asunto oggetto assunto onderwerp temat ämne emne тема konu 件名 主题",
}
_FAMILY = {word: family for family, words in _LABELS.items() for word in words.split()}
_CARD = ("Status", "Priority", "Assignee", "Requester")  # as ``card.rows`` names them
_CARD_LABELS = 3
_OURS = (
    "Ready mails; open one and send it",
    "Each button opens a ready mail",
    "Or begin your answer with a command, such as #",
    "Begin it with #note to write to the team alone",
    "Begin it with #reply to write to",
    "Your answer will be a note, seen by the team alone",
)
"""What only our notifications say; a test holds it against the shipped templates."""
_BLOCK = 8  # lines within which three labels make a header block
_TOLD = 16  # characters of a note's line from which on finding it again is no chance
_NORMALISED = 1_000_000  # characters
_UNSEEN = dict.fromkeys(clean.UNSEEN)
_WITHIN = frozenset(".+-_")  # before an address: then it is the end of a longer one


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
        *(_file(policy, file, tuple(notes), tuple(public), ticket) for file in files),
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
    if any(card.MARKER in line or any(words in line for words in _OURS) for line in lines):
        return "a part of our notification"
    if _is_carded(lines):
        return "the card of our notification"
    if any(_is_barred(line) for line in lines):
        return "lines marked with | as in our notifications"
    return None


def _is_carded(lines: Sequence[str]) -> bool:
    """Whether three labels of the card stand close together, each at the start of a line."""
    near: list[tuple[int, str]] = []
    for number, line in enumerate(lines):
        label = (
            line[:200].lstrip("> \t*|").replace("\xa0", " ").split(" ", 1)[0].split("\t", 1)[0].strip(" *:")
        )
        if label in _CARD:
            near = [(at, one) for at, one in near if number - at < _BLOCK] + [(number, label)]
            if len({one for _, one in near}) >= _CARD_LABELS:
                return True
    return False


def _is_barred(line: str) -> bool:
    """A line of ours; a row of a table, closed by a bar as well, is the agent's own."""
    plain = line.lstrip("> \t").replace("\xa0", " ")
    return plain.startswith(card.BAR) and not plain.rstrip().endswith("|")


def _private_address(policy: Policy, text: str, ticket: Ticket | None) -> str | None:
    """An agent's address, whatever stands around it, is put into it unseen, or breaks its line."""
    if "@" not in text and "＠" not in text and "%40" not in text:
        return None
    plain = _plain(text)
    joined = "".join(line.strip() for line in plain.splitlines())
    for agent in policy.agents.values():
        for key in agent.keys:
            shared = policy.is_ours(key) or (ticket and ticket.has_participant(key))
            if not shared and (_holds(plain, key) or _holds(joined, key)):
                return f"an agent's own address: {key}"
    return None


def _plain(text: str) -> str:
    """Lower case, one form a letter, nothing unseen; a very long text is a file's and taken as it is."""
    if not text.isascii() and len(text) < _NORMALISED:
        text = normalize("NFKC", text.translate(_UNSEEN))
    return text.lower().replace("%40", "@")


def _holds(text: str, key: str) -> bool:
    """Whether an address stands in a text as itself, not as the end or the beginning of another."""
    at = text.find(key)
    while at >= 0:
        before, after = text[max(0, at - 1) : at], text[at + len(key) : at + len(key) + 2]
        longer = after[:1] == "-" or after[:1].isalnum() or (after[:1] == "." and after[1:].isalnum())
        if not longer and not (before.isalnum() or before in _WITHIN):
            return True
        at = text.find(key, at + 1)
    return False


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


def _file(
    policy: Policy, file: Attachment, notes: Sequence[str], public: Sequence[str], ticket: Ticket | None
) -> str | None:
    """What of ours, or of the agents', is in a file or its name."""
    for text in texts_of(file):
        found = (
            "a signed address or id of ours" if _TOKEN.search(text) else None,
            "a part of our notification" if card.MARKER in text else None,
            _private_address(policy, text, ticket),
            _as_lines(text, notes, public) if is_text(file) else None,
        )
        reason = next(filter(None, found), None)
        if reason:
            return f"{reason}, in the file {file.filename}"
    return None


def _as_lines(text: str, notes: Sequence[str], public: Sequence[str]) -> str | None:
    """What only a text can show: our card, lines that we marked, a note."""
    lines = text.splitlines()
    return _card(lines) or _note(text, notes, public)
