"""Terraform's plan as facts: what it will do, what has moved, what the outputs will be. Pure.

Sensitive values, and values that hold one of our secrets, never get past this module. Nothing here depends on the
time or on the order in which Terraform happened to work, so that the same world gives the same facts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ordain.api import Json, digest
from ordain_terraform.secrets import Scrubber

FIELDS = 200
"""Fields shown of one change; a change of more is counted, not listed."""

_ACTIONS = {
    ("create",): "create",
    ("update",): "update",
    ("delete",): "delete",
    ("read",): "read",
    ("forget",): "forget",
    ("delete", "create"): "replace",
    ("create", "delete"): "replace",
    ("create", "forget"): "create and forget",
    ("forget", "create"): "create and forget",
}
_TAKEN_IN = {"delete": "forget", "update": "refresh"}
"""What a refresh does with what it found outside: what is gone leaves the state, what changed is written down."""


def plan_facts(shown: Mapping[str, Any], scrub: Scrubber, *, refresh_only: bool = False) -> dict[str, Json]:
    """Return the facts of a plan, from what ``terraform show -json`` says of it.

    ``{"changes": [...], "drift": [...], "outputs": {...}, "empty": bool, "plan_digest": digest}``; see
    ``InfrastructureDriver``. An output is ``known`` where its value is certain before apply; ``value`` is absent
    where it is not, or is sensitive; ``changed`` says whether apply will change it. A plan that only refreshes says
    ``"sight": "refresh-only"``; its changes are what it takes in, actions ``refresh`` and ``forget``, and no drift.
    """
    if refresh_only:
        return _refreshed(shown, scrub)
    changes = list(_changes(shown.get("resource_changes", ()), scrub))
    changes.sort(key=_address)
    concerned = {_address(change) for change in changes} | {
        str(one.get("resource")) for one in shown.get("relevant_attributes", ())
    }
    drift = [one for one in _changes(shown.get("resource_drift", ()), scrub) if _address(one) in concerned]
    return _facts(shown, scrub, changes, drift)


def replaceable(shown: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the addresses of all that is there and stays, by a plan, but for what it imports."""
    found = (
        item["address"]
        for item in shown.get("resource_changes", ())
        if item.get("mode") == "managed" and not item.get("deposed") and _stays(item.get("change", {}))
    )
    return tuple(sorted(found))


def _stays(change: Mapping[str, Any]) -> bool:
    actions = {*change.get("actions", ())}
    return "importing" not in change and (actions >= {"create", "delete"} or bool(actions & {"no-op", "update"}))


def _refreshed(shown: Mapping[str, Any], scrub: Scrubber) -> dict[str, Json]:
    seen = _changes(shown.get("resource_drift", ()), scrub)
    taken = [{**one, "action": _TAKEN_IN.get(str(one["action"]), one["action"])} for one in seen]
    return {**_facts(shown, scrub, sorted(taken, key=_address), []), "sight": "refresh-only"}


def _facts(
    shown: Mapping[str, Any], scrub: Scrubber, changes: list[dict[str, Json]], drift: list[dict[str, Json]]
) -> dict[str, Json]:
    changed = any(actions != ["no-op"] for actions in _output_actions(shown).values())
    facts: dict[str, Json] = {
        "changes": list(changes),
        "drift": sorted(drift, key=_address),
        "outputs": _outputs(shown, scrub),
        "empty": not changes and not changed,
    }
    return {**facts, "plan_digest": digest(facts)}


def _address(change: Mapping[str, Json]) -> str:
    return str(change["address"])


def _changes(items: Any, scrub: Scrubber) -> Iterator[dict[str, Json]]:
    for item in items:
        change = item.get("change", {})
        actions = tuple(change.get("actions", ()))
        moved = item.get("previous_address")
        if actions == ("no-op",) and moved is None and "importing" not in change:
            continue
        fields = list(_fields(change, scrub))
        out: dict[str, Json] = {"address": item["address"], "action": _action(item), "fields": fields[:FIELDS]}
        if "importing" in change:
            out["id"] = scrub.text(str((change["importing"] or {}).get("id", "")))
        if item.get("deposed"):
            out["deposed"] = item["deposed"]
        if moved is not None:
            out["previous_address"] = moved
        if len(fields) > FIELDS:
            out["more_fields"] = len(fields) - FIELDS
        yield out


