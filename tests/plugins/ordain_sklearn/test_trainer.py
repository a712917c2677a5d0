"""The trainer: what it refuses and how it says so, what it measures, how it answers; and the real data."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import sklearn.metrics as reference

from ordain.api import ExitCode, OrdainError
from ordain_sklearn.measuring import Answers, measure
from ordain_sklearn.options import SklearnOptions
from ordain_sklearn.schema import Schema, Task
from ordain_sklearn.trainer import Sklearn

LOGISTIC = "linear_model.LogisticRegression"


def refusal(bench: Any, estimator: str = LOGISTIC, *args: Any, **spec: Any) -> Any:
    with pytest.raises(OrdainError) as caught:
        bench.train(estimator, *args, **spec)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.fix
    return diagnostic


@pytest.mark.parametrize(
    ("estimator", "code", "summary", "fix"),
    [
        ("linear_model.LogisticRegresion", "estimator-unknown", "has no estimator", "did you mean LogisticRegression?"),
        ("linear_modell.Ridge", "estimator-unknown", "no module sklearn.linear_modell", "did you mean linear_model?"),
        ("linear_model.ridge_regression", "estimator-unknown", "has no estimator", "did you mean"),
        ("cluster.KMeans", "estimator-task", "clusterer", "classifier or a regressor"),
        ("ensemble.IsolationForest", "estimator-task", "outlier detector", "classifier or a regressor"),
        ("preprocessing.StandardScaler", "estimator-task", "neither", "classifier or a regressor"),
        ("svm.LinearSVC.fit", "estimator-unknown", "no module", "modules of sklearn"),
        ("base.warnings", "estimator-unknown", "has no estimator", ""),
    ],
)
def test_an_estimator_that_is_none_is_refused(bench: Any, estimator: str, code: str, summary: str, fix: str) -> None:
    found = refusal(bench, estimator)
    assert (found.code, found.path) == (code, ("spec", "estimator"))
    assert summary in found.summary and fix in found.fix


def test_an_estimator_of_nobody_trusted_is_not_imported(bench: Any, tmp_path: Path, monkeypatch: Any) -> None:
    marker = tmp_path / "imported"
    (tmp_path / "evil_models.py").write_text(f"open({str(marker)!r}, 'w').close()\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = refusal(bench, "evil_models.Best", foreign=True)
    assert found.code == "estimator-untrusted" and not marker.exists()


@pytest.mark.parametrize("prefix", ["", ".", "evil", "evil_model", "evil_models.Bes"])
def test_a_prefix_trusts_whole_packages_only(bench: Any, prefix: str) -> None:
    assert refusal(bench, "evil_models.Best", foreign=True, trusted=(prefix,)).code == "estimator-untrusted"


def test_an_estimator_of_a_trusted_package_trains_and_loads(bench: Any, tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "our_models.py").write_text(
        "from sklearn.linear_model import LogisticRegression\nclass Ours(LogisticRegression):\n    pass\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    trained = bench.train("our_models.Ours", foreign=True, trusted=("our_models.",), params={"C": 0.5})
    assert Sklearn().load(trained.artifact, trained.facts, ("our_models.",))
    with pytest.raises(OrdainError, match=r"our_models\.Ours"):
        Sklearn().load(trained.artifact, trained.facts, ())


@pytest.mark.parametrize(
    ("estimator", "params", "path", "fix"),
    [
        (LOGISTIC, {"max_itter": 3}, ("spec", "params", "max_itter"), "did you mean max_iter?"),
        (LOGISTIC, {"zzz": 3}, ("spec", "params", "zzz"), "parameters of LogisticRegression: C,"),
        (LOGISTIC, {"class_weight": {"maybe": 2}}, ("spec", "params", "class_weight"), "classes: no, yes"),
        (LOGISTIC, {"C": -1}, ("spec", "params", "C"), "change its params"),
        (LOGISTIC, {"C": "much"}, ("spec", "params", "C"), "change its params"),
        ("ensemble.VotingClassifier", {}, ("spec", "params"), "give the parameters it needs"),
        (
            "ensemble.BaggingClassifier",
            {"estimator": {"estimator": "sklearn.svm.SVC", "params": {"CC": 1}}},
            ("spec", "params", "estimator", "params", "CC"),
            "did you mean C?",
        ),
        (
            "ensemble.BaggingClassifier",
            {"estimator": {"estimator": "os.system"}},
            ("spec", "params", "estimator", "estimator"),
            "trust:",
        ),
        (
            "ensemble.HistGradientBoostingClassifier",
            {"categorical_features": [0]},
            ("spec", "params", "categorical_features"),
            "preprocess",
        ),
    ],
)
def test_wrong_params_are_refused(bench: Any, estimator: str, params: Any, path: Any, fix: str) -> None:
    found = refusal(bench, estimator, params=params)
    assert found.path == path and fix in found.fix


def test_weights_are_keyed_by_label(bench: Any) -> None:
    plain = bench.train(LOGISTIC, metrics=["recall"]).metrics["recall"]
    weighed = bench.train(LOGISTIC, metrics=["recall"], params={"class_weight": {"yes": 50, "no": 1}}).metrics["recall"]
    assert weighed > plain


@pytest.mark.parametrize(
    ("spec", "summary", "fix"),
    [
        ({"positive": "yess"}, "no row has the class yess", "did you mean yes?"),
        ({"target": "k", "positive": "low"}, "positive is for two classes", "leave it out"),
        ({"target": "num"}, "that is no class", "regressor"),
    ],
)
def test_a_target_that_does_not_fit_is_refused(bench: Any, spec: Any, summary: str, fix: str) -> None:
    found = refusal(bench, **spec)
    assert summary in found.summary and fix in found.fix


def table(**columns: Any) -> pa.Table:
    return pa.table({"x": list(range(100)), **columns})


@pytest.mark.parametrize(
    ("target", "summary"),
    [
        (["a"] * 100, "one class"),
        (["a", "b"] * 40 + ["c"] * 20, "which the training part has not"),
        (["a", None] * 50, "missing in 40 rows of the training part"),
    ],
)
def test_a_target_that_cannot_be_learned_is_refused(bench: Any, target: Any, summary: str) -> None:
    assert summary in refusal(bench, LOGISTIC, table(t=target), features=("x",)).summary


def test_numbers_for_a_regressor(bench: Any) -> None:
    assert "holds no numbers" in refusal(bench, "linear_model.Ridge", table(t=["a", "b"] * 50), features=("x",)).summary
    assert "predicts numbers" in refusal(bench, "linear_model.Ridge", target="num", positive="yes").summary


def test_an_empty_part_is_refused(bench: Any) -> None:
    assert "no rows" in refusal(bench, LOGISTIC, table(t=["a", "b"] * 50).slice(0, 0), features=("x",)).summary


def test_a_column_of_an_unreadable_type_is_refused(bench: Any) -> None:
    odd = table(t=["a", "b"] * 50, z=[[1]] * 100)
    assert "column z has the type list" in refusal(bench, LOGISTIC, odd, features=("x", "z")).summary


@pytest.mark.parametrize(
    ("estimator", "spec", "summary"),
    [
        ("linear_model.Ridge", {"target": "num", "metrics": ["roc_auc"]}, "does not measure a regression"),
        (LOGISTIC, {"metrics": ["r2"]}, "does not measure a classification"),
        ("svm.LinearSVC", {"metrics": ["log_loss"]}, "needs probabilities"),
        ("linear_model.RidgeClassifier", {"target": "k", "metrics": ["roc_auc"]}, "needs scores"),
    ],
)
def test_a_metric_that_does_not_fit_is_refused(bench: Any, estimator: str, spec: Any, summary: str) -> None:
    found = refusal(bench, estimator, **spec)
    assert (found.code, found.path[:2]) == ("metric", ("spec", "metrics")) and summary in found.summary


def test_a_metric_for_another_task_is_refused_before_anything_is_fitted(bench: Any) -> None:
    found = refusal(bench, LOGISTIC, metrics=["roc_auc", "rmse"])
    assert (found.exit, found.path) == (ExitCode.SPEC, ("spec", "metrics", 1))
    assert not any("fitting" in message for message in bench.said)


def test_a_parameters_wrong_value_is_a_wrong_spec_at_that_parameter(bench: Any) -> None:
    found = refusal(bench, LOGISTIC, params={"max_iter": 10, "C": -1})
    assert (found.exit, found.path) == (ExitCode.SPEC, ("spec", "params", "C"))


def test_a_metric_that_is_no_number_is_refused(bench: Any) -> None:
    found = refusal(bench, LOGISTIC, table(t=["a", "b"] * 40 + ["a"] * 20), features=("x",), metrics=["roc_auc"])
    assert found.code == "metric" and "roc_auc" in found.summary and "held-out" in found.summary


TRUTH = np.array([0, 1, 1, 0, 1, 0, 1, 1])
CHANCE = np.array([0.2, 0.9, 0.4, 0.6, 0.7, 0.1, 0.8, 0.55])
BINARY = Schema(task=Task.CLASSIFICATION, target="t", inputs={}, classes=("no", "yes"), positive=1)


def test_metrics_of_two_classes_are_scikit_learns() -> None:
    said = (CHANCE > 0.5).astype(int)
    given = Answers(truth=TRUTH, said=said, probabilities=np.c_[1 - CHANCE, CHANCE], scores=CHANCE)
    expected = {
        "roc_auc": reference.roc_auc_score(TRUTH, CHANCE),
        "average_precision": reference.average_precision_score(TRUTH, CHANCE),
        "log_loss": reference.log_loss(TRUTH, CHANCE),
        "brier_score": reference.brier_score_loss(TRUTH, CHANCE),
        "accuracy": reference.accuracy_score(TRUTH, said),
        "balanced_accuracy": reference.balanced_accuracy_score(TRUTH, said),
        "f1": reference.f1_score(TRUTH, said),
        "precision": reference.precision_score(TRUTH, said),
        "recall": reference.recall_score(TRUTH, said),
        "matthews": reference.matthews_corrcoef(TRUTH, said),
    }
    assert measure(tuple(expected), BINARY, given) == pytest.approx({**expected, "rows": 8})


def test_the_positive_class_may_be_the_first() -> None:
    schema = Schema(task=Task.CLASSIFICATION, target="t", inputs={}, classes=("no", "yes"), positive=0)
    said = (CHANCE > 0.5).astype(int)
    given = Answers(truth=TRUTH, said=said, probabilities=np.c_[1 - CHANCE, CHANCE], scores=1 - CHANCE)
    found = measure(("recall", "roc_auc", "brier_score"), schema, given)
    assert found["recall"] == reference.recall_score(TRUTH, said, pos_label=0)
    assert found["roc_auc"] == pytest.approx(reference.roc_auc_score(TRUTH, CHANCE))
    assert found["brier_score"] == pytest.approx(reference.brier_score_loss(TRUTH, CHANCE))


def test_metrics_of_several_classes_count_each_class_the_same() -> None:
    truth = np.array([0, 1, 2, 2, 1, 0])
    chance = np.array([[6, 3, 1], [2, 6, 2], [1, 2, 7], [4, 3, 3], [3, 4, 3], [5, 4, 1]]) / 10
    schema = Schema(task=Task.CLASSIFICATION, target="t", inputs={}, classes=("a", "b", "c"))
    given = Answers(truth=truth, said=chance.argmax(axis=1), probabilities=chance)
    found = measure(("roc_auc", "average_precision", "log_loss", "brier_score", "f1"), schema, given)
    each = np.eye(3)[truth]
    assert found == pytest.approx(
        {
            "roc_auc": reference.roc_auc_score(truth, chance, multi_class="ovr"),
            "average_precision": reference.average_precision_score(each, chance, average="macro"),
            "log_loss": reference.log_loss(truth, chance),
            "brier_score": ((chance - each) ** 2).sum(axis=1).mean(),
            "f1": reference.f1_score(truth, chance.argmax(axis=1), average="macro"),
            "rows": 6,
        }
    )


def test_metrics_of_a_regression() -> None:
    truth, said = np.array([1.0, 2.0, 4.0]), np.array([1.5, 2.0, 3.0])
    schema = Schema(task=Task.REGRESSION, target="t", inputs={})
    found = measure(("r2", "mae", "mse", "rmse", "mape", "median_ae"), schema, Answers(truth=truth, said=said))
    assert found == pytest.approx(
        {
            "r2": reference.r2_score(truth, said),
            "mae": 0.5,
            "mse": 1.25 / 3,
            "rmse": (1.25 / 3) ** 0.5,
            "mape": (0.5 + 0 + 0.25) / 3,
            "median_ae": 0.5,
            "rows": 3,
        }
    )


ROW = {"a": 0.1, "b": None, "c": "x", "d": "k1", "e": True, "day": "2024-02-01", "when": "2024-02-01T05:00:00"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"a": "0.1"}, r"row 1: column a: expected a number, found '0\.1'"),
        ({"a": True}, "row 1: column a: expected a number, found True"),
        ({"a": float("inf")}, "row 1: column a: inf is out of range"),
        ({"a": 10**400}, "row 1: column a: .* is out of range"),
        ({"c": ["x"]}, r"row 1: column c: expected a text, found \['x'\]"),
        ({"e": "yes"}, "row 1: column e: expected true or false"),
        ({"e": 2}, "row 1: column e: expected true or false"),
        ({"day": "yesterday"}, "row 1: column day: expected a date as 2026-01-31"),
        ({"when": 12}, "row 1: column when: expected a time as"),
    ],
)
def test_a_row_that_does_not_fit_names_row_and_column(bench: Any, change: Any, message: str) -> None:
    trained = bench.train("naive_bayes.GaussianNB")
    model = Sklearn().load(trained.artifact, trained.facts, ())
    assert len(model.predict([ROW, {**ROW, "stranger": 1}])) == 2
    with pytest.raises(ValueError, match=message):
        model.predict([ROW, {**ROW, **change}])
    with pytest.raises(ValueError, match="row 0: column c is missing"):
        model.predict([{key: value for key, value in ROW.items() if key != "c"}])
    assert model.predict([]) == []


@pytest.mark.parametrize("labels", [[1, 0], [True, False], ["a", "b"], [1.0, 2.0]])
def test_labels_come_back_with_their_type(bench: Any, labels: list[Any]) -> None:
    trained = bench.train(LOGISTIC, table(t=labels * 50), features=("x",))
    (answer,) = Sklearn().load(trained.artifact, trained.facts, ()).predict([{"x": 3}])
    assert answer["prediction"] in labels and type(answer["prediction"]) is type(labels[0])


def test_evaluating_again_gives_the_same_and_other_metrics(bench: Any, small: Any) -> None:
    trained = bench.train(LOGISTIC, metrics=["roc_auc"])
    features = tuple(trained.facts["inputs"])
    again = bench.request(small, features, {"estimator": f"sklearn.{LOGISTIC}", "metrics": ["roc_auc", "log_loss"]})
    measured = Sklearn().evaluate(trained.artifact, again)
    assert measured["roc_auc"] == trained.metrics["roc_auc"]
    assert set(measured) == {"roc_auc", "log_loss", "rows"}


def test_the_order_of_columns_changes_nothing(bench: Any, small: Any) -> None:
    first = bench.train(LOGISTIC).artifact.read_bytes()
    turned = small.select(list(reversed(small.column_names)))
    assert bench.train(LOGISTIC, turned, features=("when", *"edcba", "day")).artifact.read_bytes() == first


def test_the_recipe_is_light_and_names_what_counts() -> None:
    recipe = Sklearn().recipe({"estimator": "sklearn.svm.SVC"})
    assert set(recipe) == {"recipe", "scikit-learn"} and str(recipe["scikit-learn"]).count(".") == 1
    assert Sklearn().recipe({"estimator": "absent_package.Best"})["absent_package"] == "unknown"
    heavy = {"numpy", "pandas", "pyarrow", "pydantic", "scipy", "sklearn", "skops"}
    code = f"import sys, ordain_sklearn.trainer as t; t.Sklearn().recipe({{}}); print({heavy} & sys.modules.keys())"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


@pytest.mark.parametrize(
    "written",
    [
        {"estimator": "LogisticRegression"},
        {"estimator": "sklearn.svm.SVC; import os"},
        {"estimator": "sklearn.svm.SVC", "metrics": ["auc"]},
        {"estimator": "sklearn.svm.SVC", "preprocess": {"numbers": {"impute": "mode"}}},
        {"estimator": "sklearn.svm.SVC", "preprocess": {"columns": {"a": "keep"}}},
        {"estimator": "sklearn.svm.SVC", "parameters": {}},
    ],
)
def test_options_that_are_wrong_are_refused_before_anything_runs(written: Any) -> None:
    with pytest.raises(ValueError):
        SklearnOptions.model_validate(written)


def test_the_real_data_by_order(bench: Any, bank: Any) -> None:
    """Later calls are harder to foresee than earlier ones: a split at random would promise 0.8."""
    features = tuple(name for name in bank.column_names if name not in ("deposit", "contact"))
    trained = bench.train(
        "ensemble.HistGradientBoostingClassifier",
        bank,
        features=features,
        target="deposit",
        positive="yes",
        params={"max_iter": 200, "learning_rate": 0.02, "max_leaf_nodes": 8},
        metrics=["roc_auc", "log_loss"],
    )
    assert trained.metrics["rows"] == 9043
    assert 0.70 < trained.metrics["roc_auc"] < 0.80
    row = {**bank.slice(45_000, 1).to_pylist()[0], "deposit": None}
    (answer,) = Sklearn().load(trained.artifact, trained.facts, ()).predict([row])
    assert answer["prediction"] in ("no", "yes") and set(answer["probabilities"]) == {"no", "yes"}
