"""Policies that say nothing for a slip of the pen: of environments, kinds and resources that there are not."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from ordain.config.report import Place, Report, choose
from ordain.expr.chains import compared
from ordain.expr.patterns import wildcards
from ordain.expr.rules import OWN, compile_rule
from ordain.values.address import Address
from ordain.values.data import Path
from ordain.values.diagnostic import Diagnostic, Severity
from ordain.values.setting import Policy, PolicyStage


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What there is in the project: the names that policies may speak of."""

    environments: Collection[str]
    kinds: Collection[str]
    resources: Collection[Address]


def warn(policies: Iterable[Policy], known: Known, report: Report) -> None:
    """Warn of names in rules, and of exceptions, that nothing here bears; none of them is wrong by itself."""
    names: frozenset[str] | None = None
    for policy in policies:
        for diagnostic, path in _rules(policy, known):
            _add(policy, diagnostic, path, report)
        if policy.exceptions and _is_about_plan(policy):
            _add(policy, _of_the_plan(policy), ("spec", "exceptions"), report)
            continue
        for number, one in enumerate(policy.exceptions):
            names = frozenset(map(str, known.resources)) if names is None else names
            for item, pattern in enumerate(one.resources):
                if not _found(pattern, names):
                    path = ("spec", "exceptions", number, "resources", item)
                    _add(policy, _spares_nothing(policy, pattern, names), path, report)


def _rules(policy: Policy, known: Known) -> Iterator[tuple[Diagnostic, Path]]:
    told = set()
    for key, rule in (("match", policy.match), ("require", policy.require)):
        for chain, there in (("env.name", known.environments), ("resource.kind", known.kinds)):
            for name in compared(rule, chain):
                if name not in there and (chain, name) not in told:
                    told.add((chain, name))
                    yield _not_there(policy, chain, name, there), ("spec", key)


def _not_there(policy: Policy, chain: str, name: str, there: Collection[str]) -> Diagnostic:
    one, many = ("environment", "environments") if chain == "env.name" else ("kind", "kinds")
    return Diagnostic(
        code="policy-silent",
        summary=f"{policy.address} speaks of the {one} {name!r}, and there is none: it says nothing of it",
        fix=choose(name, there, many),
        severity=Severity.WARNING,
    )


def _spares_nothing(policy: Policy, pattern: str, names: Collection[str]) -> Diagnostic:
    return Diagnostic(
        code="exception-silent",
        summary=f"an exception of {policy.address} spares {pattern}, and the specs have no such resource",
        fix=f"correct it, or remove it once what it spared is gone; {choose(pattern, names, 'resources')}",
        severity=Severity.WARNING,
    )


def _is_about_plan(policy: Policy) -> bool:
    rules = (compile_rule(policy.match), compile_rule(policy.require))
    return policy.stage is PolicyStage.PLAN and not any(rule.roots & OWN for rule in rules)


def _of_the_plan(policy: Policy) -> Diagnostic:
    return Diagnostic(
        code="exception-silent",
        summary=f"{policy.address} is about the plan as a whole: its exceptions, which are of resources, spare nothing",
        fix="remove them; let the rule read resource or change to judge each by itself",
        severity=Severity.WARNING,
    )


def _found(pattern: str, names: frozenset[str]) -> bool:
    # An address with a key may be one of another environment: its document is enough.
    if pattern in names:
        return True
    base = pattern.partition("[")[0]
    meant = {wildcards(pattern), wildcards(base), wildcards(f"{base}[*")}
    return any(one.fullmatch(name) for name in names for one in meant)


def _add(policy: Policy, diagnostic: Diagnostic, path: Path, report: Report) -> None:
    """At the very place; of a policy that a blueprint makes, where it is used: its body may be in no file of theirs."""
    if policy.source is not None:
        path = path if policy.source.expansion is None else ("name",)
        report.add_found(Place(source=policy.source, path=path, address=policy.address), diagnostic)
