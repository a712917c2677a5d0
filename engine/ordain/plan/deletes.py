"""What is recorded and no longer desired: deleted, forgotten, or protected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ordain.plan.request import Mode, PlanRequest
from ordain.values.address import Address
from ordain.values.change import Action, Cause, CauseCode, Change
from ordain.values.diagnostic import Blame, Diagnostic, ExitCode, OrdainError
from ordain.values.look import Evidence, Look
from ordain.values.record import ResourceRecord, place_aside
from ordain.values.setting import Removal


def looks(request: PlanRequest, records: Mapping[Address, ResourceRecord]) -> tuple[Look, ...]:
    """Return the looks that planning these deletes needs."""
    registry = request.registry
    found = (
        registry.kind(record.kind).look_at_delete(record)
        for record in records.values()
        if record.kind in registry.kinds and not record.protect and not _forgets(request, record)
    )
    return tuple(replace(look, sight=request.sight) for look in found if look is not None)


def _removal(request: PlanRequest, record: ResourceRecord) -> Removal | None:
    return request.removals.get(record.address) or request.removals.get(record.address.base)


def _forgets(request: PlanRequest, record: ResourceRecord) -> bool:
    """Say whether a resource leaves the state and stays in the world: what a document says goes before the record."""
    if request.mode is Mode.DESTROY:
        return False
    said = _removal(request, record)
    return record.keep_on_remove if said is None else not said.destroy


def newcomers(request: PlanRequest) -> Mapping[Address, tuple[Address, ...]]:
    """Return the desired resources with a key that are not recorded, by the name of their document."""
    groups: dict[Address, list[Address]] = {}
    for one in request.desired.resources if request.mode is not Mode.DESTROY else ():
        if one.key and one not in request.recorded.resources:
            groups.setdefault(one.base, []).append(one)
    return {base: tuple(several) for base, several in groups.items()}


def removal(
    request: PlanRequest, record: ResourceRecord, new: Mapping[Address, tuple[Address, ...]]
) -> tuple[Change, tuple[tuple[str, bool], ...]]:
    """Return the change that removes a recorded resource, and its operations; ``new`` are the ``newcomers``.

    Raises ``OrdainError`` where no installed plugin knows its kind, and where a Moved document led it astray.
    """
    if record.kind not in request.registry.kinds:
        raise OrdainError(_orphan(record))
    namesakes = _namesakes(request, record.address, new)
    if namesakes and record.address in request.moves:
        raise OrdainError(_astray(request, record.address, namesakes[0]))
    kind = request.registry.kind(record.kind)
    evidence: Evidence | None = request.evidence.get(record.address)
    forget = _forgets(request, record)
    kept = f".ordain/private/{request.recorded.environment}/{place_aside(record)}"
    decision = kind.decide_forget(record, kept) if forget else kind.decide_delete(record, evidence)
    protected = record.protect and not forget
    operations = (("forget", False),) if forget else tuple((op.name, op.heavy) for op in decision.operations)
    hints = (_may_move(record.address, namesakes[0]),) if namesakes and not forget else ()
    change = Change(
        address=record.address,
        kind=record.kind,
        provider=record.provider,
        action=Action.FORGET if forget else Action.DELETE,
        effect=decision.effect,
        causes=(_cause(request, record), *decision.causes),
        nested=decision.nested,
        notes=(*decision.notes, *hints),
        blocked="protected: set lifecycle.protect: false and apply before it may be removed" if protected else "",
        protected=protected,
        previous_address=request.former.get(record.address),
        depends_on=record.depends_on,
        after=record.spec,
        inputs=record.inputs,
        fingerprint=record.fingerprint,
        description=record.description,
        owner=record.owner,
        labels=record.labels,
    )
    return change, () if protected else operations


def _cause(request: PlanRequest, record: ResourceRecord) -> Cause:
    if request.mode is Mode.DESTROY:
        return Cause(code=CauseCode.REQUESTED, address=record.address, detail="the environment is destroyed")
    said = _removal(request, record)
    if said is None:
        return Cause(code=CauseCode.REMOVED, address=record.address, detail="no longer in the specs")
    detail = "a Removed document asks for it" if said.destroy else "a Removed document: it stays in the world"
    at = request.locate(said.written, ("spec", "from"))
    return Cause(code=CauseCode.REMOVED, address=record.address, detail=detail, at=at)


def _namesakes(
    request: PlanRequest, address: Address, new: Mapping[Address, tuple[Address, ...]]
) -> tuple[Address, ...]:
    """Return the desired resources of the same name where a key came or went: one became several, or several one."""
    if request.mode is Mode.DESTROY:
        return ()
    desired = request.desired.resources
    if address.key:
        return (address.base,) if address.base in desired and address.base not in request.recorded.resources else ()
    return new.get(address, ())


def _may_move(address: Address, other: Address) -> str:
    return f"kind: Moved with spec {{from: '{address}', to: '{other}'}} keeps it, as {other}"


def _astray(request: PlanRequest, address: Address, other: Address) -> Diagnostic:
    old, move = request.former.get(address, address), request.moves[address]
    became = "now stands for several resources" if other.key else "is one resource, without a key"
    return Diagnostic(
        code="moved-key",
        summary=f"{old} cannot become {address}: {address.base} {became}",
        detail="it would be destroyed, and nothing is ever destroyed by a Moved document",
        fix=f"say which it becomes: `from: '{old}'`, `to: '{other}'`",
        address=address,
        at=request.locate(move.written, ("spec", "to")),
    )


def _orphan(record: ResourceRecord) -> Diagnostic:
    return Diagnostic(
        code="kind-not-installed",
        summary=f"{record.address} cannot be removed: no installed plugin knows the kind {record.kind}",
        fix="install the plugin that brought it (ordain plugins lists those there are)",
        blame=Blame.WORLD,
        exit=ExitCode.FAILURE,
        address=record.address,
    )
