"""The signature that a client marks is none of the text, whichever form of the mail is read."""

import pytest

from ticketd.decide.excerpts.excerpt import excerpt
from ticketd.decide.excerpts.htmlsignature import marked_signatures
from ticketd.decide.reading.htmltext import html_to_text

SAID = "<p>Hello Jane,</p><p>your lamp is on its way.</p>"
TEXT = "Hello Jane,\n\nyour lamp is on its way."
CARD = (
    'Anna Kowalska<br>Lamps &amp; Light<br><a href="mailto:anna@private.example">anna@private.example</a>'
    '<br><a href="https://lamps.example/">Our shop</a><br><img src="cid:logo" alt="Logo">'
)
PLAIN = "Anna Kowalska\nLamps & Light\nanna@private.example\nOur shop <https://lamps.example/>\n[image: Logo]"
QUOTE = (
    '<div class="gmail_quote"><div class="gmail_attr">On Monday Jane wrote:</div>'
    '<blockquote class="gmail_quote">It burns.</blockquote></div>'
)
MARKS = {
    "gmail": '<div dir="ltr" class="gmail_signature" data-smartmail="gmail_signature">',
    "gmail by its data alone": '<div data-smartmail="gmail_signature">',
    "outlook on the web": '<div id="Signature">',
    "outlook after an exchange": '<div id="x_Signature" class="x_elementToProof">',
    "apple": '<div id="AppleMailSignature" dir="ltr">',
    "outlook on a phone": '<div id="ms-outlook-mobile-signature">',
    "thunderbird": '<div class="moz-signature">',
}


@pytest.mark.parametrize("quote", ["", QUOTE])
@pytest.mark.parametrize("mark", MARKS.values(), ids=MARKS)
def test_it_is_found_in_the_text_of_the_html_and_in_the_plain_text(mark: str, quote: str) -> None:
    html = f"{SAID}{mark}{CARD}</div>{quote}"
    below = "\n\nOn Monday Jane wrote:\n> It burns." if quote else ""
    for text in (html_to_text(html), f"{TEXT}\n\n{PLAIN}{below}", f"{TEXT}\n-- \n{PLAIN}{below}"):
        for agent in (True, False):
            found = excerpt(text, html, agent=agent)
            assert found.new_text == TEXT
            assert "anna@private.example" in found.signature
            assert found.certain


def test_it_is_cut_only_where_the_text_ends_with_it() -> None:
    html = f"{SAID}<div class='gmail_signature'>{CARD}</div><p>P.S. It is blue.</p>"
    assert "P.S. It is blue." in excerpt(html_to_text(html), html, agent=True).new_text
    assert "anna@private.example" in excerpt(html_to_text(html), html, agent=True).new_text
    other = f"{SAID}<div class='gmail_signature'>Somebody else</div>"
    found = excerpt(f"{TEXT}\n\n{PLAIN}", other, agent=True)
    assert found.new_text == f"{TEXT}\n\n{PLAIN}"


def test_words_that_a_signature_happens_to_end_with_stay() -> None:
    html = "<p>Yours is blue. Anna</p><div class='gmail_signature'>Anna</div>"
    assert excerpt("Yours is blue. Anna", html, agent=True).new_text == "Yours is blue. Anna"


def test_what_is_quoted_marks_nothing() -> None:
    html = f"{SAID}<blockquote type='cite'><div class='gmail_signature'>on its way</div></blockquote>"
    assert marked_signatures(html) == []


def test_a_mark_that_stands_twice_is_none() -> None:
    """iOS has put its mark on each line that was typed below the signature."""
    html = '<div id="AppleMailSignature">Hello Jane,</div><div id="AppleMailSignature">it is blue.</div>'
    assert excerpt(html_to_text(html), html, agent=True).new_text == "Hello Jane,\nit is blue."


def test_one_of_any_length_is_no_doubt() -> None:
    card = " ".join(f"word{number}" for number in range(300))
    html = f"{SAID}<div id='Signature'>{card}</div>"
    found = excerpt(html_to_text(html), html, agent=True)
    assert (found.new_text, found.certain) == (TEXT, True)


def test_a_mail_of_many_quotes_is_parsed_once() -> None:
    text = "\n".join(f"> was {number}\nIs {number}" for number in range(3000))
    html = f"<div class='gmail_signature'>Anna</div>{'<p>word</p>' * 3000}"
    assert excerpt(text, html, agent=True).new_text
