"""Policies, roles and signers as they stand on the protected branch: a pull request cannot weaken its own judges."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from ordain.config.files import BLUEPRINTS, BODY, DECLARATION, PROJECT_FILE, SIGNERS_FILE
from ordain.config.load import parse, read_project
from ordain.session import git
from ordain.session.context import Choice, Context
from ordain.session.loading import Loaded, load
from ordain.session.variables import PREFIX, given_variables
from ordain.values.approval import ApprovalRule
from ordain.values.diagnostic import Blame, Diagnostic, ExitCode, OrdainError, Severity
from ordain.values.setting import Policy

_FORGES = frozenset(("noreply@github.com",))
"""Who commits what a forge merges: nobody."""
_STAND_IN = "ordain-no-such-environment-there.yaml"


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
    with tempfile.TemporaryDirectory(prefix="ordain-") as temporary:
        folder = Path(temporary)
        git.export(context.root, commit, _is_read, folder)
        if not (folder / PROJECT_FILE).is_file():
            return Judges(
                commit=commit, environment=name, policies=(), approvals=None, warnings=(_no_project(ref, commit),)
            )
        if not _has(folder, name):
            # What is written for all environments judges one that is not there, too.
            (folder / _STAND_IN).write_text(f"kind: Environment\nname: {name}\n", encoding="utf-8")
        try:
            there = load(_there(context, commit, name, folder), None).desired
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
    """Return who wrote what HEAD has and ``ref`` has not, of what touches the project; without one, who wrote HEAD.

    E-mail addresses in lower case, sorted: of authors, of committers (but the forge), of ``Co-authored-by``; and git's
    own user where the project's files differ from HEAD. Raises ``OrdainError`` (exit 6) for a ref that is not there.
    """
    root = context.root
    try:
        span = ["-1", "HEAD"] if ref is None else ["--full-history", f"{git.merge_base(root, ref)}..HEAD", "--", "."]
        form = "%ae%x00%ce%x00%(trailers:key=Co-authored-by,valueonly,separator=%x00)%x00"
        found = [_address(one) for one in git.lines(git.git(root, "log", f"--format=tformat:{form}", *span))]
        if _differs(root):
            found += git.git(root, "config", "--default", "", "user.email").decode(errors="replace").splitlines()
    except OrdainError:
        if ref is not None:
            raise
        return ()  # outside of git, or before the first commit, nobody is known
    return tuple(sorted({one.strip().lower() for one in found} - _FORGES - {""}))


def _address(text: str) -> str:
    """Return the address in ``Name <address>``; the text where it is one already."""
    _, opened, rest = text.rpartition("<")
    return rest.partition(">")[0] if opened else text


def _differs(root: Path) -> bool:
    """Whether files that a plan may rest on are not as committed; a saved plan lying about is none."""
    tracked = git.git(root, "status", "--porcelain", "--untracked-files=no", "--", ".")
    read = ("*.yaml", "*.yml", SIGNERS_FILE, BLUEPRINTS)
    return bool(tracked or git.git(root, "ls-files", "--others", "--exclude-standard", "--", *read))


def _is_read(path: str) -> bool:
    parts = PurePosixPath(path).parts
    if parts[0] == BLUEPRINTS:
        return parts[-1] in (DECLARATION, BODY)
    return path == SIGNERS_FILE or parts[-1].endswith((".yaml", ".yml"))


def _has(folder: Path, environment: str) -> bool:
    documents, _ = parse(read_project(folder))
    return any(one.kind == "Environment" and one.name == environment for one in documents)


def _there(context: Context, commit: str, environment: str, folder: Path) -> Context:
    """Return the session of another commit: its folder, and the variables it is given.

    They go as those of the process do: one that the project did not declare yet is no fault.
    """
    files = tuple(_as_committed(context.root, commit, path, folder) for path in context.choice.variable_files)
    chosen = replace(context.choice, variable_files=tuple(one for one in files if one is not None))
    given = given_variables(replace(context, choice=chosen))
    environ: Mapping[str, str] = {**context.environ, **{f"{PREFIX}{name}": text for name, text in given.items()}}
    return replace(context, root=folder, environ=environ, choice=Choice(environment=environment))


def _as_committed(root: Path, commit: str, path: Path, folder: Path) -> Path | None:
    """Return a file of variables as it stands at a commit; None where it does not, itself where it is not in git."""
    top = Path(git.git(root, "rev-parse", "--show-toplevel").decode().rstrip("\n")).resolve()
    try:
        inner = path.resolve().relative_to(top)
    except ValueError:
        return path
    try:
        data = git.git(root, "cat-file", "blob", f"{commit}:{inner.as_posix()}")
    except OrdainError:
        return None
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".", delete=False) as file:  # hidden: no document
        file.write(data)
    return Path(file.name)


def _no_project(ref: str, commit: str) -> Diagnostic:
    return Diagnostic(
        code="judges-missing",
        summary=f"{ref} has no project in this folder: only its own policies judge it",
        detail=f"At {commit[:12]} there is no {PROJECT_FILE} here, so no rules of {ref} hold for it.",
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
