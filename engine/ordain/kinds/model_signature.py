"""What a model asks of those who call it and what it answers: where that changes, its consumers break."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ordain.kinds.model_outline import Columns
from ordain.values.data import Json, Tree
from ordain.values.record import ResourceRecord

_TAKEN_AS = {"integer": "number", "text": "category"}
"""Types of data that a caller spells alike: another of the two asks nothing new of anybody."""

_SHOWN = 8


def signature_change(record: ResourceRecord | None, spec: Mapping[str, Any], columns: Columns) -> str:
    """Return how the signature differs from what stands: ``+ age, - balance, job category → number``.

    "" where it does not, as far as that is known before training: columns that SQL decides, and types of derived ones,
    are not. ``columns`` are those the new version reads, the target among them.
    """
    standing = record.facts.get("columns") if record is not None else None
    if record is None or not isinstance(standing, Mapping) or not columns or "*" in {*standing, *columns}:
        return ""
    before, after = _target(record.spec), _target(spec)
    old = {str(name): _type(one) for name, one in standing.items() if name != before["target"]}
    new = {name: _type(one) for name, one in columns.items() if name != after["target"]}
    parts = [f"+ {name}" for name in sorted(new) if name not in old]
    parts += [f"- {name}" for name in sorted(old) if name not in new]
    parts += [f"{name} {_arrow(old[name], new[name])}" for name in sorted(new) if _differ(old.get(name), new[name])]
    parts += [f"{word} {_arrow(before[word], after[word])}" for word in after if before[word] != after[word]]
    if before["target"] == after["target"]:
        parts += _answers(str(after["target"]), standing.get(str(before["target"])), columns.get(str(after["target"])))
    return ", ".join(parts[:_SHOWN]) + (f" and {len(parts) - _SHOWN} more" if len(parts) > _SHOWN else "")


def _answers(target: str, before: Json, after: Json) -> list[str]:
    """Return how what is predicted differs: its kind, or its classes where they are known."""
    kinds = _type(before), _type(after)
    if _differ(*kinds):
        return [f"target {target} {_arrow(*kinds)}"]
    old, new = _levels(before), _levels(after)
    if old is None or new is None:
        return []
    signed = [*(f"+ {one}" for one in sorted(new - old)), *(f"- {one}" for one in sorted(old - new))]
    return [f"classes {' '.join(signed)}"] if signed else []


def _levels(column: Json) -> frozenset[str] | None:
    found = column.get("levels") if isinstance(column, Mapping) else None
    return frozenset(str(one) for one in found) if isinstance(found, list | tuple) else None


def _target(spec: Mapping[str, Tree]) -> Mapping[str, Tree]:
    return {"target": spec.get("target"), "positive": spec.get("positive")}


def _type(column: Json) -> str:
    written = str(column.get("type", "unknown")) if isinstance(column, Mapping) else "unknown"
    return _TAKEN_AS.get(written, written)


def _differ(before: str | None, after: str) -> bool:
    return before is not None and before != after and "unknown" not in (before, after)


def _arrow(before: Tree, after: Tree) -> str:
    return f"{'none' if before is None else before} → {'none' if after is None else after}"
