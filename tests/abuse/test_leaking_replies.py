"""Replies of agents that would tell a customer what is internal: dressed commands, odd bodies, files, cards.

Each is a proven agent's honest answer, as some client writes it. Nothing of it may reach
the customer, or only the words that were meant for them.
"""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest

from .kit import DESK, SECRET, Desk

Make = Callable[..., Desk]
INSIDE = "He owes us forty euro, between us."

DRESSED = {
    "bold": "*#note*",
    "italics": "/#note/",
    "underlined": "_#note_",
    "struck": "~#note~",
    "a list": "* #note",
    "a dashed list": "- #note",
    "a bullet": "• #note",
    "a numbered list": "1. #note",
    "quoted": '"#note"',
    "quoted in print": "“#note”",
    "as code": "`#note`",
    "escaped": "\\#note",
    "below a picture of Outlook's": "[cid:image001.png@01DC5F]\n#note",
    "below a picture of Gmail's": "[image: logo.png]\n\n#note",
    "below a picture of Apple's": "\ufffc\n#note",
    "beside a picture": "\ufffc#note",
    "embedded": "\u202a#note\u202c",
    "isolated": "\u2068#note\u2069",
    "Arabic": "\u061c#note",
    "invisible": "\u2063#no\u180ete",
    "small": "﹟note",
    "sharp": "♯note",
}


@pytest.mark.parametrize("first", DRESSED.values(), ids=DRESSED.keys())
def test_a_dressed_command_is_a_command(busy: Make, first: str) -> None:
    desk = busy()
    before = desk.mailed()
    desk.answer("anna", f"{first}\n\n{INSIDE}")
    assert desk.mailed() == before
    last = desk.ticket(2)["messages"][-1]
    assert (last["kind"], last["new_text"]) == ("note", INSIDE)


@pytest.mark.parametrize("first", ["*#slved*", "- #nte", "• #assgn bob"])
def test_a_dressed_command_that_is_none_holds_the_mail(busy: Make, first: str) -> None:
    desk = busy()
    before = desk.mailed()
    assert desk.answer("anna", f"{first}\n\nHello Jane.") == {"held": 1}
    assert desk.mailed() == before


def test_a_direction_mark_around_an_address_is_not_part_of_it(busy: Make) -> None:
    desk = busy()
    desk.answer("anna", "#cc \u202azed@z.test\u202c\n#note\nHe is in charge.")
    assert "zed@z.test" in [one["address"] for one in desk.ticket(2)["participants"]]


UNREADABLE = {
    "opaque S/MIME": ('application/pkcs7-mime; smime-type=signed-data; name="smime.p7m"', INSIDE),
    "enriched": ("application/x-something", INSIDE),
    "rich text": ("application/rtf", "{\\rtf1 #note\\par " + INSIDE + "}"),
    "rich text as text": ("text/rtf", "{\\rtf1 #note\\par " + INSIDE + "}"),
    "an unknown charset": ("text/plain; charset=x-cp037", "\xd2\x96\xa3\x85 \x81\xff"),
}


