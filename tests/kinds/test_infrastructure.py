"""What Infrastructure makes of its driver's plan: effects, causes, drift, outputs; and once with real Terraform."""

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from ordain.api import (
    Address,
    ArtifactStore,
    Call,
    CauseCode,
    Change,
    Delta,
    Effect,
    Evidence,
    Facet,
    Fingerprint,
    InfrastructureDriver,
    LookRequest,
    Places,
    Reference,
    ResourceRecord,
    Secret,
    Situation,
    Span,
    StepResult,
    Unknown,
    canonical,
    check,
    facets,
    spec_model,
)
from ordain.kinds.infrastructure import Infrastructure
from ordain.values.change import Action
from ordain.values.record import Health
from ordain.values.resource import Lifecycle, Resource
from ordain.values.span import Source

KIND = Infrastructure()
ADDRESS = Address(kind="infrastructure", name="bucket")
OTHER = Address(kind="value", name="region")
PRINT = Fingerprint(build="", judge="", serve="", record="")
SPEC = {"module": "infra/bucket", "variables": {"region": "eu"}, "workspace": None, "backend": {}}
FILES = {"infra/bucket/main.tf": "sha256:1"}
CREATE = {
    "address": "terraform_data.a",
    "action": "create",
    "fields": [{"path": ["input"], "before": None, "after": "x"}],
}
URL = {"known": True, "sensitive": False, "changed": False, "type": "string", "value": "s3://b"}
EMPTY = {"changes": [], "drift": [], "outputs": {"url": URL}, "module": "m1", "files": FILES, "empty": True}
BUSY = {**EMPTY, "changes": [CREATE], "empty": False}


def record(**more):
    values = {"spec": SPEC, "facts": {"module": "m1", "files": FILES}, "outputs": {"url": "s3://b"}, **more}
    return ResourceRecord(address=ADDRESS, kind="Infrastructure", provider="terraform", fingerprint=PRINT, **values)


def situation(facts=None, recorded=None, spec=SPEC, lifecycle=None, **more):
    resource = Resource(
        address=ADDRESS,
        kind="Infrastructure",
        provider="terraform",
        spec=spec or {},
        source=Source(file="ordain.yaml", line=1, text=""),
        lifecycle=lifecycle or Lifecycle(),
    )
    evidence = None if facts is None else Evidence(facts=facts)
    return Situation(resource=resource, environment="dev", spec=spec, record=recorded, evidence=evidence, **more)


def delta(*, facets=(), new=False, forced=False, inputs=()):
    return Delta(is_new=new, facets=frozenset(facets), forced=forced, inputs=inputs)


@pytest.mark.parametrize(
    ("facts", "recorded", "found", "effect", "steps"),
    [
        (BUSY, None, delta(new=True, facets=Facet), Effect.CREATE, ["apply"]),
        (EMPTY, None, delta(new=True, facets=Facet), Effect.CREATE, ["apply"]),
        (BUSY, record(), delta(), Effect.UPDATE, ["apply"]),
        (BUSY, record(), delta(facets=[Facet.BUILD]), Effect.UPDATE, ["apply"]),
        ({**EMPTY, "empty": False}, record(), delta(), Effect.UPDATE, ["apply"]),
        (EMPTY, record(), delta(facets=[Facet.BUILD]), Effect.COSMETIC, []),
        (EMPTY, record(), delta(facets=[Facet.RECORD]), Effect.COSMETIC, []),
        (EMPTY, record(), delta(), Effect.NONE, []),
        (EMPTY, record(), delta(forced=True), Effect.UPDATE, ["apply"]),
    ],
)
def test_the_drivers_plan_decides(facts, recorded, found, effect, steps):
    decision = KIND.decide(situation(facts, recorded), found)
    assert decision.effect is effect
    assert [operation.name for operation in decision.operations] == steps
    assert all(operation.heavy for operation in decision.operations)


def test_the_drivers_changes_are_shown_inside_ours():
    (nested,) = KIND.decide(situation(BUSY), delta(new=True)).nested
    assert (nested.address, nested.action) == ("terraform_data.a", "create")
    assert (nested.fields[0].path, nested.fields[0].after) == (("input",), "x")


