"""Every mail of the corpus is read as its expectation says.

``tests/mail/KIND/NAME.eml`` is an invented mail, named by what is odd about it; ``NAME.json`` says
what must be read from it. Only the keys that stand there are looked at.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ticketd.decide.judging.classify import classify
from ticketd.decide.model import Classification, Message
from ticketd.decide.reading.parse import parse

CORPUS = Path(__file__).parent.parent / "mail"
MAILS = sorted(CORPUS.rglob("*.eml"))


def addresses(people: Any) -> list[str]:
    return [person.address for person in people]


FIELDS: dict[str, Callable[[Message], Any]] = {
    "author": lambda m: m.author.address if m.author else None,
    "author_name": lambda m: m.author.name if m.author else None,
    "from_text": lambda m: m.from_text,
    "sender": lambda m: m.sender.address if m.sender else None,
    "to": lambda m: addresses(m.to),
    "to_count": lambda m: len(m.to),
    "cc": lambda m: addresses(m.cc),
    "reply_to": lambda m: addresses(m.reply_to),
    "delivered_to": lambda m: addresses(m.delivered_to),
    "return_path": lambda m: m.return_path,
    "subject": lambda m: m.subject,
    "message_id": lambda m: m.message_id,
    "in_reply_to": lambda m: list(m.in_reply_to),
    "references": lambda m: list(m.references),
    "date": lambda m: m.date.isoformat().replace("+00:00", "Z") if m.date else None,
    "text": lambda m: m.text,
    "html": lambda m: m.html,
    "attachments": lambda m: [
        {
            "filename": a.filename,
            "content_type": a.content_type,
            "size": a.size,
            "sha256": a.sha256,
            "inline": a.inline,
        }
        for a in m.attachments
    ],
    "attachment_names": lambda m: [a.filename for a in m.attachments],
    "attachment_kinds": lambda m: [a.content_type for a in m.attachments],
    "attachment_count": lambda m: len(m.attachments),
    "content_ids": lambda m: [a.content_id for a in m.attachments],
    "enclosed_subjects": lambda m: [inner.subject for inner in m.enclosed],
    "enclosed_authors": lambda m: [inner.author.address for inner in m.enclosed if inner.author],
    "report": lambda m: m.report.type if m.report else None,
    "report_ids": lambda m: list(m.report.message_ids) if m.report else None,
}
VERDICTS: dict[str, Callable[[Classification], Any]] = {
    "verdict": lambda c: str(c.verdict),
    "answerable": lambda c: c.answerable,
    "recorded": lambda c: c.recorded,
    "bounce": lambda c: (
        {"permanent": c.bounce.permanent, "recipient": c.bounce.recipient, "status": c.bounce.status}
        if c.bounce
        else None
    ),
    "message_ids": lambda c: list(c.bounce.message_ids) if c.bounce else None,
    "remote_mta": lambda c: c.bounce.remote_mta if c.bounce else None,
}


@pytest.mark.parametrize("path", MAILS, ids=[str(path.relative_to(CORPUS).with_suffix("")) for path in MAILS])
def test_mail_is_read_as_expected(path: Path) -> None:
    expected = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    assert expected, "an expectation that expects nothing"
    message = parse(path.read_bytes())
    verdict = classify(message)
    for key, want in expected.items():
        if key in FIELDS:
            assert FIELDS[key](message) == want, key
        elif key in VERDICTS:
            assert VERDICTS[key](verdict) == want, key
        else:
            LOOSE[key](message, verdict, want)


def has(message: Message, verdict: Classification, want: list[str]) -> None:
    for words in want:
        assert words in message.text


def lacks(message: Message, verdict: Classification, want: list[str]) -> None:
    for words in want:
        assert words not in message.text


def says(message: Message, verdict: Classification, want: list[str]) -> None:
    for words in want:
        assert any(words in defect for defect in message.defects), message.defects


def short_name(message: Message, verdict: Classification, want: int) -> None:
    (attached,) = message.attachments
    assert len(attached.filename.encode()) <= want


def told(message: Message, verdict: Classification, want: str) -> None:
    assert verdict.bounce is not None
    assert want in verdict.bounce.diagnostic


LOOSE: dict[str, Callable[[Message, Classification, Any], None]] = {
    "text_has": has,
    "text_lacks": lacks,
    "defects_has": says,
    "attachment_name_bytes": short_name,
    "diagnostic_has": told,
}


def test_corpus_is_whole() -> None:
    assert len(MAILS) >= 150
    assert {path.with_suffix(".json") for path in MAILS} == set(CORPUS.rglob("*.json"))