def _action(item: Mapping[str, Any]) -> str:
    """Return what is done, in words: ``import``, ``move and update``, ``replace``."""
    change = item.get("change", {})
    actions = tuple(change.get("actions", ()))
    words = ["import"] if "importing" in change else ["move"] if item.get("previous_address") is not None else []
    if actions != ("no-op",):
        words.append(_ACTIONS.get(actions, " and ".join(actions)))
    return " and ".join(words)


def _fields(change: Mapping[str, Any], scrub: Scrubber) -> Iterator[dict[str, Json]]:
    """Yield the attributes that differ; a delete is said by its action alone."""
    if change.get("actions") == ["delete"]:
        return
    sides = (change.get("before"), change.get("after"), change.get("after_unknown"))
    marks = (change.get("before_sensitive"), change.get("after_sensitive"))
    yield from _differing((), sides, marks, scrub)


def _differing(
    path: tuple[str | int, ...], sides: tuple[Any, Any, Any], marks: tuple[Any, Any], scrub: Scrubber
) -> Iterator[dict[str, Json]]:
    before, after, unknown = sides
    if before == after and not _any(unknown):
        return
    maps = [side for side in (before, after, unknown) if isinstance(side, Mapping)]
    if maps and not any(mark is True for mark in marks) and all(_open(side) for side in (before, after, unknown)):
        for key in sorted({key for side in maps for key in side}):
            inner = (_in(before, key), _in(after, key), _in(unknown, key))
            yield from _differing((*path, key), inner, (_in(marks[0], key), _in(marks[1], key)), scrub)
        return
    out: dict[str, Json] = {"path": list(path)}
    sensitive = _any(marks[0]) or _any(marks[1]) or scrub.holds(before) or scrub.holds(after)
    if sensitive:
        out["sensitive"] = True
    else:
        out["before"] = before
    if _any(unknown):
        out["unknown"] = True
    elif not sensitive:
        out["after"] = after
    yield out


def _open(side: Any) -> bool:
    """Say whether one can go on into this side of a change: it is a map, or there is nothing."""
    return isinstance(side, Mapping) or side is None or side is False


def _in(side: Any, key: str) -> Any:
    return side.get(key) if isinstance(side, Mapping) else None


def _any(mark: Any) -> bool:
    """Say whether anything is marked in Terraform's mask of a value: a truth value, or a tree of them."""
    if isinstance(mark, Mapping):
        return any(_any(item) for item in mark.values())
    if isinstance(mark, list):
        return any(_any(item) for item in mark)
    return bool(mark)


def _output_actions(shown: Mapping[str, Any]) -> dict[str, list[str]]:
    return {name: list(change.get("actions", ())) for name, change in shown.get("output_changes", {}).items()}


def _outputs(shown: Mapping[str, Any], scrub: Scrubber) -> dict[str, Json]:
    actions, changes = _output_actions(shown), shown.get("output_changes", {})
    planned = shown.get("planned_values", {}).get("outputs", {})
    out: dict[str, Json] = {}
    for name, value in sorted(planned.items()):
        change = changes.get(name, {})
        known = not _any(change.get("after_unknown")) and "value" in value
        sensitive = (
            bool(value.get("sensitive")) or _any(change.get("after_sensitive")) or scrub.holds(value.get("value"))
        )
        fact: dict[str, Json] = {
            "known": known,
            "sensitive": sensitive,
            "changed": actions.get(name, ["no-op"]) != ["no-op"],
        }
        if "type" in value:
            fact["type"] = value["type"]
        if known and not sensitive:
            fact["value"] = value["value"]
        out[name] = fact
    return out
