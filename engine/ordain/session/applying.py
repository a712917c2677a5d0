"""Applies: settle what was cut off, plan or read the plan, ask, execute, and go round while something is deferred."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event as Flag
from typing import Protocol

from ordain.api.executor import Executor, StepRequest
from ordain.api.store import PutOverride, RunRecord, StateStore
from ordain.apply.local import LocalExecutor
from ordain.apply.recovery import settle
from ordain.apply.run import Live, RunContext, RunReport, StepStatus
from ordain.apply.scheduler import execute
from ordain.config.locate import locate, locate_key, snippet
from ordain.plan.finish import exit_of
from ordain.plan.stale import moved
from ordain.session.context import Context
from ordain.session.garbage import collect
from ordain.session.loading import Loaded, load
from ordain.session.permission import (
    Leave,
    Plea,
    broken_glass,
    check_approved,
    check_judges,
    folder_of,
    permission,
    read_approvals,
)
from ordain.session.planning import PlanOptions, make_plan
from ordain.session.requests import Requests
from ordain.session.reviewing import Reviewer
from ordain.session.saved import check_fresh, check_variables
from ordain.session.secrets import Secrets
from ordain.session.session import attached, drop_attachments, drop_files, read_plan_file
from ordain.session.stores import open_artifacts, open_state
from ordain.session.timing import judged_again
from ordain.session.variables import given_variables
from ordain.state.host import this_process
from ordain.values.address import Address
from ordain.values.change import Change
from ordain.values.diagnostic import Blame, Diagnostic, ExitCode, OrdainError, worst
from ordain.values.event import Event
from ordain.values.plan import Plan, Program, Step
from ordain.values.resource import Resource
from ordain.values.span import Span

ROUNDS = 16
"""Rounds of one apply: a chain of sixteen things that each must exist before the next can be planned is a mistake."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyOptions:
    """What to apply and how."""

    plan: PlanOptions = field(default_factory=PlanOptions)
    plan_file: Path | None = None
    plea: Plea = field(default_factory=Plea)
    fail_fast: bool = False
    parallelism: int = 10


class Talk(Protocol):
    """The person's side of an apply."""

    @property
    def stop(self) -> Flag: ...
    @property
    def yes(self) -> bool: ...
    def show_plan(self, plan: Plan) -> None: ...
    def approve(self, plan: Plan) -> bool: ...
    def hear(self, event: Event) -> None: ...
    def problems(self, diagnostics: tuple[Diagnostic, ...]) -> None: ...
    def declined(self) -> None: ...
    def finished(self, plan: Plan, code: ExitCode) -> None: ...


@dataclass(frozen=True, kw_only=True)
class _Work:
    """One round of an apply: a run of its own, holding the environment's lock."""

    context: Context
    store: StateStore
    options: ApplyOptions
    talk: Talk
    environment: str
    run: str
    token: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Round:
    """How a round ended; ``more`` where it left something deferred that can be planned now."""

    code: ExitCode
    more: bool = False


def apply_project(context: Context, options: ApplyOptions, talk: Talk) -> ExitCode:
    """Apply, and return the exit code. Raises ``OrdainError`` for what stops it before anything was done."""
    if options.plan_file is None:
        return _apply(context, options, talk, None, set())
    saved = read_plan_file(options.plan_file)
    context = _in_environment(context, saved.program.environment)
    files = attached(saved)
    if options.plan.judges_from is None:
        return _apply(context, options, talk, saved, files)
    made = check_judges(context, saved, options.plan)
    try:
        return _apply(context, options, talk, made, files)
    finally:
        drop_files(context, attached(made) - files)


def _apply(context: Context, options: ApplyOptions, talk: Talk, saved: Plan | None, files: set[str]) -> ExitCode:
    """Apply round by round, a saved plan first; ``files`` are those that came with it, of no more use after that."""
    with open_state(context, create=True) as store:
        loaded = load(context, store.digest_key()) if saved is None else None
        if saved is not None:
            check_variables(context, store.digest_key(), saved.program)
        environment = loaded.desired.environment.name if loaded else saved.program.environment if saved else ""
        for _ in range(ROUNDS):
            with _holding(context, store, environment) as (run, token):
                work = _Work(
                    context=context,
                    store=store,
                    options=options,
                    talk=talk,
                    environment=environment,
                    run=run,
                    token=token,
                )
                _settle(work)
                if saved is not None:
                    done = _saved_round(work, saved, files)
                else:
                    done = _round(work, loaded or load(context, store.digest_key()))
            saved = loaded = None
            if not done.more:
                return done.code
    raise OrdainError(_endless())


