"""The driver on the real Terraform: plan, apply, drift, destroy, and the module folder left as it was."""

import json
from dataclasses import replace

import pytest

from ordain.api import Address, ExitCode, OrdainError, Reference, Secret, canonical
from ordain.values.record import place_of


def test_a_new_module_is_planned_and_exactly_that_plan_is_applied(lab):
    facts = lab.look().facts
    (change,) = facts["changes"]
    assert (change["address"], change["action"]) == ("terraform_data.bucket", "create")
    assert {"path": ["input"], "before": None, "after": "eu-bucket"} in change["fields"]
    assert {"path": ["output"], "before": None, "unknown": True} in change["fields"]
    assert facts["outputs"]["known"] == {
        "known": True,
        "sensitive": False,
        "changed": True,
        "type": "string",
        "value": "known-eu",
    }
    assert facts["outputs"]["url"]["known"] is False and "value" not in facts["outputs"]["url"]
    assert facts["empty"] is False
    lab.write("infra/bucket/later.tf", 'resource "terraform_data" "later" {}')  # came after the plan: not in it
    result = lab.apply()
    assert result.outputs == {"url": "eu-bucket", "known": "known-eu", "workspace": "default"}
    assert [c["address"] for c in lab.look().facts["changes"]] == ["terraform_data.later"]


def test_planning_what_was_applied_is_empty_and_gives_the_same_facts_each_time(lab):
    lab.settle()
    first, second = lab.look(), lab.look()
    assert first.facts["empty"] is True
    assert first.attachments == {}
    assert canonical(first.facts) == canonical(second.facts)


def test_a_plan_made_again_takes_nothing_away_from_the_one_before(lab):
    first = lab.look()
    saved = lab.call()
    again = lab.look()
    assert again.facts == first.facts
    lab.store.delete(again.attachments["plan"])  # as the engine does after a plan that is only shown
    assert lab.apply(saved).outputs["url"] == "eu-bucket"


def test_a_variable_changes_what_it_should(lab):
    lab.settle()
    lab.spec["variables"] = {"region": "us"}
    (change,) = lab.look().facts["changes"]
    assert change["action"] == "update"
    assert {"path": ["input"], "before": "eu-bucket", "after": "us-bucket"} in change["fields"]
    assert lab.apply().outputs["url"] == "us-bucket"


@pytest.mark.parametrize("value", ["plain ${x} %{y}", "", "null", 3, 2.5, True, ["a", {"b": 1}], {"k": ["v"]}, None])
def test_variables_of_any_type_arrive_as_they_are(lab, value):
    lab.write("infra/bucket/any.tf", 'variable "any" { default = 0 }\noutput "any" { value = var.any }')
    lab.spec["variables"] = {"any": value}
    output = lab.look().facts["outputs"].get("any", {})
    assert output.get("value") == (0 if value is None and "value" not in output else value)


def test_what_was_lost_outside_shows_and_is_made_again(lab):
    lab.settle()
    state = lab.private / "state" / "default.tfstate"
    held = json.loads(state.read_text())
    state.write_text(json.dumps({**held, "resources": [], "serial": held["serial"] + 1}))
    (change,) = lab.look().facts["changes"]
    assert change["action"] == "create"
    assert lab.apply().outputs["url"] == "eu-bucket"
    assert lab.look().facts["empty"] is True


def test_a_plan_that_was_overtaken_is_refused(lab, refused):
    lab.look()
    overtaken = lab.call()
    lab.settle()
    diagnostic = refused(lab.apply, overtaken)
    assert diagnostic.code == "terraform-plan-stale" and diagnostic.exit is ExitCode.STALE
    assert "infrastructure.bucket" in diagnostic.summary and "ordain plan" in diagnostic.fix


def test_the_same_step_twice_is_done_once(lab):
    lab.look()
    call = lab.call()
    assert lab.apply(call).outputs == lab.apply(call).outputs


def test_a_step_without_its_saved_plan_is_refused(lab, refused):
    lab.evidence = replace(lab.look(), attachments={})
    diagnostic = refused(lab.apply)
    assert diagnostic.code == "terraform-plan-lost" and diagnostic.exit is ExitCode.STALE


def test_destroy_does_what_its_plan_showed_and_may_be_repeated(lab):
    lab.settle()
    facts = lab.look(deleting=True).facts
    assert [(c["address"], c["action"]) for c in facts["changes"]] == [("terraform_data.bucket", "delete")]
    lab.destroy()
    assert list(lab.private.iterdir()) == []
    lab.destroy()
    lab.evidence = None
    lab.destroy()
    assert lab.look().facts["changes"][0]["action"] == "create"


KEYED = Address(kind="infrastructure", name="bucket", key="eu.west@1")


def test_an_address_with_a_key_has_outputs_of_its_own(lab):
    lab.address = KEYED
    lab.write("infra/bucket/s.tf", 'output "token" {\n value = "t0p-s3cret"\n sensitive = true\n}')
    token = lab.settle().outputs["token"]
    assert token.names == ('infrastructure.bucket["eu.west@1"].outputs.token',)
    assert Reference.parse(token.names[0]) == Reference(address=KEYED, path=("token",))
    assert lab.reveal("token") == "t0p-s3cret"
    assert lab.look().facts["empty"] is True


