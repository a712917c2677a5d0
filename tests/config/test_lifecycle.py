"""``lifecycle``: which paths are not compared, and what makes a resource anew."""

from __future__ import annotations

from typing import Any

import pytest

from ordain.values.address import Address

LEARNER = "kind: Learner\nname: l\nspec: {table: table.t}\nlifecycle: "
TABLE = (
    "\n---\nkind: Table\nname: t\nspec: {path: x}\n---\nkind: Thing\nname: a\n"
    "---\nkind: Thing\nname: e\nfor_each: [k]\n"
)


def lifecycle(resolution: Any, address: str = "learner.l") -> Any:
    assert resolution.desired is not None, resolution.diagnostics
    return resolution.desired.resources[Address.parse(address)].lifecycle


@pytest.mark.parametrize("path", ["seed", "spec.seed", "params", "params.a", "spec.params.a.b.c", "extra"])
def test_paths_that_are_there(load: Any, path: str) -> None:
    assert lifecycle(load(f"{LEARNER}{{ignore_changes: [{path}]}}{TABLE}")).ignore_changes == (path,)


@pytest.mark.parametrize(
    ("path", "fix"),
    [
        ("sead", "did you mean 'seed'?"), ("spec.parms.a", "did you mean 'params'?"),
        ("seed.x", "name spec.seed as a whole"), ("extra.0", "name spec.extra as a whole"),
        ("all", "keys: extra, params"),
        ("'*'", "keys: extra, params"), ("spec", "keys: extra, params"), ("''", "keys: extra"), ("path", "keys:"),
    ],
)  # fmt: skip
def test_paths_that_are_not(load: Any, path: str, fix: str) -> None:
    resolution = load(f"{LEARNER}{{ignore_changes: [seed, {path}]}}{TABLE}")
    found = [(one.code, one.at.line, one.at.column) for one in resolution.diagnostics]
    assert found == [("ignore-changes-unknown", 8, 36)]
    assert fix in resolution.diagnostics[0].fix


def test_a_providers_options_count_and_maps_take_any_key(load: Any) -> None:
    text = "kind: Table\nname: t\nspec: {path: x}\nlifecycle: {ignore_changes: [path, columns.a]}\n"
    assert lifecycle(load(text), "table.t").ignore_changes == ("path", "columns.a")
    other = load(text.replace("{path: x}", "{provider: sql, query: x}"))
    assert "spec.path" in other.diagnostics[0].summary
    deeper = load(text.replace("columns.a", "columns.a.b"))
    assert "spec.columns.a.b" in deeper.diagnostics[0].summary


def test_replace_when_names_resources_and_outputs(load: Any) -> None:
    text = (
        f"{LEARNER}{{replace_when: [thing.a, 'thing.e[k].outputs.value.x', '${{{{ thing.a.outputs.value }}}}']}}{TABLE}"
    )
    resolution = load(text)
    expected = ("thing.a", 'thing.e["k"].outputs.value.x', "thing.a.outputs.value")
    assert lifecycle(resolution).replace_when == expected
    learner = resolution.desired.resources[Address.parse("learner.l")]
    assert list(map(str, learner.depends_on)) == ["table.t", "thing.a", 'thing.e["k"]']


def test_replace_when_of_one_of_several(load: Any) -> None:
    text = (
        "kind: Thing\nname: z\nfor_each: [k]\n"
        "lifecycle: {replace_when: ['${{ thing.e[each.key].outputs.value }}', 'thing.e[\"${{ each.key }}\"]']}"
    )
    found = lifecycle(load(text + TABLE), "thing.z[k]")
    assert found.replace_when == ('thing.e["k"].outputs.value', 'thing.e["k"]')


@pytest.mark.parametrize(
    ("item", "code", "word"),
    [
        ("thing.nope", "reference-unknown", "thing.nope"), ("thing.e", "reference-unknown", "stands for"),
        ("thing.a.outputs.valeu", "output-unknown", "'valeu'"), ("learner.l", "reference-self", "itself"),
        ("'${{ thing.a.outputs.valeu }}'", "output-unknown", "'valeu'"),
        ("params.x.y", "replace-when-invalid", "params.x.y"), ("3", "replace-when-invalid", "3"),
        ("'${{ thing.a.outputs.value ~ 1 }}'", "replace-when-invalid", "thing.a"),
        ("thing.a.outputs", "replace-when-invalid", "no output"),
        ("'${{ thing.a.outputs }}'", "replace-when-invalid", "no output"),
        ("'${{ secret.X }}'", "replace-when-invalid", "secret.X"), ("'${{ var.x }}'", "expression", "'x'"),
    ],
)  # fmt: skip
def test_what_replace_when_refuses(load: Any, item: str, code: str, word: str) -> None:
    resolution = load(f"{LEARNER}{{replace_when: [thing.a, {item}]}}{TABLE}")
    assert [one.code for one in resolution.diagnostics] == [code]
    assert (resolution.diagnostics[0].at.line, word in resolution.diagnostics[0].summary) == (8, True)


def test_replace_when_is_a_list(load: Any) -> None:
    found = load(f"{LEARNER}{{replace_when: thing.a}}{TABLE}").diagnostics
    assert [one.code for one in found] == ["spec-invalid"]


def test_replace_when_makes_cycles(load: Any) -> None:
    text = (
        "kind: Thing\nname: x\nlifecycle: {replace_when: [thing.y]}\n---\nkind: Thing\nname: y\ndepends_on: [thing.x]\n"
    )
    found = load(text).diagnostics
    assert [(one.code, one.at.line) for one in found] == [("dependency-cycle", 7)]
