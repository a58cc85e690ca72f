import sys
import time

import pytest

from ticketd.decide.excerpts.excerpt import excerpt
from ticketd.decide.excerpts.forwarded import find_forwarded, is_forward
from ticketd.decide.model import Message

MARKER = "--- Write your answer above this line ---"

# Lines that make a careless scanner look far ahead or behind, or try again and again.
HOSTILE = {
    "blank": "\n",
    "marks": ">" * 50 + "\n",
    "alternating": "> a\nb\n",
    "From": "From: a\n",
    "From, listed": "From: a,\n",
    "labels": "From: a@b.test\nX: y\n",
    "To": "To: a@b.test\n",
    "Date": "Date: 1.1.2025 10:00\n",
    "colons": ":\n",
    "verbs": "wrote:\n",
    "verbs far above": "wrote:\n" + "\n" * 20,
    "openers": "On\n",
    "opened, never closed": "On 3 March 2025 at 10:00, a@b.test\n",
    "long windows": "a " * 190 + ":\n",
    "rules": "------\n",
    "rules apart": "------\n\n\n",
    "delimiters": "--\n",
    "separators": "-----Original Message-----\n",
    "forwards": "Begin forwarded message:\n",
    "devices": "Sent from my iPhone\n",
    "segments": "a\n--\nb\n> q\n\n",
    "spaces": " " * 60 + "\n",
    "digits": "1:1 1.1.25 " * 30 + ":\n",
}
HTML = {
    "quotes": "<blockquote class=x>abc</blockquote><p>abc</p>",
    "nested": "<blockquote class=x>abc",
    "deep": "<div>",
    "same": "<blockquote class=x>" + "a" * 39 + "b</blockquote>x",
}


def steps(work) -> int:
    """The number of Python and C functions that ``work`` calls."""
    count = 0

    def step(_frame, event, _argument):
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(step)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def read(text, html=None):
    for agent in (False, True):
        excerpt(text, html, agent=agent, marker=MARKER, parents=[text], disclaimers=["Not for you at all"])
    message = Message(fingerprint="", size=1, text=text, subject="FW: x")
    find_forwarded(message)
    is_forward(message)


@pytest.mark.parametrize("name", HOSTILE)
def test_twice_the_text_takes_twice_the_steps(name):
    line = HOSTILE[name]
    few, many = (steps(lambda size=size: read(line * (size // len(line)))) for size in (1_200, 2_400))
    assert many < 2.5 * few + 500


@pytest.mark.parametrize("name", HTML)
def test_twice_the_html_takes_twice_the_steps(name):
    text = ("a" * 40 + "\n") * 100
    few, many = (steps(lambda size=size: read(text, HTML[name] * size)) for size in (60, 120))
    assert many < 2.5 * few + 500


@pytest.mark.parametrize("text", ["a" * 5_000_000, "abc def\n" * 300_000, "> a\n" * 500_000])
def test_a_mail_of_megabytes_takes_no_time_to_speak_of(text):
    before = time.process_time()
    result = excerpt(text, agent=True, marker=MARKER, disclaimers=["Confidential, all of it"])
    assert time.process_time() - before < 1.5
    assert len(result.new_text) + len(result.quoted) >= len(text.rstrip())
