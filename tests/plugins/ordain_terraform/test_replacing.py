"""What is to be made again is planned so by Terraform itself: every object it manages, wherever it stands."""

import json

import pytest

from ordain.values.look import Sight

INNER = """\
resource "terraform_data" "data" {}
data "terraform_remote_state" "read" {
  backend = "local"
  config  = { path = "${path.module}/other.tfstate" }
}
"""
MORE = """\
module "inner" {
  source   = "../inner"
  for_each = toset(["a.b", "c"])
}
resource "terraform_data" "many" { count = 2 }
resource "terraform_data" "old" {}
resource "terraform_data" "gone" {}
"""
NESTED = {'module.inner["a.b"].terraform_data.data', 'module.inner["c"].terraform_data.data'}
STAYING = {"terraform_data.bucket", "terraform_data.many[0]", "terraform_data.many[1]", *NESTED}
EMPTY_STATE = {"version": 4, "terraform_version": "1.10.0", "serial": 1, "lineage": "x", "outputs": {}, "resources": []}


def actions(evidence):
    return {change["address"]: change["action"] for change in evidence.facts["changes"]}


@pytest.fixture
def nest(lab):
    lab.write("infra/inner/main.tf", INNER)
    lab.write("infra/inner/other.tfstate", json.dumps(EMPTY_STATE))
    lab.write("infra/bucket/more.tf", MORE)
    lab.settle()
    return lab


def test_all_that_is_there_is_replaced_and_what_is_read_is_not(nest):
    before = nest.record.outputs
    nest.forced = True
    evidence = nest.look()
    there = {*STAYING, "terraform_data.old", "terraform_data.gone"}
    assert actions(evidence) == dict.fromkeys(there, "replace")
    assert evidence.facts["again"] is True and evidence.facts["empty"] is False
    ids = _ids(nest)
    nest.apply()
    assert _ids(nest).keys() == ids.keys() and not set(_ids(nest).values()) & set(ids.values())
    assert nest.record.outputs.keys() == before.keys()
    nest.forced = False
    assert nest.look().facts["empty"] is True and "again" not in nest.evidence.facts


def test_what_is_moved_added_removed_or_imported_on_the_way_is_seen_as_it_will_be(nest):
    text = MORE.replace('"old"', '"new"').replace('resource "terraform_data" "gone" {}', "")
    moved = "moved {\n  from = terraform_data.old\n  to   = terraform_data.new\n}\n"
    fresh = 'resource "terraform_data" "added" {}\nresource "terraform_data" "taken" {}\n'
    nest.write("infra/bucket/more.tf", f"{text}{moved}{fresh}")
    nest.forced, nest.importing = True, ("terraform_data.taken=world",)
    assert actions(nest.look()) == {
        **dict.fromkeys(STAYING, "replace"),
        "terraform_data.new": "move and replace",
        "terraform_data.gone": "delete",
        "terraform_data.added": "create",
        "terraform_data.taken": "import",
    }
    nest.apply()
    nest.forced = False
    assert nest.look().facts["empty"] is True


def test_where_nothing_is_there_and_where_only_the_world_is_taken_in_nothing_is_replaced(lab):
    lab.forced = True
    assert set(actions(lab.look()).values()) == {"create"} and "again" not in lab.evidence.facts
    lab.apply()
    lab.sight = Sight.REFRESH_ONLY
    assert lab.look().facts["changes"] == []
    assert set(actions(lab.look(deleting=True)).values()) == {"delete"}
    lab.sight = Sight.NO_REFRESH
    assert actions(lab.look()) == {"terraform_data.bucket": "replace"}


def test_what_the_module_itself_protects_is_told_in_terraforms_words(lab, refused):
    lab.write("infra/bucket/more.tf", 'resource "terraform_data" "kept" {\n  lifecycle { prevent_destroy = true }\n}\n')
    lab.settle()
    lab.forced = True
    assert "cannot be destroyed" in str(refused(lab.look))


def _ids(lab):
    (path,) = lab.private.glob("state/*.tfstate")
    return {
        (one.get("module"), one["name"], instance.get("index_key")): instance["attributes"]["id"]
        for one in json.loads(path.read_text())["resources"]
        if one["mode"] == "managed"
        for instance in one["instances"]
    }