@pytest.mark.parametrize(("kind", "body"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_text_that_nobody_can_read_is_held(busy: Make, kind: str, body: str) -> None:
    desk = busy()
    before = desk.mailed()
    raw = body.encode("latin-1")
    assert desk.answer("anna", raw, Content_Type=kind) == {"held": 1}  # type: ignore[arg-type]
    assert desk.mailed() == before


def test_pgp_is_held(busy: Make) -> None:
    desk = busy()
    before = desk.mailed()
    body = (
        "--b\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n"
        "--b\nContent-Type: application/octet-stream; name=encrypted.asc\n\nsealed\n--b--\n"
    )
    kind = 'multipart/encrypted; protocol="application/pgp-encrypted"; boundary=b'
    assert desk.answer("anna", body, Content_Type=kind) == {"held": 1}
    assert desk.mailed() == before


def with_file(
    text: str, content: bytes, name: str = "file.bin", kind: str = "application/octet-stream"
) -> tuple[str, str]:
    """A body and its Content-Type: a text and one attached file."""
    encoded = base64.encodebytes(content).decode()
    body = (
        f"--b\nContent-Type: text/plain; charset=utf-8\n\n{text}\n"
        f'--b\nContent-Type: {kind}\nContent-Disposition: attachment; filename="{name}"\n'
        f"Content-Transfer-Encoding: base64\n\n{encoded}--b--\n"
    )
    return body, "multipart/mixed; boundary=b"


def notification(desk: Desk) -> str:
    """The text of what Anna was told."""
    part = desk.last_to("anna").get_body(("plain",))
    assert part is not None
    return str(part.get_content())


FILES: dict[str, Callable[[Desk], tuple[str, str, bytes]]] = {
    "a card of hers": lambda _: ("anna.vcf", "text/vcard", b"BEGIN:VCARD\r\nEMAIL:anna@example.com\r\n"),
    "a list": lambda _: ("people.txt", "text/plain", b"Anna\tanna@example.com\nBob\tbob@example.com\n"),
    "its name": lambda _: ("anna@example.com.pdf", "application/pdf", b"%PDF-1.7"),
    "a page": lambda desk: ("fwd.html", "application/octet-stream", notification(desk).encode()),
    "a page in UTF-16": lambda desk: ("fwd.html", "text/html", notification(desk).encode("utf-16")),
    "Outlook's own": lambda desk: (
        "fwd.msg",
        "application/vnd.ms-outlook",
        b"\xd0\xcf\x11\xe0" + b"\0" * 900 + notification(desk).encode("utf-16-le"),
    ),
    "a mail": lambda desk: ("fwd.eml", "message/rfc822", desk.last_to("anna").as_bytes()),
    "a note": lambda _: ("notes.txt", "text/plain", f"Mind this.\n{SECRET}\n".encode()),
    "our card": lambda _: (
        "card.txt",
        "text/plain",
        b"Ticket 1\n  Status  open\n  Priority  low\n  Assignee  Bob\n",
    ),
}


@pytest.mark.parametrize("make", FILES.values(), ids=FILES.keys())
def test_a_file_that_tells_is_held(busy: Make, make: Callable[[Desk], tuple[str, str, bytes]]) -> None:
    desk = busy()
    name, kind, content = make(desk)
    desk.answer("anna", f"#note\n{SECRET}")
    before = desk.mailed()
    body, form = with_file("Dear Jane, see the file.", content, name, kind)
    assert desk.answer("anna", body, Content_Type=form) == {"held": 1}
    assert desk.mailed() == before


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n", "Żółw\n".encode("utf-16")])
def test_a_file_that_tells_nothing_goes(busy: Make, content: bytes) -> None:
    desk = busy()
    body, form = with_file("Dear Jane, see the file.", content, "turtle.dat")
    assert desk.answer("anna", body, Content_Type=form) == {"ticket": 1}
    (file,) = [part for part in desk.to_outsiders()[-1].walk() if part.get_filename()]
    assert (file.get_filename(), file.get_payload(decode=True)) == ("turtle.dat", content)


@pytest.mark.parametrize(
    ("name", "kind"), [("winmail.dat", "application/ms-tnef"), ("ATT1.dat", "application/x")]
)
def test_a_winmail_dat_never_goes(busy: Make, name: str, kind: str) -> None:
    desk = busy()
    before = desk.mailed()
    torn = b"\x78\x9f\x3e\x22" + b"\0\0\0" + INSIDE.encode()
    body, form = with_file("Dear Jane, fine.", torn, name, kind)
    assert desk.answer("anna", body, Content_Type=form) == {"held": 1}
    assert desk.mailed() == before


AROUND = (
    "E-Mail：{}", "（{}）", "{}。", "„{}“", "«{}»", "’{}’", "Anna|{}|Tel", "Anna/{}/Tel", "Mail={}",
    "{{{}}}", "{}–Berlin",
    "{}…", "•{}", "✉{}", "📧{}", "https://x.test/?to={}&x=1", "(cc {})", "<{}>", "{}.", "Call {}, please",
)  # fmt: skip
FORMS = (
    "anna@example.com", "Anna@Example.COM", "anna＠example.com", "an\u200bna@example.com",
    "anna@exam\u00adple.com",
    "anna%40example.com", "anna@\nexample.com", "anna@example.\n  com",
)  # fmt: skip


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("form", [FORMS[0], FORMS[1]])
def test_her_address_is_found_whatever_stands_around(busy: Make, around: str, form: str) -> None:
    desk = busy()
    before = desk.mailed()
    assert desk.answer("anna", f"Dear Jane,\n{around.format(form)}\nbye") == {"held": 1}
    assert desk.mailed() == before


@pytest.mark.parametrize("form", FORMS)
def test_her_address_is_found_in_any_form(busy: Make, form: str) -> None:
    desk = busy()
    before = desk.mailed()
    assert desk.answer("anna", f"Dear Jane,\nwrite to {form} or call.\nbye") == {"held": 1}
    assert desk.mailed() == before


@pytest.mark.parametrize(
    "other",
    ["joanna@example.com", "anna@example.com.pl", "anna@example.community", "hanna-anna@example.com", DESK],
)
def test_another_address_is_none_of_hers(busy: Make, other: str) -> None:
    desk = busy()
    assert desk.answer("anna", f"Dear Jane,\nwrite to {other} or call.\nbye") == {"ticket": 1}


CARDS = {
    "the card": "Ticket 1\n  Status     open\n  Priority   normal\n  Assignee   nobody\n",
    "the card of a page": "Ticket 1\nStatus\nopen\nPriority\nnormal\nAssignee\nnobody\n",
    "where an answer goes": "Your answer will go to Jane. Begin it with #note to write to the team alone.",
    "how to command": "Or begin your answer with a command, such as #solved or #assign bob.",
    "the links": "Ready mails; open one and send it:\n  Take: <mailto:support@example.com>",
}


@pytest.mark.parametrize("card", CARDS.values(), ids=CARDS.keys())
def test_a_card_that_was_left_in_is_held(busy: Make, card: str) -> None:
    desk = busy()
    before = desk.mailed()
    assert desk.answer("anna", f"Dear Jane, fine.\n\n{card}\n") == {"held": 1}
    assert desk.mailed() == before
