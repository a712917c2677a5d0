"""Which commit the specs stand at."""

from __future__ import annotations

from pathlib import Path

from ordain.session.git import git
from ordain.values.diagnostic import OrdainError


def commit_of(root: Path) -> tuple[str | None, bool | None]:
    """Return the commit of the project's folder and whether files differ from it; (None, None) outside of git."""
    try:
        head = git(root, "rev-parse", "HEAD")
        status = git(root, "status", "--porcelain", "--untracked-files=no", "--", ".")
    except OrdainError:
        return None, None
    return head.decode().strip(), bool(status)
