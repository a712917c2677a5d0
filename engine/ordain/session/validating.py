"""Checks a project without looking at anything but its files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ordain.session.context import Context
from ordain.session.loading import load
from ordain.values.diagnostic import Diagnostic, ExitCode, OrdainError


@dataclass(frozen=True, slots=True, kw_only=True)
class Validity:
    """What is wrong (errors and warnings), how many resources there are (0 with an error), and the exit code."""

    diagnostics: tuple[Diagnostic, ...]
    resources: int
    exit: ExitCode


def validate(context: Context) -> Validity:
    """Check the specs for the chosen environment; everything that is wrong is in the answer."""
    try:
        loaded = load(context, key=None)
    except OrdainError as error:
        return Validity(diagnostics=error.diagnostics, resources=0, exit=error.exit)
    return Validity(diagnostics=loaded.warnings, resources=len(loaded.desired.resources), exit=ExitCode.DONE)


def repository_prefix(root: Path) -> str:
    """Return the path from the repository's root to the project, with a slash at its end; "" where they are one.

    The repository is the nearest folder at or above ``root`` with a ``.git``; without any, the project is its own.
    """
    for folder in (root, *root.parents):
        if (folder / ".git").exists():
            inner = root.relative_to(folder).as_posix()
            return "" if inner == "." else f"{inner}/"
    return ""
