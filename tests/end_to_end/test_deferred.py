"""What cannot be planned before something else exists is deferred, and one plain apply makes everything."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(
    shutil.which("terraform") is None and shutil.which("tofu") is None, reason="no terraform binary on this machine"
)

PROJECT = """\
kind: Project
name: deferred
format: 1
---
kind: Infrastructure
name: bucket
spec:
  provider: terraform
  module: infra
  variables: {name: landing}
---
kind: DataSource
name: landed
spec:
  provider: csv
  path: ${{ infrastructure.bucket.outputs.path }}
---
kind: Dataset
name: training
spec: {from: data_source.landed}
"""
MODULE = """\
variable "name" { type = string }
resource "terraform_data" "file" {
  input = "${var.name}.csv"
  provisioner "local-exec" {
    command = "printf 'a,b\\n1,2\\n3,4\\n' > ${path.module}/../${var.name}.csv"
  }
}
output "path" { value = terraform_data.file.output }
"""


def test_one_apply_goes_all_the_way(cli: Callable[..., Any]) -> None:
    project = cli({"ordain.yaml": PROJECT, "infra/main.tf": MODULE})
    plan = project.json("plan")
    assert plan["status"] == {"applyable": True, "complete": False, "errored": False}
    changes = {one["address"]: one.get("deferred", "") for one in plan["changes"]}
    assert not changes["infrastructure.bucket"]
    assert "infrastructure.bucket" in changes["data_source.landed"]
    assert "data_source.landed" in changes["dataset.training"]
    assert not any(step["address"] == "dataset.training" for step in plan["steps"])
    project("apply", "--yes")
    assert project.output("dataset.training", "rows") == 2
    assert project("plan", "--detailed-exitcode").stdout.startswith("No changes.")
    project("destroy", "--yes")


def test_a_known_name_of_what_is_not_there_yet_defers_too(cli: Callable[..., Any]) -> None:
    module = MODULE.replace("value = terraform_data.file.output", 'value = "${var.name}.csv"')
    project = cli({"ordain.yaml": PROJECT, "infra/main.tf": module})
    assert project.effects()["data_source.landed"] == "deferred"
    project("apply", "--yes")
    assert project("plan", "--detailed-exitcode").stdout.startswith("No changes.")
    project("destroy", "--yes")


def test_a_saved_first_round_is_followed_by_the_next(cli: Callable[..., Any]) -> None:
    project = cli({"ordain.yaml": PROJECT, "infra/main.tf": MODULE})
    project("plan", "--out", "p.json")
    project("apply", "p.json", "--yes")
    assert project("plan", "--detailed-exitcode").stdout.startswith("No changes.")
    project("destroy", "--yes")


def test_the_rounds_after_a_saved_plan_are_in_its_environment(cli: Callable[..., Any]) -> None:
    environments = "---\nkind: Environment\nname: dev\nspec: {default: true}\n---\nkind: Environment\nname: other\n"
    project = cli({"ordain.yaml": PROJECT + environments, "infra/main.tf": MODULE})
    project("plan", "--env", "other", "--out", "p.json")
    project("apply", "p.json", "--yes")
    assert "dataset.training" in project("state", "list", "--env", "other").stdout
    assert "Nothing is recorded in dev." in project("state", "list", "--env", "dev").stdout
    project("destroy", "--yes", "--env", "other")


def test_what_is_selected_takes_along_what_it_is_deferred_for(cli: Callable[..., Any]) -> None:
    project = cli({"ordain.yaml": PROJECT, "infra/main.tf": MODULE})
    chosen = {one["address"]: one for one in project.json("plan", "--select", "data_source.landed")["changes"]}
    assert not chosen["infrastructure.bucket"].get("unselected") and chosen["dataset.training"]["unselected"]
    assert "taken along: data_source.landed needs it" in chosen["infrastructure.bucket"]["notes"]
    without = project.json("plan", "--select", "data_source.landed", "--select", "!infrastructure.bucket")["changes"]
    assert all(one.get("unselected") for one in without)
    project("apply", "--yes", "--select", "data_source.landed")
    recorded = {line.split()[0] for line in project("state", "list").stdout.splitlines()[1:]}
    assert recorded == {"data_source.landed", "infrastructure.bucket"}
