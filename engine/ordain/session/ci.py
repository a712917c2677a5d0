"""Pull requests: plans the environments that one touches, and tells it what they come to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ordain.api.forge import Annotation, Comment, CommitStatus, Forge, Pull, State
from ordain.config.files import PROJECT_FILE
from ordain.plan.finish import exit_of
from ordain.render.json import plan_json
from ordain.render.pull import Page, Report, annotations_of, marker, pull_markdown, status_of
from ordain.session import git
from ordain.session.context import Context
from ordain.session.files import write_file
from ordain.session.forges import Line
from ordain.session.gathering import gather
from ordain.session.past import environments_of
from ordain.session.permission import as_approved
from ordain.session.planning import PlanOptions
from ordain.session.session import drop_attachments, plan_project_whole
from ordain.session.stores import open_state
from ordain.session.touched import Touched, in_promotion_order, touched
from ordain.session.validating import repository_prefix
from ordain.values.diagnostic import Diagnostic, ExitCode, OrdainError, worst
from ordain.values.plan import Plan

WHOLE = 900_000
"""Bytes of Markdown where nobody sets a limit; a job's summary on GitHub may have 1 MiB."""
_IGNORE = b"# made by ordain ci: saved plans and their approvals\n*\n"
TARGET = "GITHUB_BASE_REF"
"""The variable that names the branch a pull request is to be merged into."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CiOptions:
    """What to plan and whom to tell; what is None is found out: the branch to compare with and to be judged by, the
    pull request, the forge. ``out`` is the folder of plans, ``shown`` that folder as people type it."""

    out: Path
    shown: str
    base: str | None = None
    environments: tuple[str, ...] = ()
    pull: int | None = None
    forge: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CiRun:
    """What came of it. ``markdown`` is the whole page; ``printed`` is what shows ``annotations`` in the forge's CI.

    ``comment`` is the one that was written (None: none), ``problems`` what the forge said when it failed, ``notes``
    what a person should know.
    """

    reports: tuple[Report, ...]
    markdown: str
    annotations: tuple[Annotation, ...]
    printed: str
    comment: Comment | None
    problems: tuple[Diagnostic, ...]
    notes: tuple[str, ...]
    exit: ExitCode


def run_ci(context: Context, options: CiOptions) -> CiRun:
    """Plan what a change touches, judged by the branch it is for; save the plans; tell its pull request, if any.

    Raises ``OrdainError`` where it cannot even be told what is touched. What one environment lacks is in its report.
    """
    line = Line.to(context, options.forge)
    number = options.pull if options.pull is not None else line.ask(lambda forge: forge.pull_here())
    pull = line.ask(lambda forge: forge.pull(number)) if number is not None else None
    base = _base(context, options, pull, line.problems)
    found = _touched(context, options, base)
    bodies = _bodies(line, pull)
    _clean(options.out, found)
    planned = tuple(_planned(context, options, base, name, bodies) for name in found.environments)
    reports = tuple(report for report, _ in planned)
    page = Page(
        project=_project(context, reports),
        base=base,
        reports=reports,
        place=place_of(context.root),
        head=pull.head if pull is not None else "",
        untouched=found.untouched,
        gone=found.gone,
        left=_left(context, found.gone),
    )
    notes = _notes(context, line, number, pull)
    comment = None
    if pull is not None and pull.merged is None and _is_here(context, pull):
        comment = _tell(line, pull, page, bodies)
    annotations = annotations_of(reports, repository_prefix(context.root))
    codes = [code for _, code in planned] + [one.exit for one in line.problems if one.is_error]
    return CiRun(
        reports=reports,
        markdown=pull_markdown(page, WHOLE),
        annotations=annotations,
        printed=line.forge.annotations(annotations) if line.forge is not None else "",
        comment=comment,
        problems=line.problems,
        notes=notes,
        exit=worst(codes),
    )


def _base(context: Context, options: CiOptions, pull: Pull | None, problems: tuple[Diagnostic, ...]) -> str:
    target = pull.target if pull is not None else context.environ.get(TARGET, "")
    base = options.base or (f"origin/{target}" if target else "")
    if base:
        return base
    if problems:  # the root of it
        raise OrdainError(*problems)
    raise OrdainError(
        Diagnostic(
            code="ci-base",
            summary="which branch is this change for?",
            detail=f"This is no run of a pull request, and {TARGET} is not set.",
            fix="name the branch: --base origin/main",
            exit=ExitCode.SPEC,
        ),
    )


def _touched(context: Context, options: CiOptions, base: str) -> Touched:
    """Return what is touched, or what was asked for by name."""
    found = touched(context, base, [options.out])
    if not options.environments:
        return found
    known = environments_of(context.root)
    order = [one for one in in_promotion_order(known) if one in options.environments]
    missing = tuple(one for one in dict.fromkeys(options.environments) if one not in known)
    # One there is not is planned too: its report says so, with the names there are.
    rest = tuple(one for one in found.untouched if one not in order)
    return replace(found, environments=(*order, *missing), untouched=rest)


def _bodies(line: Line, pull: Pull | None) -> tuple[str, ...] | None:
    """Return the texts of a pull request's comments, oldest first; None where they cannot be read."""
    if pull is None:
        return None
    return line.ask(lambda forge: tuple(one.body for one in forge.comments(pull.number)))


