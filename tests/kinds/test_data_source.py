"""DataSource from plan to record, with real files."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow.csv
import pyarrow.parquet
import pytest

from ordain.api.kind import Situation
from ordain.kinds.data_source import DataSource
from ordain.values.address import Address, Reference
from ordain.values.change import CauseCode, Effect
from ordain.values.codec import dumps
from ordain.values.data import Unknown
from ordain.values.diagnostic import ExitCode, OrdainError
from ordain.values.resource import Resource
from ordain.values.span import Source

CONTRACT: dict[str, Any] = {
    "rows": {"min": 10},
    "columns": {"age": {"type": "integer", "min": 18}, "contact": {"personal": True}},
}
SPEC: dict[str, Any] = {"path": "bank.csv", "contract": CONTRACT}


def only(draft: Any) -> Any:
    (change,) = draft.changes
    return change


def test_create_then_nothing(data_world) -> None:
    draft = data_world.plan(SPEC)
    change = only(draft)
    assert change.effect is Effect.CREATE and [step.operation for step in draft.steps] == ["register"]
    assert change.outputs["path"] == "bank.csv" and change.outputs["rows"] == 200
    assert change.facts["columns"]["contact"]["personal"] is True
    assert change.facts["columns"]["age"]["personal"] is False
    data_world.apply(draft)
    record = data_world.records[change.address]
    assert record.outputs == change.outputs and record.facts == change.facts
    assert data_world.plan(SPEC).changes == ()


@pytest.mark.parametrize(
    ("edit", "effect"),
    [
        ({"contract": {**CONTRACT, "rows": {"min": 11}}}, Effect.RE_EVALUATE),
        ({"contract": None}, Effect.RE_EVALUATE),
        ({"na": ["", "-"]}, Effect.UPDATE),
        ({"delimiter": ";", "contract": None}, Effect.REFRESH_DATA),
    ],
)
def test_effects_of_an_edited_spec(data_world, edit: dict[str, Any], effect: Effect) -> None:
    data_world.apply(data_world.plan(SPEC))
    assert data_world.plan({**SPEC, "delimiter": ",", "encoding": "UTF8"}).changes == ()  # defaults, said otherwise
    draft = data_world.plan({**SPEC, **edit})
    assert only(draft).effect is effect and [step.operation for step in draft.steps] == ["register"]


def test_a_description_inside_the_contract_is_cosmetic(data_world) -> None:
    data_world.apply(data_world.plan(SPEC))
    columns = {**CONTRACT["columns"], "age": {**CONTRACT["columns"]["age"], "description": "years"}}
    draft = data_world.plan({**SPEC, "contract": {**CONTRACT, "columns": columns}})
    assert only(draft).effect is Effect.COSMETIC
    assert [step.operation for step in draft.steps] == ["record"]
    data_world.apply(draft)
    assert data_world.records[only(draft).address].facts["columns"]["contact"]["personal"] is True
    assert data_world.plan({**SPEC, "contract": {**CONTRACT, "columns": columns}}).changes == ()


def test_a_file_elsewhere_with_the_same_content_moves_no_data(data_world) -> None:
    data_world.apply(data_world.plan(SPEC))
    (data_world.root / "bank.csv").rename(data_world.root / "moved.csv")
    change = only(data_world.plan({**SPEC, "path": "moved.csv"}))
    assert change.effect is Effect.UPDATE and change.outputs["path"] == "moved.csv"
    assert all(cause.code is not CauseCode.DATA for cause in change.causes)


def test_changed_data_is_explained(data_world) -> None:
    data_world.apply(data_world.plan(SPEC))
    with (data_world.root / "bank.csv").open("a") as file:
        file.writelines(f"{60 + n % 5},d,{5000 + n},x\n" for n in range(100))
    change = only(data_world.plan(SPEC))
    (cause,) = change.causes
    assert change.effect is Effect.REFRESH_DATA and cause.code is CauseCode.DATA
    assert cause.detail.startswith("100 rows added (200 → 300), those before unchanged; moved: ")
    assert "job (PSI" in cause.detail and "1 new level" in cause.detail
    assert cause.data["columns"]["job"]["new"] == ["d"]  # type: ignore[index, call-overload]
    data_world.apply(data_world.plan(SPEC))
    assert data_world.plan(SPEC).changes == ()
    assert "since" not in data_world.records[change.address].facts


def test_no_cell_of_a_personal_column_reaches_plan_or_state(data_world) -> None:
    personal = {"contract": {"columns": {"job": {"personal": True}, "age": {"personal": True}}}}
    (data_world.root / "bank.csv").write_text("job,age\nAda,71\nGrace,72\n")
    data_world.apply(data_world.plan({**SPEC, "contract": None}))
    assert b"Grace" in dumps(list(data_world.records.values()))
    for names in ("Ada,71\nGrace,72\nBarbara,73\n", "Ada,71\nMargaret,79\n"):
        (data_world.root / "bank.csv").write_text(f"job,age\n{names}")
        draft = data_world.plan({**SPEC, **personal})
        assert not any(word in dumps(draft.changes) for word in (b"Ada", b"Grace", b"Barbara", b"Margaret"))
        data_world.apply(draft)
        assert b"Ada" not in dumps(list(data_world.records.values()))


def test_a_broken_contract_stops_with_exit_7(data_world) -> None:
    draft = data_world.plan({**SPEC, "contract": {"columns": {"age": {"max": 30}}}})
    (problem,) = draft.diagnostics
    assert (problem.exit, str(problem.at)) == (ExitCode.GATE, "data.yaml:1:6")
    assert problem.summary == "age: the highest value is 69, contract says max 30"
    assert only(draft).effect is Effect.CREATE


def test_a_missing_file_stops_the_plan_once(data_world) -> None:
    draft = data_world.plan({**SPEC, "path": "nope.csv"}, {})
    assert [(one.code, one.exit, str(one.at)) for one in draft.diagnostics] == [
        ("source-missing", ExitCode.SPEC, "data.yaml:1:3")
    ]
    assert not draft.steps and all(change.deferred for change in draft.changes)


def test_data_that_moved_since_the_plan_is_refused(data_world) -> None:
    draft = data_world.plan(SPEC)
    with (data_world.root / "bank.csv").open("a") as file:
        file.write("1,a,1,x\n")
    with pytest.raises(OrdainError) as caught:
        data_world.apply(draft)
    assert (caught.value.diagnostics[0].code, caught.value.exit) == ("data-moved", ExitCode.STALE)
    (data_world.root / "bank.csv").unlink()
    with pytest.raises(OrdainError) as caught:
        data_world.apply(draft)
    assert caught.value.diagnostics[0].code == "source-missing"


def test_deleting_leaves_the_data(data_world) -> None:
    data_world.apply(data_world.plan(SPEC))
    (record,) = data_world.records.values()
    change = only(data_world.plan(SPEC, forced=frozenset({record.address})))
    before = (data_world.root / "bank.csv").read_bytes()
    assert data_world.perform(change, "delete").outputs == {}
    assert (data_world.root / "bank.csv").read_bytes() == before


def test_an_unknown_path_is_deferred() -> None:
    reference = Reference(address=Address.parse("infrastructure.bucket"), path=("path",))
    spec = {"path": Unknown(expression="${{ infrastructure.bucket.outputs.path }}", refs=(reference,))}
    resource = Resource(
        address=Address.parse("data_source.bank"),
        kind="DataSource",
        provider="csv",
        spec=spec,
        source=Source(file="data.yaml", line=1, text=""),
    )
    situation = Situation(resource=resource, environment="dev", spec=None)
    assert DataSource().look(situation) is None
    assert "infrastructure.bucket.outputs.path" in DataSource().inputs(situation).deferred
    assert DataSource().look(replace(situation, spec={"path": "x"})) is not None


def test_the_provider_is_the_cause_where_it_changed(data_world: Any) -> None:
    csv = {"path": "bank.csv"}
    data_world.apply(data_world.plan(csv))
    rows = pyarrow.csv.read_csv(data_world.root / "bank.csv")
    pyarrow.parquet.write_table(rows, data_world.root / "bank.parquet")
    (change,) = data_world.plan({"path": "bank.parquet"}, provider="parquet").changes
    assert [(cause.path, cause.before, cause.after) for cause in change.causes] == [
        (("spec", "provider"), "csv", "parquet"),
        (("spec", "path"), "bank.csv", "bank.parquet"),
    ]
