"""The project as it stands at a commit, read as the work tree is: same environment, same variables."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from ordain.config.environments import IMPLICIT
from ordain.config.files import BLUEPRINTS, BODY, DECLARATION, PROJECT_FILE, SIGNERS_FILE
from ordain.config.load import parse, read_project
from ordain.session import git
from ordain.session.context import Choice, Context
from ordain.session.loading import load
from ordain.session.variables import PREFIX, given_variables
from ordain.values.diagnostic import OrdainError
from ordain.values.resource import Desired

_STAND_IN = "ordain-no-such-environment-there.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """The files that are read of a project, as they stand at a commit, in a folder of their own."""

    context: Context
    commit: str
    folder: Path

    @property
    def is_project(self) -> bool:
        return (self.folder / PROJECT_FILE).is_file()

    def load(self, environment: str) -> Desired:
        """Return what the project asked for in an environment; raise ``OrdainError`` where it does not read well.

        Files of variables that are in the repository are read as they stand at the commit, too. Variables go as those
        of the process do: one that the project did not declare yet is no fault.
        """
        files = tuple(self._as_committed(path) for path in self.context.choice.variable_files)
        chosen = replace(self.context.choice, variable_files=tuple(one for one in files if one is not None))
        given = given_variables(replace(self.context, choice=chosen))
        environ = {**self.context.environ, **{f"{PREFIX}{name}": text for name, text in given.items()}}
        there = replace(self.context, root=self.folder, environ=environ, choice=Choice(environment=environment))
        return load(there, None).desired

    def add_environment(self, name: str) -> None:
        """Let there be an environment of that name which says nothing, where there is none."""
        if name not in environments_of(self.folder):
            (self.folder / _STAND_IN).write_text(f"kind: Environment\nname: {name}\n", encoding="utf-8")

    def _as_committed(self, path: Path) -> Path | None:
        """Return a file as it stands at the commit; None where it does not, itself where it is not in the work tree."""
        root = self.context.root
        top = Path(git.git(root, "rev-parse", "--show-toplevel").decode().rstrip("\n")).resolve()
        try:
            inner = path.resolve().relative_to(top)
        except ValueError:
            return path
        try:
            data = git.git(root, "cat-file", "blob", f"{self.commit}:{inner.as_posix()}")
        except OrdainError:
            return None
        with tempfile.NamedTemporaryFile(dir=self.folder, prefix=".", delete=False) as file:  # hidden: no document
            file.write(data)
        return Path(file.name)


@contextmanager
def project_at(context: Context, commit: str) -> Iterator[Past]:
    """Yield the project as it stands at a commit, until the block ends. Raises ``OrdainError`` (exit 6)."""
    with tempfile.TemporaryDirectory(prefix="ordain-") as temporary:
        git.export(context.root, commit, is_read, Path(temporary))
        yield Past(context=context, commit=commit, folder=Path(temporary))


def is_read(path: str) -> bool:
    """Whether a plan may read the file at that path, relative to the project, as one of its specs."""
    parts = PurePosixPath(path).parts
    if parts[0] == BLUEPRINTS:
        return parts[-1] in (DECLARATION, BODY)
    return path == SIGNERS_FILE or parts[-1].endswith((".yaml", ".yml"))


def environments_of(root: Path) -> Mapping[str, str | None]:
    """Return the environments of the project in a folder and what each promotes from, as far as its files can be read.

    Of a project that defines none, the one it has then. Raises ``OrdainError`` where there is no project.
    """
    documents, _ = parse(read_project(root))
    found: dict[str, str | None] = {}
    for one in documents:
        if one.kind == "Environment":
            spec = one.data.get("spec")
            source = spec.get("promotes_from") if isinstance(spec, Mapping) else None
            found[one.name] = source if isinstance(source, str) else None
    return found or {IMPLICIT: None}
