"""What is recorded and no longer desired: deleted, forgotten, or protected."""

from __future__ import annotations

from collections.abc import Mapping

from ordain.api.kind import Decision
from ordain.api.registry import Registry
from ordain.plan.request import PlanRequest
from ordain.values.address import Address
from ordain.values.change import Action, Cause, CauseCode, Change, Effect
from ordain.values.diagnostic import Blame, Diagnostic, ExitCode, OrdainError
from ordain.values.look import Evidence, Look
from ordain.values.record import ResourceRecord


def looks(registry: Registry, records: Mapping[Address, ResourceRecord]) -> tuple[Look, ...]:
    """Return the looks that planning these deletes needs."""
    found = (
        registry.kind(record.kind).look_at_delete(record)
        for record in records.values()
        if record.kind in registry.kinds and not record.protect and not record.keep_on_remove
    )
    return tuple(look for look in found if look is not None)


def removal(request: PlanRequest, record: ResourceRecord) -> tuple[Change, tuple[tuple[str, bool], ...]]:
    """Return the change that removes a recorded resource, and its operations.

    Raises ``OrdainError`` where no installed plugin knows its kind.
    """
    if record.kind not in request.registry.kinds:
        raise OrdainError(_orphan(record))
    kind = request.registry.kind(record.kind)
    evidence: Evidence | None = request.evidence.get(record.address)
    forget = record.keep_on_remove and request.mode == "normal"
    decision = Decision(effect=Effect.FORGET) if forget else kind.decide_delete(record, evidence)
    protected = record.protect and not forget
    operations = (("forget", False),) if forget else tuple((op.name, op.heavy) for op in decision.operations)
    change = Change(
        address=record.address,
        kind=record.kind,
        provider=record.provider,
        action=Action.FORGET if forget else Action.DELETE,
        effect=Effect.FORGET if forget else Effect.DELETE,
        causes=(_cause(request, record), *decision.causes),
        nested=decision.nested,
        notes=decision.notes,
        blocked="protected: set lifecycle.protect: false and apply before it may be removed" if protected else "",
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
    detail = "the environment is destroyed" if request.mode == "destroy" else "no longer in the specs"
    code = CauseCode.REQUESTED if request.mode == "destroy" else CauseCode.REMOVED
    return Cause(code=code, address=record.address, detail=detail)


def _orphan(record: ResourceRecord) -> Diagnostic:
    return Diagnostic(
        code="kind-not-installed",
        summary=f"{record.address} cannot be removed: no installed plugin knows the kind {record.kind}",
        fix="install the plugin that brought it (ordain plugins lists those there are)",
        blame=Blame.WORLD,
        exit=ExitCode.FAILURE,
        address=record.address,
    )
