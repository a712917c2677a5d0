"""What a plan rests on and how it goes, through the command line: graph, plan --explain, why, no-ops."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import pytest

from ordain.cli.main import run

PROJECT = """\
kind: Project
name: chain
format: 1
---
kind: Value
name: root
spec: {value: %s}
---
kind: Value
name: middle
spec: {value: "${{ value.root.outputs.value }}-m"}
---
kind: Value
name: leaf
spec: {value: ["${{ value.middle.outputs.value }}", "${{ value.root.outputs.value }}"]}
---
kind: Value
name: alone
spec: {value: 1}
"""
Ordain = Callable[..., str]


@pytest.fixture
def ordain(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> Ordain:
    def command(*words: str, expect: int = 0) -> str:
        capfdbinary.readouterr()
        assert run([*words, "-C", str(tmp_path)]) == expect
        out, err = capfdbinary.readouterr()
        return out.decode() if expect in (0, 2, 5) else err.decode()

    (tmp_path / "ordain.yaml").write_text(PROJECT % 1, encoding="utf-8")
    command("apply", "--yes")
    (tmp_path / "ordain.yaml").write_text(PROJECT % 2, encoding="utf-8")
    return command


@pytest.mark.parametrize(
    ("form", "begins"), [("text", ""), ("mermaid", "flowchart"), ("dot", "digraph"), ("svg", "<svg"), ("json", "{")]
)
def test_the_graph_in_each_form(ordain: Ordain, form: str, begins: str) -> None:
    found = ordain("graph", "--format", form)
    assert found.lstrip().startswith(begins)
    assert all(f"value.{name}" in found or name in found for name in ("root", "middle", "leaf", "alone"))
    if form == "json":
        json.loads(found)
    if form == "svg":
        ElementTree.fromstring(found)


def test_a_form_there_is_not(ordain: Ordain) -> None:
    assert "mermaid" in ordain("graph", "--format", "png", expect=6)


def test_the_steps_of_a_plan_in_their_order(ordain: Ordain) -> None:
    plain, text = ordain("plan"), ordain("plan", "--explain")
    assert text.startswith(plain)
    steps = text.removeprefix(plain)
    places = [steps.index(f"value.{name}") for name in ("root", "middle", "leaf")]
    assert places == sorted(places) and "value.alone" not in steps
    assert "value.middle" in ordain("plan", "--explain", "--format", "markdown")
    json.loads(ordain("plan", "--explain", "--json"))  # which has the steps as it is


def test_why_tells_the_shortest_chain_from_the_root(ordain: Ordain) -> None:
    said = ordain("why", "value.leaf")
    assert "ordain.yaml:7:15" in said and "1 → 2" in said  # the root: field, before, after, place
    assert "value.middle" not in said  # value.root is read directly, too
    assert "value.middle" in ordain("why", "value.middle")
    assert "value.root" in json.dumps(json.loads(ordain("why", "value.leaf", "--json")))
    assert "did you mean value.leaf?" in ordain("why", "value.laef", expect=6)
    assert "value.alone" in ordain("why", "value.alone")


def test_an_apply_that_is_denied_says_why_to_machines_too(ordain: Ordain, tmp_path: Path) -> None:
    policy = '---\nkind: Policy\nname: owned\nspec: {level: hard, require: resource.owner != ""}\n'
    (tmp_path / "ordain.yaml").write_text(PROJECT % 3 + policy, encoding="utf-8")
    (line,) = ordain("apply", "--yes", "--json", expect=5).splitlines()
    told = json.loads(line)
    assert told["type"] == "plan" and {one["policy"] for one in told["policy"]} == {"policy.owned"}


def test_what_stays_is_listed_only_when_asked(ordain: Ordain) -> None:
    assert "value.alone" not in ordain("plan")
    assert "value.alone" in ordain("plan", "--show-no-ops")
    assert "value.alone" not in json.dumps(json.loads(ordain("plan", "--json"))["changes"])


def test_the_exit_code_tells_of_changes_only_where_it_is_asked(ordain: Ordain) -> None:
    ordain("plan")
    ordain("plan", "--detailed-exitcode", expect=2)
    ordain("apply", "--yes")
    ordain("plan", "--detailed-exitcode")
