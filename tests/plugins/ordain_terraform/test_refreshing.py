"""How Terraform may look, and every action of its plans in words."""

import json

import pytest

from ordain.api import ExitCode
from ordain.values.look import Sight
from ordain_terraform import command
from ordain_terraform.facts import plan_facts
from ordain_terraform.secrets import Scrubber


def actions(evidence):
    return {change["address"]: change["action"] for change in evidence.facts["changes"]}


def state(lab):
    return json.loads((lab.private / "state" / "default.tfstate").read_text())


def edit_state(lab, **values):
    held = state(lab)
    changed = {**held, **values, "serial": held["serial"] + 1}
    (lab.private / "state" / "default.tfstate").write_text(json.dumps(changed))


def test_a_refresh_takes_in_outputs_and_makes_nothing(lab):
    lab.settle()
    lab.write("infra/bucket/more.tf", 'output "more" { value = terraform_data.bucket.output }\n')
    lab.write("infra/bucket/later.tf", 'resource "terraform_data" "later" {}\n')
    lab.sight = Sight.REFRESH_ONLY
    facts = lab.look().facts
    assert facts["sight"] == "refresh-only" and facts["changes"] == [] and facts["empty"] is False
    assert facts["outputs"]["more"]["changed"] is True
    assert lab.apply().outputs["more"] == "eu-bucket"
    assert [resource["name"] for resource in state(lab)["resources"]] == ["bucket"]
    assert lab.look().facts["empty"] is True
    lab.sight = Sight.FULL
    assert actions(lab.look()) == {"terraform_data.later": "create"}


def test_a_refresh_after_the_state_was_lost_makes_nothing_again(lab):
    lab.settle()
    edit_state(lab, resources=[], outputs={})
    lab.sight = Sight.REFRESH_ONLY
    lab.look()
    lab.apply()
    assert state(lab)["resources"] == []


def test_a_refresh_that_was_overtaken_is_refused(lab, refused):
    lab.settle()
    lab.write("infra/bucket/more.tf", 'output "more" { value = 1 }\n')
    lab.sight = Sight.REFRESH_ONLY
    lab.look()
    overtaken = lab.call()
    lab.apply()
    assert refused(lab.apply, overtaken).exit is ExitCode.STALE


def test_what_a_refresh_saw_outside_is_what_it_takes_in():
    drift = [
        {"address": "a.changed", "change": {"actions": ["update"], "before": {"x": 1}, "after": {"x": 2}}},
        {"address": "a.gone", "change": {"actions": ["delete"], "before": {"x": 1}, "after": None}},
    ]
    facts = plan_facts({"resource_drift": drift}, Scrubber(), refresh_only=True)
    assert [(one["address"], one["action"]) for one in facts["changes"]] == [
        ("a.changed", "refresh"),
        ("a.gone", "forget"),
    ]
    assert facts["changes"][0]["fields"] == [{"path": ["x"], "before": 1, "after": 2}]
    assert facts["drift"] == [] and facts["empty"] is False


@pytest.mark.parametrize(
    ("sight", "deleting", "flags"),
    [
        (Sight.FULL, False, set()),
        (Sight.NO_REFRESH, False, {"-refresh=false"}),
        (Sight.NO_REFRESH, True, {"-refresh=false", "-destroy"}),
        (Sight.REFRESH_ONLY, False, {"-refresh-only"}),
    ],
)
def test_terraform_is_told_how_it_may_look(lab, monkeypatch, sight, deleting, flags):
    lab.settle()
    ran, argv = [], command.argv
    monkeypatch.setattr(command, "argv", lambda *args: ran.append(argv(*args)) or ran[-1])
    lab.sight = sight
    lab.look(deleting=deleting)
    (plan,) = [line for line in ran if line[1] == "plan"]
    assert flags == {word for word in plan if word.startswith(("-refresh", "-destroy"))}


def test_a_plan_without_refresh_is_applied_as_any(lab):
    lab.sight = Sight.NO_REFRESH
    assert lab.settle().outputs["url"] == "eu-bucket"
    assert lab.look().facts["empty"] is True


def test_moves_forgets_and_replaces_have_words_of_their_own(lab):
    lab.write(
        "infra/bucket/more.tf",
        "".join(f'resource "terraform_data" "{name}" {{ triggers_replace = 1 }}\n' for name in "abcd"),
    )
    lab.settle()
    lab.write(
        "infra/bucket/more.tf",
        'resource "terraform_data" "a2" { triggers_replace = 1 }\nmoved {\n  from = terraform_data.a\n'
        "  to = terraform_data.a2\n}\n"
        'resource "terraform_data" "b2" {\n  triggers_replace = 1\n  input = 2\n}\nmoved {\n'
        "  from = terraform_data.b\n  to = terraform_data.b2\n}\n"
        "removed {\n  from = terraform_data.c\n  lifecycle { destroy = false }\n}\n"
        'resource "terraform_data" "d" { triggers_replace = 2 }\n',
    )
    evidence = lab.look()
    assert actions(evidence) == {
        "terraform_data.a2": "move",
        "terraform_data.b2": "move and update",
        "terraform_data.c": "forget",
        "terraform_data.d": "replace",
    }
    former = {one["address"]: one.get("previous_address") for one in evidence.facts["changes"]}
    assert former["terraform_data.a2"] == "terraform_data.a" and former["terraform_data.d"] is None
    lab.apply()
    assert lab.look().facts["empty"] is True


@pytest.mark.parametrize(
    ("actions", "more", "word"),
    [
        (["create"], {}, "create"),
        (["read"], {}, "read"),
        (["create", "delete"], {}, "replace"),
        (["create", "forget"], {}, "create and forget"),
        (["delete", "create"], {"importing": {"id": "x"}}, "import and replace"),
        (["renew"], {}, "renew"),
    ],
)
def test_every_action_has_its_word(actions, more, word):
    shown = {"resource_changes": [{"address": "a.b", "change": {"actions": actions, **more}}]}
    (change,) = plan_facts(shown, Scrubber())["changes"]
    assert change["action"] == word
