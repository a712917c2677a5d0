"""Metrics that compare groups: the columns in ``roles.sensitive`` are no part of the model, but of its judgement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ordain.api.providers import GROUP_METRICS
from ordain.values.data import Json
from ordain.values.record import VersionRecord


def sensitive(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the columns whose groups a metric of the spec compares; () where it asks for no such metric."""
    if GROUP_METRICS.isdisjoint(spec.get("metrics") or ()):
        return ()
    return tuple(str(name) for name in (spec.get("roles") or {}).get("sensitive") or ())


def judged_over(spec: Mapping[str, Any], dataset: Mapping[str, Json]) -> Mapping[str, Json]:
    """Return what judging is over beside the spec: ``{"sensitive": {column: digest}}``, {} where nothing is.

    The digest is None where the dataset's facts do not tell it: what was measured elsewhere is judged by its numbers.
    """
    known = dataset.get("columns")
    columns = known if isinstance(known, Mapping) else {}
    names = sensitive(spec)
    return {"sensitive": {name: _digest(columns.get(name)) for name in names}} if names else {}


def _digest(column: Json) -> Json:
    return column.get("digest") if isinstance(column, Mapping) else None


def was_measured_over(version: VersionRecord, over: Mapping[str, Json]) -> bool:
    """Say whether a version's metrics are of these very groups; ``over`` is what ``judged_over`` gives."""
    asked, measured = over.get("sensitive"), version.facts.get("sensitive")
    if not isinstance(asked, Mapping):
        return True
    if not isinstance(measured, Mapping) or {*asked} != {*measured}:
        return False
    return all(one is None or one == measured[name] for name, one in asked.items())
