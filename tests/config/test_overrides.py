"""Overrides of an environment: what they say, where it was written, and that inlining them says the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from ordain.config.blueprints import Blueprint, read_blueprints
from ordain.config.locate import locate
from ordain.values.address import Address

ENVIRONMENT = """kind: Environment
name: dev
spec:
  overrides:
    table.t:
      description: [no text]
      spec: {rows: many, rowz: 1, columns: {a: "${{ var.nope }}"}}
      depends_on: [thing.nope]
---
kind: Table
name: t
description: fine
spec: {path: x, rows: 5, columns: {a: x, b: y}}
"""


def places(resolution: Any) -> list[tuple[str, int, list[int]]]:
    return [(one.code, one.at.line, [at.line for at, _ in one.related]) for one in resolution.diagnostics]


def test_a_mistake_in_an_overridden_field_names_both_places(load: Any) -> None:
    assert places(load(ENVIRONMENT)) == [
        ("spec-invalid", 10, [16]),
        ("spec-invalid", 11, [17]),
        ("spec-unknown-key", 11, [17]),
        ("expression", 11, [17]),
        ("reference-unknown", 12, [14]),
    ]
    other = load(ENVIRONMENT.replace("rows: 5", "rows: 0").replace("rows: many, ", ""))
    assert ("spec-invalid", 17, []) in places(other)


def test_a_providers_mistake_names_both_places(load: Any) -> None:
    text = (
        "kind: Environment\nname: dev\nspec: {overrides: {table.t: {spec: {query: slow}}}}\n---\n"
        "kind: Table\nname: t\nspec: {provider: sql, query: fine}\n"
    )
    assert [(one.code, [at.line for at, _ in one.related]) for one in load(text).diagnostics] == [("sql-slow", [11])]


def blueprints(files: Any) -> dict[str, Blueprint]:
    texts = {
        "templates/pair/blueprint.yaml": (
            "kind: Blueprint\nname: pair\nspec:\n  parameters:\n    rows: {type: integer, default: 1}\n"
        ),
        "templates/pair/body.yaml.j2": (
            "kind: Table\nname: {{ name }}\nspec: {path: x, rows: {{ rows }}}\n---\n"
            "kind: Thing\nname: {{ name }}-of\ndepends_on: [table.{{ name }}]\n"
        ),
    }
    found, wrong = read_blueprints(files(texts))
    assert not wrong
    return dict(found)


def test_what_a_blueprint_makes_is_overridden(load: Any, files: Any) -> None:
    text = (
        "kind: Environment\nname: dev\nspec: {overrides: {table.p: {spec: {rows: 7}}}}\n---\n"
        "use: pair\nname: p\nwith: {rows: 3}\n"
    )
    desired = load(text, blueprints=blueprints(files)).desired
    table = desired.resources[Address.parse("table.p")]
    assert table.spec["rows"] == 7
    assert locate(table.source, ("spec", "rows")).line == 7
    wrong = load(text.replace("rows: 7", "rows: no"), blueprints=blueprints(files))
    assert places(wrong)[0][:2] == ("spec-invalid", 7)
    assert wrong.diagnostics[0].related


def test_a_document_that_uses_a_blueprint_is_multiplied(load: Any, files: Any) -> None:
    text = "use: pair\nname: ${{ each.key }}\nfor_each: {north: 3, south: 4}\nwith: {rows: '${{ each.value }}'}\n"
    known = blueprints(files)
    desired = load(text, blueprints=known).desired
    assert {str(address): one.spec.get("rows") for address, one in desired.resources.items()} == {
        "table.north": 3, "table.south": 4, "thing.north-of": None, "thing.south-of": None,
    }  # fmt: skip
    same = load(text.replace("name: ${{ each.key }}\n", ""), blueprints=known)
    assert [one.code for one in same.diagnostics] == ["name-duplicate", "name-duplicate"]
    assert "parameter" in same.diagnostics[0].fix
    assert [one.code for one in load(text.replace("{north: 3, south: 4}", "3")).diagnostics] == ["for-each-type"]


def test_what_a_broken_blueprint_would_make_is_no_second_error(load: Any, files: Any) -> None:
    text = "use: pair\nname: p\nwith: {rows: x}\n---\nkind: Thing\nname: a\ndepends_on: [table.p]\n"
    known = blueprints(files)
    assert [one.code for one in load(text, blueprints=known).diagnostics] == ["blueprint-parameter"]
    good = load(text.replace("rows: x", "rows: 2").replace("[table.p]", "[table.q]"), blueprints=known)
    assert [one.code for one in good.diagnostics] == ["reference-unknown"]


NAMES = st.sampled_from(["a", "b", "c"])
LEAVES = st.integers(-5, 5) | st.sampled_from(["x", "", "${{ env.name }}"]) | st.booleans()
TREES = st.dictionaries(
    NAMES,
    st.recursive(
        LEAVES, lambda tree: st.lists(tree, max_size=2) | st.dictionaries(NAMES, tree, max_size=3), max_leaves=6
    ),
    max_size=3,
)  # fmt: skip
PATCHES = st.dictionaries(
    NAMES,
    st.recursive(
        LEAVES | st.none(),
        lambda tree: st.lists(LEAVES, max_size=2) | st.dictionaries(NAMES, tree, max_size=3),
        max_leaves=6,
    ),
    max_size=3,
)


def merged(target: Any, patch: Any) -> Any:
    """RFC 7396, as its own pseudocode has it."""
    if not isinstance(patch, dict):
        return patch
    out = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            out.pop(key, None)
        else:
            out[key] = merged(out.get(key), value)
    return out


@settings(max_examples=80, deadline=None)
@given(TREES, PATCHES, st.dictionaries(NAMES, st.none() | st.sampled_from(["x", "y"]), max_size=2), st.booleans())
def test_overriding_and_inlining_desire_the_same(load: Any, tree: Any, patch: Any, labels: Any, keyed: bool) -> None:
    document = {"kind": "Thing", "name": "t", "labels": {"a": "1"}, "spec": {"value": tree}}
    if keyed:
        document["for_each"] = ["k"]
    change = {"labels": labels, "spec": {"value": patch}}
    address = "thing.t[k]" if keyed else "thing.t"
    environment = {"kind": "Environment", "name": "dev"}
    overriding = {**environment, "spec": {"overrides": {address: change}}}
    inline = merged(document, change)

    def desired(*documents: Any) -> Any:
        resolution = load("---\n".join(json.dumps(one) + "\n" for one in documents))
        assert resolution.desired is not None, resolution.diagnostics
        return resolution.desired

    one, other = desired(overriding, document), desired(environment, inline)
    found = [(r.spec, r.labels, r.lifecycle, r.depends_on) for r in one.resources.values()]
    assert found == [(r.spec, r.labels, r.lifecycle, r.depends_on) for r in other.resources.values()]
    assert list(one.resources) == list(other.resources)
    assert one.digest == other.digest


@settings(max_examples=40, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 4))
def test_the_order_of_files_and_keys_never_matters(load: Any, files: Any, random: Any, count: int) -> None:
    documents = [
        {"kind": "Environment", "name": "dev", "spec": {"default": True, "overrides": {
            "thing.t": {"labels": {"x": "y"}}, "thing.t[a]": {"description": "d"}, "table.p": {"spec": {"rows": 9}}}}},
        {"kind": "Environment", "name": "prod", "spec": {"promotes_from": "dev"}},
        {"kind": "Thing", "name": "t", "for_each": {"a": 1, "b": {"c": 2}}, "spec": {"value": "${{ each.value }}"}},
        {"kind": "Thing", "name": "u", "for_each": ["b", "a"],
         "spec": {"value": "${{ thing.t[each.key].outputs.value }}"}, "lifecycle": {"replace_when": ["thing.v"]}},
        {"kind": "Thing", "name": "v", "depends_on": ["table.p"]},
        {"use": "pair", "name": "p", "with": {"rows": 2}},
        {"kind": "Moved", "spec": {"from": "thing.w", "to": "thing.v"}},
        {"kind": "Moved", "spec": {"from": "thing.t", "to": "thing.t[a]"}},
        {"kind": "Removed", "spec": {"from": "thing.z", "destroy": False}},
        {"kind": "Removed", "spec": {"from": "thing.y", "destroy": True}},
    ]  # fmt: skip

    def shuffled(tree: Any) -> Any:
        if isinstance(tree, dict):
            items = list(tree.items())
            random.shuffle(items)
            return {key: shuffled(value) for key, value in items}
        return tree

    def desired(documents: list[Any]) -> Any:
        project = json.dumps({"kind": "Project", "name": "demo", "format": 1})
        texts = {"ordain.yaml": project + "\n"}
        for one in documents:
            name = f"{random.randrange(count)}.yaml"
            texts[name] = texts.get(name, "") + ("---\n" if name in texts else "") + json.dumps(one) + "\n"
        order = list(texts.items())
        random.shuffle(order)
        resolution = load(dict(order), blueprints=blueprints(files))
        assert resolution.desired is not None, resolution.diagnostics
        return resolution.desired

    one = desired(documents)
    mixed = [shuffled(document) for document in documents]
    random.shuffle(mixed)
    other = desired(mixed)
    assert one.digest == other.digest
    assert list(one.resources) == list(other.resources)
    assert {a: (r.spec, r.labels, r.description, r.depends_on, r.lifecycle) for a, r in one.resources.items()} == {
        a: (r.spec, r.labels, r.description, r.depends_on, r.lifecycle) for a, r in other.resources.items()
    }
    for name in ("moves", "removals"):
        assert [str(move) for move in map(without_place, getattr(one, name))] == [
            str(move) for move in map(without_place, getattr(other, name))
        ]


def without_place(one: Any) -> list[Any]:
    return [getattr(one, name) for name in one.__slots__ if name != "written"]


@pytest.mark.parametrize("key", ["kind", "name"])
def test_an_override_keeps_kind_and_name(load: Any, key: str) -> None:
    text = f"kind: Environment\nname: dev\nspec: {{overrides: {{thing.a: {{{key}: x}}}}}}\n---\nkind: Thing\nname: a\n"
    assert [one.code for one in load(text).diagnostics] == ["override-invalid"]
