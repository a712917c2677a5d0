"""What an approval says of itself before anybody looks at its signature."""

from __future__ import annotations

import pytest

from ordain.values.approval import PERSON, Approval


@pytest.mark.parametrize(
    ("text", "person"),
    [
        ('{"person":"ana@example.com"}', "ana@example.com"),
        ('{"person":7}', ""),
        ("{}", ""),
        ("[]", ""),
        ("no JSON", ""),
        ("\udcff", ""),
    ],
)
def test_who_it_says_has_signed(text: str, person: str) -> None:
    assert Approval(text=text, signature="").person == person


@pytest.mark.parametrize("text", ["ana@example.com", "ña.x+1%b@exämple.com"])
def test_addresses_of_people(text: str) -> None:
    assert PERSON.fullmatch(text)


@pytest.mark.parametrize(
    "text", ["*@example.com", "a/../b@x", "a@b@c", "a b@x", "@x", "x@", 'a"@x', "a\\b@x", "a@" + "x" * 101]
)
def test_what_is_no_address_of_one_person_fit_for_a_file(text: str) -> None:
    assert not PERSON.fullmatch(text)
