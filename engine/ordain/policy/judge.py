"""Judges policies: every desired resource, changed or not, and every delete."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any, Protocol

from ordain.expr.errors import ExpressionError
from ordain.expr.rules import OWN, Facts, Rule, Ruling, compile_rule
from ordain.expr.together import Case, Together
from ordain.policy import facts as told
from ordain.policy.excuses import excused, violation
from ordain.policy.messages import message_of
from ordain.policy.places import place, place_of_rule
from ordain.values.address import Address
from ordain.values.approval import Override
from ordain.values.change import TRAINS, Action, Change, Effect
from ordain.values.data import Json, Tree, Unknown
from ordain.values.plan import Estimate, Finding
from ordain.values.record import Outcome
from ordain.values.resource import Locate, Resource
from ordain.values.setting import Policy, PolicyStage
from ordain.values.span import Span

_JUDGED_LATER = TRAINS | {Effect.RE_EVALUATE}
_TAKEN = frozenset((Effect.REUSE, Effect.PROMOTE, Effect.ROLL_BACK))
"""What judges a version that is there already: a model's; a dataset is not judged."""

_OF_CHANGES = frozenset(("change", "plan"))
METRICS = Unknown(expression="metrics")
"""What a version measures that is yet to be made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subjects:
    """What is judged. ``resources`` are desired, with every leaf replaced that is known; ``now`` is aware of its zone.

    A change that a selector leaves out is no part of the plan: neither it nor its resource is judged.
    ``facts`` that are missing for a resource are not known yet, and so are empty ones of a deferred or blocked one.
    ``estimates`` tell how long changes will take, ``duration`` how long all of it; what is missing, nobody knows.
    ``overrides`` are violations that people bear with.
    """

    environment: str
    resources: Mapping[Address, Resource]
    facts: Mapping[Address, Mapping[str, Json]]
    changes: tuple[Change, ...]
    now: datetime
    estimates: Mapping[Address, Estimate] = field(default_factory=dict)
    duration: Estimate | None = None
    promotes_from: str | None = None
    overrides: tuple[Override, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One thing a rule is put to; ``address`` None stands for the plan as a whole."""

    values: Mapping[str, Tree]
    address: Address | None = None
    resource: Resource | None = None
    change: Change | None = None
    absent: frozenset[str] = frozenset()
    durations: told.Durations = field(default_factory=dict)
    _facts: dict[int, Facts] = field(default_factory=dict)

    def facts(self, known: Mapping[str, object]) -> Facts:
        """Return its facts with what is known of the whole: one value for all rules that read the same."""
        found = self._facts.get(id(known))
        if found is None:
            found = self._facts[id(known)] = Facts(
                values=self.values, known=known, absent=self.absent, durations=self.durations
            )
        return found

    @property
    def goes(self) -> bool:
        return self.change is not None and self.change.action in (Action.DELETE, Action.FORGET)

    @property
    def is_judged_later(self) -> bool:
        if self.change is None or self.change.deferred:
            return False
        judge = self.change.inputs.get("judge")
        taken = self.change.effect in _TAKEN and isinstance(judge, Mapping) and "policies" in judge
        return taken or self.change.effect in _JUDGED_LATER


def judge(policies: tuple[Policy, ...], subjects: Subjects, locate: Locate) -> tuple[Finding, ...]:
    """Return what the policies find; what passes is left out. Sorted by policy and address.

    A rule that reads neither ``resource`` nor ``change`` is judged once, for the plan. One that reads no ``change``
    speaks of what shall be, so deletes are not put to it. Gate policies are judged for what this plan trains or judges
    again, with metrics that are not known yet. O(policies · resources), times the changes for rules that read
    ``plan.changes`` beside a resource.
    """
    shared = _Shared(subjects=subjects)
    read = [_read(policy, shared) for policy in policies]
    values = {"candidate": METRICS, "champion": METRICS}
    whole = Subject(values=values, durations=told.duration_of_plan(subjects.duration))
    found = [finding for one in read if one.is_about_plan for finding in put(one, whole, shared, locate)]
    each = _alike([one for one in read if not one.is_about_plan], shared)
    batches: dict[tuple[bool, bool], tuple[_Batch, ...]] = {}
    # Subject by subject, so that what CEL made of one is let go before the next: plans are large.
    for subject in _subjects(shared) if each else ():
        sort = (subject.goes, subject.is_judged_later)
        if sort not in batches:
            batches[sort] = tuple(_batches([one for one in each if _concerns(one, subject)]))
        for batch in batches[sort]:
            for number in batch.together.undecided(subject.facts(batch.known)):
                found += put(batch.reads[number], subject, shared, locate)
    return tuple(sorted(found, key=lambda f: (f.policy, f.address is not None, f.address or f.policy, f.message)))


