"""Estimators by import path: found, checked and made from plain parameters, without running anything of a project.

Only classes of scikit-learn, and of what the project's trust list names, are ever imported.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from ordain.api import Path
from ordain_sklearn.problems import (
    near,
    no_estimator,
    no_module,
    no_name,
    no_parameter,
    other_task,
    refuse,
    stray_key,
)
from ordain_sklearn.schema import Task, label
from ordain_sklearn.trusted import is_trusted

OWN = ("sklearn.",)
_SCALED = (
    "sklearn.linear_model.",
    "sklearn.svm.",
    "sklearn.neighbors.",
    "sklearn.neural_network.",
    "sklearn.kernel_ridge.",
    "sklearn.gaussian_process.",
    "sklearn.discriminant_analysis.",
    "sklearn.semi_supervised.",
    "sklearn.cross_decomposition.",
)
_PARAMS: Path = ("spec", "params")


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What decides preprocessing: is the estimator's task, does it want scaled numbers, read gaps, know categories?

    ``native_levels`` is how many levels a column may have that it reads as categories; 0 where it does not.
    """

    task: Task
    scaled: bool
    reads_gaps: bool
    native_levels: int


def make(spec: Mapping[str, Any], trusted: tuple[str, ...]) -> Any:
    """Return the estimator a spec asks for, its parameters checked, everything random seeded.

    Raises ``OrdainError`` for an estimator or a parameter there is not, or one that is not trusted.
    """
    estimator = _made(str(spec["estimator"]), spec.get("params") or {}, trusted, _PARAMS)
    _seed(estimator, int(spec.get("seed") or 0))
    return estimator


def find_class(path: str, trusted: tuple[str, ...], at: Path) -> type:
    """Return the class at an import path. Raises ``OrdainError`` where it is not trusted, not there, or no class."""
    if not is_trusted(path, (*OWN, *trusted)):
        raise refuse(
            "estimator-untrusted",
            f"{path} is neither of scikit-learn nor on the project's trust list",
            "use an estimator of scikit-learn, or have the list reviewed: trust: {estimators: [package.]}",
            detail="an estimator is code that training and serving run",
            path=at,
        )
    module, _, name = path.rpartition(".")
    found = getattr(_module(module, path, at), name, None)
    if not isinstance(found, type):
        listed = _classes(importlib.import_module(module))
        raise no_name(module, name, listed, at)
    home = f"{found.__module__}.{found.__qualname__}"
    if not is_trusted(home, (*OWN, *trusted)):
        raise refuse(
            "estimator-untrusted",
            f"{path} is {home}, which nobody trusted",
            "name an estimator of a trusted package",
            path=at,
        )
    if not (hasattr(found, "fit") and hasattr(found, "get_params")):
        raise no_estimator(path, at)
    return found


def _module(name: str, path: str, at: Path) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        package = name.split(".")[0]
        missing = (error.name or "").split(".")[0]
        if missing == package and package != "sklearn":
            raise refuse(
                "estimator-unknown",
                f"{path}: there is no module {error.name}",
                f"install {package} where Ordain runs",
                path=at,
            ) from None
        import sklearn

        raise no_module(path, error.name or name, sklearn.__all__, at) from None


def _classes(module: ModuleType) -> list[str]:
    return [
        name
        for name, one in inspect.getmembers(module, inspect.isclass)
        if hasattr(one, "fit") and hasattr(one, "get_params") and not name.startswith("_")
    ]


def _made(path: str, params: Mapping[str, Any], trusted: tuple[str, ...], at: Path) -> Any:
    found = find_class(path, trusted, ("spec", "estimator") if at == _PARAMS else (*at[:-1], "estimator"))
    known = _parameters(found)
    for name in params:
        if known is not None and name not in known:
            short = path.rpartition(".")[2]
            raise no_parameter(short, name, known, (*at, name))
    values = {name: _value(value, trusted, (*at, name)) for name, value in params.items()}
    try:
        return found(**values)
    except TypeError as error:
        raise refuse(
            "estimator-params", f"{path.rpartition('.')[2]}: {error}", "give the parameters it needs", path=at
        ) from None


def _parameters(found: type) -> set[str] | None:
    """Return the parameters a class takes; None where it takes any."""
    parameters = inspect.signature(found).parameters.values()
    if any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters):
        return None
    return {one.name for one in parameters if one.kind is not inspect.Parameter.VAR_POSITIONAL}


def _value(value: Any, trusted: tuple[str, ...], at: Path) -> Any:
    """Return a parameter's value: nested estimators are made, ``[name, estimator]`` pairs become tuples."""
    if isinstance(value, Mapping) and "estimator" in value:
        if set(value) - {"estimator", "params"}:
            raise stray_key(sorted(set(value) - {"estimator", "params"})[0], at)
        return _made(str(value["estimator"]), value.get("params") or {}, trusted, (*at, "params"))
    if isinstance(value, Mapping):
        return {key: _value(one, trusted, (*at, key)) for key, one in value.items()}
    if isinstance(value, list | tuple):
        made = [_value(one, trusted, (*at, index)) for index, one in enumerate(value)]
        return tuple(made) if len(made) == 2 and isinstance(made[0], str) and hasattr(made[1], "fit") else made
    return value


def weigh(estimator: Any, classes: Sequence[Any]) -> None:
    """Key ``class_weight`` by the numbers classes have inside, where it is keyed by labels (``classes``)."""
    params = estimator.get_params(deep=True)
    for name, value in params.items():
        if name.rpartition("__")[2] != "class_weight" or not isinstance(value, Mapping):
            continue
        numbers = {label(one): index for index, one in enumerate(classes)}
        for key in value:
            if label(key) not in numbers:
                raise refuse(
                    "estimator-params",
                    f"class_weight names {key}, which is no class",
                    near(label(key), numbers, "classes"),
                    path=(*_PARAMS, "class_weight"),
                )
        estimator.set_params(**{name: {numbers[label(key)]: weight for key, weight in value.items()}})


def _seed(estimator: Any, seed: int) -> None:
    """Seed everything random, so that the same recipe gives the same bytes; what the spec seeds itself stays."""
    params = estimator.get_params(deep=True)
    unseeded = {
        name: seed for name, value in params.items() if value is None and name.rpartition("__")[2] == "random_state"
    }
    if unseeded:
        estimator.set_params(**unseeded)


def traits(estimator: Any) -> Traits:
    """Return what decides an estimator's preprocessing. Raises ``OrdainError`` for what neither classifies nor
    regresses."""
    from sklearn.utils import get_tags

    tags = get_tags(estimator)
    name = type(estimator).__name__
    if tags.estimator_type not in ("classifier", "regressor"):
        raise other_task(name, tags.estimator_type or "")
    hist = type(estimator).__module__.startswith("sklearn.ensemble._hist_gradient_boosting")
    return Traits(
        task=Task.CLASSIFICATION if tags.estimator_type == "classifier" else Task.REGRESSION,
        scaled=any(f"{type(one).__module__}.".startswith(_SCALED) for one in _all(estimator)),
        reads_gaps=bool(tags.input_tags.allow_nan),
        native_levels=min(int(estimator.max_bins), 255) if hist else 0,
    )


def _all(estimator: Any) -> Iterator[Any]:
    """Yield an estimator and those among its parameters, however deep."""
    yield estimator
    for value in estimator.get_params(deep=False).values():
        for one in _inner(value):
            yield from _all(one)


def _inner(value: Any) -> Iterator[Any]:
    if hasattr(value, "get_params") and not isinstance(value, type):
        yield value
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _inner(one)
