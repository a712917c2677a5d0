"""Verdicts on a version: against its own numbers and the champion's, the same at plan time and in apply."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ordain.expr.gates import check_gates, compares, judge
from ordain.kinds.model_groups import was_measured_over
from ordain.kinds.model_spec import asked_metrics, gates_of
from ordain.values.address import Address
from ordain.values.data import Json
from ordain.values.diagnostic import Diagnostic
from ordain.values.record import Outcome, Standing, Verdict, VersionRecord


def gate_problems(address: Address, spec: Mapping[str, Any]) -> tuple[Diagnostic, ...]:
    """Return what is wrong with the gates of a spec."""
    gates, metrics = gates_of(spec), asked_metrics(spec)
    return tuple(
        Diagnostic(
            code="model-gate",
            summary=f"{address}: {message}",
            detail=f"the gate is: {gates[index]}",
            fix="correct the gate, or list the metric under metrics",
            address=address,
            path=("spec", "gates", index),
        )
        for index, message, _ in check_gates(gates, metrics)
    )


def find(versions: Sequence[VersionRecord], recipe: str) -> VersionRecord | None:
    """Return the version of a recipe that can be used, or None."""
    return next((one for one in reversed(versions) if one.recipe == recipe and one.artifact), None)


def find_known(versions: Sequence[VersionRecord], recipe: str) -> VersionRecord | None:
    """Return the version of a recipe, lost or not, or None."""
    return next((one for one in reversed(versions) if one.recipe == recipe), None)


def is_measured(spec: Mapping[str, Any], version: VersionRecord, over: Mapping[str, Json]) -> bool:
    """Say whether every metric the spec asks for was measured of a version, ``over`` the groups of ``judged_over``."""
    return all(name in version.metrics for name in asked_metrics(spec)) and was_measured_over(version, over)


def verdicts(spec: Mapping[str, Any], candidate: VersionRecord, champion: VersionRecord | None) -> tuple[Verdict, ...]:
    """Return one verdict a gate. The champion itself is compared with nobody."""
    other = None if champion is None or champion.recipe == candidate.recipe else champion
    return judge(gates_of(spec), asked_metrics(spec), candidate.metrics, _metrics_of(other, candidate))


def _metrics_of(champion: VersionRecord | None, candidate: VersionRecord) -> Mapping[str, Json] | None:
    """Return the champion's metrics: on the candidate's own held-out rows, where they were measured there."""
    if champion is None:
        return None
    beside = candidate.facts.get("champion")
    if isinstance(beside, Mapping) and beside.get("recipe") == champion.recipe:
        measured = beside.get("metrics")
        return measured if isinstance(measured, Mapping) else champion.metrics
    return champion.metrics


def passes(judged: Sequence[Verdict]) -> bool:
    """Say whether every gate was passed; what could not be judged was not passed."""
    return all(verdict.outcome is Outcome.PASS for verdict in judged)


def broken(judged: Sequence[Verdict]) -> str:
    """Return the gates that were not passed, with their numbers: ``roc_auc >= 0.99 (roc_auc 0.7931 < 0.99)``."""
    return "; ".join(
        f"{verdict.rule} ({verdict.detail})" if verdict.detail else verdict.rule
        for verdict in judged
        if verdict.outcome is not Outcome.PASS
    )


def was_refused(spec: Mapping[str, Any], version: VersionRecord, judgement: str, champion: str) -> bool:
    """Say whether a version was refused under this very judgement.

    ``champion`` is the recipe of what stands ("" where nothing does); it counts where a gate compares with it.
    """
    if version.standing is not Standing.REJECTED or version.judgement != judgement:
        return False
    return version.facts.get("against") == champion or not any(map(compares, gates_of(spec)))


def was_accepted(version: VersionRecord, judgement: str) -> bool:
    """Say whether a version was found good under this very judgement."""
    return version.standing is Standing.ACCEPTED and version.judgement == judgement


def stood_in(version: VersionRecord, environment: str) -> bool:
    """Say whether a version ever stood in an environment: each has its own gates, and its own past."""
    places = version.facts.get("stood")
    if isinstance(places, list | tuple):
        return environment in places
    return version.standing is Standing.ACCEPTED


def standing_in(version: VersionRecord, environment: str) -> Mapping[str, Json]:
    """Return a version's facts once it stands in an environment."""
    places = version.facts.get("stood")
    before = [str(one) for one in places] if isinstance(places, list | tuple) else []
    return {**version.facts, "stood": sorted({*before, environment})}


LATELY = 20
"""Versions that count as lately judged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """Of the last ``judged`` versions (at most ``LATELY``) ``passed`` did; ``failing`` are gates that refused some."""

    passed: int
    judged: int
    failing: tuple[str, ...] = ()


def past(versions: Sequence[VersionRecord], gates: Sequence[str]) -> Past:
    """Return how versions of one address fared lately; ``versions`` are oldest first, a gate is known by its text."""
    judged = [one for one in versions if one.verdicts or one.standing is Standing.REJECTED][-LATELY:]
    failing = []
    for gate in gates:
        outcomes = [verdict.outcome for one in judged for verdict in one.verdicts if verdict.rule == gate]
        failed = len(outcomes) - outcomes.count(Outcome.PASS)
        if failed:
            failing.append(f"{gate} failed {failed} of the last {len(outcomes)}")
    accepted = sum(one.standing is Standing.ACCEPTED for one in judged)
    return Past(passed=accepted, judged=len(judged), failing=tuple(failing))
