"""From a draft and its judgement to a program with a digest, and a plan around it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ordain.plan.request import Draft, Mode, PlanRequest
from ordain.plan.stale import SETTINGS, settings_version
from ordain.values.address import Address
from ordain.values.approval import ApprovalRule
from ordain.values.change import Change, Effect
from ordain.values.codec import plain
from ordain.values.data import Json
from ordain.values.diagnostic import Diagnostic, ExitCode, in_order, worst
from ordain.values.fingerprint import digest
from ordain.values.plan import (
    Envelope,
    Finding,
    LateRule,
    Plan,
    PluginUse,
    Program,
    Read,
    SettingChange,
    Status,
    Step,
    TimedRule,
    TimedSubject,
)
from ordain.values.record import SettingRecord
from ordain.values.setting import PolicyStage

SETTINGS_STEP = "settings:record"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What policies and settings add to a draft."""

    findings: tuple[Finding, ...] = ()
    settings: tuple[SettingChange, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    timed: tuple[TimedRule, ...] = ()
    timed_subjects: tuple[TimedSubject, ...] = ()
    late: tuple[LateRule, ...] = ()
    approvals: ApprovalRule | None = None
    approvals_before: ApprovalRule | None = None


def finish(request: PlanRequest, draft: Draft, judgement: Judgement) -> Program:
    """Return the program: the draft, judged, with what apply writes down of the settings."""
    diagnostics = in_order((*draft.diagnostics, *judgement.diagnostics))
    errored = any(diagnostic.is_error for diagnostic in diagnostics)
    settings_after = _settings_after(request)
    steps = draft.steps
    # A plan that is narrowed leaves the settings to a whole one: it shows that they changed, and so does the next.
    recorded = bool(judgement.settings) and request.whole
    if recorded or (steps and request.mode is Mode.DESTROY and request.whole):
        steps = (*steps, _settings_step(request, settings_after))
    desired = request.desired
    return Program(
        project=desired.project.name,
        environment=desired.environment.name,
        mode=request.mode.value,
        lineage=request.recorded.head.lineage,
        serial=request.recorded.head.serial,
        spec_digest=desired.digest,
        status=Status(
            applyable=not errored and not any(finding.denies for finding in judgement.findings),
            complete=not any(change.deferred and not change.unselected for change in draft.changes),
            errored=errored,
        ),
        summary=_summary(draft),
        settings=judgement.settings,
        changes=draft.changes,
        steps=() if errored else steps,
        reads=(*draft.reads, Read(object=SETTINGS, version=settings_version(request.recorded.settings)))
        if steps
        else draft.reads,
        policy=judgement.findings,
        drift=draft.drift,
        plugins=tuple(
            PluginUse(name=name, version=version) for name, version in sorted(request.registry.plugins.items())
        ),
        diagnostics=diagnostics,
        settings_after=settings_after if recorded else (),
        promotes_from=desired.environment.promotes_from,
        trusted=desired.project.trusted_estimators,
        gates=tuple(replace(one, source=None) for one in desired.policies if one.stage is PolicyStage.GATE),
        selection=request.select,
        timed=judgement.timed,
        timed_subjects=judgement.timed_subjects,
        late=judgement.late if steps else (),
        approvals=judgement.approvals if steps else None,  # nothing that is done needs nobody's word
        approvals_before=judgement.approvals_before if steps else None,
    )


def _settings_after(request: PlanRequest) -> tuple[Mapping[str, Json], ...]:
    if request.mode is Mode.DESTROY:
        return ()
    records = (
        SettingRecord(address=setting.address, kind=setting.kind, spec=setting.spec)
        for setting in sorted(request.desired.settings, key=lambda setting: setting.address)
    )
    return tuple(data for data in map(plain, records) if isinstance(data, Mapping))


def _settings_step(request: PlanRequest, after: tuple[Mapping[str, Json], ...]) -> Step:
    head = request.recorded.head
    return Step(
        id=SETTINGS_STEP,
        address=Address.of("Project", request.desired.project.name),
        operation="settings",
        key=digest([head.lineage, head.serial, request.recorded.environment, after]).removeprefix("sha256:")[:40],
    )


def _summary(draft: Draft) -> Mapping[str, int]:
    counts = Counter(_word(change) for change in draft.changes)
    counts["no-op"] = draft.unchanged
    return {word: counts[word] for word in sorted(counts)}


def _word(change: Change) -> str:
    if change.unselected:
        return "not-selected"
    if change.deferred:
        return "deferred"
    return Effect.BLOCKED.value if change.blocked and change.effect is not Effect.REJECTED else change.effect.value


def seal(program: Program, envelope: Envelope) -> Plan:
    """Return the plan with the digest of its program."""
    return Plan(program=program, digest=digest(program), envelope=envelope)


def exit_of(program: Program) -> ExitCode:
    """Return the exit code a plan asks for by what it found, ``DONE`` where nothing is wrong (changes aside)."""
    codes = [diagnostic.exit for diagnostic in program.diagnostics if diagnostic.is_error]
    codes += [ExitCode.DENIED for finding in program.policy if finding.denies]
    codes += [ExitCode.GATE for change in program.changes if change.effect is Effect.REJECTED and not change.unselected]
    return worst(codes)
