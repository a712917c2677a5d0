"""What a plugin gave back, checked against what it promised; a wrong answer is blamed on it by name."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace

from ordain.api.executor import StepRequest
from ordain.api.fields import check
from ordain.api.kind import Kind
from ordain.api.providers import StepResult
from ordain.apply.scrub import Scrub
from ordain.values.change import Action
from ordain.values.data import Path, Secret, path_text
from ordain.values.diagnostic import Blame, Diagnostic, ExitCode, OrdainError
from ordain.values.record import VersionRecord

_PLAIN = (str, int, bool, type(None))


def plugin_of(request: StepRequest) -> str:
    """Return the name of the plugin whose code a step runs."""
    return request.plugin or (request.provider_target or request.kind_target).partition(":")[0].partition(".")[0]


def checked(request: StepRequest, kind: Kind, answer: object, scrub: Scrub) -> StepResult:
    """Return the answer as a result, its outputs normalised and its message without secrets.

    Raises ``OrdainError`` (exit 255, naming the plugin) where it is no ``StepResult``, holds what is no JSON, outputs
    that are not the kind's, or a secret.
    """
    if not isinstance(answer, StepResult):
        raise OrdainError(_wrong(request, f"gave back {_type(answer)} where a StepResult belongs"))
    for part in ("outputs", "facts", "private", "inputs"):
        value = getattr(answer, part)
        if not isinstance(value, Mapping) and not (part == "inputs" and value is None):
            raise OrdainError(_wrong(request, f"gave back {part} that are {_type(value)} and no mapping"))
    complaint = next(_not_json(answer), None)
    if complaint is not None:
        raise OrdainError(_wrong(request, complaint))
    change = request.change
    if request.step.last and not answer.rejected and change.action is not Action.DELETE:
        outputs, errors = check(kind.outputs, answer.outputs)
        if outputs is None:
            told = "; ".join(f"{path_text(('outputs', *one.path))}: {one.message}" for one in errors)
            raise OrdainError(_wrong(request, f"gave back outputs that are not a {kind.name}'s: {told or 'unknown'}"))
        answer = replace(answer, outputs=outputs)
    where = [one.name for one in fields(answer) if one.name != "message" and scrub.found(getattr(answer, one.name))]
    if where:
        raise OrdainError(_wrong(request, f"gave back a secret in clear, in its {' and '.join(where)}", leak=True))
    return replace(answer, message=scrub.text(answer.message)) if scrub else answer


def _not_json(answer: StepResult) -> Iterator[str]:
    for part in ("outputs", "facts", "private", "inputs"):
        yield from _complaints(getattr(answer, part), (part,), secrets=part == "outputs")
    versions: tuple[object, ...] = answer.versions
    for number, version in enumerate(versions):
        if not isinstance(version, VersionRecord):
            yield f"gave back {_type(version)} where a VersionRecord belongs"
            return
        yield from _complaints(version.metrics, ("versions", number, "metrics"))
        yield from _complaints(version.facts, ("versions", number, "facts"))


def _complaints(value: object, path: Path, secrets: bool = False) -> Iterator[str]:
    kind = type(value)
    if kind in _PLAIN or (secrets and kind is Secret):
        return
    if kind is float:
        if not math.isfinite(value):  # type: ignore[arg-type]
            yield f"gave back {value} at {path_text(path)}, which JSON cannot hold: leave it out or write None"
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            if type(key) is not str:
                yield f"gave back a key that is {_type(key)} at {path_text(path)}: keys are text"
            else:
                yield from _complaints(inner, (*path, key), secrets)
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from _complaints(inner, (*path, number), secrets)
    else:
        yield f"gave back {_type(value)} at {path_text(path)}, which is no JSON"


def _type(value: object) -> str:
    kind = type(value)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return f"a {name}" if value is not None else "None"


def _wrong(request: StepRequest, complaint: str, leak: bool = False) -> Diagnostic:
    plugin, step = plugin_of(request), request.step
    return Diagnostic(
        code="plugin-leak" if leak else "plugin-answer",
        summary=f"the plugin {plugin} {complaint}",
        detail=f"{step.operation} of {step.address} was done, and nothing of it is recorded",
        fix=f"report it to who maintains {plugin}",
        blame=Blame.PLUGIN,
        exit=ExitCode.BUG,
        address=step.address,
        at=request.change.at,
        plugin=plugin,
    )
