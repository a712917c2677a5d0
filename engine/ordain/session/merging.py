"""After the merge: applies the plans that were saved for a pull request, exactly, under the approvals it has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ordain.api.forge import CommitStatus, Forge, Pull, State
from ordain.render.pull import Done, Report, outcome_markdown, outcome_of, status_of
from ordain.session import git
from ordain.session.applying import ApplyOptions, Talk, apply_project
from ordain.session.ci import CiOptions, context_of, place_of, project_name
from ordain.session.context import Context
from ordain.session.forges import Line
from ordain.session.gathering import gather
from ordain.session.past import environments_of
from ordain.session.permission import Leave, as_approved, check_approved, check_judges
from ordain.session.planning import PlanOptions
from ordain.session.saved import DONE, ended
from ordain.session.session import attached, drop_files, read_plan_file
from ordain.session.stores import open_state
from ordain.session.touched import in_promotion_order, touched
from ordain.values.diagnostic import Blame, Diagnostic, ExitCode, OrdainError, worst
from ordain.values.event import Event
from ordain.values.plan import Plan

_LONGEST = 1_000
"""Commits that are gone back to find where a pull request began on its branch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeRun:
    """What came of each environment, in order; ``problems`` is what the forge said when it failed."""

    outcomes: tuple[Done, ...]
    problems: tuple[Diagnostic, ...]
    exit: ExitCode


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A plan that is to be applied, judged as at ``base``; ``refused`` says why it is not, and ``exit`` what that
    amounts to."""

    environment: str
    file: Path
    base: str | None = None
    plan: Plan | None = None
    refused: tuple[Diagnostic, ...] = ()
    exit: ExitCode = ExitCode.DONE


def run_merged(context: Context, options: CiOptions, talk: Talk, begin: Callable[[str], None]) -> MergeRun:
    """Apply the saved plans of the pull request that was merged as HEAD, in promotion order; tell it what came of them.

    Each is planned again first, judged as before the merge: one that is not what these files ask for, or was made by
    weaker judges, is refused. So is all that needs approvals where they cannot be read. After the first failure
    nothing more is applied. ``begin`` hears of each environment that is applied now. Raises ``OrdainError`` where it
    cannot be told what was merged.
    """
    line = Line.to(context, options.forge)
    if line.forge is None and not line.problems:
        raise OrdainError(_no_forge())
    head = git.commit_at(context.root, "HEAD")
    pull = line.ask(lambda forge: forge.pull(options.pull) if options.pull is not None else forge.pull_of(head))
    if pull is None and not line.problems:
        raise OrdainError(_no_pull(head))
    base = options.base or _before(context, line, head, pull)
    bodies = None
    if pull is not None:
        bodies = line.ask(lambda forge: tuple(one.body for one in forge.comments(pull.number)))
    saved = tuple(_checked(context, one, base, bodies) for one in _found(context, options, base))
    outcomes = tuple(map(_to_sign, _apply_all(context, saved, talk, begin)))
    if pull is not None and outcomes:
        _tell(context, line, pull, head, outcomes)
    codes = [one.exit for one in outcomes] + [one.exit for one in line.problems if one.is_error]
    return MergeRun(outcomes=outcomes, problems=line.problems, exit=worst(codes))


def _before(context: Context, line: Line, head: str, pull: Pull | None) -> str:
    """Return the commit that the branch stood at before the merge: HEAD's first parent.

    One that came in by rebasing has commits of its own there, the first of which may have weakened the judges of the
    last: where HEAD is no merge, the forge says which they are. Raises ``OrdainError`` where that cannot be told.
    """
    parents = git.git(context.root, "log", "-1", "--format=%P", head).decode().split()
    if len(parents) > 1:
        return parents[0]
    for _ in range(_LONGEST):
        if not parents or pull is None or line.problems:
            break
        before = parents[0]
        of = line.pull_of(before)
        if not line.problems and (of is None or of.number != pull.number):
            return before
        parents = git.git(context.root, "log", "-1", "--format=%P", before).decode().split()
    raise OrdainError(*line.problems, _no_base())


def _found(context: Context, options: CiOptions, base: str) -> tuple[Saved, ...]:
    """Return the plans there are, and the touched environments that have none, in promotion order."""
    known = environments_of(context.root)
    change = touched(context, base, [options.out])
    out = []
    for name in (*in_promotion_order(known), *change.gone):
        if options.environments and name not in options.environments:
            continue
        file = options.out / f"{name}.json"
        if file.is_file() or name in change.environments or name in options.environments:
            out.append(Saved(environment=name, file=file, base=base))
    unknown = sorted(set(options.environments) - set(known) - set(change.gone))
    return (*out, *(Saved(environment=name, file=options.out / f"{name}.json") for name in unknown))


def _checked(context: Context, saved: Saved, base: str, bodies: tuple[str, ...] | None) -> Saved:
    """Return a plan with the approvals that the pull request has now beside it, or why it is not to be applied."""
    try:
        plan = read_plan_file(saved.file)
        saved = replace(saved, plan=plan)
        if plan.program.environment != saved.environment:
            raise OrdainError(_other_environment(saved, plan))
        if _is_applied(context, plan):
            return saved
        if bodies is not None:
            gather(plan, saved.file, bodies, context.now)
        here = replace(context, choice=replace(context.choice, environment=saved.environment))
        made = check_judges(here, plan, PlanOptions(judges_from=base))
        drop_files(here, attached(made) - attached(plan))  # it is made once more when it is applied
        if plan.program.rules and bodies is None:
            raise OrdainError(_unread(saved))
        # All who wrote it are known only here: a run that somebody tampered with may have left them out.
        _, found = as_approved(here, plan, saved.file, base)
        if found is not None:
            check_approved(Leave(plan=plan, approved=found), saved.file)
    except OrdainError as error:
        before = _ended(context, saved.plan) if error.exit is ExitCode.STALE and saved.plan is not None else ""
        if before == DONE:  # by another job, meanwhile
            return saved
        refused = (_unfinished(saved, before),) if before else error.diagnostics
        return replace(saved, refused=refused, exit=error.exit)
    return saved


def _apply_all(
    context: Context, every: tuple[Saved, ...], talk: Talk, begin: Callable[[str], None]
) -> tuple[Done, ...]:
    """Apply the plans in order, none after the first that fails: what is promoted from there is not there."""
    outcomes: list[Done] = []
    failed = ""
    for saved in every:
        if saved.exit is not ExitCode.DONE:
            done = Done(environment=saved.environment, exit=saved.exit, plan=saved.plan, diagnostics=saved.refused)
        elif failed:
            words = f"not applied: {failed} failed before"
            done = Done(environment=saved.environment, exit=ExitCode.FAILURE, plan=saved.plan, word=words)
        else:
            begin(saved.environment)
            done = overtaken(apply_saved(context, saved, talk), outcomes)
        outcomes.append(done)
        if done.exit is not ExitCode.DONE:
            failed = failed or saved.environment
    return tuple(outcomes)


def apply_saved(context: Context, saved: Saved, talk: Talk) -> Done:
    """Apply one plan, unless it was applied or has nothing to do yet, and return how that ended."""
    assert saved.plan is not None
    if _is_applied(context, saved.plan):
        return Done(environment=saved.environment, exit=ExitCode.DONE, plan=saved.plan, word="applied already")
    if not saved.plan.program.steps:
        state, words = status_of(Report(environment=saved.environment, plan=saved.plan))
        if state is State.SUCCESS:  # what is blocked was so when the plan was made: it waits for another environment
            return Done(environment=saved.environment, exit=ExitCode.DONE, plan=saved.plan, word=words)
    heard = _Heard(talk)
    try:
        options = ApplyOptions(plan_file=saved.file, plan=PlanOptions(judges_from=saved.base))
        code = apply_project(context, options, heard)
    except OrdainError as error:
        return Done(
            environment=saved.environment,
            exit=error.exit,
            plan=saved.plan,
            diagnostics=(*heard.said, *error.diagnostics),
        )
    blocked = _blocked(saved.plan)
    word = f"applied, but for {blocked} blocked: plan again" if blocked and code is ExitCode.DONE else ""
    return Done(environment=saved.environment, exit=code, plan=saved.plan, diagnostics=tuple(heard.said), word=word)


def overtaken(done: Done, before: Sequence[Done]) -> Done:
    """Return how a plan ended that this job itself made stale: it was blocked until another environment was applied.

    Every plan fitted when the job began. That one has more to do now than anybody approved is no failure.
    """
    applied = any(one.exit is ExitCode.DONE and not one.word for one in before)
    if not (done.exit is ExitCode.STALE and done.plan is not None and applied and _blocked(done.plan)):
        return done
    word = "not applied: what it waited for is applied now, plan it again"
    return replace(done, exit=ExitCode.DONE, word=word, diagnostics=())


def _blocked(plan: Plan) -> int:
    return sum(bool(one.blocked) and not one.unselected for one in plan.program.changes)


def _to_sign(done: Done) -> Done:
    """Say how approvals get here: whoever reads that one is missing does not sit at the runner."""
    fix = (
        f"take {done.environment}.json out of the artifact of the pull request's run, sign it with ordain approve"
        f" {done.environment}.json --as you@example.com --block, write that as a comment, and run this job again"
    )
    told = (replace(one, fix=fix) if one.code == "approval-missing" else one for one in done.diagnostics)
    return replace(done, diagnostics=tuple(told))


def _is_applied(context: Context, plan: Plan) -> bool:
    """Whether this very plan was applied, and all of it, whatever was applied since."""
    return _ended(context, plan) == DONE


def _ended(context: Context, plan: Plan) -> str:
    with open_state(context, create=False) as state:
        return ended(state, plan)


class _Heard:
    """A person's side of an apply that also keeps what is said of problems, for the pull request."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self.stop, self.yes = talk.stop, talk.yes
        self.show_plan: Callable[[Plan], None] = talk.show_plan
        self.approve: Callable[[Plan], bool] = talk.approve
        self.hear: Callable[[Event], None] = talk.hear
        self.declined: Callable[[], None] = talk.declined
        self.finished: Callable[[Plan, ExitCode], None] = talk.finished
        self.said: list[Diagnostic] = []

    def problems(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        self.said += diagnostics
        self._talk.problems(diagnostics)


def _tell(context: Context, line: Line, pull: Pull, head: str, outcomes: tuple[Done, ...]) -> None:
    named = next((one.plan.program.project for one in outcomes if one.plan is not None), "")
    project = named or project_name(context.root)

    place = place_of(context.root)

    def comment(forge: Forge) -> str:
        return forge.add_comment(pull.number, outcome_markdown(project, outcomes, forge.largest_comment, place)).url

    url = line.ask(comment) or ""
    for done in outcomes:
        state, words = outcome_of(done)
        name = context_of(place, done.environment)
        line.status(CommitStatus(commit=head, context=name, state=state, description=words, url=url))


def _other_environment(saved: Saved, plan: Plan) -> Diagnostic:
    return Diagnostic(
        code="ci-plan",
        summary=f"{saved.file.name} is a plan for {plan.program.environment}",
        fix="take the plans as ordain ci wrote them",
        blame=Blame.WORLD,
        exit=ExitCode.STALE,
    )


def _unfinished(saved: Saved, ended: str) -> Diagnostic:
    name = saved.environment
    return Diagnostic(
        code="ci-unfinished",
        summary=f"this plan was begun in {name} and not finished ({ended.replace('_', ' ')})",
        detail="what it did is recorded, so it is not the plan any more of what is left to do",
        fix=f"plan what is left, have that approved, and apply it: ordain plan --env {name} --out {name}.json",
        blame=Blame.WORLD,
        exit=ExitCode.STALE,
    )


def _unread(saved: Saved) -> Diagnostic:
    return Diagnostic(
        code="approvals-unread",
        summary=f"nothing was applied in {saved.environment}: its approvals cannot be read",
        detail="they stand in the comments of the pull request, and those could not be read",
        fix="run this job again when the forge answers",
        blame=Blame.WORLD,
        exit=ExitCode.FAILURE,
    )


def _no_forge() -> Diagnostic:
    return Diagnostic(
        code="ci-forge",
        summary="there is no pull request to apply: this is no run of a forge's CI",
        fix="run it in CI after a merge; by hand, apply a saved plan: ordain apply PLAN",
        exit=ExitCode.SPEC,
    )


def _no_pull(head: str) -> Diagnostic:
    return Diagnostic(
        code="ci-pull",
        summary=f"no merged pull request brought {head[:12]} here: there is no plan of it to apply",
        fix="change the branch by pull requests; what was pushed past them, plan and apply by hand",
        blame=Blame.WORLD,
        exit=ExitCode.FAILURE,
    )


def _no_base() -> Diagnostic:
    return Diagnostic(
        code="ci-base",
        summary="it cannot be told which commit the branch stood at before the merge",
        detail="HEAD is no merge commit, and which commits came with it only the forge knows.",
        fix="name that commit: --base COMMIT (on GitHub, github.event.before)",
        blame=Blame.WORLD,
        exit=ExitCode.FAILURE,
    )
