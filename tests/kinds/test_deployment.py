"""What a deployment makes of its model's plan, of the world, and of its own spec: decided without any I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from ordain.api import (
    Address,
    ArtifactStore,
    Call,
    Change,
    Delta,
    DeploymentTarget,
    Effect,
    Evidence,
    ExitCode,
    Facet,
    Fingerprint,
    OrdainError,
    Outlook,
    Places,
    Reference,
    ResourceRecord,
    Situation,
    StepResult,
    Unknown,
    check,
    facets,
    reference_fields,
    spec_model,
    split,
)
from ordain.kinds.deployment import Deployment
from ordain.kinds.model_spec import version_name
from ordain.values.change import Action
from ordain.values.plan import Drift
from ordain.values.resource import Resource
from ordain.values.span import Source

KIND = Deployment()
MODEL = Address(kind="model", name="subscriber")
API = Address(kind="deployment", name="api")
PRINT = Fingerprint(build="", judge="", serve="", record="")
SPEC = {"model": str(MODEL), "host": "127.0.0.1", "port": 0, "startup_timeout": "20s", "log_level": "info"}
URL = "http://127.0.0.1:8123"
RECIPE = "sha256:" + "ab" * 32
NEW, OLD = version_name(RECIPE), "v0"
RUNNING = {"running": True, "version": OLD, "url": URL, "foreign": False, "detail": ""}


def record(**spec: Any) -> ResourceRecord:
    return ResourceRecord(
        address=API,
        kind="Deployment",
        provider="http",
        spec={**SPEC, **spec},
        fingerprint=PRINT,
        inputs={"serve": {"model": OLD}},
        outputs={"url": URL, "version": OLD},
    )


def outlook(effect: Effect, version: object = None, recipe: str = "", **more: Any) -> Outlook:
    outputs = {} if version is None else {"version": version}
    return Outlook(address=MODEL, kind="Model", effect=effect, outputs=outputs, facts={}, recipe=recipe, **more)  # type: ignore[arg-type]


def situation(
    model: Outlook,
    recorded: ResourceRecord | None = None,
    facts: Mapping[str, Any] | None = None,
    **spec: Any,
) -> Situation:
    resource = Resource(
        address=API,
        kind="Deployment",
        provider="http",
        spec={**SPEC, **spec},
        source=Source(file="a.yaml", line=1, text=""),
        depends_on=(MODEL,),
    )
    return Situation(
        resource=resource,
        environment="dev",
        spec=resource.spec,
        record=recorded,
        evidence=None if facts is None else Evidence(facts=facts),
        upstream={MODEL: model},
    )


def decide(of: Situation, forced: bool = False) -> Any:
    """Decide as the planner does: compare inputs and fields with the record first."""
    inputs = KIND.inputs(of)
    if of.record is None:
        return KIND.decide(of, Delta(is_new=True, facets=frozenset(Facet), drift=inputs.drift, forced=forced))
    serve = inputs.serve != of.record.inputs.get("serve") or of.resource.spec != of.record.spec
    differing = frozenset({Facet.SERVE}) if serve else frozenset()
    return KIND.decide(of, Delta(is_new=False, facets=differing, drift=inputs.drift, forced=forced))


UNKNOWN = Unknown(
    expression="${{ model.subscriber.outputs.version }}", refs=(Reference(address=MODEL, path=("version",)),)
)


@pytest.mark.parametrize(
    ("model", "effect", "version", "certain"),
    [
        (outlook(Effect.NONE, NEW, RECIPE), Effect.CREATE, NEW, True),
        (outlook(Effect.REUSE, NEW, RECIPE), Effect.CREATE, NEW, True),
        (outlook(Effect.PROMOTE, NEW, RECIPE), Effect.CREATE, NEW, True),
        (outlook(Effect.PROMOTE, UNKNOWN, RECIPE), Effect.CREATE, UNKNOWN, False),
        (outlook(Effect.TRAIN, NEW, RECIPE), Effect.CREATE, NEW, True),
        (outlook(Effect.TRAIN, UNKNOWN, RECIPE), Effect.CREATE, UNKNOWN, False),
        (outlook(Effect.TRAIN, None, ""), Effect.CREATE, UNKNOWN, False),
        (outlook(Effect.REJECTED, OLD), Effect.CREATE, OLD, True),
    ],
)
def test_a_new_deployment(model: Outlook, effect: Effect, version: object, certain: bool) -> None:
    decision = decide(situation(model))
    assert decision.effect is effect
    assert [one.name for one in decision.operations] == ["deploy"]
    assert decision.outputs["version"] == version
    assert isinstance(decision.outputs["url"], Unknown)
    assert bool(decision.branches) is not certain
    if not certain:
        assert decision.branches[0].otherwise == "nothing is deployed"


@pytest.mark.parametrize(
    ("model", "word"),
    [(outlook(Effect.REJECTED, None, RECIPE), "gates"), (outlook(Effect.BLOCKED, blocked="no data"), "no data")],
)
def test_without_a_version_that_may_serve_it_is_blocked(model: Outlook, word: str) -> None:
    decision = decide(situation(model))
    assert (decision.effect, decision.operations) == (Effect.BLOCKED, ())
    assert word in decision.blocked


@pytest.mark.parametrize(
    ("model", "effect"),
    [
        (outlook(Effect.NONE, OLD), Effect.NONE),
        (outlook(Effect.NONE), Effect.NONE),
        (outlook(Effect.COSMETIC, OLD), Effect.NONE),
        (outlook(Effect.RE_EVALUATE, OLD), Effect.NONE),
        (outlook(Effect.RE_EVALUATE), Effect.NONE),
        (outlook(Effect.REJECTED, OLD, RECIPE), Effect.NONE),
        (outlook(Effect.BLOCKED, OLD, blocked="no data"), Effect.NONE),
        (outlook(Effect.RETRAIN, UNKNOWN, RECIPE), Effect.REDEPLOY),
        (outlook(Effect.RETRAIN), Effect.REDEPLOY),
        (outlook(Effect.PROMOTE, NEW, RECIPE), Effect.REDEPLOY),
        (outlook(Effect.REUSE, NEW, RECIPE), Effect.REDEPLOY),
    ],
)
def test_a_deployment_that_runs_follows_its_model(model: Outlook, effect: Effect) -> None:
    decision = decide(situation(model, record(), RUNNING))
    assert decision.effect is effect
    if effect is Effect.REDEPLOY:
        assert decision.outputs["url"] == URL
        trained = model.effect is Effect.RETRAIN
        assert decision.outputs["version"] == (UNKNOWN if trained else NEW)
        assert bool(decision.branches) is trained
        assert [branch.otherwise for branch in decision.branches] == ([f"{OLD} keeps serving"] if trained else [])


DEAD = {**RUNNING, "running": False, "detail": "server on 127.0.0.1:8123 does not answer (process 4711 is gone)"}


@pytest.mark.parametrize(
    ("facts", "detail", "effect"),
    [
        (DEAD, DEAD["detail"], Effect.RESTART),
        ({**RUNNING, "version": "v9"}, "it answers with version v9, recorded is v0", Effect.RESTART),
        (RUNNING, None, Effect.NONE),
        ({**RUNNING, "running": None, "detail": "unknown: lives on host X"}, None, Effect.NONE),
        ({}, None, Effect.NONE),  # the look failed: its problem is in the plan already
    ],
)
@pytest.mark.parametrize("model", [outlook(Effect.NONE, OLD), outlook(Effect.BLOCKED, OLD, blocked="x")])
def test_drift(facts: Mapping[str, Any], detail: str | None, effect: Effect, model: Outlook) -> None:
    of = situation(model, record(), facts)
    assert KIND.inputs(of).drift == (() if detail is None else (Drift(address=API, detail=detail),))
    decision = decide(of)
    assert decision.effect is effect
    assert bool(decision.operations) is (effect is not Effect.NONE)


def test_what_an_earlier_apply_left_behind_is_a_cause() -> None:
    delta = Delta(is_new=False, facets=frozenset({Facet.SERVE}), inputs=("serve.model",))
    (cause,) = KIND.explain(situation(outlook(Effect.NONE, NEW, RECIPE), record(), RUNNING), delta)
    assert (cause.address, cause.before, cause.after) == (MODEL, OLD, NEW)
    assert cause.detail == f"{MODEL} stands at {NEW}, and {OLD} answers: an earlier apply stopped in between"
    assert KIND.explain(situation(outlook(Effect.RETRAIN, NEW, RECIPE), record(), RUNNING), delta) == ()
    assert (
        KIND.explain(situation(outlook(Effect.NONE, NEW, RECIPE), record(), RUNNING), replace(delta, inputs=())) == ()
    )


def test_a_dead_server_whose_model_moves_is_redeployed_once() -> None:
    decision = decide(situation(outlook(Effect.REUSE, NEW), record(), DEAD))
    assert (decision.effect, len(decision.operations)) == (Effect.REDEPLOY, 1)


def test_what_lives_elsewhere_is_left_alone_or_taken_over() -> None:
    elsewhere = {**RUNNING, "running": None, "detail": "unknown: lives on host X"}
    of = situation(outlook(Effect.REUSE, NEW), record(), elsewhere)
    decision = decide(of)
    assert decision.effect is Effect.BLOCKED
    assert "lives on host X" in decision.blocked
    assert "--replace" in decision.blocked
    assert decide(of, forced=True).effect is Effect.REDEPLOY


@pytest.mark.parametrize(
    ("recorded", "spec", "facts", "url"),
    [
        ({}, {}, RUNNING, URL),
        ({}, {}, {**DEAD, "foreign": True}, None),
        ({}, {"port": 9000}, RUNNING, "http://127.0.0.1:9000"),
        ({"port": 9000}, {}, RUNNING, None),
        ({}, {"host": "127.0.0.2"}, RUNNING, None),
    ],
)
def test_the_url_is_known_where_it_stays_or_is_written(
    recorded: dict[str, Any], spec: dict[str, Any], facts: Mapping[str, Any], url: str | None
) -> None:
    decision = decide(situation(outlook(Effect.REUSE, NEW), record(**recorded), facts, **spec))
    assert decision.effect is Effect.REDEPLOY
    found = decision.outputs["url"]
    assert found == url if url else isinstance(found, Unknown)


def test_what_is_only_written_down_is_cosmetic() -> None:
    of = situation(outlook(Effect.NONE, OLD), record(), RUNNING)
    decision = KIND.decide(of, Delta(is_new=False, facets=frozenset({Facet.RECORD})))
    assert (decision.effect, decision.operations) == (Effect.COSMETIC, ())


def test_a_model_under_another_name_is_only_written_down() -> None:
    other = Address.parse("model.renamed")
    moved = situation(outlook(Effect.NONE, "v1"), record())
    resource = replace(moved.resource, spec={**moved.resource.spec, "model": str(other)}, depends_on=(other,))
    named = replace(moved, resource=resource, spec={**(moved.spec or {}), "model": str(other)})
    named = replace(named, upstream={other: replace(moved.upstream[MODEL], address=other)})
    assert Deployment().inputs(named).serve == Deployment().inputs(moved).serve
    assert Deployment().decide(named, Delta(is_new=False, facets=frozenset({Facet.RECORD}))).effect is Effect.COSMETIC


def test_a_delete_retires_it() -> None:
    decision = Deployment().decide_delete(record(), None)
    assert (decision.effect, [one.name for one in decision.operations]) == (Effect.RETIRE, ["delete"])


@pytest.mark.parametrize(
    ("private", "note"),
    [
        ({}, f"{URL} stays as it is"),
        ({"pid": 7, "host": "ml-1"}, f"{URL} stays as it is; to stop it: kill 7 on ml-1"),
    ],
)
def test_what_is_forgotten_goes_on_and_can_be_stopped(private: Mapping[str, Any], note: str) -> None:
    decision = KIND.decide_forget(replace(record(), private=private), ".ordain/x")
    assert decision.effect is Effect.FORGET and decision.notes == (note,)


def test_it_waits_where_its_model_waits() -> None:
    assert KIND.inputs(situation(outlook(Effect.CREATE, deferred="the bucket"))).deferred == "the bucket"


def test_a_model_that_nobody_planned_is_named() -> None:
    of = situation(outlook(Effect.NONE, OLD))
    assert "depends_on" in decide(replace(of, upstream={})).blocked
    unknown = replace(of, resource=replace(of.resource, spec={**SPEC, "model": UNKNOWN}), spec=None)
    assert KIND.inputs(unknown).deferred


effects = st.sampled_from(list(Effect))


@given(
    effect=effects,
    version=st.sampled_from([None, OLD, NEW, UNKNOWN]),
    recipe=st.sampled_from(["", RECIPE]),
    recorded=st.booleans(),
    facts=st.sampled_from([None, {}, RUNNING, DEAD, {**RUNNING, "running": None}]),
    forced=st.booleans(),
)
def test_every_decision_is_whole(effect, version, recipe, recorded, facts, forced) -> None:  # type: ignore[no-untyped-def]
    of = situation(outlook(effect, version, recipe), record() if recorded else None, facts if recorded else None)
    decision = decide(of, forced)
    acts = decision.effect in (Effect.CREATE, Effect.REDEPLOY, Effect.RESTART)
    assert acts is bool(decision.operations)
    assert (decision.effect is Effect.BLOCKED) is bool(decision.blocked)
    assert (decision.effect is Effect.CREATE) <= (not recorded)
    assert not acts or set(decision.outputs) == {"url", "version"}
    assert decision == decide(of, forced)


def test_it_looks_only_at_what_was_recorded() -> None:
    model = outlook(Effect.NONE, OLD)
    assert KIND.look(situation(model)) is None
    look = KIND.look(situation(model, record()))
    assert look is not None
    assert (look.address, look.provider, look.record) == (API, "http", record())


MODEL_SPEC = spec_model("ordain.kinds.deployment:Deployment", "ordain_serving.options:HttpOptions")


def test_the_spec_has_its_defaults_and_facets() -> None:
    spec, errors = check(MODEL_SPEC, {"model": str(MODEL)})
    assert errors == ()
    assert spec == SPEC  # fields of a later version are in no fingerprint
    by_facet = split(MODEL_SPEC, spec or {})
    assert set(by_facet[Facet.SERVE]) == {"host", "port", "log_level"}
    assert set(by_facet[Facet.RECORD]) == {"model", "startup_timeout"}
    assert by_facet[Facet.BUILD] == {}
    assert reference_fields(MODEL_SPEC)["model"].kinds == ("model",)
    assert facets(MODEL_SPEC)["model"] is Facet.RECORD  # which version stands is an input
    assert not {"rollout", "auth"} & set(MODEL_SPEC.model_json_schema()["properties"])


@pytest.mark.parametrize(
    ("given_", "path", "word"),
    [
        ({"rollout": {"steps": [10]}}, ("rollout",), "not supported in this version"),
        ({"limits": {"rows": 0}}, ("limits", "rows"), "greater than"),
        ({"auth": {}}, ("auth",), "not supported in this version"),
        ({"host": "0.0.0.0"}, ("host",), "loopback"),
        ({"host": "example.com"}, ("host",), "127.0.0.1"),
        ({"port": 70000}, ("port",), "65535"),
        ({"startup_timeout": "soon"}, ("startup_timeout",), "pattern"),
        ({"model": "dataset.x"}, ("model",), "takes a model"),
        ({"modle": "x"}, ("modle",), "Extra"),
    ],
)
def test_what_a_spec_may_not_say(given_: dict[str, Any], path: tuple[str, ...], word: str) -> None:
    spec, errors = check(MODEL_SPEC, {"model": str(MODEL), **given_})
    assert spec is None
    assert [error.path for error in errors] == [path]
    assert word in errors[0].message


def test_localhost_is_the_loopback() -> None:
    spec, _ = check(MODEL_SPEC, {"model": str(MODEL), "host": "localhost"})
    assert spec is not None
    assert spec["host"] == "127.0.0.1"


class Noted(DeploymentTarget):
    """Writes down what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def deploy(self, call: Call) -> StepResult:
        self.asked.append("deploy")
        return StepResult(outputs={"url": URL, "version": NEW})

    def remove(self, call: Call) -> StepResult:
        self.asked.append("remove")
        return StepResult()


