"""Lays out the files of a project: which ones, what they become, and writing them so that none is ever half written."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ordain.config.files import FileText, read_file, read_project
from ordain.config.layout import formatted
from ordain.config.load import decode, parse
from ordain.config.sameness import same
from ordain.values.diagnostic import Blame, Diagnostic, ExitCode, OrdainError, Severity, in_order
from ordain.values.span import Span

_SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Formatted:
    """A file whose layout is another than the one it should have."""

    path: Path
    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Formatting:
    """What is to be written, how many files were looked at, and what is wrong with the others."""

    changed: tuple[Formatted, ...]
    looked_at: int
    diagnostics: tuple[Diagnostic, ...]


def plan_formatting(root: Path, paths: Sequence[Path]) -> Formatting:
    """Return what ``ordain fmt`` would write: to the files of the project at ``root``, or to what ``paths`` name.

    A folder stands for the files of the project that lie in it. Writes nothing. Raises ``OrdainError`` for a path that
    is not there, or no YAML.
    """
    changed: list[Formatted] = []
    problems: list[Diagnostic] = []
    count = 0
    for path, file in _files(root, paths):
        count += 1
        text = _sound(file, problems)
        if text is None:
            continue
        after = formatted(text)
        if after.encode() == file.data:
            continue
        if same(text, after):
            before = file.data.decode("utf-8-sig")
            changed.append(Formatted(path=path, name=file.path, before=before, after=after))
        else:
            problems.append(_left(file.path))
    return Formatting(changed=tuple(changed), looked_at=count, diagnostics=in_order(problems))


def _files(root: Path, paths: Sequence[Path]) -> Iterator[tuple[Path, FileText]]:
    seen: set[str] = set()
    for path in paths or (root,):
        whole = Path(os.path.abspath(path))
        if whole.is_dir():
            home = root if whole.is_relative_to(root) else whole
            found = [(home / file.path, file) for file in read_project(home)]
            found = [(one, file) for one, file in found if one.is_relative_to(whole) and one.suffix in _SUFFIXES]
        elif whole.suffix in _SUFFIXES and os.path.lexists(whole):
            home = root if whole.is_relative_to(root) else Path.cwd()
            found = [(whole, read_file(home, whole))]
        else:
            raise OrdainError(_refused(path, os.path.lexists(whole)))
        for one, file in found:
            real = os.path.realpath(one)
            if real not in seen:  # a link and what it leads to are one file
                seen.add(real)
                yield one, file


def _sound(file: FileText, problems: list[Diagnostic]) -> str | None:
    """Return a file's text, or None and what is wrong with it where it is not the YAML that Ordain reads."""
    if file.problem is not None:
        problems.append(file.problem)
        return None
    found = [one for one in parse((file,))[1] if one.is_error and one.code.startswith("yaml-")]
    problems += found
    return None if found else decode(file, problems)


def _refused(path: Path, there: bool) -> Diagnostic:
    return Diagnostic(
        code="fmt-path",
        summary=f"{path} is no YAML file" if there else f"there is no {path}",
        detail="Bodies of blueprints (*.j2) are laid out as their authors like." if path.suffix == ".j2" else "",
        fix="name files that end in .yaml or .yml, or folders of the project",
    )


def _left(name: str) -> Diagnostic:
    return Diagnostic(
        code="fmt-left",
        summary=f"{name} is left as it is: laid out anew it would mean something else",
        fix="please report the file; lay it out by hand",
        severity=Severity.ERROR,
        blame=Blame.ORDAIN,
        exit=ExitCode.FAILURE,
        at=Span(file=name, line=1, column=1),
    )


def write_formatted(file: Formatted) -> None:
    """Write a file anew, in one step: its mode stays, a link stays a link. Raises ``OSError``."""
    target = os.path.realpath(file.path)
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(target), prefix=".ordain-fmt-")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(file.after.encode())
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, os.stat(target).st_mode & 0o7777)
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise
