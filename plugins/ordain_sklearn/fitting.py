"""Fit on the training part, measure on the held-out part, keep what was fitted."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ordain.api import Json, Progress, Trained, TrainRequest
from ordain_sklearn.estimators import Traits, make, traits, weigh
from ordain_sklearn.fairness import fits, groups_of, sensitive
from ordain_sklearn.frame import input_types, matrix_of_table
from ordain_sklearn.measuring import answers, check, measure
from ordain_sklearn.persistence import dump, load
from ordain_sklearn.preprocessing import kept_inputs, layout, pipeline
from ordain_sklearn.problems import near, refuse
from ordain_sklearn.schema import Schema, Task, label
from ordain_sklearn.structure import reachable

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

LIBRARIES = ("numpy", "pandas", "pyarrow", "scikit-learn", "scipy", "skops")
_COMPARED = 500
"""Held-out rows on which the kept model must answer as the fitted one did."""


def train(request: TrainRequest) -> Trained:
    """Do it; the same request on the same libraries gives the same bytes."""
    spec, report = request.spec, request.report
    preprocess = _mapping(spec.get("preprocess"))
    estimator = make(spec, request.trusted)
    kind = traits(estimator)
    check(_asked(spec), kind.task)
    report(Progress(message="reading the training part", fraction=0.0))
    names = kept_inputs(tuple(sorted(request.features)), preprocess)
    table = _read(request.train, (*names, str(spec["target"])))
    schema, truth = _learn_schema(spec, names, table, request, kind)
    fits(spec, schema)
    if schema.task is Task.CLASSIFICATION:
        weigh(estimator, schema.classes)
    matrix = matrix_of_table(schema, table)
    fitted = pipeline(layout(schema, matrix, preprocess, kind), estimator, preprocess, kind)
    name = type(estimator).__name__
    report(Progress(message=f"fitting {name} on {len(truth):,} rows of {len(names)} columns", fraction=0.1))
    with _told(request) as told:
        _fit(fitted, matrix, truth, name)
    _without_traces(fitted)
    report(Progress(message="measuring on the held-out part", fraction=0.8))
    test = _read(request.test, (*names, str(spec["target"]), *sensitive(spec)))
    held = matrix_of_table(schema, test)
    metrics = _measured(spec, fitted, schema, test, held)
    report(Progress(message="keeping the model", fraction=0.9))
    artifact = request.folder / "model.skops"
    artifact.write_bytes(dump(fitted, schema))
    _kept_well(artifact, fitted, held.head(_COMPARED), request.trusted)
    return Trained(artifact=artifact, metrics=metrics, facts=_facts(spec, schema, table, test, told))


def evaluate(artifact: Path, request: TrainRequest) -> Mapping[str, Json]:
    """Measure an existing artifact on ``request.test``."""
    fitted, schema = load(artifact, request.trusted)
    request.report(Progress(message="measuring on the held-out part"))
    fits(request.spec, schema)
    test = _read(request.test, (*schema.inputs, schema.target, *sensitive(request.spec)))
    typed = input_types(test, schema.inputs, request.columns)
    for name, kind in schema.inputs.items():
        if typed[name] is not kind:
            raise refuse(
                "model-column-type",
                f"column {name} is a {typed[name]} now; the model learned a {kind}",
                "train the model on this data",
            )
    return _measured(request.spec, fitted, schema, test, matrix_of_table(schema, test))


def _measured(spec: Mapping[str, Json], fitted: Any, schema: Schema, test: pa.Table, matrix: Any) -> Mapping[str, Json]:
    groups = groups_of(test, sensitive(spec))
    return measure(_asked(spec), schema, answers(fitted, schema, matrix, _truth(schema, test, "held-out"), groups))


def _read(path: Path, names: tuple[str, ...]) -> pa.Table:
    from pyarrow import parquet

    there = parquet.read_schema(path).names
    for name in names:
        if name not in there:
            raise refuse("model-column", f"the dataset has no column {name}", near(name, there, "there are"))
    return parquet.read_table(path, columns=list(dict.fromkeys(names)), use_threads=False)


def _learn_schema(
    spec: Mapping[str, Json], names: tuple[str, ...], table: pa.Table, request: TrainRequest, kind: Traits
) -> tuple[Schema, np.ndarray[Any, Any]]:
    target = str(spec["target"])
    if table.num_rows == 0:
        raise refuse("model-rows", "the training part has no rows", "loosen the filters of the dataset")
    inputs = input_types(table, names, request.columns)
    schema = Schema(task=kind.task, target=target, inputs=inputs)
    if kind.task is Task.CLASSIFICATION:
        labels = _labels(table, target, "training")
        schema = replace(schema, classes=_classes(labels, target))
        schema = replace(schema, positive=_positive(spec.get("positive"), schema.classes))
    elif spec.get("positive") is not None:
        raise refuse(
            "model-positive", "positive is for classes, and this estimator predicts numbers", "leave it out",
            path=("spec", "positive"),
        )  # fmt: skip
    return schema, _truth(schema, table, "training")


def _labels(table: pa.Table, target: str, part: str) -> list[Any]:
    labels: list[Any] = table.column(target).to_pylist()
    gone = sum(one is None or one != one for one in labels)
    if gone:
        raise refuse(
            "model-target",
            f"{target} is missing in {gone:,} rows of the {part} part",
            f"filter them in the dataset: filter: {target} IS NOT NULL",
            path=("spec", "target"),
        )
    return labels


def _classes(labels: list[Any], target: str) -> tuple[Any, ...]:
    found = set(labels)
    kinds = {type(one) for one in found}
    if not kinds <= {str} and not kinds <= {int} and not kinds <= {bool} and not kinds <= {int, float}:
        listed = ", ".join(sorted(one.__name__ for one in kinds))
        raise refuse(
            "model-target", f"{target} holds {listed}: no classes", "choose another target", path=("spec", "target")
        )
    if len(found) < 2:
        raise refuse(
            "model-target",
            f"{target} has one class in the training part: {next(iter(found))}",
            "train on more rows, or split at random instead of by order",
            path=("spec", "target"),
        )
    if float in kinds and (len(found) > 50 or any(not float(one).is_integer() for one in found)):
        raise refuse(
            "model-target",
            f"{target} has {len(found)} different numbers: that is no class",
            "use a regressor, or derive classes in the dataset",
            path=("spec", "target"),
        )
    return tuple(sorted(found))


def _positive(written: Json, classes: tuple[Any, ...]) -> int | None:
    if written is None:
        return 1 if len(classes) == 2 else None
    names = [label(one) for one in classes]
    if label(written) not in names:
        fix = near(label(written), names, "classes")
        raise refuse("model-positive", f"no row has the class {written}", fix, path=("spec", "positive"))
    if len(classes) != 2:
        raise refuse(
            "model-positive",
            f"positive is for two classes, and the target has {len(classes)}",
            "leave it out: each class counts the same",
            path=("spec", "positive"),
        )
    return names.index(label(written))


def _truth(schema: Schema, table: pa.Table, part: str) -> np.ndarray[Any, Any]:
    """Return class numbers, or the values of a regression."""
    import numpy as np

    if table.num_rows == 0:
        raise refuse("model-rows", f"the {part} part has no rows", "hold out more rows, or loosen the filters")
    labels = _labels(table, schema.target, part)
    if schema.task is Task.REGRESSION:
        if not all(isinstance(one, int | float) and not isinstance(one, bool) for one in labels):
            raise refuse(
                "model-target",
                f"{schema.target} holds no numbers, and this estimator predicts numbers",
                "use a classifier, or choose another target",
                path=("spec", "target"),
            )
        return np.array(labels, dtype=np.float64)
    numbers = {label(one): index for index, one in enumerate(schema.classes)}
    for one in labels:
        if label(one) not in numbers:
            raise refuse(
                "model-target",
                f"the {part} part has the class {one}, which the training part has not",
                "split at random instead of by order, or filter the class out",
                path=("spec", "target"),
            )
    return np.array([numbers[label(one)] for one in labels], dtype=np.int64)


_PARAMETER = re.compile(r"The '(\w+)' parameter of (\w+) must be")
"""How scikit-learn's ``InvalidParameterError`` begins."""


