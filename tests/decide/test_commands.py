import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketd.decide.excerpts.commands import VOCABULARY, Instruction, read_commands


def read_one(text: str) -> Instruction:
    said = read_commands(text)
    assert said.problems == ()
    assert len(said.instructions) == 1
    return said.instructions[0]


@pytest.mark.parametrize(
    ("line", "name", "argument"),
    [
        ("#note", "note", ""),
        ("#private", "note", ""),
        ("#internal", "note", ""),
        ("#public false", "note", ""),
        ("#reply", "reply", ""),
        ("#public", "reply", ""),
        ("#public true", "reply", ""),
        ("#open", "status", "open"),
        ("#reopen", "status", "open"),
        ("#pending", "status", "pending"),
        ("#wait", "status", "pending"),
        ("#solved", "status", "solved"),
        ("#close", "status", "solved"),
        ("#closed", "status", "solved"),
        ("#resolve", "status", "solved"),
        ("#resolved", "status", "solved"),
        ("#done", "status", "solved"),
        ("#solve", "status", "solved"),
        ("#status pending", "status", "pending"),
        ("#assign bob", "assign", "bob"),
        ("#assignee bob@example.com", "assign", "bob@example.com"),
        ("#owner none", "assign", "none"),
        ("#take", "assign", "me"),
        ("#mine", "assign", "me"),
        ("#unassign", "assign", "none"),
        ("#priority urgent", "priority", "urgent"),
        ("#priority high", "priority", "urgent"),
        ("#urgent", "priority", "urgent"),
        ("#high", "priority", "urgent"),
        ("#normal", "priority", "normal"),
        ("#low", "priority", "low"),
        ("#requester jane@example.org", "requester", "jane@example.org"),
        ("#customer Jane Doe <jane@example.org>", "requester", "jane@example.org"),
        ("#for <mailto:jane@example.org>", "requester", "jane@example.org"),
        ("#cc lee@example.org", "cc", "lee@example.org"),
        ("#cc lee@example.org<mailto:lee@example.org>", "cc", "lee@example.org"),
        ("#cc lee@example.org <mailto:LEE@example.org>.", "cc", "lee@example.org"),
        ("#cc Lee <lee@example.org<mailto:lee@example.org>>", "cc", "lee@example.org"),
        ("#cc [lee@example.org](mailto:lee@example.org)", "cc", "lee@example.org"),
        ("#requester mailto:lee@example.org", "requester", "lee@example.org"),
        ("#assign bob@example.com<mailto:bob@example.com>", "assign", "bob@example.com"),
        ("#assign bob@example.com <mailto:bob@example.com>", "assign", "bob@example.com"),
        ("#assign Bob <bob@example.com>", "assign", "Bob <bob@example.com>"),
        ("#uncc lee@example.org", "uncc", "lee@example.org"),
        ("#tag +refund -new", "tag", "+refund -new"),
        ("#tags refund, vip", "tag", "+refund +vip"),
        ("#subject Re: the printer.", "subject", "Re: the printer."),
        ("#merge 42", "merge", "42"),
        ("#merge #42", "merge", "42"),
        ("#split", "split", ""),
        ("#snooze 2d", "snooze", "2d"),
        ("#snooze 2026-03-01 09:00", "snooze", "2026-03-01 09:00"),
        ("#canned refund", "canned", "refund"),
        ("#macro refund", "canned", "refund"),
        ("#fwd", "fwd", ""),
        ("#spam", "spam", ""),
        ("#block", "block", ""),
        ("#undo", "undo", ""),
        ("#yes 2", "yes", "2"),
        ("#no", "no", ""),
        ("#show 7", "show", "7"),
        ("#list mine", "list", "my-open"),
        ("#help", "help", ""),
        ("#note: call her on Monday", "note-line", "call her on Monday"),
    ],
)
def test_every_command_and_alias(line: str, name: str, argument: str) -> None:
    assert read_one(line) == Instruction(name, argument)


@pytest.mark.parametrize(
    "line",
    [
        "#SOLVED",
        "#Solved.",
        "＃solved",
        "\u00a0#solved\u00a0",
        "\u200b#sol\u200bved",
        "# solved",
        "  #solved  ",
    ],
)
def test_form_is_forgiven(line: str) -> None:
    assert read_one(line) == Instruction("status", "solved")


def test_autocorrected_dashes_are_forgiven() -> None:
    assert read_one("#tag +a –b").argument == "+a -b"
    assert read_one("#snooze 2026–03–01").argument == "2026-03-01"


@pytest.mark.parametrize(
    ("line", "nearest"),
    [("#slved", "#solved"), ("#asign bob", "#assign"), ("#nonsense", ""), ("#solved thanks", "#solved")],
)
def test_meaning_is_not_forgiven(line: str, nearest: str) -> None:
    said = read_commands(f"{line}\nHello Jane")
    assert [problem.nearest for problem in said.problems] == [nearest]
    assert said.instructions == ()


@pytest.mark.parametrize(
    "line",
    [
        "#assign",
        "#priority soon",
        "#status asleep",
        "#merge nine",
        "#requester jane",
        "#requester a@b@c",
        "#requester jane@example.org, lee@example.org",
        "#requester jane@example.org<mailto:lee@example.org>",
        "#cc jane@example.org please",
        "#cc please jane@example.org",
        "#cc Jane <mailto:jane>",
        "#assign bob@example.com<mailto:anna@example.com>",
        "#snooze soon",
        "#list everything",
        "#note something without a colon",
        "#42 is the one",
        "#",
    ],
)
def test_half_right_is_wrong(line: str) -> None:
    said = read_commands(line)
    assert len(said.problems) == 1
    assert said.problems[0].reason


@pytest.mark.parametrize("text", ["#open\n#solved", "#assign bob\n#take", "#note\n#reply", "#low\n#urgent"])
def test_contradictions_are_problems(text: str) -> None:
    assert read_commands(text).problems


def test_saying_a_thing_twice_is_no_contradiction() -> None:
    assert read_commands("#urgent\n#priority high\nHello").problems == ()


def test_the_block_ends_at_the_first_line_of_text() -> None:
    said = read_commands("#solved\n\n#assign bob\n#tag +refund\n\nHello Jane,\n\n#urgent is what you wrote.")
    assert [one.name for one in said.instructions] == ["status", "assign", "tag"]
    assert said.text == "Hello Jane,\n\n#urgent is what you wrote."


def test_two_signs_are_a_literal_one() -> None:
    said = read_commands("##1 on the list\nand ##2 not at the start\n##3")
    assert said.instructions == ()
    assert said.text == "#1 on the list\nand ##2 not at the start\n#3"


def test_text_alone_has_no_commands() -> None:
    said = read_commands("Hello Jane,\nthe refund is on its way.")
    assert said.instructions == ()
    assert said.problems == ()
    assert said.text == "Hello Jane,\nthe refund is on its way."


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_read(text: str) -> None:
    said = read_commands(text)
    assert all(
        one.name in {name for name, _ in VOCABULARY.values()} | {"note-line", "reply", "note"}
        for one in said.instructions
    )


@settings(max_examples=150, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), max_size=6))
def test_text_below_text_is_never_a_command(lines: list[str]) -> None:
    said = read_commands("\n".join(["Hello Jane,", *lines, "#solved"]))
    assert said.instructions == ()
    assert said.problems == ()
