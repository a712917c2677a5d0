"""Workflows for GitHub that come with Ordain, written into a repository."""

from __future__ import annotations

import json
import re
from pathlib import Path

from ordain.resources import packaged
from ordain.session.validating import repository_prefix
from ordain.values.diagnostic import Diagnostic, ExitCode, OrdainError


def write_workflows(root: Path) -> tuple[str, ...]:
    """Write the workflows into ``.github/workflows`` of the project's repository; return the files, from ``root``.

    Those of a project in a folder bear its name in all that GitHub keeps by name: file, workflow (and with it the
    concurrency group), artifact. So several projects of a repository do not meet. Raises ``OrdainError`` (exit 6) where
    one is there already: nothing is overwritten.
    """
    prefix = repository_prefix(root)
    place = prefix.rstrip("/")
    up = Path(*[".."] * prefix.count("/"))
    folder = up / ".github" / "workflows"
    texts = {
        f"{Path(one.name).stem}{_slug(place)}.yml": _named(one.read_text(encoding="utf-8"), place)
        for one in packaged("templates").joinpath("workflows").iterdir()
    }
    names = sorted(texts)
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
        (root / folder / name).write_text(texts[name], encoding="utf-8")
    return tuple((folder / name).as_posix() for name in names)


def _named(text: str, place: str) -> str:
    """Return a workflow for the project in a folder."""
    if not place:
        return text
    named = re.sub(r"(?m)^(name: ordain \w+)$", rf"\1{_slug(place)}", text)
    named = named.replace("ARTIFACT: ordain-plans", f"ARTIFACT: ordain-plans{_slug(place)}")
    return named.replace('PROJECT: "."', f"PROJECT: {json.dumps(place)}")


def _slug(place: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]+", "-", f"-{place}") if place else ""
