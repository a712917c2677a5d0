"""Model: what is decided in which situation (pure), and what the steps do (with a trainer that learns a mean)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from ordain.api.fields import Facet, check, facets
from ordain.api.fingerprints import fingerprint_of, record_part
from ordain.api.kind import Decision, Delta, Inputs, Outlook, Situation
from ordain.api.providers import Call, Places, Predictor, StepResult, Trained, Trainer, TrainRequest
from ordain.api.registry import spec_model
from ordain.kinds.model import Model
from ordain.kinds.model_judging import gate_problems, stood_in
from ordain.state.artifacts import LocalArtifacts
from ordain.values.address import Address
from ordain.values.change import Action, Cause, CauseCode, Change, Effect, FieldChange
from ordain.values.data import Json, Unknown, has_unknown
from ordain.values.diagnostic import ExitCode, OrdainError
from ordain.values.fingerprint import short
from ordain.values.record import Health, Hold, Outcome, ResourceRecord, Standing, Verdict, VersionRecord
from ordain.values.resource import Resource
from ordain.values.span import Source

ADDRESS, DATASET = Address.parse("model.subscriber"), Address.parse("dataset.training")
SPEC_MODEL = spec_model("ordain.kinds.model:Model", "ordain_sklearn.options:SklearnOptions")
COLUMNS = {
    "id": {"digest": "d-id", "type": "integer", "personal": False},
    "age": {"digest": "d-age", "type": "integer", "personal": False},
    "contact": {"digest": "d-contact", "type": "category", "personal": True},
    "job": {"digest": "d-job", "type": "category", "personal": False},
    "deposit": {"digest": "d-deposit", "type": "category", "personal": False},
}
BASE: dict[str, Any] = {
    "dataset": "dataset.training",
    "target": "deposit",
    "positive": "yes",
    "features": {"exclude": ["contact"]},
    "roles": {"id": "id"},
    "estimator": "sklearn.linear_model.LogisticRegression",
    "params": {"C": 1.0},
    "metrics": ["roc_auc"],
    "gates": ["roc_auc >= 0.7", 'not_worse("roc_auc", 0.01)'],
}


class Mean(Trainer):
    """Learns nothing but how good it shall claim to be: ``params.claims``, less 0.1 on other rows than its own."""

    def recipe(self, spec: Any) -> Mapping[str, Json]:
        return {"recipe": 1, "scikit-learn": "1.9"}

    def train(self, request: TrainRequest) -> Trained:
        path = request.folder / "model.json"
        claims = request.spec["params"]["claims"]  # type: ignore[index,call-overload]
        path.write_text(json.dumps({"claims": claims, "rows": request.test.read_text()}))
        metrics: Any = {"rows": 1, **dict.fromkeys(request.spec["metrics"], claims)}  # type: ignore[arg-type]
        return Trained(artifact=path, metrics=metrics, facts={"classes": ["no", "yes"]})

    def evaluate(self, artifact: Path, request: TrainRequest) -> Mapping[str, Json]:
        held = json.loads(artifact.read_text())
        if held["claims"] < 0:
            raise OrdainError()
        score = held["claims"] - (0.1 if held["rows"] != request.test.read_text() else 0)
        metrics = request.spec["metrics"]
        return {"rows": 1, **{str(name): score for name in metrics}}  # type: ignore[union-attr]

    def load(self, artifact: Path, facts: Mapping[str, Json], trusted: tuple[str, ...]) -> Predictor:
        raise NotImplementedError


@dataclass(kw_only=True)
class World:
    """One model in one environment, over a store."""

    root: Path
    environment: str = "dev"
    promotes_from: str | None = None
    source: ResourceRecord | None = None
    record: ResourceRecord | None = None
    versions: tuple[VersionRecord, ...] = ()
    dataset: dict[str, Any] = field(default_factory=lambda: {"columns": COLUMNS, "rows_digest": "d-rows"})
    dataset_name: Address = DATASET
    dataset_effect: Effect = Effect.NONE
    library: str = "1.9"
    upstream: bool = True
    policies: Mapping[str, str] = field(default_factory=dict)

    @property
    def store(self) -> LocalArtifacts:
        return LocalArtifacts(self.root / "artifacts")

    def situation(self, written: Mapping[str, Any]) -> Situation:
        spec, errors = check(SPEC_MODEL, written)
        assert not errors, errors
        resource = Resource(
            address=ADDRESS,
            kind="Model",
            provider="sklearn",
            spec=spec if spec is not None else written,
            source=Source(file="model.yaml", line=1, text=""),
            depends_on=(self.dataset_name,),
        )
        outlook = Outlook(
            address=self.dataset_name,
            kind="Dataset",
            effect=self.dataset_effect,
            outputs={},
            facts=self.dataset,
            recipe="r-data",
        )
        build = {key: value for key, value in (spec or {}).items() if _facet(key) is Facet.BUILD}
        return Situation(
            resource=resource,
            environment=self.environment,
            spec=spec,
            record=self.record,
            upstream={self.dataset_name: outlook} if self.upstream else {},
            versions=self.versions,
            promotes_from=self.promotes_from,
            source=self.source,
            build_fields=short(build) if spec is not None else "",
            provider_recipe={"recipe": 1, "scikit-learn": self.library},
            gate_policies=self.policies,
        )

    def plan(self, forced: bool = False, **fields: Any) -> tuple[Decision, Inputs, Situation, Delta]:
        situation = self.situation({**BASE, **fields})
        inputs = Model().inputs(situation)
        assert not inputs.deferred, inputs
        delta = self.delta(situation, inputs, forced)
        return Model().decide(situation, delta), inputs, situation, delta

    def delta(self, situation: Situation, inputs: Inputs, forced: bool) -> Delta:
        assert situation.spec is not None
        flat: dict[str, Any] = {"build": inputs.build, "judge": inputs.judge, "serve": inputs.serve}
        print_ = fingerprint_of(SPEC_MODEL, situation.spec, flat, record_part(situation.resource))
        old = self.record.fingerprint if self.record else None
        differ = frozenset(one for one in Facet if old is None or getattr(old, one.value) != getattr(print_, one.value))
        before: Any = self.record.inputs.get("build", {}) if self.record else {}
        names = sorted({*before, *inputs.build})
        moved = tuple(f"build.{name}" for name in names if before.get(name) != inputs.build.get(name))
        tainted = self.record is not None and self.record.health is Health.TAINTED
        return Delta(is_new=old is None, facets=differ, inputs=moved, forced=forced or tainted, judgement=print_.judge)

    def apply(self, forced: bool = False, **fields: Any) -> list[StepResult]:
        """Plan, then do the steps as apply does; a refused last step leaves the record as it was."""
        decision, inputs, situation, delta = self.plan(forced=forced, **fields)
        results: list[StepResult] = []
        for operation in decision.operations:
            result = self.perform(operation.name, decision, inputs, situation, delta)
            results.append(result)
            made = {one.recipe: one for one in result.versions}
            kept = tuple(made.pop(one.recipe, one) for one in self.versions)
            self.versions = (*kept, *made.values())
        if results and not results[-1].rejected:
            change = self.change(decision, inputs, situation, delta)
            assert change.fingerprint is not None
            self.record = ResourceRecord(
                address=ADDRESS,
                kind="Model",
                provider="sklearn",
                spec=change.after,
                fingerprint=change.fingerprint,
                inputs=change.inputs,
                facts=results[-1].facts,
                outputs=results[-1].outputs,
            )
        return results

    def change(self, decision: Decision, inputs: Inputs, situation: Situation, delta: Delta) -> Change:
        assert situation.spec is not None
        flat: dict[str, Any] = {"build": inputs.build, "judge": inputs.judge, "serve": inputs.serve}
        causes = decision.causes
        if delta.forced and self.record is not None and self.record.health is Health.OK:
            causes = (*causes, Cause(code=CauseCode.REQUESTED, address=ADDRESS))
        return Change(
            address=ADDRESS,
            kind="Model",
            provider="sklearn",
            action=Action.UPDATE,
            effect=decision.effect,
            causes=causes,
            after=situation.spec,
            inputs=flat,
            recipe=decision.recipe,
            spec_recipe=decision.spec_recipe,
            fingerprint=fingerprint_of(SPEC_MODEL, situation.spec, flat, record_part(situation.resource)),
        )

    def perform(
        self, operation: str, decision: Decision, inputs: Inputs, situation: Situation, delta: Delta
    ) -> StepResult:
        spec: Any = situation.spec
        standing = self.record.facts.get("recipe") if self.record else None
        call = Call(
            key="key",
            run="r1",
            operation=operation,
            environment=self.environment,
            change=self.change(decision, inputs, situation, delta),
            spec=spec,
            sealed=spec,
            places=Places(root=self.root, private=self.root / "private"),
            store=self.store,
            report=lambda _: None,
            record=self.record,
            upstream={DATASET: self.dataset_record()},
            versions=self.versions,
            champion=next((one for one in self.versions if one.recipe == standing), None),
        )
        return Model().perform(call, Mean())

    def dataset_record(self) -> ResourceRecord:
        parts = {
            part: self.store.put_bytes(f"{part}-{self.dataset['rows_digest']}".encode()) for part in ("train", "test")
        }
        finger = fingerprint_of(SPEC_MODEL, {}, {}, {})
        return ResourceRecord(
            address=DATASET,
            kind="Dataset",
            provider="duckdb",
            spec={},
            fingerprint=finger,
            inputs={"build": {"rows": self.dataset["rows_digest"]}},
            facts={**parts, **self.dataset},
            outputs={"version": "v0"},
        )

    def elsewhere(self, **more: Any) -> World:
        """Return prod, which promotes from this one."""
        return replace(self, environment="prod", promotes_from="dev", source=self.record, record=None, **more)


def _facet(key: str) -> Facet:
    return facets(SPEC_MODEL).get(key, Facet.BUILD)


def claims(score: float) -> dict[str, Any]:
    return {"params": {"claims": score}}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(root=tmp_path)


def names(decision: Decision) -> list[str]:
    return [one.name for one in decision.operations]


# What is decided


def test_a_new_model_is_trained_and_both_branches_are_shown(world: World) -> None:
    decision, inputs, _, _ = world.plan()
    assert (decision.effect, names(decision)) == (Effect.TRAIN, ["train", "judge"])
    assert [one.heavy for one in decision.operations] == [True, False]
    assert decision.outputs["version"] == Unknown(
        expression="${{ model.subscriber.outputs.version }}",
        refs=decision.outputs["version"].refs,  # type: ignore[union-attr]
    )
    (branch,) = decision.branches
    version = f"v{decision.recipe.removeprefix('sha256:')[:12]}"
    assert branch.condition == 'gates pass: roc_auc >= 0.7; not_worse("roc_auc", 0.01)'
    assert branch.then.startswith(f"{version} becomes champion")
    assert branch.otherwise == "nothing comes to stand, dependents are skipped, exit 7"
    assert set(inputs.facts["columns"]) == {"age", "job", "deposit"}  # type: ignore[arg-type]


def test_the_read_set_decides(world: World) -> None:
    recipe = world.plan()[0].recipe
    for name, moves in (("contact", False), ("id", False), ("age", True), ("deposit", True)):
        columns = {**COLUMNS, name: {**COLUMNS[name], "digest": "other"}}
        moved = replace(world, dataset={"columns": columns, "rows_digest": "d-rows"}).plan()[0].recipe
        assert (moved != recipe) is moves, name
    assert replace(world, dataset={**world.dataset, "rows_digest": "other"}).plan()[0].recipe != recipe
    assert replace(world, library="2.0").plan()[0].recipe != recipe
    assert world.plan(gates=[], metrics=["f1"])[0].recipe == recipe
    assert world.plan(train="here")[0].recipe == recipe
    assert world.plan(seed=1)[0].recipe != recipe


def test_the_order_of_columns_in_the_dataset_changes_nothing(world: World) -> None:
    turned = {"columns": dict(reversed(COLUMNS.items())), "rows_digest": "d-rows"}
    assert replace(world, dataset=turned).plan()[0].recipe == world.plan()[0].recipe


def test_without_gates_the_version_is_known_before(world: World) -> None:
    decision = world.plan(gates=[])[0]
    assert decision.outputs["version"] == f"v{decision.recipe.removeprefix('sha256:')[:12]}"
    assert has_unknown(decision.outputs["metrics"]) and decision.branches == ()


def test_apply_then_plan_is_empty(world: World) -> None:
    world.apply(**claims(0.8))
    decision, _, _, delta = world.plan(**claims(0.8))
    assert (decision.effect, decision.operations, delta.facets) == (Effect.NONE, (), frozenset())


@pytest.mark.parametrize(
    ("fields", "effect", "operations"),
    [
        ({"train": "here"}, Effect.COSMETIC, []),
        ({"params": {"claims": 0.9}}, Effect.RETRAIN, ["train", "judge"]),
        ({"seed": 2}, Effect.RETRAIN, ["train", "judge"]),
        ({"features": {"exclude": ["contact", "job"]}}, Effect.RETRAIN_INCOMPATIBLE, ["train", "judge"]),
        ({"features": {"include": ["age", "job"]}}, Effect.COSMETIC, []),  # the same columns in other words
        ({"metrics": ["roc_auc", "f1"], "gates": []}, Effect.RE_EVALUATE, ["evaluate", "judge"]),
        ({"metrics": ["roc_auc", "f1"]}, Effect.RE_EVALUATE, ["evaluate", "judge"]),
        ({"gates": ["roc_auc >= 0.5"]}, Effect.RE_EVALUATE, ["judge"]),
        ({"gates": []}, Effect.RE_EVALUATE, ["judge"]),
    ],
)
def test_each_facet_asks_for_its_own_work(world: World, fields: Any, effect: Effect, operations: list[str]) -> None:
    world.apply(**claims(0.8))
    decision = world.plan(**{**claims(0.8), **fields})[0]
    assert (decision.effect, names(decision)) == (effect, operations)


def test_new_metrics_keep_the_version_and_leave_the_metrics_open(world: World) -> None:
    world.apply(**claims(0.8))
    decision = world.plan(metrics=["roc_auc", "f1"], **claims(0.8))[0]
    assert world.record is not None
    assert decision.outputs["version"] == world.record.outputs["version"]
    assert has_unknown(decision.outputs["metrics"])
    world.apply(metrics=["roc_auc", "f1"], **claims(0.8))
    assert world.record.outputs["metrics"] == {"roc_auc": 0.8, "f1": 0.8, "rows": 1}
    assert len(world.versions) == 1


def test_back_to_an_earlier_recipe_is_reused_and_known(world: World) -> None:
    world.apply(**claims(0.8))
    first = world.record.outputs if world.record else {}
    world.apply(**claims(0.9))
    decision = world.plan(**claims(0.8))[0]
    assert (decision.effect, names(decision), decision.branches) == (Effect.ROLL_BACK, ["judge"], ())
    assert decision.outputs == first
    standing = world.record.outputs["version"] if world.record else ""
    assert decision.notes == (f"{first['version']} stood before {standing}: nothing is trained again",)


def test_back_to_an_earlier_recipe_with_new_metrics_measures_it_first(world: World) -> None:
    world.apply(gates=[], **claims(0.8))
    world.apply(gates=[], **claims(0.9))
    decision = world.plan(gates=[], metrics=["f1"], **claims(0.8))[0]
    assert (decision.effect, names(decision)) == (Effect.ROLL_BACK, ["evaluate", "judge"])
    assert isinstance(decision.outputs["version"], str) and has_unknown(decision.outputs["metrics"])


def test_what_a_soft_policy_refused_says_how_to_override_it(world: World) -> None:
    world.apply(gates=["roc_auc >= 0.99"], **claims(0.7931))
    by_policy = Verdict(rule="policy.floor", outcome=Outcome.FAIL, detail="too low")
    (version,) = world.versions
    for verdicts, told in (((by_policy,), True), ((*version.verdicts, by_policy), False)):
        world.versions = (replace(version, verdicts=verdicts),)
        decision = world.plan(gates=["roc_auc >= 0.99"], **claims(0.7931))[0]
        assert ("ordain apply --replace model.subscriber --override policy.floor --reason" in decision.blocked) is told


def test_a_refused_version_is_not_trained_again(world: World) -> None:
    (trained, judged) = world.apply(gates=["roc_auc >= 0.99"], **claims(0.7931))
    version = trained.versions[0].name
    assert judged.rejected == (f"{version} did not pass: roc_auc >= 0.99 (roc_auc 0.7931 < 0.99); nothing stands")
    assert world.record is None and world.versions[0].standing is Standing.REJECTED
    decision = world.plan(gates=["roc_auc >= 0.99"], **claims(0.7931))[0]
    assert (decision.effect, decision.operations) == (Effect.REJECTED, ())
    assert decision.blocked == (
        f"{version} was trained and refused: roc_auc >= 0.99 (roc_auc 0.7931 < 0.99). "
        "Change the model, its data or the gate"
    )
    assert decision.causes[0].code is CauseCode.GATE
    loosened = world.plan(gates=["roc_auc >= 0.79"], **claims(0.7931))[0]
    assert (loosened.effect, names(loosened)) == (Effect.REUSE, ["judge"])
    world.apply(gates=["roc_auc >= 0.79"], **claims(0.7931))
    assert world.record is not None and world.record.outputs["version"] == version


def test_a_refused_challenger_leaves_the_champion(world: World) -> None:
    world.apply(**claims(0.9))
    (_, judged) = world.apply(**claims(0.75))
    assert "worse by 0.1500, more than 0.01" in judged.rejected and "keeps standing" in judged.rejected
    assert world.record is not None and world.record.outputs["metrics"]["roc_auc"] == 0.9  # type: ignore[index,call-overload]
    assert world.plan(**claims(0.75))[0].effect is Effect.REJECTED
    assert world.plan(**claims(0.9))[0].effect is Effect.NONE


def test_a_gate_the_champion_breaks_is_recorded_once_and_it_keeps_standing(world: World) -> None:
    world.apply(**claims(0.8))
    assert world.record is not None
    before = world.record
    strict = {"gates": ["roc_auc >= 0.95"], **claims(0.8)}
    decision = world.plan(**strict)[0]
    assert (decision.effect, names(decision)) == (Effect.RE_EVALUATE, ["judge"])
    assert decision.outputs["version"] == before.outputs["version"]
    assert "will not pass: roc_auc >= 0.95 (roc_auc 0.8000 < 0.95)" in decision.notes[0]
    (judged,) = world.apply(**strict)
    assert "no longer passes" in judged.rejected and world.record == before
    again = world.plan(**strict)[0]
    assert again.effect is Effect.REJECTED and "It keeps standing" in again.blocked
    assert world.plan(**claims(0.8))[0].effect is Effect.NONE


def test_asking_for_it_trains_again(world: World) -> None:
    world.apply(**claims(0.8))
    decision = world.plan(forced=True, **claims(0.8))[0]
    assert (decision.effect, names(decision)) == (Effect.RETRAIN, ["train", "judge"])
    world.store.delete(world.versions[0].artifact)
    world.apply(forced=True, **claims(0.8))
    assert world.store.has(world.versions[0].artifact) and len(world.versions) == 1


def test_a_step_that_failed_half_way_is_done_again_without_training(world: World) -> None:
    world.apply(**claims(0.8))
    assert world.record is not None
    world.record = replace(world.record, health=Health.TAINTED)
    decision = world.plan(**claims(0.8))[0]
    assert (decision.effect, names(decision)) == (Effect.REUSE, ["judge"])


def test_a_version_that_is_no_longer_recorded_is_made_again(world: World) -> None:
    world.apply(**claims(0.8))
    world.versions = ()
    decision = world.plan(gates=["roc_auc >= 0.5"], **claims(0.8))[0]
    assert (decision.effect, names(decision)) == (Effect.RETRAIN, ["train", "judge"])
    assert decision.causes[0].code is CauseCode.LOST


# Promotion


def test_prod_promotes_what_dev_trained(world: World) -> None:
    world.apply(**claims(0.8))
    prod = world.elsewhere()
    decision = prod.plan(**claims(0.8))[0]
    assert world.record is not None
    assert (decision.effect, names(decision), decision.branches) == (Effect.PROMOTE, ["promote"], ())
    assert decision.outputs == world.record.outputs
    assert decision.causes[0].code is CauseCode.PROMOTION
    prod.apply(**claims(0.8))
    assert prod.record is not None and prod.record.outputs == world.record.outputs
    assert prod.plan(**claims(0.8))[0].effect is Effect.NONE


def test_prod_promotes_without_a_look_at_its_own_data(world: World) -> None:
    world.apply(**claims(0.8))
    prod = world.elsewhere(upstream=False, library="0.1", dataset={"columns": {}, "rows_digest": "x"})
    assert prod.plan(**claims(0.8))[0].effect is Effect.PROMOTE
    prod.apply(**claims(0.8))
    prod.library, prod.dataset = "0.2", {"columns": {}, "rows_digest": "y"}  # data and libraries are those of dev
    assert prod.plan(**claims(0.8))[0].effect is Effect.NONE


def test_prod_follows_when_dev_moves_on_and_stays_when_dev_is_gone(world: World) -> None:
    world.apply(**claims(0.8))
    prod = world.elsewhere()
    prod.apply(**claims(0.8))
    world.dataset = {**world.dataset, "rows_digest": "more"}
    world.apply(**claims(0.8))
    prod.source, prod.versions = world.record, world.versions
    decision = prod.plan(**claims(0.8))[0]
    assert decision.effect is Effect.PROMOTE and decision.causes[0].before == prod.record.outputs["version"]  # type: ignore[union-attr]
    prod.source = None
    assert prod.plan(**claims(0.8))[0].effect is Effect.NONE


def test_prod_is_blocked_where_dev_has_none_or_another_spec(world: World) -> None:
    empty, inputs, *_ = world.elsewhere().plan(**claims(0.8))
    assert (empty.effect, empty.operations) == (Effect.BLOCKED, ())
    assert inputs.facts["columns"] is None, "not known: a rule about what it reads must not pass"
    assert (
        "dev has no version of model.subscriber to promote: apply there first (ordain apply --env dev)" in empty.blocked
    )
    world.apply(**claims(0.8))
    other = world.elsewhere().plan(**claims(0.9))[0]
    assert "params.claims is 0.8 in dev, 0.9 here" in other.blocked


def test_prod_judges_by_its_own_gates(world: World) -> None:
    world.apply(**claims(0.8))
    strict = world.elsewhere().plan(gates=["roc_auc >= 0.85"], **claims(0.8))[0]
    assert strict.effect is Effect.REJECTED and "of dev is refused here: roc_auc >= 0.85" in strict.blocked
    measured = world.elsewhere().plan(metrics=["f1"], gates=["f1 > 0.5"], **claims(0.8))[0]
    assert (measured.effect, names(measured)) == (Effect.PROMOTE, ["evaluate", "promote"])
    assert has_unknown(measured.outputs["version"]) and measured.branches


def test_prod_may_train_itself_and_then_reuses_the_same_recipe(world: World) -> None:
    world.apply(**claims(0.8))
    decision = world.elsewhere().plan(train="here", **claims(0.8))[0]
    assert (decision.effect, names(decision)) == (Effect.REUSE, ["judge"])
    other = world.elsewhere(dataset={**world.dataset, "rows_digest": "prod"}).plan(train="here", **claims(0.8))[0]
    assert other.effect is Effect.TRAIN


# Causes, problems, deferral


def test_a_library_and_data_that_moved_earlier_are_causes(world: World) -> None:
    world.apply(**claims(0.8))
    world.library = "2.0"
    _, _, situation, delta = world.plan(**claims(0.8))
    (cause,) = Model().explain(situation, delta)
    assert (cause.code, cause.detail) == (CauseCode.LIBRARY, "scikit-learn: 1.9 → 2.0")
    world.library = "1.9"
    world.dataset = {"columns": {**COLUMNS, "age": {**COLUMNS["age"], "digest": "x"}}, "rows_digest": "d-rows"}
    _, _, situation, delta = world.plan(**claims(0.8))
    (cause,) = Model().explain(situation, delta)
    assert cause.code is CauseCode.DATA and cause.address == DATASET and cause.data == {"columns": ["age"]}
    world.dataset_effect = Effect.UPDATE
    _, _, situation, delta = world.plan(**claims(0.8))
    assert Model().explain(situation, delta) == ()


@pytest.mark.parametrize(
    ("fields", "path", "message"),
    [
        ({"target": "deposits"}, ("spec", "target"), "no column deposits; did you mean deposit?"),
        ({"features": {"exclude": ["contract"]}}, ("spec", "features", "exclude", 0), "did you mean contact?"),
        ({"features": {"include": ["zz"]}}, ("spec", "features", "include", 0), "there are: id, age"),
        ({"features": {"include": ["deposit"]}}, ("spec", "features", "include", 0), "is not learned from"),
        ({"features": {"include": ["id"]}}, ("spec", "features", "include", 0), "it is named in roles.id"),
        ({"roles": {"sensitive": ["sex"]}}, ("spec", "roles", "sensitive", 0), "no column sex"),
        ({"roles": {"time": "deposit"}}, ("spec", "roles", "time", 0), "cannot be time as well"),
        ({"features": {"exclude": ["contact", "age", "job"]}}, ("spec", "features"), "no column is left"),
    ],
)
def test_a_column_that_cannot_be_is_found_by_the_plan(world: World, fields: Any, path: Any, message: str) -> None:
    inputs = Model().inputs(world.situation({**BASE, **fields}))
    (problem,) = inputs.problems
    assert (problem.code, problem.path) == ("model-column", path) and message in problem.summary
    assert inputs.deferred


def test_a_gate_that_cannot_be_says_which_and_why() -> None:
    (problem,) = gate_problems(ADDRESS, {**BASE, "gates": ["roc_auc > 0", "roc_auk > 0"]})
    assert problem.path == ("spec", "gates", 1) and "did you mean roc_auc?" in problem.summary


def test_a_dataset_whose_sql_decides_its_columns(world: World) -> None:
    world.dataset = {"columns": None, "rows_digest": "d-rows", "personal": True}
    decision, inputs, _, _ = world.plan(**claims(0.8))
    assert inputs.facts["columns"] == {"*": {"type": "unknown", "personal": True}}
    world.dataset["schema"] = {"age": "integer", "deposit": "category", "id": "integer", "contact": "category"}
    world.apply(**claims(0.8))
    assert world.record is not None
    assert set(world.record.facts["columns"]) == {"age", "deposit"}  # type: ignore[arg-type]
    again, inputs, _, delta = world.plan(**claims(0.8))
    assert (again.effect, delta.facets) == (Effect.NONE, frozenset())
    assert set(inputs.facts["columns"]) == {"age", "deposit"}  # type: ignore[arg-type]
    world.dataset["rows_digest"] = "other"
    assert world.plan(**claims(0.8))[0].recipe != decision.recipe
    world.dataset["schema"] = {"age": "integer"}
    with pytest.raises(OrdainError, match="no column deposit"):
        world.apply(**claims(0.8))


def test_what_is_not_known_yet_is_deferred(world: World) -> None:
    unknown = Unknown(expression="${{ value.x.outputs.value }}")
    situation = world.situation({**BASE, "params": {"C": unknown}})
    assert Model().inputs(situation).deferred == "its spec is known after apply"
    world.dataset = {}
    assert Model().inputs(world.situation(BASE)).deferred.startswith("waits for dataset.training")


@pytest.mark.parametrize("word", ["retrain", "retention", "calibration"])
def test_words_without_a_meaning_yet_are_refused(word: str) -> None:
    _, errors = check(SPEC_MODEL, {**BASE, word: {"keep": 5}})
    assert [(one.path, one.message) for one in errors] == [
        ((word,), "not supported in this version of Ordain: leave it out")
    ]


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"features": {"include": ["age"], "exclude": ["job"]}}, ("features",)),
        ({"gates": ["roc_auc > 0", "roc_auc > 0"]}, ()),
        ({"dataset": "data_source.x"}, ("dataset",)),
        ({"metrics": ["auc"]}, ("metrics", 0)),
        ({"train": "there"}, ("train",)),
        ({"seed": -1}, ("seed",)),
        ({"estimator": "Ridge"}, ("estimator",)),
        ({"parms": {}}, ("parms",)),
    ],
)
def test_a_spec_that_is_wrong_says_where(fields: Any, path: Any) -> None:
    _, errors = check(SPEC_MODEL, {**BASE, **fields})
    assert [one.path for one in errors] == [path]


# What the steps do


def test_a_repeated_train_step_gives_back_what_it_made(world: World) -> None:
    decision, inputs, situation, delta = world.plan(**claims(0.8))
    first = world.perform("train", decision, inputs, situation, delta)
    world.versions = first.versions
    (again,) = world.perform("train", decision, inputs, situation, delta).versions
    assert again == first.versions[0] and again.made_by == "dev/r1" and again.standing is Standing.CANDIDATE
    assert world.plan(**claims(0.8))[0].effect is Effect.REUSE  # a crash before it was judged


def test_the_record_says_what_others_build_on(world: World) -> None:
    world.apply(**claims(0.8))
    assert world.record is not None
    facts, outputs = world.record.facts, world.record.outputs
    assert {"artifact", "recipe", "spec_recipe", "version", "columns", "model", "dataset"} <= set(facts)
    assert outputs == {"version": facts["version"], "digest": facts["artifact"], "metrics": {"roc_auc": 0.8, "rows": 1}}
    assert facts["model"] == {"classes": ["no", "yes"]}


def test_the_champion_is_measured_on_the_challengers_rows(world: World) -> None:
    """On its own rows it had 0.8; on the new ones it has 0.7, so that 0.72 is no step back."""
    world.apply(**claims(0.8))
    world.dataset = {**world.dataset, "rows_digest": "new"}
    (trained, judged) = world.apply(**claims(0.72))
    assert not judged.rejected
    assert trained.versions[0].facts["champion"]["metrics"] == {"roc_auc": pytest.approx(0.7), "rows": 1}  # type: ignore[index,call-overload]
    assert judged.verdicts[1].detail == "roc_auc 0.7200, champion 0.7000: not worse"


def test_a_champion_that_cannot_answer_is_compared_by_its_record(world: World) -> None:
    world.apply(gates=[], **claims(-0.8))
    world.dataset = {**world.dataset, "rows_digest": "new"}
    (trained, judged) = world.apply(**claims(0.72))
    assert "champion" not in trained.versions[0].facts
    assert judged.verdicts[1].detail == "roc_auc 0.7200, champion -0.8000: not worse"


def test_a_lost_artifact_fails_the_step_and_says_how_to_make_it_again(world: World) -> None:
    world.apply(**claims(0.8))
    world.store.delete(world.versions[0].artifact)
    with pytest.raises(OrdainError) as caught:
        world.apply(gates=["roc_auc >= 0.5"], **claims(0.8))
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "artifact-lost" and "--replace model.subscriber" in diagnostic.fix


def test_data_that_moved_since_the_plan_is_refused(world: World) -> None:
    decision, inputs, situation, delta = world.plan(**claims(0.8))
    world.dataset = {**world.dataset, "rows_digest": "moved"}
    with pytest.raises(OrdainError) as caught:
        world.perform("train", decision, inputs, situation, delta)
    assert caught.value.exit is ExitCode.STALE and world.versions == ()


def test_a_delete_is_repeatable(world: World) -> None:
    decision, inputs, situation, delta = world.plan(**claims(0.8))
    for _ in range(2):
        assert world.perform("delete", decision, inputs, situation, delta).outputs == {}


@pytest.mark.parametrize(
    ("gate", "says"),
    [
        ("roc_auc >=", "ends too early"),
        ("f1x > 0.5", "no metric f1x"),
        ("roc_auc", "yes or no"),
        ("better(1)", "better"),
    ],
)
def test_a_gate_that_is_no_rule_is_a_wrong_field(gate: str, says: str) -> None:
    normal, errors = check(SPEC_MODEL, {**BASE, "gates": ["roc_auc > 0.5", gate]})
    assert normal is None and [error.path for error in errors] == [("gates", 1)]
    assert says in errors[0].message


def test_a_gate_over_metrics_that_are_not_known_yet_is_judged_later() -> None:
    metrics = Unknown(expression="${{ value.v.outputs.value }}")
    assert check(SPEC_MODEL, {**BASE, "metrics": metrics}) == (None, ())


# What is lost


def lose(world: World, recipe: str | None = None) -> None:
    """Leave the versions as a plan sees them whose artifacts are gone: all of them, or that of one recipe."""
    world.versions = tuple(replace(one, artifact="") if recipe in (None, one.recipe) else one for one in world.versions)


def test_a_lost_artifact_of_what_stands_is_made_again(world: World) -> None:
    world.apply(**claims(0.8))
    lose(world)
    decision = world.plan(**claims(0.8))[0]
    assert (decision.effect, names(decision)) == (Effect.RETRAIN, ["train", "judge"])
    assert [(cause.code, "is no longer there" in cause.detail) for cause in decision.causes] == [(CauseCode.LOST, True)]
    world.apply(**claims(0.8))
    assert world.plan(**claims(0.8))[0].effect is Effect.NONE
    assert len(world.versions) == 1 and world.versions[0].artifact


def test_a_version_without_artifact_is_not_reused(world: World) -> None:
    world.apply(**claims(0.8))
    lose(world)
    world.apply(**claims(0.9))
    assert world.plan(**claims(0.8))[0].effect is Effect.RETRAIN


def test_a_refusal_holds_without_the_artifact(world: World) -> None:
    world.apply(**claims(0.8))
    world.apply(**claims(0.1))
    lose(world, next(one.recipe for one in world.versions if one.metrics["roc_auc"] == 0.1))
    assert world.plan(**claims(0.1))[0].effect is Effect.REJECTED


def test_what_another_environment_lost_is_not_promoted(world: World) -> None:
    world.apply(**claims(0.8))
    lose(world)
    decision = world.elsewhere().plan(**claims(0.8))[0]
    assert decision.effect is Effect.BLOCKED and "make it again there" in decision.blocked


def test_a_version_that_a_policy_has_yet_to_judge_is_not_promised(world: World) -> None:
    world.apply(**claims(0.8))
    world.apply(**claims(0.9))
    world.policies = {"policy.floor": "digest"}
    decision = world.plan(gates=["roc_auc >= 0.6"], **claims(0.8))[0]  # another judgement than it was accepted under
    assert decision.effect is Effect.ROLL_BACK and has_unknown(decision.outputs["version"])
    assert decision.branches[0].condition.endswith("; policy.floor")
    bare = replace(world, versions=(), record=None).plan(gates=[])[0]
    assert has_unknown(bare.outputs["version"]) and bare.branches[0].condition == "gates pass: policy.floor"


# What a model is called upstream, its signature, its past


def other_dataset(world: World, **columns: Any) -> World:
    """Return the world where the dataset is ``dataset.renamed``, with the columns given laid over."""
    return replace(
        world, dataset_name=Address.parse("dataset.renamed"), dataset={**world.dataset, "columns": COLUMNS | columns}
    )


def test_a_dataset_under_another_name_is_only_written_down(world: World) -> None:
    world.apply(**claims(0.8))
    decision, _, _, delta = other_dataset(world).plan(dataset="dataset.renamed", **claims(0.8))
    assert (decision.effect, delta.facets) == (Effect.COSMETIC, frozenset({Facet.RECORD}))


def test_another_dataset_with_other_content_says_what_differs(world: World) -> None:
    world.apply(**claims(0.8))
    other = other_dataset(world, age={**COLUMNS["age"], "digest": "x"})
    decision, _, situation, delta = other.plan(dataset="dataset.renamed", **claims(0.8))
    assert decision.effect is Effect.RETRAIN
    field = FieldChange(path=("dataset",), before="dataset.training", after="dataset.renamed")
    (cause,) = Model().explain(situation, replace(delta, fields=(field,)))
    assert (cause.code, cause.data) == (CauseCode.DATA, {"columns": ["age"]})
    assert cause.detail == (
        "dataset.renamed is not dataset.training, which model.subscriber was trained on: column age"
    )


def test_prod_does_not_take_a_version_made_of_another_dataset(world: World) -> None:
    world.apply(**claims(0.8))
    prod = other_dataset(world.elsewhere())
    decision = prod.plan(dataset="dataset.renamed", **claims(0.8))[0]
    assert "dataset is dataset.training in dev, dataset.renamed here" in decision.blocked
    moved = replace(prod, dataset_effect=Effect.MOVE)
    assert moved.plan(dataset="dataset.renamed", **claims(0.8))[0].effect is Effect.PROMOTE
    fewer = world.elsewhere().plan(features={"exclude": ["contact", "job"]}, **claims(0.8))[0]
    assert fewer.effect is Effect.BLOCKED and "features.exclude is" in fewer.blocked


@pytest.mark.parametrize(
    ("columns", "fields", "says"),
    [
        ({"colour": {"digest": "c", "type": "text", "personal": False}}, {}, "+ colour"),
        ({}, {"features": {"include": ["age"]}}, "- job"),
        ({"job": {"digest": "j", "type": "integer", "personal": False}}, {}, "job category → number"),
        ({"deposit": {"digest": "d", "type": "number", "personal": False}}, {}, "target deposit category → number"),
        ({}, {"positive": "no"}, "positive yes → no"),
        ({"age": {"digest": "a", "type": "number", "personal": False}}, {}, ""),  # spelt the same by every caller
        ({"job": {"digest": "j", "type": "text", "personal": False}}, {}, ""),
        ({"job": {"digest": "j", "type": "unknown", "personal": False}}, {}, ""),  # derived: known after the build
    ],
)
def test_another_signature_is_a_retrain_that_breaks_consumers(
    world: World, columns: Any, fields: Any, says: str
) -> None:
    world.apply(**claims(0.8))
    world.dataset = {**world.dataset, "columns": COLUMNS | columns}
    decision = world.plan(seed=3, **{**claims(0.8), **fields})[0]
    assert decision.effect is (Effect.RETRAIN_INCOMPATIBLE if says else Effect.RETRAIN)
    assert decision.notes == ((f"signature: {says}",) if says else ())


def test_other_classes_are_another_signature(world: World) -> None:
    def classes(*levels: str) -> dict[str, Any]:
        return {"columns": COLUMNS | {"deposit": {**COLUMNS["deposit"], "digest": str(levels), "levels": [*levels]}}}

    world.dataset = {**world.dataset, **classes("no", "yes")}
    world.apply(**claims(0.8))
    world.dataset = {**world.dataset, **classes("maybe", "yes")}
    decision = world.plan(**claims(0.8))[0]
    assert (decision.effect, decision.notes) == (
        Effect.RETRAIN_INCOMPATIBLE,
        ("signature: classes + maybe - no",),
    )
    world.dataset = {"columns": COLUMNS, "rows_digest": "filtered"}  # which are left is not known
    assert world.plan(**claims(0.8))[0].effect is Effect.RETRAIN


def test_a_signature_that_sql_decides_is_not_guessed(world: World) -> None:
    world.apply(**claims(0.8))
    world.dataset = {"columns": None, "rows_digest": "other"}
    assert world.plan(**claims(0.8))[0].effect is Effect.RETRAIN


def test_sql_that_decides_the_columns_leaves_the_words_to_count(world: World) -> None:
    world.dataset = {"columns": None, "rows_digest": "d-rows"}
    recipe = world.plan()[0].recipe
    assert world.plan(features={"exclude": ["job"]})[0].recipe != recipe
    assert world.plan(roles={"id": "job"})[0].recipe != recipe


def test_only_an_older_version_of_its_own_is_rolled_back_to(world: World) -> None:
    world.apply(**claims(0.8))
    world.apply(**claims(0.9))
    assert world.plan(**claims(0.8))[0].effect is Effect.ROLL_BACK
    world.apply(**claims(0.8))
    assert world.plan(**claims(0.9))[0].effect is Effect.REUSE  # forward again
    world.apply(**claims(0.9))
    world.versions = (replace(world.versions[0], made_by="prod/r1"), *world.versions[1:])
    assert world.plan(**claims(0.8))[0].effect is Effect.REUSE


def held_at_first(world: World) -> VersionRecord:
    """Train two versions, and go back to the first."""
    world.apply(**claims(0.8))
    world.apply(**claims(0.9))
    first = world.versions[0]
    hold = Hold(version=first.name, recipe=first.recipe, actor="ann", reason="odd scores")
    assert world.record is not None
    world.record = replace(world.record, facts=first.facts, outputs={"version": first.name}, hold=hold)
    return first


def test_a_plan_that_judges_what_is_held_says_so_and_one_that_ends_the_hold_too(world: World) -> None:
    first = held_at_first(world)
    held = f"held at {first.name} by ann: odd scores (ordain rollback model.subscriber --release ends it)"
    assert world.plan(**claims(0.9))[0].notes == (held,)
    assert held in world.plan(gates=["roc_auc >= 0.75"], **claims(0.9))[0].notes
    assert held in world.plan(gates=["roc_auc >= 0.85"], **claims(0.9))[0].notes
    ended = f"this ends the hold at {first.name} by ann: odd scores"
    assert ended in world.plan(**claims(0.95))[0].notes


def test_prod_is_told_that_dev_went_back(world: World) -> None:
    first = held_at_first(world)
    decision = world.elsewhere().plan(**claims(0.8))[0]
    assert (decision.effect, decision.recipe) == (Effect.PROMOTE, first.recipe)
    assert decision.causes[0].detail == f"dev went back to {first.name}, held there by ann: odd scores"
    blocked = world.elsewhere().plan(**claims(0.9))[0].blocked
    assert f"dev is held at {first.name}, made of another spec: odd scores" in blocked
    assert "(ordain rollback model.subscriber --env dev --release)" in blocked


def test_a_hold_where_versions_are_promoted_names_its_environment(world: World) -> None:
    first = held_at_first(world)
    hold = world.record.hold if world.record is not None else None
    world.record = replace(world.record, hold=None, facts=first.facts) if world.record is not None else None
    prod = world.elsewhere()
    prod.apply(**claims(0.8))
    assert prod.record is not None
    prod.record = replace(prod.record, hold=hold)
    (note,) = prod.plan(**claims(0.8))[0].notes
    assert "(ordain rollback model.subscriber --env prod --release ends it)" in note


def test_a_version_stood_where_it_was_let_through(world: World) -> None:
    world.apply(**claims(0.8))
    prod = world.elsewhere(versions=world.versions)
    prod.apply(gates=["roc_auc >= 0.85"], metrics=["roc_auc", "f1"], **claims(0.8))
    (refused,) = prod.versions
    assert refused.standing is Standing.REJECTED
    assert (stood_in(refused, "dev"), stood_in(refused, "prod")) == (True, False)
    prod.apply(**claims(0.8))
    assert stood_in(prod.versions[0], "dev") and stood_in(prod.versions[0], "prod")


def test_branches_say_how_versions_fared_lately(world: World) -> None:
    assert (world.plan()[0].branches[0].passed, world.plan()[0].branches[0].judged) == (0, 0)
    for score in (0.8, 0.5, 0.6, 0.85):
        world.apply(**claims(score))
    decision = world.plan(**claims(0.9))[0]
    assert (decision.branches[0].passed, decision.branches[0].judged) == (2, 4)
    assert decision.notes == (
        "roc_auc >= 0.7 failed 2 of the last 4",
        'not_worse("roc_auc", 0.01) failed 2 of the last 4',
    )
    judged = world.plan(gates=["roc_auc >= 0.8"], metrics=["roc_auc", "f1"], **claims(0.85))[0]
    assert judged.effect is Effect.RE_EVALUATE and judged.branches[0].judged == 4


def test_only_the_last_twenty_count(world: World) -> None:
    for number in range(23):
        world.apply(**claims(0.5 if number < 3 else 0.8 + number / 1000))
    (branch,) = world.plan(**claims(0.9))[0].branches
    assert (branch.passed, branch.judged) == (20, 20)


def test_a_delete_retires_it(world: World) -> None:
    world.apply(**claims(0.8))
    assert world.record is not None
    assert Model().decide_delete(world.record, None).effect is Effect.RETIRE


# Columns that it does not read


def test_data_that_moved_elsewhere_is_named_and_trains_nothing(world: World) -> None:
    columns = {name: {**column, "reads": [name]} for name, column in COLUMNS.items()}
    world.dataset = {"columns": columns, "rows_digest": "d-rows", "from": "data_source.bank", "moved": []}
    world.apply(**claims(0.8))
    assert world.plan(**claims(0.8))[0].notes == ()
    moved = {**columns, "contact": {**columns["contact"], "digest": "other"}}
    world.dataset = {**world.dataset, "columns": moved, "moved": ["contact", "duration"]}
    decision, inputs, _, _ = world.plan(**claims(0.8))
    assert decision.effect is Effect.NONE
    assert decision.notes == ("data_source.bank changed in contact, duration, not read by model.subscriber",)
    judged = world.plan(gates=["roc_auc >= 0.5"], **claims(0.8))[0]
    assert (judged.effect, judged.notes) == (Effect.RE_EVALUATE, decision.notes)
    assert inputs.facts["reads"] == {"data_source.bank": ["age", "deposit", "job"]}
    prod = world.elsewhere()
    prod.apply(**claims(0.8))
    assert prod.plan(**claims(0.8))[0].notes == ()  # it was trained on dev's data, whatever moves in prod's


def test_a_column_left_out_may_go_and_trains_nothing(world: World) -> None:
    world.apply(**claims(0.8))
    left = {name: column for name, column in COLUMNS.items() if name not in ("contact", "id")}
    world.dataset = {**world.dataset, "columns": left}
    decision, inputs, _, _ = world.plan(**claims(0.8))
    assert decision.effect is Effect.NONE
    assert [(one.code, one.is_error, one.path) for one in inputs.problems] == [
        ("model-column-gone", False, ("spec", "features", "exclude", 0)),
        ("model-column-gone", False, ("spec", "roles", "id", 0)),
    ]
    decision, inputs, _, _ = world.plan(features={}, roles={}, **claims(0.8))  # and where the words go too
    assert (decision.effect, inputs.problems) == (Effect.COSMETIC, ())
    world.apply(seed=5, **claims(0.8))  # the steps read the same columns
    assert len(world.versions) == 2


def test_what_is_said_of_its_data(world: World) -> None:
    assert world.plan()[1].facts["licences"] is None  # a dataset that is not known says nothing yet
    world.dataset = {**world.dataset, "licences": ["CC-BY-4.0"], "pinned": True}
    world.apply(**claims(0.8))
    again, inputs, _, delta = world.plan(**claims(0.8))
    assert (inputs.facts["licences"], inputs.facts["pinned"]) == (["CC-BY-4.0"], True)
    world.dataset = {**world.dataset, "licences": ["MIT"], "pinned": False}
    again, inputs, _, delta = world.plan(**claims(0.8))
    assert (again.effect, delta.facets) == (Effect.NONE, frozenset())
    assert (inputs.facts["licences"], inputs.facts["pinned"]) == (["MIT"], False)
    assert world.elsewhere().plan(**claims(0.8))[1].facts["licences"] == ["MIT"]


FAIR = {"metrics": ["roc_auc", "demographic_parity_ratio"]}


def over(*names: str) -> dict[str, Any]:
    return {**FAIR, "features": {"exclude": ["contact"]}, "roles": {"id": "id", "sensitive": list(names)}}


def test_a_fairness_metric_added_later_is_measured_and_nothing_is_trained(world: World) -> None:
    world.apply(roles={"id": "id", "sensitive": ["contact"]}, **claims(0.8))
    decision, inputs, _, _ = world.plan(**over("contact"), **claims(0.8))
    assert (decision.effect, names(decision)) == (Effect.RE_EVALUATE, ["evaluate", "judge"])
    assert inputs.judge == {"sensitive": {"contact": COLUMNS["contact"]["digest"]}}
    world.apply(**over("contact"), **claims(0.8))
    assert world.record is not None and world.record.facts["sensitive"] == inputs.judge["sensitive"]
    again, _, _, delta = world.plan(**over("contact"), **claims(0.8))
    assert (again.effect, delta.facets) == (Effect.NONE, frozenset())


def test_other_groups_are_measured_again_and_nothing_is_trained(world: World) -> None:
    world.apply(**over("contact"), **claims(0.8))
    assert names(world.plan(**over("contact", "id"), **claims(0.8))[0]) == ["evaluate", "judge"]
    gates = {"gates": ["roc_auc >= 0.1"]}
    assert names(world.plan(**over("contact"), **gates, **claims(0.8))[0]) == ["judge"]
    plain = {**over("contact", "id"), "metrics": ["roc_auc"]}
    assert names(world.plan(**plain, **claims(0.8))[0]) == ["judge"]  # nothing is measured over them
    put_right = {**COLUMNS, "contact": {**COLUMNS["contact"], "digest": "right"}}
    world.dataset = {**world.dataset, "columns": put_right}
    decision, _, situation, delta = world.plan(**over("contact"), **claims(0.8))
    assert (decision.effect, names(decision)) == (Effect.RE_EVALUATE, ["evaluate", "judge"])
    (cause,) = Model().explain(situation, replace(delta, inputs=("judge.sensitive",)))
    assert cause.code is CauseCode.DATA and "other groups than its metrics compare: contact" in cause.detail
    world.apply(**over("contact"), **claims(0.8))
    assert world.plan(**over("contact"), **claims(0.8))[0].effect is Effect.NONE


def test_groups_are_those_of_the_dataset_that_stands(world: World) -> None:
    """The same recipe, other test part: only a sensitive column in it is another."""
    world.apply(**over("contact"), **claims(0.8))
    other = world.store.put_bytes(b"the same rows, another contact")
    right = {**COLUMNS, "contact": {**COLUMNS["contact"], "digest": "right"}}
    world.dataset = {**world.dataset, "columns": right, "test": other}
    results = world.apply(**over("contact"), **claims(0.8))
    assert results[0].versions[0].metrics["roc_auc"] == pytest.approx(0.7)  # Mean says so of other rows than its own
    plain = {**over("contact"), "metrics": ["roc_auc", "f1"]}
    world.apply(**plain, **claims(0.8))
    assert world.versions[0].metrics["f1"] == pytest.approx(0.8)  # of the rows it was made with


def test_a_promoted_version_is_measured_over_the_groups_asked_for(world: World) -> None:
    world.apply(**over("contact"), **claims(0.8))
    prod = world.elsewhere(dataset={"columns": {}, "rows_digest": "x", "test": "none", "train": "none"})
    assert names(prod.plan(**over("contact"), **claims(0.8))[0]) == ["promote"]
    plain = {**over("contact"), "metrics": ["roc_auc"]}
    world.apply(seed=2, **plain, **claims(0.8))
    prod = world.elsewhere(dataset={"columns": {}, "rows_digest": "x"})
    decision = prod.plan(seed=2, **over("contact"), **claims(0.8))[0]
    assert (decision.effect, names(decision)) == (Effect.PROMOTE, ["evaluate", "promote"])


def test_roles_that_dev_has_not_are_told(world: World) -> None:
    world.apply(**claims(0.8))
    said = world.elsewhere().plan(roles={"id": "id", "sensitive": ["contact"]}, **claims(0.8))[0].blocked
    assert "roles.sensitive is absent in dev, contact here" in said


def test_a_sensitive_column_that_is_gone_cannot_be_compared(world: World) -> None:
    world.apply(**over("contact"), **claims(0.8))
    left = {name: column for name, column in COLUMNS.items() if name != "contact"}
    world.dataset = {**world.dataset, "columns": left}
    spec = {**over("contact"), "features": {}}
    problems = Model().inputs(world.situation({**BASE, **spec, **claims(0.8)})).problems
    assert [one.path for one in problems] == [("spec", "roles", "sensitive", 0)]
    assert "no column contact" in problems[0].summary
    plain = Model().inputs(world.situation({**BASE, **spec, "metrics": ["roc_auc"], **claims(0.8)}))
    assert [one.is_error for one in plain.problems] == [False]  # it may go where nothing is measured over it