def _clean(out: Path, found: Touched) -> None:
    """Remove the plans of an earlier run: what it planned may not be touched any more, or cannot be planned now.

    Plans in the work tree are nothing to commit, and no files that a change touches: git is told so, once.
    """
    ignore = out / ".gitignore"
    if not out.exists() and found.environments:
        write_file(ignore, _IGNORE, 0o644)
    for name in (*found.environments, *found.untouched, *found.gone):
        (out / f"{name}.json").unlink(missing_ok=True)


def _planned(
    context: Context, options: CiOptions, base: str, name: str, bodies: tuple[str, ...] | None
) -> tuple[Report, ExitCode]:
    here = replace(context, choice=replace(context.choice, environment=name))
    try:
        planned = plan_project_whole(here, PlanOptions(judges_from=base))
    except OrdainError as error:
        return Report(environment=name, diagnostics=error.diagnostics), error.exit
    drop_attachments(here, planned, keep=planned.plan)
    file = options.out / f"{name}.json"
    write_file(file, plan_json(planned.plan))
    report = _judged(here, planned.plan, file, bodies)
    assert report.plan is not None
    return replace(report, file=f"{options.shown}/{name}.json"), exit_of(report.plan.program)


def _judged(context: Context, plan: Plan, file: Path, bodies: tuple[str, ...] | None) -> Report:
    """Return a plan as it is judged with what people signed in the comments (None: nobody knows what)."""
    if bodies is not None:
        gather(plan, file, bodies, context.now)
    judged, approved = as_approved(context, plan, file)
    return Report(environment=plan.program.environment, plan=judged, approved=approved if bodies is not None else None)


def _project(context: Context, reports: tuple[Report, ...]) -> str:
    """Return the project's name: of a plan, else as far as its document can be read."""
    named = next((one.plan.program.project for one in reports if one.plan is not None), "")
    return named or project_name(context.root)


def _left(context: Context, gone: tuple[str, ...]) -> tuple[str, ...]:
    """Return those environments that still have resources."""
    if not gone:
        return ()
    with open_state(context, create=False) as state:
        there = state.environments()
    return tuple(one for one in gone if one in there)


def project_name(root: Path) -> str:
    """Return what the project's document calls it, as far as it can be read; the folder's name where it cannot."""
    from ordain.config.load import parse, read_project

    if not (root / PROJECT_FILE).is_file():
        return root.name
    documents, _ = parse(read_project(root))
    return next((one.name for one in documents if one.kind == "Project" and one.name), root.name)


def _is_here(context: Context, pull: Pull) -> bool:
    """Whether HEAD has what the pull request has now: a run that was overtaken by a push says nothing."""
    try:
        git.git(context.root, "merge-base", "--is-ancestor", pull.head, "HEAD")
    except OrdainError:
        return False
    return True


def _notes(context: Context, line: Line, number: int | None, pull: Pull | None) -> tuple[str, ...]:
    if pull is not None and pull.merged is not None:
        return (f"Nothing was posted: pull request {pull.number} is merged, and what it was told stays as it was.",)
    if pull is not None and not _is_here(context, pull):
        return (
            f"Nothing was posted: this folder does not stand at {pull.head[:12]}, which pull request {pull.number} has"
            " now. Check out that commit, or its merge.",
        )
    if line.forge is None and not line.problems:
        return ("Nothing was posted: this is no run of a forge's CI.",)
    if number is None and not line.problems:
        return ("Nothing was posted: this is no run of a pull request; name one with --pull.",)
    return ()


def _tell(line: Line, pull: Pull, page: Page, bodies: tuple[str, ...] | None) -> Comment | None:
    """Write the comment, unless there is nothing to say and never was, and set a status for each environment."""
    sign = marker(page.place)
    spoken = any(sign in body for body in bodies or ())

    def comment(forge: Forge) -> Comment:
        return forge.comment(pull.number, pull_markdown(page, forge.largest_comment), sign)

    written = line.ask(comment) if page.reports or page.gone or spoken else None
    for status in _statuses(pull, page, written.url if written is not None else ""):
        line.status(status)
    return written


def _statuses(pull: Pull, page: Page, url: str) -> Iterator[CommitStatus]:
    """Yield a status for each environment: those not touched or taken away too, for a branch may ask for them."""
    said = {report.environment: status_of(report) for report in page.reports}
    said |= dict.fromkeys(page.untouched, (State.SUCCESS, "not touched"))
    said |= dict.fromkeys(page.gone, (State.SUCCESS, "taken away"))
    said |= dict.fromkeys(page.left, (State.SUCCESS, "taken away: what it has stays, and no plan speaks of it"))
    for name, (state, words) in said.items():
        about = context_of(page.place, name)
        yield CommitStatus(commit=pull.head, context=about, state=state, description=words, url=url)


def place_of(root: Path) -> str:
    """Return the project's folder in its repository; "" where it is the root of it."""
    return repository_prefix(root).rstrip("/")


def context_of(place: str, environment: str) -> str:
    """Return the context of an environment's commit status: ``ordain/prod``, or ``ordain/services/churn/prod``."""
    return "/".join(part for part in ("ordain", place, environment) if part)
