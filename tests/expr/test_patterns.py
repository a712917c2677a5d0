"""Regular expressions of people's own: what is refused, what matches, and that none takes for ever."""

from __future__ import annotations

import pytest

from ordain.expr.patterns import fault, matches


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
