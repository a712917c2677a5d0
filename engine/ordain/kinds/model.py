"""Model: trained by its provider, judged by its gates, versioned by its recipe.

A version is made once, whatever the environment: the same recipe again is reused or promoted, not trained. What a
gate refused is remembered, so that the next plan says so instead of training the same recipe again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ordain.api.fields import Spec
from ordain.api.kind import Decision, Delta, Inputs, Kind, Operation, Situation
from ordain.api.providers import Call, Provider, StepResult
from ordain.kinds.model_causes import own_causes, reads, unread
from ordain.kinds.model_groups import judged_over
from ordain.kinds.model_holds import ended, held, judged_at, roll_back
from ordain.kinds.model_judging import (
    Past,
    broken,
    find,
    find_known,
    gate_problems,
    is_measured,
    passes,
    past,
    stood_in,
    verdicts,
    was_accepted,
    was_refused,
)
from ordain.kinds.model_outline import Outline, outline
from ordain.kinds.model_signature import signature_change
from ordain.kinds.model_spec import ModelOutputs, ModelSpec, gates_of, version_name
from ordain.kinds.model_work import outputs_of, work
from ordain.values.address import Address, Reference
from ordain.values.change import Branch, Cause, CauseCode, Effect
from ordain.values.codec import canonical
from ordain.values.data import Json, Tree, Unknown
from ordain.values.diagnostic import Diagnostic
from ordain.values.fingerprint import Facet
from ordain.values.look import Evidence
from ordain.values.record import Health, Outcome, ResourceRecord, Standing, VersionRecord

_TRAIN = Operation(name="train", heavy=True)
_EVALUATE = Operation(name="evaluate", heavy=True)
_JUDGE = Operation(name="judge")
_PROMOTE = Operation(name="promote")


class Model(Kind):
    """See the module."""

    name = "Model"
    spec: ClassVar[type[Spec]] = ModelSpec
    outputs: ClassVar[type[Spec]] = ModelOutputs
    default_provider = "sklearn"
    judged = True

    def inputs(self, situation: Situation) -> Inputs:
        outlined = outline(situation)
        problems = (*_gate_problems(situation), *outlined.problems)
        if outlined.deferred:
            return Inputs(deferred=outlined.deferred, problems=problems)
        # Of a version that is not there to be promoted nobody knows what it reads: a rule must not pass for want of it.
        columns = outlined.columns if outlined.columns or not outlined.blocked else None
        facts = {"columns": columns, **_lineage(situation, outlined), **_said(situation)}
        return Inputs(build=outlined.build, judge=_over(situation, outlined), facts=facts, problems=problems)

    def decide(self, situation: Situation, delta: Delta) -> Decision:
        if situation.rollback is not None:
            return roll_back(situation, situation.rollback)
        build = delta.is_new or delta.has(Facet.BUILD) or delta.forced or situation.release or _is_lost(situation)
        if not build and not delta.has(Facet.JUDGE):
            effect = Effect.COSMETIC if delta.facets else Effect.NONE
            return Decision(effect=effect, notes=(*held(situation), *unread(situation)))
        outlined = outline(situation)
        if not build:
            outlined = judged_at(situation, outlined)
        if outlined.blocked:
            return Decision(effect=Effect.BLOCKED, blocked=outlined.blocked)
        case = _case(situation, delta, outlined)
        refused = case.refused
        if refused is not None and not case.asked_again:
            return _refused(case, refused)
        if case.version is None:
            return _train(case) if not outlined.promoted else _gone(case)
        if case.asked_again and not outlined.promoted:
            return _train(case)
        return _judge_only(case, case.version) if not build else _take(case, case.version)

    def explain(self, situation: Situation, delta: Delta) -> tuple[Cause, ...]:
        return tuple(own_causes(situation, delta, outline(situation).build))

    def decide_delete(self, record: ResourceRecord, evidence: Evidence | None) -> Decision:
        return Decision(effect=Effect.RETIRE, operations=(Operation(name="delete"),))

    def perform(self, call: Call, provider: Provider | None) -> StepResult:
        return work(call, provider)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One decision: the situation, what differs, what the model will be, and the version there is of it already.

    ``standing`` is the recipe of what stands ("" where nothing does).
    """

    situation: Situation
    delta: Delta
    outlined: Outline
    spec: Mapping[str, Any]
    version: VersionRecord | None
    standing: str

    @property
    def asked_again(self) -> bool:
        """Whether a person asked for it. A step that failed half way is done again, not its training."""
        record = self.situation.record
        return self.delta.forced and (record is None or record.health is not Health.TAINTED)

    @property
    def address(self) -> Address:
        return self.situation.resource.address

    @property
    def champion(self) -> VersionRecord | None:
        return find_known(self.situation.versions, self.standing) if self.standing else None

    @property
    def past(self) -> Past:
        return past(self.situation.versions, gates_of(self.spec))

    def has_measured(self, version: VersionRecord) -> bool:
        """Say whether every metric that is asked for was measured of a version, over the groups there are now."""
        return is_measured(self.spec, version, _over(self.situation, self.outlined))

    @property
    def signature(self) -> str:
        """How it asks and answers otherwise than what stands ("" where it does not)."""
        return signature_change(self.situation.record, self.spec, self.outlined.columns)

    @property
    def refused(self) -> VersionRecord | None:
        """The version, where it was refused under this judgement; what stands and is lost is made again."""
        known = find_known(self.situation.versions, self.outlined.recipe)
        if known is None or (self.version is None and known.recipe == self.standing):
            return None
        return known if was_refused(self.spec, known, self.delta.judgement, self.standing) else None


