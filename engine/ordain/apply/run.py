"""What an apply is given, what it keeps while it goes on, and what it reports."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from threading import Event as Flag

from ordain.api.executor import Executor, StepRequest
from ordain.api.providers import StepResult
from ordain.api.store import (
    Mutation,
    PutOverride,
    PutResource,
    PutSettings,
    PutVersion,
    RemoveOverrides,
    RemoveResource,
    RemoveVersion,
    StateStore,
)
from ordain.api.triggers import INPUT, UNKNOWN, recorded_stamps
from ordain.apply import fold
from ordain.values.address import Address, Reference
from ordain.values.change import Change
from ordain.values.data import Secret, Tree, leaves
from ordain.values.diagnostic import Blame, Diagnostic, ExitCode, worst
from ordain.values.event import Event
from ordain.values.plan import Step
from ordain.values.record import Recorded, ResourceRecord, VersionRecord


class Live:
    """What is recorded, as it stands while an apply goes on.

    The scheduler folds each durable end into it before a dependent starts; ``RunContext.request_for`` reads it.
    Only the thread that called ``execute`` touches it.
    """

    def __init__(self, recorded: Recorded) -> None:
        self.resources: dict[Address, ResourceRecord] = dict(recorded.resources)
        self.versions: dict[Address, tuple[VersionRecord, ...]] = dict(recorded.versions)

    def previous(self, change: Change) -> ResourceRecord | None:
        """Return what was recorded of the resource, under its former address if it moved."""
        found = self.resources.get(change.address)
        if found is None and change.previous_address is not None:
            found = self.resources.get(change.previous_address)
        return found

    def mutations(self, change: Change, step: Step, result: StepResult, run: str) -> tuple[Mutation, ...]:
        """Return what a step changes in the state (``fold.mutations``), with what is known only now."""
        stamps = change.inputs.get(INPUT)
        if isinstance(stamps, Mapping) and UNKNOWN in stamps.values():
            now = recorded_stamps(change.lifecycle.replace_when, self.resources)
            change = replace(change, inputs={**change.inputs, INPUT: now})
        before = fold.Before(record=self.previous(change), versions=self._taken_along(change))
        return fold.mutations(change, step, result, run, before)

    def versions_of(self, change: Change) -> tuple[VersionRecord, ...]:
        """Return the versions of a resource, oldest first, those made under its former name included."""
        return (*self._taken_along(change), *self.versions.get(change.address, ()))

    def _taken_along(self, change: Change) -> tuple[VersionRecord, ...]:
        """Return the versions made under a former name, under the new one, but those known under that already."""
        old = self.versions.get(change.previous_address, ()) if change.previous_address is not None else ()
        known = {one.recipe for one in self.versions.get(change.address, ())}
        return tuple(replace(one, address=change.address) for one in old if one.recipe not in known)

    def upstream(self, change: Change) -> tuple[ResourceRecord, ...]:
        """Return the records of what a change depends on, and of what their secret outputs come from."""
        found: dict[Address, ResourceRecord] = {}
        waiting = list(change.depends_on)
        while waiting:
            address = waiting.pop()
            record = self.resources.get(address)
            if record is not None and address not in found:
                found[address] = record
                waiting += _origins(record.outputs)
        return tuple(found[address] for address in sorted(found))

    def fold(self, mutations: Iterable[Mutation]) -> None:
        """Take over what was written durably."""
        for mutation in mutations:
            match mutation:
                case PutResource(record=record):
                    self.resources[record.address] = record
                case RemoveResource(address=address):
                    self.resources.pop(address, None)
                case PutVersion(version=version):
                    self._put(version)
                case RemoveVersion(address=address, recipe=recipe):
                    kept = (one for one in self.versions.get(address, ()) if one.recipe != recipe)
                    self.versions[address] = tuple(kept)
                case PutSettings() | PutOverride() | RemoveOverrides():
                    pass  # no step reads them

    def _put(self, version: VersionRecord) -> None:
        known = self.versions.get(version.address, ())
        if any(one.recipe == version.recipe for one in known):
            known = tuple(version if one.recipe == version.recipe else one for one in known)
        else:
            known = (*known, version)
        self.versions[version.address] = known


def _origins(outputs: Mapping[str, Tree]) -> list[Address]:
    secrets = [leaf for _, leaf in leaves(outputs) if isinstance(leaf, Secret)]
    found = [reference.address for leaf in secrets for reference in leaf.refs]
    named = (name for leaf in secrets for name in leaf.names)
    return found + [Reference.parse(name).address for name in named if ".outputs." in name]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """The outside of an apply.

    ``run`` is its id, ``token`` the fencing token of the lock it holds, ``clock`` gives seconds since the epoch.
    ``request_for`` makes the request of a step, reading ``live``; ``secrets_for`` gives the texts of the secrets a
    change names, by ``secret.NAME`` or ``var.name``; both may raise ``OrdainError``, which fails the step alone.
    ``review`` sees each result that brings versions before it is folded, and may refuse it (policies at stage gate).
    ``emit`` is called in the caller's thread only. ``stop`` set: nothing more starts, what runs finishes.
    ``parallelism`` light and ``heavy`` heavy steps run at once. A retry waits ``retry_delay`` seconds, then twice
    that, and so on.
    """

    run: str
    environment: str
    store: StateStore
    token: int
    executor: Executor
    live: Live
    clock: Callable[[], float]
    emit: Callable[[Event], None]
    request_for: Callable[[Step, Change], StepRequest]
    secrets_for: Callable[[Change], Mapping[str, str]]
    review: Callable[[Change, StepResult], StepResult] = lambda change, result: result
    stop: Flag = field(default_factory=Flag)
    fail_fast: bool = False
    parallelism: int = 10
    heavy: int = field(default_factory=lambda: os.cpu_count() or 1)
    retry_delay: float = 1.0


class StepStatus(StrEnum):
    """How a step of a run ended.

    ``interrupted``: it was begun and its end could not be recorded; ``abandoned``: it was begun, and is known not to
    run and to have left nothing.
    """

    DONE = "done"
    FAILED = "failed"
    REJECTED = "rejected"
    SKIPPED = "skipped"
    INTERRUPTED = "interrupted"
    NOT_STARTED = "not-started"
    ABANDONED = "abandoned"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReport:
    """What became of one step: ``message`` in words, ``root`` the id of the step that a skipped one hangs on."""

    step: str
    address: Address
    operation: str
    status: StepStatus
    message: str = ""
    root: str = ""
    diagnostics: tuple[Diagnostic, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """What became of a program: its steps in its order; ``diagnostics`` say why the run as a whole broke off."""

    steps: tuple[StepReport, ...]
    diagnostics: tuple[Diagnostic, ...] = ()
    stopped: bool = False

    @property
    def exit(self) -> ExitCode:
        """The exit code this comes to (DESIGN §6)."""
        codes = [_apply_exit(diagnostic) for diagnostic in self.diagnostics]
        for one in self.steps:
            if one.status is StepStatus.REJECTED:
                codes.append(ExitCode.GATE)
            elif one.status is StepStatus.FAILED:
                codes += {_apply_exit(diagnostic) for diagnostic in one.diagnostics} or {ExitCode.STEP_FAILED}
            elif one.status is StepStatus.INTERRUPTED or (one.status is StepStatus.NOT_STARTED and self.stopped):
                codes.append(ExitCode.INTERRUPTED)
        return worst(codes)

    def count(self, status: StepStatus) -> int:
        return sum(one.status is status for one in self.steps)

    @property
    def roots(self) -> tuple[StepReport, ...]:
        """The steps that failed or were rejected: what everything skipped hangs on."""
        return tuple(one for one in self.steps if one.status in (StepStatus.FAILED, StepStatus.REJECTED))


def _apply_exit(diagnostic: Diagnostic) -> ExitCode:
    """Return what a diagnostic of a failed step asks for.

    What has no code of its own is a step that failed; a field of the spec that proves wrong only now is a wrong spec.
    """
    if diagnostic.is_error and diagnostic.exit is ExitCode.SPEC and diagnostic.blame is Blame.USER and diagnostic.path:
        return ExitCode.SPEC
    if not diagnostic.is_error or diagnostic.exit in (ExitCode.DONE, ExitCode.FAILURE, ExitCode.CHANGES, ExitCode.SPEC):
        return ExitCode.STEP_FAILED
    return diagnostic.exit
