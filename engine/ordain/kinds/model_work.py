"""The steps of a model: train, evaluate, judge, promote, delete. Each may be repeated under its key."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ordain.api.providers import Call, Progress, Provider, StepResult, Trained, Trainer, TrainRequest
from ordain.expr.gates import compares
from ordain.kinds.model_judging import broken, find, is_measured, passes, standing_in, verdicts, was_accepted
from ordain.kinds.model_outline import Columns, SelectionError, build_inputs, left_out, read_set, recipe_of
from ordain.kinds.model_spec import asked_metrics, gates_of, version_name
from ordain.values.address import Address
from ordain.values.change import CauseCode
from ordain.values.data import Json, Tree
from ordain.values.diagnostic import Blame, Diagnostic, ExitCode, OrdainError
from ordain.values.record import ResourceRecord, Standing, VersionRecord


def work(call: Call, provider: Provider | None) -> StepResult:
    """Do one operation of a model. Raises ``OrdainError`` for what the user or the world can mend."""
    if call.operation == "delete":
        return StepResult(message="its versions stay as long as anything refers to them")
    assert isinstance(provider, Trainer)
    if call.operation == "train":
        return _train(call, provider)
    if call.operation == "evaluate":
        return _evaluate(call, provider)
    if call.operation == "restore":
        return _restore(call)
    return _judge(call)


def outputs_of(version: VersionRecord) -> Mapping[str, Tree]:
    """Return a model's outputs while ``version`` stands."""
    return {"version": version.name, "digest": version.artifact, "metrics": dict(version.metrics)}


def _train(call: Call, trainer: Trainer) -> StepResult:
    made = find(call.versions, call.change.recipe)
    again = any(cause.code is CauseCode.REQUESTED for cause in call.change.causes)
    if made is not None and not again and call.store.has(made.artifact):
        return StepResult(versions=(made,), message=f"{made.name} is there already")
    dataset = _dataset(call)
    columns = _columns(call, dataset)
    _still_the_same(call, trainer, dataset)
    with _scratch(call) as folder:
        request = _request(call, dataset.facts, columns, Path(folder))
        trained = trainer.train(request)
        artifact = call.store.put(trained.artifact)
        version = _version(call, dataset, columns, trained, artifact)
        beside = _champion_beside(call, trainer, request, version)
    if beside is not None:
        version = replace(version, facts={**version.facts, "champion": beside})
    return StepResult(versions=(version,), message=f"{version.name} trained")


def _version(call: Call, dataset: ResourceRecord, columns: Columns, trained: Trained, artifact: str) -> VersionRecord:
    recipe, spec_recipe = call.change.recipe, call.change.spec_recipe
    name = version_name(recipe)
    return VersionRecord(
        address=call.address,
        recipe=recipe,
        spec_recipe=spec_recipe,
        name=name,
        artifact=artifact,
        metrics=trained.metrics,
        facts={
            "artifact": artifact,
            "recipe": recipe,
            "spec_recipe": spec_recipe,
            "version": name,
            "columns": columns,
            "model": trained.facts,
            **_over(call),
            "dataset": {
                "address": str(dataset.address),
                "version": str(dataset.outputs.get("version")),
                "train": dataset.facts.get("train"),
                "test": dataset.facts.get("test"),
            },
        },
        made_by=f"{call.environment}/{call.run}",
    )


def _champion_beside(
    call: Call, trainer: Trainer, request: TrainRequest, candidate: VersionRecord
) -> Mapping[str, Json] | None:
    """Measure the champion on the rows the candidate was measured on, where a gate compares and its rows were others.

    None where its own numbers are as good, or where it cannot answer these rows (it read other columns, say): then
    the numbers recorded of it are compared.
    """
    champion = call.champion
    if champion is None or champion.recipe == candidate.recipe or not any(map(compares, gates_of(call.spec))):
        return None
    same = _held_out(champion) == _held_out(candidate)
    if same and is_measured(call.spec, champion, _over(call)):
        return None
    call.report(Progress(message=f"measuring the champion {champion.name} on the same rows"))
    try:
        metrics = trainer.evaluate(call.store.fetch(champion.artifact), request)
    except OrdainError as error:
        call.report(Progress(message=f"{champion.name} is compared by its recorded numbers: {error}"))
        return None
    return {"recipe": champion.recipe, "metrics": metrics}