def call(operation: str, standing: str | None, planned: str | None) -> Call:
    change = Change(
        address=API,
        kind="Deployment",
        provider="http",
        action=Action.CREATE,
        effect=Effect.CREATE,
        inputs={"build": {}, "judge": {}, "serve": {"model": planned}},
    )
    model = replace(record(), address=MODEL, kind="Model", outputs={"version": standing})
    store: ArtifactStore | Any = None
    return Call(
        key="k",
        run="r",
        operation=operation,
        environment="dev",
        change=change,
        spec=SPEC,
        places=Places(root=Path("."), private=Path(".")),
        store=store,
        report=lambda progress: None,
        upstream={} if standing is None else {MODEL: model},
    )


@pytest.mark.parametrize("planned", [NEW, None])
def test_deploying_records_the_version_that_stands(planned: str | None) -> None:
    target = Noted()
    result = KIND.perform(call("deploy", NEW, planned), target)
    assert target.asked == ["deploy"]
    assert result.inputs == {"build": {}, "judge": {}, "serve": {"model": NEW}}


@pytest.mark.parametrize(("standing", "code"), [(OLD, ExitCode.STALE), (None, ExitCode.STEP_FAILED)])
def test_another_version_than_planned_is_not_deployed(standing: str | None, code: ExitCode) -> None:
    target = Noted()
    with pytest.raises(OrdainError) as caught:
        KIND.perform(call("deploy", standing, NEW), target)
    assert (caught.value.exit, target.asked) == (code, [])


def test_deleting_removes() -> None:
    target = Noted()
    KIND.perform(call("delete", None, None), target)
    assert target.asked == ["remove"]
