"""What rules may know of a resource, its change and the plan (DESIGN §4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from ordain.values.address import Address
from ordain.values.change import WRITTEN_DOWN, Action, Change, Effect
from ordain.values.data import Json, Tree, Unknown
from ordain.values.plan import Estimate
from ordain.values.resource import Resource

Durations = Mapping[tuple[str, ...], timedelta | None]

_NOTHING: Mapping[str, Tree] = {
    "action": Action.NO_OP.value,
    "effect": Effect.NONE.value,
    "causes": [],
    "deferred": False,
    "blocked": False,
}


class Surroundings(Protocol):
    """Where and when a rule is put."""

    @property
    def environment(self) -> str: ...
    @property
    def promotes_from(self) -> str | None: ...
    @property
    def now(self) -> datetime: ...


def of_surroundings(subject: Surroundings) -> Mapping[str, object]:
    """Return ``env`` and ``now`` for a rule."""
    return {"env": {"name": subject.environment, "promotes_from": subject.promotes_from or ""}, "now": subject.now}


def dependents(resources: Mapping[Address, Resource]) -> Mapping[Address, Sequence[str]]:
    """Return for each resource the addresses of those that depend on it, sorted; O(resources + dependencies)."""
    found: dict[Address, list[str]] = {}
    for address, resource in resources.items():
        for needed in resource.depends_on:
            found.setdefault(needed, []).append(str(address))
    return {address: sorted(set(ones)) for address, ones in found.items()}


def of_resource(resource: Resource, facts: Mapping[str, Json] | None, dependents: Sequence[str]) -> Mapping[str, Tree]:
    """Return ``resource`` for a rule; ``facts`` None where they are not known yet."""
    return {
        "address": str(resource.address),
        "kind": resource.kind,
        "name": resource.address.name,
        "provider": resource.provider or "",
        "owner": resource.owner,
        "description": resource.description,
        "labels": resource.labels,
        "spec": resource.spec,
        "facts": typed(facts),
        "protected": resource.lifecycle.protect,
        "depends_on": [str(address) for address in resource.depends_on],
        "dependents": list(dependents),
    }


def of_delete(change: Change) -> Mapping[str, Tree]:
    """Return ``resource`` for a rule about what is to be deleted: as it was recorded."""
    return {
        "address": str(change.address),
        "kind": change.kind,
        "name": change.address.name,
        "provider": change.provider or "",
        "owner": change.owner,
        "description": change.description,
        "labels": change.labels,
        "spec": change.after,
        "facts": typed(change.facts or None),
        "protected": change.lifecycle.protect,
        "depends_on": [str(address) for address in change.depends_on],
        "dependents": [],
    }


def of_change(change: Change | None) -> Mapping[str, Tree]:
    """Return ``change`` for a rule; None for a resource that stays as it is."""
    if change is None:
        return _NOTHING
    return {
        "action": change.action.value,
        "effect": change.effect.value,
        "causes": sorted({cause.code.value for cause in change.causes}),
        "deferred": bool(change.deferred),
        "blocked": bool(change.blocked),
    }


def of_plan(changes: Iterable[Change]) -> Mapping[str, object]:
    """Return ``plan`` for a rule: ``summary`` and ``changes``."""
    changes = tuple(changes)
    return {
        "summary": summary(change.effect for change in changes),
        "changes": [{"address": str(change.address), "kind": change.kind, **of_change(change)} for change in changes],
    }


def summary(effects: Iterable[Effect]) -> Mapping[str, int]:
    """Return ``plan.summary`` for a rule: how many changes by effect, zeros included.

    What is retired counts among what is deleted, too: a rule that limits deletes speaks of everything that goes.
    """
    counts = Counter(effects)
    counts[Effect.DELETE] += counts[Effect.RETIRE]
    return {effect.value: counts[effect] for effect in Effect}


def duration_of_plan(estimate: Estimate | None) -> Durations:
    """Return ``plan.duration`` for a rule; None where nobody knows."""
    return _durations("plan", estimate)


def duration_of_change(change: Change | None, estimate: Estimate | None) -> Durations:
    """Return ``change.duration`` for a rule: nothing for what is left as it is or only written down."""
    idle = change is None or not (change.acts or change.deferred)
    if idle or (change is not None and change.effect in _AT_ONCE):
        estimate = Estimate(p50=0.0, p90=0.0, runs=0)
    return _durations("change", estimate)


_AT_ONCE = WRITTEN_DOWN | {Effect.FORGET}


def _durations(root: str, estimate: Estimate | None) -> Durations:
    told = (None, None) if estimate is None else (estimate.p50, estimate.p90)
    return {
        (root, "duration", part): None if seconds is None else timedelta(seconds=seconds)
        for part, seconds in zip(("p50", "p90"), told, strict=True)
    }


def typed(facts: Mapping[str, Json] | None) -> Tree:
    """Return ``resource.facts`` for a rule.

    Columns become a list in which every flag is there: a rule that asks ``c.personal`` never meets a hole.
    A fact that stands there without a value (how many rows a filter will leave, say) is not known yet.
    """
    if facts is None:
        return Unknown(expression="facts")
    known = {name: Unknown(expression=f"facts.{name}") if fact is None else fact for name, fact in facts.items()}
    return {**known, "columns": _columns(facts)}


def _columns(facts: Mapping[str, Json]) -> Tree:
    columns, made = facts.get("columns"), facts.get("schema")
    if isinstance(columns, Mapping):
        return [_column(name, one) for name, one in columns.items()]
    if "columns" not in facts:
        return []
    if not isinstance(made, Mapping):  # SQL decides them: they are known when it has run
        return Unknown(expression="facts.columns")
    return [_column(name, {"type": kind, "personal": facts.get("personal")}) for name, kind in made.items()]


def _column(name: str, column: Json) -> Mapping[str, Tree]:
    given = column if isinstance(column, Mapping) else {}
    told = {key: value for key, value in given.items() if isinstance(value, bool | int | float | str)}
    return {"type": "", "nulls": 0, **told, "name": name, "personal": given.get("personal") is True}