def _lineage(situation: Situation, outlined: Outline) -> Mapping[str, Json]:
    """Return which columns of which data source are read, where that is known: ``{"reads": {address: [column]}}``."""
    dataset = situation.upstream.get(Address.parse(str((situation.spec or {}).get("dataset"))))
    if outlined.promoted or dataset is None or "from" not in dataset.facts:
        return {}
    found = reads(outlined.columns, dataset.facts)
    return {"reads": {str(dataset.facts["from"]): sorted(found)}} if found is not None else {}


def _over(situation: Situation, outlined: Outline) -> Mapping[str, Json]:
    spec = situation.spec or {}
    dataset = situation.upstream.get(Address.parse(str(spec.get("dataset"))))
    return judged_over(spec, dataset.facts if dataset is not None and not outlined.promoted else {})


def _said(situation: Situation) -> Mapping[str, Json]:
    """Return what is said here of the data: of a promoted model too, whose rows are the other environment's."""
    dataset = situation.upstream.get(Address.parse(str((situation.spec or {}).get("dataset"))))
    facts = dataset.facts if dataset is not None else {}
    return {"licences": facts.get("licences"), "pinned": facts.get("pinned")}


def _is_lost(situation: Situation) -> bool:
    """Say whether the artifact of what stands is gone."""
    recipe = situation.record.facts.get("recipe") if situation.record is not None else None
    return isinstance(recipe, str) and find(situation.versions, recipe) is None


def _case(situation: Situation, delta: Delta, outlined: Outline) -> _Case:
    record = situation.record
    return _Case(
        situation=situation,
        delta=delta,
        outlined=outlined,
        spec=situation.spec or {},
        version=find(situation.versions, outlined.recipe),
        standing=str(record.facts.get("recipe", "")) if record is not None else "",
    )


def _train(case: _Case) -> Decision:
    name = version_name(case.outlined.recipe)
    known: Mapping[str, Tree] = {} if _is_judged(case) else {"version": name}
    lost = case.standing == case.outlined.recipe and not case.asked_again
    broken_by = case.signature if case.standing else ""
    again = Effect.RETRAIN_INCOMPATIBLE if broken_by else Effect.RETRAIN
    return Decision(
        effect=again if case.standing else Effect.TRAIN,
        operations=(_TRAIN, _JUDGE),
        outputs={**_later(case.address), **known},
        branches=_branches(case, name),
        causes=(_lost(case, name),) if lost else (),
        notes=_notes(case),
        recipe=case.outlined.recipe,
        spec_recipe=case.situation.build_fields,
    )


