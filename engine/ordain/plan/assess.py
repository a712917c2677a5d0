"""One resource: from its situation to a change and an outlook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ordain.api.fields import FieldError, check, facets, split
from ordain.api.fingerprints import fingerprint_of, ignoring, record_part
from ordain.api.kind import Decision, Delta, Inputs, Kind, Outlook, Situation
from ordain.api.triggers import INPUT
from ordain.plan import special, triggers
from ordain.plan.causes import causes_of
from ordain.plan.diff import fields
from ordain.plan.refresh import as_recorded
from ordain.values.address import Address
from ordain.values.change import WRITTEN_DOWN, Action, Cause, CauseCode, Change, Effect, FieldChange
from ordain.values.codec import canonical
from ordain.values.data import Json, Leaf, Secret, Tree, has_unknown, leaves, replace_leaves
from ordain.values.diagnostic import Diagnostic
from ordain.values.fingerprint import Facet, Fingerprint, short
from ordain.values.record import Health, ResourceRecord
from ordain.values.resource import Locate, Origin, Resource
from ordain.values.setting import Import, Move

_FACETS = tuple(Facet)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessed:
    """What became of one resource. ``change`` is None where nothing is to be done and nothing to be said;
    ``fingerprint`` is what the resource will have, None where that is known later."""

    outlook: Outlook
    change: Change | None
    inputs: Inputs
    fingerprint: Fingerprint | None = None
    diagnostics: tuple[Diagnostic, ...] = ()
    operations: tuple[tuple[str, bool], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What of a plan concerns one resource, beside what it is: ``requested`` by the user's flag; ``triggers``, the
    stamps of ``replace_when`` as of now; ``former``, its name in the state, and the document that ``moved`` it; what is
    to be imported; the fields that are not compared."""

    locate: Locate
    origin: Origin
    requested: bool = False
    triggers: Mapping[str, str] = field(default_factory=dict)
    former: Address | None = None
    moved: Move | None = None
    imports: tuple[Import, ...] = ()
    suppressed: tuple[FieldChange, ...] = ()
    place: str = ""


