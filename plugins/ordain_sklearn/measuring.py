"""Metrics on the held-out part. Definitions are scikit-learn's; several classes are averaged with equal weight."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ordain.api import Json
from ordain_sklearn import fairness
from ordain_sklearn.problems import refuse
from ordain_sklearn.schema import Schema, Task

if TYPE_CHECKING:
    import numpy as np

REGRESSION = ("r2", "mae", "mse", "rmse", "mape", "median_ae")
DEFAULT = {Task.CLASSIFICATION: ("accuracy", "balanced_accuracy", "f1"), Task.REGRESSION: ("r2", "mae", "rmse")}
_RANKED = ("roc_auc", "average_precision")
_PROBABLE = ("log_loss", "brier_score")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What a model said of the held-out rows.

    ``truth`` and ``said`` are class numbers, or the values of a regression; ``probabilities`` has a column a class;
    ``scores`` rank the rows of two classes (probability or decision function of the positive class); ``groups`` are
    those of each sensitive column, where a metric compares them.
    """

    truth: np.ndarray[Any, Any]
    said: np.ndarray[Any, Any]
    probabilities: np.ndarray[Any, Any] | None = None
    scores: np.ndarray[Any, Any] | None = None
    groups: fairness.Groups = field(default_factory=dict)


def answers(pipeline: Any, schema: Schema, matrix: Any, truth: Any, groups: fairness.Groups) -> Answers:
    """Ask a fitted pipeline about the rows of a matrix."""
    import numpy as np

    said = np.asarray(pipeline.predict(matrix))
    if schema.task is Task.REGRESSION:
        return Answers(truth=truth, said=said.reshape(-1))
    probabilities = np.asarray(pipeline.predict_proba(matrix)) if hasattr(pipeline, "predict_proba") else None
    scores = None
    if schema.positive is not None:
        if probabilities is not None:
            scores = probabilities[:, schema.positive]
        elif hasattr(pipeline, "decision_function"):
            margin = np.asarray(pipeline.decision_function(matrix))
            scores = margin if schema.positive == 1 else -margin
    return Answers(truth=truth, said=said, probabilities=probabilities, scores=scores, groups=groups)


def check(names: Sequence[str], task: Task) -> None:
    """Raise ``OrdainError`` for a metric that does not measure ``task``: known before anything is fitted."""
    is_regression = task is Task.REGRESSION
    for index, name in enumerate(names):
        if is_regression != (name in REGRESSION):
            offered = REGRESSION if is_regression else (*_RANKED, *_PROBABLE, *_PLAIN, *_GROUPED)
            raise refuse(
                "metric",
                f"{name} does not measure a {task}",
                f"there are: {', '.join(offered)}",
                path=("spec", "metrics", index),
            )


def measure(names: Sequence[str], schema: Schema, given: Answers) -> Mapping[str, Json]:
    """Return the metrics called ``names`` (the task's default ones for none) and ``rows``, how many were measured.

    Raises ``OrdainError`` for one that does not fit the task, or is no number on these rows.
    """
    check(names, schema.task)
    out: dict[str, Json] = {}
    for name in names or DEFAULT[schema.task]:
        out[name] = _one(name, schema, given)
    out["rows"] = len(given.truth)
    return out


def _one(name: str, schema: Schema, given: Answers) -> float:
    if name in _GROUPED and not given.groups:
        raise _unfit(f"{name} compares groups, and no column says which there are", "name one under roles.sensitive")
    if name in _PROBABLE and given.probabilities is None:
        raise _unfit(f"{name} needs probabilities, and this estimator gives none", _NO_PROBABILITIES)
    if name in _RANKED and given.scores is None and given.probabilities is None:
        raise _unfit(f"{name} needs scores, and this estimator gives none", _NO_PROBABILITIES)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what a metric warns of shows in its value, or ends below
        try:
            value = float(_METRICS[name](schema, given))
        except ValueError as error:
            raise _unfit(f"{name} cannot be computed: {error}", _OTHER_ROWS) from None
    if not math.isfinite(value):
        raise _unfit(f"{name} is {value} on the held-out part", _OTHER_ROWS)
    return value