def _evaluate(call: Call, trainer: Trainer) -> StepResult:
    version = _existing(call)
    facts = _parts(call, trainer, version)
    columns = version.facts.get("columns")
    read = (
        {str(key): one for key, one in columns.items() if isinstance(one, Mapping)}
        if isinstance(columns, Mapping)
        else {}
    )
    with _scratch(call) as folder:
        request = _request(call, facts, read, Path(folder))
        metrics = trainer.evaluate(_artifact(call, version), request)
    measured = replace(version, metrics={**version.metrics, **metrics}, facts={**version.facts, **_over(call)})
    return StepResult(versions=(measured,), message=f"{version.name} measured: {', '.join(metrics)}")


def _parts(call: Call, trainer: Trainer, version: VersionRecord) -> Mapping[str, Json]:
    """Return the facts of the dataset to measure a version on: the one it was trained on.

    Where groups are compared it is the dataset that stands, as long as a version of it would be the same: the rows are
    the same ones then, and what is sensitive of them may have been put right, or kept only since.
    """
    if _over(call):
        dataset = _dataset(call)
        try:
            if _recipe(call, trainer, dataset) == version.recipe:
                return dataset.facts
        except SelectionError:
            pass  # what it was trained on will do
    held = version.facts.get("dataset")
    return held if isinstance(held, Mapping) else {}


def _over(call: Call) -> Mapping[str, Json]:
    """Return what the metrics are over, as it was planned, for a version's facts."""
    judge = call.change.inputs.get("judge")
    over = judge.get("sensitive") if isinstance(judge, Mapping) else None
    return {"sensitive": over} if over else {}


def _judge(call: Call) -> StepResult:
    """Judge the version and, where it passes, let it stand; where it does not, what stood keeps standing.

    What was accepted under this very judgement stays accepted, as the plan promised (DESIGN §4, judgement).
    """
    version = _existing(call)
    _artifact(call, version)
    judgement = call.change.fingerprint.judge if call.change.fingerprint is not None else ""
    accepted = call.operation == "judge" and was_accepted(version, judgement)
    judged = version.verdicts if accepted else verdicts(call.spec, version, call.champion)
    ok = accepted or passes(judged)
    champion = call.champion
    version = replace(
        version,
        standing=Standing.ACCEPTED if ok else Standing.REJECTED,
        judgement=judgement,
        verdicts=judged,
        facts={
            **(standing_in(version, call.environment) if ok else version.facts),
            "against": champion.recipe if champion is not None else "",
        },
    )
    if not ok:
        itself = champion is not None and champion.recipe == version.recipe
        stays = f"{champion.name} keeps standing" if champion is not None else "nothing stands"
        return StepResult(
            versions=(version,),
            verdicts=judged,
            rejected=f"{version.name} {'no longer passes' if itself else 'did not pass'}: {broken(judged)}; {stays}",
            message=f"{version.name} refused",
        )
    return StepResult(
        outputs=outputs_of(version),
        facts=version.facts,
        versions=(version,),
        verdicts=judged,
        message=f"{version.name} stands",
    )


def _restore(call: Call) -> StepResult:
    """Let a version stand again that stood before; its verdicts are those it got then."""
    version = _existing(call)
    _artifact(call, version)
    return StepResult(outputs=outputs_of(version), facts=version.facts, message=f"{version.name} stands again")


def _existing(call: Call) -> VersionRecord:
    version = find(call.versions, call.change.recipe)
    if version is None:
        name = version_name(call.change.recipe)
        raise OrdainError(
            _failure(
                call,
                "model-version",
                f"{name} is not recorded",
                "the plan rests on a version that is gone",
                "plan again",
            )
        )
    return version


