from dataclasses import replace

import pytest

from ordain.api import Change, Reference, Secret, StepResult, Unknown, VersionRecord
from ordain.api.store import PutSettings, PutVersion, RemoveResource
from ordain.apply import fold
from ordain.values.address import Address
from ordain.values.change import Action
from ordain.values.codec import plain
from ordain.values.record import Hold, SettingRecord
from ordain.values.resource import Lifecycle


@pytest.fixture
def change(make):
    more = {
        "facts": {"planned": 1, "both": "plan"},
        "description": "d",
        "owner": "o",
        "labels": {"a": "b"},
        "lifecycle": Lifecycle(protect=True, keep_on_remove=True),
    }
    return make.change("probe.a", {"value": 1}, needs=["probe.b"], **more)


@pytest.fixture
def step(make, change):
    return make.steps([change])[0]


BEFORE = fold.Before()
VERSION = VersionRecord(
    address=Address.parse("probe.a"), recipe="r", spec_recipe="s", name="v", artifact="sha256:" + "0" * 64
)


def test_the_last_step_makes_the_record_of_the_change(change, step):
    result = StepResult(outputs={"value": 2}, facts={"both": "step"}, private={"pid": 1}, versions=(VERSION,))
    version, resource = fold.mutations(change, step, result, "run-7", BEFORE)
    assert version == PutVersion(version=VERSION)
    record = resource.record
    assert (record.spec, record.outputs, record.private, record.run) == (
        change.after,
        {"value": 2},
        {"pid": 1},
        "run-7",
    )
    assert record.facts == {"planned": 1, "both": "step"}
    assert (record.fingerprint, record.inputs, record.depends_on) == (
        change.fingerprint,
        change.inputs,
        (Address.parse("probe.b"),),
    )
    assert (record.description, record.owner, record.labels, record.protect, record.keep_on_remove) == (
        "d",
        "o",
        {"a": "b"},
        True,
        True,
    )


def test_an_earlier_step_and_a_refused_one_write_versions_only(change, step):
    earlier = fold.mutations(change, replace(step, last=False), StepResult(versions=(VERSION,)), "r", BEFORE)
    refused = fold.mutations(change, step, StepResult(versions=(VERSION,), rejected="no"), "r", BEFORE)
    assert earlier == refused == (PutVersion(version=VERSION),)


@pytest.mark.parametrize("action", [Action.DELETE, Action.FORGET])
def test_removal_removes(change, step, action):
    gone = fold.mutations(replace(change, action=action), step, StepResult(), "r", BEFORE)
    assert gone == (RemoveResource(address=change.address),)


def test_a_moved_resource_leaves_its_old_address(change, step):
    old = Address.parse("probe.old")
    (made,) = fold.mutations(replace(change, address=old), step, StepResult(), "r", BEFORE)
    before = fold.Before(record=made.record, versions=(VERSION,))
    moving = replace(change, previous_address=old)
    version, gone, put = fold.mutations(moving, step, StepResult(), "r", before)
    assert gone == RemoveResource(address=old) and version == PutVersion(version=VERSION)
    assert put.record.address == change.address and put.record.place == "probe.old"
    new = replace(VERSION, recipe="new")
    first, second = fold.mutations(moving, replace(step, last=False), StepResult(versions=(new,)), "r", before)
    assert (first.version, second.version) == (VERSION, new)  # the older ones first, already with the first step
    again = fold.mutations(change, step, StepResult(), "r", fold.Before(record=put.record))
    assert again[0].record.place == "probe.old"  # its folder stays where it is, whatever comes later


def test_what_is_known_of_a_version_that_is_held_is_not_overwritten(change, step):
    (made,) = fold.mutations(change, step, StepResult(facts={"columns": "of the version"}), "r", BEFORE)
    edited = replace(
        change, facts={"columns": "as desired", "more": 1}, hold=Hold(version="v", recipe="r", actor="a", reason="b")
    )
    (put,) = fold.mutations(
        edited, replace(step, operation="record"), StepResult(), "r", fold.Before(record=made.record)
    )
    assert put.record.facts["columns"] == "of the version" and put.record.facts["more"] == 1
    assert put.record.hold == edited.hold


def test_what_is_only_written_down_keeps_what_was_made(change, step):
    made = fold.mutations(
        change, step, StepResult(outputs={"value": 1, "more": 2}, facts={"x": 1}, private={"pid": 4}), "run-1", BEFORE
    )[0].record
    edited = replace(change, description="other", outputs={"value": 5}, facts={"planned": 2})
    (put,) = fold.mutations(
        edited, replace(step, operation="record"), StepResult(outputs=edited.outputs), "run-2", fold.Before(record=made)
    )
    record = put.record
    assert record.description == "other" and record.run == "run-2" and record.private == {"pid": 4}
    assert record.outputs == {"value": 5, "more": 2}
    assert record.facts == {"planned": 2, "both": "plan", "x": 1}


def test_a_change_that_is_not_complete_is_a_bug(change, step):
    with pytest.raises(ValueError, match="not complete"):
        fold.mutations(replace(change, fingerprint=None), step, StepResult(), "r", BEFORE)


def test_what_needs_no_executor(change, step):
    written = replace(step, operation="record")
    reference = Reference(address=Address.parse("probe.b"), path=("value",))
    unknown = {"value": Unknown(expression="${{ probe.b.outputs.value }}", refs=(reference,))}
    secret = {"value": Secret(expression="${{ secret.X }}", names=("secret.X",))}
    assert fold.is_written(step, None)
    assert not fold.is_written(replace(step, operation="forget"), replace(change, action=Action.FORGET))
    assert fold.is_written(written, replace(change, outputs=secret))
    assert not fold.is_written(step, change)
    assert not fold.is_written(written, replace(change, fingerprint=None))
    assert not fold.is_written(written, replace(change, outputs=unknown))


def test_settings_are_those_of_the_program():
    setting = SettingRecord(
        address=Address.parse("policy.p"),
        kind="Policy",
        spec={"require": "true", "x": Secret(expression="${{ secret.X }}", names=("secret.X",), digest="d")},
    )
    assert fold.settings((plain(setting),)) == PutSettings(settings=(setting,))
    assert fold.settings(()) == PutSettings(settings=())


def test_folding_is_pure(change: Change, step):
    result = StepResult(outputs={"value": [1, {"a": 2}]})
    assert fold.mutations(change, step, result, "r", BEFORE) == fold.mutations(change, step, result, "r", BEFORE)
