"""Makes a plan: load, look until nothing more is asked, judge, seal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial

from ordain import __version__
from ordain.api.store import ArtifactStore, StateReader
from ordain.config.locate import locate, snippet
from ordain.config.origins import origin
from ordain.observe.artifacts import without_lost
from ordain.observe.evidence import take
from ordain.plan.estimates import Forecast, forecast
from ordain.plan.finish import Judgement, finish, seal
from ordain.plan.moves import move
from ordain.plan.planner import plan as draft_plan
from ordain.plan.request import Draft, Mode, PlanRequest
from ordain.policy.judge import Subjects, judge
from ordain.policy.recorded import recorded_rule
from ordain.policy.settings import settings_changes
from ordain.policy.single import waiting
from ordain.session.commit import commit_of
from ordain.session.context import Context
from ordain.session.loading import Loaded
from ordain.session.looking import Asker, load_memories, save_memories
from ordain.session.rollback import Rollback, hold, target
from ordain.session.secrets import Secrets
from ordain.session.timing import timed
from ordain.values.address import Address
from ordain.values.approval import Alarm, usable
from ordain.values.change import Change
from ordain.values.data import Secret, leaves
from ordain.values.diagnostic import Diagnostic, ExitCode, OrdainError, Severity
from ordain.values.look import Evidence, Look, Sight
from ordain.values.plan import Envelope, Plan, Program
from ordain.values.record import Hold, Recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOptions:
    """What kind of plan: destroy everything, make some resources again, only what selectors name; take in what the
    world shows and nothing else, or do not look at what is recorded.

    ``judges_from`` names the commit whose policies, roles and signers judge instead of those at hand. ``as_of`` are the
    lineage and the serial that the state had for another plan, which this one is to be compared with.
    """

    destroy: bool = False
    replace: tuple[str, ...] = ()
    select: tuple[str, ...] = ()
    refresh_only: bool = False
    refresh: bool = True
    rollback: Rollback | None = None
    judges_from: str | None = None
    as_of: tuple[str, int] | None = None

    @property
    def mode(self) -> Mode:
        if self.destroy:
            return Mode.DESTROY
        return Mode.REFRESH_ONLY if self.refresh_only else Mode.NORMAL

    @property
    def sight(self) -> Sight:
        if self.refresh_only:
            return Sight.REFRESH_ONLY
        return Sight.FULL if self.refresh else Sight.NO_REFRESH


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan and what it was made of."""

    plan: Plan
    draft: Draft
    recorded: Recorded
    loaded: Loaded
    looks: Mapping[Address, Look] = field(default_factory=dict)
    evidence: Mapping[Address, Evidence] = field(default_factory=dict)


