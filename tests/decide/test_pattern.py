"""Patterns that admins may match subjects with: quick on any subject, or refused."""

from __future__ import annotations

import time

import pytest

from ticketd.decide.pattern import LONGEST, check_pattern, matches


@pytest.mark.parametrize(
    "pattern",
    [
        "invoice",
        "(?i)outage|down",
        ".*invoice.*",
        "^.*a.*b.*c",
        r"\b(sev[12]|outage)\b",
        "^(?:re: |fwd: )*hello",
        r"order \d{4,8}",
        "(?=.*urgent)",
        "colou?r",
    ],
)
def test_usual_patterns_are_taken(pattern):
    assert check_pattern(pattern) == pattern


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(a+)+$", "repeat what repeats"),
        ("(a{1,9}){2,9}", "repeat what repeats"),
        ("(a|a)*b", "begin alike"),
        ("(a|aa)+$", "begin alike"),
        ("(?:|a)+$", "begin alike"),
        ("(?:ab|A)+$", "begin alike"),
        ("(?:sb|\u017f)+$", "begin alike"),
        (r"(a)\1", "refer back"),
        ("(?P<x>a)(?P=x)", "refer back"),
        ("(a)?(?(1)b|c)", "refer back"),
        ("a*a*a*b", "too long"),
        ("a?" * 30 + "a" * 30, "too long"),
        ("(a|a)" * 30 + "b", "too long"),
        ("(?=(a+)+b)", "repeat what repeats"),
        ("x" * 201, "200 characters"),
        ("(", "regular expression"),
        ("[", "regular expression"),
        ("[[a]", "must be a regular expression: Possible nested set"),
        ("(?L)a", "must be a regular expression: bad inline flags"),
        ("a{99999999999}", "regular expression"),
    ],
)
def test_what_could_hang_is_refused(pattern, reason):
    with pytest.raises(ValueError, match=reason):
        check_pattern(pattern)


@pytest.mark.parametrize(
    ("pattern", "subject"),
    [("^.*a.*b.*c", "a" * 200 + "b" * 5000), (".*a.*b", "a" * 100_000), ("[a-z]*[a-y]*!", "a" * 100_000)],
)
def test_what_is_taken_is_quick(pattern, subject):
    check_pattern(pattern)
    begin = time.thread_time()
    assert not matches(pattern, subject)
    assert time.thread_time() - begin < 0.5


def test_case_does_not_matter():
    assert matches("outage|(?-i:Down)", "OUTAGE in Warsaw")
    assert matches("(?i)outage", "OUTAGE")
    assert not matches("outage|(?-i:Down)", "down")


def test_only_the_beginning_of_a_subject_is_looked_at():
    assert matches("x$", " " * (LONGEST - 1) + "x" + "y" * 100)
    assert not matches("y", " " * LONGEST + "y")
