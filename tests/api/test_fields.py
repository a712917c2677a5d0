"""Specs against their models: positions, what is held back, what a secret may be."""

from __future__ import annotations

from typing import Annotated

import pytest
from hypothesis import given, strategies as st

from ordain.api.fields import Facet, FieldError, Ref, Spec, check, facets, reference_fields, split
from ordain.values.address import Address, Reference
from ordain.values.data import Secret, Unknown

LATER = Unknown(
    expression="${{ value.a.outputs.value }}",
    refs=(Reference(address=Address.parse("value.a"), path=("value",)),),
)
TOKEN = Secret(expression="${{ secret.T }}", names=("secret.T",), digest="d")


class Inner(Spec):
    size: int = 1
    word: str = ""


class Outer(Spec):
    source: Annotated[str, Ref("dataset")]
    count: int = 3
    gates: Annotated[tuple[str, ...], Facet.JUDGE] = ()
    inner: Inner = Inner()
    items: tuple[Inner, ...] = ()


GOOD = {"source": "dataset.a"}


def errors_of(spec: dict) -> list[FieldError]:
    return list(check(Outer, spec)[1])


def test_a_spec_is_normalised() -> None:
    spec, errors = check(Outer, {**GOOD, "items": [{"size": 2}]})
    assert not errors
    assert spec == {
        "source": "dataset.a",
        "count": 3,
        "gates": [],
        "inner": {"size": 1, "word": ""},
        "items": [{"size": 2, "word": ""}],
    }


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({**GOOD, "cuont": 1}, ("cuont",)),
        ({**GOOD, "inner": {"sise": 1}}, ("inner", "sise")),
        ({**GOOD, "items": [{}, {"size": "x"}]}, ("items", 1, "size")),
        ({}, ("source",)),
        ({"source": "model.a"}, ("source",)),
        ({"source": "nonsense"}, ("source",)),
    ],
)
def test_an_error_names_its_path(spec: dict, path: tuple) -> None:
    assert [error.path for error in errors_of(spec)] == [path]


def test_an_unknown_key_comes_with_those_there_are() -> None:
    assert errors_of({**GOOD, "inner": {"sise": 1}})[0].known == ("size", "word")


def test_what_hangs_on_an_unknown_leaf_is_held_back() -> None:
    assert check(Outer, {**GOOD, "count": LATER}) == (None, ())
    assert [error.path for error in errors_of({**GOOD, "count": LATER, "bad": 1})] == [("bad",)]


def test_a_secret_stands_only_where_text_does() -> None:
    spec, errors = check(Outer, {**GOOD, "inner": {"word": TOKEN}})
    assert not errors and spec is not None and spec["inner"] == {"size": 1, "word": TOKEN}
    refused = errors_of({**GOOD, "count": TOKEN})
    assert [(error.path, error.code) for error in refused] == [(("count",), "secret")]


def test_facets_and_references() -> None:
    assert facets(Outer)["gates"] is Facet.JUDGE and facets(Outer)["count"] is Facet.BUILD
    assert list(reference_fields(Outer)) == ["source"]
    spec, _ = check(Outer, GOOD)
    assert spec is not None and set(split(Outer, spec)[Facet.JUDGE]) == {"gates"}


@given(count=st.integers(-9, 9), size=st.integers(-9, 9))
def test_normalising_twice_changes_nothing(count: int, size: int) -> None:
    once, _ = check(Outer, {**GOOD, "count": count, "items": [{"size": size}]})
    assert once is not None and check(Outer, once) == (once, ())
