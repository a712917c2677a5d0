"""Puts each version that an apply makes to the policies at stage gate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from ordain.api.providers import StepResult
from ordain.apply.run import Live
from ordain.config.locate import locate
from ordain.policy.judge import GateSubject, judge_gate
from ordain.values.approval import Override
from ordain.values.change import Change
from ordain.values.data import Json
from ordain.values.plan import Finding, Program
from ordain.values.record import Standing, Verdict
from ordain.values.resource import Resource
from ordain.values.span import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewer:
    """Judges with the plan's own policies, so that a saved plan is judged by the rules it was approved under."""

    program: Program
    live: Live
    now: Callable[[], float]
    overrides: tuple[Override, ...] = ()

    def review(self, change: Change, result: StepResult) -> StepResult:
        """Return the result, or one that refuses the version where a policy that is not advisory does."""
        version = result.versions[-1]
        if not self.program.gates or version.standing is not Standing.ACCEPTED:
            return result
        subject = GateSubject(
            environment=self.program.environment,
            resource=_resource(change),
            facts=change.facts,
            candidate=version.metrics,
            champion=self._champion(change),
            now=datetime.fromtimestamp(self.now(), UTC),
            change=change,
            promotes_from=self.program.promotes_from,
            overrides=self.overrides,
        )
        denied = [finding for finding in judge_gate(self.program.gates, subject, locate) if finding.denies]
        if not denied:
            return result
        verdicts = (*version.verdicts, *(_verdict(finding) for finding in denied))
        refused = replace(version, standing=Standing.REJECTED, verdicts=verdicts)
        words = "; ".join(f"{finding.policy}: {finding.message}" for finding in denied)
        return StepResult(
            versions=(*result.versions[:-1], refused),
            verdicts=verdicts,
            rejected=f"{version.name} did not pass: {words}",
        )

    def _champion(self, change: Change) -> Mapping[str, Json] | None:
        record = self.live.previous(change)
        recipe = record.facts.get("recipe") if record is not None else None
        return next((one.metrics for one in self.live.versions_of(change) if one.recipe == recipe), None)


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
