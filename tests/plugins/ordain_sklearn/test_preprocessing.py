"""What happens to columns before the estimator, and that it learns from the training part alone."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings, strategies as st

from ordain.api import OrdainError
from ordain_sklearn.frame import matrix_of_rows, matrix_of_table
from ordain_sklearn.persistence import load
from ordain_sklearn.schema import MISSING, InputType, Schema, Task, label
from ordain_sklearn.trainer import Sklearn


def steps(trained: Any) -> dict[str, Any]:
    """Return the fitted transformers by name."""
    pipeline, _ = load(trained.artifact, ())
    return dict(pipeline["prepare"].named_transformers_)


def table_of(**columns: Any) -> pa.Table:
    rows = len(next(iter(columns.values())))
    return pa.table({**columns, "t": ["yes" if one % 2 else "no" for one in range(rows)]})


def test_preprocessing_is_fitted_on_the_training_part_only(bench: Any) -> None:
    """The held-out rows hold a level and numbers that nothing fitted may have seen."""
    table = table_of(n=[1.0] * 80 + [1_000_000.0] * 20, c=["seen"] * 80 + ["unseen"] * 20)
    fitted = steps(bench.train("linear_model.LogisticRegression", table, features=("n", "c")))
    assert fitted["numbers"]["impute"].statistics_ == pytest.approx([1.0])
    assert fitted["numbers"]["scale"].mean_ == pytest.approx([1.0])
    assert [list(levels) for levels in fitted["onehot"].categories_] == [["seen"]]


@pytest.mark.parametrize("estimator", ["linear_model.LogisticRegression", "svm.SVC", "neighbors.KNeighborsClassifier"])
def test_linear_kernel_and_distance_estimators_get_scaled_numbers(bench: Any, estimator: str) -> None:
    fitted = steps(bench.train(estimator))
    assert list(fitted["numbers"].named_steps) == ["impute", "scale"]
    assert fitted["numbers"]["impute"].strategy == "median"
    assert fitted["numbers"]["impute"].add_indicator


def test_trees_that_read_gaps_get_them(bench: Any) -> None:
    untouched = steps(bench.train("ensemble.RandomForestClassifier", params={"n_estimators": 2}))["numbers"]
    assert type(untouched).__name__ == "FunctionTransformer" and untouched.func is None
    imputed = steps(bench.train("ensemble.GradientBoostingClassifier", params={"n_estimators": 2}))
    assert list(imputed["numbers"].named_steps) == ["impute"]


def test_an_ensemble_of_linear_estimators_gets_scaled_numbers(bench: Any) -> None:
    inner = {"estimator": "sklearn.linear_model.LogisticRegression", "params": {"C": 0.5}}
    fitted = steps(bench.train("ensemble.BaggingClassifier", params={"estimator": inner, "n_estimators": 2}))
    assert "scale" in fitted["numbers"].named_steps


def test_many_levels_become_numbers_few_become_columns(bench: Any) -> None:
    fitted = steps(bench.train("linear_model.LogisticRegression"))
    assert fitted["onehot"].feature_names_in_.tolist() == ["category:c"]
    assert fitted["ordinal"].feature_names_in_.tolist() == ["category:d"]
    wide = steps(bench.train("linear_model.LogisticRegression", preprocess={"categories": {"max_levels": 100}}))
    assert wide["onehot"].feature_names_in_.tolist() == ["category:c", "category:d"]


def test_histogram_boosting_knows_categories_itself(bench: Any) -> None:
    trained = bench.train("ensemble.HistGradientBoostingClassifier", params={"max_iter": 2})
    pipeline, _ = load(trained.artifact, ())
    assert pipeline["estimator"].categorical_features == [0, 1]
    assert pipeline["estimator"].is_categorical_[:2].all() and not pipeline["estimator"].is_categorical_[2:].any()


def test_an_override_is_followed(bench: Any) -> None:
    preprocess = {
        "numbers": {"impute": "mean", "scale": False},
        "categories": {"encode": "ordinal"},
        "columns": {"b": "drop"},
    }
    trained = bench.train("linear_model.LogisticRegression", preprocess=preprocess)
    fitted = steps(trained)
    assert "b" not in trained.facts["inputs"]
    assert list(fitted["numbers"].named_steps) == ["impute"]
    assert fitted["numbers"]["impute"].strategy == "mean"
    assert fitted["ordinal"].feature_names_in_.tolist() == ["category:c", "category:d"]


@pytest.mark.parametrize(
    ("preprocess", "code"),
    [
        ({"columns": {"zz": "drop"}}, "preprocess-column"),
        ({"columns": {"c": "passthrough"}}, "preprocess-column"),
        ({"columns": dict.fromkeys("abcde", "drop") | {"day": "drop", "when": "drop"}}, "preprocess-column"),
        ({"categories": {"encode": "native"}}, "preprocess-native"),
    ],
)
def test_an_override_that_cannot_be_is_refused(bench: Any, preprocess: Any, code: str) -> None:
    with pytest.raises(OrdainError) as caught:
        bench.train("linear_model.LogisticRegression", preprocess=preprocess)
    assert caught.value.diagnostics[0].code == code
    assert caught.value.diagnostics[0].path[:2] == ("spec", "preprocess")


def test_a_column_that_is_all_gaps_keeps_its_place(bench: Any) -> None:
    table = table_of(n=pa.array([None] * 100, pa.float64()), m=list(range(100)))
    for estimator in ("linear_model.LogisticRegression", "ensemble.GradientBoostingClassifier"):
        bench.train(estimator, table, features=("n", "m"))


def test_an_unknown_level_and_a_gap_are_answered(bench: Any) -> None:
    known = {"a": 0.1, "b": 0.2, "c": "x", "d": "k1", "e": True, "day": "2024-02-01", "when": "2024-02-01T05:00:00"}
    for estimator in ("linear_model.LogisticRegression", "ensemble.HistGradientBoostingClassifier", "svm.LinearSVC"):
        trained = bench.train(estimator)
        model = Sklearn().load(trained.artifact, trained.facts, ())
        answers = model.predict([known, {**known, "c": "never seen", "d": "nor this"}, dict.fromkeys(known)])
        assert len(answers) == 3


SCHEMA = Schema(
    task=Task.REGRESSION,
    target="y",
    inputs={
        "b": InputType.BOOLEAN,
        "c": InputType.CATEGORY,
        "d": InputType.DATE,
        "n": InputType.NUMBER,
        "w": InputType.DATETIME,
    },
)


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "b": st.none() | st.booleans(),
                "c": st.none() | st.text(max_size=5),
                "d": st.none() | st.dates(min_value=date(1900, 1, 1), max_value=date(2200, 1, 1)),
                "n": st.none() | st.floats(-1e30, 1e30) | st.integers(-(2**40), 2**40).map(float),
                "w": st.none() | st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1)),
            }
        ),
        min_size=1,
        max_size=8,
    )
)
@settings(max_examples=60, deadline=None)
def test_rows_of_a_request_become_what_rows_of_a_file_become(rows: list[dict[str, Any]]) -> None:
    types = {"b": pa.bool_(), "c": pa.string(), "d": pa.date32(), "n": pa.float64(), "w": pa.timestamp("us")}
    table = pa.table({name: pa.array([row[name] for row in rows], kind) for name, kind in types.items()})
    spoken = [
        {key: value.isoformat() if isinstance(value, date) else value for key, value in row.items()} for row in rows
    ]
    filed, asked = matrix_of_table(SCHEMA, table), matrix_of_rows(SCHEMA, spoken)
    assert filed.columns.tolist() == asked.columns.tolist()
    for name in filed.columns:
        np.testing.assert_array_equal(filed[name].to_numpy(), asked[name].to_numpy())


def test_parts_of_a_date() -> None:
    one = matrix_of_rows(SCHEMA, [{"b": True, "c": None, "d": "2026-11-21", "n": 3, "w": "2026-11-21T23:30:00+02:00"}])
    row = one.iloc[0].to_dict()
    assert [row[f"date:d:{part}"] for part in ("year", "month", "day", "weekday")] == [2026, 11, 21, 5]
    assert [row[f"date:w:{part}"] for part in ("day", "hour")] == [21, 21]
    assert row["category:c"] == MISSING


@pytest.mark.parametrize(("value", "text"), [(3, "3"), (3.0, "3"), (3.5, "3.5"), (True, "true"), ("x", "x")])
def test_labels(value: Any, text: str) -> None:
    assert label(value) == text


def test_no_two_inputs_share_a_column_of_the_matrix() -> None:
    names = ("x", "x:year", "date:x", "number:x")
    for first in InputType:
        schema = Schema(task=Task.REGRESSION, target="y", inputs=dict.fromkeys(names, first))
        columns = [column for name in names for column in schema.matrix_columns(name)]
        assert len(columns) == len(set(columns))
