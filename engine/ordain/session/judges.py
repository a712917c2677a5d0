"""Policies, roles and signers as they stand on the protected branch: a pull request cannot weaken its own judges."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ordain.config.files import BLUEPRINTS, PROJECT_FILE, SIGNERS_FILE
from ordain.session import git
from ordain.session.context import Context
from ordain.session.loading import Loaded, load
from ordain.session.past import project_at
from ordain.values.approval import ApprovalRule
from ordain.values.diagnostic import Blame, Diagnostic, ExitCode, OrdainError, Severity
from ordain.values.setting import Policy

_FORGES = frozenset(("noreply@github.com",))
"""Who commits what a forge merges: nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judges:
    """What judges one environment, as it stands at a commit: policies with their levels there, who must approve.

    ``approvals`` are None where that commit asks for none, or has no such environment. ``warnings`` say where it has
    no such project.
    """

    commit: str
    environment: str
    policies: tuple[Policy, ...]
    approvals: ApprovalRule | None
    warnings: tuple[Diagnostic, ...] = ()


def judges_at(context: Context, ref: str, environment: str | None = None) -> Judges:
    """Return the judges of an environment as they stand at ``ref``; without a name, of the one that is chosen here.

    The same variables hold, those from files of the repository as these stand at ``ref``. Where it has no such
    environment, its policies judge at their own levels. Raises ``OrdainError`` (exit 6) where there is no git, no such
    ref, or the project does not read well there.
    """
    name = environment or context.choice.environment or load(context, None).desired.environment.name
    commit = git.commit_at(context.root, ref)
    with project_at(context, commit) as past:
        if not past.is_project:
            return Judges(commit=commit, environment=name, policies=(), approvals=None, warnings=(_no_project(),))
        past.add_environment(name)  # what is written for all judges one that is not there, too
        try:
            there = past.load(name)
        except OrdainError as error:
            raise OrdainError(*(_said_of(one, ref, commit) for one in error.diagnostics)) from error
    return Judges(commit=commit, environment=name, policies=there.policies, approvals=there.approvals)


def with_judges(loaded: Loaded, judges: Judges) -> Loaded:
    """Return the project with these judges, and those policies that only it has: they can only deny more.

    Who must approve is what the judges say; where they ask for nobody, what the project asks for.
    """
    desired = loaded.desired
    if desired.environment.name != judges.environment:
        raise ValueError(f"judges of {judges.environment} cannot judge {desired.environment.name}")
    known = {one.address for one in judges.policies}
    policies = (*judges.policies, *(one for one in desired.policies if one.address not in known))
    return replace(
        loaded,
        desired=replace(
            desired,
            policies=tuple(sorted(policies, key=lambda one: one.address)),
            approvals=judges.approvals or desired.approvals,
        ),
        warnings=(*loaded.warnings, *judges.warnings),
    )


def authors(context: Context, ref: str | None) -> tuple[str, ...]:
    """Return who wrote what HEAD has and ``ref`` has not, of what touches the project; without one, and
    where there is nothing more, who wrote HEAD, and what it merged.

    E-mail addresses in lower case, sorted: of authors, of committers (but the forge), of ``Co-authored-by``; and git's
    own user where the project's files differ from HEAD. Outside of git nobody is known. Raises ``OrdainError`` (exit 6)
    for a ref that is not there, and for a repository that git does not read.
    """
    root = context.root
    if ref is None and not git.is_repository(root):
        return ()
    since = git.merge_base(root, ref) if ref is not None else None
    edited = _differs(root)
    if since is None or (since == git.commit_at(root, "HEAD") and not edited):  # or nobody wrote what the branch has
        since = _merged_into(root)
    span = ["-1", "HEAD"] if since is None else ["--full-history", f"{since}..HEAD", "--", "."]
    found = list(_people(root, span)) if ref is not None or _is(root, "HEAD") else []
    if edited:
        found += git.git(root, "config", "--default", "", "user.email").decode(errors="replace").splitlines()
    return tuple(sorted({one.strip().lower() for one in found} - _FORGES - {""}))


def _merged_into(root: Path) -> str | None:
    """Return what HEAD was merged into: its first parent; None where it is no merge."""
    return "HEAD^1" if _is(root, "HEAD^2") else None


def _is(root: Path, name: str) -> bool:
    try:
        git.commit_at(root, name)
    except OrdainError:
        return False
    return True


def _people(root: Path, span: list[str]) -> Iterator[str]:
    """Yield the people of commits. Who lets the forge merge (HEAD then) writes nothing by that."""
    head = git.git(root, "rev-parse", "HEAD").decode().strip()
    # Unfolded, a trailer has no line breaks; of an address git takes neither those nor NUL, but all else.
    form = "%H%x00%P%x00%ae%x00%ce%x00%(trailers:key=Co-authored-by,valueonly,unfold,separator=%x00)"
    for record in git.git(root, "log", "--no-show-signature", f"--format=tformat:{form}", *span).split(b"\n")[:-1]:
        commit, parents, author, committer, *trailers = record.decode(errors="replace").split("\0")
        if commit == head and " " in parents and committer in _FORGES:
            continue
        yield from (author, committer, *(_address(one) for one in trailers))


def _address(text: str) -> str:
    """Return the address in ``Name <address>``; the text where it is one already."""
    _, opened, rest = text.rpartition("<")
    return rest.partition(">")[0] if opened else text


def _differs(root: Path) -> bool:
    """Whether files that a plan may rest on are not as committed; a saved plan lying about is none."""
    tracked = git.git(root, "status", "--porcelain", "--untracked-files=no", "--", ".")
    read = ("*.yaml", "*.yml", SIGNERS_FILE, BLUEPRINTS)
    return bool(tracked or git.git(root, "ls-files", "--others", "--exclude-standard", "--", *read))


def _no_project() -> Diagnostic:
    # Neither branch nor commit is named: it stands in the plan, which must come out the same when it is applied.
    return Diagnostic(
        code="judges-missing",
        summary="the protected branch has no project in this folder: only its own policies judge it",
        detail=f"There is no {PROJECT_FILE} in this folder there, so no rules of that branch hold for it.",
        fix="see that the project is new, and was not moved here from another folder",
        severity=Severity.WARNING,
    )


def _said_of(one: Diagnostic, ref: str, commit: str) -> Diagnostic:
    """Return a diagnostic of a file as it stands at another commit."""
    return Diagnostic(
        code="judges-broken",
        summary=f"the project does not read well at {ref}: {one.summary}",
        detail=f"Policies are taken from {commit[:12]}. {one.detail}".strip(),
        fix=f"correct it on {ref} first: {one.fix}" if one.fix else f"correct it on {ref} first",
        severity=one.severity,
        blame=one.blame if one.blame is not Blame.USER else Blame.WORLD,
        exit=ExitCode.SPEC,
        at=one.at,
        snippet=one.snippet,
    )
