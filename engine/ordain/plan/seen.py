"""What a refresh-only plan shows of a resource that it takes nothing in of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ordain.api.kind import Delta, Kind, Situation
from ordain.values.change import CauseCode
from ordain.values.codec import canonical
from ordain.values.diagnostic import Diagnostic, Severity
from ordain.values.plan import Drift
from ordain.values.record import ResourceRecord


def drift(kind: Kind, situation: Situation, record: ResourceRecord) -> tuple[Drift, ...]:
    """Return where the world is not what was recorded: a server that is gone, data that holds other rows."""
    address, inputs = situation.resource.address, kind.inputs(situation)
    recorded = record.inputs.get("build")
    before = recorded if isinstance(recorded, Mapping) else {}
    moved = tuple(name for name, now in inputs.build.items() if canonical(now) != canonical(before.get(name)))
    delta = Delta(is_new=False, facets=frozenset(), inputs=tuple(f"build.{name}" for name in moved))
    causes = kind.explain(situation, delta) if moved else ()
    data = (Drift(address=address, detail=cause.detail) for cause in causes if cause.code is CauseCode.DATA)
    return (*inputs.drift, *data)


def told(problems: tuple[Diagnostic, ...]) -> tuple[Diagnostic, ...]:
    """Return what a look found wrong as warnings: nothing of this plan rests on it."""
    return tuple(replace(problem, severity=Severity.WARNING) for problem in problems)
