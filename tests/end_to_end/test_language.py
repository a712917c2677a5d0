"""``for_each``, overrides and variables through the real command line: planned, applied, changed one at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

PROJECT = """kind: Project
name: regions
format: 1
spec:
  variables:
    regions: {type: map, default: {north: {n: 1}, south: {n: 2}}}
---
kind: Environment
name: dev
spec:
  overrides:
    value.a["south"]: {spec: {value: {n: 20}}}
---
kind: Value
name: a
for_each: ${{ var.regions }}
spec: {value: {n: "${{ each.value.n }}"}}
---
kind: Value
name: b
for_each: ${{ var.regions }}
spec: {value: "${{ value.a[each.key].outputs.value.n }}"}
"""


def outputs(project: Any, address: str) -> Any:
    return project.json("state", "show", address)["outputs"]["value"]


def test_each_of_several_is_a_resource_of_its_own(cli: Callable[..., Any]) -> None:
    project = cli({"ordain.yaml": PROJECT})
    project("apply", "--yes")
    found = [outputs(project, f'value.{name}["{key}"]') for name in "ab" for key in ("north", "south")]
    assert found == [{"n": 1}, {"n": 20}, 1, 20]
    assert project.effects("--detailed-exitcode") == {}
    project.edit("ordain.yaml", "north: {n: 1}", "north: {n: 3}")
    assert project.effects() == {'value.a["north"]': "update", 'value.b["north"]': "update"}
    project.edit("ordain.yaml", "south: {n: 2}", "west: {n: 2}")
    project.edit("ordain.yaml", 'a["south"]', 'a["west"]')
    effects = project.effects()
    assert (effects['value.a["south"]'], effects['value.a["west"]']) == ("delete", "create")
    project("apply", "--yes")
    assert outputs(project, 'value.b["west"]') == 20


def test_the_keys_may_come_from_outside_and_one_may_be_moved(cli: Callable[..., Any]) -> None:
    project = cli({"ordain.yaml": PROJECT.replace('    value.a["south"]: {spec: {value: {n: 20}}}\n', "    {}\n")})
    project("apply", "--yes", "--var", "regions={east: {n: 1}}")
    moved = "".join(
        f"---\nkind: Moved\nspec: {{from: 'value.{name}[east]', to: 'value.{name}[north]'}}\n" for name in "ab"
    )
    text = (project.root / "ordain.yaml").read_text(encoding="utf-8")
    (project.root / "ordain.yaml").write_text(text + moved, encoding="utf-8")
    effects = project.effects()
    assert [effects[f'value.{name}["north"]'] for name in "ab"] == ["move", "move"]
    assert [effects[f'value.{name}["south"]'] for name in "ab"] == ["create", "create"]


def test_what_is_wrong_is_told_with_both_places(cli: Callable[..., Any]) -> None:
    project = cli({"ordain.yaml": PROJECT.replace("{value: {n: 20}}", "{valeu: 1}").replace("each.key", "each.kye")})
    said = project("validate", expect=6).stderr
    assert "ordain.yaml:12:31" in said and "in the document it overrides" in said
    assert "`each` has two members" in said
    unknown = PROJECT.replace(
        'for_each: ${{ var.regions }}\nspec: {value: "', 'for_each: ${{ value.a.outputs.value }}\nspec: {value: "'
    )
    (project.root / "ordain.yaml").write_text(unknown, encoding="utf-8")
    assert "must be known before anything is planned" in project("plan", expect=6).stderr
