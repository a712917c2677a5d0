"""What is wrong with the estimators and parameters of a spec, from scikit-learn's source: it is not imported.

The train step's own checks (``estimators``) have the last word; here is said only what is certain.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from ordain.api import Diagnostic, Json, OrdainError, Path
from ordain_sklearn.problems import no_estimator, no_module, no_name, no_parameter, other_task, stray_key
from ordain_sklearn.source import BASE, Absent, Class, Module, Other, find, folder, module, modules, names, origin

_TYPES: Mapping[str, str] = {
    "BaseEstimator": "",
    "BiclusterMixin": "",
    "ClassNamePrefixFeaturesOutMixin": "",
    "ClassifierMixin": "classifier",
    "ClusterMixin": "clusterer",
    "DensityMixin": "density_estimator",
    "MetaEstimatorMixin": "",
    "MultiOutputMixin": "",
    "OneToOneFeatureMixin": "",
    "OutlierMixin": "outlier_detector",
    "RegressorMixin": "regressor",
    "TransformerMixin": "",
}
"""The classes of ``sklearn.base`` and the estimator type each gives. None has an ``__init__`` or a ``fit``, and only
``BaseEstimator`` has ``get_params``: scikit-learn's contract, held by a test over all estimators."""
_MATTER = frozenset(("__init__", "__sklearn_tags__", "fit", "get_params"))
_MAKERS = frozenset(("__new__", "__signature__", "_estimator_type"))
"""Members that would make a class, or say its type, in another way than is read here."""
_ESTIMATOR: Path = ("spec", "estimator")
_PARAMS: Path = ("spec", "params")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is certain of a class: can it be fitted, its type ("" where it has none), its parameters.

    None is "not known".
    """

    fits: bool | None = None
    estimator_type: str | None = None
    parameters: frozenset[str] | None = None


def check(spec: Mapping[str, Json]) -> tuple[Diagnostic, ...]:
    """Return what is wrong with ``estimator`` and ``params``, those of nested estimators included."""
    if folder() is None:
        return ()
    path = str(spec.get("estimator", ""))
    errors = list(_estimator(path, spec.get("params"), _ESTIMATOR, _PARAMS))
    known = facts(path).estimator_type
    if known not in (None, "classifier", "regressor"):
        errors.append(other_task(path.rpartition(".")[2], known or ""))
    return tuple(one for error in errors for one in error.diagnostics)


def _estimator(path: str, params: Json, at: Path, params_at: Path) -> Iterator[OrdainError]:
    if path.startswith("sklearn."):
        yield from _class(path, at)
    given = params if isinstance(params, Mapping) else {}
    known = facts(path).parameters
    short = path.rpartition(".")[2]
    for name, value in given.items():
        if known is not None and name not in known:
            yield no_parameter(short, name, known, (*params_at, name))
        yield from _value(value, (*params_at, name))


def _value(value: Json, at: Path) -> Iterator[OrdainError]:
    if isinstance(value, Mapping) and "estimator" in value:
        stray = sorted(set(value) - {"estimator", "params"})
        if stray:
            yield stray_key(stray[0], at)
        yield from _estimator(str(value["estimator"]), value.get("params"), (*at, "estimator"), (*at, "params"))
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from _value(one, (*at, key))
    elif isinstance(value, list | tuple):
        for index, one in enumerate(value):
            yield from _value(one, (*at, index))


def _class(path: str, at: Path) -> Iterator[OrdainError]:
    home, _, name = path.rpartition(".")
    there = module(home)
    if isinstance(there, Absent):
        yield no_module(path, there.name, modules(), at)
    elif isinstance(there, Module):
        if isinstance(find(home, name), Absent | Other):
            yield no_name(home, name, there.classes, at)
        elif facts(path).fits is False:
            yield no_estimator(path, at)


@cache
def facts(path: str) -> Facts:
    """Return what is certain of the class at an import path; nothing is of what is not scikit-learn's."""
    home, _, name = path.rpartition(".")
    found = find(home, name)
    if not isinstance(found, Class):
        return Facts()
    family = _family(found)
    if family is None:
        return Facts(parameters=_own_parameters(found))
    roots, classes = family
    members = {name for one in classes for name in _members(one.node)}
    fits = "fit" in members and ("get_params" in members or "BaseEstimator" in roots)
    return Facts(
        fits=fits,
        estimator_type=_type(roots, classes) if fits else None,
        parameters=_inherited_parameters(found, classes),
    )


