"""Which commit the specs stand at."""

from __future__ import annotations

import subprocess
from pathlib import Path

from ordain.session.git import OURS


def commit_of(root: Path) -> tuple[str | None, bool | None]:
    """Return the commit of the project's folder and whether files differ from it; (None, None) outside of git."""
    head = _git(root, "rev-parse", "HEAD")
    if head is None:
        return None, None
    status = _git(root, "status", "--porcelain", "--untracked-files=no", "--", ".")
    return head, bool(status)


def _git(root: Path, *words: str) -> str | None:
    try:
        command = ["git", *OURS, "-C", str(root), *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
