"""A model that scikit-learn really trained, served: the same answers as in this process, and no body it fails on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from pyarrow import parquet

from ordain.api import ResourceRecord, TrainRequest
from ordain_sklearn.trainer import Sklearn

SPEC = {
    "dataset": "dataset.training",
    "target": "deposit",
    "positive": "yes",
    "estimator": "sklearn.ensemble.HistGradientBoostingClassifier",
    "params": {"max_iter": 5},
    "seed": 7,
    "metrics": ["roc_auc"],
}
COLUMNS = {
    "job": {"type": "category"},
    "age": {"type": "integer"},
    "balance": {"type": "number"},
    "deposit": {"type": "category"},
}
ROWS = [{"job": "nurse", "age": 30, "balance": 1.5}, {"job": None, "age": 61, "balance": None}]


@dataclass
class Served:
    """A world whose server holds a real model, and the same model here."""

    world: Any
    artifact: Path
    facts: Mapping[str, Any]


@pytest.fixture(scope="module")
def real(served, tmp_path_factory) -> Served:
    folder = tmp_path_factory.mktemp("training")
    ages = [18 + index % 60 for index in range(200)]
    rows = {
        "job": [("nurse", "cook", "clerk")[age % 3] for age in ages],
        "age": ages,
        "balance": [float(age * 10 % 37) for age in ages],
        "deposit": ["yes" if age > 40 else "no" for age in ages],
    }
    parquet.write_table(pa.table(rows), folder / "rows.parquet")
    request = TrainRequest(
        spec=SPEC,
        train=folder / "rows.parquet",
        test=folder / "rows.parquet",
        features=("job", "age", "balance"),
        columns=COLUMNS,
        folder=folder,
        report=lambda progress: None,
    )
    trained = Sklearn().train(request)
    model: ResourceRecord = replace(
        served.model("v7", trained.artifact.read_bytes()),
        spec=SPEC,
    )
    facts = {**model.facts, "columns": COLUMNS, "model": trained.facts}
    served.trainer = "ordain_sklearn.trainer:Sklearn"
    call = served.call("deploy", replace(model, facts=facts))
    result = served.target.deploy(call)
    served.record = replace(served.record, outputs=result.outputs, private=result.private)
    return Served(world=served, artifact=trained.artifact, facts=trained.facts)


def test_the_same_answers_as_here(real: Served) -> None:
    here = Sklearn().load(real.artifact, real.facts, ()).predict(ROWS)
    status, body, headers = real.world.ask("POST", "/predict", {"rows": ROWS})
    assert (status, body["version"], headers["x-ordain-version"]) == (200, "v7", "v7")
    assert body["predictions"] == here
    assert set(here[0]["probabilities"]) == {"no", "yes"}  # type: ignore[arg-type]


def test_the_metadata_names_what_it_takes_and_gives(real: Served) -> None:
    body = real.world.ask("GET", "/v2/models/subscriber")[1]
    assert {one["name"]: one["datatype"] for one in body["inputs"]} == {
        "job": "BYTES",
        "age": "INT64",
        "balance": "FP64",
    }
    assert [one["name"] for one in body["inputs"]] == ["job", "age", "balance"]
    assert [one["datatype"] for one in body["outputs"]] == ["BYTES", "FP64"]


def test_inference_by_tensors(real: Served) -> None:
    inputs = [
        {"name": name, "datatype": datatype, "shape": [2, 1], "data": [[row[name]] for row in ROWS]}
        for name, datatype in (("job", "BYTES"), ("age", "INT64"), ("balance", "FP64"))
    ]
    body = real.world.ask("POST", "/v2/models/subscriber/infer", {"inputs": inputs})[1]
    plain = real.world.ask("POST", "/predict", {"rows": ROWS})[1]["predictions"]
    assert body["outputs"][0]["data"] == [one["prediction"] for one in plain]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"job": "nurse", "age": "old", "balance": 1}, ("row 1", "age")),
        ({"job": "nurse", "balance": 1}, ("row 1", "age")),
        ({"job": "nurse", "age": True, "balance": "1,5"}, ("row 1",)),
    ],
)
def test_what_does_not_fit_is_named_by_row_and_column(
    real: Served, row: dict[str, Any], words: tuple[str, ...]
) -> None:
    status, body, _ = real.world.ask("POST", "/predict", {"rows": [ROWS[0], row]})
    assert status == 422
    assert all(word in body["error"] for word in words), body


cells = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5)
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(row=st.fixed_dictionaries({}, optional={"job": cells, "age": cells, "balance": cells, "more": cells}))
def test_no_row_makes_it_fail(real: Served, row: dict[str, Any]) -> None:
    status, body, _ = real.world.ask("POST", "/predict", json.dumps({"rows": [row]}).encode())
    assert status in (200, 400, 422), body