@cache
def _family(one: Class) -> tuple[frozenset[str], tuple[Class, ...]] | None:
    """Return the classes of ``sklearn.base`` that a class comes from, and itself with all others; None: not known."""
    if one.module.name == BASE or one.node.decorator_list or not _plain(one.node):
        return None
    roots: set[str] = set()
    classes = [one]
    for base in one.node.bases:
        found = _base(one.module, base)
        if isinstance(found, str):
            roots.add(found)
            continue
        family = _family(found) if found is not None else None
        if family is None:
            return None
        roots |= family[0]
        classes += family[1]
    return frozenset(roots - {""}), tuple(dict.fromkeys(classes))


def _plain(node: ast.ClassDef) -> bool:
    """Say whether a class binds what matters plainly, and is made as classes are."""
    for word in node.keywords:
        if word.arg != "auto_wrap_output_keys" and (word.arg, ast.unparse(word.value)) != ("metaclass", "ABCMeta"):
            return False
    plain = {name for name, plainly in _bound(node) if plainly}
    other = {name for name, plainly in _bound(node) if not plainly}
    return not (_MATTER & other or _MAKERS & plain or _MAKERS & other)


def _base(home: Module, base: ast.expr) -> Class | str | None:
    """Return the class a base is: a name for one of ``sklearn.base``, "" for one that adds nothing."""
    if not isinstance(base, ast.Name):
        return None
    place = origin(home.name, base.id)
    if place is None or place == ("abc", "ABC"):
        return None if place is None else ""
    if place[0] == BASE:
        return place[1] if place[1] in _TYPES else None
    found = find(*place)
    return found if isinstance(found, Class) else None


def _bound(node: ast.ClassDef) -> Iterator[tuple[str, bool]]:
    return (found for one in node.body for found in names(one))


def _members(node: ast.ClassDef) -> frozenset[str]:
    return frozenset(name for name, _ in _bound(node))


def _type(roots: frozenset[str], classes: tuple[Class, ...]) -> str | None:
    """Return the one type a class's bases give it; None where they give several, or a method may say otherwise."""
    types = {_TYPES[root] for root in roots} - {""}
    methods = [node for one in classes for node in one.node.body
               if isinstance(node, ast.FunctionDef) and node.name == "__sklearn_tags__"]  # fmt: skip
    for node in (inner for method in methods for inner in ast.walk(method)):
        if isinstance(node, ast.Attribute) and node.attr == "estimator_type":
            return None
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            if ast.unparse(node.value) != "super().__sklearn_tags__()":  # another estimator's tags may be handed on
                return None
        elif isinstance(node, ast.Return) and not isinstance(node.value, ast.Name):
            return None
    return types.pop() if len(types) == 1 else None if types else ""


def _own_parameters(one: Class) -> frozenset[str] | None:
    """Return the parameters of a class with an ``__init__`` of its own; None where it has none or it is not plain."""
    found = [node for node in one.node.body if isinstance(node, ast.FunctionDef) and node.name == "__init__"]
    if len(found) != 1 or found[0].decorator_list or one.node.decorator_list or not _plain(one.node):
        return None
    given = found[0].args
    if given.kwarg is not None:
        return None
    return frozenset(arg.arg for arg in (*given.posonlyargs, *given.args, *given.kwonlyargs)[1:])


def _inherited_parameters(one: Class, family: tuple[Class, ...]) -> frozenset[str] | None:
    """Return the parameters of a class whose family is known: its own, or those of the one ``__init__`` it gets."""
    made = [other for other in family if "__init__" in _members(other.node)]
    if not made:
        return frozenset()
    return _own_parameters(one if one in made else made[0]) if one in made or len(made) == 1 else _nearest(one)


def _nearest(one: Class) -> frozenset[str] | None:
    """Return the parameters that all bases of a class agree on, which is the ``__init__`` Python would take."""
    inits = set(_inits(one))
    return _own_parameters(inits.pop()) if len(inits) == 1 else None


def _inits(one: Class) -> Iterator[Class]:
    if "__init__" in _members(one.node):
        yield one
        return
    for base in one.node.bases:
        found = _base(one.module, base)
        if isinstance(found, Class):
            yield from _inits(found)
