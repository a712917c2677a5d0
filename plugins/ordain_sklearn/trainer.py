"""The scikit-learn trainer. On the path of every plan (for ``recipe``): nothing heavy is imported before it works."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ordain.api import Diagnostic, Json, Predictor, Trained, Trainer, TrainRequest, Tree
from ordain_sklearn import fairness
from ordain_sklearn.fitting import evaluate, train
from ordain_sklearn.persistence import load
from ordain_sklearn.predictor import PipelinePredictor
from ordain_sklearn.static import check

RECIPE = 1
"""Version of preprocessing, seeding and keeping; raise it when the same spec on the same data gives another model."""


class Sklearn(Trainer):
    """Trains any scikit-learn classifier or regressor, with preprocessing fitted on the training part only."""

    def check(self, spec: Mapping[str, Json]) -> tuple[Diagnostic, ...]:
        """Return what scikit-learn's source says of the estimators and parameters a spec names, and metrics that do
        not fit its roles."""
        return (*check(spec), *fairness.check(spec))

    def recipe(self, spec: Mapping[str, Tree]) -> Mapping[str, Json]:
        """Return the recipe's version, scikit-learn's minor version, and that of the estimator's own package."""
        out: dict[str, Json] = {"recipe": RECIPE, "scikit-learn": _minor("scikit-learn")}
        package = str(spec.get("estimator", "")).split(".")[0]
        if package not in ("sklearn", ""):
            out[package] = _minor(package)
        return out

    def train(self, request: TrainRequest) -> Trained:
        _wait_asleep()
        return train(request)

    def evaluate(self, artifact: Path, request: TrainRequest) -> Mapping[str, Json]:
        _wait_asleep()
        return evaluate(artifact, request)

    def load(self, artifact: Path, facts: Mapping[str, Json], trusted: tuple[str, ...]) -> Predictor:
        """Return the model of an artifact; what it takes and gives is in the artifact itself, not in ``facts``."""
        _wait_asleep()
        pipeline, schema = load(artifact, trusted)
        return PipelinePredictor(pipeline, schema)


def _wait_asleep() -> None:
    """Let OpenMP's threads sleep while they wait; it reads this once, when scikit-learn is first imported.

    By default they burn their cores. Beside other work on the machine that costs a boosting run ten times its time.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def _minor(package: str) -> str:
    try:
        return ".".join(version(package).split(".")[:2])
    except PackageNotFoundError:
        return "unknown"
