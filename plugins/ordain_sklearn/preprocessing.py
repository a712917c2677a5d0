"""Preprocessing as one ``ColumnTransformer``, so that it is fitted with the estimator and on nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ordain_sklearn.estimators import Traits
from ordain_sklearn.problems import near, refuse
from ordain_sklearn.schema import InputType, Schema

if TYPE_CHECKING:
    import pandas as pd

_NATIVE, _ONEHOT, _ORDINAL, _NUMBERS, _FLAGS, _PLAIN = "native", "onehot", "ordinal", "numbers", "flags", "plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Which matrix columns go through which transformer; ``native`` come first, in this order."""

    native: tuple[str, ...] = ()
    onehot: tuple[str, ...] = ()
    ordinal: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    plain: tuple[str, ...] = ()


def kept_inputs(names: tuple[str, ...], preprocess: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the inputs that ``preprocess.columns`` does not drop; raise ``OrdainError`` for one that is no input."""
    single = preprocess.get("columns") or {}
    for name in single:
        if name not in names:
            fix = near(name, names, "the model reads")
            raise refuse(
                "preprocess-column",
                f"the model reads no column {name}",
                fix,
                path=("spec", "preprocess", "columns", name),
            )
    kept = tuple(name for name in names if single.get(name) != "drop")
    if not kept:
        raise refuse(
            "preprocess-column",
            "preprocess drops every column the model reads",
            "leave one",
            path=("spec", "preprocess", "columns"),
        )
    return kept


def layout(schema: Schema, matrix: pd.DataFrame, preprocess: Mapping[str, Any], traits: Traits) -> Layout:
    """Decide each column's way by its type and its levels in ``matrix``, the training part."""
    single = preprocess.get("columns") or {}
    categories = preprocess.get("categories") or {}
    ways: dict[str, list[str]] = {way: [] for way in (_NATIVE, _ONEHOT, _ORDINAL, _NUMBERS, _FLAGS, _PLAIN)}
    for name, kind in schema.inputs.items():
        columns = schema.matrix_columns(name)
        if single.get(name) == "passthrough":
            if kind is InputType.CATEGORY:
                raise refuse(
                    "preprocess-column",
                    f"{name} is a category: an estimator takes numbers",
                    "encode it (onehot, ordinal, native) instead of passthrough",
                    path=("spec", "preprocess", "columns", name),
                )
            ways[_PLAIN] += columns
        elif kind is InputType.CATEGORY:
            levels = int(matrix[columns[0]].nunique())
            ways[_encoding(levels, categories, traits)] += columns
        else:
            ways[_FLAGS if kind is InputType.BOOLEAN else _NUMBERS] += columns
    return Layout(**{way: tuple(columns) for way, columns in ways.items()})


def _encoding(levels: int, categories: Mapping[str, Any], traits: Traits) -> str:
    wanted, most = categories.get("encode"), int(categories.get("max_levels") or 30)
    if wanted == _NATIVE and not traits.native_levels:
        raise refuse(
            "preprocess-native",
            "this estimator does not know categories",
            "encode onehot or ordinal, or use a HistGradientBoosting estimator",
            path=("spec", "preprocess", "categories", "encode"),
        )
    if wanted in (None, _NATIVE) and traits.native_levels:
        return _NATIVE if levels <= traits.native_levels else _ORDINAL
    return _ORDINAL if wanted == _ORDINAL or levels > most else _ONEHOT


def transformer(way: Layout, preprocess: Mapping[str, Any], traits: Traits) -> Any:
    """Return the unfitted transformer of a layout. Unknown levels: no bucket is set one-hot, -1 in an ordinal."""
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

    numbers = preprocess.get("numbers") or {}
    scale = traits.scaled if numbers.get("scale") is None else bool(numbers["scale"])

    def ordinal() -> Any:
        return OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)

    steps: list[tuple[str, Any, list[str]]] = []
    if way.native:
        steps.append((_NATIVE, ordinal(), list(way.native)))
    if way.onehot:
        steps.append((_ONEHOT, OneHotEncoder(handle_unknown="ignore", sparse_output=False), list(way.onehot)))
    if way.ordinal:
        codes = Pipeline([("encode", ordinal()), ("scale", StandardScaler())]) if scale else ordinal()
        steps.append((_ORDINAL, codes, list(way.ordinal)))
    for name, columns in ((_NUMBERS, way.numbers), (_FLAGS, way.flags)):
        if columns:
            steps.append((name, _numeric(name, numbers, scale, traits), list(columns)))
    if way.plain:
        steps.append((_PLAIN, "passthrough", list(way.plain)))
    return ColumnTransformer(steps, remainder="drop", sparse_threshold=0.0, verbose_feature_names_out=True)


def _numeric(name: str, numbers: Mapping[str, Any], scale: bool, traits: Traits) -> Any:
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    impute = numbers.get("impute") or ("none" if traits.reads_gaps else "median")
    steps: list[tuple[str, Any]] = []
    if impute != "none":
        strategy = "most_frequent" if name == _FLAGS else {"zero": "constant"}.get(impute, impute)
        fill = 0.0 if strategy == "constant" else None
        # A part that is all gaps in training keeps its column, so that the matrix has the width it promises.
        steps.append(
            ("impute", SimpleImputer(strategy=strategy, fill_value=fill, add_indicator=True, keep_empty_features=True))
        )
    if scale and name == _NUMBERS:
        steps.append(("scale", StandardScaler()))
    return Pipeline(steps) if steps else "passthrough"


def pipeline(way: Layout, estimator: Any, preprocess: Mapping[str, Any], traits: Traits) -> Any:
    """Return preprocessing and estimator as one unfitted pipeline."""
    from sklearn.pipeline import Pipeline

    if traits.native_levels:
        given = estimator.categorical_features
        if given not in (None, "from_dtype"):
            raise refuse(
                "estimator-params",
                "categorical_features follows from the columns' types",
                "leave it out, and steer it with preprocess: {categories: {encode: …}}",
                path=("spec", "params", "categorical_features"),
            )
        estimator.set_params(categorical_features=list(range(len(way.native))) or None)
    return Pipeline([("prepare", transformer(way, preprocess, traits)), ("estimator", estimator)])
