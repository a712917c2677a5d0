"""Dataset from plan to version, with real files, DuckDB and the real artifact store."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pyarrow import parquet

from ordain.api.fields import Facet, check, facets
from ordain.api.kind import Delta, Outlook, Situation
from ordain.kinds.dataset import Dataset
from ordain.kinds.dataset_spec import DatasetSpec
from ordain.values.address import Address
from ordain.values.change import Action, CauseCode, Effect, FieldChange
from ordain.values.data import Unknown
from ordain.values.diagnostic import ExitCode, OrdainError
from ordain.values.resource import Resource
from ordain.values.span import Source

SOURCE: dict[str, Any] = {"path": "bank.csv", "contract": {"columns": {"contact": {"personal": True}}}}
SPEC: dict[str, Any] = {
    "prepare": [{"drop": ["balance"]}, {"filter": "age >= 30"}],
    "split": {"by": "order", "test": 0.2},
}
DATASET = Address.parse("dataset.training")


def change_of(draft: Any) -> Any:
    return next((change for change in draft.changes if change.address == DATASET), None)


def rewrite(world: Any, edit: Any) -> None:
    path = world.root / "bank.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], *(edit(line) for line in lines[1:])]) + "\n")


def test_built_once_and_then_nothing(data_world) -> None:
    draft = data_world.plan(SOURCE, SPEC)
    change = change_of(draft)
    assert change.effect is Effect.CREATE and [(s.operation, s.heavy) for s in draft.steps if s.address == DATASET] == [
        ("build", True)
    ]
    assert change.outputs["version"] == f"v{change.recipe[7:19]}"
    assert isinstance(change.outputs["digest"], Unknown) and isinstance(change.outputs["rows"], Unknown)
    assert change.facts["columns"]["contact"]["personal"] is True
    data_world.apply(draft)
    (version,), record = data_world.versions[DATASET], data_world.records[DATASET]
    assert (version.recipe, version.name) == (change.recipe, change.outputs["version"])
    assert record.outputs == {"version": version.name, "digest": version.artifact, "rows": 160}
    train, test = (parquet.read_table(data_world.store.fetch(record.facts[part])) for part in ("train", "test"))
    assert (train.num_rows, test.num_rows) == (record.facts["rows_train"], record.facts["rows_test"]) == (128, 32)
    assert train.column_names == ["age", "job", "contact"] and min(train.column("age").to_pylist()) >= 30
    assert data_world.store.fetch(version.artifact).read_bytes()
    assert {"rows", "columns", "train", "test"} <= set(record.facts)
    assert data_world.plan(SOURCE, SPEC).changes == ()


def test_a_column_it_drops_moves_nothing(data_world) -> None:
    data_world.apply(data_world.plan(SOURCE, SPEC))
    rewrite(data_world, _bump)
    draft = data_world.plan(SOURCE, SPEC)
    assert [(change.address.kind, change.effect) for change in draft.changes] == [
        ("data_source", Effect.REFRESH_DATA),
        ("dataset", Effect.NONE),
    ]
    (note,) = change_of(draft).notes
    assert note == "data_source.bank changed in balance, not kept in dataset.training"
    assert change_of(draft).action is Action.NO_OP
    assert [step.address.kind for step in draft.steps] == ["data_source"]
    data_world.apply(draft)
    assert data_world.plan(SOURCE, SPEC).changes == ()


def _bump(line: str) -> str:
    age, job, balance, contact = line.split(",")
    return f"{age},{job},{int(balance) + 1},{contact}"


def test_a_column_it_keeps_moves_it_with_the_cause_from_the_source(data_world) -> None:
    data_world.apply(data_world.plan(SOURCE, SPEC))
    rewrite(data_world, lambda line: line.replace("a", "z"))
    change = change_of(data_world.plan(SOURCE, SPEC))
    assert change.effect is Effect.UPDATE
    assert [cause.code for cause in change.causes] == [CauseCode.DATA, CauseCode.UPSTREAM]
    assert change.causes[0].address == Address.parse("data_source.bank")


def test_an_edited_step_is_made_and_a_known_recipe_is_used_again(data_world) -> None:
    data_world.apply(data_world.plan(SOURCE, SPEC))
    first = data_world.records[DATASET]
    edited = {**SPEC, "split": {"by": "random", "test": 0.2, "seed": 1}}
    draft = data_world.plan(SOURCE, edited)
    assert change_of(draft).effect is Effect.UPDATE
    assert {cause.code for cause in change_of(draft).causes} == {CauseCode.SPEC}
    data_world.apply(draft)
    back = data_world.plan(SOURCE, SPEC)
    assert change_of(back).effect is Effect.REUSE and [step.operation for step in back.steps] == ["record"]
    data_world.apply(back)
    assert data_world.records[DATASET].outputs == first.outputs
    assert data_world.records[DATASET].facts.items() >= first.facts.items()
    assert data_world.plan(SOURCE, SPEC).changes == ()
    forced = data_world.plan(SOURCE, SPEC, forced=frozenset({DATASET}))
    assert [step.operation for step in forced.steps] == ["build"]


def test_another_environment_uses_the_version_without_compute(data_world) -> None:
    data_world.apply(data_world.plan(SOURCE, SPEC))
    prod = data_world.elsewhere()
    draft = prod.plan(SOURCE, SPEC)
    assert change_of(draft).effect is Effect.REUSE
    assert [step.operation for step in draft.steps] == ["register", "record"]
    assert "dev/r1" in change_of(draft).notes[0]


def test_what_became_personal_shows_in_a_version_that_is_used_again(data_world) -> None:
    data_world.apply(data_world.plan(SOURCE, SPEC))
    prod = data_world.elsewhere()
    stricter = {**SOURCE, "contract": {"columns": {"contact": {"personal": True}, "job": {"personal": True}}}}
    change = change_of(prod.plan(stricter, SPEC))
    assert change.effect is Effect.REUSE and change.facts["columns"]["job"]["personal"] is True


@pytest.mark.parametrize(
    "by", [{"by": "random", "test": 0.3, "seed": 7}, {"by": "group", "column": "job", "test": 0.3}]
)
def test_the_same_recipe_gives_the_same_artifacts(data_world, by: dict[str, Any]) -> None:
    spec = {**SPEC, "split": by}
    data_world.apply(data_world.plan(SOURCE, spec))
    first = data_world.records[DATASET]
    data_world.apply(data_world.plan(SOURCE, spec, forced=frozenset({DATASET})))
    assert data_world.records[DATASET].outputs == first.outputs


def test_sql_columns_are_known_after_the_build(data_world) -> None:
    spec = {
        "prepare": [{"sql": "SELECT job, avg(age) AS age FROM source GROUP BY job ORDER BY job"}],
        "split": {"test": 0.4},
    }
    draft = data_world.plan(SOURCE, spec)
    assert change_of(draft).facts["columns"] is None and change_of(draft).facts["personal"] is True
    data_world.apply(draft)
    assert data_world.records[DATASET].facts["schema"] == {"job": "text", "age": "number"}
    assert data_world.plan(SOURCE, spec).changes == ()


def test_sql_is_not_run_by_a_plan(data_world) -> None:
    draft = data_world.plan(SOURCE, {"prepare": [{"sql": "SELECT error('ran') FROM source"}]})
    assert draft.diagnostics == ()
    with pytest.raises(OrdainError) as caught:
        data_world.apply(draft)
    assert "ran" in caught.value.diagnostics[0].summary


def test_a_step_that_cannot_work_is_found_by_the_plan(data_world) -> None:
    draft = data_world.plan(SOURCE, {"prepare": [{"drop": ["balanse"]}]})
    (problem,) = draft.diagnostics
    assert (problem.code, problem.exit, str(problem.at)) == ("dataset-step", ExitCode.SPEC, "data.yaml:1:6")
    assert "did you mean balance?" in problem.summary
    assert [step.address.kind for step in draft.steps] == ["data_source"]


def test_data_that_moved_between_plan_and_build_is_refused(data_world) -> None:
    draft = data_world.plan(SOURCE, SPEC)
    source, dataset = draft.changes
    result = data_world.perform(source, "register")
    data_world._record(source, result)
    rewrite(data_world, lambda line: line.replace("a", "z"))
    with pytest.raises(OrdainError) as caught:
        data_world.perform(dataset, "build")
    assert (caught.value.diagnostics[0].code, caught.value.exit) == ("data-moved", ExitCode.STALE)
    again = data_world.plan(SOURCE, SPEC)
    data_world._record(again.changes[0], data_world.perform(again.changes[0], "register"))
    with pytest.raises(OrdainError) as caught:
        data_world.perform(dataset, "build")
    assert (caught.value.diagnostics[0].code, caught.value.exit) == ("data-moved", ExitCode.STALE)
    assert list(data_world.places(DATASET).private.glob("*")) == []


@pytest.mark.parametrize(
    ("spec", "path", "says"),
    [
        ({"prepare": [{"drop": ["a"], "filter": "b"}]}, ("prepare", 0), "this one has drop and filter"),
        ({"prepare": [{}]}, ("prepare", 0), "this one has none"),
        ({"prepare": [{"dorp": ["a"]}]}, ("prepare", 0, "dorp"), "Extra"),
        ({"prepare": [{"join": {"with": "x"}}]}, ("prepare", 0, "join"), "not supported yet"),
        ({"prepare": [{"python": "f.py"}]}, ("prepare", 0, "python"), "not supported yet"),
        ({"prepare": [{"drop": ["a", "a"]}]}, ("prepare", 0, "drop"), "dropped twice"),
        ({"prepare": [{"filter": 3}]}, ("prepare", 0, "filter"), "valid string"),
        ({"prepare": [{"rename": ["a"]}]}, ("prepare", 0, "rename"), "dictionary"),
        ({"prepare": {"drop": ["a"]}}, ("prepare",), "tuple"),
        ({"from": "model.x"}, ("from",), "takes a data_source"),
        ({"split": {"by": "group"}}, ("split",), "needs column"),
        ({"split": {"by": "order", "seed": 1}}, ("split",), "has no seed"),
        ({"split": {"by": "random", "column": "a"}}, ("split",), "column is for split by group"),
        ({"split": {"test": 1}}, ("split", "test"), "less than 1"),
        ({"split": {"stratify": "a"}}, ("split", "stratify"), "not supported yet"),
    ],
)
def test_specs_that_are_refused(spec: dict[str, Any], path: tuple[Any, ...], says: str) -> None:
    normalised, errors = check(DatasetSpec, {"from": "data_source.bank", **spec})
    assert normalised is None
    assert [(error.path, says in error.message) for error in errors] == [(path, True)]


def test_a_normalised_spec_says_only_what_was_said() -> None:
    written = {
        "from": "data_source.bank",
        "prepare": [{"drop": ["a"]}, {"derive": {"b": "c"}}],
        "split": {"by": "random"},
    }
    normalised, errors = check(DatasetSpec, written)
    assert not errors
    assert normalised == {**written, "split": {"by": "random", "test": 0.2, "seed": 0}}
    assert check(DatasetSpec, normalised)[0] == normalised


def test_a_dataset_that_lost_an_artifact_is_built_again(data_world: Any) -> None:
    source: dict[str, Any] = {"path": "bank.csv"}
    data_world.apply(data_world.plan(source, {}))
    (version,) = data_world.versions[DATASET]
    data_world.versions[DATASET] = (replace(version, artifact=""),)
    draft = data_world.plan(source, {})
    (change,) = draft.changes
    assert (change.effect, [step.operation for step in draft.steps]) == (Effect.UPDATE, ["build"])
    assert [(cause.code, cause.address) for cause in change.causes] == [(CauseCode.LOST, DATASET)]
    data_world.apply(draft)
    assert not data_world.plan(source, {}).changes


def without_balance(world: Any) -> None:
    lines = (world.root / "bank.csv").read_text().splitlines()
    kept = [",".join(cell for place, cell in enumerate(line.split(",")) if place != 2) for line in lines]
    (world.root / "bank.csv").write_text("\n".join(kept) + "\n")


def test_a_column_that_it_drops_may_go(data_world: Any) -> None:
    """It stays as it is and says what is needless; built again, in another environment too, it is the same version."""
    data_world.apply(data_world.plan(SOURCE, SPEC))
    without_balance(data_world)
    draft = data_world.plan(SOURCE, SPEC)
    assert change_of(draft).effect is Effect.NONE
    assert [(one.code, one.is_error, one.path) for one in draft.diagnostics] == [
        ("dataset-column-gone", False, ("spec", "prepare", 0, "drop", 0))
    ]
    data_world.apply(draft)
    again = data_world.plan(SOURCE, SPEC, forced=frozenset({DATASET}))
    version = data_world.records[DATASET].outputs
    data_world.apply(again)
    assert data_world.records[DATASET].outputs == version
    assert change_of(data_world.elsewhere().plan(SOURCE, SPEC)).effect is Effect.REUSE
    shorter = data_world.plan(SOURCE, {**SPEC, "prepare": SPEC["prepare"][1:]})  # and where the drop goes too
    assert (change_of(shorter).effect, shorter.diagnostics) == (Effect.UPDATE, ())
    assert change_of(shorter).inputs == change_of(again).inputs


def test_a_column_that_never_was_is_not_dropped(data_world: Any) -> None:
    without_balance(data_world)
    (problem,) = data_world.plan(SOURCE, SPEC).diagnostics
    assert problem.is_error and "no column balance" in problem.summary


def test_another_version_of_what_prepares_it_is_the_cause(data_world: Any, monkeypatch: Any) -> None:
    data_world.apply(data_world.plan(SOURCE, SPEC))
    monkeypatch.setattr("ordain_files.preparer.version", lambda name: "99.1.0")
    change = change_of(data_world.plan(SOURCE, SPEC))
    (cause,) = change.causes
    assert (cause.code, cause.after) == (CauseCode.LIBRARY, "99.1") and cause.detail.startswith("duckdb: ")


def test_what_its_source_is_called_does_not_count() -> None:
    assert facets(DatasetSpec)["from"] is Facet.RECORD


def test_another_source_of_other_content_says_what_differs(data_world: Any) -> None:
    data_world.apply(data_world.plan(SOURCE, SPEC))
    record = data_world.records[DATASET]
    columns = {name: {**one, "digest": "x" if name == "job" else one["digest"]} for name, one in _source(data_world)}
    other = Outlook(
        address=Address.parse("data_source.other"),
        kind="DataSource",
        effect=Effect.CREATE,
        outputs={},
        facts={"rows": 200, "columns": columns},
    )
    spec = {**record.spec, "from": "data_source.other"}
    situation = Situation(
        resource=Resource(
            address=DATASET, kind="Dataset", provider="duckdb", spec=spec, source=Source(file="d", line=1, text="")
        ),
        environment="dev",
        spec=spec,
        record=record,
        upstream={other.address: other},
        provider_recipe=record.inputs["build"]["preparer"],
    )
    delta = Delta(
        is_new=False,
        facets=frozenset({Facet.BUILD, Facet.RECORD}),
        fields=(FieldChange(path=("from",), before="data_source.bank", after="data_source.other"),),
        inputs=("build.columns",),
    )
    (cause,) = Dataset().explain(situation, delta)
    assert cause.code is CauseCode.DATA
    assert cause.detail == "data_source.other is not data_source.bank, which it was made of: job"


def _source(world: Any) -> Any:
    return world.records[Address.parse("data_source.bank")].facts["columns"].items()
