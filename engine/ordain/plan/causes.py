"""Why: the chain from an action down to its root, root first (DESIGN §1.4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ordain.api.fields import facets
from ordain.api.kind import Decision, Delta, Kind, Situation
from ordain.api.triggers import named
from ordain.plan.special import called
from ordain.values.address import Address
from ordain.values.change import Cause, CauseCode, Effect, FieldChange
from ordain.values.data import Json, Path
from ordain.values.fingerprint import Facet
from ordain.values.record import Health, ResourceRecord
from ordain.values.resource import Locate, Origin, Resource

_LIMIT = 24
"""Causes kept of one change; a thousand changed fields are counted, not listed."""

_POLICIES = "judge.policies"
"""The input that names the policies at the gate; no upstream change is behind it."""

_HAPPENS = {
    Effect.CREATE: "is created",
    Effect.UPDATE: "changes",
    Effect.RE_EVALUATE: "is judged again",
    Effect.REDEPLOY: "is redeployed",
    Effect.RESTART: "is restarted",
    Effect.REFRESH_DATA: "has new data",
    Effect.REUSE: "goes to another version",
    Effect.ROLL_BACK: "goes back to an earlier version",
    Effect.IMPORT: "is imported",
    Effect.TRAIN: "is trained",
    Effect.RETRAIN: "is retrained",
    Effect.RETRAIN_INCOMPATIBLE: "is retrained with another signature",
    Effect.PROMOTE: "is promoted",
}


Places = tuple[Locate, Origin]


def causes_of(kind: Kind, situation: Situation, delta: Delta, decision: Decision, places: Places) -> tuple[Cause, ...]:
    """Return the causes of a change, root first, without repetition, at most ``_LIMIT``."""
    found: dict[tuple[object, ...], Cause] = {}
    # What is promoted follows the other environment, and of its own only what the document reads.
    followed = frozenset(situation.resource.depends_on)
    if decision.effect is Effect.PROMOTE:
        followed = frozenset(address for readers in situation.expressions.values() for address in readers)
    for cause in (*_found(kind, situation, delta, places, followed), *decision.causes):
        found.setdefault((cause.code, cause.address, cause.path, cause.detail), cause)
    return tuple(found.values())[:_LIMIT]


def _found(
    kind: Kind, situation: Situation, delta: Delta, places: Places, followed: frozenset[Address]
) -> Iterator[Cause]:
    locate, origin = places
    resource, record = situation.resource, situation.record
    if record is None:
        yield Cause(
            code=CauseCode.NEW,
            address=resource.address,
            detail=f"not in the state of {situation.environment} yet",
            at=locate(resource.source, ("name",)),
        )
        return
    written = situation.expressions
    for field in _gravest_first(kind, delta):
        if situation.renames(field):
            continue
        readers = next((by for path, by in written.items() if field.path[: len(path)] == path), ())
        if not any(_moves(situation, address) for address in readers):
            yield Cause(
                code=CauseCode.SPEC,
                address=resource.address,
                path=("spec", *field.path),
                before=field.before,
                after=field.after,
                at=origin(resource, ("spec", *field.path)),
            )
    if {*delta.inputs} - {_POLICIES} or delta.unknown or any(_reads(field.path, written) for field in delta.fields):
        yield from _upstream(situation, followed)
    if delta.inputs:
        yield from kind.explain(situation, delta)
    if _POLICIES in delta.inputs:
        yield from _policies(situation, record)
    if delta.has(Facet.RECORD):
        yield from _written_down(situation, locate, delta)
    for drift in delta.drift:
        yield Cause(code=CauseCode.DRIFT, address=drift.address, detail=drift.detail)
    if record.health is Health.TAINTED:
        yield Cause(code=CauseCode.FAILED, address=resource.address, detail="its last step failed half way")
    yield from _triggered(situation, delta, locate)
    yield from _renamed(situation, delta, places)
    if situation.rollback is not None:
        asked = situation.rollback
        yield Cause(
            code=CauseCode.REQUESTED,
            address=resource.address,
            after=asked.version,
            detail=f"{asked.actor} goes back to {asked.version}: {asked.reason}",
        )
    if situation.release:
        yield Cause(code=CauseCode.REQUESTED, address=resource.address, detail="the hold of a rollback is released")
    if delta.requested:
        yield Cause(code=CauseCode.REQUESTED, address=resource.address, detail="asked for with --replace")


_GRAVEST = (Facet.BUILD, Facet.SERVE, Facet.JUDGE, Facet.RECORD)


def _gravest_first(kind: Kind, delta: Delta) -> list[FieldChange]:
    """Return the fields by what their change asks for; a provider's own options count as what it is made of."""
    known = facets(kind.spec)
    return sorted(delta.fields, key=lambda field: _GRAVEST.index(known.get(str(field.path[0]), Facet.BUILD)))


