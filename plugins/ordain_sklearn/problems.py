"""Diagnostics of this plugin, in one shape."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from ordain.api import Blame, Diagnostic, ExitCode, OrdainError, Path


def refuse(code: str, summary: str, fix: str, *, detail: str = "", path: Path = (), key: bool = False) -> OrdainError:
    """Return an error about what the user wrote (``path`` is the field of the document) or the data hold."""
    asked = ExitCode.SPEC if path else ExitCode.STEP_FAILED
    return OrdainError(Diagnostic(code=code, summary=summary, detail=detail, fix=fix, exit=asked, path=path, key=key))


def no_module(path: str, missing: str, modules: Iterable[str], at: Path) -> OrdainError:
    """Return an error about an import path whose module ``missing`` is not among scikit-learn's ``modules``."""
    fix = near(missing.removeprefix("sklearn."), modules, "modules of sklearn")
    return refuse("estimator-unknown", f"{path}: there is no module {missing}", fix, path=at)


def no_name(module: str, name: str, listed: Iterable[str], at: Path) -> OrdainError:
    """Return an error about a name that is no class of a module; ``listed`` are those that are."""
    return refuse("estimator-unknown", f"{module} has no estimator {name}", near(name, listed, "there are"), path=at)


def no_estimator(path: str, at: Path) -> OrdainError:
    """Return an error about a class that cannot be fitted."""
    return refuse("estimator-unknown", f"{path} is no estimator", "name a classifier or a regressor", path=at)


def no_parameter(estimator: str, name: str, known: Iterable[str], at: Path) -> OrdainError:
    """Return an error about a parameter that an estimator has not; ``at`` is where its name stands."""
    fix = near(name, known, f"parameters of {estimator}")
    return refuse("estimator-params", f"{estimator} has no parameter {name}", fix, path=at, key=True)


def stray_key(key: str, at: Path) -> OrdainError:
    """Return an error about a key beside ``estimator`` and ``params`` of an estimator among parameters."""
    return refuse(
        "estimator-params", f"{key} does not belong here", "an estimator is {estimator: path, params: {…}}", path=at
    )


def other_task(name: str, estimator_type: str) -> OrdainError:
    """Return an error about an estimator that does not learn a target; its type is "" where it has none."""
    kind = estimator_type.replace("_", " ")
    what = f"for another task ({kind})" if kind else "neither a classifier nor a regressor"
    return refuse(
        "estimator-task",
        f"{name} is {what}; a Model learns to predict a target",
        "name a classifier or a regressor",
        path=("spec", "estimator"),
    )


def untrusted(code: str, summary: str, detail: str, fix: str) -> OrdainError:
    """Return an error about an artifact that is not opened."""
    return OrdainError(
        Diagnostic(code=code, summary=summary, detail=detail, fix=fix, blame=Blame.WORLD, exit=ExitCode.STEP_FAILED)
    )


def near(name: str, known: Iterable[str], word: str) -> str:
    """Return a tip: the nearest known name, or all of them."""
    there = sorted(known)
    found = difflib.get_close_matches(name, there, n=1)
    if found:
        return f"did you mean {found[0]}?"
    listed = ", ".join(there[:30]) + (", …" if len(there) > 30 else "")
    return f"{word}: {listed or 'none'}"
