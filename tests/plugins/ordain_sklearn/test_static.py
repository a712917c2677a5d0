"""What is said of estimators from scikit-learn's source, against scikit-learn itself."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from ordain.api import Diagnostic, OrdainError
from ordain_sklearn import source, static
from ordain_sklearn.estimators import make, traits
from ordain_sklearn.options import SklearnOptions
from ordain_sklearn.trainer import Sklearn

NOT_KNOWN = {"PassiveAggressiveClassifier", "PassiveAggressiveRegressor"}
"""Classes with a decorator."""
CLASSIFIER = "sklearn.linear_model.LogisticRegression"


def every() -> Iterator[tuple[str, type]]:
    """Yield each estimator by its home, and by the public path people write."""
    from sklearn.utils import all_estimators

    for name, one in all_estimators():
        yield f"{one.__module__}.{name}", one
        public = one.__module__.split("._")[0]
        if hasattr(importlib.import_module(public), name):
            yield f"{public}.{name}", one


def check(estimator: str, **params: Any) -> list[Diagnostic]:
    return list(Sklearn().check({"estimator": estimator, "params": params}))


def test_an_estimator_without_its_module_is_told_how_it_is_written() -> None:
    with pytest.raises(ValidationError, match="write where Ridge is imported from"):
        SklearnOptions.model_validate({"estimator": "Ridge"})


def refused(spec: dict[str, Any]) -> Diagnostic | None:
    """Return what the train step refuses in a spec."""
    try:
        traits(make(spec, ()))
    except OrdainError as error:
        (diagnostic,) = error.diagnostics
        return diagnostic
    return None


def test_parameters_are_those_of_every_estimator() -> None:
    found = {path: static.facts(path) for path, _ in every()}
    assert len(found) > 350
    truth = {path: frozenset(one._get_param_names()) for path, one in every()}  # type: ignore[attr-defined]
    known = {path: facts.parameters for path, facts in found.items() if facts.parameters is not None}
    assert known == {path: truth[path] for path in known}
    assert {path.rpartition(".")[2] for path in found.keys() - known.keys()} == NOT_KNOWN
    assert not [path for path, facts in found.items() if facts.fits is False]


def test_no_type_is_said_that_an_estimator_has_not() -> None:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.utils import get_tags

    said = 0
    for path, one in every():
        kind = static.facts(path).estimator_type
        if kind is None:
            continue
        said += 1
        needs = one.__init__.__code__.co_varnames[1:2] if "__init__" in vars(one) else ()  # type: ignore[misc]
        tries: list[Any] = []
        for inner in (LogisticRegression(), Ridge()):
            try:
                tries.append(
                    one(**{needs[0]: inner}) if needs and needs[0] in ("estimator", "base_estimator") else one()
                )
            except TypeError:  # other parameters it cannot be without
                assert issubclass(one, ClassifierMixin | RegressorMixin) or needs[0] in (
                    "dictionary", "estimators", "transformer_list", "transformers",
                )  # fmt: skip
        for made in tries:
            assert isinstance(made, BaseEstimator)
            assert (get_tags(made).estimator_type or "") == kind, path
    assert said > 300


def test_names_are_those_of_every_module() -> None:
    open_ended = []
    for name in ("sklearn", *(f"sklearn.{one}" for one in source.modules())):
        module = importlib.import_module(name)
        there = [one for one in dir(module) if isinstance(getattr(module, one, None), type)]
        assert not [one for one in there if isinstance(source.find(name, one), source.Absent | source.Other)]
        missing = source.find(name, "NoSuchThing")
        assert missing in (None, source.Absent(f"{name}.NoSuchThing"))
        open_ended += [name] if missing is None else []
    assert open_ended == ["sklearn.datasets"]  # its ``__getattr__`` does more than raise


@pytest.mark.parametrize(
    ("estimator", "fix"),
    [
        ("linear_model.LogisticRegresion", "did you mean LogisticRegression?"),
        ("ensemble._forest.RandomForestClasifier", "did you mean RandomForestClassifier?"),
        ("model_selection.GridSearchCVV", "did you mean GridSearchCV?"),
        ("dummy.DumyClassifier", "did you mean DummyClassifier?"),
        ("linear_modell.Ridge", "did you mean linear_model?"),
        ("linear_model.ridge_regression", "did you mean"),
        ("svm.LinearSVC.fit", "modules of sklearn"),
        ("dummy.DummyClassifier.fit", "modules of sklearn"),
        ("base.warnings", ""),
        ("cluster.KMeans", "name a classifier or a regressor"),
        ("ensemble.IsolationForest", "name a classifier or a regressor"),
        ("preprocessing.StandardScaler", "name a classifier or a regressor"),
    ],
)
def test_it_says_what_the_train_step_says(estimator: str, fix: str) -> None:
    (found,) = check(f"sklearn.{estimator}")
    truth = refused({"estimator": f"sklearn.{estimator}"})
    assert truth is not None and fix in found.fix
    assert (found.code, found.summary, found.path) == (truth.code, truth.summary, truth.path)


def test_a_parameter_is_found_at_its_name() -> None:
    (found,) = check(CLASSIFIER, CC=1, max_iter=20)
    assert found == refused({"estimator": CLASSIFIER, "params": {"CC": 1, "max_iter": 20}})
    assert (found.path, found.key, found.fix) == (("spec", "params", "CC"), True, "did you mean C?")


def test_estimators_among_parameters_are_looked_at() -> None:
    inner = [
        ["a", {"estimator": CLASSIFIER, "params": {"CC": 1}}],
        ["b", {"estimator": "sklearn.svm.SVCC"}],
        ["c", {"estimator": CLASSIFIER, "parms": {}}],
        ["d", {"estimator": "sklearn.cluster.KMeans", "params": {"n_clusters": 2}}],
    ]
    found = check("sklearn.ensemble.VotingClassifier", estimators=inner, votin="soft")
    path = ("spec", "params", "estimators")
    assert [one.path for one in found] == [
        (*path, 0, 1, "params", "CC"), (*path, 1, 1, "estimator"), (*path, 2, 1), ("spec", "params", "votin"),
    ]  # fmt: skip
    for index in (0, 1, 2):
        params = {"estimators": [inner[index]]}
        truth = refused({"estimator": "sklearn.ensemble.VotingClassifier", "params": params})
        assert truth is not None and (truth.code, truth.summary) == (found[index].code, found[index].summary)


@pytest.mark.parametrize(
    "estimator",
    [
        "our_models.Best",  # not looked at, trusted or not
        "sklearn_extra.Best",
        "sklearn.model_selection.HalvingGridSearchCV",  # there when it was asked for
        "sklearn.experimental.enable_halving_search_cv",
        "sklearn.externals.nothing.There",
        "sklearn._isotonic.Compiled",
        "sklearn.pipeline.Pipeline",  # its type is that of its last step
        "sklearn.frozen.FrozenEstimator",
        "sklearn.linear_model.PassiveAggressiveClassifier",
    ],
)
def test_it_says_nothing_where_it_is_not_certain(estimator: str) -> None:
    assert check(estimator) == []


def test_without_scikit_learn_it_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "find_spec", lambda name: None)
    source.folder.cache_clear()
    try:
        assert check("sklearn.linear_model.LogisticRegresion") == []
    finally:
        monkeypatch.undo()
        source.folder.cache_clear()


def test_it_imports_neither_scikit_learn_nor_what_is_heavy() -> None:
    code = (
        "import sys; from ordain_sklearn.trainer import Sklearn\n"
        f"assert Sklearn().check({{'estimator': {CLASSIFIER!r}, 'params': {{'CC': 1}}}})\n"
        "assert not {'sklearn', 'numpy', 'pandas', 'pyarrow', 'pydantic'} & set(sys.modules), sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


SOURCES = {
    "__init__.py": "from sklearn._late import *\n",
    "_late.py": "",
    "star/__init__.py": "from sklearn._late import *\n",
    "getter/__init__.py": "def __getattr__(name):\n    return load(name)\n",
    "setter.py": "for one in 'ab':\n    globals()[one] = 1\n",
    "twice.py": "class A:\n    pass\ntry:\n    from other import A\nexcept ImportError:\n    pass\n",
    "round.py": "from sklearn.about import A\n",
    "about.py": "from sklearn.round import A\n",
    "broken.py": "class A(:\n",
    "plain.py": "from .deep.inner import Inner as B\nclass C(B):\n    pass\nclass D(B):\n"
    "    def __init__(self, d, **other): ...\n",
    "deep/__init__.py": "",
    "deep/inner.py": "from sklearn.base import BaseEstimator\nfrom ..plain import B as Again\n"
    "class Inner(BaseEstimator):\n    def __init__(self, a, *, b=1): ...\n    def fit(self): ...\n",
}


@pytest.fixture
def other_sklearn(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Another scikit-learn, of odd sources."""
    for name, text in SOURCES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    caches = (source.module, source.find, static.facts, static._family)
    monkeypatch.setattr(source, "folder", lambda: tmp_path)
    for one in caches:
        one.cache_clear()
    yield
    for one in caches:
        one.cache_clear()


@pytest.mark.usefixtures("other_sklearn")
@pytest.mark.parametrize("path", ["X", "star.X", "getter.X", "setter.X", "twice.A", "round.A", "broken.A"])
def test_what_is_not_plain_is_not_known(path: str) -> None:
    assert check(f"sklearn.{path}", anything=1) == []


@pytest.mark.usefixtures("other_sklearn")
def test_imports_and_bases_are_followed() -> None:
    for path in ("plain.B", "plain.C", "deep.inner.Inner", "deep.inner.Again"):
        assert static.facts(f"sklearn.{path}").parameters == {"a", "b"}, path
    assert static.facts("sklearn.plain.D").parameters is None
    assert [one.code for one in check("sklearn.plain.E")] == ["estimator-unknown"]
