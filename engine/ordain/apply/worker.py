"""Runs one step in this process; ``process.py`` calls it in one of its own."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

from ordain.api.executor import Report, StepOutcome, StepRequest
from ordain.api.providers import Call, Progress, StepResult
from ordain.api.registry import load_kind, load_object, load_provider
from ordain.api.store import ArtifactStore
from ordain.apply import folder
from ordain.apply.answers import checked, plugin_of
from ordain.apply.aside import set_aside
from ordain.apply.fold import RECORD
from ordain.apply.resolving import Resolved, complete, places, private_of, resolve, resolve_outputs
from ordain.apply.scrub import Scrub
from ordain.values.address import Address
from ordain.values.change import Action, Change
from ordain.values.diagnostic import Blame, Diagnostic, ExitCode, OrdainError
from ordain.values.record import VersionRecord


def perform(
    request: StepRequest, secrets: Mapping[str, str], report: Report, scrub: Scrub | None = None
) -> StepOutcome:
    """Run one step and return how it ended; raises nothing for what a plugin does.

    ``secrets`` are the texts by ``secret.NAME`` or ``var.name``; none of them is in the outcome or in what ``report``
    hears. ``scrub`` learns of those that are revealed on the way.
    """
    started = time.perf_counter()
    scrub = Scrub() if scrub is None else scrub
    for text in secrets.values():
        scrub.add(text)
    result: StepResult | None = None
    change: Change | None = None
    diagnostics: tuple[Diagnostic, ...] = ()
    try:
        result, change = _perform(request, secrets, _reporter(report, scrub), scrub)
    except OrdainError as error:
        diagnostics = error.diagnostics
    except Exception as error:
        diagnostics = (_blamed(request, error, scrub),)
    return StepOutcome(
        result=result,
        diagnostics=tuple(scrub.diagnostic(one) for one in diagnostics),
        seconds=time.perf_counter() - started,
        change=change,
    )


def _perform(
    request: StepRequest, secrets: Mapping[str, str], report: Report, scrub: Scrub
) -> tuple[StepResult, Change | None]:
    step, planned = request.step, request.change
    if planned.action is Action.FORGET:
        return _forgotten(request), None
    resolved = resolve(request, secrets, scrub)
    if step.operation == RECORD:
        result = StepResult(outputs=resolve_outputs(request, secrets, scrub))
    else:
        kind = load_kind(request.kind_target)
        provider = load_provider(request.provider_target) if request.provider_target else None
        answer: object = kind.perform(_call(request, resolved, report), provider)
        result = checked(request, kind, answer, scrub)
    if not step.last or result.rejected:
        return result, None
    if planned.action is Action.DELETE:
        folder.remove(places(request, step.address, request.record).private)
        return result, None
    change = complete(request, resolved, result.inputs)
    return result, change if change is not planned else None


def _forgotten(request: StepRequest) -> StepResult:
    """Leave the world alone, and let nothing planned later find what is known of it."""
    private = private_of(request, request.step.address, request.record)
    aside = set_aside(private, request.record)
    if aside is None:
        return StepResult()
    return StepResult(message=f"what is known of it is kept in {aside.relative_to(Path(request.home).parent)}")


def _call(request: StepRequest, resolved: Resolved, report: Report) -> Call:
    return Call(
        key=request.step.key,
        run=request.run,
        operation=request.step.operation,
        environment=request.environment,
        change=request.change,
        spec=resolved.clear,
        places=places(request, request.step.address, request.record),
        store=_artifacts(request),
        report=report,
        sealed=resolved.sealed,
        record=request.record,
        upstream=request.upstream_by_address(),
        versions=request.versions,
        champion=_champion(request),
        targets={Address.parse(address): target for address, target in request.targets.items()},
        trusted=request.trusted,
        secret_fields=resolved.secrets,
    )


def _artifacts(request: StepRequest) -> ArtifactStore:
    make = cast("Callable[[Path], ArtifactStore]", load_object(request.artifacts_target))
    return make(Path(request.artifacts))


def _champion(request: StepRequest) -> VersionRecord | None:
    """Return the version that stands in this environment."""
    record = request.record
    if record is None:
        return None
    recipe, name = record.facts.get("recipe"), record.outputs.get("version")
    by_recipe = (one for one in request.versions if one.recipe == recipe)
    by_name = (one for one in reversed(request.versions) if one.name == name)
    return next(by_recipe, None) or next(by_name, None)


def _reporter(report: Report, scrub: Scrub) -> Report:
    def scrubbed(progress: Progress) -> None:
        report(replace(progress, message=scrub.text(progress.message)) if scrub else progress)

    return scrubbed


def _blamed(request: StepRequest, error: Exception, scrub: Scrub) -> Diagnostic:
    """Keep the traceback in the step's log and say in one line where the plugin broke."""
    plugin, step = plugin_of(request), request.step
    told = "".join(traceback.format_exception(error))
    folder.write_log(Path(request.home), step.key, scrub.text(told))
    if isinstance(error, MemoryError):
        return _no_memory(request)
    frames = traceback.extract_tb(error.__traceback__)
    last = frames[-1] if frames else None
    where = f" at {_short(last.filename)}:{last.lineno}" if last is not None else ""
    return Diagnostic(
        code="plugin-failed",
        summary=f"the plugin {plugin} broke in {step.operation} of {step.address}: {type(error).__name__}",
        detail=f"{error}{where}; the traceback is in {folder.log_name(Path(request.home), step.key)}",
        fix=f"report it to who maintains {plugin}, with that file",
        blame=Blame.PLUGIN,
        exit=ExitCode.STEP_FAILED,
        address=step.address,
        at=request.change.at,
        plugin=plugin,
    )


def _no_memory(request: StepRequest) -> Diagnostic:
    step, memory = request.step, request.change.run.memory
    limit = f"run.resources.memory allows it {memory:,} bytes" if memory else "this machine has no more"
    return Diagnostic(
        code="out-of-memory",
        summary=f"{step.operation} of {step.address} ran out of memory",
        detail=limit,
        fix="allow it more under run.resources.memory, or give it less to do",
        blame=Blame.WORLD,
        exit=ExitCode.STEP_FAILED,
        address=step.address,
        at=request.change.at,
    )


def _short(path: str) -> str:
    """Return a source file's path from its package on, without the folders of this machine."""
    roots = sorted((root for root in sys.path if root and path.startswith(f"{root}/")), key=len)
    return path[len(roots[-1]) + 1 :] if roots else Path(path).name
