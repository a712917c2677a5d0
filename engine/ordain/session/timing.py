"""Rules about time: kept in the plan with what they speak of, and judged again when it is applied (DESIGN §4)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from ordain.config.locate import locate
from ordain.policy.excuses import excused_again
from ordain.policy.judge import Subjects, about_time, judge, speak_of_resources
from ordain.values.address import Address
from ordain.values.approval import Override
from ordain.values.data import Path
from ordain.values.plan import Finding, Plan, TimedRule, TimedSubject
from ordain.values.resource import Lifecycle, Resource
from ordain.values.setting import Policy
from ordain.values.span import Source, Span


def timed(policies: tuple[Policy, ...], subjects: Subjects) -> tuple[tuple[TimedRule, ...], tuple[TimedSubject, ...]]:
    """Return the rules that read the time, and the resources they speak of, for the plan to keep."""
    found = about_time(policies)
    rules = tuple(TimedRule(policy=replace(one, source=None), at=_at(one.source, ("spec", "require"))) for one in found)
    if not speak_of_resources(found):
        return rules, ()
    left_out = {change.address for change in subjects.changes if change.unselected}
    kept = (one for address, one in sorted(subjects.resources.items()) if address not in left_out)
    return rules, tuple(_subject(one, subjects) for one in kept)


def _subject(resource: Resource, subjects: Subjects) -> TimedSubject:
    return TimedSubject(
        address=resource.address,
        kind=resource.kind,
        provider=resource.provider,
        spec=resource.spec,
        facts=subjects.facts.get(resource.address),
        description=resource.description,
        owner=resource.owner,
        labels=resource.labels,
        protect=resource.lifecycle.protect,
        depends_on=resource.depends_on,
        at=_at(resource.source, ("name",)),
    )


def _at(source: Source | None, path: Path) -> Span | None:
    return locate(source, path) if source is not None else None


def judged_again(plan: Plan, now: float, overrides: tuple[Override, ...] = ()) -> Plan:
    """Return the plan with its rules about time judged at ``now`` (seconds since the epoch), to be shown or refused.

    What other rules found stays, with the excuses that still hold and those that ``overrides`` bring. The result is
    for deciding alone: what is executed is the plan that was approved.
    """
    program = plan.program
    moment = datetime.fromtimestamp(now, UTC)
    found, again = _timed_findings(plan, moment, overrides) if program.timed else ((), frozenset[Address]())
    kept = (excused_again(one, overrides, moment) for one in program.policy if one.policy not in again)
    policy = _in_order((*kept, *found))
    if policy == program.policy:
        return plan
    applyable = not program.status.errored and not any(one.denies for one in policy)
    return replace(plan, program=replace(program, policy=policy, status=replace(program.status, applyable=applyable)))


def _timed_findings(
    plan: Plan, now: datetime, overrides: tuple[Override, ...]
) -> tuple[tuple[Finding, ...], frozenset[Address]]:
    """Return what the rules about time find now, and which policies those are."""
    program = plan.program
    spots: dict[Source, Span] = {}
    resources = {one.address: _resource(one, _marker(one.at, spots)) for one in program.timed_subjects}
    subjects = Subjects(
        environment=program.environment,
        resources=resources,
        facts={one.address: one.facts for one in program.timed_subjects if one.facts is not None},
        changes=program.changes,
        now=now,
        estimates={Address.parse(name): one for name, one in plan.envelope.estimates.items()},
        duration=plan.envelope.duration,
        promotes_from=program.promotes_from,
        overrides=overrides,
    )
    rules = tuple(replace(one.policy, source=_marker(one.at, spots)) for one in program.timed)
    found = judge(rules, subjects, lambda source, path: spots[source])
    # What was found already stands at the very field; of the text only the name's place is kept.
    places = {(one.policy, one.address): one.at for one in program.policy}
    placed = tuple(replace(one, at=places.get((one.policy, one.address), one.at)) for one in found)
    return placed, frozenset(one.address for one in rules)


def _resource(one: TimedSubject, source: Source) -> Resource:
    return Resource(
        address=one.address,
        kind=one.kind,
        provider=one.provider,
        spec=one.spec,
        source=source,
        description=one.description,
        owner=one.owner,
        labels=one.labels,
        lifecycle=Lifecycle(protect=one.protect),
        depends_on=one.depends_on,
    )


def _marker(at: Span | None, spots: dict[Source, Span]) -> Source:
    """Return a source that stands for a place: the text that was there is not kept."""
    span = at if at is not None else Span(file="", line=1, column=1)
    source = Source(file=span.file, line=span.line, text=str(span))
    spots[source] = span
    return source


def _in_order(found: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(found, key=lambda f: (f.policy, f.address is not None, f.address or f.policy, f.message)))
