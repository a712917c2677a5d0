"""The project's files: the only I/O of this folder."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ordain.values.diagnostic import Diagnostic, OrdainError
from ordain.values.span import Span

PROJECT_FILE = "ordain.yaml"
SIGNERS_FILE = "allowed_signers"
"""Who may sign approvals, beside the project's file: keys and people, as ssh-keygen and git read it."""
LARGEST_FILE = 16 * 1024 * 1024
"""Bytes one file may have."""
BLUEPRINTS = "templates"
"""The folder of a project's own blueprints; a folder called so is read for nothing else."""
SHIPPED = "ordain/templates"
"""What the folder of the blueprints that come with Ordain is called in messages; no file of a project has that path."""
DECLARATION, BODY = "blueprint.yaml", "body.yaml.j2"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileStat:
    """What shows whether a file changed: path relative to the project with '/', size in bytes, times, inode."""

    path: str
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FileText:
    """A file as it was read: a ``FileStat``'s fields, and its bytes.

    ``problem`` says why it was not read; ``data`` is empty then.
    """

    path: str
    data: bytes
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    problem: Diagnostic | None = None

    @property
    def stat(self) -> FileStat:
        return FileStat(
            path=self.path, size=self.size, mtime_ns=self.mtime_ns, ctime_ns=self.ctime_ns, inode=self.inode
        )


def read_project(root: Path) -> tuple[FileText, ...]:
    """Read ``ordain.yaml`` and every ``*.yaml`` and ``*.yml`` beside and below it, sorted by path.

    Leaves out hidden folders, ``templates/`` (see ``read_blueprint_files``) and folders with an ``ordain.yaml`` of
    their own. A file that cannot be read comes with its ``problem``. Raises ``OrdainError`` where there is no project.
    """
    if not (root / PROJECT_FILE).is_file():
        raise OrdainError(
            Diagnostic(
                code="project-missing",
                summary=f"there is no {PROJECT_FILE} in {root}",
                detail=f"A project is a folder with a file called {PROJECT_FILE}.",
                fix="run `ordain init` to make one, or name the project's folder with -C DIR",
            )
        )
    return tuple(sorted((_read(path, _shown(root, path)) for path in _paths(root)), key=lambda file: file.path))


def read_blueprint_files(root: Path) -> tuple[FileText, ...]:
    """Read the files of the project's own blueprints (``templates/NAME/``), sorted by path."""
    paths = _blueprint_paths(root / BLUEPRINTS)
    return tuple(sorted((_read(path, _shown(root, path)) for path in paths), key=lambda file: file.path))


def read_shipped(folder: Path) -> tuple[FileText, ...]:
    """Read the files of the blueprints in ``folder``, which come with Ordain; their paths begin with ``SHIPPED``."""
    paths = _blueprint_paths(folder)
    return tuple(
        sorted((_read(path, f"{SHIPPED}/{_shown(folder, path)}") for path in paths), key=lambda file: file.path)
    )


def read_signers(root: Path) -> FileText | None:
    """Read the project's ``allowed_signers``; None where there is none."""
    path = os.path.join(root, SIGNERS_FILE)
    return _read(path, SIGNERS_FILE) if os.path.lexists(path) else None


def stat_shipped(folder: Path, path: str) -> FileStat:
    """Return what ``read_shipped`` would read of a file, ``path`` being its name there."""
    return _stat(str(folder / path.removeprefix(f"{SHIPPED}/")), path)


def read_file(root: Path, path: Path) -> FileText:
    """Read one file as ``read_project`` does, wherever it lies; its name is relative to ``root``."""
    return _read(str(path), _shown(root, str(path)))


def stat_project(root: Path) -> tuple[FileStat, ...]:
    """Return what the three would read (``read_project`` and so on), without reading it, sorted by path."""
    signers = os.path.join(root, SIGNERS_FILE)
    paths = (*_paths(root), *_blueprint_paths(root / BLUEPRINTS), *((signers,) if os.path.lexists(signers) else ()))
    return tuple(sorted((_stat(path, _shown(root, path)) for path in paths), key=lambda file: file.path))


def _stat(path: str, shown: str) -> FileStat:
    size = mtime = ctime = inode = 0
    with suppress(OSError):  # a dangling link: all zeros, as in ``_read``
        status = os.stat(path)
        size, mtime, ctime, inode = status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino
    return FileStat(path=shown, size=size, mtime_ns=mtime, ctime_ns=ctime, inode=inode)


def _shown(root: Path, path: str) -> str:
    relative = os.path.relpath(path, root).replace(os.sep, "/")
    return relative.encode(errors="surrogateescape").decode(errors="replace")


def _paths(root: Path) -> Iterator[str]:
    for folder, folders, files in os.walk(root):
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".")
            and name != BLUEPRINTS
            and not os.path.isfile(os.path.join(folder, name, PROJECT_FILE))
        ]
        for name in files:
            if name.endswith((".yaml", ".yml")) and not name.startswith("."):
                yield os.path.join(folder, name)


def _blueprint_paths(folder: Path) -> Iterator[str]:
    """Yield the files of the blueprints in a folder: what else is there belongs to somebody else."""
    try:
        names = [entry.name for entry in os.scandir(folder) if not entry.name.startswith(".")]
    except OSError:  # there are none
        return
    for name in names:
        for file in (DECLARATION, BODY):
            path = os.path.join(folder, name, file)
            if os.path.lexists(path):
                yield path


def _read(path: str, shown: str) -> FileText:
    size = mtime = ctime = inode = 0
    try:
        status = os.stat(path)
        size, mtime, ctime, inode = status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino
        if not stat.S_ISREG(status.st_mode):
            why, fix = "it is not a regular file", "move it out of the project, or rename it"
        elif size > LARGEST_FILE:
            why = f"it has {size:,} bytes; {LARGEST_FILE:,} is the limit"
            fix = "keep data out of YAML, or move the file out of the project"
        else:
            with open(path, "rb") as file:
                data = file.read(LARGEST_FILE + 1)
            return FileText(path=shown, data=data, size=size, mtime_ns=mtime, ctime_ns=ctime, inode=inode)
    except OSError as error:
        why, fix = (error.strerror or str(error)).lower(), "make the file readable, or remove it"
    problem = Diagnostic(
        code="file-refused",
        summary=f"{shown} is not read: {why}",
        fix=fix,
        at=Span(file=shown, line=1, column=1),
    )
    return FileText(path=shown, data=b"", size=size, mtime_ns=mtime, ctime_ns=ctime, inode=inode, problem=problem)
