"""What git knows of the project's folder: commits, what stood in them, who wrote them, what changed since."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ordain.values.diagnostic import Blame, Diagnostic, ExitCode, OrdainError

_SECONDS = 120
OURS = ("-c", "safe.bareRepository=explicit", "-c", "core.fsmonitor=false")
"""What goes before every command: files of a pull request that look like a repository of their own are none, and a
stranger's clone starts no program of its choice (git-config(1))."""
_LINK, _MODULE = "120000", "160000"


def git(root: Path, *words: str, given: bytes = b"") -> bytes:
    """Return what a git command in the project's folder prints; raise ``OrdainError`` where it fails."""
    try:
        done = subprocess.run(
            ["git", *OURS, "-C", str(root), *words],
            input=given,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            env={**os.environ, "LC_ALL": "C"},
        )
    except FileNotFoundError as error:
        raise OrdainError(_broken("git is not installed here", "", "install git")) from error
    except subprocess.TimeoutExpired as error:
        raise OrdainError(_broken(f"git {words[0]} takes too long", "", "see what git does there")) from error
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip()
        raise OrdainError(_broken(f"git {words[0]} does not work here", said, _remedy(said)))
    return done.stdout


def _remedy(said: str) -> str:
    if "safe.bareRepository" in said:
        return "remove the files HEAD, config, objects and refs: they pass this folder off as a repository of its own"
    if "safe.directory" in said:
        return "have who runs Ordain own the clone, or trust it as git says above"
    return "run it in a clone of the repository"


def is_repository(root: Path) -> bool:
    """Whether the folder is in a repository. Raises ``OrdainError`` where it is in one that git does not read."""
    try:
        git(root, "rev-parse", "--git-dir")
    except OrdainError as error:
        if any("not a git repository" in one.detail for one in error.diagnostics):
            return False
        raise
    return True


def lines(data: bytes) -> tuple[str, ...]:
    """Return what git printed with ``-z``: names of files, or lines of a format that ends in NUL."""
    return tuple(os.fsdecode(one) for one in data.split(b"\0") if one)


def commit_at(root: Path, ref: str) -> str:
    """Return the commit that a branch, tag or name stands for; raise ``OrdainError`` (exit 6) where there is none.

    A name that a tag and a branch share is refused: git takes the tag, and whoever may push one called
    ``origin/main`` would choose what ``origin/main`` is.
    """
    git(root, "rev-parse", "--git-dir")  # no repository is another fault than no such name
    names = [f"refs/{kind}/{ref}" for kind in ("tags", "heads", "remotes")]
    known = git(root, "for-each-ref", "--format=%(refname)", *names).decode(errors="replace").splitlines()
    both = [name for name in names if name in known]
    if len(both) > 1:
        raise OrdainError(
            _broken(
                f"{ref} may be more than one commit here",
                f"git knows {' and '.join(both)}.",
                f"name it in full, as in {both[-1]}, and find out who made the other",
            )
        )
    try:
        found = git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    except OrdainError:
        raise OrdainError(
            _broken(
                f"git knows no {ref} here",
                "The name may be wrong, or the clone may not have that branch.",
                f"{_fetch(ref)}; in a workflow, check out with fetch-depth: 0",
            )
        ) from None
    return found.decode().strip()


def merge_base(root: Path, ref: str) -> str:
    """Return the commit at which HEAD left ``ref``; raise ``OrdainError`` (exit 6) where the clone does not have it."""
    commit = commit_at(root, ref)
    try:
        return git(root, "merge-base", commit, "HEAD").decode().strip()
    except OrdainError:
        raise OrdainError(
            _broken(
                f"{ref} and HEAD have no commit in common here",
                "A shallow clone has not the commit at which they parted.",
                "git fetch --unshallow; in a workflow, check out with fetch-depth: 0",
            )
        ) from None


def _fetch(ref: str) -> str:
    remote, slash, branch = ref.removeprefix("refs/remotes/").partition("/")
    return f"git fetch {remote} {branch}" if slash and branch else f"git fetch origin {ref}"


def _broken(summary: str, detail: str, fix: str) -> Diagnostic:
    return Diagnostic(
        code="git-unusable", summary=summary, detail=detail, fix=fix, blame=Blame.WORLD, exit=ExitCode.SPEC
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    mode: str
    id: str
    path: str


def export(root: Path, commit: str, wanted: Callable[[str], bool], folder: Path) -> None:
    """Write the wanted files of the project as they stand at a commit into a folder, by the same paths.

    ``wanted`` is asked for paths relative to the project. Attributes (``export-ignore``, line ends) count for nothing:
    a file is what was committed. A symbolic link is the file it leads to in that commit. Raises ``OrdainError`` for one
    that leads elsewhere, and for a submodule in the project's folder: what stands there, that commit does not say.
    """
    entries = tuple(_entries(root, commit))
    modules = [one for one in entries if one.mode == _MODULE]
    if modules:
        raise OrdainError(_outside(commit, modules[0].path, "is a submodule", "move the submodule out of the project"))
    chosen = [one for one in entries if wanted(one.path)]
    for path, data in _contents(root, commit, chosen):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def _entries(root: Path, commit: str) -> Iterator[_Entry]:
    """Yield what stands below the project's folder; parts such as ``..``, which git does not make, raise."""
    for line in lines(git(root, "ls-tree", "-r", "-z", commit)):
        about, _, path = line.partition("\t")
        mode, _, identity = about.split(" ")
        if path.startswith("/") or ".." in PurePosixPath(path).parts:
            raise OrdainError(_outside(commit, path, "leads out of the project", "repair the repository: git fsck"))
        yield _Entry(mode=mode, id=identity, path=path)


def _contents(root: Path, commit: str, entries: list[_Entry]) -> Iterator[tuple[str, bytes]]:
    plain = [one for one in entries if one.mode != _LINK]
    links = [one for one in entries if one.mode == _LINK]
    yield from zip((one.path for one in plain), _blobs(root, [one.id for one in plain]), strict=True)
    prefix = os.fsdecode(git(root, "rev-parse", "--show-prefix").rstrip(b"\n"))
    for one in links:
        found = list(_blobs(root, [f"{commit}:{prefix}{one.path}"], "--follow-symlinks"))
        if not found:
            raise OrdainError(
                _outside(commit, one.path, "is a link to what is no file of the repository", "put the file there")
            )
        yield one.path, found[0]


def _blobs(root: Path, names: list[str], *words: str) -> Iterator[bytes]:
    """Yield the contents of objects, in order; nothing for a link that leads nowhere or outside."""
    if any("\n" in name for name in names):
        return
    data = git(root, "cat-file", "--batch", *words, given=b"".join(os.fsencode(one) + b"\n" for one in names))
    while data:
        head, _, data = data.partition(b"\n")
        kind, size = head.split(b" ")[-2:]
        if kind != b"blob":
            return
        yield data[: int(size)]
        data = data[int(size) + 1 :]


def _outside(commit: str, path: str, what: str, fix: str) -> Diagnostic:
    return _broken(f"{path} {what} at {commit[:12]}", "Policies, roles and signers may stand there.", fix)