def _in_environment(context: Context, planned: str) -> Context:
    """Return the context with a saved plan's environment chosen: for the rounds after it, too."""
    chosen = context.choice.environment
    if chosen not in (None, planned):
        raise OrdainError(
            Diagnostic(
                code="plan-environment",
                summary=f"the plan is for the environment {planned}, not for {chosen}",
                fix=f"leave --env (or ORDAIN_ENV) out, or plan for {chosen}: ordain plan --env {chosen} --out FILE",
            )
        )
    return replace(context, choice=replace(context.choice, environment=planned))


@contextmanager
def _holding(context: Context, store: StateStore, environment: str) -> Iterator[tuple[str, int]]:
    """Hold the environment's lock for a run with an id of its own; yield that and the fencing token."""
    run = context.new_id()
    token = store.acquire(environment, this_process(run=run, actor=context.actor, started=context.clock())).token
    try:
        yield run, token
    finally:
        store.release(environment, token)


def _settle(work: _Work) -> None:
    """Bring what an earlier apply left begun to an end, before anything is planned on top of it."""
    recorded = work.store.recorded(work.environment)
    if not recorded.interrupted:
        return
    with closing(LocalExecutor(work.context.home)) as executor:
        run = _run_context(work, executor, Live(recorded), _nothing, _no_secrets)
        reports = settle(run, recorded.interrupted)
    work.talk.problems(tuple(diagnostic for one in reports for diagnostic in one.diagnostics))
    if any(one.status is StepStatus.INTERRUPTED for one in reports):
        raise OrdainError(_still_running())


def _nothing(step: Step, change: Change) -> StepRequest:
    raise AssertionError("settling begins no step")


def _no_secrets(change: Change) -> Mapping[str, str]:
    return {}


def _still_running() -> Diagnostic:
    return Diagnostic(
        code="step-still-running",
        summary="a step of an earlier apply is still running",
        fix="run ordain apply again: it waits for the step and goes on from there",
        blame=Blame.WORLD,
        exit=ExitCode.INTERRUPTED,
    )


def _run_context(
    work: _Work,
    executor: Executor,
    live: Live,
    request_for: Callable[[Step, Change], StepRequest],
    secrets_for: Callable[[Change], Mapping[str, str]],
) -> RunContext:
    return RunContext(
        run=work.run,
        environment=work.environment,
        store=work.store,
        token=work.token,
        executor=executor,
        live=live,
        clock=work.context.clock,
        emit=work.talk.hear,
        request_for=request_for,
        secrets_for=secrets_for,
        stop=work.talk.stop,
        fail_fast=work.options.fail_fast,
        parallelism=work.options.parallelism,
    )


def _saved_round(work: _Work, plan: Plan, files: set[str]) -> _Round:
    program = plan.program
    recorded = work.store.recorded(work.environment, program.promotes_from)
    check_fresh(work.store, plan, moved(program, recorded))
    file, plea = work.options.plan_file, replace(work.options.plea, judges_from=work.options.plan.judges_from)
    assert file is not None
    approvals = read_approvals((folder_of(file), *plea.approvals))
    leave = permission(work.context, plan, recorded, plea, approvals)
    refusal = _refusal(leave.plan.program)
    if refusal is not ExitCode.DONE:
        work.talk.show_plan(leave.plan)
        return _Round(code=refusal)
    check_approved(leave, file)
    variables = given_variables(work.context)
    secrets = Secrets(environ=work.context.environ, variables=variables, key=work.store.digest_key())
    code = _execute(work, plan, leave, secrets, {})
    drop_files(work.context, files)
    # The file approves itself and nothing beyond it: the next round needs a word of its own.
    goes_on = work.talk.yes and not program.rules and _goes_on(program, code)
    return replace(_ended(work, leave.plan, code), more=goes_on)


def _round(work: _Work, loaded: Loaded) -> _Round:
    planned = make_plan(work.context, loaded, (work.store, open_artifacts(work.context)), work.options.plan)
    plan = planned.plan
    try:
        leave = permission(work.context, plan, planned.recorded, work.options.plea, None)
        work.talk.show_plan(leave.plan)
        refusal = _refusal(leave.plan.program)
        if refusal is not ExitCode.DONE or not plan.program.steps:
            return _Round(code=refusal)
        check_approved(leave, None)
        if not work.talk.approve(leave.plan):
            work.talk.declined()
            return _Round(code=ExitCode.FAILURE)
        judged = judged_again(plan, work.context.clock(), leave.overrides)
        if not judged.program.status.applyable:  # the answer took its time
            work.talk.show_plan(judged)
            return _Round(code=_refusal(judged.program))
        code = _execute(work, plan, leave, loaded.secrets, loaded.desired.resources)
        return _ended(work, leave.plan, code)
    finally:
        drop_attachments(work.context, planned)


