"""Infrastructure through the command line, with real Terraform: imported, refreshed, protected, moved, multiplied."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(shutil.which("terraform") is None, reason="no terraform binary on this machine")

PROJECT = """\
kind: Project
name: landing
format: 1
---
kind: Infrastructure
name: landing
spec:
  provider: terraform
  module: infra
  variables: {name: first}
"""
ENVIRONMENT = """\
kind: Environment
name: dev
spec: {default: true}
"""
MODULE = """\
variable "name" { type = string }
resource "terraform_data" "bucket" {}
resource "terraform_data" "queue" { input = var.name }
output "bucket" { value = terraform_data.bucket.id }
"""
IMPORTS = """\
kind: Import
spec: {to: infrastructure.landing, id: "terraform_data.bucket=the-bucket"}
---
kind: Import
spec: {to: infrastructure.landing, id: "terraform_data.queue=the-queue"}
"""


@pytest.fixture
def project(cli: Callable[..., Any]) -> Any:
    return cli({"ordain.yaml": PROJECT, "environment.yaml": ENVIRONMENT, "infra/main.tf": MODULE})


def only(plan: Any) -> Any:
    (change,) = plan["changes"]
    return change


def nested(change: Any) -> dict[str, str]:
    return {one["address"]: one["action"] for one in change["nested"]}


def quiet(project: Any, *words: str) -> None:
    assert project("plan", "--detailed-exitcode", *words).stdout.startswith("No changes.")


def states(project: Any) -> list[Path]:
    return sorted(project.root.glob(".ordain/private/*/*/state/*.tfstate"))


def test_what_the_world_has_is_imported_by_the_plan_that_was_shown(project: Any) -> None:
    (project.root / "imports.yaml").write_text(IMPORTS)
    before = sorted(path.name for path in (project.root / "infra").iterdir())
    change = only(project.json("plan", "--out", "p.json"))
    assert change["effect"] == "import"
    assert change["importing"] == ["terraform_data.bucket=the-bucket", "terraform_data.queue=the-queue"]
    assert nested(change) == {"terraform_data.bucket": "import", "terraform_data.queue": "import and update"}
    assert "id: (none) → the-bucket" in project("plan").stdout
    project("apply", "p.json", "--yes")
    assert project.output("infrastructure.landing", "bucket") == "the-bucket"
    quiet(project)
    assert sorted(path.name for path in (project.root / "infra").iterdir()) == before

    # one more object, into what is recorded already
    (project.root / "infra" / "third.tf").write_text('resource "terraform_data" "third" {}\n')
    third = '---\nkind: Import\nspec: {to: infrastructure.landing, id: "terraform_data.third=three"}\n'
    (project.root / "imports.yaml").write_text(IMPORTS + third)
    change = only(project.json("plan"))
    assert nested(change) == {"terraform_data.third": "import"}
    assert "imported" in {cause["code"] for cause in change["causes"]}
    project("apply", "--yes")
    quiet(project)
    (project.root / "imports.yaml").unlink()
    quiet(project)


@pytest.mark.parametrize("id_", ["terraform_data.nope=x", "the-bucket", "terraform_data.bucket="])
def test_an_id_that_cannot_be_imported_is_a_wrong_spec_in_terraforms_words(project: Any, id_: str) -> None:
    (project.root / "imports.yaml").write_text(f'kind: Import\nspec: {{to: infrastructure.landing, id: "{id_}"}}\n')
    told = project("plan", expect=6)
    assert id_ in told.stdout and "terraform-import" in told.stdout and "imports.yaml:2:" in told.stdout
    assert states(project) == [] or not json.loads(states(project)[0].read_text())["resources"]


def test_refreshing_takes_in_and_does_nothing_else(project: Any) -> None:
    project("apply", "--yes")
    project.edit("ordain.yaml", "{name: first}", "{name: second}")
    project.edit("infra/main.tf", "terraform_data.bucket.id", '"taken-in"')
    change = only(project.json("plan", "--refresh-only"))
    assert change["effect"] == "refresh-data" and change["fields"] == [] and change["nested"] == []
    project("apply", "--refresh-only", "--yes")
    assert project.output("infrastructure.landing", "bucket") == "taken-in"
    record = project.json("state", "show", "infrastructure.landing")
    assert record["spec"]["variables"] == {"name": "first"}
    quiet(project, "--refresh-only")
    for words in ((), ("--no-refresh",)):
        change = only(project.json("plan", *words))
        assert change["effect"] == "update" and nested(change) == {"terraform_data.queue": "update"}
        assert {cause["code"] for cause in change["causes"]} == {"spec", "code"}
    project("apply", "--no-refresh", "--yes")
    quiet(project)


def test_nothing_inside_of_what_is_protected_is_destroyed_though_the_line_went_too(project: Any) -> None:
    protect = "  variables: {name: first}\nlifecycle: {protect: true}\n"
    project.edit("ordain.yaml", "  variables: {name: first}\n", protect)
    project("apply", "--yes")
    project.edit("ordain.yaml", "lifecycle: {protect: true}\n", "")
    project.edit("infra/main.tf", 'resource "terraform_data" "queue" { input = var.name }\n', "")
    change = only(project.json("plan"))
    assert "terraform_data.queue would be destroyed" in change["blocked"]
    assert nested(change) == {"terraform_data.queue": "delete"}
    project("apply", "--yes", expect=3)
    (state,) = states(project)
    assert {one["name"] for one in json.loads(state.read_text())["resources"]} == {"bucket", "queue"}


def test_what_is_moved_keeps_its_state(project: Any) -> None:
    project("apply", "--yes")
    bucket = project.output("infrastructure.landing", "bucket")
    project.edit("ordain.yaml", "kind: Infrastructure\nname: landing", "kind: Infrastructure\nname: harbour")
    moved = "kind: Moved\nspec: {from: infrastructure.landing, to: infrastructure.harbour}\n"
    (project.root / "moved.yaml").write_text(moved)
    change = only(project.json("plan"))
    assert change["effect"] == "move" and change["previous_address"] == "infrastructure.landing"
    project("apply", "--yes")
    quiet(project)
    assert project.output("infrastructure.harbour", "bucket") == bucket
    project.edit("ordain.yaml", "{name: first}", "{name: second}")
    assert nested(only(project.json("plan"))) == {"terraform_data.queue": "update"}
    project("apply", "--yes")
    assert project.output("infrastructure.harbour", "bucket") == bucket and len(states(project)) == 1
    # a new one under the former name shares nothing with it
    (project.root / "moved.yaml").write_text(PROJECT[PROJECT.index("kind: Infra") :].replace("first", "newcomer"))
    change = only(project.json("plan"))
    assert change["effect"] == "create" and set(nested(change).values()) == {"create"}
    project("apply", "--yes")
    quiet(project)
    assert project.output("infrastructure.harbour", "bucket") == bucket and len(states(project)) == 2
    project("destroy", "--yes")
    assert states(project) == []


def test_one_document_for_many_has_a_state_for_each(project: Any) -> None:
    project.edit("ordain.yaml", "name: landing\nspec:\n", "name: landing\nfor_each: [eu.west, us]\nspec:\n")
    project.edit("ordain.yaml", "{name: first}", "{name: '${{ each.key }}'}")
    project("apply", "--yes")
    assert [one["state"] for one in _queues(project)] == ["eu.west", "us"]
    quiet(project)
    project.edit("ordain.yaml", "[eu.west, us]", "[us]")
    change = only(project.json("plan"))
    assert change["address"] == 'infrastructure.landing["eu.west"]' and change["effect"] == "delete"
    assert set(nested(change).values()) == {"delete"}
    project("apply", "--yes")
    assert [one["state"] for one in _queues(project)] == ["us"]


def _queues(project: Any) -> list[dict[str, Any]]:
    """Return what each state holds as the queue's input."""
    found = []
    for path in states(project):
        resources = json.loads(path.read_text())["resources"]
        found += [
            {"path": path, "state": one["instances"][0]["attributes"]["input"]["value"]}
            for one in resources
            if one["name"] == "queue"
        ]
    return found
