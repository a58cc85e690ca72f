"""Pictures that an agent pastes into a reply reach the customer; logos and quoted ones do not."""

import email
import email.policy
from dataclasses import replace

import pytest

from ticketd.decide import tokens
from ticketd.decide.effects import Append, Conclude, MailKind, Send
from ticketd.decide.excerpts.pasted import pasted
from ticketd.decide.model import Attachment, Kind, Outcome

from .desk_kit import ANNA, POLICY, context, decided, effects_of, history, issued, mail, token

QUOTE = (
    '<div class="gmail_quote"><div class="gmail_attr">On Monday Jane wrote:</div>'
    '<blockquote class="gmail_quote">fire <img src="cid:theirs"></blockquote></div>'
)


@pytest.mark.parametrize(
    ("html", "found"),
    [
        ('<p>Press here:</p><img src="cid:own"><p>and wait.</p>' + QUOTE, {"own"}),
        ('<p>Press here: and wait.</p><img src="CID:own%40x">' + QUOTE, {"own@x"}),
        ('<p>#solved</p><p>Press here:</p><p>and wait. <img src="cid:own"></p>' + QUOTE, {"own"}),
        ('<p>Press here: and wait.</p><div>-- </div><p>Anna</p><img src="cid:logo">' + QUOTE, set()),
        ('<p>Press here: and wait.</p><p>Anna Example</p><img src="cid:logo">' + QUOTE, set()),
        ('<p>Press here: and wait.</p><div id="Signature"><img src="cid:logo"></div>' + QUOTE, set()),
        ("<p>Press here: and wait.</p>" + QUOTE, set()),
        (QUOTE + '<p>Press here:</p><img src="cid:own"><p>and wait.</p>', {"own"}),
        ('<p>Press here: and wait.</p><img src="https://example.org/a.png"><img src="cid:">', set()),
        ('<p>Press</p><div id="appendonsend"></div><img src="cid:theirs">', set()),
    ],
)
def test_only_what_stands_in_ones_own_words(html: str, found: set[str]) -> None:
    assert pasted(html, "Press here:\nand wait.") == found


def test_thousands_of_open_elements_are_no_trouble() -> None:
    assert pasted("<div>" * 20_000 + '<img src="cid:own">' * 100, "Hello") <= {"own"}


def reply(text: str, html: str):
    """Anna answers with a pasted picture, a logo and one that she quotes."""
    made = token()
    pictures = tuple(
        Attachment(f"{name}.png", "image/png", name.encode(), inline=True, content_id=f"<{name}>")
        for name in ("own", "logo", "theirs")
    )
    message = mail(
        ANNA,
        text,
        html=html,
        attachments=pictures,
        in_reply_to=(tokens.message_id(POLICY, made, "example.com"),),
        subject="Re: [#1] Printer",
    )
    return decided(message, context(history(), given=(issued(made),)))


def sent(decision) -> list[bytes]:
    (out,) = [one.mail for one in effects_of(decision, Send) if one.mail.kind is MailKind.REPLY]
    read = email.message_from_bytes(out.content, policy=email.policy.SMTP)
    return [part.get_content() for part in read.iter_attachments()]


HTML = '<p>{}Press here:</p><img src="cid:own"><div>-- <br>Anna</div><img src="cid:logo">' + QUOTE
TEXT = "{}Press here:\n\n-- \nAnna\n\nOn Monday Jane wrote:\n> fire"


@pytest.mark.parametrize("command", ["", "#solved\n"])
def test_the_pasted_picture_goes_to_the_customer_as_a_file(command: str) -> None:
    decision = reply(TEXT.format(command), HTML.format(command.replace("\n", "<br>")))
    assert sent(decision) == [b"own"]
    (added,) = effects_of(decision, Append)
    assert [one.filename for one in added.entry.attachments] == ["own.png"]


def test_a_pasted_picture_stays_with_a_note() -> None:
    (added,) = effects_of(reply(TEXT.format("#note\n"), HTML.format("#note<br>")), Append)
    assert added.entry.kind is Kind.NOTE
    assert [one.filename for one in added.entry.attachments] == ["own.png"]


def test_pictures_alone_are_no_reply() -> None:
    decision = reply("On Monday Jane wrote:\n> fire", '<img src="cid:own">' + QUOTE)
    (conclusion,) = effects_of(decision, Conclude)
    assert conclusion.outcome is Outcome.HELD
    assert not effects_of(decision, Append)


def test_our_ids_in_the_name_of_a_pasted_picture_are_a_leak() -> None:
    made = token()
    named = f"{tokens.message_id(POLICY, made, 'example.com')[1:-1]}.png"
    leaking = Attachment(named, "image/png", b"x", inline=True, content_id="own")
    message = mail(
        ANNA,
        TEXT.format(""),
        html=HTML.format(""),
        attachments=(leaking,),
        in_reply_to=(tokens.message_id(POLICY, made, "example.com"),),
    )
    decision = decided(replace(message, subject="Re: x"), context(history(), given=(issued(made),)))
    assert effects_of(decision, Conclude)[0].outcome is Outcome.HELD