def normalise(resource: Resource, record: ResourceRecord | None, model: type) -> Normalised:
    """Validate a spec whose leaves were just replaced, and keep what ``ignore_changes`` says from the record."""
    written, errors = check(model, resource.spec)
    if written is None:
        return Normalised(spec=None, errors=errors)
    spec = ignoring(written, resource, record)
    suppressed = fields(spec, written) if spec is not written else ()
    reason = "lifecycle.ignore_changes"
    return Normalised(
        spec=spec,
        errors=errors,
        suppressed=tuple(replace(one, path=("spec", *one.path), suppressed=reason) for one in suppressed),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalised:
    """A normalised spec (None while a leaf is unknown), what is wrong with it, and what of it is not compared."""

    spec: Mapping[str, Tree] | None
    errors: tuple[FieldError, ...]
    suppressed: tuple[FieldChange, ...] = ()


def build_fields(model: type, spec: Mapping[str, Tree] | None) -> str:
    """Return the digest of the spec's build fields alone ("" while the spec is not known)."""
    return short(split(model, spec)[Facet.BUILD]) if spec is not None else ""


def assess(kind: Kind, model: type, situation: Situation, asked: Asked) -> Assessed:
    """Find what differs, let the kind decide, and write down the change with its causes."""
    if situation.rollback is not None and situation.record is not None:
        return _rolled_back(kind, situation, situation.record, asked)
    waits_for = next((address for address, outlook in situation.upstream.items() if outlook.deferred), None)
    inputs = kind.inputs(situation) if waits_for is None else Inputs(deferred=f"waits for {waits_for}")
    if inputs.deferred:
        return _deferred(situation, inputs, asked)
    judge = {**inputs.judge, "policies": situation.gate_policies} if situation.gate_policies else inputs.judge
    flat: Mapping[str, Json] = {"build": inputs.build, "judge": judge, "serve": inputs.serve}
    fingerprint = _fingerprint(model, situation, flat)
    if situation.record is not None and fingerprint != situation.record.fingerprint and situation.spec is not None:
        situation = replace(situation, spec=_as_recorded(situation.spec, situation.record.spec))
        fingerprint = _fingerprint(model, situation, flat)
    delta = _delta(model, situation, inputs, flat, fingerprint, asked)
    decision = special.adjusted(kind.decide(situation, delta), situation, asked)
    quiet = not (inputs.problems or decision.notes or decision.blocked)
    if decision.effect is Effect.NONE and quiet:
        outlook = _outlook(situation, decision, inputs, ())
        return Assessed(outlook=outlook, change=None, inputs=inputs, fingerprint=fingerprint)
    watched = {**flat, INPUT: asked.triggers} if asked.triggers else flat
    return _changed(kind, situation, delta, decision, inputs, (watched, fingerprint, asked))


def _rolled_back(kind: Kind, situation: Situation, record: ResourceRecord, asked: Asked) -> Assessed:
    """Go back to an earlier version whatever is pending, or broken above: all but the version stays as recorded."""
    situation = replace(situation, resource=as_recorded(situation.resource, record), spec=record.spec)
    delta = Delta(is_new=False, facets=frozenset())
    decision = kind.decide(situation, delta)
    return _changed(kind, situation, delta, decision, Inputs(), (record.inputs, record.fingerprint, asked))


def _as_recorded(spec: Mapping[str, Tree], recorded: Mapping[str, Tree]) -> Mapping[str, Tree]:
    """Return the spec with secrets that are not at hand taken for what was recorded: no change of them can be seen."""
    known = {
        (leaf.expression, leaf.names): leaf for _, leaf in leaves(recorded) if isinstance(leaf, Secret) and leaf.digest
    }

    def remembered(leaf: Leaf) -> Tree:
        if not isinstance(leaf, Secret) or leaf.digest is not None:
            return leaf
        return known.get((leaf.expression, leaf.names), leaf)

    out = replace_leaves(spec, remembered) if known else spec
    return out if isinstance(out, Mapping) else spec


def _fingerprint(model: type, situation: Situation, flat: Mapping[str, Json]) -> Fingerprint | None:
    if situation.spec is None:
        return None
    return fingerprint_of(model, situation.spec, flat, record_part(situation.resource))


def _delta(
    model: type,
    situation: Situation,
    inputs: Inputs,
    flat: Mapping[str, Json],
    fingerprint: Fingerprint | None,
    asked: Asked,
) -> Delta:
    record = situation.record
    judgement = fingerprint.judge if fingerprint else ""
    set_off = triggers.differing(record, asked.triggers)
    forced = asked.requested or bool(set_off) or (record is not None and record.health is Health.TAINTED)
    if record is None:
        return Delta(
            is_new=True,
            facets=frozenset(_FACETS),
            drift=inputs.drift,
            forced=forced,
            requested=asked.requested,
            unknown=fingerprint is None,
            judgement=judgement,
        )
    moved = record.provider != situation.resource.provider
    if fingerprint is not None and fingerprint == record.fingerprint and not (forced or inputs.drift or moved):
        return Delta(is_new=False, facets=frozenset(), judgement=judgement)
    if fingerprint is None:
        kinds = facets(model)
        changed = _fields(record, situation.resource, situation.resource.spec)
        touched = frozenset(kinds.get(str(field.path[0]), Facet.BUILD) for field in changed if field.path)
    else:
        changed = _fields(record, situation.resource, situation.spec) if situation.spec is not None else ()
        touched = frozenset(
            facet for facet in _FACETS if getattr(fingerprint, facet.value) != getattr(record.fingerprint, facet.value)
        )
    return Delta(
        is_new=False,
        facets=touched | {Facet.BUILD} if moved else touched,
        fields=changed,
        inputs=tuple(_differing(record.inputs, flat)),
        drift=inputs.drift,
        forced=forced,
        requested=asked.requested,
        triggers=set_off,
        unknown=fingerprint is None,
        judgement=judgement,
    )


def _fields(record: ResourceRecord, resource: Resource, spec: Mapping[str, Tree]) -> tuple[FieldChange, ...]:
    found = fields(record.spec, spec)
    if record.provider == resource.provider:
        return tuple(found)
    # Options that the new provider does not have went with the old one.
    provider = FieldChange(path=("provider",), before=record.provider, after=resource.provider)
    return (provider, *(field for field in found if field.path[:1] and field.path[0] in spec))


def _differing(before: Mapping[str, Json], after: Mapping[str, Json]) -> list[str]:
    out = []
    for facet in ("build", "judge", "serve"):
        old, new = before.get(facet), after.get(facet)
        old, new = (old if isinstance(old, Mapping) else {}), (new if isinstance(new, Mapping) else {})
        out += [f"{facet}.{key}" for key in sorted({*old, *new}) if canonical(old.get(key)) != canonical(new.get(key))]
    return out


def _outlook(situation: Situation, decision: Decision, inputs: Inputs, causes: tuple[Cause, ...]) -> Outlook:
    record = situation.record
    quiet = decision.effect in WRITTEN_DOWN or decision.effect in (Effect.REJECTED, Effect.BLOCKED)
    recorded = record.outputs if record is not None and quiet else {}
    recorded_recipe = str(record.facts.get("recipe", "")) if record is not None and quiet else ""
    return Outlook(
        address=situation.resource.address,
        kind=situation.resource.kind,
        effect=decision.effect,
        outputs={**recorded, **decision.outputs},
        facts={**(record.facts if record is not None and quiet else {}), **inputs.facts, **decision.facts},
        causes=causes,
        recipe=decision.recipe or recorded_recipe,
        blocked=decision.blocked,
    )


def _deferred(situation: Situation, inputs: Inputs, asked: Asked) -> Assessed:
    resource, record = situation.resource, situation.record
    outlook = Outlook(
        address=resource.address,
        kind=resource.kind,
        effect=Effect.CREATE if record is None else Effect.UPDATE,
        outputs={},
        facts=inputs.facts,
        deferred=inputs.deferred,
    )
    change = Change(
        address=resource.address,
        kind=resource.kind,
        provider=resource.provider,
        action=Action.CREATE if record is None else Action.UPDATE,
        effect=outlook.effect,
        deferred=inputs.deferred,
        previous_address=asked.former,
        depends_on=resource.depends_on,
        description=resource.description,
        owner=resource.owner,
        labels=resource.labels,
        at=asked.locate(resource.source, ("name",)),
    )
    return Assessed(outlook=outlook, change=change, inputs=inputs, diagnostics=inputs.problems)


def _action(situation: Situation, decision: Decision) -> Action:
    if decision.effect is Effect.NONE or decision.blocked:
        return Action.NO_OP
    if situation.record is None:
        return Action.CREATE
    return Action.REPLACE if decision.replaces else Action.UPDATE


def _changed(
    kind: Kind,
    situation: Situation,
    delta: Delta,
    decision: Decision,
    inputs: Inputs,
    more: tuple[Mapping[str, Json], Fingerprint | None, Asked],
) -> Assessed:
    flat, fingerprint, asked = more
    resource = situation.resource
    causes = special.rooted(
        decision,
        *special.causes(situation, asked),
        *causes_of(kind, situation, delta, decision, (asked.locate, asked.origin)),
    )
    decision = special.named(decision, causes)
    change = Change(
        address=resource.address,
        kind=resource.kind,
        provider=resource.provider,
        action=_action(situation, decision),
        effect=decision.effect,
        causes=causes,
        fields=(
            *(_shown(field) for field in delta.fields),
            *_recorded_only(resource.address, causes),
            *asked.suppressed,
        ),
        branches=decision.branches,
        nested=decision.nested,
        notes=decision.notes,
        blocked=decision.blocked,
        protected=decision.protected,
        importing=situation.importing if situation.record is None else (),
        previous_address=asked.former,
        depends_on=resource.depends_on,
        after=situation.spec if situation.spec is not None else resource.spec,
        outputs=decision.outputs,
        inputs=flat,
        facts={**inputs.facts, **decision.facts},
        fingerprint=fingerprint,
        recipe=decision.recipe,
        spec_recipe=decision.spec_recipe,
        hold=decision.hold or special.standing_hold(decision, situation),
        place=asked.place,
        description=resource.description,
        owner=resource.owner,
        labels=resource.labels,
        lifecycle=resource.lifecycle,
        run=resource.run,
        at=asked.locate(resource.source, ("name",)),
    )
    return Assessed(
        outlook=_outlook(situation, decision, inputs, causes),
        fingerprint=fingerprint,
        change=change if change.action is not Action.NO_OP or change.blocked or change.notes else None,
        inputs=inputs,
        diagnostics=inputs.problems,
        operations=tuple((operation.name, operation.heavy) for operation in decision.operations),
    )


def _shown(field: FieldChange) -> FieldChange:
    return replace(field, path=("spec", *field.path), unknown=field.unknown or has_unknown(field.after))


def _recorded_only(address: Address, causes: tuple[Cause, ...]) -> tuple[FieldChange, ...]:
    return tuple(
        FieldChange(path=cause.path, before=cause.before, after=cause.after)
        for cause in causes
        if cause.code is CauseCode.SPEC and cause.address == address and cause.path and cause.path[0] != "spec"
    )
