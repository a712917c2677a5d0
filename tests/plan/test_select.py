"""Selectors: what is wanted, what it rests on, what is left out, and that nothing is lost on the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

GRAPH = """\
kind: Value
name: source
labels: {tier: gold, team: a}
spec: {value: %s}
---
kind: Value
name: middle
labels: {tier: silver}
owner: data@example.com
spec: {value: "${{ value.source.outputs.value }}-m"}
---
kind: Value
name: leaf
labels: {tier: gold}
spec: {value: "${{ value.middle.outputs.value }}-l"}
---
kind: Value
name: other
spec: {value: %s}
"""


@pytest.fixture
def graph(project: Callable[[str], Any]) -> Any:
    return project(GRAPH % (1, 1))


@pytest.mark.parametrize(
    ("selectors", "wanted"),
    [
        (["value.other"], {"other"}),
        (["value.leaf"], {"source", "middle", "leaf"}),
        (["+value.middle"], {"source", "middle"}),
        (["value.middle+"], {"source", "middle", "leaf"}),
        (["label:team=a"], {"source"}),
        (["label:team"], {"source"}),
        (["label:tier=g*"], {"source", "middle", "leaf"}),
        (["owner:*@example.com"], {"source", "middle"}),
        (["kind:Value"], {"source", "middle", "leaf", "other"}),
        (["kind:value"], {"source", "middle", "leaf", "other"}),
        (["*.o?her"], {"other"}),
        (["value.other", "value.source"], {"other", "source"}),
        (["!value.other"], {"source", "middle", "leaf"}),
        (["!value.leaf"], {"source", "middle", "other"}),
        (["!value.middle"], {"source", "other"}),
        (["kind:Value", "!value.middle+"], {"source", "other"}),
    ],
)
def test_what_a_selector_means(graph: Any, selectors: list[str], wanted: set[str]) -> None:
    words = [word for text in selectors for word in ("--select", text)]
    assert set(graph.effects(*words)) == {f"value.{name}" for name in wanted}
    graph.apply(*words)
    assert set(graph.recorded()) == {f"value.{name}" for name in wanted}


def test_what_is_left_out_says_why(graph: Any) -> None:
    found = {one["address"]: one for one in graph.plan("--select", "!value.middle")["changes"]}
    assert found["value.middle"]["unselected"] == "not selected"
    assert found["value.leaf"]["unselected"] == "it needs value.middle, which is left out"
    taken = {one["address"]: one for one in graph.plan("--select", "value.leaf")["changes"]}
    assert taken["value.source"]["notes"] == ["taken along: value.middle needs it"]
    plan = graph.plan("--select", "value.other")
    assert plan["selection"] == ["value.other"] and plan["summary"] == {"create": 1, "no-op": 0, "not-selected": 3}
    assert [step["id"] for step in plan["steps"]] == ["value.other:write", *_settings(plan)]
    assert {read["object"] for read in plan["reads"]} == {"state:value.other", "settings"}


def test_what_stands_on_what_goes_is_taken_along_or_waited_for(graph: Any) -> None:
    graph.apply()
    found = {one["address"]: one for one in graph.plan("--destroy", "--select", "value.middle")["changes"]}
    assert found["value.leaf"]["notes"] == ["taken along: it stands on value.middle"]
    assert found["value.source"]["unselected"] == "not selected"
    left = {one["address"]: one for one in graph.plan("--destroy", "--select", "!value.leaf")["changes"]}
    assert left["value.middle"]["unselected"] == "it waits for value.leaf, which is left out"
    graph.run("destroy", "--yes", "--select", "value.middle")
    assert graph.recorded() == ["value.other", "value.source"]


def _settings(plan: Any) -> list[str]:
    return [step["id"] for step in plan["steps"] if step["operation"] == "settings"]


def test_a_narrowed_plan_shows_changed_settings_and_leaves_them_to_a_whole_one(graph: Any) -> None:
    narrowed = graph.plan("--select", "value.other")
    assert narrowed["settings"] and not _settings(narrowed) and not narrowed.get("settings_after")
    graph.apply("--select", "value.other")
    assert graph.plan()["settings"]
    graph.apply()
    assert not graph.plan().get("settings")


def test_a_whole_destroy_forgets_the_settings_and_a_narrowed_one_leaves_them(graph: Any) -> None:
    graph.apply()
    assert not _settings(graph.plan("--destroy", "--select", "value.other"))
    assert _settings(graph.plan("--destroy"))
    graph.run("destroy", "--yes")
    assert not graph.plan("--destroy").get("steps")
    assert {one["action"] for one in graph.plan()["settings"]} == {"create"}


def test_a_delete_takes_along_what_still_stands_on_it(graph: Any) -> None:
    graph.apply()
    graph.write(GRAPH.split("---")[0] % 1)
    assert graph.effects("--select", "value.middle") == {"value.leaf": "delete", "value.middle": "delete"}
    graph.apply("--select", "value.middle")
    assert graph.recorded() == ["value.other", "value.source"]


@pytest.mark.parametrize(
    ("selector", "said"),
    [
        ("value.othr", "did you mean value.other?"),
        ("label:tier=bronze", "did you mean tier=gold?"),
        ("kind:Valve", "did you mean Value?"),
        ("nothing", "ordain graph"),
    ],
)
def test_what_matches_nothing_is_a_mistake(graph: Any, selector: str, said: str) -> None:
    out = graph.run("plan", "--select", selector, expect=6)
    assert f"--select {selector} matches nothing" in out
    assert said in out


def test_options_that_exclude_each_other(graph: Any) -> None:
    for words in (
        ("--refresh-only", "--destroy"),
        ("--refresh-only", "--no-refresh"),
        ("--destroy", "--replace", "x.y"),
    ):
        assert "--" in graph.run("plan", *words, expect=6)
    graph.run("plan", "--out", str(graph.root / "p.json"))
    assert "--select belongs to planning" in graph.run(
        "apply", str(graph.root / "p.json"), "--select", "value.other", expect=6
    )


def test_a_saved_narrowed_plan_is_applied_as_it_is(graph: Any) -> None:
    graph.run("plan", "--select", "+value.middle", "--out", str(graph.root / "p.json"))
    graph.apply(str(graph.root / "p.json"))
    assert graph.recorded() == ["value.middle", "value.source"]


def test_destroy_of_a_part(graph: Any) -> None:
    graph.apply()
    graph.run("destroy", "--yes", "--select", "value.leaf")
    assert graph.recorded() == ["value.middle", "value.other", "value.source"]
    graph.run("apply", "--destroy", "--yes", "--select", "value.source")
    assert graph.recorded() == ["value.other"]


@pytest.mark.parametrize(
    ("selector", "keys"),
    [
        ("value.a", {"x", "y"}),
        ('value.a["x"]', {"x"}),
        ("value.a['x']", {"x"}),
        ("value.a[x]", {"x"}),
        ("value.a[*]", {"x", "y"}),
        ('value.a["*"]', {"x", "y"}),
        ("*[?]", {"x", "y"}),
        ("value.*[y]", {"y"}),
    ],
)
def test_a_selector_names_keys(project: Callable[[str], Any], selector: str, keys: set[str]) -> None:
    one = project(
        "kind: Value\nname: a\nfor_each: [x, y]\nspec: {value: 1}\n---\nkind: Value\nname: b\nspec: {value: 1}\n"
    )
    assert set(one.effects("--select", selector)) == {f'value.a["{key}"]' for key in keys}


@pytest.mark.parametrize(("selector", "hint"), [("other", "value.other"), ("value.othr", "value.other")])
def test_a_selector_that_matches_nothing_is_mended(graph: Any, selector: str, hint: str) -> None:
    assert f"did you mean {hint}?" in graph.run("plan", "--select", selector, expect=6)


@pytest.mark.parametrize("words", [("why",), ("state", "show")])
def test_an_address_is_typed_as_in_a_selector(project: Callable[[str], Any], words: tuple[str, ...]) -> None:
    one = project(
        "kind: Value\nname: a\nfor_each: [x, y]\nspec: {value: 1}\n---\nkind: Value\nname: ax\nspec: {value: 1}\n"
    )
    one.apply()
    for text in ("value.a[x]", "value.a['x']", 'value.a["x"]'):
        assert 'value.a["x"]' in one.run(*words, text)
    several = one.run(*words, "value.a", expect=6)
    assert """name one: value.a["x"], value.a["y"]""" in several and "did you mean" not in several
    assert "did you mean value.ax?" in one.run(*words, "value.axx", expect=6)
    assert "did you mean" in one.run(*words, "value.ax[z]", expect=6)
