"""Infrastructure through the command line, with real Terraform: imported, refreshed, protected, moved, multiplied."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ASIDE = "~forgotten-"
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
    begins = "Nothing to take in." if "--refresh-only" in words else "No changes."
    assert project("plan", "--detailed-exitcode", *words).stdout.startswith(begins)


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
    told = [cause["after"] for cause in change["causes"] if cause["code"] == "imported"]
    assert told == ["terraform_data.third=three"]  # what is recorded already is no cause again
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


def forget(project: Any, name: str) -> Any:
    """Let go of a document's resource; return where what is known of it is kept, which plan and apply both say."""
    document = project.root / f"{name}.yaml"
    document.write_text(f"kind: Removed\nspec: {{from: infrastructure.{name}, destroy: false}}\n")
    change = only(project.json("plan"))
    assert change["effect"] == "forget" and change["nested"] == []
    done = project("apply", "--yes")
    (kept,) = {word.rstrip(";") for word in (done.stdout + done.stderr).split() if ASIDE in word}
    assert f"is kept in {kept}\n" in done.stdout + done.stderr and (project.root / kept / "state").is_dir()
    assert any(kept in note for note in change["notes"])
    return project.root / kept


def write(project: Any, name: str, value: str) -> None:
    document = PROJECT[PROJECT.index("kind: Infra") :].replace("name: landing", f"name: {name}")
    (project.root / f"{name}.yaml").write_text(document.replace("first", value))


@pytest.fixture
def apart(cli: Callable[..., Any]) -> Any:
    """A project whose infrastructure, ``a``, has a file of its own and is applied."""
    project = cli({"ordain.yaml": PROJECT[: PROJECT.index("---")], "env.yaml": ENVIRONMENT, "infra/main.tf": MODULE})
    write(project, "a", "first")
    project("apply", "--yes")
    return project


def test_what_is_forgotten_is_never_adopted_again_nor_destroyed(apart: Any) -> None:
    before = apart.output("infrastructure.a", "bucket")
    kept = forget(apart, "a")
    (left,) = kept.glob("state/*.tfstate")
    assert before in left.read_text()
    write(apart, "a", "second")
    change = only(apart.json("plan"))
    assert change["effect"] == "create" and set(nested(change).values()) == {"create"} and len(nested(change)) == 2
    apart("apply", "--yes")
    assert apart.output("infrastructure.a", "bucket") != before
    again = forget(apart, "a")
    assert again != kept and before in left.read_text()
    write(apart, "a", "third")
    apart("apply", "--yes")
    apart("destroy", "--yes")
    assert sorted(path.name for path in kept.parent.iterdir()) == sorted([kept.name, again.name])
    assert before in left.read_text()


def test_what_was_moved_and_forgotten_is_no_state_of_a_namesake(apart: Any) -> None:
    before = apart.output("infrastructure.a", "bucket")
    (apart.root / "a.yaml").write_text("kind: Moved\nspec: {from: infrastructure.a, to: infrastructure.b}\n")
    write(apart, "b", "first")
    apart("apply", "--yes")
    (apart.root / "a.yaml").unlink()
    kept = forget(apart, "b")
    write(apart, "a", "different")
    change = only(apart.json("plan"))
    assert set(nested(change).values()) == {"create"}
    apart("apply", "--yes")
    assert apart.output("infrastructure.a", "bucket") != before
    assert before in next(kept.glob("state/*.tfstate")).read_text()


def test_keep_on_remove_sets_aside_too_and_a_forget_that_was_cut_off_is_put_right(apart: Any) -> None:
    (apart.root / "a.yaml").write_text((apart.root / "a.yaml").read_text() + "lifecycle: {keep_on_remove: true}\n")
    apart("apply", "--yes")
    text = (apart.root / "a.yaml").read_text()
    (apart.root / "a.yaml").unlink()
    (note,) = only(apart.json("plan"))["notes"]
    (kept,) = [apart.root / word.rstrip(";") for word in note.split() if ASIDE in word]
    # as an apply leaves it that is killed between the folder and the state
    (apart.root / ".ordain/private/dev/infrastructure.a").rename(kept)
    (apart.root / "a.yaml").write_text(text)
    quiet(apart)
    assert not kept.exists()
    (apart.root / "a.yaml").unlink()
    apart("apply", "--yes")
    assert kept.is_dir() and not (kept.parent / "infrastructure.a").exists()


WATCHED = """\
kind: Value
name: release
spec: {value: 1}
"""


def test_what_is_to_be_made_again_is_replaced_inside(project: Any) -> None:
    project.edit("ordain.yaml", "  variables: {name: first}\n", "  variables: {name: first}\nlifecycle: {}\n")
    (project.root / "release.yaml").write_text(WATCHED)
    project("apply", "--yes")
    before = project.output("infrastructure.landing", "bucket")
    change = only(project.json("plan", "--replace", "infrastructure.landing"))
    assert change["action"] == "replace" and set(nested(change).values()) == {"replace"}
    assert {cause["code"] for cause in change["causes"]} == {"requested"}
    assert "drift" not in project("plan", "--replace", "infrastructure.landing").stdout
    project("apply", "--yes", "--replace", "infrastructure.landing")
    made = project.output("infrastructure.landing", "bucket")
    assert made != before
    quiet(project)

    project.edit("ordain.yaml", "lifecycle: {}", "lifecycle: {replace_when: [value.release]}")
    project("apply", "--yes")
    quiet(project)
    project.edit("release.yaml", "value: 1", "value: 2")
    landing = next(one for one in project.json("plan")["changes"] if one["address"] == "infrastructure.landing")
    assert landing["action"] == "replace" and set(nested(landing).values()) == {"replace"} and len(nested(landing)) == 2
    project("apply", "--yes")
    assert project.output("infrastructure.landing", "bucket") != made
    quiet(project)

    project.edit("ordain.yaml", "lifecycle: {replace", "lifecycle: {protect: true, replace")
    project("apply", "--yes")
    project.edit("ordain.yaml", "lifecycle: {protect: true, replace", "lifecycle: {replace")
    change = only(project.json("plan", "--replace", "infrastructure.landing"))
    assert change["protected"] and "terraform_data.bucket" in change["blocked"]
    project("apply", "--yes", "--replace", "infrastructure.landing", expect=3)
