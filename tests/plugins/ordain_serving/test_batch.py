"""Scoring a file: the right rows with the right version, written whole, seen when it no longer holds."""

from __future__ import annotations

import csv
import gzip
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet
from pydantic import ValidationError

from ordain.api import OrdainError
from ordain_serving.batch import Batch
from ordain_serving.options import BatchOptions

ROWS = "customer,age,balance\na,30,1.5\nb,-40,2\n"


@pytest.fixture
def scoring(world: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "support"))
    world.target = Batch()
    (world.root / "new.csv").write_text(ROWS)
    return world


def deploy(world: Any, version: str = "v1", bias: float = 0, **spec: Any) -> Any:
    return world.deploy(version, {"bias": bias}, **{"input": "new.csv", "output": "out/scores.csv", **spec})


def scores(world: Any, path: str = "out/scores.csv") -> list[dict[str, str]]:
    with (world.root / path).open(newline="") as file:
        return list(csv.DictReader(file))


def test_each_row_is_scored_by_the_standing_version(scoring):
    result = deploy(scoring)
    assert scores(scoring) == [
        {"customer": "a", "age": "30", "balance": "1.5", "prediction": "yes", "probability_no": "0",
         "probability_yes": "1", "model_version": "v1"},
        {"customer": "b", "age": "-40", "balance": "2", "prediction": "no", "probability_no": "1",
         "probability_yes": "0", "model_version": "v1"},
    ]  # fmt: skip
    assert result.outputs == {"url": "out/scores.csv", "version": "v1"} and result.facts == {"rows": 2}


def test_only_the_kept_columns_are_written_along(scoring):
    deploy(scoring, keep=["customer"])
    assert list(scores(scoring)[0]) == ["customer", "prediction", "probability_no", "probability_yes", "model_version"]


@pytest.mark.parametrize("name", ["new.csv.gz", "new.parquet"])
def test_other_files_are_read_and_parquet_is_written(scoring, name):
    if name.endswith("gz"):
        (scoring.root / name).write_bytes(gzip.compress(ROWS.encode()))
    else:
        parquet.write_table(pa.table({"age": [30, -40], "balance": [1.5, 2.0]}), scoring.root / name)
    deploy(scoring, input=name, output="scores.parquet")
    assert parquet.read_table(scoring.root / "scores.parquet")["prediction"].to_pylist() == ["yes", "no"]


def test_many_rows_are_scored_piece_by_piece(scoring, monkeypatch):
    monkeypatch.setattr("ordain_serving.batch.CHUNK", 7)
    (scoring.root / "new.csv").write_text("age,balance\n" + "".join(f"{number - 50},0\n" for number in range(100)))
    deploy(scoring)
    assert [one["prediction"] for one in scores(scoring)] == ["no"] * 51 + ["yes"] * 49


def test_it_stands_as_long_as_both_files_do(scoring):
    assert scoring.look().facts["running"] is False
    deploy(scoring)
    assert scoring.look().facts == {"running": True, "version": "v1", "url": "out/scores.csv", "detail": ""}
    (scoring.root / "new.csv").write_text(ROWS + "c,1,1\n")
    assert scoring.look().facts["detail"] == "new.csv changed since it was scored"
    (scoring.root / "out/scores.csv").write_text("mine")
    assert scoring.look().facts["detail"] == "out/scores.csv was changed since it was written"
    (scoring.root / "out/scores.csv").unlink()
    assert scoring.look().facts["detail"] == "out/scores.csv is gone"
    deploy(scoring)
    assert scoring.look().facts["running"] is True and len(scores(scoring)) == 3


def test_the_same_again_writes_the_same(scoring):
    deploy(scoring)
    before = (scoring.root / "out/scores.csv").read_bytes()
    scoring.record = None  # a run was cut off after the file was in place
    deploy(scoring)
    assert (scoring.root / "out/scores.csv").read_bytes() == before
    assert [path.name for path in (scoring.root / "out").iterdir()] == ["scores.csv"]


def test_another_version_scores_again(scoring):
    deploy(scoring)
    deploy(scoring, "v2", bias=100)
    assert [(one["prediction"], one["model_version"]) for one in scores(scoring)] == [("yes", "v2")] * 2


def test_a_strangers_file_is_never_overwritten(scoring):
    (scoring.root / "mine.csv").write_text("precious")
    with pytest.raises(OrdainError, match="was not written by this deployment"):
        deploy(scoring, output="mine.csv")
    deploy(scoring)
    with pytest.raises(OrdainError, match="was not written by this deployment"):
        deploy(scoring, output="mine.csv")
    assert (scoring.root / "mine.csv").read_text() == "precious"
    assert not list(scoring.root.glob(".*.part"))


def test_a_new_output_takes_the_old_ones_place(scoring):
    deploy(scoring)
    deploy(scoring, output="b.csv")
    assert scores(scoring, "b.csv") and not (scoring.root / "out/scores.csv").exists()


def test_it_goes_with_its_output_but_not_with_one_that_was_changed(scoring):
    deploy(scoring)
    assert scoring.remove().message == "removed out/scores.csv"
    assert not (scoring.root / "out/scores.csv").exists()
    assert scoring.remove().message == "removed"
    deploy(scoring)
    (scoring.root / "out/scores.csv").write_text("edited")
    assert scoring.remove().message.startswith("left out/scores.csv")
    assert (scoring.root / "out/scores.csv").read_text() == "edited"


@pytest.mark.parametrize(
    ("text", "spec", "said"),
    [
        (ROWS, {"input": "none.csv"}, "there is no file none.csv"),
        ("customer,age\na,1\n", {}, "lacks balance"),
        ("age,balance\nten,1\n", {}, "cannot be read"),
        ("age,balance\n1,2\n1\n", {}, "cannot be read"),
        ("age,balance\n,2\n", {}, "does not fit the model"),
        (ROWS, {"keep": ["nope"]}, "no column 'nope' to keep"),
        ("age,balance,prediction\n1,1,1\n", {}, "the column 'prediction'"),
    ],
)
def test_rows_that_cannot_be_scored_leave_nothing_behind(scoring, text, spec, said):
    (scoring.root / "new.csv").write_text(text)
    with pytest.raises(OrdainError) as raised:
        deploy(scoring, **spec)
    assert said in raised.value.diagnostics[0].summary and raised.value.diagnostics[0].fix
    assert not list((scoring.root / "out").glob("*")) and not list(scoring.root.glob(".*.part"))


def test_an_artifact_that_was_changed_scores_nothing(scoring):
    call = scoring.call("deploy", scoring.model("v1", {"bias": 0}), input="new.csv", output="s.csv")
    for artifact in scoring.store.folder.iterdir():
        artifact.write_text('{"bias": 1}')
    with pytest.raises(OrdainError, match="not what its digest says"):
        scoring.target.deploy(replace(call))


@pytest.mark.parametrize(
    "spec",
    [
        {"input": "/etc/x.csv", "output": "s.csv"},
        {"input": "../x.csv", "output": "s.csv"},
        {"input": "x.csv", "output": "/tmp/s.csv"},
        {"input": "x.csv", "output": "s.txt"},
        {"input": "x.csv", "output": "./x.csv"},
        {"input": "x.csv"},
    ],
)
def test_paths_stay_in_the_project(spec):
    with pytest.raises(ValidationError):
        BatchOptions.model_validate(spec)