def _renamed(situation: Situation, delta: Delta, places: Places) -> Iterator[Cause]:
    """Yield the new names of what it rests on; the documents that moved it are told where it acts itself."""
    locate, origin = places
    resource = situation.resource
    at = {field.after: origin(resource, ("spec", *field.path)) for field in delta.fields if situation.renames(field)}
    for old, new in situation.renamed.items():
        yield Cause(
            code=CauseCode.MOVED,
            address=new,
            before=str(old),
            after=str(new),
            detail=called(old, new),
            at=at.get(str(new)) or locate(resource.source, ("name",)),
        )


def _triggered(situation: Situation, delta: Delta, locate: Locate) -> Iterator[Cause]:
    resource = situation.resource
    for text in delta.triggers:
        address, _ = named(text)
        outlook = situation.upstream.get(address)
        yield from outlook.causes if outlook is not None else ()
        index = resource.lifecycle.replace_when.index(text)
        yield Cause(
            code=CauseCode.TRIGGER,
            address=address,
            path=("lifecycle", "replace_when"),
            detail=f"{text} is another now, and {resource.address} is made again with it",
            at=locate(resource.source, ("lifecycle", "replace_when", index)),
        )


def _policies(situation: Situation, record: ResourceRecord) -> Iterator[Cause]:
    """Yield the policies at the gate that came, went or ask for something else."""
    judged = record.inputs.get("judge")
    recorded = judged.get("policies") if isinstance(judged, Mapping) else None
    before, after = (recorded if isinstance(recorded, Mapping) else {}), situation.gate_policies
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            what = "changed" if name in before and name in after else "is new" if name in after else "no longer judges"
            address = situation.resource.address
            yield Cause(code=CauseCode.GATE, address=address, detail=f"{name} {what}")


def _reads(path: Path, written: Mapping[Path, tuple[Address, ...]]) -> bool:
    return any(path[: len(start)] == start for start in written)


def _moves(situation: Situation, address: Address) -> bool:
    outlook = situation.upstream.get(address)
    return outlook is not None and outlook.changes


def _upstream(situation: Situation, followed: frozenset[Address]) -> Iterator[Cause]:
    for address in situation.resource.depends_on:
        outlook = situation.upstream.get(address)
        if outlook is not None and outlook.changes and address in followed:
            # What of it was only written down has no consequence here.
            yield from (one for one in outlook.causes if one.code is not CauseCode.SPEC or one.path[:1] == ("spec",))
            yield Cause(
                code=CauseCode.UPSTREAM,
                address=address,
                detail=f"{address} {_HAPPENS.get(outlook.effect, 'changes')}",
            )


def _written_down(situation: Situation, locate: Locate, delta: Delta) -> Iterator[Cause]:
    resource, record = situation.resource, situation.record
    if record is None:
        return
    for path, before, after in _noted(resource, record, delta, situation.renamed):
        if before != after:
            yield Cause(
                code=CauseCode.SPEC,
                address=resource.address,
                path=path,
                before=before,
                after=after,
                at=locate(resource.source, path),
            )


def _noted(
    resource: Resource, record: ResourceRecord, delta: Delta, renamed: Mapping[Address, Address]
) -> Iterator[tuple[Path, Json, Json]]:
    """Yield what stands outside the spec and is only written down: path, before, after."""
    yield ("description",), record.description, resource.description
    yield ("owner",), record.owner, resource.owner
    yield ("labels",), dict(record.labels), dict(resource.labels)
    for name in ("protect", "keep_on_remove"):
        yield ("lifecycle", name), getattr(record, name), getattr(resource.lifecycle, name)
    for name in ("executor", "timeout", "retries"):
        yield ("run", name), getattr(record.options, name), getattr(resource.run, name)
    for name in ("cpu", "memory", "gpu"):
        yield ("run", "resources", name), getattr(record.options, name), getattr(resource.run, name)
    before, after = (list(one.replace_when) for one in (record, resource.lifecycle))
    yield ("lifecycle", "replace_when"), before, after
    if not delta.fields:  # with other fields go other references
        names = (renamed.get(address, address) for address in record.depends_on)
        yield ("depends_on",), sorted(map(str, names)), sorted(map(str, resource.depends_on))
