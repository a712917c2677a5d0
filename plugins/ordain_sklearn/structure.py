"""What compiled code would read without looking: indices inside trees and support vectors, checked after loading.

scikit-learn's compiled predictors trust their own numbers; a crafted file could point them anywhere and crash, or
read, the process. Every index they follow is bounded here, and every tree must lead downwards, so that no walk loops.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def faults(root: Any) -> Iterator[str]:
    """Yield what is wrong, in one sentence each, with whatever is reachable from a loaded object."""
    for one in reachable(root):
        yield from _check(one)


def reachable(root: Any) -> Iterator[Any]:
    """Yield every object that can be reached from ``root`` through containers and attributes, each once."""
    seen: set[int] = set()
    waiting = [root]
    keep: list[Any] = []  # so that no id is used twice while we look
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, str | bytes | int | float | type(None) | type):
            continue
        seen.add(id(one))
        keep.append(one)
        yield one
        waiting += _inside(one)


def _inside(one: Any) -> list[Any]:
    import numpy as np

    if isinstance(one, dict):
        return [*one.keys(), *one.values(), *getattr(one, "__dict__", {}).values()]
    if isinstance(one, list | tuple | set | frozenset):
        return list(one)
    if isinstance(one, np.ndarray):
        return list(one.reshape(-1)) if one.dtype == object else []
    return list(getattr(one, "__dict__", {}).values())


def _check(one: Any) -> Iterator[str]:
    name = f"{type(one).__module__}.{type(one).__qualname__}"
    check = _CHECKS.get(name)
    if check is not None:
        yield from check(one)
    for base in type(one).__mro__:
        more = _FAMILIES.get(f"{base.__module__}.{base.__qualname__}")
        if more is not None:
            yield from more(one)


def _tree(tree: Any) -> Iterator[str]:
    """A tree of ``sklearn.tree``: children come after their parents, features are among those it was fitted on."""
    import numpy as np

    count = int(tree.node_count)
    left, right, feature = (np.asarray(one) for one in (tree.children_left, tree.children_right, tree.feature))
    if count < 1 or not len(left) == len(right) == len(feature) == count:
        yield "a tree without nodes"
        return
    numbers = np.arange(count)
    leaf = left == -1
    if not np.array_equal(leaf, right == -1):
        yield "a node with one child"
    inner = ~leaf
    for child in (left[inner], right[inner]):
        if ((child <= numbers[inner]) | (child >= count)).any():
            yield "a child outside the tree, or above its parent"
    if ((feature[inner] < 0) | (feature[inner] >= tree.n_features)).any():
        yield "a split on a feature that is not there"


def _predictor(one: Any) -> Iterator[str]:
    """A tree of HistGradientBoosting."""
    import numpy as np

    nodes, bitsets = one.nodes, one.raw_left_cat_bitsets
    count = len(nodes)
    if count < 1 or nodes.ndim != 1 or bitsets.ndim != 2 or bitsets.dtype != np.uint32:
        yield "a tree without nodes"
        return
    inner = nodes["is_leaf"] == 0
    numbers = np.arange(count)[inner]
    for side in ("left", "right"):
        child = nodes[side][inner].astype(np.int64)
        if ((child <= numbers) | (child >= count)).any():
            yield "a child outside the tree, or above its parent"
    split = inner & (nodes["is_categorical"] != 0)
    if split.any() and (bitsets.shape[1] != 8 or (nodes["bitset_idx"][split] >= len(bitsets)).any()):
        yield "a split on categories that are not there"


def _binary(one: Any) -> Iterator[str]:
    """A KD or ball tree: its nodes are ranges of its points, its indices are points."""
    import numpy as np

    data, index, nodes, bounds = (np.asarray(part) for part in one.__getstate__()[:4])
    levels, declared, weight = one.__getstate__()[5], one.__getstate__()[6], one.__getstate__()[12]
    points, count = len(data), len(nodes)
    if data.ndim != 2 or index.shape != (points,) or declared != count or count != 2**levels - 1 or count < 1:
        yield "a tree of points that does not fit its points"
        return
    sides = 2 if type(one).__name__ == "KDTree" else 1
    if bounds.shape != (sides, count, data.shape[1]) or (weight is not None and np.shape(weight) != (points,)):
        yield "a tree of points with bounds that are not there"
    if ((index < 0) | (index >= points)).any():
        yield "a point that is not there"
    start, end, leaf = nodes["idx_start"], nodes["idx_end"], nodes["is_leaf"] != 0
    if ((start < 0) | (end < start) | (end > points)).any():
        yield "a range of points that is not there"
    if (~leaf & (2 * np.arange(count) + 2 >= count)).any():
        yield "a child outside the tree"


def _single_tree(one: Any) -> Iterator[str]:
    tree = getattr(one, "tree_", None)
    if tree is not None and tree.n_features != getattr(one, "n_features_in_", None):
        yield "a tree of other features than its estimator"


def _many_trees(one: Any) -> Iterator[str]:
    """Forests and boosted trees hand rows to their trees unchecked."""
    import numpy as np

    trees = getattr(one, "estimators_", None)
    for tree in np.asarray(trees, dtype=object).reshape(-1) if trees is not None else ():
        inner = getattr(tree, "tree_", None)
        if inner is None or inner.n_features != one.n_features_in_:
            yield "a forest whose trees know other features"
            return


def _boosted(one: Any) -> Iterator[str]:
    import numpy as np

    trees = np.asarray(getattr(one, "estimators_", ()), dtype=object)
    if trees.size and (trees.ndim != 2 or trees.shape[1] != one.n_trees_per_iteration_):
        yield "boosted trees that do not fit their classes"
        return
    if any(tree.tree_.n_outputs != 1 or tree.tree_.max_n_classes != 1 for tree in trees.reshape(-1)):
        yield "boosted trees with more than one value a leaf"


def _histogram(one: Any) -> Iterator[str]:
    """HistGradientBoosting: splits are on features there are, categories fit their 256 bits."""
    import numpy as np

    predictors = getattr(one, "_predictors", None)
    if predictors is None:
        return
    mapper, width = one._bin_mapper, one.n_features_in_
    categorical, bins = np.asarray(mapper.is_categorical_), mapper.bin_thresholds_
    if categorical.shape != (width,) or len(bins) != width:
        yield "bins of other features than the estimator's"
        return
    known = [np.asarray(bins[index]) for index in np.flatnonzero(categorical)]
    if any(one.size and (one.min() < 0 or one.max() > 255) for one in known):
        yield "a category beyond the 256 there can be"
    for tree in (tree for stage in predictors for tree in stage):
        feature = tree.nodes["feature_idx"][tree.nodes["is_leaf"] == 0]
        if ((feature < 0) | (feature >= width)).any():
            yield "a split on a feature that is not there"
            return
        split = tree.nodes[(tree.nodes["is_leaf"] == 0) & (tree.nodes["is_categorical"] != 0)]
        if not categorical[split["feature_idx"]].all():
            yield "a split by category on a number"
            return
    if any(len(stage) != one.n_trees_per_iteration_ for stage in predictors):
        yield "boosted trees that do not fit their classes"


def _vectors(one: Any) -> Iterator[str]:
    """Support vector machines of libsvm, which takes the number of classes from the length of ``_n_support``."""
    import numpy as np

    vectors = getattr(one, "support_vectors_", None)
    if vectors is None:
        return
    each, duals, offsets = np.asarray(one._n_support), np.asarray(one._dual_coef_), np.asarray(one._intercept_)
    classes, classifies = len(each), one._impl in ("c_svc", "nu_svc")
    if one._sparse or not isinstance(vectors, np.ndarray) or vectors.ndim != 2 or classes < 2:
        yield "support vectors in a form that is not read"
    elif vectors.shape[1] != one.n_features_in_ or len(np.asarray(one.support_)) != len(vectors):
        yield "support vectors of other features than the estimator's"
    elif classifies and ((each < 0).any() or each.sum() != len(vectors) or classes != len(one.classes_)):
        yield "support vectors that do not fit their classes"
    elif duals.shape != (classes - 1, len(vectors)) or len(offsets) != classes * (classes - 1) // 2:
        yield "coefficients that do not fit their support vectors"
    elif any(len(np.asarray(getattr(one, name))) not in (0, len(offsets)) for name in ("_probA", "_probB")):
        yield "probabilities that do not fit their classes"


_CHECKS = {
    "sklearn.tree._tree.Tree": _tree,
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor": _predictor,
    "sklearn.neighbors._kd_tree.KDTree": _binary,
    "sklearn.neighbors._ball_tree.BallTree": _binary,
}
_FAMILIES = {
    "sklearn.tree._classes.BaseDecisionTree": _single_tree,
    "sklearn.ensemble._forest.BaseForest": _many_trees,
    "sklearn.ensemble._gb.BaseGradientBoosting": _many_trees,
    "sklearn.ensemble._gb.GradientBoostingClassifier": _boosted,
    "sklearn.ensemble._gb.GradientBoostingRegressor": _boosted,
    "sklearn.ensemble._hist_gradient_boosting.gradient_boosting.BaseHistGradientBoosting": _histogram,
    "sklearn.svm._base.BaseLibSVM": _vectors,
}
