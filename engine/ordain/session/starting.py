"""Starts a project in a folder."""

from __future__ import annotations

import re
from pathlib import Path

from ordain.values.address import NAME
from ordain.values.diagnostic import Diagnostic, ExitCode, OrdainError

_PROJECT = """\
kind: Project
name: {name}
format: 1
---
kind: Environment
name: dev
spec: {{default: true}}
---
# The smallest resource: it holds a value and gives it back. Go on from here with DataSource, Dataset, Model …
kind: Value
name: greeting
description: a first resource
spec:
  value: hello from {name}
"""


def start_project(folder: Path, name: str | None) -> tuple[str, ...]:
    """Write ``ordain.yaml`` and a line in ``.gitignore``; return the files written. Overwrites nothing.

    Raises ``OrdainError`` where there is a project already or the name cannot be one.
    """
    target = folder / "ordain.yaml"
    if target.exists():
        raise OrdainError(_refusal(f"{folder.name} is a project already: it has an ordain.yaml", "ordain plan"))
    chosen = name or re.sub(r"[^a-z0-9]+", "-", folder.name.lower()).strip("-") or "project"
    if not NAME.fullmatch(chosen):
        raise OrdainError(_refusal(f"{chosen!r} cannot be a project's name", "ordain init --name my-project"))
    folder.mkdir(parents=True, exist_ok=True)
    target.write_text(_PROJECT.format(name=chosen))
    ignore = folder / ".gitignore"
    lines = ignore.read_text().splitlines() if ignore.exists() else []
    if ".ordain/" in lines:
        return ("ordain.yaml",)
    ignore.write_text("\n".join([*lines, ".ordain/"]) + "\n")
    return ("ordain.yaml", ".gitignore")


def _refusal(summary: str, fix: str) -> Diagnostic:
    return Diagnostic(code="init-refused", summary=summary, fix=fix, exit=ExitCode.SPEC)
