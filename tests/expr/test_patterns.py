"""Regular expressions of people's own: what is refused, what matches, and that none takes for ever."""

from __future__ import annotations

import pytest

from ordain.expr.patterns import fault, matches, wildcards


@pytest.mark.parametrize("pattern", ["(", ")(", "[", "*", "(?=a)b", r"(a)\1", "a{1000}{1000}{1000}"])
def test_what_cannot_be_used_is_told(pattern: str) -> None:
    assert fault(pattern)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("[a-z]+", "ab", True),
        ("[a-z]+", "ab\n", False),
        ("a|b", "ab", False),
        ("^a$", "a", True),
        ("(?i)AB", "ab", True),
        ("", "", True),
        ("", "a", False),
    ],
)
def test_the_whole_text_is_matched(pattern: str, text: str, expected: bool) -> None:
    assert not fault(pattern)
    assert matches(pattern, text) is expected


def test_no_pattern_takes_for_ever() -> None:
    assert not matches("^(a+)+$", "a" * 5000 + "!")


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("a.b", "a.b", True),
        ("a.b", "axb", False),
        ("*", "", True),
        ("**", "ab", True),
        ("a?c", "abc", True),
        ("a?c", "ac", False),
        ("*ab*ba", "abba", True),
        ("*ab*ba", "aba", False),
        ("*ab", "abab", True),
        ("*a?b*c", "aab ac b c", True),
        ('m["?"]*', 'm["n"]', True),
    ],
)
def test_wildcards_stand_for_any_characters_and_all_else_for_itself(pattern: str, text: str, expected: bool) -> None:
    assert (wildcards(pattern).fullmatch(text) is not None) is expected


def test_a_question_mark_may_stand_for_less() -> None:
    assert not wildcards("a?", one="[^*]").fullmatch("a*")


def test_no_wildcards_take_for_ever() -> None:
    assert not wildcards("*a" * 30 + "b").fullmatch("a" * 200)
