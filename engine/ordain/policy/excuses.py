"""Why a finding denies nothing: an exception of its policy, or a person's override."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from functools import lru_cache

from ordain.values.address import Address
from ordain.values.approval import Override
from ordain.values.fingerprint import digest
from ordain.values.plan import Excuse, ExcuseKind, Finding
from ordain.values.setting import Level, Policy


@lru_cache(maxsize=65_536)
def violation(policy: Address, match: str, require: str, address: Address | None) -> str:
    """Return the name of what a policy finds of a resource, whatever numbers stand in its message."""
    return digest([str(policy), match, require, str(address or "")])[:23]


def excused(finding: Finding, policy: Policy, overrides: Iterable[Override], now: datetime) -> Finding:
    """Return the finding with its excuse, where it would stop an apply and there is one that still holds."""
    if not finding.stands:
        return finding
    return replace(finding, excuse=_exception(finding, policy, now) or _override(finding, overrides, now))


def excused_again(finding: Finding, overrides: Iterable[Override], now: datetime) -> Finding:
    """Return a finding of a plan that was made earlier: what excused it may have run out, an override may have come."""
    if not finding.stands:
        return finding
    excuse = finding.excuse
    if excuse is not None and excuse.kind is ExcuseKind.EXCEPTION and holds(excuse.until, now):
        return finding
    return replace(finding, excuse=_override(finding, overrides, now))


def _exception(finding: Finding, policy: Policy, now: datetime) -> Excuse | None:
    for one in policy.exceptions:
        if finding.address is not None and holds(one.until, now) and _names(one.resources, str(finding.address)):
            return Excuse(kind=ExcuseKind.EXCEPTION, reason=one.reason, until=one.until)
    return None


def _override(finding: Finding, overrides: Iterable[Override], now: datetime) -> Excuse | None:
    if finding.level is not Level.SOFT:
        return None
    for one in overrides:
        if one.policy == finding.policy and finding.violation in one.violations and holds(one.until, now):
            return Excuse(kind=ExcuseKind.OVERRIDE, reason=one.reason, until=one.until, by=one.by)
    return None


def holds(until: str | None, now: datetime) -> bool:
    """Say whether ``now`` lies before a moment (ISO); None is never reached."""
    return until is None or now < datetime.fromisoformat(until)


def _names(patterns: Iterable[str], address: str) -> bool:
    return any(_pattern(one).fullmatch(address) for one in patterns)


@lru_cache(maxsize=4096)
def _pattern(text: str) -> re.Pattern[str]:
    """Only ``*`` and ``?`` mean more than themselves: an address may have brackets."""
    return re.compile(re.escape(text).replace(r"\*", ".*").replace(r"\?", "."))
