"""What a plan cannot decide, apply does: before a step runs, and once more when it has made something."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

PROJECT = """\
kind: Project
name: late
format: 1
---
kind: Infrastructure
name: box
spec: {provider: terraform, module: box}
---
kind: Value
name: api
spec:
  value: {rows: "${{ infrastructure.box.outputs.rows }}"}
---
kind: Value
name: after
spec: {value: "${{ value.api.outputs.value.rows }}"}
---
kind: Policy
name: few
spec:
  level: %s
  match: resource.name == "api"
  require: resource.spec.value.rows <= 100
  message: ${{ resource.address }} lets ${{ resource.spec.value.rows }} rows through
  remedy: ask for fewer
"""
MODULE = """\
resource "terraform_data" "box" {}
output "rows" { value = length(terraform_data.box.id) * 10 }
"""
DATA = """\
kind: Project
name: late
format: 1
---
kind: DataSource
name: people
spec: {provider: csv, path: people.csv}
---
kind: Dataset
name: old
spec:
  from: data_source.people
  prepare: [filter: age > 50]
  split: {by: order, test: 0.5}
---
kind: Policy
name: enough
spec:
  level: hard
  match: resource.kind == "Dataset"
  require: resource.facts.rows >= 10
  message: ${{ resource.address }} has ${{ resource.facts.rows }} rows
"""


def test_what_is_known_when_a_step_begins_is_judged_then(cli: Callable[..., Any]) -> None:
    project = cli({"ordain.yaml": PROJECT % "soft", "box/main.tf": MODULE})
    plan = project.json("plan")
    assert [(one["policy"], one["outcome"]) for one in plan["policy"]] == [("policy.few", "unknown")]
    refused = project("apply", "--yes", expect=5)
    assert "error[policy-denied]: policy.few denies value.api" in refused.stderr
    assert "ordain.yaml:12:" in refused.stderr
    assert "value.api lets 360 rows through" in refused.stderr
    assert "ask for fewer" in refused.stderr
    assert "value.after: skipped" in refused.stderr
    assert list(project.json("state", "list")["resources"]) == ["infrastructure.box"]
    assert [one["outcome"] for one in project.json("plan", expect=5)["policy"]] == ["fail"]


def test_an_override_ahead_covers_what_is_decided_late(cli: Callable[..., Any]) -> None:
    project = cli({"ordain.yaml": PROJECT % "soft", "box/main.tf": MODULE})
    project("apply", "--yes", "--override", "few", "--reason", "a trial")
    assert len(project.json("state", "list")["resources"]) == 3


def test_an_advice_stops_nothing(cli: Callable[..., Any]) -> None:
    project = cli({"ordain.yaml": PROJECT % "advisory", "box/main.tf": MODULE})
    project("apply", "--yes")
    assert len(project.json("state", "list")["resources"]) == 3


def test_what_a_step_made_is_judged_before_anything_rests_on_it(cli: Callable[..., Any]) -> None:
    rows = "".join(f"{age},yes\n" for age in range(20, 60))
    project = cli({"ordain.yaml": DATA, "people.csv": f"age,bought\n{rows}"})
    assert [one["outcome"] for one in project.json("plan")["policy"]] == ["unknown"]
    refused = project("apply", "--yes", expect=7)
    assert "policy.enough: dataset.old has 9 rows" in refused.stdout + refused.stderr
    assert list(project.json("state", "list")["resources"]) == ["data_source.people"]
    project.edit("ordain.yaml", "age > 50", "age > 40")
    project("apply", "--yes")
    assert list(project.json("state", "list")["resources"]) == ["data_source.people", "dataset.old"]
    project("plan", "--detailed-exitcode")
