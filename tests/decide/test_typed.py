"""Who is meant by WHO of ``#assign``."""

import pytest

from ticketd.decide.acting.act import resolve_agent
from ticketd.decide.excerpts.typed import Typed, read_typed

from .desk_kit import AGENTS, POLICY


@pytest.mark.parametrize(
    "who",
    [
        "bob",
        "BOB@Example.com",
        "Bob <bob@example.com>",
        "Robert <bob@example.com>",
        '"Bob" <bob@example.com>',
    ],
)
def test_one_agent_is_meant(who: str) -> None:
    assert resolve_agent(who, POLICY, None) == AGENTS["bob"]


@pytest.mark.parametrize(
    "who",
    [
        "Anna <bob@example.com>",
        "bob@example.com <mailto:anna@example.com>",
        "Bob <jane@example.org>",
        "bob please",
        "Robert",
    ],
)
def test_nobody_is_meant_where_name_and_address_differ(who: str) -> None:
    with pytest.raises(LookupError):
        resolve_agent(who, POLICY, None)


def test_a_long_text_costs_no_more() -> None:
    assert read_typed("a@" * 50_000) is None
    assert read_typed("Jane Doe") == Typed("Jane Doe", "")
