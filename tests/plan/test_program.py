"""What a plan says of itself: the specs it was made of, who made it, and all that it read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ordain import __version__

VALUES = "kind: Value\nname: a\nspec: {value: %s}\n---\nkind: Value\nname: b\ndepends_on: [value.a]\n"


def test_the_digest_of_the_specs_is_that_of_what_they_mean(project: Callable[[str], Any]) -> None:
    one = project(VALUES % 1)
    first = one.plan()["spec_digest"]
    assert first.startswith("sha256:")
    one.write("# a comment\n" + VALUES % '"${{ 2 - 1 }}"')
    assert one.plan("--no-cache")["spec_digest"] == first
    one.write(VALUES % 2)
    assert one.plan()["spec_digest"] != first


def test_the_plugins_a_plan_rests_on_are_named_with_their_versions(project: Callable[[str], Any]) -> None:
    found = {one["name"]: one["version"] for one in project(VALUES % 1).plan()["plugins"]}
    assert {"kinds", "files", "serving", "sklearn", "terraform"} <= set(found)
    assert found["kinds"] == __version__


def test_absences_are_read_too(project: Callable[[str], Any]) -> None:
    one = project(VALUES % 1)
    read = {read["object"]: read["version"] for read in one.plan()["reads"]}
    assert {name: version for name, version in read.items() if name != "settings"} == {
        "state:value.a": "absent", "state:value.b": "absent",
    }  # fmt: skip
    one.run("plan", "--out", str(one.root / "p.json"))
    one.apply("--select", "value.a")
    assert "it was not in the state then, and is now" in one.run("apply", str(one.root / "p.json"), expect=10)


def test_a_plan_with_an_error_has_no_steps(project: Callable[[str], Any]) -> None:
    one = project(VALUES % 1)
    one.apply()
    one.write(VALUES.partition("---")[0] % 2 + "---\nkind: Moved\nspec: {from: value.b, to: value.a}\n")
    plan = one.plan(expect=6)
    assert plan["status"] == {"applyable": False, "complete": True, "errored": True}
    assert plan["changes"] and not plan["steps"]
    one.run("plan", "--out", str(one.root / "p.json"), expect=6)
    one.run("apply", str(one.root / "p.json"), expect=6)


def test_a_step_of_a_later_plan_is_another_step(project: Callable[[str], Any]) -> None:
    one = project(VALUES % 1)
    one.apply()
    keys = []
    for _ in range(2):
        one.write(VALUES % 2)
        assert one.plan()["steps"] == one.plan()["steps"]
        keys.append(next(step["key"] for step in one.plan()["steps"] if step["address"] == "value.a"))
        one.apply()
        one.write(VALUES % 1)
        one.apply()
    assert keys[0] != keys[1]  # or an executor would take the first for having done the second


PROMOTED = """\
kind: Environment
name: dev
spec: {default: true}
---
kind: Environment
name: prod
spec: {promotes_from: dev}
---
kind: DataSource
name: rows
spec: {provider: csv, path: rows.csv}
---
kind: Dataset
name: set
spec: {from: data_source.rows, split: {by: order, test: 0.5}}
---
kind: Model
name: model
spec:
  dataset: dataset.set
  target: label
  positive: "yes"
  estimator: sklearn.linear_model.LogisticRegression
  metrics: [roc_auc]
---
kind: Value
name: beside
spec: {value: %s}
"""


def rows(count: int) -> str:
    return "a,b,label\n" + "".join(f"{n},{n * 7 % 11},{'yes' if n % 2 else 'no'}\n" for n in range(count))


def test_a_promotion_is_stale_where_what_it_promotes_moved_and_not_by_what_lies_beside(
    project: Callable[[str], Any],
) -> None:
    one = project(PROMOTED % 1)
    saved = str(one.root / "p.json")
    (one.root / "rows.csv").write_text(rows(40))
    one.apply("--env", "dev")
    plan = one.plan("--env", "prod", "--out", saved)
    read = {one["object"] for one in plan["reads"]}
    assert {one for one in read if "source:" in one} == {"source:model.model"}
    assert "world:data_source.rows" in read
    (one.root / "rows.csv").write_text(rows(50))
    changes = one.changes("--env", "dev")
    chain = [(cause["code"], cause["address"]) for cause in changes["model.model"]["causes"]]
    assert chain == [  # root first
        ("data", "data_source.rows"), ("upstream", "data_source.rows"), ("upstream", "dataset.set"),
    ]  # fmt: skip
    one.apply("--env", "dev")
    assert "model.model moved since the plan was made" in one.run("apply", saved, expect=10)
    one.run("plan", "--env", "prod", "--out", saved)
    one.write(PROMOTED % 2)
    one.apply("--env", "dev")
    one.apply(saved)
    assert not one.effects("--env", "prod", "--select", "model.model")