def test_without_a_plan_of_the_driver_nothing_is_done():
    for evidence in (None, {}):
        found = situation(evidence, record())
        assert KIND.inputs(found).build == {}
        decision = KIND.decide(found, delta())
        assert decision.effect is Effect.BLOCKED and decision.blocked and not decision.operations


def test_a_spec_that_is_not_known_yet_is_deferred_and_says_for_what():
    waiting = situation(None, None, spec=None, expressions={("variables", "region"): (OTHER,)})
    assert KIND.inputs(waiting).deferred == "waits for outputs of value.region"


def test_outputs_are_known_unknown_or_secret():
    outputs = {
        "url": URL,
        "id": {"known": False, "sensitive": False, "changed": True},
        "token": {"known": True, "sensitive": True, "changed": False, "digest": "d1"},
        "fresh": {"known": True, "sensitive": True, "changed": True, "digest": "d2"},
        "kept": {"known": True, "sensitive": True, "changed": False, "digest": "other key"},
    }
    old = Secret(expression="e", names=("infrastructure.former.outputs.kept",), digest="first key")
    found = situation({**BUSY, "outputs": outputs}, record(outputs={"kept": old}))
    planned = KIND.decide(found, delta()).outputs
    assert planned["url"] == "s3://b"
    assert planned["id"] == Unknown(
        expression="${{ infrastructure.bucket.outputs.id }}", refs=(Reference(address=ADDRESS, path=("id",)),)
    )
    assert planned["token"] == Secret(
        expression="${{ infrastructure.bucket.outputs.token }}",
        names=("infrastructure.bucket.outputs.token",),
        digest="d1",
    )
    assert isinstance(planned["fresh"], Unknown)
    assert planned["kept"].digest == "first key"  # of the machine that recorded it: this one has another key
    assert planned["kept"].names == ("infrastructure.bucket.outputs.kept",)


def test_changed_code_is_a_cause_that_names_its_files():
    after = {"infra/bucket/main.tf": "sha256:2", "infra/bucket/new.tf": "sha256:3", "module.vpc": "acme/vpc@2"}
    before = {"infra/bucket/main.tf": "sha256:1", "infra/bucket/old.tf": "sha256:4"}
    found = situation({**BUSY, "module": "m2", "files": after}, record(facts={"module": "m1", "files": before}))
    causes = KIND.explain(found, delta(facets=[Facet.BUILD], inputs=("build.module",)))
    assert {cause.code for cause in causes} == {CauseCode.CODE}
    assert [(cause.detail, cause.at) for cause in causes] == [
        ("infra/bucket/main.tf changed", Span(file="infra/bucket/main.tf", line=1, column=1)),
        ("infra/bucket/new.tf is new", Span(file="infra/bucket/new.tf", line=1, column=1)),
        ("infra/bucket/old.tf was removed", None),
        ("module.vpc is new", None),
    ]
    assert KIND.inputs(found).drift == ()


def test_what_the_driver_would_do_although_nothing_changed_is_drift():
    (drift,) = KIND.inputs(situation(BUSY, record())).drift
    assert drift.detail == "terraform_data.a is not there" and drift.fields == ()
    update = {
        **CREATE,
        "action": "update",
        "fields": [CREATE["fields"][0], {"path": ["output"], "before": "y", "unknown": True}],
    }
    (drift,) = KIND.inputs(situation({**BUSY, "changes": [update]}, record())).drift
    assert drift.detail == "terraform_data.a is not as it was applied"
    assert [field.path for field in drift.fields] == [("input",)]
    other_spec = {**SPEC, "variables": {"region": "us"}}
    assert KIND.inputs(situation(BUSY, record(), spec=other_spec)).drift == ()
    assert KIND.inputs(situation({**BUSY, "module": "m2"}, record())).drift == ()
    assert KIND.inputs(situation(BUSY, record(health=Health.TAINTED))).drift == ()
    assert KIND.inputs(situation(BUSY, None)).drift == ()
    assert KIND.inputs(situation(EMPTY, record())).drift == ()


