"""What an agent's client makes of a notification never reaches the customer, whichever client it is."""

import html as markup
import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketd.decide.excerpts.excerpt import excerpt
from ticketd.decide.reading.htmltext import html_to_text

MARKER = "--- Write your answer above this line ---"
CUSTOMERS_WORDS = [
    "My printer is on fire.",
    "#solved",
    "On Mon, Mar 3, 2025 at 10:00 AM Bob <bob@example.org> wrote:",
    "> Did you water it?",
    "From: Bob <bob@example.org>",
    "Sent: Monday, March 3, 2025 10:00",
    "-- ",
    "A very long line about her printer and the many, many things that they went through,",
    "",
    "-----Original Message-----",
    "Sent from my iPhone",
    MARKER,
]
AGENTS_WORDS = [
    "Hello Jane,",
    "",
    "it is on its way.",
    "#solved",
    "#assign bob",
    "See: https://help.example.com/printers",
    "1. Switch it off",
    "- then on",
    "Kind regards,",
    "Anna",
]
ATTRIBUTION = "On Mon, 3 Mar 2025 at 11:00, Jane Doe via Support <support+t42@desk.example> wrote:"
HEADERS = "{0}: Jane via Support <support@desk.example>\n{1}: 3 Mar 2025 11:00\n{2}: Anna\n{3}: Fire\n"


def notification(words):
    said = "\n".join(f"| {word}" for word in words)
    above = f"{MARKER}\n\nYour answer will go to Jane Doe.\n\nJane Doe wrote, 3 Mar, 10:00:"
    return f"{above}\n\n{said}\n\nTicket 42\n  Status   open"


def pretty(text):
    return text.replace("--- W", "— W").replace("e ---", "e\u00a0—")


def marked(text):
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))


def wrapped(text):
    lines = (textwrap.wrap(line, 74) or [""] for line in text.split("\n"))
    return marked("\n".join(part for parts in lines for part in parts))


PLAIN = {
    "gmail": lambda new, old: f"{new}\n\n{textwrap.fill(ATTRIBUTION, 70)}\n\n{wrapped(old)}\n",
    "apple": lambda new, old: f"{new}\n\n{marked(ATTRIBUTION)}\n> \n{marked(old)}\n",
    "thunderbird, below": lambda new, old: f"{ATTRIBUTION}\n{marked(old)}\n\n{new}\n",
    "thunderbird, nothing said": lambda new, old: f"{marked(old)}\n\n{new}\n",
    "outlook": lambda new, old: f"{new}\n\n{HEADERS.format('From', 'Sent', 'To', 'Subject')}\n{old}\n",
    "outlook, German": lambda new, old: (
        f"{new}\n\n{HEADERS.format('Von', 'Gesendet', 'An', 'Betreff')}\n{old}"
    ),
    "outlook, no language": lambda new, old: (
        f"{new}\n\n{HEADERS.format('Qwe', 'Rty', 'Asd', 'Fgh')}\n{old}\n"
    ),
    "outlook, ruled": lambda new, old: (
        f"{new}\n\n{'_' * 32}\n{HEADERS.format('From', 'Sent', 'To', 'Subject')}\n{old}"
    ),
    "no marks": lambda new, old: f"{new}\n\n{ATTRIBUTION}\n\n{old}\n",
    "marker made pretty": lambda new, old: f"{new}\n\n{pretty(old)}\n",
    "marker alone": lambda new, old: f"{new}\n\n{old}\n",
}


def as_html(text):
    return "".join(f"<div>{markup.escape(line) or '<br>'}</div>" for line in text.split("\n"))


HTML = {
    "gmail": lambda new, old: (
        f'<div dir="ltr">{new}</div><br><div class="gmail_quote"><div class="gmail_attr">'
        f'{markup.escape(ATTRIBUTION)}<br></div><blockquote class="gmail_quote">{old}</blockquote></div>'
    ),
    "apple": lambda new, old: f'<body>{new}<br><blockquote type="cite">{old}</blockquote></body>',
    "apple, below": lambda new, old: f'<body><blockquote type="cite">{old}</blockquote><br>{new}</body>',
    "outlook": lambda new, old: (
        f'<div>{new}</div><div id="x_appendonsend"></div><hr>'
        f'<div id="x_divRplyFwdMsg"><b>Qwe:</b> Jane</div>{old}'
    ),
    "nothing": lambda new, old: f"{new}<br>{old}",
}


def lines_of(text):
    return [line.strip() for line in text.split("\n") if line.strip()]


agents = st.lists(st.sampled_from(AGENTS_WORDS), max_size=5)
customers = st.lists(st.sampled_from(CUSTOMERS_WORDS), max_size=6)


@settings(max_examples=150, deadline=None)
@given(agents, customers, st.sampled_from(sorted(PLAIN)))
def test_plain_answers_hold_the_agents_words_alone_or_are_uncertain(new, words, client):
    text = PLAIN[client]("\n".join(new), notification(words))
    result = excerpt(text, agent=True, marker=MARKER, parents=["\n".join(words)])
    expected = lines_of("\n".join(new))
    if result.certain:
        assert lines_of(result.new_text) == expected


@settings(max_examples=80, deadline=None)
@given(agents, customers, st.sampled_from(sorted(HTML)))
def test_answers_in_html_hold_the_agents_words_alone_or_are_uncertain(new, words, client):
    page = HTML[client](as_html("\n".join(new)), as_html(notification(words)))
    result = excerpt(html_to_text(page), page, agent=True, marker=MARKER, parents=["\n".join(words)])
    if result.certain:
        assert lines_of(result.new_text) == lines_of("\n".join(new))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(PLAIN)))
def test_a_plain_answer_is_not_held_without_need(client):
    old = notification(["My printer is on fire.", "", "#solved", "Jane"])
    result = excerpt(
        PLAIN[client]("#solved\n\nHello Jane,\nit is on its way.", old), agent=True, marker=MARKER
    )
    assert (result.new_text, result.certain) == ("#solved\n\nHello Jane,\nit is on its way.", True)


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(sorted(HTML)))
def test_an_answer_in_html_is_not_held_without_need(client):
    old = as_html(notification(["My printer is on fire.", "", "#solved", "Jane"]))
    page = HTML[client](as_html("#solved\n\nHello Jane,\nit is on its way."), old)
    result = excerpt(html_to_text(page), page, agent=True, marker=MARKER)
    assert (lines_of(result.new_text), result.certain) == (
        ["#solved", "Hello Jane,", "it is on its way."],
        True,
    )


@pytest.mark.parametrize(
    "command",
    [
        "#snooze 2026-11-24 09:00",
        "#requester Jane Doe <jane@example.org>",
        "#note: call on 2026-11-24, Lee <lee@example.org> wrote:",
        "#fwd",
    ],
)
@pytest.mark.parametrize(
    "below",
    [
        "> {marker}\n> | my printer is on fire",
        "---------- Forwarded message ---------\nFrom: Lee <lee@example.org>\nDate: Mon, 23 Nov 2026\n"
        "Subject: Printer\nTo: Anna <anna@example.com>\n\nHello",
    ],
)
def test_a_command_above_the_quote_is_never_its_attribution(command: str, below: str) -> None:
    text = f"#take\n{command}\n\n{below.format(marker=MARKER)}\n"
    assert excerpt(text, agent=True, marker=MARKER).new_text == f"#take\n{command}"