def make_plan(
    context: Context, loaded: Loaded, stores: tuple[StateReader, ArtifactStore], options: PlanOptions
) -> Planned:
    """Return the plan for what is desired, against what is recorded and what the world shows.

    Writes nothing but what providers remember of their looks. Raises ``OrdainError`` where looking is impossible.
    """
    state, artifacts = stores
    loaded = _judged(context, loaded, options.judges_from)
    environment = loaded.desired.environment
    recorded = without_lost(state.recorded(environment.name, environment.promotes_from), artifacts.digests)
    if options.as_of is not None:
        lineage, serial = options.as_of
        recorded = replace(recorded, head=replace(recorded.head, lineage=lineage, serial=serial))
    moved = move(recorded, loaded.desired.moves, locate)
    recorded = moved.recorded
    asker = _asker(context, loaded, recorded, artifacts)
    looks: dict[Address, Look] = {}
    rollbacks, releases = _rollback(context, options, recorded)
    request = PlanRequest(
        desired=loaded.desired,
        recorded=recorded,
        registry=context.registry,
        locate=locate,
        origin=partial(origin, loaded.desired),
        mode=options.mode,
        sight=options.sight,
        replace=_addresses(options.replace, loaded),
        select=options.select,
        rollbacks=rollbacks,
        releases=releases,
        former=moved.former,
        former_source=moved.source,
        moves=moved.by,
    )
    request, draft = _draft(request, asker, looks)
    if request.evidence:
        save_memories(context, environment.name, looks, request.evidence, recorded.resources)
    draft = _with_snippets(draft, moved.problems, loaded)
    foreseen = forecast(draft.steps, draft.changes, recorded)
    now = context.now
    program = finish(request, draft, _judgement(now, request, draft, loaded, foreseen))
    commit, dirty = commit_of(context.root)
    envelope = Envelope(
        id=context.new_id(),
        created_at=now.isoformat(timespec="seconds"),
        engine_version=__version__,
        commit=commit,
        dirty=dirty,
        estimates={str(address): one for address, one in foreseen.changes.items()} if program.steps else {},
        duration=foreseen.plan if program.steps and foreseen.plan and foreseen.plan.runs else None,
        authors=_authors(context, program, options.judges_from),
        attachments=_attachments(program, request.evidence),
    )
    plan = seal(program, envelope)
    context.plugins.hook.plan_created(plan=plan)
    return Planned(plan=plan, draft=draft, recorded=recorded, loaded=loaded, looks=looks, evidence=request.evidence)


def _asker(context: Context, loaded: Loaded, recorded: Recorded, artifacts: ArtifactStore) -> Asker:
    environment = loaded.desired.environment.name
    return Asker(
        context=context,
        environment=environment,
        targets={key: entry.target for key, entry in context.registry.providers.items()},
        secrets=loaded.secrets,
        store=artifacts,
        memories=load_memories(context, environment),
        records=recorded.resources,
    )


def _judged(context: Context, loaded: Loaded, ref: str | None) -> Loaded:
    if ref is None:
        return loaded
    from ordain.session.judges import judges_at, with_judges

    return with_judges(loaded, judges_at(context, ref, loaded.desired.environment.name))


def _authors(context: Context, program: Program, ref: str | None) -> tuple[str, ...]:
    if not any(one.not_author for one in program.rules):
        return ()
    from ordain.session.judges import authors

    return authors(context, ref)


def _rollback(
    context: Context, options: PlanOptions, recorded: Recorded
) -> tuple[Mapping[Address, Hold], frozenset[Address]]:
    asked = options.rollback
    if asked is None:
        return {}, frozenset()
    address, record = target(asked, recorded, context.registry)
    if asked.release:
        return {}, frozenset((address,))
    return {address: hold(asked, recorded, record, context.actor)}, frozenset()


def _draft(request: PlanRequest, asker: Asker, looks: dict[Address, Look]) -> tuple[PlanRequest, Draft]:
    while True:
        answer = draft_plan(request)
        if isinstance(answer, Draft):
            return request, answer
        looks |= {look.address: look for look in answer.looks}
        request = _with(request, take(answer.looks, asker.ask, plugin_of=partial(_plugin, request)))


def _with_snippets(draft: Draft, problems: tuple[Diagnostic, ...], loaded: Loaded) -> Draft:
    """Return the draft with further problems, each with the line it lies on."""
    return replace(draft, diagnostics=tuple(_with_snippet(one, loaded) for one in (*problems, *draft.diagnostics)))


def _with_snippet(problem: Diagnostic, loaded: Loaded) -> Diagnostic:
    resource = loaded.desired.resources.get(problem.address) if problem.address is not None else None
    if resource is None or problem.at is None or problem.snippet is not None or problem.at.file != resource.source.file:
        return problem
    return replace(problem, snippet=snippet(resource.source, problem.at))


def _attachments(program: Program, evidence: Mapping[Address, Evidence]) -> Mapping[str, Mapping[str, str]]:
    acting = {step.address for step in program.steps}
    return {
        str(address): evidence[address].attachments
        for address in sorted(acting & evidence.keys())
        if evidence[address].attachments
    }


