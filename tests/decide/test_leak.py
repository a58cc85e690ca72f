import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.decide.letters import entry, part, policy, read, ticket
from ticketd import texts_files
from ticketd.decide import tokens
from ticketd.decide.model import Address, Attachment, Purpose
from ticketd.decide.writing import card, compose, leak

P = policy()
TOKEN = tokens.mint(P, Purpose.REPLY, 42, "anna@private.example.com", "x")
SIGNED = [
    tokens.message_id(P, TOKEN, "example.com"),
    tokens.reply_address(P, TOKEN, P.mailboxes["support"]),
    tokens.subject_code(P, TOKEN),
]
NOTE = "Careful, she is the minister's sister.\nVIP"


def reasons(text, **more):
    return leak.leaks(P, text, **more)


@pytest.mark.parametrize(
    "text",
    [
        "Hello Jane,\n\nthe refund is on its way.\n\nAnna",
        "Order #1234 is on its way",
        "#1 is the best",
        "First press the # key.\n#solved is a tag that we use",
        "| Size | Price |\n| S | 5 |",
        "Write to support@example.com or jane@example.org.",
        "From: Warsaw\nTo: Berlin",
        "From: now on\n\nwe ship at once",
        "> The printer burns.\nPlease do not touch it.",
        "",
    ],
)
def test_ordinary_replies_pass(text):
    assert reasons(text, notes=[NOTE]) == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("\n\n#slved\nHello", "what looks like a command: #slved"),
        ("\u200b＃note to self", "looks like a command"),
        *((f"Dear Jane {one}!", "signed address or id") for one in SIGNED),
        (SIGNED[1].upper(), "signed address or id"),
        (f"Hello\n> {compose.MARKER}\n", "part of our notification"),
        ("Hello\n| The printer burns.", "lines marked with |"),
        ("Hello\n> |\xa0The printer burns.", "lines marked with |"),
        ("Call me at Anna@Private.Example.com.", "agent's own address"),
        ("<mailto:bob@private.example.com>", "agent's own address"),
        ("Fine.\ncareful,  she is the\nMINISTER'S sister.\nvip", "text of a note"),
        ("By the way: Careful, she is the minister's sister.", "text of a note"),
        ("Hi\n\nFrom: Desk <d@e.f>\nSent: Monday\nTo: Anna\nSubject: x", "header of another mail"),
        ("Hi\n> *Von:* Desk\n> *Gesendet:* Montag\n> *An:* Anna\n> *Betreff:* x", "header of another mail"),
        ("De : Bureau\nEnvoyé : lundi\nÀ : Anna\nObjet : x", "header of another mail"),
    ],
)
def test_what_must_not_leave_is_found(text, reason):
    found = reasons(text, notes=[NOTE])
    assert any(reason in one for one in found), found


def test_a_line_that_the_agent_escaped_is_meant():
    assert reasons("#solved is what we type", escaped=True) == []


def test_what_the_customer_knows_is_no_secret():
    said = "Careful, she is the minister's sister."
    assert reasons(said, notes=[NOTE], public=[said]) == []


def test_an_agent_who_takes_part_is_no_secret():
    t = ticket(participants=(Address("bob@private.example.com"),))
    assert reasons("Bob (bob@private.example.com) asked", ticket=t) == []


def test_our_mails_sent_along_are_found():
    mail = compose.notification(P, ticket(), None, entry(), P.agents["anna"], "x", "c", entry().at)
    for name, kind in (("fwd.eml", "application/octet-stream"), ("mail", "message/rfc822")):
        found = reasons("Hello", files=[Attachment(name, kind, mail.content)])
        assert found == [f"a signed address or id of ours, in the file {name}"]
    assert reasons("Hello", files=[Attachment("a.png", "image/png", b"png")]) == []


def test_our_whole_notification_never_passes():
    mail = compose.notification(P, ticket(), None, entry(), P.agents["anna"], "x", "c", entry().at)
    assert len(reasons(part(read(mail), "text/plain"))) == 2


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60), st.text(max_size=60), st.sampled_from(SIGNED))
def test_no_signed_id_survives_scrubbing(before, after, signed):
    assert leak._SIGNED.search(leak.scrub(f"{before} {signed} {after}")) is None
    assert TOKEN.serial not in leak.scrub(signed)


@pytest.mark.parametrize("piece", ["+t1.r.", "<t1", "[#1.", "a@", "| ", "From: x\n", "#", " "])
def test_it_is_linear_in_the_text(piece):
    text = piece * (400_000 // len(piece))
    started = time.process_time()
    reasons(text, notes=[NOTE])
    leak.scrub(text)
    assert time.process_time() - started < 2


def test_what_only_our_notifications_say_is_what_they_say():
    place = Path(texts_files.__file__).parent / "templates"
    names = ("notification.txt.j2", "notification.html.j2", "parts.txt.j2", "layout.html.j2")
    templates = " ".join((place / name).read_text("utf-8") for name in names)
    missing = [words for words in leak._OURS if words not in templates]
    assert missing == []
    labels = {label for label, _ in card.rows(P, ticket(), entry().at)}
    assert set(leak._CARD) <= labels