_NO_PROBABILITIES = "drop the metric, or use an estimator that gives probabilities"
_OTHER_ROWS = "hold out more rows (every class must be among them), or drop the metric"


def _unfit(summary: str, fix: str) -> Exception:
    return refuse("metric", summary, fix, path=("spec", "metrics"))


Metric = Callable[[Schema, Answers], float]


def _classed(function: str, **options: Any) -> Metric:
    """A metric of classes: of the positive one of two, else the plain mean over all."""

    def compute(schema: Schema, given: Answers) -> float:
        import sklearn.metrics

        measure_it = getattr(sklearn.metrics, function)
        if schema.positive is not None:
            return float(measure_it(given.truth == schema.positive, given.said == schema.positive, **options))
        labels = list(range(len(schema.classes)))
        return float(measure_it(given.truth, given.said, labels=labels, average="macro", **options))

    return compute


def _plain(function: str) -> Metric:
    def compute(schema: Schema, given: Answers) -> float:
        import sklearn.metrics

        return float(getattr(sklearn.metrics, function)(given.truth, given.said))

    return compute


def _roc_auc(schema: Schema, given: Answers) -> float:
    from sklearn.metrics import roc_auc_score

    if schema.positive is not None:
        return float(roc_auc_score(given.truth == schema.positive, given.scores))
    labels = list(range(len(schema.classes)))
    return float(roc_auc_score(given.truth, given.probabilities, multi_class="ovr", average="macro", labels=labels))


def _average_precision(schema: Schema, given: Answers) -> float:
    import numpy as np
    from sklearn.metrics import average_precision_score

    if schema.positive is not None:
        return float(average_precision_score(given.truth == schema.positive, given.scores))
    each = given.truth[:, None] == np.arange(len(schema.classes))
    if not each.any(axis=0).all():
        raise ValueError("a class has no row in the held-out part")
    return float(average_precision_score(each, given.probabilities, average="macro"))


def _log_loss(schema: Schema, given: Answers) -> float:
    from sklearn.metrics import log_loss

    return float(log_loss(given.truth, given.probabilities, labels=list(range(len(schema.classes)))))


def _brier(schema: Schema, given: Answers) -> float:
    """Mean squared error of the probabilities: of the positive class of two, else summed over all (Brier 1950)."""
    import numpy as np

    assert given.probabilities is not None
    if schema.positive is not None:
        return float(np.mean((given.probabilities[:, schema.positive] - (given.truth == schema.positive)) ** 2))
    each = given.truth[:, None] == np.arange(len(schema.classes))
    return float(np.mean(np.sum((given.probabilities - each) ** 2, axis=1)))


_PLAIN: Mapping[str, Metric] = {
    "accuracy": _plain("accuracy_score"),
    "balanced_accuracy": _plain("balanced_accuracy_score"),
    "f1": _classed("f1_score", zero_division=0.0),
    "precision": _classed("precision_score", zero_division=0.0),
    "recall": _classed("recall_score", zero_division=0.0),
    "matthews": _plain("matthews_corrcoef"),
}
_GROUPED: Mapping[str, Metric] = {
    "demographic_parity_ratio": lambda schema, given: fairness.demographic_parity_ratio(
        schema, given.said, given.groups
    ),
    "equalized_odds_ratio": lambda schema, given: fairness.equalized_odds_ratio(
        schema, given.truth, given.said, given.groups
    ),
}
_METRICS: Mapping[str, Metric] = {
    **_PLAIN,
    **_GROUPED,
    "roc_auc": _roc_auc,
    "average_precision": _average_precision,
    "log_loss": _log_loss,
    "brier_score": _brier,
    "r2": _plain("r2_score"),
    "mae": _plain("mean_absolute_error"),
    "mse": _plain("mean_squared_error"),
    "rmse": _plain("root_mean_squared_error"),
    "mape": _plain("mean_absolute_percentage_error"),
    "median_ae": _plain("median_absolute_error"),
}
