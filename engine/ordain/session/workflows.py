"""Workflows for GitHub that come with Ordain, written into a repository."""

from __future__ import annotations

from pathlib import Path

from ordain.resources import packaged
from ordain.session.validating import repository_prefix
from ordain.values.diagnostic import Diagnostic, ExitCode, OrdainError

_PROJECT = 'PROJECT: "."'


def write_workflows(root: Path) -> tuple[str, ...]:
    """Write the workflows into ``.github/workflows`` of the project's repository; return the files, from ``root``.

    They name the project's folder. Raises ``OrdainError`` (exit 6) where one is there already: nothing is overwritten.
    """
    prefix = repository_prefix(root)
    up = Path(*[".."] * prefix.count("/"))
    names = sorted(one.name for one in packaged("templates").joinpath("workflows").iterdir())
    folder = up / ".github" / "workflows"
    there = [name for name in names if (root / folder / name).exists()]
    if there:
        raise OrdainError(
            Diagnostic(
                code="init-refused",
                summary=f"{folder / there[0]} is there already",
                fix="move it away to get a new one; nothing was written",
                exit=ExitCode.SPEC,
            )
        )
    (root / folder).mkdir(parents=True, exist_ok=True)
    for name in names:
        text = packaged("templates").joinpath("workflows", name).read_text(encoding="utf-8")
        named = text.replace(_PROJECT, f'PROJECT: "{prefix.rstrip("/") or "."}"')
        (root / folder / name).write_text(named, encoding="utf-8")
    return tuple((folder / name).as_posix() for name in names)
