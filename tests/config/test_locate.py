"""Positions are found again by parsing the document once more."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

from ordain.config import locate as module
from ordain.config.locate import locate, locate_key, snippet
from ordain.values.data import Path
from ordain.values.span import Overlay, Source

TEXT = """---
# a comment
kind: Model
name: m
spec:
  provider: csv
  params: {max_iter: 5, "quoted key": [a, {b: c}]}
  steps:
    - drop: [x, y]
    - text: |
        block
  again: &again
    deep: 1
  more: *again
"""
PATCH = "kind: Environment\npatch:\n  params:\n    max_iter: 9\n  seed: null\n"
SOURCE = Source(file="a.yaml", line=11, text=TEXT)


@pytest.mark.parametrize(
    ("path", "value", "key"),
    [
        ((), "13:1", "13:1"),
        (("kind",), "13:7", "13:1"),
        (("spec",), "16:3", "15:1"),
        (("spec", "params"), "17:11", "17:3"),
        (("spec", "params", "max_iter"), "17:22", "17:12"),
        (("spec", "params", "quoted key", 1, "b"), "17:47", "17:44"),
        (("spec", "steps", 0, "drop", 1), "19:17", "19:17"),
        (("spec", "steps", 1, "text"), "20:13", "20:7"),
        (("spec", "more"), "24:9", "24:3"),
        (("spec", "more", "deep"), "24:3", "24:3"),
        (("spec", "missing", "deeper"), "15:1", "15:1"),
        (("missing",), "13:1", "13:1"),
        (("spec", "steps", 7), "18:3", "18:3"),
        (("spec", "provider", 0), "16:13", "16:3"),
    ],
)
def test_positions(path: Path, value: str, key: str) -> None:
    assert str(locate(SOURCE, path)) == f"a.yaml:{value}"
    assert str(locate_key(SOURCE, path)) == f"a.yaml:{key}"


def test_an_overlay_names_the_document_that_wrote_the_field() -> None:
    environment = Source(
        file="e.yaml", line=1, text="kind: Environment\npatch:\n  params:\n    max_iter: 9\n  seed: null\n"
    )
    source = Source(
        file=SOURCE.file, line=SOURCE.line, text=TEXT,
        overlays=(
            Overlay(path=("spec", "params", "max_iter"), source=environment, inner=("patch", "params", "max_iter")),
            Overlay(path=("spec", "params"), source=environment, inner=("patch", "params")),
            Overlay(path=("spec", "seed"), source=environment, inner=("patch", "seed")),
        ),
    )  # fmt: skip
    at = locate(source, ("spec", "params", "max_iter"))
    assert str(at) == "e.yaml:4:15"
    assert snippet(source, at) == "    max_iter: 9"
    assert str(locate(source, ("spec", "params", "other"))) == "e.yaml:3:3"
    assert str(locate(source, ("spec", "seed"))) == "e.yaml:5:9"
    assert str(locate(source, ("spec", "provider"))) == "a.yaml:16:13"


def test_a_document_that_is_broken_further_down_still_has_positions() -> None:
    source = Source(file="a.yaml", line=1, text="kind: A\nname: b\nspec: {x: [1, 2\n")
    assert str(locate(source, ("name",))) == "a.yaml:2:7"
    assert str(locate(source, ("spec", "x", 1))) == "a.yaml:3:15"


def test_a_snippet_is_the_line() -> None:
    assert snippet(SOURCE, locate(SOURCE, ("name",))) == "name: m"
    assert snippet(SOURCE, locate(Source(file="b.yaml", line=1, text="x: 1"), ("x",))) == ""


_LINES = st.sampled_from(
    ["---", "kind: A", "name: b", "name:  c # d", "name: 'q'", "name:", "  name: e", "# name: f", "", "  ",
     "owner: g # h", 'text: "open', 'name: i"', "list: [", "name: j]", "  k: l", "name : m", "block: |", "kind: A",
     "name: n: o", "? name", ": p", "name: &x q", "name: *x", "long: r", "  name: s", "{name: t}", "kind: u  # v",
     "---name: w"]
)  # fmt: skip


@settings(max_examples=1500, deadline=None)
@given(lines=st.lists(_LINES, max_size=6), ends=st.booleans())
def test_the_quick_way_to_a_name_finds_what_parsing_finds(lines: list[str], ends: bool) -> None:
    import yaml

    text = "\n".join([*lines, "name: last"]) + ("\n" if ends else "")
    source = Source(file="a.yaml", line=7, text=text)
    quick = module._SIMPLE.match(text)
    try:
        list(yaml.parse(text))
    except yaml.YAMLError:
        return
    place = module._places(text).get(("name",))
    if quick is not None:
        assert place is not None
        assert (locate(source, ("name",)).line, locate(source, ("name",)).column) == (7 + place[0], place[1] + 1)
        assert (locate_key(source, ("name",)).line, locate_key(source, ("name",)).column) == (
            7 + place[2],
            place[3] + 1,
        )