def _take(case: _Case, version: VersionRecord) -> Decision:
    """Move the pointer to a version there is: of this environment's own making, or promoted from another's."""
    promoted = case.outlined.promoted
    settled, refusal = _foreseen(case, version)
    if refusal:
        return _blocked_by(case, version, refusal)
    step = _PROMOTE if promoted else _JUDGE
    origin = version.made_by.partition("/")[0]
    back = not promoted and _stood_before(case, version)
    where = f"was trained in {origin}" if origin else "was trained before"
    where = f"stood before {version_name(case.standing)}" if back else where
    note = f"{version.name} {where}: nothing is trained again"
    return Decision(
        effect=Effect.PROMOTE if promoted else Effect.ROLL_BACK if back else Effect.REUSE,
        operations=(step,) if case.has_measured(version) else (_EVALUATE, step),
        outputs=outputs_of(version) if settled else {**_later(case.address), **_certain(case, version)},
        branches=() if settled else _branches(case, version.name),
        causes=(_promotion(case, version),) if promoted else (),
        notes=(note, *_notes(case, settled=settled)),
        recipe=version.recipe,
        spec_recipe=case.situation.build_fields,
    )


def _stood_before(case: _Case, version: VersionRecord) -> bool:
    """Say whether a version is one that this environment made and let stand before the one that stands."""
    recipes = [one.recipe for one in case.situation.versions]
    environment = case.situation.environment
    own = version.made_by.partition("/")[0] == environment and stood_in(version, environment)
    return own and case.standing in recipes and recipes.index(version.recipe) < recipes.index(case.standing)


def _notes(case: _Case, settled: bool = False) -> tuple[str, ...]:
    """Say what changes for those who call the model, and which gates refused versions lately."""
    changed = case.signature if case.standing else ""
    failing = () if settled else case.past.failing
    return (*ended(case.situation), *((f"signature: {changed}",) if changed else ()), *failing)


def _certain(case: _Case, version: VersionRecord) -> Mapping[str, Tree]:
    """Return the outputs that are known although it is still to be measured: without gates nothing can refuse it."""
    return {} if _is_judged(case) else {"version": version.name, "digest": version.artifact}


def _judge_only(case: _Case, version: VersionRecord) -> Decision:
    """Judge what stands under another judgement; whatever comes of it, it keeps standing (DESIGN §4, judgement)."""
    measured = case.has_measured(version)
    metrics: Mapping[str, Tree] = {} if measured else {"metrics": _later(case.address)["metrics"]}
    settled, refusal = _foreseen(case, version) if measured else (False, "")
    branch = Branch(
        condition=_condition(case),
        then=f"{version.name} stays, judged anew",
        otherwise=f"{version.name} keeps standing, its refusal is recorded, exit 7",
        passed=case.past.passed,
        judged=case.past.judged,
    )
    return Decision(
        effect=Effect.RE_EVALUATE,
        operations=(_JUDGE,) if measured else (_EVALUATE, _JUDGE),
        outputs={**outputs_of(version), **metrics},
        branches=() if settled else (branch,),
        notes=(
            *((f"{version.name} will not pass: {refusal}",) if refusal else ()),
            *held(case.situation),
            *unread(case.situation),
        ),
        recipe=version.recipe,
        spec_recipe=case.situation.build_fields,
    )


def _foreseen(case: _Case, version: VersionRecord) -> tuple[bool, str]:
    """Say whether a version is known to pass before anything runs, and if it is known to fail, on what.

    A policy at the gate is judged when the version is.
    """
    if not case.has_measured(version):
        return False, ""
    if was_accepted(version, case.delta.judgement) and not case.outlined.promoted:
        return True, ""
    judged = verdicts(case.spec, version, case.champion)
    return (not case.situation.gate_policies, "") if passes(judged) else (False, broken(judged))


