"""Moved, Import, Removed: what may be said, and what is refused with both places."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from ordain.values.address import Address
from ordain.values.setting import Import, Move, Removal

BASE = """kind: Thing
name: t
for_each: [north, south]
---
kind: Thing
name: plain
---
kind: Table
name: tab
spec: {path: x}
---
"""


@pytest.fixture(autouse=True)
def importable(registry: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["config_test_kinds"].Table, "importable", "the table's name in the database")


def document(kind: str, spec: str) -> str:
    return f"kind: {kind}\nspec: {spec}\n"


def said(resolution: Any) -> list[tuple[str, str, list[str]]]:
    assert resolution.desired is None
    return [
        (one.code, f"{one.at.line}:{one.at.column}", [f"{at.line}:{at.column}" for at, _ in one.related])
        for one in resolution.diagnostics
    ]


def test_they_are_read_and_are_no_settings(load: Any) -> None:
    text = BASE + "---\n".join(
        (
            document("Moved", "{from: thing.old, to: thing.mid}"),
            "name: second\n" + document("Moved", "{from: thing.mid, to: thing.plain}"),
            document("Moved", "{from: thing.t, to: 'thing.t[north]'}"),
            document("Moved", "{from: 'thing.k[${{ env.name }}]', to: 'thing.t[south]'}"),
            document("Moved", "{from: thing.all, to: thing.t}"),
            document("Import", "{to: table.tab, id: second}"),
            document("Import", "{to: table.tab, id: '${{ env.name }}'}"),
            document("Removed", "{from: 'thing.t[west]', destroy: true}"),
            document("Removed", "{from: thing.gone, destroy: false}"),
        )
    )
    desired = load(text).desired
    address = Address.parse
    moves = [(str(one.source), str(one.target)) for one in desired.moves]
    assert moves == [
        ("thing.all", "thing.t"), ('thing.k["default"]', 'thing.t["south"]'), ("thing.mid", "thing.plain"),
        ("thing.old", "thing.mid"), ("thing.t", 'thing.t["north"]'),
    ]  # fmt: skip
    assert desired.imports == tuple(
        Import(target=address("table.tab"), id=id, written=one.written)
        for id, one in zip(("second", "default"), desired.imports, strict=True)
    )
    assert desired.removals == tuple(
        Removal(address=address(where), destroy=destroy, written=one.written)
        for (where, destroy), one in zip(
            (("thing.gone", False), ('thing.t["west"]', True)), desired.removals, strict=True
        )
    )
    assert isinstance(desired.moves[0], Move) and desired.moves[0].written.line == 28
    assert [one.kind for one in desired.settings] == ["Project"]
    assert desired.digest == load(BASE).desired.digest


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        ("{from: table.x, to: thing.plain}", [("moved-kind", "17:27", ["17:14"])]),
        ("{from: table.x, to: thing.nope}", [("moved-kind", "17:27", ["17:14"])]),
        ("{from: thing.x, to: thing.nope}", [("refactoring-to", "17:27", [])]),
        ("{from: thing.plain, to: 'thing.t[north]'}", [("refactoring-from", "17:14", ["10:7"])]),
        ("{from: 'thing.t[north]', to: thing.plain}", [("refactoring-from", "17:14", ["6:7"])]),
        ("{from: thing.t, to: thing.plain}", [("refactoring-from", "17:14", ["6:7"])]),
        ("{from: thing.x, to: 'thing.plain[a]'}", [("refactoring-to", "17:27", ["10:7"])]),
        ("{from: thing.x, to: 'thing.t[west]'}", [("refactoring-to", "17:27", ["6:7"])]),
        ("{from: 'thing.x[a]', to: thing.t}", [("refactoring-to", "17:32", ["6:7"])]),
        ("{from: thign.x, to: thing.plain}", [("kind-unknown", "17:14", [])]),
        ("{from: x, to: thing.plain}", [("spec-invalid", "17:14", [])]),
        ("{from: thing.x}", [("spec-missing", "17:1", [])]),
        ("{from: thing.x, to: thing.plain, id: 3}", [("spec-unknown-key", "17:40", [])]),
        ("{from: '${{ thing.plain.outputs.value }}', to: thing.plain}", [("spec-not-known", "17:14", [])]),
        ("{from: thing.plain, to: thing.plain}",
         [("refactoring-from", "17:14", ["10:7"]), ("moved-cycle", "17:31", [])]),
        ("{from: thing.x, to: thing.y}\n---\nkind: Moved\nspec: {from: thing.y, to: thing.x}",
         [("moved-cycle", "17:27", ["20:27"])]),
        ("{from: 'thing.x[a]', to: 'thing.y[a]'}\n---\nkind: Moved\nspec: {from: thing.y, to: thing.x}",
         [("refactoring-to", "20:27", [])]),
        ("{from: thing.x, to: thing.y}\n---\nkind: Moved\nspec: {from: thing.y, to: thing.z}",
         [("refactoring-to", "20:27", [])]),
        ("{from: thing.x, to: thing.plain}\n---\nkind: Moved\nspec: {from: thing.y, to: thing.plain}",
         [("refactoring-twice", "20:27", ["17:27"])]),
        ("{from: thing.x, to: thing.plain}\n---\nkind: Moved\nspec: {from: thing.x, to: 'thing.t[north]'}",
         [("refactoring-twice", "20:14", ["17:14"])]),
        ("{from: thing.x, to: thing.plain}\n---\nkind: Removed\nspec: {from: thing.x, destroy: true}",
         [("refactoring-twice", "17:14", ["20:14"])]),
    ],
)  # fmt: skip
def test_moves_that_are_refused(load: Any, spec: str, found: list[Any]) -> None:
    resolution = load(BASE + document("Moved", spec))
    assert said(resolution) == found
    assert all(one.fix for one in resolution.diagnostics)


@pytest.mark.parametrize(
    ("spec", "found", "fix"),
    [
        ("{to: thing.plain, id: a}", [("import-kind", "17:12", ["10:7"])], "can be imported: Table"),
        ("{to: table.tba, id: a}", [("refactoring-to", "17:12", [])], "did you mean 'table.tab'"),
        ("{to: table.tab, id: ''}", [("spec-invalid", "17:27", [])], ""),
        ("{to: table.tab}", [("spec-missing", "17:1", [])], "id:"),
        ("{to: table.tab, id: a}\n---\nkind: Import\nspec: {to: table.tab, id: a}",
         [("refactoring-twice", "20:12", ["17:27"])], "remove one"),
    ],
)  # fmt: skip
def test_imports_that_are_refused(load: Any, spec: str, found: list[Any], fix: str) -> None:
    resolution = load(BASE + document("Import", spec))
    assert said(resolution) == found
    assert fix in resolution.diagnostics[0].fix


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        ("{from: thing.plain, destroy: true}", [("refactoring-from", "17:14", ["10:7"])]),
        ("{from: thing.t, destroy: true}", [("refactoring-from", "17:14", ["6:7"])]),
        ("{from: 'thing.t[south]', destroy: true}", [("refactoring-from", "17:14", ["6:7"])]),
        ("{from: thing.x}", [("removed-destroy", "17:1", [])]),
        ("{from: thing.x, destroy: maybe}", [("spec-invalid", "17:32", [])]),
        ("{from: thing.x, destroy: true}\n---\nkind: Removed\nspec: {from: thing.x, destroy: false}",
         [("refactoring-twice", "20:14", ["17:14"])]),
        ("{from: thing.x, destroy: true}\nfor_each: [a]", [("for-each-setting", "18:1", [])]),
    ],
)  # fmt: skip
def test_removals_that_are_refused(load: Any, spec: str, found: list[Any]) -> None:
    resolution = load(BASE + document("Removed", spec))
    assert said(resolution) == found
    if found[0][0] == "removed-destroy":
        assert (
            "`destroy: true`" in resolution.diagnostics[0].fix and "`destroy: false`" in resolution.diagnostics[0].fix
        )


def test_a_key_that_another_environment_has_is_no_mistake(load: Any) -> None:
    moved = document("Moved", "{from: thing.w, to: 'thing.t[west]'}")
    environments = (
        "---\nkind: Environment\nname: dev\n---\nkind: Environment\nname: prod\n"
        "spec: {overrides: {thing.t: {for_each: [north, south, west]}}}\n"
    )
    assert load(BASE + moved + environments, environment="dev").desired.moves
    expression = BASE.replace("[north, south]", "\"${{ ['north', env.name] }}\"")
    assert load(expression + moved).desired.moves


@pytest.mark.parametrize("kind", ["Moved", "Import", "Removed", "Thing"])
def test_only_these_need_no_name(load: Any, kind: str) -> None:
    codes = {one.code for one in load(f"kind: {kind}\nspec: {{x: 1}}\n").diagnostics}
    assert ("document-name" in codes) == (kind == "Thing")
    assert "document-name" in {one.code for one in load(f"kind: {kind}\nname: X\nspec: {{x: 1}}\n").diagnostics}
