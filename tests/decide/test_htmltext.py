"""Text as a person reads it on the page; HTML that loads and runs nothing."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketd.decide.reading.htmltext import MAX_HTML, html_to_text, sanitise

WORDS = (
    "<p> </p> <div> <br> <ul> <li> <ol/start=4> <table> <tr> <td> </td> </table> <blockquote/type=cite> "
    "</blockquote> <a/href='https://example.com/x'> </a> <pre> </pre> <b> </b> <hr> <q> </q> <!-- --> "
    "<script> </script> &nbsp; &#0; <td/hidden> "
    "<p/style='white-space:pre'> text more \n <img/alt=x> <svg> <template> </p></p>"
)
FRAGMENTS = st.sampled_from(WORDS.split(" "))


@settings(deadline=None, max_examples=150)
@given(st.lists(FRAGMENTS, max_size=40).map(" ".join))
def test_any_html_gives_text_that_can_be_stored(html: str) -> None:
    text = html_to_text(html)
    assert "\0" not in text
    assert "\n\n\n\n" not in text
    text.encode("utf-8")
    sanitise(html)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>a</p><p>b</p>", "a\n\nb"),
        ("<div>a</div><div>b</div>", "a\nb"),
        ("a<br><br>b", "a\n\nb"),
        ("<table><tr><td><p>Name</p></td><td><p>Jane</p></td></tr></table>", "Name\tJane"),
        ("<table><tr><td>a</td><td><p>b</p><p>c</p></td></tr></table>", "a\tb\n\nc"),
        ("<ol start=3><li>a<li>b</ol>", "3. a\n4. b"),
        ("<p style='white-space: pre-wrap'>a  b\nc</p>", "a  b\nc"),
        ('<a href="https://example.com/a">here</a>', "here <https://example.com/a>"),
        ('<a href="https://www.example.com/">www.example.com</a>', "www.example.com"),
        ('<a href="javascript:x()">here</a>', "here"),
        ('<a href="mailto:jane@example.com">Jane</a>', "Jane <jane@example.com>"),
        ("<blockquote>author's indent</blockquote>", "author's indent"),
        ("a<hr>b", "a\n________________________________\nb"),
        ("<p>a<span style='display:none'>b</span></p>", "a"),
        ("x<sup>2</sup>", "x2"),
    ],
)
def test_reads_as_the_page_does(html: str, text: str) -> None:
    assert html_to_text(html) == text


def test_quotes_keep_their_depth_on_empty_lines() -> None:
    html = "<blockquote type=cite>a<br><br>b<blockquote type=cite>c</blockquote></blockquote>d"
    assert html_to_text(html) == "> a\n>\n> b\n>\n> > c\n\nd"


@pytest.mark.parametrize(
    "hostile",
    [
        '<img src="http://example.net/p.png">',
        '<p style="background:url(//example.net/p)">',
        '<link rel=stylesheet href="//example.net/x.css">',
        '<iframe src="//example.net"></iframe>',
        '<a href="javascript:alert(1)">x</a>',
        '<p onclick="alert(1)">x</p>',
        "<script>alert(1)</script>",
        '<svg onload="alert(1)">',
        '<base href="//example.net/">',
        '<form action="//example.net"><input></form>',
        '<img src="data:image/svg+xml,<svg onload=alert(1)>">',
        '<table background="//example.net/p">',
        '<meta http-equiv=refresh content="0;url=//example.net">',
    ],
)
def test_sanitised_html_loads_and_runs_nothing(hostile: str) -> None:
    clean = sanitise(hostile)
    for word in ("example.net", "alert", "javascript", "style=", "onclick", "data:"):
        assert word not in clean


def test_sanitised_html_keeps_what_is_harmless() -> None:
    clean = sanitise('<p>a <b>b</b> <a href="https://example.com">c</a><img src="cid:x"></p>')
    assert "<b>b</b>" in clean
    assert 'href="https://example.com"' in clean
    assert 'rel="noopener noreferrer nofollow"' in clean
    assert 'src="cid:x"' in clean


@pytest.mark.slow
@pytest.mark.parametrize(
    "unit",
    [
        "<div>",
        "<ul><li>x",
        "<b><p></b>",
        "<table>",
        "<dd><li>",
        "<!--",
        "<a ",
        "x ",
        "<blockquote type=cite>",
        "&amp;",
    ],
)
def test_bombs_are_read_in_time(unit: str) -> None:
    bomb = unit * (MAX_HTML // len(unit) + 5)
    began = time.process_time()
    html_to_text(bomb)
    sanitise(bomb)
    assert time.process_time() - began < 3


def test_text_below_pictures_in_the_page_is_read() -> None:
    picture = '<img src="data:image/png;base64,' + "iVBORw0KGgo" * 200_000 + '">'
    assert html_to_text(f"<p>a</p>{picture}<p>b</p>{picture}<p>c</p>") == "a\n\nb\n\nc"
    assert len(html_to_text("<p>" + "text " * 500_000)) <= MAX_HTML
