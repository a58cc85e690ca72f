"""Transcripts in the shapes that chat tools mail them: the visitor is one clear address, or nobody."""

import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketd.decide import tokens
from ticketd.decide.effects import Append, Conclude, MailKind, Save, Send
from ticketd.decide.excerpts.transcripts import find_theirs, find_visitor
from ticketd.decide.model import Address, Channel, Kind, Message, Outcome

from .desk_kit import ANNA, POLICY, context, decided, effects_of, history, issued, mail, token

SHAPES = {
    "fields, then bracketed times": (
        "New conversation ended",
        "Conversation details\n\nName: Jane Doe\nEmail: jane@example.org\nCountry: Poland\n\n"
        "[10:02] Jane Doe: My order is late\n[10:03] Anna: Let me see\n[10:04] Jane Doe: Thank you\n",
    ),
    "one line for the visitor, headings above the words": (
        "Conversation with Jane Doe",
        "Transcript of your conversation\nUser: Jane Doe <jane@example.org>\n\n"
        "Jane Doe, 10:02 AM\nMy order is late\n\nAnna, 10:03 AM\nLet me see\n",
    ),
    "stars and seconds": (
        "Chat transcript",
        "*Visitor name:* Jane Doe\n*Visitor email:* jane@example.org (mailto:jane@example.org)\n"
        "*Duration:* 3 min\n\n10:02:13 Jane Doe: My order is late\n10:03:01 Anna: Let me see\n",
    ),
    "a quoted mail, spaces before the colon": (
        "Chat #ab12 ended",
        "> Name : Jane Doe\n> Email : jane@example.org\n> Phone : 123\n>\n> Chat\n"
        "> [10:02] Jane Doe : My order is late\n> [10:03] Anna : Let me see\n",
    ),
    "values on the line below": (
        "Your transcript",
        "Nickname:\nJane Doe\nE-mail:\njane@example.org\n\nJane Doe - 10:02:\nMy order is late\n"
        "Anna - 10:03:\nLet me see\n",
    ),
}
UNCLEAR = {
    "no address": "Chat\nName: Jane\n\nJane: Hello there\nAnna: Hello Jane\n",
    "two visitors": "Chat\nEmail: jane@example.org\nVisitor: lee@example.org\n\nJane: Hello\nAnna: Hello\n",
    "two in one field": "Chat\nEmail: jane@example.org, lee@example.org\n\nJane: Hello\nAnna: Hello\n",
    "only an agent": "Chat\nEmail: anna@example.com\n\nJane: Hello\nAnna: Hello\n",
    "only ourselves": "Chat\nEmail: support@example.com\n\nJane: Hello\nAnna: Hello\n",
    "only the tool": "Chat\nEmail: noreply@tawk.to\n\nJane: Hello\nAnna: Hello\n",
    "no dialogue": "A chat was missed\nName: Jane\nEmail: jane@example.org\n",
    "no chat": "Invoice\nName: Jane\nEmail: jane@example.org\n\nItem: one\nPrice: two\n",
}


def ours(person: Address) -> bool:
    return person.key.endswith("@example.com")


@pytest.mark.parametrize("shape", SHAPES)
def test_the_visitor_is_found_with_their_name(shape: str) -> None:
    subject, text = SHAPES[shape]
    assert find_visitor(text, subject, ours) == Address("jane@example.org", "Jane Doe")


@pytest.mark.parametrize("why", UNCLEAR)
def test_in_doubt_there_is_no_visitor(why: str) -> None:
    assert find_visitor(UNCLEAR[why], "Hello", ours) is None


def forwarded(text: str, author: str = "Chat Tool <no-reply@tidio.net>", subject: str = "Chat ended") -> str:
    return (
        f"#fwd\n#urgent\n\nShe is important.\n\n---------- Forwarded message ---------\nFrom: {author}\n"
        f"Date: Mon, Nov 23, 2026 at 8:00 AM\nSubject: {subject}\nTo: Anna <anna@example.com>\n\n\n{text}"
    )


def as_agent(text: str, subject: str = "Fwd: Chat ended"):
    """Anna answers a list's token with it: proven, and on no ticket."""
    message = mail(ANNA, text, subject=subject)
    return decided(replace(message, headers=AUTHENTIC), context(), TRUSTING)


AUTHENTIC = (("Authentication-Results", "mx.example.com; dmarc=pass header.from=example.com"),)
TRUSTING = replace(
    POLICY,
    mailboxes={
        "support": POLICY.mailboxes["support"].model_copy(update={"trusted_authserv": ("mx.example.com",)})
    },
)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_forwarded_transcript_is_the_visitors_ticket(shape: str) -> None:
    decision = as_agent(forwarded(SHAPES[shape][1]))
    ticket = effects_of(decision, Save)[0].ticket
    assert (ticket.requester, ticket.channel) == (Address("jane@example.org", "Jane Doe"), Channel.CHAT)
    assert ticket.priority == "urgent"
    first, note = (one.entry for one in effects_of(decision, Append))
    assert (first.kind, first.author.key) == (Kind.CUSTOMER, "jane@example.org")
    assert "My order is late" in first.text
    assert (note.kind, note.new_text) == (Kind.NOTE, "She is important.")
    assert not [one for one in effects_of(decision, Send) if one.mail.kind is MailKind.REPLY]


def test_a_pasted_transcript_is_one_as_well() -> None:
    decision = as_agent(f"#fwd\n\n{SHAPES['fields, then bracketed times'][1]}", "A chat")
    (added,) = effects_of(decision, Append)
    assert added.entry.author.key == "jane@example.org"
    assert added.entry.text.startswith("Conversation details")


def test_a_persons_mail_that_speaks_of_a_chat_stays_theirs() -> None:
    text = SHAPES["fields, then bracketed times"][1]
    decision = as_agent(forwarded(text, "Lee <lee@example.org>"))
    assert effects_of(decision, Save)[0].ticket.requester == Address("lee@example.org", "Lee")


@pytest.mark.parametrize("why", [one for one in UNCLEAR if one != "no chat"])
def test_a_transcript_of_nobody_is_refused_with_the_reason(why: str) -> None:
    decision = as_agent(forwarded(UNCLEAR[why]))
    (conclusion,) = effects_of(decision, Conclude)
    assert conclusion.outcome is Outcome.HELD
    assert "no chat with one clear visitor" in conclusion.reason
    assert not effects_of(decision, Save)


def test_a_named_requester_beats_who_is_found() -> None:
    made = token()
    text = forwarded("The invoice is wrong.", "Lee <lee@example.org>", "Invoice")
    message = mail(
        ANNA,
        text.replace("#fwd", "#fwd\n#requester kim@example.org"),
        in_reply_to=(tokens.message_id(POLICY, made, "example.com"),),
    )
    decision = decided(message, context(history(), given=(issued(made),)))
    assert effects_of(decision, Save)[0].ticket.requester.key == "kim@example.org"


@settings(deadline=None, max_examples=60)
@given(st.text(alphabet="ab:@.<>\n *[]0195,Email: ", max_size=300))
def test_any_text_is_read(text: str) -> None:
    find_visitor(f"chat\n{text}", "", ours)
    find_theirs(Message(fingerprint="x", size=1, text=text, subject="chat"), ours)


def test_long_texts_take_linear_time() -> None:
    start = time.perf_counter()
    find_visitor("chat\n" + "Email: " * 200_000, "", ours)
    find_visitor("chat\n" + "12:00 a\n" * 200_000, "", ours)
    find_visitor("chat\nEmail: " + "a@b.cd," * 200_000, "", ours)
    assert time.perf_counter() - start < 2
