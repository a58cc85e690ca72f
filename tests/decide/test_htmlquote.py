from pathlib import Path

import pytest

from ticketd.decide.excerpts.excerpt import excerpt
from ticketd.decide.excerpts.htmlquote import quoted_lines
from ticketd.decide.reading.htmltext import html_to_text

# Mails as the clients write them: the new words are "Blue, please." (and "Five." where they answer between).
REPLIES = Path(__file__).parent.parent / "mail" / "replies"
CLIENTS = {path.stem: path.read_text(encoding="utf-8") for path in sorted(REPLIES.glob("*.html"))}
FORWARD = """\
<div dir="ltr">See this:<br><br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">
---------- Forwarded message ---------<br>From: <b>Bank</b> &lt;bank@bank.example&gt;<br>
Date: Mon, Mar 3, 2025 at 10:00 AM<br>Subject: Pay<br>To: &lt;peter@customer.example&gt;<br></div>
<br><p>You must pay.</p></div></div>
"""


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("agent", [False, True])
def test_the_quote_of_each_client_is_found_in_the_text_of_its_html(client, agent):
    html = CLIENTS[client]
    text = html_to_text(html)
    result = excerpt(text, html, agent=agent)
    expected = "Blue, please.\n\nFive." if "between" in client else "Blue, please."
    assert result.new_text == expected
    assert "Which" in result.quoted
    assert result.certain


def test_an_authors_indent_is_no_quote():
    html = (
        '<p>I said:</p><blockquote style="margin:0 0 0 40px;border:none;padding:0px">the blue one'
        "</blockquote>"
        "<p>Thanks</p><blockquote>and five</blockquote>"
    )
    text = html_to_text(html)
    assert quoted_lines(html, text.split("\n")) == []
    assert "the blue one" in excerpt(text, html).new_text


def test_plain_text_beside_the_html_gets_its_marks_from_it():
    html = CLIENTS["outlook-web"]
    text = "Blue, please.\n\nQwe: Nora <nora@desk.example>\nRty: Monday\n\nWhich colour?\n"
    assert excerpt(text, html).new_text == "Blue, please."


def test_a_customers_forward_from_gmail_is_kept_whole():
    text = html_to_text(FORWARD)
    assert excerpt(text, FORWARD).new_text == text.strip()
    assert excerpt(text, FORWARD, agent=True).new_text == "See this:"


def test_html_that_says_something_else_changes_nothing():
    assert excerpt("Hello there", "<blockquote type=cite>Other words</blockquote>").new_text == "Hello there"
