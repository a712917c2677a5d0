"""What a Model says of how it learns: the estimator, its parameters, its preprocessing, what is measured."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from ordain.api import Facet, Spec

Metric = Literal[
    "roc_auc",
    "average_precision",
    "log_loss",
    "accuracy",
    "balanced_accuracy",
    "f1",
    "precision",
    "recall",
    "brier_score",
    "matthews",
    "r2",
    "mae",
    "mse",
    "rmse",
    "mape",
    "median_ae",
    "demographic_parity_ratio",
    "equalized_odds_ratio",
]


def _in_full(path: Any) -> Any:
    if isinstance(path, str) and path.isidentifier():
        raise ValueError(f"write where {path} is imported from, as in sklearn.linear_model.LogisticRegression")
    return path


EstimatorPath = Annotated[
    str, Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$", max_length=200), BeforeValidator(_in_full)
]


class Numbers(Spec):
    """Numbers, and the parts of dates. What is left out follows from the estimator."""

    impute: Literal["median", "mean", "zero", "none"] | None = Field(
        default=None, description="what a missing number becomes; by default the median, or nothing for who reads gaps"
    )
    scale: bool | None = Field(
        default=None, description="to mean 0 and variance 1; by default for linear, distance and kernel estimators"
    )


class Categories(Spec):
    """Categories and texts. What is left out follows from the estimator."""

    encode: Literal["onehot", "ordinal", "native"] | None = Field(
        default=None, description="by default native where the estimator has it, else one-hot up to max_levels"
    )
    max_levels: int = Field(default=30, ge=2, le=10_000, description="more levels than this are never one-hot")


class Preprocess(Spec):
    """What happens to columns before the estimator sees them; all of it is fitted on the training part only."""

    numbers: Numbers = Field(default_factory=Numbers)
    categories: Categories = Field(default_factory=Categories)
    columns: dict[str, Literal["drop", "passthrough"]] = Field(
        default_factory=dict, description="single columns: left out, or given to the estimator as they are"
    )


class SklearnOptions(Spec):
    """A classifier or regressor by import path. Beyond ``sklearn.`` the project's trust list must name it."""

    estimator: EstimatorPath = Field(description="as in sklearn.linear_model.LogisticRegression")
    params: dict[str, Any] = Field(
        default_factory=dict,
        description="the estimator's parameters; one that is an estimator itself is {estimator: path, params: {…}}",
    )
    preprocess: Preprocess = Field(default_factory=Preprocess)
    metrics: Annotated[tuple[Metric, ...], Facet.JUDGE] = Field(
        default=(),
        description="what is measured on the held-out part, beside its number of rows; demographic_parity_ratio and "
        "equalized_odds_ratio compare the groups of each column in roles.sensitive that have 30 rows there",
    )
