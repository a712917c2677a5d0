"""Artifacts from strangers: nothing in them runs, nothing in them crashes who reads them."""

from __future__ import annotations

import io
import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from ordain.api import OrdainError
from ordain_sklearn.persistence import dump, load
from ordain_sklearn.schema import InputType, Schema, Task
from ordain_sklearn.structure import faults
from ordain_sklearn.trainer import Sklearn

SCHEMA = Schema(task=Task.CLASSIFICATION, target="t", inputs={"a": InputType.NUMBER}, classes=("no", "yes"), positive=1)


class Bomb:
    """Runs a command when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.marker}",)


def refused(path: Path, trusted: tuple[str, ...] = ()) -> OrdainError:
    with pytest.raises(OrdainError) as caught:
        Sklearn().load(path, {}, trusted)
    return caught.value


def rewrite(path: Path, change: Callable[[Any], None], **members: bytes) -> Path:
    """Write a file like ``path`` with a changed schema and changed members."""
    out = path.with_name("crafted.skops")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as target:
        state = json.loads(source.read("schema.json"))
        change(state)
        for name in source.namelist():
            data = json.dumps(state).encode() if name == "schema.json" else members.get(name, source.read(name))
            target.writestr(name, data)
    return out


def nodes(state: Any) -> list[dict[str, Any]]:
    found = [state] if isinstance(state, dict) and "__loader__" in state else []
    inner = state.values() if isinstance(state, dict) else state if isinstance(state, list) else ()
    return found + [one for item in inner for one in nodes(item)]


@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_a_pickle_is_not_opened(tmp_path: Path, protocol: int) -> None:
    marker, path = tmp_path / "ran", tmp_path / "model.skops"
    path.write_bytes(pickle.dumps(Bomb(marker), protocol))
    assert refused(path).diagnostics[0].code == "artifact-untrusted"
    assert not marker.exists()


def test_a_pickle_inside_the_container_is_not_opened(tmp_path: Path, bench: Any) -> None:
    marker = tmp_path / "ran"
    path = bench.train("linear_model.LogisticRegression").artifact
    with zipfile.ZipFile(path) as held:
        member = next(name for name in held.namelist() if name.endswith(".npy"))
    crafted = rewrite(path, lambda _: None, **{member: pickle.dumps(Bomb(marker))})
    assert refused(crafted).diagnostics[0].code == "artifact-corrupt"
    assert not marker.exists()


def test_an_object_array_is_not_unpickled(tmp_path: Path, bench: Any) -> None:
    marker, buffer = tmp_path / "ran", io.BytesIO()
    np.save(buffer, np.array([Bomb(marker)], dtype=object), allow_pickle=True)
    path = bench.train("linear_model.LogisticRegression").artifact
    with zipfile.ZipFile(path) as held:
        member = next(name for name in held.namelist() if name.endswith(".npy"))
    assert (
        refused(rewrite(path, lambda _: None, **{member: buffer.getvalue()})).diagnostics[0].code == "artifact-corrupt"
    )
    assert not marker.exists()


def untrusted_function(rows: Any) -> Any:
    return rows


def test_a_type_nobody_reviewed_is_named(tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    fitted = Pipeline([("prepare", FunctionTransformer(untrusted_function)), ("estimator", LogisticRegression())])
    path.write_bytes(dump(fitted.fit([[0.0], [1.0]], [0, 1]), SCHEMA))
    error = refused(path)
    assert error.diagnostics[0].code == "artifact-untrusted"
    assert f"{untrusted_function.__module__}.untrusted_function" in error.diagnostics[0].summary
    assert "trust:" in error.diagnostics[0].fix
    load(path, (f"{untrusted_function.__module__}.",))


@pytest.mark.parametrize(
    ("module", "name"), [("os", "system"), ("builtins", "eval"), ("subprocess", "Popen"), ("posix", "system")]
)
@pytest.mark.parametrize("loader", ["ObjectNode", "FunctionNode", "TypeNode"])
def test_no_file_names_what_it_likes(bench: Any, module: str, name: str, loader: str) -> None:
    def change(state: Any) -> None:
        victim = next(one for one in nodes(state) if one["__class__"] == "LogisticRegression")
        victim |= {"__module__": module, "__class__": name, "__loader__": loader}

    crafted = rewrite(bench.train("linear_model.LogisticRegression").artifact, change)
    assert f"{module}.{name}" in str(refused(crafted))


@pytest.mark.parametrize(
    "node",
    [
        {"__loader__": "MethodNode", "content": {"func": "fit", "obj": {}}},
        {"__loader__": "OperatorFuncNode", "__module__": "operator", "__class__": "methodcaller", "attrs": {}},
        {"__loader__": "ConstructorFromReduceNode", "content": {}},
        {"__loader__": "BytesNode", "file": "x"},
    ],
    ids=lambda node: node["__loader__"],
)
def test_ways_of_making_objects_that_we_never_use_are_refused(bench: Any, node: dict[str, Any]) -> None:
    def change(state: Any) -> None:
        victim = next(one for one in nodes(state) if one["__class__"] == "LogisticRegression")
        victim |= node

    error = refused(rewrite(bench.train("linear_model.LogisticRegression").artifact, change))
    assert node["__loader__"] in str(error)


def test_a_partial_calls_nothing_but_what_was_reviewed(bench: Any) -> None:
    def change(state: Any) -> None:
        partial = next(one for one in nodes(state) if one["__loader__"] == "PartialNode")
        partial["content"]["func"] |= {"__module__": "numpy", "__class__": "add"}

    crafted = rewrite(bench.train("ensemble.HistGradientBoostingClassifier", params={"max_iter": 2}).artifact, change)
    assert "numpy.add" in str(refused(crafted))


def test_an_older_protocol_is_refused(bench: Any) -> None:
    crafted = rewrite(bench.train("naive_bayes.GaussianNB").artifact, lambda state: state.update(protocol=0))
    assert "protocol" in str(refused(crafted))


def test_a_packed_bomb_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.skops"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("schema.json", "[" * 5_000_000)
    assert "not packed as we pack" in str(refused(path))


@pytest.mark.parametrize("data", [b"", b"junk" * 100, b"PK\x03\x04" + b"\0" * 50])
def test_junk_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "junk.skops"
    path.write_bytes(data)
    assert refused(path).diagnostics[0].code == "artifact-untrusted"


def test_deep_nesting_and_wrong_shapes_end_in_a_diagnostic(tmp_path: Path) -> None:
    for text in ("[" * 100_000 + "]" * 100_000, "{}", "[]", '{"protocol": 3}', '{"protocol": "x"}', "not json"):
        path = tmp_path / "odd.skops"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as target:
            target.writestr("schema.json", text)
        assert refused(path).diagnostics[0].code in ("artifact-corrupt", "artifact-untrusted")


def test_a_model_that_is_no_pipeline_of_ours_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    path.write_bytes(skops.io.dumps(LogisticRegression()))
    assert refused(path).diagnostics[0].code == "artifact-corrupt"


def changed_nodes(path: Path, dtype_field: str, change: Callable[[Any], None]) -> Path:
    """Craft a file in which the first structured array with a field is changed."""
    with zipfile.ZipFile(path) as held:
        for name in held.namelist():
            if not name.endswith(".npy"):
                continue
            array = np.load(io.BytesIO(held.read(name)))
            if dtype_field in (array.dtype.names or ()):
                change(array)
                buffer = io.BytesIO()
                np.save(buffer, array)
                return rewrite(path, lambda _: None, **{name: buffer.getvalue()})
    raise AssertionError("no such array")


def set_first(field: str, value: int) -> Callable[[Any], None]:
    def change(nodes: Any) -> None:
        nodes[field][0] = value

    return change


@pytest.mark.parametrize(
    ("estimator", "params", "field", "value"),
    [
        ("tree.DecisionTreeClassifier", {}, "left_child", 10_000_000),
        ("tree.DecisionTreeClassifier", {}, "right_child", 0),
        ("tree.DecisionTreeClassifier", {}, "left_child", -7),
        ("tree.DecisionTreeClassifier", {}, "feature", 10_000_000),
        ("tree.DecisionTreeClassifier", {}, "feature", -5),
        ("ensemble.RandomForestClassifier", {"n_estimators": 2}, "left_child", 10_000_000),
        ("ensemble.GradientBoostingClassifier", {"n_estimators": 2}, "feature", 10_000_000),
        ("ensemble.HistGradientBoostingClassifier", {"max_iter": 2}, "left", 4_000_000_000),
        ("ensemble.HistGradientBoostingClassifier", {"max_iter": 2}, "right", 0),
        ("ensemble.HistGradientBoostingClassifier", {"max_iter": 2}, "feature_idx", 10_000_000),
        ("ensemble.HistGradientBoostingClassifier", {"max_iter": 2}, "feature_idx", -1),
        ("neighbors.KNeighborsClassifier", {"algorithm": "kd_tree"}, "idx_end", 10_000_000),
        ("neighbors.KNeighborsClassifier", {"algorithm": "ball_tree"}, "idx_start", -5),
    ],
)
def test_a_crafted_tree_is_refused(bench: Any, estimator: str, params: Any, field: str, value: int) -> None:
    path = bench.train(estimator, params=params).artifact
    error = refused(changed_nodes(path, field, set_first(field, value)))
    assert error.diagnostics[0].code in ("artifact-untrusted", "artifact-corrupt")


def test_a_split_by_category_points_at_categories_there_are(bench: Any) -> None:
    def change(nodes: Any) -> None:
        nodes["is_categorical"][0], nodes["bitset_idx"][0] = 1, 1_000_000

    path = bench.train("ensemble.HistGradientBoostingClassifier", params={"max_iter": 2}).artifact
    assert "break the program" in str(refused(changed_nodes(path, "bitset_idx", change)))


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("_n_support", np.array([5, 10_000_000], dtype=np.int32)),
        ("_n_support", np.array([-1, 3], dtype=np.int32)),
        ("_dual_coef_", np.zeros((1, 1))),
        ("_intercept_", np.zeros(0)),
        ("support_vectors_", np.zeros((3, 1))),
        ("_probA", np.zeros(7)),
    ],
)
def test_crafted_support_vectors_are_found(bench: Any, attribute: str, value: Any) -> None:
    pipeline, _ = load(bench.train("svm.SVC").artifact, ())
    assert list(faults(pipeline)) == []
    setattr(pipeline[-1], attribute, value)
    assert list(faults(pipeline))


@pytest.mark.parametrize("estimator", ["ensemble.RandomForestClassifier", "ensemble.GradientBoostingClassifier"])
def test_a_forest_that_claims_fewer_features_than_its_trees_read_is_found(bench: Any, estimator: str) -> None:
    pipeline, _ = load(bench.train(estimator, params={"n_estimators": 2}).artifact, ())
    pipeline[-1].n_features_in_ = 1
    assert list(faults(pipeline))


def test_categories_beyond_their_bits_are_found(bench: Any) -> None:
    trained = bench.train("ensemble.HistGradientBoostingClassifier", params={"max_iter": 2})
    pipeline, _ = load(trained.artifact, ())
    pipeline[-1]._bin_mapper.bin_thresholds_[0] = np.array([0.0, 70_000.0])
    assert list(faults(pipeline))


def test_no_module_of_the_plugin_opens_pickles() -> None:
    folder = Path(__file__).parents[3] / "plugins" / "ordain_sklearn"
    for path in folder.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "import pickle" not in text and "joblib" not in text.replace("or joblib, which", ""), path


def test_the_members_have_fixed_names_and_dates(bench: Any) -> None:
    with zipfile.ZipFile(bench.train("linear_model.LogisticRegression").artifact) as held:
        assert held.namelist()[0] == "schema.json"
        assert held.namelist()[1:] == [f"{number:06d}.npy" for number in range(len(held.namelist()) - 1)]
        assert {one.date_time for one in held.infolist()} == {(1980, 1, 1, 0, 0, 0)}