def _fit(fitted: Any, matrix: Any, truth: Any, name: str) -> None:
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    try:
        # The sums of linear algebra come out in another order on other numbers of threads.
        with threadpool_limits(limits=1, user_api="blas"):
            fitted.fit(matrix, truth)
    except (ValueError, TypeError, ArithmeticError) as error:
        first, _, rest = str(error).strip().partition("\n")
        named = _PARAMETER.match(first) if type(error).__name__ == "InvalidParameterError" else None
        raise refuse(
            "model-fit",
            f"{name} could not be fitted: {first}",
            "change its params, its preprocess or its data",
            detail=rest.strip(),
            path=("spec", "params", named[1]) if named and named[2] == name else ("spec", "params"),
        ) from None


def _without_traces(fitted: Any) -> None:
    """Take out what tells of this run and machine, so that the same recipe gives the same bytes.

    That is how long a search took, and on how many threads HistGradientBoosting found its bins.
    """
    from sklearn.ensemble._hist_gradient_boosting.binning import _BinMapper
    from sklearn.model_selection._search import BaseSearchCV

    for one in reachable(fitted):
        if isinstance(one, BaseSearchCV) and hasattr(one, "cv_results_"):
            one.cv_results_ = {key: value for key, value in one.cv_results_.items() if not key.endswith("_time")}
            one.refit_time_ = 0.0
        elif isinstance(one, _BinMapper):
            one.n_threads = 1


@contextmanager
def _told(request: TrainRequest) -> Iterator[list[str]]:
    """Collect what the libraries warn of while fitting; it is reported and kept with the model's facts."""
    told: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield told
    for one in caught:
        text = str(one.message).strip().partition("\n")[0]
        if text not in told:
            told.append(text)
            request.report(Progress(message=f"warning: {text}"))


def _kept_well(artifact: Path, fitted: Any, rows: Any, trusted: tuple[str, ...]) -> None:
    """Refuse to hand out an artifact that would not load, or not answer as the model does."""
    import numpy as np

    again, _ = load(artifact, trusted)
    if not np.array_equal(again.predict(rows), fitted.predict(rows)):
        raise refuse(
            "artifact-unkept",
            "the kept model does not answer as the fitted one did",
            "use another estimator, and report this one",
            path=("spec", "estimator"),
        )


def _facts(
    spec: Mapping[str, Json], schema: Schema, train: pa.Table, test: pa.Table, told: list[str]
) -> Mapping[str, Json]:
    return {
        **schema.encode(),
        "estimator": spec["estimator"],
        "positive": schema.classes[schema.positive] if schema.positive is not None else None,
        "rows_train": train.num_rows,
        "rows_test": test.num_rows,
        "libraries": {name: version(name) for name in LIBRARIES},
        "warnings": list(told),
    }


def _asked(spec: Mapping[str, Json]) -> list[str]:
    metrics = spec.get("metrics")
    return [str(name) for name in metrics] if isinstance(metrics, list | tuple) else []


def _mapping(value: Json) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
