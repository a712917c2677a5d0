"""Judges one resource, while a plan is applied: versions at a gate, and what could not be decided before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from ordain.expr.rules import DURATIONS, Rule
from ordain.policy import facts as told
from ordain.policy.judge import METRICS, Read, Subject, put, roots, rule_of
from ordain.values.address import Address
from ordain.values.approval import Override
from ordain.values.change import Change
from ordain.values.data import Json, Tree
from ordain.values.plan import Finding, LateRule
from ordain.values.record import Outcome
from ordain.values.resource import Locate, Resource
from ordain.values.setting import Level, Policy, PolicyStage


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSubject:
    """A version that was made and is to be judged; ``champion`` is None where there is none."""

    environment: str
    resource: Resource
    facts: Mapping[str, Json]
    candidate: Mapping[str, Json]
    champion: Mapping[str, Json] | None
    now: datetime
    change: Change | None = None
    promotes_from: str | None = None
    overrides: tuple[Override, ...] = ()


def judge_gate(policies: tuple[Policy, ...], subject: GateSubject, locate: Locate) -> tuple[Finding, ...]:
    """Return what the gate policies find of a version, now that its metrics are known; what passes is left out."""
    values: dict[str, Tree] = {
        "resource": told.of_resource(subject.resource, subject.facts, ()),
        "change": told.of_change(subject.change),
        "candidate": subject.candidate,
    }
    if subject.champion is not None:
        values["champion"] = subject.champion
    changes = () if subject.change is None else (subject.change,)
    known = {**told.of_surroundings(subject), "plan": told.of_plan(changes)}
    absent = frozenset(("champion",)) if subject.champion is None else frozenset[str]()
    one = Subject(values=values, absent=absent, address=subject.resource.address, resource=subject.resource)
    gates = sorted((policy for policy in policies if policy.stage is PolicyStage.GATE), key=lambda p: p.address)
    read = [Read(policy=policy, known=known) for policy in gates]
    return tuple(finding for gate in read for finding in put(gate, one, subject, locate))


def waiting(policies: tuple[Policy, ...], findings: Iterable[Finding]) -> tuple[LateRule, ...]:
    """Return the policies at stage plan that could not be decided and would deny, with the resources they wait for.

    What a rule says of who depends on a resource only a plan can tell, so that such a rule waits for the next one.
    """
    found: dict[Address, list[Address]] = {}
    for one in findings:
        if one.outcome is Outcome.UNKNOWN and one.address is not None and one.level is not Level.ADVISORY:
            found.setdefault(one.policy, []).append(one.address)
    return tuple(
        LateRule(policy=replace(policy, source=None), resources=tuple(found[policy.address]))
        for policy in policies
        if policy.stage is PolicyStage.PLAN and policy.address in found and not _reads_dependents(policy)
    )


def _reads_dependents(policy: Policy) -> bool:
    rules = (rule_of(policy.match), rule_of(policy.require))
    chains = (chain for rule in rules if isinstance(rule, Rule) for chain in rule.chains)
    return any(chain.root == "resource" and chain.path[:1] in ((), ("dependents",)) for chain in chains)


def judge_late(
    policies: tuple[Policy, ...], subject: GateSubject, plan: Mapping[str, object], locate: Locate
) -> tuple[Finding, ...]:
    """Return what policies that waited find of a resource, now that more of it is known; what passes is left out.

    ``plan`` is what rules may know of it (``facts.of_plan``). Metrics and lengths of time are no more known than they
    were.
    """
    values: Mapping[str, Tree] = {
        "resource": told.of_resource(subject.resource, subject.facts, ()),
        "change": told.of_change(subject.change),
        "candidate": METRICS,
        "champion": METRICS,
    }
    around = told.of_surroundings(subject)
    whole = {**around, "plan": plan}
    one = Subject(
        values=values,
        address=subject.resource.address,
        resource=subject.resource,
        change=subject.change,
        durations=dict.fromkeys(DURATIONS),
    )
    # A plan is large: only who reads it gets it.
    wide = [policy for policy in policies if "plan" in roots(policy) or "plan" in policy.message]
    read = [Read(policy=policy, known=whole if policy in wide else around) for policy in policies]
    return tuple(finding for late in read for finding in put(late, one, subject, locate))
