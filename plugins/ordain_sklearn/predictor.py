"""A loaded model that answers rows."""

from __future__ import annotations

from typing import Any

from ordain.api import Json, Predictor
from ordain_sklearn.frame import matrix_of_rows
from ordain_sklearn.schema import Schema, Task, label


class PipelinePredictor(Predictor):
    """Answers rows with a fitted pipeline; the same object may be asked from several threads."""

    def __init__(self, pipeline: Any, schema: Schema) -> None:
        from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

        self._prepare, self._estimator = pipeline["prepare"], pipeline["estimator"]
        self._schema = schema
        self._probable = schema.task is Task.CLASSIFICATION and hasattr(self._estimator, "predict_proba")
        self._threads = ThreadpoolController()

    def predict(self, rows: list[dict[str, Any]]) -> list[dict[str, Json]]:
        """Return ``prediction`` a row, and ``probabilities`` by class where the estimator gives them.

        Raises ``ValueError`` naming the row and the column for input that does not fit. Columns that are no inputs
        are not looked at; a category that training did not see is an unknown one; None is a missing value.
        """
        if not rows:
            return []
        matrix = matrix_of_rows(self._schema, rows)
        with self._threads.limit(limits=1):  # for a request's few rows, sharing them out costs more than it saves
            return self._answers(self._prepare.transform(matrix))

    def _answers(self, matrix: Any) -> list[dict[str, Json]]:
        schema = self._schema
        if schema.task is Task.REGRESSION:
            return [{"prediction": float(value)} for value in self._estimator.predict(matrix).reshape(-1)]
        said = [schema.classes[int(number)] for number in self._estimator.predict(matrix)]
        if not self._probable:
            return [{"prediction": one} for one in said]
        names = [label(one) for one in schema.classes]
        probabilities = self._estimator.predict_proba(matrix)
        return [
            {"prediction": one, "probabilities": {name: float(p) for name, p in zip(names, row, strict=True)}}
            for one, row in zip(said, probabilities, strict=True)
        ]
