"""The types an artifact may hold beyond those skops trusts by itself (scikit-learn's public estimators, numpy).

Each was read and does nothing but hold data and compute when it is made from a file, or (trees of all sorts) has its
content checked after loading, in ``structure``. Nothing here calls what a file names.
"""

from __future__ import annotations

_DISTANCES = ("EuclideanDistance64", "ManhattanDistance64", "ChebyshevDistance64", "MinkowskiDistance64")
_KERNELS = (
    "CompoundKernel",
    "ConstantKernel",
    "DotProduct",
    "ExpSineSquared",
    "Exponentiation",
    "Matern",
    "Product",
    "RBF",
    "RationalQuadratic",
    "Sum",
    "WhiteKernel",
)
_SPLITS = (
    "GroupKFold",
    "KFold",
    "RepeatedKFold",
    "RepeatedStratifiedKFold",
    "ShuffleSplit",
    "StratifiedGroupKFold",
    "StratifiedKFold",
    "StratifiedShuffleSplit",
    "TimeSeriesSplit",
)
_SCORES = {
    "_classification": (
        "accuracy_score",
        "balanced_accuracy_score",
        "brier_score_loss",
        "f1_score",
        "jaccard_score",
        "log_loss",
        "matthews_corrcoef",
        "precision_score",
        "recall_score",
    ),
    "_ranking": ("average_precision_score", "roc_auc_score", "top_k_accuracy_score"),
    "_regression": (
        "explained_variance_score",
        "max_error",
        "mean_absolute_error",
        "mean_absolute_percentage_error",
        "mean_squared_error",
        "mean_squared_log_error",
        "median_absolute_error",
        "r2_score",
        "root_mean_squared_error",
        "root_mean_squared_log_error",
    ),
}

CHECK_ARRAY = "sklearn.utils.validation.check_array"
"""HistGradientBoosting hands its numbers through ``partial(check_array, …)``; no other partial is let in."""

CHECKED = (
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.neighbors._ball_tree.BallTree",
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.tree._tree.Tree",
)
"""Types whose content decides where memory is read: ``structure`` looks into each."""

REVIEWED = frozenset(
    (
        *CHECKED,
        CHECK_ARRAY,
        "functools.partial",
        "numpy.dtype",
        "sklearn._loss.loss.HalfTweedieLoss",
        "sklearn._loss.loss.HalfTweedieLossIdentity",
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.calibration._TemperatureScaling",
        "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
        "sklearn.metrics._scorer._CurveScorer",
        "sklearn.metrics._scorer._PassthroughScorer",
        "sklearn.metrics._scorer._Scorer",
        "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
        "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
        "sklearn.utils._bunch.Bunch",
        "sklearn.utils._metadata_requests.MetadataRequest",
        "sklearn.utils._metadata_requests.MethodMetadataRequest",
        *(f"sklearn.gaussian_process.kernels.{name}" for name in _KERNELS),
        *(f"sklearn.metrics._dist_metrics.{name}" for name in _DISTANCES),
        *(f"sklearn.metrics.{module}.{name}" for module, names in _SCORES.items() for name in names),
        *(f"sklearn.model_selection._split.{name}" for name in _SPLITS),
    )
)

LOADERS = frozenset(
    {
        "DTypeNode",
        "DictNode",
        "FunctionNode",
        "JsonNode",
        "ListNode",
        "LossNode",
        "MaskedArrayNode",
        "NdArrayNode",
        "ObjectNode",
        "PartialNode",
        "RandomGeneratorNode",
        "RandomStateNode",
        "SetNode",
        "SliceNode",
        "TreeNode",
        "TupleNode",
        "TypeNode",
    }
)
"""The ways skops makes an object that we let in; absent are bound methods, operators, constructor calls, raw bytes."""


def is_trusted(path: str, prefixes: tuple[str, ...]) -> bool:
    """Say whether an import path lies in a trusted package; ``lightgbm`` and ``lightgbm.`` are the same package."""
    return any(one.strip(".") and path.startswith(f"{one.rstrip('.')}.") for one in prefixes)
