"""Why a finding denies nothing: an exception of its policy, or a person's override."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from functools import lru_cache

from ordain.expr.patterns import wildcards
from ordain.values.address import Address
from ordain.values.approval import Override
from ordain.values.fingerprint import digest
from ordain.values.plan import Excuse, ExcuseKind, Finding
from ordain.values.setting import Level, Policy


@lru_cache(maxsize=65_536)
def violation(policy: Address, match: str, require: str, address: Address | None, *, goes: bool = False) -> str:
    """Return the name of what a policy finds of a resource, whatever numbers stand in its message.

    ``goes``: of one that is to be deleted or forgotten. Who bears with what a resource lacks has not agreed to lose it.
    """
    return digest([str(policy), match, require, str(address or ""), *(("goes",) if goes else ())])[:23]


def excused(finding: Finding, policy: Policy, overrides: Iterable[Override], now: datetime) -> Finding:
    """Return the finding with its excuse, where it would stop an apply and there is one that still holds."""
    if not finding.stands:
        return finding
    exceptions = [
        Excuse(kind=ExcuseKind.EXCEPTION, reason=one.reason, until=one.until)
        for one in policy.exceptions
        if finding.address is not None and _names(one.resources, str(finding.address))
    ]
    return _with_excuse(finding, (*exceptions, *_overrides(finding, overrides)), now)


def excused_again(finding: Finding, overrides: Iterable[Override], now: datetime) -> Finding:
    """Return a finding of a plan that was made earlier: what excused it may have run out, an override may have come."""
    if not finding.stands:
        return finding
    kept = [one for one in (finding.excuse, finding.lapsed) if one is not None and one.kind is ExcuseKind.EXCEPTION]
    return _with_excuse(finding, (*kept, *_overrides(finding, overrides)), now)


def _overrides(finding: Finding, overrides: Iterable[Override]) -> Iterator[Excuse]:
    for one in overrides if finding.level is Level.SOFT else ():
        if one.policy == finding.policy and finding.violation in one.violations:
            yield Excuse(kind=ExcuseKind.OVERRIDE, reason=one.reason, until=one.until, by=one.by)


def _with_excuse(finding: Finding, excuses: Iterable[Excuse], now: datetime) -> Finding:
    """Return the finding with the first excuse that holds; where none does, with the one that ran out last."""
    found = tuple(excuses)
    excuse = next((one for one in found if holds(one.until, now)), None)
    lapsed = max(found, key=lambda one: one.until or "", default=None) if excuse is None else None
    return replace(finding, excuse=excuse, lapsed=lapsed)


def holds(until: str | None, now: datetime) -> bool:
    """Say whether ``now`` lies before a moment (ISO); None is never reached."""
    return until is None or now < datetime.fromisoformat(until)


def _names(patterns: Iterable[str], address: str) -> bool:
    return any(wildcards(one).fullmatch(address) for one in patterns)
