"""Policies that say nothing for a slip of the pen are told of, and nothing else is."""

from __future__ import annotations

from typing import Any

import pytest

from ordain.expr.chains import compared

WORLD = "kind: Environment\nname: prod\n---\nkind: Thing\nname: a\n---\nkind: Thing\nname: b\nfor_each: [x, y]\n---\n"
POLICY = "kind: Policy\nname: p\nspec:\n  level: hard\n  match: {match}\n  require: {require}\n  exceptions: {spared}\n"


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def warned(
    load: Any, *, match: str = "true", require: str = "resource.owner == ''", spares: str = ""
) -> list[tuple[str, str, str]]:
    spared = f"[{{resources: ['{spares}'], reason: r}}]" if spares else "[]"
    resolution = load(WORLD + POLICY.format(match=quoted(match), require=quoted(require), spared=spared))
    assert resolution.desired is not None
    return [(one.code, one.summary.split(" spares ")[-1], str(one.at)) for one in resolution.diagnostics]


@pytest.mark.parametrize(
    "match",
    [
        'env.name == "prod"',
        'env.name in ["prod"] && resource.kind in ["Thing"]',
        '"prod" != env.name',
        'resource.name == "prd"',
        'env.name.startsWith("prd")',
        'resource.labels.tier == "prd" || resource.spec.env.name == "prd"',
    ],
)
def test_names_there_are_and_those_nobody_can_know_are_no_slips(load: Any, match: str) -> None:
    assert warned(load, match=match) == []


def test_an_environment_and_a_kind_there_are_not(load: Any) -> None:
    wrong = 'env.name in ["prod", "prd"] && (resource.kind == "Thign" || "Thign" == resource.kind)'
    found = warned(load, match=wrong, require='env.name != "prd"')
    assert [(code, at.split(":")[1]) for code, _, at in found] == [("policy-silent", "19")] * 2
    assert [one.split(": ")[0] for _, one, _ in found] == [
        "policy.p speaks of the environment 'prd', and there is none",
        "policy.p speaks of the kind 'Thign', and there is none",
    ]


@pytest.mark.parametrize(
    "spares", ["thing.a", "*.*", "thing.?", "thing.b", 'thing.b["x"]', 'thing.b["z"]', "thing.b[*]"]
)
def test_an_exception_of_something_is_no_slip(load: Any, spares: str) -> None:
    assert warned(load, spares=spares) == []


@pytest.mark.parametrize("spares", ["thing.c", "table.*", "thing.aa*", 'thing.c["x"]'])
def test_an_exception_of_nothing(load: Any, spares: str) -> None:
    assert warned(load, spares=spares) == [
        ("exception-silent", f"{spares}, and the specs have no such resource", "ordain.yaml:21:29")
    ]


def test_exceptions_of_a_rule_about_the_whole_plan(load: Any) -> None:
    found = warned(load, require="plan.summary.delete < 2", spares="*.*")
    assert [(code, at) for code, _, at in found] == [("exception-silent", "ordain.yaml:21:15")]
    assert "is about the plan as a whole" in found[0][1]


def test_what_is_wrong_is_told_alone(load: Any) -> None:
    resolution = load(WORLD + POLICY.format(match="env.name == 'prd'", require="resource.nam == 'x'", spared="[]"))
    assert [one.code for one in resolution.diagnostics] == ["expression"]


def test_texts_beside_a_fact() -> None:
    rule = """env.name=="a" && 'b' != env["name"] || env.name in ["c", x, 'd'] || x.env.name == "e" || env == "f" """
    assert list(compared(rule, "env.name")) == ["a", "b", "c", "d"]