def _refused(case: _Case, version: VersionRecord) -> Decision:
    failed = [verdict for verdict in version.verdicts if verdict.outcome is not Outcome.PASS]
    rules = [verdict.rule for verdict in failed]
    way = ""
    if rules and all(rule.startswith("policy.") for rule in rules) and not case.outlined.promoted:
        asked = " ".join(f"--override {rule}" for rule in rules)
        way = f", or override what is soft: ordain apply --replace {case.address} {asked} --reason '…'"
    return _blocked_by(case, version, broken(failed) or "its gates", way)


def _blocked_by(case: _Case, version: VersionRecord, refusal: str, way: str = "") -> Decision:
    if version.recipe == case.standing:
        text = f"{version.name} stands, and is refused by its gates now: {refusal}. It keeps standing. "
    elif case.outlined.promoted:
        text = f"{version.name} of {case.situation.promotes_from} is refused here: {refusal}. "
    else:
        was = "was trained and refused" if version.standing is Standing.REJECTED else "is refused by its gates now"
        text = f"{version.name} {was}: {refusal}. "
    return Decision(
        effect=Effect.REJECTED,
        blocked=f"{text}Change the model, its data or the gate{way}",
        notes=held(case.situation),
        causes=(Cause(code=CauseCode.GATE, address=case.address, path=("spec", "gates"), detail=refusal),),
    )


def _gone(case: _Case) -> Decision:
    """A version another environment stands on is no longer recorded: nothing to promote."""
    name, origin = version_name(case.outlined.recipe), case.situation.promotes_from
    return Decision(
        effect=Effect.BLOCKED,
        blocked=f"{name} of {origin} is no longer kept: make it again there (ordain apply --env {origin})",
    )


def _later(address: Address) -> Mapping[str, Tree]:
    references = {name: Reference(address=address, path=(name,)) for name in ("version", "digest", "metrics")}
    return {name: Unknown(expression=f"${{{{ {one} }}}}", refs=(one,)) for name, one in references.items()}


def _condition(case: _Case) -> str:
    gates = (*gates_of(case.spec), *sorted(case.situation.gate_policies))
    return f"gates pass: {'; '.join(gates)}" if gates else "it can be measured"


def _is_judged(case: _Case) -> bool:
    return bool(gates_of(case.spec) or case.situation.gate_policies)


def _branches(case: _Case, name: str) -> tuple[Branch, ...]:
    if not _is_judged(case):
        return ()
    champion = version_name(case.standing) if case.standing else ""
    stays = f"champion {champion} stays" if champion else "nothing comes to stand"
    return (
        Branch(
            condition=_condition(case),
            then=f"{name} becomes champion; what depends on it follows",
            otherwise=f"{stays}, dependents are skipped, exit 7",
            passed=case.past.passed,
            judged=case.past.judged,
        ),
    )


def _lost(case: _Case, name: str) -> Cause:
    what = f"the artifact of {name} is no longer there" if case.champion else f"{name} is no longer recorded"
    return Cause(code=CauseCode.LOST, address=case.address, detail=what)


def _promotion(case: _Case, version: VersionRecord) -> Cause:
    origin, source = case.situation.promotes_from, case.situation.source
    hold = source.hold if source is not None else None
    back = f"{origin} went back to {version.name}, held there by {hold.actor}: {hold.reason}" if hold else ""
    return Cause(
        code=CauseCode.PROMOTION,
        address=case.address,
        before=version_name(case.standing) if case.standing else None,
        after=version.name,
        detail=back or f"{origin} has {version.name} of this spec",
    )


def _gate_problems(situation: Situation) -> tuple[Diagnostic, ...]:
    spec, record = situation.spec, situation.record
    if spec is None or not spec.get("gates"):
        return ()
    if record is not None and all(canonical(record.spec.get(key)) == canonical(spec.get(key)) for key in _JUDGED):
        return ()  # found right when they were applied; CEL is not loaded for a plan without changes
    return gate_problems(situation.resource.address, spec)


_JUDGED = ("gates", "metrics")