def about_time(policies: tuple[Policy, ...]) -> tuple[Policy, ...]:
    """Return the policies at stage plan whose rules read ``now``: what they say may be otherwise at another time."""
    return tuple(one for one in policies if one.stage is PolicyStage.PLAN and "now" in roots(one))


def speak_of_resources(policies: tuple[Policy, ...]) -> bool:
    """Say whether any of the rules reads a resource or its change."""
    return any(roots(one) & OWN for one in policies)


def roots(policy: Policy) -> frozenset[str]:
    """Return the roots of the facts that the rules of a policy read."""
    rules = (rule_of(policy.match), rule_of(policy.require))
    return frozenset(root for rule in rules if isinstance(rule, Rule) for root in rule.roots)


def answer(policy: Policy, facts: Facts, *, goes: bool) -> tuple[Outcome | None, str]:
    """Return what a policy says of facts, its exceptions aside, and its message; None where it is not about them.

    ``goes``: they are of a resource that is to be deleted.
    """
    if (goes and not roots(policy) & _OF_CHANGES) or _evaluate(policy.match, facts).outcome is Outcome.FAIL:
        return None, ""
    ruling = _ruling(policy, facts)
    return ruling.outcome, ruling.detail if ruling.outcome is Outcome.PASS else message_of(policy, facts, ruling)


