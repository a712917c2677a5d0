"""Each family of estimators: trains on every type of column, is kept, loads, and answers as it did."""

from __future__ import annotations

import hashlib
import warnings
from typing import Any

import pytest

from ordain_sklearn.trainer import Sklearn

LOGISTIC = {"estimator": "sklearn.linear_model.LogisticRegression"}
TREE = {"estimator": "sklearn.tree.DecisionTreeClassifier"}
CLASSIFIERS: list[tuple[str, dict[str, Any]]] = [
    ("linear_model.LogisticRegression", {}),
    ("linear_model.SGDClassifier", {"loss": "log_loss"}),
    ("linear_model.RidgeClassifier", {}),
    ("svm.SVC", {}),
    ("svm.LinearSVC", {}),
    ("neighbors.KNeighborsClassifier", {"algorithm": "kd_tree"}),
    ("neighbors.KNeighborsClassifier", {"algorithm": "ball_tree"}),
    ("tree.DecisionTreeClassifier", {}),
    ("ensemble.RandomForestClassifier", {"n_estimators": 5}),
    ("ensemble.ExtraTreesClassifier", {"n_estimators": 5}),
    ("ensemble.GradientBoostingClassifier", {"n_estimators": 5}),
    ("ensemble.HistGradientBoostingClassifier", {"max_iter": 5}),
    ("ensemble.AdaBoostClassifier", {"n_estimators": 3}),
    ("ensemble.BaggingClassifier", {"n_estimators": 3, "estimator": LOGISTIC}),
    ("ensemble.VotingClassifier", {"estimators": [["a", LOGISTIC], ["b", TREE]], "voting": "soft"}),
    ("ensemble.StackingClassifier", {"estimators": [["a", LOGISTIC], ["b", TREE]]}),
    ("calibration.CalibratedClassifierCV", {"estimator": {"estimator": "sklearn.svm.LinearSVC"}}),
    ("model_selection.GridSearchCV", {"estimator": LOGISTIC, "param_grid": {"C": [0.1, 1.0]}}),
    ("model_selection.TunedThresholdClassifierCV", {"estimator": LOGISTIC}),
    ("naive_bayes.GaussianNB", {}),
    ("neural_network.MLPClassifier", {"max_iter": 5, "hidden_layer_sizes": [4]}),
    ("discriminant_analysis.LinearDiscriminantAnalysis", {}),
    ("gaussian_process.GaussianProcessClassifier", {}),
    ("dummy.DummyClassifier", {}),
]
REGRESSORS: list[tuple[str, dict[str, Any]]] = [
    ("linear_model.Ridge", {}),
    ("linear_model.ElasticNetCV", {"cv": 2}),
    ("linear_model.PoissonRegressor", {}),
    ("svm.SVR", {}),
    ("neighbors.KNeighborsRegressor", {}),
    ("ensemble.RandomForestRegressor", {"n_estimators": 5}),
    ("ensemble.GradientBoostingRegressor", {"n_estimators": 5, "loss": "huber"}),
    ("ensemble.HistGradientBoostingRegressor", {"max_iter": 5, "loss": "quantile", "quantile": 0.3}),
    ("gaussian_process.GaussianProcessRegressor", {}),
    ("kernel_ridge.KernelRidge", {}),
]


def _named(case: Any) -> str:
    return case.rpartition(".")[2] if isinstance(case, str) else ""


@pytest.mark.parametrize(("estimator", "params"), CLASSIFIERS, ids=_named)
@pytest.mark.parametrize("target", ["t", "k"])
def test_a_classifier_comes_back_as_it_was(bench: Any, small: Any, estimator: str, params: Any, target: str) -> None:
    if target == "k" and "TunedThreshold" in estimator:
        pytest.skip("tunes the threshold between two classes")
    trained = bench.train(estimator, params=params, target=target, metrics=["accuracy", "f1"])
    assert 0.0 <= trained.metrics["accuracy"] <= 1.0
    rows = small.drop_columns(["t", "k", "num"]).slice(200).to_pylist()
    answers = Sklearn().load(trained.artifact, trained.facts, ()).predict(rows)
    hits = sum(one["prediction"] == truth for one, truth in zip(answers, small[target].to_pylist()[200:], strict=True))
    assert {one["prediction"] for one in answers} <= set(trained.facts["classes"])
    for one in answers:
        if "probabilities" in one:
            assert abs(sum(one["probabilities"].values()) - 1) < 1e-9
            assert list(one["probabilities"]) == trained.facts["classes"]
    assert hits / len(rows) >= (0.0 if "Dummy" in estimator or "MLP" in estimator else 0.55)


@pytest.mark.parametrize(("estimator", "params"), REGRESSORS, ids=_named)
def test_a_regressor_comes_back_as_it_was(bench: Any, small: Any, estimator: str, params: Any) -> None:
    trained = bench.train(estimator, params=params, target="num", metrics=["mae", "r2"])
    rows = small.drop_columns(["t", "k", "num"]).slice(208).to_pylist()
    answers = Sklearn().load(trained.artifact, trained.facts, ()).predict(rows)
    truth = small["num"].to_pylist()[208:]
    error = sum(abs(one["prediction"] - true) for one, true in zip(answers, truth, strict=True)) / len(rows)
    assert error == pytest.approx(trained.metrics["mae"])


@pytest.mark.parametrize(
    ("estimator", "params"),
    [
        ("ensemble.HistGradientBoostingClassifier", {"max_iter": 5}),
        ("ensemble.RandomForestClassifier", {"n_estimators": 5}),
        ("linear_model.LogisticRegression", {}),
        ("model_selection.GridSearchCV", {"estimator": LOGISTIC, "param_grid": {"C": [0.1, 1.0]}}),
        ("neural_network.MLPClassifier", {"max_iter": 3}),
    ],
    ids=_named,
)
def test_the_same_recipe_gives_the_same_bytes(bench: Any, estimator: str, params: Any) -> None:
    def digest(seed: int) -> str:
        data = bench.train(estimator, params=params, seed=seed).artifact.read_bytes()
        return hashlib.sha256(data).hexdigest()

    assert digest(3) == digest(3) != digest(4)


def test_what_libraries_warn_of_is_reported_and_kept(bench: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trained = bench.train("neural_network.MLPClassifier", params={"max_iter": 2})
    assert any("converged" in one for one in trained.facts["warnings"])
    assert any(one.startswith("warning: ") for one in bench.said)


def test_long_steps_say_where_they_are(bench: Any) -> None:
    bench.train("naive_bayes.GaussianNB")
    assert [message.split()[0] for message in bench.said] == ["reading", "fitting", "measuring", "keeping"]
