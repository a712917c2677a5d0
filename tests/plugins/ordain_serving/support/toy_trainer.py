"""A trainer small enough to load at once: a model is a JSON file with a bias, and faults it shows when it is loaded."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ordain.api import Diagnostic, Json, OrdainError, Predictor, Trained, Trainer, TrainRequest, loads


class Toy(Trainer):
    def recipe(self, spec: Mapping[str, Json]) -> Mapping[str, Json]:
        return {"toy": 1}

    def train(self, request: TrainRequest) -> Trained:
        raise NotImplementedError

    def evaluate(self, artifact: Path, request: TrainRequest) -> Mapping[str, Json]:
        raise NotImplementedError

    def load(self, artifact: Path, facts: Mapping[str, Json], trusted: tuple[str, ...]) -> Predictor:
        try:
            model: Any = loads(artifact.read_bytes())
        except ValueError as error:
            raise OrdainError(Diagnostic(code="model-broken", summary="the model cannot be read")) from error
        time.sleep(model.get("sleep", 0))
        if model.get("exit"):
            os._exit(3)
        return Sum(model["bias"])


class Sum(Predictor):
    """Says whether the columns and the bias together are above zero."""

    def __init__(self, bias: float) -> None:
        self.bias = bias

    def predict(self, rows: list[dict[str, Any]]) -> list[dict[str, Json]]:
        return [self._one(number, row) for number, row in enumerate(rows)]

    def _one(self, number: int, row: dict[str, Any]) -> dict[str, Json]:
        if set(row) != {"age", "balance"}:
            raise ValueError(f"row {number}: columns must be age, balance, not {', '.join(sorted(row)) or 'none'}")
        if row["age"] == -815:
            print("asked what takes its time", file=sys.stderr, flush=True)
            time.sleep(0.6)
        if row["age"] == -816:  # until somebody writes the file that its balance names in the server's folder
            print(f"waits for {row['balance']:g}", file=sys.stderr, flush=True)
            while not Path(f"{row['balance']:g}").exists():
                time.sleep(0.01)
            print(f"done with {row['balance']:g}", file=sys.stderr, flush=True)
        if row["age"] == -4711:
            raise RuntimeError(f"a bug on {row['balance']}")
        total = self.bias
        for column, value in row.items():
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise ValueError(f"row {number}, column {column}: {value!r} is no number")
            total += value
        return {
            "prediction": "yes" if total > 0 else "no",
            "probabilities": {"no": float(total <= 0), "yes": float(total > 0)},
        }
