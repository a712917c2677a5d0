"""Variables as the outside gives them: the environment, files, the command line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ordain.session.context import Context
from ordain.values.codec import canonical
from ordain.values.data import Json, Tree
from ordain.values.diagnostic import Diagnostic, ExitCode, OrdainError

_PREFIX = "ORDAIN_VAR_"


def given_variables(context: Context) -> Mapping[str, str]:
    """Return the variables as text: ``ORDAIN_VAR_x``, then files (later ones win), then ``--var``."""
    found = _of_environment(context)
    for path in context.choice.variable_files:
        found |= _of_file(path)
    return {**found, **dict(context.choice.variables)}


def origins(context: Context) -> Mapping[str, str]:
    """Return where each variable's text comes from, for messages."""
    found = {name: f"{_PREFIX}{name}" for name in _of_environment(context)}
    for path in context.choice.variable_files:
        found |= dict.fromkeys(_of_file(path), str(path))
    return {**found, **dict.fromkeys(dict(context.choice.variables), "--var")}


def _of_environment(context: Context) -> dict[str, str]:
    return {name.removeprefix(_PREFIX): text for name, text in context.environ.items() if name.startswith(_PREFIX)}


def _of_file(path: Path) -> dict[str, str]:
    try:
        data, typed = _parse_file(path.read_bytes().decode("utf-8-sig"))
    except (OSError, ValueError) as error:
        raise OrdainError(_unreadable(str(path), getattr(error, "strerror", "") or str(error))) from error
    if not isinstance(data, Mapping) or not isinstance(typed, Mapping):
        raise OrdainError(_unreadable(str(path), "it holds no mapping of names to values"))
    return {name: value if isinstance(value, str) else canonical(typed[name]).decode() for name, value in data.items()}


def _parse_file(text: str) -> tuple[Json, Tree]:
    """Return what a file says twice: scalars as they are written (``1.10`` may be text), and with their types.

    What stands in a list or a mapping has the types it has in a document.
    """
    import yaml

    from ordain.config.events import Budget, Fatal, Walk

    walk = Walk(Budget())
    try:
        walk.run(text)
        parsed: Json = yaml.load(text, Loader=yaml.CBaseLoader)
    except Fatal as error:
        raise ValueError(error.problem.summary) from error
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error
    if walk.problems:
        raise ValueError(f"line {walk.problems[0].line + 1}: {walk.problems[0].summary}")
    return parsed, walk.root


def _unreadable(path: str, detail: str) -> Diagnostic:
    return Diagnostic(
        code="variable-file",
        summary=f"the file of variables {path} cannot be read",
        detail=detail,
        fix="write a YAML mapping: name: value, one a line",
        exit=ExitCode.SPEC,
    )