def test_drift_the_driver_tells_of_is_told_even_when_more_changed():
    told = {"address": "aws_s3_bucket.b", "action": "delete", "fields": []}
    (drift,) = KIND.inputs(situation({**BUSY, "module": "m2", "drift": [told]}, record())).drift
    assert drift.detail == "aws_s3_bucket.b is gone"


def test_an_output_that_moved_by_itself_is_drift():
    facts = {**EMPTY, "empty": False, "outputs": {"url": {**URL, "changed": True}}}
    (drift,) = KIND.inputs(situation(facts, record())).drift
    assert "url" in drift.detail
    assert KIND.decide(situation(facts, record()), delta()).notes == ("only outputs change: url",)


@pytest.mark.parametrize("field", ["workspace", "backend"])
def test_leaving_a_state_behind_is_noted(field):
    spec = {**SPEC, field: {"bucket": "b"} if field == "backend" else "prod"}
    (note,) = KIND.decide(situation(BUSY, record(), spec=spec), delta(facets=[Facet.BUILD])).notes
    assert note.startswith(f"{field} changes")


def test_a_delete_shows_what_will_be_destroyed():
    gone = {"address": "terraform_data.a", "action": "delete", "fields": []}
    decision = KIND.decide_delete(record(), Evidence(facts={**BUSY, "changes": [gone]}))
    assert decision.effect is Effect.DELETE and decision.operations[0].name == "delete"
    assert [(nested.address, nested.action) for nested in decision.nested] == [("terraform_data.a", "delete")]
    look = KIND.look_at_delete(record())
    assert look.deleting and look.spec == SPEC


IMPORT = {"address": "terraform_data.b", "action": "import", "id": "b-1", "fields": []}


def test_what_is_imported_and_what_was_moved_is_said_by_id_and_former_address():
    moved = {**CREATE, "action": "move", "fields": [], "previous_address": "terraform_data.old"}
    nested = KIND.decide(situation({**BUSY, "changes": [moved, IMPORT]}), delta(new=True)).nested
    assert [(one.address, one.action) for one in nested] == [
        ("terraform_data.a", "move"),
        ("terraform_data.b", "import"),
    ]
    (name,), (id_,) = nested[0].fields, nested[1].fields
    assert (name.path, name.before, name.after) == (("address",), "terraform_data.old", "terraform_data.a")
    assert (id_.path, id_.before, id_.after) == (("id",), None, "b-1")


def test_the_ids_to_import_reach_the_driver():
    assert KIND.importable
    look = KIND.look(situation(None, None, importing=("terraform_data.b=b-1",)))
    assert look.importing == ("terraform_data.b=b-1",)


def test_an_import_into_what_is_there_is_no_drift_and_has_a_cause():
    found = situation({**BUSY, "changes": [IMPORT]}, record())
    assert KIND.inputs(found).drift == ()
    (cause,) = KIND.decide(found, delta()).causes
    assert cause.code is CauseCode.IMPORTED and cause.after == "terraform_data.b=b-1"
    assert KIND.decide(situation({**BUSY, "changes": [IMPORT]}), delta(new=True)).causes == ()  # the planner's


REFRESHED = {**EMPTY, "sight": "refresh-only", "module": "m2", "files": {"infra/bucket/main.tf": "sha256:2"}}
GONE = {"address": "terraform_data.a", "action": "forget", "fields": []}


def test_a_refresh_takes_in_what_moved_and_no_code_that_was_not_applied():
    assert KIND.refreshes
    found = situation({**REFRESHED, "changes": [GONE], "empty": False}, record())
    inputs = KIND.inputs(found)
    assert inputs.build == {"module": "m1"} and inputs.facts["files"] == FILES
    assert [drift.detail for drift in inputs.drift] == ["terraform_data.a is gone"]
    decision = KIND.decide(found, delta())
    assert decision.effect is Effect.REFRESH_DATA and [one.name for one in decision.operations] == ["apply"]
    assert [one.action for one in decision.nested] == ["forget"] and decision.outputs == {"url": "s3://b"}


@pytest.mark.parametrize("found", [delta(), delta(forced=True)])
def test_a_refresh_that_sees_nothing_new_does_nothing(found):
    assert KIND.decide(situation(REFRESHED, record()), found).effect is Effect.NONE
    assert KIND.decide(situation({**REFRESHED, "empty": False}, None), delta(new=True)).effect is Effect.NONE


