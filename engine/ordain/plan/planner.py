"""The planner: one pass over the resources in dependency order, then steps, order and reads.

It looks at nothing itself. Where a resource cannot be judged before somebody has looked at the world, it says which
looks it needs, and is called again with what they saw.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import count

from ordain.api.kind import Kind, Outlook, Situation
from ordain.expr.templates import ExpressionError
from ordain.plan import deletes, refresh, seen, steps, triggers
from ordain.plan.assess import Asked, Assessed, Normalised, assess, build_fields, normalise
from ordain.plan.moves import renamed
from ordain.plan.order import dependencies_first
from ordain.plan.request import Draft, Mode, Needs, PlanRequest
from ordain.plan.resolve import MissingOutput, complaint, expression_paths, known_outputs
from ordain.plan.select import narrow, select
from ordain.values.address import BY_ADDRESS, Address
from ordain.values.change import Change, Effect, FieldChange
from ordain.values.diagnostic import Diagnostic, OrdainError, in_order
from ordain.values.fingerprint import Fingerprint, short
from ordain.values.look import Evidence, Look, Sight
from ordain.values.plan import Drift
from ordain.values.record import ResourceRecord
from ordain.values.resource import Resource
from ordain.values.setting import Import, Level, Move, Policy, PolicyStage


@dataclass(slots=True, kw_only=True)
class _Pass:
    """What one pass over the resources has found so far; local to one call of ``plan``."""

    request: PlanRequest
    gate_policies: Mapping[str, str]
    outlooks: dict[Address, Outlook] = field(default_factory=dict)
    changes: dict[Address, Change] = field(default_factory=dict)
    operations: dict[Address, tuple[tuple[str, bool], ...]] = field(default_factory=dict)
    resources: dict[Address, Resource] = field(default_factory=dict)
    looks: list[Look] = field(default_factory=list)
    drift: list[Drift] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    waiting: set[Address] = field(default_factory=set)
    standings: dict[Address, Fingerprint | None] = field(default_factory=dict)
    suppressed: dict[Address, tuple[FieldChange, ...]] = field(default_factory=dict)
    taken: frozenset[str] = frozenset()
    imports: Mapping[Address, tuple[Import, ...]] = field(default_factory=dict)
    moves: Mapping[Address, Move] = field(default_factory=dict)
    unchanged: int = 0


def plan(request: PlanRequest) -> Draft | Needs:
    """Return the draft of a plan, or the looks it still needs. Same request, same answer."""
    state = _Pass(
        request=request,
        gate_policies=_gate_policies(request.desired.policies),
        taken=frozenset(one.place for one in request.recorded.resources.values() if one.place),
        imports=_imports(request),
        moves={one.source: one for one in request.desired.moves},
    )
    if request.mode is not Mode.DESTROY:
        desired = request.desired.resources
        for address in dependencies_first({address: one.depends_on for address, one in desired.items()}):
            _visit(state, desired[address])
    if request.mode is not Mode.REFRESH_ONLY:
        _visit_deletes(state)
    if state.looks:
        return Needs(looks=tuple(sorted(state.looks, key=lambda look: look.address)))
    changes = {address: state.changes[address] for address in sorted(state.changes, key=BY_ADDRESS)}
    chains = steps.add_steps(changes.values(), state.operations, request.recorded)
    draft = Draft(
        changes=tuple(changes.values()),
        steps=steps.order(changes, chains, request.recorded),
        reads=steps.reads(changes, request),
        drift=tuple(sorted(state.drift, key=lambda drift: (drift.address, drift.detail))),
        diagnostics=in_order(state.diagnostics),
        outlooks=state.outlooks,
        resources=state.resources,
        unchanged=state.unchanged,
        suppressed=state.suppressed,
    )
    return narrow(draft, select(request), urgent=bool(request.rollbacks)) if request.select else draft


def _visit(state: _Pass, resource: Resource) -> None:
    request, address = state.request, resource.address
    if any(other in state.waiting for other in resource.depends_on):
        state.waiting.add(address)
        return
    kind = request.registry.kind(resource.kind)
    if request.mode is Mode.REFRESH_ONLY:
        record = request.recorded.resources.get(address)
        if record is None:
            _stands(state, resource, record)
            return
        if not kind.refreshes:
            _shows(state, resource, record, kind)
            return
        resource = refresh.as_recorded(resource, record)
    model = request.registry.model(resource.kind, resource.provider)
    situation = _situate(state, resource, kind, model)
    if situation is None:
        state.waiting.add(address)
        return
    if situation.spec is not None:
        look = kind.look(situation)
        if look is not None and address not in request.evidence:
            full = request.sight is Sight.FULL and not state.taken
            look = look if full else replace(look, sight=request.sight, place=_place(state, address))
            state.looks.append(replace(look, forced=True) if _forced(state, situation) else look)
            state.waiting.add(address)
            return
        evidence = request.evidence.get(address)
        if evidence is not None and not evidence.facts and any(problem.is_error for problem in evidence.problems):
            _unseen(state, situation, evidence)
            return
        situation = _with_evidence(situation, evidence)
    asked = Asked(
        locate=request.locate,
        origin=request.origin,
        requested=address in request.replace,
        triggers=triggers.now(situation, state.standings) if resource.lifecycle.replace_when else {},
        moved=request.moves.get(address),
        former=request.former.get(address),
        imports=state.imports.get(address, ()),
        suppressed=state.suppressed.get(address, ()),
        place=_place(state, address) if state.taken else "",
    )
    _keep(state, situation, assess(kind, model, situation, asked))


def _situate(state: _Pass, resource: Resource, kind: Kind, model: type) -> Situation | None:
    """Return how the resource stands, or None where its spec turned out to be wrong."""
    request, address = state.request, resource.address
    recorded = request.recorded
    record = recorded.resources.get(address)
    expressions = expression_paths(resource) if resource.depends_on else {}
    normalised = Normalised(spec=resource.spec, errors=())
    if expressions or resource.lifecycle.ignore_changes:
        try:
            resource = known_outputs(resource, state.outlooks)
        except (MissingOutput, ExpressionError) as error:
            state.diagnostics.append(complaint(resource, error, request.locate))
            return None
        normalised = normalise(resource, record, model)
        if normalised.errors:
            state.diagnostics += [_wrong(resource, one, request) for one in normalised.errors]
            return None
        if normalised.spec is not None:
            resource = replace(resource, spec=normalised.spec)
        if normalised.suppressed:
            state.suppressed[address] = normalised.suppressed
    promotes_from = request.desired.environment.promotes_from
    provider = request.registry.entry(resource.kind, resource.provider)
    situation = Situation(
        resource=resource,
        environment=request.desired.environment.name,
        spec=normalised.spec,
        record=record,
        upstream={other: state.outlooks[other] for other in resource.depends_on if other in state.outlooks},
        versions=recorded.versions.get(address, ()),
        promotes_from=promotes_from,
        source=recorded.source.get(address) if promotes_from else None,
        build_fields=build_fields(model, normalised.spec) if provider is not None else "",
        expressions=expressions,
        gate_policies=state.gate_policies if kind.judged else {},
        importing=tuple(one.id for one in state.imports.get(address, ())),
        rollback=request.rollbacks.get(address),
        release=address in request.releases,
        renamed=renamed(record, resource.depends_on, state.moves) if record is not None and state.moves else {},
    )
    if provider is not None and normalised.spec is not None:
        recipe = request.registry.provider(resource.kind, provider.name).recipe(normalised.spec)
        situation = replace(situation, provider_recipe=recipe) if recipe else situation
    return situation


def _imports(request: PlanRequest) -> Mapping[Address, tuple[Import, ...]]:
    found: dict[Address, tuple[Import, ...]] = {}
    for one in request.desired.imports:
        found[one.target] = (*found.get(one.target, ()), one)
    return found


def _gate_policies(policies: tuple[Policy, ...]) -> Mapping[str, str]:
    return {
        str(one.address): short({"match": one.match, "require": one.require})
        for one in policies
        if one.stage is PolicyStage.GATE and one.level is not Level.ADVISORY
    }


def _with_evidence(situation: Situation, evidence: Evidence | None) -> Situation:
    return replace(situation, evidence=evidence) if evidence is not None else situation


def _unseen(state: _Pass, situation: Situation, evidence: Evidence) -> None:
    """Keep the problems of a look that saw nothing; what depends on it cannot be planned."""
    resource = situation.resource
    state.diagnostics += [_placed(resource, problem, state.request) for problem in evidence.problems]
    state.outlooks[resource.address] = Outlook(
        address=resource.address,
        kind=resource.kind,
        effect=Effect.NONE,
        outputs={},
        facts={},
        deferred="it could not be looked at",
    )
    state.resources[resource.address] = resource


def _keep(state: _Pass, situation: Situation, assessed: Assessed) -> None:
    address = situation.resource.address
    state.outlooks[address] = assessed.outlook
    state.standings[address] = assessed.fingerprint
    state.resources[address] = situation.resource
    state.drift += assessed.inputs.drift
    problems = (*assessed.diagnostics, *(situation.evidence.problems if situation.evidence else ()))
    for problem in problems:
        state.diagnostics.append(_placed(situation.resource, problem, state.request))
    if assessed.change is None:
        state.unchanged += 1
        return
    state.changes[address] = assessed.change
    if assessed.operations:
        state.operations[address] = assessed.operations


def _forced(state: _Pass, situation: Situation) -> bool:
    """Say whether what is recorded is to be made again whatever its provider sees."""
    record, resource = situation.record, situation.resource
    if record is None or state.request.mode is not Mode.NORMAL:
        return False
    if resource.address in state.request.replace:
        return True
    watched = bool(resource.lifecycle.replace_when)
    return watched and bool(triggers.differing(record, triggers.now(situation, state.standings)))


def _place(state: _Pass, address: Address) -> str:
    """Return the private folder of what is new under an address whose own folder went with what was moved away."""
    if address in state.request.recorded.resources or address.slug not in state.taken:
        return ""
    return next(name for number in count(2) if (name := f"{address.slug}~{number}") not in state.taken)


def _stands(state: _Pass, resource: Resource, record: ResourceRecord | None) -> None:
    """Keep what is not looked at as it was recorded."""
    state.outlooks[resource.address] = refresh.outlook(resource, record)
    state.resources[resource.address] = resource
    state.unchanged += record is not None


def _shows(state: _Pass, resource: Resource, record: ResourceRecord, kind: Kind) -> None:
    """Keep as it was recorded what is only to be shown, and what of the world is otherwise."""
    request, address = state.request, resource.address
    model = request.registry.model(record.kind, record.provider)
    situation = _situate(state, refresh.as_recorded(resource, record), kind, model)
    look = kind.look(situation) if situation is not None and situation.spec is not None else None
    if look is not None and address not in request.evidence:
        state.looks.append(replace(look, sight=request.sight))
        state.waiting.add(address)
        return
    _stands(state, resource, record)
    if situation is not None and look is not None:
        evidence = request.evidence[address]
        state.drift += seen.drift(kind, replace(situation, evidence=evidence), record)
        state.diagnostics += [_placed(resource, one, request) for one in seen.told(evidence.problems)]


def _placed(resource: Resource, problem: Diagnostic, request: PlanRequest) -> Diagnostic:
    if problem.at is not None:
        return problem
    if problem.path[:1] == ("importing",):  # what an Import names: ("importing", id)
        said = (one for one in request.desired.imports if one.target == resource.address and one.id == problem.path[1])
        written = next((one.written for one in said), resource.source)
        return replace(problem, at=request.locate(written, ("spec", "id")), address=resource.address)
    at = request.locate(resource.source, problem.path or ("name",))
    return replace(problem, at=at, address=problem.address or resource.address)


def _wrong(resource: Resource, error: object, request: PlanRequest) -> Diagnostic:
    path = ("spec", *getattr(error, "path", ()))
    return Diagnostic(
        code="spec-value",
        summary=f"{resource.address}: {getattr(error, 'message', error)}",
        detail="an expression in this field gave a value that does not fit",
        fix="correct the expression, or the value it reads",
        address=resource.address,
        at=request.locate(resource.source, path),
    )


def _visit_deletes(state: _Pass) -> None:
    request = state.request
    desired: Mapping[Address, Resource] = {} if request.mode is Mode.DESTROY else request.desired.resources
    gone = {address: record for address, record in request.recorded.resources.items() if address not in desired}
    missing = [look for look in deletes.looks(request, gone) if look.address not in request.evidence]
    if missing:
        state.looks += missing
        return
    new = deletes.newcomers(request) if gone else {}
    for address in sorted(gone, key=BY_ADDRESS):
        try:
            change, operations = deletes.removal(request, gone[address], new)
        except OrdainError as error:
            state.diagnostics += error.diagnostics
            continue
        state.changes[address] = change
        if operations:
            state.operations[address] = operations