def test_what_was_moved_keeps_its_state_and_its_secrets(lab, tmp_path):
    lab.private = tmp_path / "home" / place_of(lab.address, None)
    lab.write("infra/bucket/s.tf", 'output "token" {\n value = "t0p-s3cret"\n sensitive = true\n}')
    lab.settle()
    lab.record = replace(lab.record, address=KEYED, place=place_of(lab.address, lab.record))
    lab.address = KEYED
    lab.private = tmp_path / "home" / place_of(lab.address, lab.record)
    assert lab.look().facts["empty"] is True
    assert lab.reveal("token") == "t0p-s3cret"
    lab.spec["variables"] = {"region": "us"}
    assert lab.settle().outputs["url"] == "us-bucket"
    lab.look(deleting=True)
    lab.destroy()
    assert list(lab.private.iterdir()) == []


def test_places_of_any_two_addresses_differ():
    keys = ("", "eu", "eu.west", "eu@1", "EU")
    names = {Address(kind="infrastructure", name="bucket", key=key).slug for key in keys}
    assert len(names) == len(keys) and not any("/" in name or '"' in name for name in names)


def test_destroy_without_a_plan_destroys(lab):
    lab.settle()
    lab.evidence = None
    lab.destroy()
    assert lab.look().facts["changes"][0]["action"] == "create"


def test_destroy_still_works_when_the_module_was_removed_with_its_document(lab):
    lab.write("infra/part/main.tf", 'resource "terraform_data" "part" {}')
    lab.write("infra/bucket/part.tf", 'module "part" { source = "../part" }')
    lab.settle()
    for path in sorted(lab.root.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    facts = lab.look(deleting=True).facts
    assert [c["address"] for c in facts["changes"]] == ["module.part.terraform_data.part", "terraform_data.bucket"]
    lab.destroy()
    assert list(lab.private.iterdir()) == []


def test_sensitive_outputs_are_references_that_can_be_revealed(lab):
    lab.write("infra/bucket/s.tf", 'output "token" {\n value = "t0p-s3cret"\n sensitive = true\n}')
    evidence = lab.look()
    assert evidence.facts["outputs"]["token"]["sensitive"] is True
    result = lab.apply()
    token = result.outputs["token"]
    assert isinstance(token, Secret) and token.names == ("infrastructure.bucket.outputs.token",)
    again = lab.look()
    assert again.facts["outputs"]["token"]["digest"] == token.digest
    for value in (evidence, result, again):
        assert b"t0p-s3cret" not in canonical(value)
    assert lab.reveal("token") == "t0p-s3cret"
    with pytest.raises(OrdainError, match="no output nothing"):
        lab.reveal("nothing")


def test_relative_modules_resolve_and_count_as_code(lab):
    lab.write("infra/part/main.tf", 'variable "n" {}\nresource "terraform_data" "p" { input = var.n }')
    lab.write("infra/bucket/part.tf", 'module "part" {\n source = "../part"\n n = 1\n}')
    lab.settle()
    before = lab.look().facts
    assert list(before["files"]) == ["infra/bucket/main.tf", "infra/bucket/part.tf", "infra/part/main.tf"]
    lab.write("infra/part/more.tf", 'resource "terraform_data" "more" {}')
    after = lab.look().facts
    assert after["module"] != before["module"] and "infra/part/more.tf" in after["files"]
    assert [c["address"] for c in after["changes"]] == ["module.part.terraform_data.more"]


def test_a_module_that_starts_to_call_another_is_initialised_again(lab):
    lab.write("infra/part/main.tf", 'resource "terraform_data" "p" {}')
    lab.settle()
    lab.write("infra/bucket/part.tf", 'module "part" { source = "../part" }')
    assert [c["address"] for c in lab.look().facts["changes"]] == ["module.part.terraform_data.p"]


def test_init_is_not_repeated_for_the_same_files(lab):
    lab.look()
    marker = lab.private / "init.json"
    made = marker.stat().st_mtime_ns
    lab.look()
    assert marker.stat().st_mtime_ns == made


@pytest.mark.parametrize("workspace", [None, "dev"])
def test_the_module_folder_stays_as_it_was(lab, workspace):
    lab.spec["workspace"] = workspace
    before = lab.module_files()
    assert lab.settle().outputs["workspace"] == (workspace or "default")
    lab.reveal("url")
    lab.look(deleting=True)
    lab.destroy()
    assert lab.module_files() == before


def test_two_environments_use_one_module_without_meeting(lab):
    other = lab.sibling("other", variables={"region": "us"}, workspace="prod")
    lab.settle()
    assert other.settle().outputs == {"url": "us-bucket", "known": "known-us", "workspace": "prod"}
    assert lab.look().facts["empty"] is True
    other.look(deleting=True)
    other.destroy()
    assert lab.look().facts["empty"] is True


def test_each_workspace_has_a_state_of_its_own_and_outlives_the_others(lab):
    lab.spec["workspace"] = "one"
    lab.settle()
    lab.spec["workspace"] = "two"
    assert lab.look().facts["changes"][0]["action"] == "create"
    lab.apply()
    lab.look(deleting=True)
    lab.destroy()
    lab.spec["workspace"] = "one"
    assert lab.look().facts["empty"] is True


def test_a_backend_of_the_modules_own_is_respected(lab):
    lab.write("infra/bucket/backend.tf", 'terraform {\n  backend "local" {}\n}')
    mine = lab.root.parent / "mine.tfstate"
    lab.spec["backend"] = {"path": str(mine)}
    assert lab.settle().private["state"] == "local"
    assert json.loads(mine.read_text())["resources"]
    assert not (lab.private / "state").exists()
    assert lab.look().facts["empty"] is True


def test_progress_is_told(lab):
    lab.settle()
    assert lab.said[0].message == "terraform_data.bucket: Creating..."
    assert lab.said[-1].fraction == 1.0