def test_outputs_alone_may_be_taken_in():
    facts = {**REFRESHED, "empty": False, "outputs": {"url": {**URL, "changed": True, "value": "s3://new"}}}
    (drift,) = KIND.inputs(situation(facts, record())).drift
    assert drift.detail == "other values than were applied: url"
    decision = KIND.decide(situation(facts, record()), delta())
    assert decision.effect is Effect.REFRESH_DATA and decision.outputs == {"url": "s3://new"}


@pytest.mark.parametrize("action", ["delete", "replace", "import and replace", "move and replace"])
@pytest.mark.parametrize(("recorded", "written"), [(True, True), (True, False), (False, True)])
def test_nothing_inside_of_what_is_protected_is_destroyed(action, recorded, written):
    gone = {**CREATE, "address": "terraform_data.b", "action": action}
    facts = {**BUSY, "changes": [CREATE, gone, {**gone, "address": "terraform_data.c"}]}
    found = situation(facts, record(protect=recorded), lifecycle=Lifecycle(protect=written))
    decision = KIND.decide(found, delta())
    assert decision.effect is Effect.BLOCKED and decision.protected and not decision.operations
    assert "terraform_data.b, terraform_data.c would be destroyed" in decision.blocked
    assert "terraform_data.a" not in decision.blocked and len(decision.nested) == 3
    free = situation(facts, record(), lifecycle=Lifecycle())
    assert KIND.decide(free, delta()).effect is Effect.UPDATE


@pytest.mark.parametrize("action", ["create", "update", "import", "move", "forget", "create and forget", "read"])
def test_what_destroys_nothing_may_be_done_to_what_is_protected(action):
    facts = {**BUSY, "changes": [{**CREATE, "action": action}]}
    assert KIND.decide(situation(facts, record(protect=True)), delta()).effect is Effect.UPDATE


def test_another_provider_does_not_take_over_what_is_protected():
    decision = KIND.decide(situation(BUSY, replace(record(protect=True), provider="pulumi")), delta())
    assert decision.protected and "what pulumi made would be left behind" in decision.blocked
    (note,) = KIND.decide(situation(BUSY, replace(record(), provider="pulumi")), delta()).notes
    assert note.startswith("provider changes: what pulumi made stays where it is")


AGAIN = {**BUSY, "changes": [{**CREATE, "action": "replace"}], "again": True}


def test_what_is_made_again_replaces_is_no_drift_and_does_not_happen_to_what_is_protected():
    decision = KIND.decide(situation(AGAIN, record()), delta(forced=True))
    assert decision.effect is Effect.UPDATE and decision.replaces and decision.notes == ()
    assert KIND.inputs(situation(AGAIN, record())).drift == ()
    stays = {**AGAIN, "changes": [*AGAIN["changes"], {**CREATE, "action": "import"}]}
    assert not KIND.decide(situation(stays, record()), delta(forced=True)).replaces
    decision = KIND.decide(situation(AGAIN, record(protect=True)), delta(forced=True))
    assert decision.protected and "terraform_data.a would be destroyed" in decision.blocked


def test_where_nothing_can_be_made_again_it_says_so():
    assert KIND.decide(situation(EMPTY, record()), delta(forced=True)).notes == (
        "there is nothing in it to make again",
    )


@pytest.mark.parametrize(("private", "words"), [({}, "kept in .ordain/x;"), ({"state": "s3"}, "its backend (s3)")])
def test_what_is_forgotten_says_where_its_state_is(private, words):
    decision = KIND.decide_forget(record(private=private), ".ordain/x")
    assert decision.effect is Effect.FORGET and words in decision.notes[0]


def test_facts_for_others_hold_no_outputs():
    facts = KIND.inputs(situation(BUSY)).facts
    assert set(facts) == {"module", "files", "changes", "empty"}


OPTIONS = spec_model("ordain.kinds.infrastructure:Infrastructure", "ordain_terraform.options:TerraformOptions")


