"""Variables as the outside gives them: the environment, files, the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ordain.session.context import Context
from ordain.values.codec import canonical
from ordain.values.data import Json
from ordain.values.diagnostic import Diagnostic, ExitCode, OrdainError
from ordain.values.span import Source, Span

PREFIX = "ORDAIN_VAR_"


def given_variables(context: Context) -> Mapping[str, str]:
    """Return the variables as text: ``ORDAIN_VAR_x``, then files (later ones win), then ``--var``."""
    found = _of_environment(context)
    for path in context.choice.variable_files:
        found |= _of_file(path)
    return {**found, **dict(context.choice.variables)}


def origins(context: Context) -> Mapping[str, str]:
    """Return where each variable's text comes from, for messages."""
    found = {name: f"{PREFIX}{name}" for name in _of_environment(context)}
    for path in context.choice.variable_files:
        found |= dict.fromkeys(_of_file(path), str(path))
    return {**found, **dict.fromkeys(dict(context.choice.variables), "--var")}


def _of_environment(context: Context) -> dict[str, str]:
    return {name.removeprefix(PREFIX): text for name, text in context.environ.items() if name.startswith(PREFIX)}


def sources(context: Context) -> Mapping[str, Source]:
    """Return the file that each variable's text comes from, as a document; only of those that come from a file."""
    found: dict[str, Source] = {}
    for path in context.choice.variable_files:
        names, source = _read(path)
        found |= dict.fromkeys(names, source)
    given = dict(context.choice.variables)
    return {name: source for name, source in found.items() if name not in given}


def _of_file(path: Path) -> dict[str, str]:
    return _read(path)[0]


def _read(path: Path) -> tuple[dict[str, str], Source]:
    """Return what a file says, scalars as they are written (``1.10`` may be text), and its text.

    What stands in a list or a mapping has the types it has in a document. Raises ``OrdainError`` with every problem of
    the file in its place; the lines themselves are not shown, for a secret may stand there.
    """
    import yaml

    from ordain.config.events import Budget
    from ordain.config.load import FileText, decode, split, tree_of
    from ordain.config.syntax import explain

    try:
        data = path.read_bytes()
    except OSError as error:
        raise OrdainError(_missing(path, error.strerror or str(error))) from error
    problems: list[Diagnostic] = []
    file = FileText(path=str(path), data=data, size=len(data), mtime_ns=0, ctime_ns=0, inode=0)
    documents = tuple(split(file.path, decode(file, problems) or ""))
    source = documents[0] if documents else Source(file=file.path, line=1, text="")
    typed = tree_of(source, Budget(), problems) if not problems else None
    if problems:
        raise OrdainError(*(replace(one, snippet=None) for one in problems))
    if len(documents) > 1:
        at = Span(file=source.file, line=documents[1].line, column=1)
        raise OrdainError(_no_mapping("it holds more than one document", at))
    try:
        written: Json = yaml.load(source.text, Loader=yaml.CBaseLoader)
    except yaml.YAMLError as error:  # the loader is stricter with anchors
        found = explain(error, source)
        at = Span(file=source.file, line=source.line + found.line, column=found.column + 1)
        raise OrdainError(_no_mapping(found.summary, at)) from error
    if not isinstance(written, Mapping) or not isinstance(typed, Mapping):
        raise OrdainError(
            _no_mapping("it holds no mapping of names to values", Span(file=source.file, line=1, column=1))
        )
    texts = {name: one if isinstance(one, str) else canonical(typed[name]).decode() for name, one in written.items()}
    return texts, source


def _missing(path: Path, detail: str) -> Diagnostic:
    return Diagnostic(
        code="variable-file",
        summary=f"the file of variables {path} cannot be read",
        detail=detail,
        fix="correct the path after --var-file: it starts at the folder you are in, not at the project's",
        exit=ExitCode.SPEC,
    )


def _no_mapping(what: str, at: Span) -> Diagnostic:
    return Diagnostic(
        code="variable-file",
        summary=f"this file sets no variables: {what}",
        fix="write one YAML mapping: name: value, one a line",
        exit=ExitCode.SPEC,
        at=at,
    )