def _ended(work: _Work, plan: Plan, code: ExitCode) -> _Round:
    work.talk.finished(plan, code)
    return _Round(code=worst([code, _left(plan.program)]), more=_goes_on(plan.program, code))


def _goes_on(program: Program, code: ExitCode) -> bool:
    return code is ExitCode.DONE and not program.status.complete


def _endless() -> Diagnostic:
    return Diagnostic(
        code="apply-endless",
        summary=f"after {ROUNDS} rounds something is still deferred",
        detail="each round was applied, and each next plan still waited for something",
        fix="see what is deferred, and why: ordain plan",
        exit=ExitCode.FAILURE,
    )


def _refusal(program: Program) -> ExitCode:
    """Return why a shown plan is not applied at all; ``DONE`` where it is."""
    if not program.status.applyable:
        return worst([exit_of(program), ExitCode.FAILURE])
    protected = [change for change in program.changes if change.protected and not change.unselected]
    if protected:
        raise OrdainError(_protected(protected))
    return ExitCode.DONE if program.steps else _left(program)


def _protected(changes: list[Change]) -> Diagnostic:
    return Diagnostic(
        code="protected",
        summary=f"nothing was applied: {', '.join(str(change.address) for change in changes)} may not be destroyed",
        detail="lifecycle.protect was recorded, and holds also where the document, or the line, is gone",
        fix="put the document back, set lifecycle.protect: false, apply; then remove it",
        exit=ExitCode.NOT_PERMITTED,
    )


def _left(program: Program) -> ExitCode:
    """Return what it means that a plan leaves something blocked: the specs ask for what is not there."""
    blocked = any(change.blocked and not change.unselected for change in program.changes)
    return worst([exit_of(program), ExitCode.GATE if blocked else ExitCode.DONE])


def _execute(
    work: _Work, plan: Plan, leave: Leave, secrets: Secrets, resources: Mapping[Address, Resource]
) -> ExitCode:
    context, program = work.context, plan.program
    if leave.new:
        work.store.write(work.environment, tuple(PutOverride(override=one) for one in leave.new), work.token)
    recorded = work.store.recorded(work.environment, program.promotes_from)
    live = Live(recorded)
    reviewer = Reviewer(program=program, live=live, now=context.clock, overrides=leave.overrides)
    requests = Requests(context=context, plan=plan, live=live, run=work.run, secrets=secrets, reviewer=reviewer)
    work.store.begin_run(
        RunRecord(
            id=work.run,
            environment=work.environment,
            plan_digest=plan.digest,
            actor=context.actor,
            started=context.clock(),
            predicted=plan.envelope.duration,
            what=_what(work.options),
            approvals=leave.approved.accepted,
            break_glass=leave.broken,
        )
    )
    if leave.broken:
        work.talk.problems((broken_glass(context.actor, leave),))
    with closing(LocalExecutor(context.home, parallelism=work.options.parallelism)) as executor:
        run = _run_context(work, executor, live, requests.request_for, requests.secrets_for)
        run = replace(run, review=reviewer.review)
        report: RunReport = execute(run, program)
    work.store.finish_run(work.run, report.exit.name.lower(), context.clock())
    where = {change.address: change.at for change in program.changes}
    found = (_placed(one, step.address, where, resources) for step in report.steps for one in step.diagnostics)
    work.talk.problems((*report.diagnostics, *found))
    if program.mode == "destroy":
        collect(context, work.store, work.environment, work.token)
    return report.exit


def _what(options: ApplyOptions) -> str:
    """Say in words what was asked for."""
    asked = options.plan.rollback
    if asked is not None:
        return f"release {asked.address}" if asked.release else f"rollback {asked.address}: {asked.reason}"
    if options.plan_file is not None:
        return f"apply {options.plan_file.name}"
    word = "destroy" if options.plan.destroy else "refresh" if options.plan.refresh_only else "apply"
    narrowed = (f" --select {text}" for text in options.plan.select)
    again = (f" --replace {text}" for text in options.plan.replace)
    return "".join((word, *narrowed, *again))


def _placed(
    problem: Diagnostic,
    address: Address,
    where: Mapping[Address, Span | None],
    resources: Mapping[Address, Resource],
) -> Diagnostic:
    """Say where the field of a failed step was written; with a saved plan, where its document stood."""
    if problem.at is not None:
        return problem
    owner = problem.address or address
    resource = resources.get(owner)
    if resource is None:
        return replace(problem, at=where.get(owner), address=owner)
    at = (locate_key if problem.key else locate)(resource.source, problem.path or ("name",))
    return replace(problem, at=at, address=owner, snippet=snippet(resource.source, at))