def test_options_are_checked_and_have_their_facets():
    spec, errors = check(OPTIONS, {"module": "infra", "variables": {"a": {"b": [1, None, True]}}})
    assert errors == () and spec["variables"] == {"a": {"b": [1, None, True]}} and spec["stored_secrets"] == []
    by_name = facets(OPTIONS)
    assert {name for name, facet in by_name.items() if facet is Facet.BUILD} == {
        "module",
        "variables",
        "workspace",
        "backend",
    }


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({}, ("module",)),
        ({"module": ""}, ("module",)),
        ({"module": "m", "modul": "m"}, ("modul",)),
        ({"module": "m", "workspace": "a/../b"}, ("workspace",)),
        ({"module": "m", "variables": {"a b": 1}}, ("variables", "a b")),
    ],
)
def test_options_that_make_no_sense_are_refused(wrong, path):
    spec, errors = check(OPTIONS, wrong)
    assert spec is None and errors[0].path == path


class Files(ArtifactStore):
    def __init__(self, folder):
        self.folder = folder

    def put(self, path):
        return self.put_bytes(Path(path).read_bytes())

    def put_bytes(self, data):
        name = hashlib.sha256(data).hexdigest()
        (self.folder / name).write_bytes(data)
        return f"sha256:{name}"

    def fetch(self, digest):
        return self.folder / digest.removeprefix("sha256:")

    def has(self, digest):
        return self.fetch(digest).exists()

    def delete(self, digest):
        self.fetch(digest).unlink()

    def digests(self):
        return iter(())


MODULE = """
variable "region" {}
resource "terraform_data" "a" { input = var.region }
output "url" { value = "s3://${terraform_data.a.output}" }
"""


@pytest.mark.skipif(shutil.which("terraform") is None, reason="NO TERRAFORM BINARY ON PATH: not tested with Terraform")
def test_the_kind_and_real_terraform_together(tmp_path):
    from ordain_terraform.driver import Terraform

    driver: InfrastructureDriver = Terraform()
    (tmp_path / "infra" / "bucket").mkdir(parents=True)
    (tmp_path / "infra" / "bucket" / "main.tf").write_text(MODULE)
    places, store = Places(root=tmp_path, private=tmp_path / "private"), Files(tmp_path / "artifacts")
    store.folder.mkdir()

    def see(recorded, spec=SPEC, deleting=False):
        look = KIND.look_at_delete(recorded) if deleting else KIND.look(situation(None, recorded, spec=spec))
        return driver.look(
            LookRequest(look=look, spec=spec, environment="dev", memory=None, places=places, store=store)
        )

    def perform(operation, evidence, spec=SPEC) -> StepResult:
        change = Change(
            address=ADDRESS,
            kind="Infrastructure",
            provider="terraform",
            action=Action.UPDATE,
            effect=Effect.UPDATE,
            facts=KIND.inputs(situation(evidence.facts, spec=spec)).facts,
            attachments=evidence.attachments,
        )
        call = Call(
            key=hashlib.sha256(canonical([operation, evidence])).hexdigest(),
            run="r",
            operation=operation,
            environment="dev",
            change=change,
            spec=spec,
            places=places,
            store=store,
            report=lambda progress: None,
        )
        return KIND.perform(call, driver)

    first = see(None)
    decided = KIND.decide(situation(first.facts), delta(new=True))
    assert isinstance(decided.outputs["url"], Unknown) and decided.effect is Effect.CREATE
    done = perform("apply", first)
    assert done.outputs == {"url": "s3://eu"}
    applied = record(facts=done.facts, outputs=done.outputs)

    quiet = see(applied)
    assert KIND.decide(situation(quiet.facts, applied), delta()).effect is Effect.NONE

    shutil.rmtree(places.private / "state")  # what was made is no longer known to Terraform
    (drift,) = KIND.inputs(situation(see(applied).facts, applied)).drift
    assert drift.detail == "terraform_data.a is not there"
    perform("apply", see(applied))

    leaving = see(applied, deleting=True)
    assert [nested.action for nested in KIND.decide_delete(applied, leaving).nested] == ["delete"]
    perform("delete", leaving)
    assert see(None).facts["changes"][0]["action"] == "create"