def _artifact(call: Call, version: VersionRecord) -> Path:
    """Return the artifact's path, checked. Raises ``OrdainError`` where it is lost or not what its digest says."""
    if not call.store.has(version.artifact):
        fix = f"make it again: ordain apply --replace {call.address}"
        raise OrdainError(
            _failure(call, "artifact-lost", f"the artifact of {version.name} is lost", "it is not in the store", fix)
        )
    return call.store.fetch(version.artifact)


def _dataset(call: Call) -> ResourceRecord:
    address = Address.parse(str(call.spec["dataset"]))
    record = call.upstream.get(address)
    if record is None or not record.facts.get("train"):
        raise OrdainError(
            _failure(call, "model-dataset", f"{address} is not there", "its version was not made", "plan again")
        )
    return record


def _columns(call: Call, dataset: ResourceRecord) -> Columns:
    """Return the columns the model reads; where SQL decided them, they are known only now."""
    facts: dict[str, Any] = dict(dataset.facts)
    if facts.get("columns") is None:
        schema = facts.get("schema")
        kinds = schema if isinstance(schema, Mapping) else {}
        personal = bool(facts.get("personal"))
        facts["columns"] = {name: {"type": kind, "personal": personal} for name, kind in kinds.items()}
    try:
        return read_set(call.spec, facts, left_out(call.record))
    except SelectionError as error:
        raise OrdainError(
            Diagnostic(
                code="model-column",
                summary=f"{call.address}: {error}",
                fix="correct the name, or the dataset's preparation",
                exit=ExitCode.STEP_FAILED,
                address=call.address,
                path=("spec", *error.path),
            )
        ) from None


def _recipe(call: Call, trainer: Trainer, dataset: ResourceRecord) -> str:
    """Return the recipe of what would be trained now; raise ``SelectionError`` where its columns are not there."""
    known = read_set(call.spec, dataset.facts, left_out(call.record))
    made_of = dataset.inputs.get("build")
    rows = made_of.get("rows") if isinstance(made_of, Mapping) else None
    build = build_inputs(call.spec, known, rows, trainer.recipe(call.spec))
    return recipe_of(call.change.spec_recipe, call.change.provider, build)


def _still_the_same(call: Call, trainer: Trainer, dataset: ResourceRecord) -> None:
    """Refuse to put under a recipe what was not made by it."""
    if _recipe(call, trainer, dataset) != call.change.recipe:
        summary = f"{dataset.address} or the trainer is not what {version_name(call.change.recipe)} is to be made of"
        problem = _failure(
            call, "plan-stale", summary, "it changed between the plan and this step", "plan again: ordain plan"
        )
        raise OrdainError(replace(problem, exit=ExitCode.STALE))


def _request(call: Call, dataset: Mapping[str, Json], columns: Columns, folder: Path) -> TrainRequest:
    spec = {**call.spec, "metrics": [name for name in asked_metrics(call.spec) if name != "rows"]}
    return TrainRequest(
        spec=spec,
        train=call.store.fetch(str(dataset["train"])),
        test=call.store.fetch(str(dataset["test"])),
        features=tuple(name for name in columns if name != call.spec["target"]),
        columns=columns,
        folder=folder,
        report=call.report,
        trusted=call.trusted,
    )


def _scratch(call: Call) -> tempfile.TemporaryDirectory[str]:
    call.places.private.mkdir(parents=True, exist_ok=True, mode=0o700)
    return tempfile.TemporaryDirectory(dir=call.places.private)


def _held_out(version: VersionRecord) -> Json:
    dataset = version.facts.get("dataset")
    return dataset.get("test") if isinstance(dataset, Mapping) else None


def _failure(call: Call, code: str, summary: str, detail: str, fix: str) -> Diagnostic:
    return Diagnostic(
        code=code,
        summary=f"{call.address}: {summary}",
        detail=detail,
        fix=fix,
        blame=Blame.WORLD,
        exit=ExitCode.STEP_FAILED,
        address=call.address,
    )