def _with(request: PlanRequest, seen: Mapping[Address, Evidence]) -> PlanRequest:
    return replace(request, evidence={**request.evidence, **seen})


def _plugin(request: PlanRequest, look: Look) -> str:
    return request.registry.origin.get(f"{look.kind}/{look.provider}", look.provider)


def _judgement(now: datetime, request: PlanRequest, draft: Draft, loaded: Loaded, foreseen: Forecast) -> Judgement:
    desired, recorded = request.desired, request.recorded
    destroying = request.mode is Mode.DESTROY
    before = recorded_rule(recorded.settings, desired.environment.name)
    subjects = Subjects(
        environment=desired.environment.name,
        resources=draft.resources,
        # Of what could not be looked at, nothing is known.
        facts={address: one.facts for address, one in draft.outlooks.items() if one.facts or not one.deferred},
        changes=draft.changes,
        now=now,
        estimates=foreseen.changes,
        duration=foreseen.plan,
        promotes_from=desired.environment.promotes_from,
        overrides=usable(recorded.overrides, signed=bool(desired.approvals or before)),
    )
    rules, seen = timed(desired.policies, subjects)
    findings = judge(desired.policies, subjects, locate)
    return Judgement(
        findings=findings,
        late=waiting(desired.policies, findings),
        timed=rules,
        timed_subjects=seen,
        settings=() if destroying else settings_changes(recorded.settings, desired.settings, locate),
        diagnostics=(*loaded.warnings, *_alarm(recorded.alarm), *_missing_secrets(draft, loaded)),
        approvals=desired.approvals,
        approvals_before=before,
    )


def _alarm(alarm: Alarm | None) -> tuple[Diagnostic, ...]:
    """Return the warning that stands in every plan after somebody applied without approvals, until an approved one."""
    if alarm is None:
        return ()
    when = datetime.fromtimestamp(alarm.at, UTC).isoformat(timespec="minutes")
    return (
        Diagnostic(
            code="break-glass",
            severity=Severity.WARNING,
            summary=f"{alarm.actor} broke the glass: an apply went without the approvals it needed",
            detail=f"{when}: {alarm.reason}",
            fix="look at what it did (ordain history), and have the next plan approved",
        ),
    )


def _missing_secrets(draft: Draft, loaded: Loaded) -> list[Diagnostic]:
    """Return a warning for each secret that a step will need and that is not at hand here."""
    acting = {step.address for step in draft.steps}
    needed: dict[str, Change] = {}
    for change in draft.changes:
        if change.address in acting:
            for _, leaf in leaves(change.after):
                for name in leaf.names if isinstance(leaf, Secret) else ():
                    needed.setdefault(name, change)
    return [
        Diagnostic(
            code="secret-missing",
            severity=Severity.WARNING,
            summary=f"the secret {name} is not set",
            detail="a change of it cannot be seen here, and apply will need it",
            fix=f"export {Secrets.source(name)}=…",
            address=change.address,
            at=change.at,
        )
        for name, change in sorted(needed.items())
        if name.startswith(("secret.", "var.")) and loaded.secrets.find(name) is None
    ]


def _addresses(texts: tuple[str, ...], loaded: Loaded) -> frozenset[Address]:
    found = []
    for text in texts:
        try:
            address = Address.parse(text)
        except ValueError as error:
            raise OrdainError(_no_such(text, str(error))) from error
        if address not in loaded.desired.resources:
            raise OrdainError(_no_such(text, "no document of this project has this address"))
        found.append(address)
    return frozenset(found)


def _no_such(text: str, detail: str) -> Diagnostic:
    return Diagnostic(
        code="address-unknown",
        summary=f"there is no {text}",
        detail=detail,
        fix="see the addresses there are: ordain plan --show-no-ops",
        exit=ExitCode.SPEC,
    )


__all__ = ["PlanOptions", "Planned", "make_plan"]