@dataclass(frozen=True, kw_only=True)
class _Shared:
    """What rules of all subjects read, made once; the list of changes only for rules that read it."""

    subjects: Subjects

    @cached_property
    def changes(self) -> tuple[Change, ...]:
        return tuple(change for change in self.subjects.changes if not change.unselected)

    @cached_property
    def base(self) -> Mapping[str, object]:
        return told.of_surroundings(self.subjects)

    @cached_property
    def dependents(self) -> Mapping[Address, Sequence[str]]:
        return told.dependents(self.subjects.resources)

    @property
    def now(self) -> datetime:
        return self.subjects.now

    @property
    def overrides(self) -> tuple[Override, ...]:
        return self.subjects.overrides

    @cached_property
    def with_summary(self) -> Mapping[str, object]:
        return {**self.base, "plan": {"summary": self.with_changes["plan"]["summary"]}}

    @cached_property
    def with_changes(self) -> Mapping[str, Any]:
        return {**self.base, "plan": told.of_plan(self.changes)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A policy and what its rules read; ``is_about_plan``: of no resource, ``is_about_changes``: also of deletes."""

    policy: Policy
    known: Mapping[str, object]
    is_about_plan: bool = False
    is_about_changes: bool = False


def _read(policy: Policy, shared: _Shared) -> Read:
    rules = [rule for rule in (rule_of(policy.match), rule_of(policy.require)) if isinstance(rule, Rule)]
    rooted = roots(policy)
    read = {chain.path[:1] for rule in rules for chain in rule.chains if chain.root == "plan"} - {("duration",)}
    if re.search(r"\bplan\s*[.[]", policy.message):
        read.add(())
    known = shared.base
    if read:
        known = shared.with_summary if read == {("summary",)} else shared.with_changes
    return Read(
        policy=policy,
        known=known,
        is_about_plan=not rooted & OWN and policy.stage is PolicyStage.PLAN,
        is_about_changes=bool(rooted & _OF_CHANGES),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    """Policies whose rules read the same of the whole: put to a resource at once."""

    reads: tuple[Read, ...]
    known: Mapping[str, object]
    together: Together


def _alike(reads: Sequence[Read], shared: _Shared) -> Sequence[Read]:
    """Let those that read nothing of the plan read what others do: facts are made once for all of them."""
    wide = next((one.known for one in reads if one.known is not shared.base), shared.base)
    return [replace(one, known=wide) if one.known is shared.base else one for one in reads]


def _batches(reads: Sequence[Read]) -> Iterator[_Batch]:
    alike: dict[int, list[Read]] = {}
    for one in reads:
        alike.setdefault(id(one.known), []).append(one)
    for ones in alike.values():
        cases = tuple(Case(match=one.policy.match, require=one.policy.require) for one in ones)
        yield _Batch(reads=tuple(ones), known=ones[0].known, together=Together(cases=cases))


def _concerns(read: Read, subject: Subject) -> bool:
    if subject.goes and not read.is_about_changes:
        return False
    return read.policy.stage is not PolicyStage.GATE or subject.is_judged_later


def _subjects(shared: _Shared) -> Iterator[Subject]:
    subjects = shared.subjects
    changes = {change.address: change for change in subjects.changes}
    of_plan = told.duration_of_plan(subjects.duration)
    for address in sorted({*subjects.resources, *changes}):
        resource, change = subjects.resources.get(address), changes.get(address)
        if change is not None and change.unselected:
            continue
        if resource is not None:
            needed_by = shared.dependents.get(address, ())
            values = told.of_resource(resource, _facts_of(subjects, address, change), needed_by)
        elif change is not None:
            values = told.of_delete(change)
        else:
            continue
        tree: Mapping[str, Tree] = {
            "resource": values,
            "change": told.of_change(change),
            "candidate": METRICS,
            "champion": METRICS,
        }
        durations = {**of_plan, **told.duration_of_change(change, subjects.estimates.get(address))}
        yield Subject(values=tree, address=address, resource=resource, change=change, durations=durations)


def _facts_of(subjects: Subjects, address: Address, change: Change | None) -> Mapping[str, Json] | None:
    facts = subjects.facts.get(address)
    waits = change is not None and bool(change.deferred or change.blocked)
    return None if facts is None or (waits and not facts) else facts


def rule_of(text: str) -> Rule | ExpressionError:
    try:
        return compile_rule(text)
    except ExpressionError as error:
        return error


class Bearing(Protocol):
    """What may excuse a finding."""

    @property
    def now(self) -> datetime: ...
    @property
    def overrides(self) -> tuple[Override, ...]: ...


def put(read: Read, subject: Subject, bearing: Bearing, locate: Locate) -> Iterator[Finding]:
    policy = read.policy
    facts = subject.facts(read.known)
    ruling = _ruling(policy, facts)
    if ruling.outcome is Outcome.PASS:
        return
    found = Finding(
        policy=policy.address,
        outcome=ruling.outcome,
        level=policy.level,
        address=subject.address,
        message=message_of(policy, facts, ruling),
        remedy=policy.remedy if ruling.outcome is Outcome.FAIL else "",
        severity=policy.severity,
        link=policy.link,
        owner=policy.owner,
        violation=violation(policy.address, policy.match, policy.require, subject.address, goes=subject.goes),
        at=_at(policy, subject, facts, ruling, locate),
    )
    yield excused(found, policy, bearing.overrides, bearing.now)


def _at(policy: Policy, subject: Subject, facts: Facts, ruling: Ruling, locate: Locate) -> Span | None:
    """Where a finding is shown: a rule that broke at the rule, as that has to change; all else at the resource."""
    if ruling.outcome is Outcome.ERROR and policy.source is not None and _never_known(policy, facts) is None:
        broken = _evaluate(policy.match, facts).outcome is Outcome.ERROR
        return place_of_rule(policy.source, "match" if broken else "require", locate)
    return place(policy, subject.resource, subject.change, locate)


def _ruling(policy: Policy, facts: Facts) -> Ruling:
    """A rule that cannot be judged is an error, never a pass; one that may not even apply is not more than unknown."""
    applies = _evaluate(policy.match, facts)
    if applies.outcome is Outcome.FAIL:
        return Ruling(outcome=Outcome.PASS)
    if applies.outcome is Outcome.ERROR:
        return Ruling(outcome=Outcome.ERROR, detail=f"match: {applies.detail}")
    holds = _evaluate(policy.require, facts)
    if applies.outcome is Outcome.UNKNOWN and holds.outcome is not Outcome.PASS:
        return Ruling(outcome=Outcome.UNKNOWN, detail=applies.detail)
    return (_never_known(policy, facts) if holds.outcome is Outcome.UNKNOWN else None) or holds


def _never_known(policy: Policy, facts: Facts) -> Ruling | None:
    """A rule that waits for a metric which the resource does not measure would wait for ever: that is an error."""
    resource = facts.values.get("resource")
    resource = resource if isinstance(resource, Mapping) else {}
    spec = resource.get("spec")
    measured = spec.get("metrics") if isinstance(spec, Mapping) else None
    rule = rule_of(policy.require)
    if policy.stage is not PolicyStage.GATE or not isinstance(measured, list | tuple) or not isinstance(rule, Rule):
        return None
    read = [chain for chain in rule.chains if chain.root in ("candidate", "champion") and chain.path]
    allowed = {*measured, "rows", *(chain.path[0] for chain in read if chain.tested)}  # rows are always counted
    strange = next((chain for chain in read if chain.path[0] not in allowed), None)
    if strange is None:
        return None
    names = ", ".join(str(one) for one in measured) or "nothing"
    return Ruling(outcome=Outcome.ERROR, detail=f"{strange} is never known: {resource['address']} measures {names}")


def _evaluate(text: str, facts: Facts) -> Ruling:
    rule = rule_of(text)
    if isinstance(rule, ExpressionError):
        return Ruling(outcome=Outcome.ERROR, detail=rule.message)
    return rule.evaluate(facts)
