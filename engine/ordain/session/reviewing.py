"""Puts each version that an apply makes to the policies at stage gate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property

from ordain.api.providers import StepResult
from ordain.apply.run import Live
from ordain.config.locate import locate
from ordain.policy.facts import of_plan
from ordain.policy.single import GateSubject, judge_gate, judge_late
from ordain.values.address import Address
from ordain.values.approval import Override
from ordain.values.change import Change
from ordain.values.data import Json
from ordain.values.diagnostic import Diagnostic, ExitCode, OrdainError
from ordain.values.plan import Finding, Program
from ordain.values.record import Standing, Verdict
from ordain.values.resource import Resource
from ordain.values.setting import Level, Policy
from ordain.values.span import Source, Span


@dataclass(frozen=True, kw_only=True)
class Reviewer:
    """Judges with the plan's own policies, so that a saved plan is judged by the rules it was approved under."""

    program: Program
    live: Live
    now: Callable[[], float]
    overrides: tuple[Override, ...] = ()

    @cached_property
    def _waiting(self) -> Mapping[Address, Sequence[Policy]]:
        found: dict[Address, list[Policy]] = {}
        for late in self.program.late:
            for address in late.resources:
                found.setdefault(address, []).append(late.policy)
        return found

    @cached_property
    def _plan(self) -> Mapping[str, object]:
        return of_plan(change for change in self.program.changes if not change.unselected)

    def awaits(self, change: Change) -> bool:
        """Say whether a policy at stage plan could not be decided for a change."""
        return change.address in self._waiting

    def check(self, change: Change) -> None:
        """Raise ``OrdainError`` (exit 5) where a policy that waited denies a change whose spec is known now."""
        denied = self._late(change, change.facts)
        if denied:
            raise OrdainError(*(_denied(finding, self._place(finding)) for finding in denied))

    def _late(self, change: Change, facts: Mapping[str, Json]) -> tuple[Finding, ...]:
        policies = self._waiting.get(change.address)
        if not policies:
            return ()
        found = judge_late(tuple(policies), self._subject(change, facts), self._plan, locate)
        return tuple(finding for finding in found if finding.denies)

    def _place(self, finding: Finding) -> Span | None:
        about = (finding.policy, finding.address)
        return next((one.at for one in self.program.policy if (one.policy, one.address) == about), None)

    def _subject(self, change: Change, facts: Mapping[str, Json]) -> GateSubject:
        return GateSubject(
            environment=self.program.environment,
            resource=_resource(change),
            facts=facts,
            candidate={},
            champion=None,
            now=datetime.fromtimestamp(self.now(), UTC),
            change=change,
            promotes_from=self.program.promotes_from,
            overrides=self.overrides,
        )

    def review(self, change: Change, result: StepResult) -> StepResult:
        """Return the result, or one that refuses the version where a policy that is not advisory does."""
        late = self._late(change, {**change.facts, **result.facts}) if result.facts else ()
        if late:
            return _refused(result, late)
        version = result.versions[-1]
        if not self.program.gates or version.standing is not Standing.ACCEPTED:
            return result
        subject = replace(
            self._subject(change, change.facts), candidate=version.metrics, champion=self._champion(change)
        )
        denied = tuple(finding for finding in judge_gate(self.program.gates, subject, locate) if finding.denies)
        return _refused(result, denied) if denied else result

    def _champion(self, change: Change) -> Mapping[str, Json] | None:
        record = self.live.previous(change)
        recipe = record.facts.get("recipe") if record is not None else None
        return next((one.metrics for one in self.live.versions_of(change) if one.recipe == recipe), None)


def _refused(result: StepResult, denied: tuple[Finding, ...]) -> StepResult:
    """Return a result that leaves things as they were; a version that was made is kept as rejected, data is not."""
    version = result.versions[-1]
    verdicts = (*version.verdicts, *(_verdict(finding) for finding in denied))
    kept = version.standing is not Standing.CANDIDATE
    refused = (*result.versions[:-1], replace(version, standing=Standing.REJECTED, verdicts=verdicts)) if kept else ()
    words = "; ".join(f"{finding.policy}: {finding.message}" for finding in denied)
    return StepResult(versions=refused, verdicts=verdicts, rejected=f"{version.name} did not pass: {words}")


def _denied(finding: Finding, at: Span | None) -> Diagnostic:
    return Diagnostic(
        code="policy-denied",
        summary=f"{finding.policy} denies {finding.address}, now that what it waited for is known",
        detail=finding.message,
        fix=f"{finding.remedy or 'change what it is about, then plan again: ordain plan'}{_way_out(finding)}",
        at=at,
        address=finding.address,
        exit=ExitCode.DENIED,
    )


def _way_out(finding: Finding) -> str:
    soft = finding.level is Level.SOFT
    return f"; or bear with it: ordain apply --override {finding.policy} --reason TEXT" if soft else ""


def _verdict(finding: Finding) -> Verdict:
    return Verdict(rule=str(finding.policy), outcome=finding.outcome, detail=finding.message)


def _resource(change: Change) -> Resource:
    return Resource(
        address=change.address,
        kind=change.kind,
        provider=change.provider,
        spec=change.after,
        source=Source(file=change.at.file if change.at else "", line=change.at.line if change.at else 1, text=""),
        description=change.description,
        owner=change.owner,
        labels=change.labels,
        lifecycle=change.lifecycle,
        run=change.run,
        depends_on=change.depends_on,
    )
