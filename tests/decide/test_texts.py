from dataclasses import replace

import pytest

from tests.decide.letters import policy
from ticketd import texts_files
from ticketd.decide.writing.rehearsal import rehearse
from ticketd.decide.writing.texts import Mistake, Texts
from ticketd.errors import ConfigError


def test_a_team_s_own_template_stands_before_the_shipped():
    texts = Texts({"a.txt": "shipped {{ x }}", "b.txt": "kept"}, {"a.txt": "own {{ x }}"})
    assert texts.render("a.txt", x=1) == "own 1"
    assert texts.render("b.txt") == "kept"
    assert texts.names == {"a.txt", "b.txt"}


def test_html_is_escaped_and_text_is_not():
    texts = Texts({"a.html": "{{ x }}", "a.txt": "{{ x }}"})
    assert texts.render("a.html", x="<b>") == "&lt;b&gt;"
    assert texts.render("a.txt", x="<b>") == "<b>"


@pytest.mark.parametrize(
    "mistake", ["{{ nothing }}", "{{ x.y.z }}", "{{ 1 / 0 }}", "{{ x + 1 }}", "{% include 'no' %}", "{{ x"]
)
def test_a_failing_template_falls_back_to_the_shipped(mistake):
    assert Texts({"a.txt": "shipped"}, {"a.txt": mistake}).render("a.txt", x="y") == "shipped"


@pytest.mark.parametrize(
    "attack",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ x.__init__.__globals__ }}",
        "{{ items.append(1) }}",
        "{{ range(10 ** 9) | list }}",
        "{% include '/etc/passwd' %}",
    ],
)
def test_the_sandbox_holds(attack):
    texts = Texts({"a.txt": "shipped"}, {"a.txt": attack})
    assert texts.render("a.txt", x="y", items=[]) == "shipped"


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("one\n{% if %}", 2),
        ("one\ntwo\n{{ nothing }}", 3),
        ("one\n{{ 1 / 0 }}", 2),
        ("{% include 'no' %}", 1),
    ],
)
def test_a_mistake_names_template_and_line(source, line):
    with pytest.raises(Mistake) as caught:
        Texts({}, {"a.txt": source}).strictly().render("a.txt", x=1)
    assert (caught.value.name, caught.value.line) == ("a.txt", line)
    assert str(caught.value).startswith(f"template a.txt, line {line}: ")


def test_the_shipped_templates_all_compile():
    texts = texts_files.load()
    assert {"notification.txt", "notification.html", "reply.txt", "acknowledgement.txt"} <= texts.names
    for name in texts.names:
        texts.compile(name)


def test_a_directory_of_one_s_own(tmp_path):
    (tmp_path / "alert.txt.j2").write_text("own {{ text }}", "utf-8")
    (tmp_path / "notes.md").write_text("{{", "utf-8")
    texts = texts_files.load(tmp_path)
    assert texts.render("alert.txt", text="words", name="") == "own words"
    assert "reply.txt" in texts.names


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"fine\n{% if %}", "alert.txt.j2, line 2"), (b"\xff", "UTF-8"), (b"x" * 200_001, "200,000")],
)
def test_a_template_that_cannot_be_used_is_named(tmp_path, content, says):
    (tmp_path / "alert.txt.j2").write_bytes(content)
    with pytest.raises(ConfigError, match=says):
        texts_files.load(tmp_path)


def test_a_missing_directory_is_named(tmp_path):
    with pytest.raises(ConfigError, match="not a directory"):
        texts_files.load(tmp_path / "none")


def test_the_rehearsal_finds_nothing_in_the_shipped_templates():
    assert rehearse(policy()) == []


@pytest.mark.parametrize("name", sorted(texts_files.load().names))
def test_the_rehearsal_uses_every_template(name):
    own = Texts(texts_files.shipped(), {name: "one\n{{ nothing }}"})
    found = rehearse(replace(policy(), texts=own))
    assert {mistake.name for mistake in found} >= {name} or name.startswith(("layout", "parts"))
    assert all(mistake.line for mistake in found)
    assert found


def test_the_rehearsal_misses_a_template_that_a_mailbox_names():
    (mistake,) = rehearse(policy(acknowledge="welcome"))
    assert str(mistake) == "template welcome.txt: mailbox support names it, and there is none"


@pytest.mark.parametrize("name", sorted(texts_files.load().names))
def test_a_slip_in_any_template_is_found_in_rehearsal_and_its_line_named(name, tmp_path):
    (tmp_path / f"{name}.j2").write_text("Hello\n\n{{ ticket.nubmer }}\n", "utf-8")
    found = rehearse(replace(policy(), texts=texts_files.load(tmp_path)))
    assert [(one.name, one.line) for one in found] == [(name, 3)]


def test_the_shipped_templates_pass_their_rehearsal():
    assert rehearse(policy()) == []
