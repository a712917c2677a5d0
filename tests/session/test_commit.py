"""A plan names the commit its specs stand at, and whether they are those of the commit."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from ordain.session.commit import commit_of
from ordain.session.context import Context
from ordain.session.session import PlanOptions, plan_project

PROJECT = "kind: Project\nname: tracked\nformat: 1\n---\nkind: Value\nname: a\nspec: {value: 1}\n"
WHO = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")


def git(root: Path, *words: str) -> str:
    return subprocess.run(["git", "-C", str(root), *WHO, *words], capture_output=True, text=True, check=True).stdout


def test_a_plan_names_the_commit_of_its_specs(tmp_path: Path) -> None:
    def envelope() -> Any:
        return plan_project(Context(root=root), PlanOptions(), keep=False)[0].envelope

    root = tmp_path / "folder"
    root.mkdir()
    (root / "ordain.yaml").write_text(PROJECT, encoding="utf-8")
    git(tmp_path, "init", "-q")
    assert (envelope().commit, envelope().dirty) == (None, None)  # there is none yet
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "first")
    head = git(tmp_path, "rev-parse", "HEAD").strip()
    assert (envelope().commit, envelope().dirty) == (head, False)
    (tmp_path / "beside.txt").write_text("no file of the project's", encoding="utf-8")
    assert envelope().dirty is False
    (root / "ordain.yaml").write_text(PROJECT.replace("value: 1", "value: 2"), encoding="utf-8")
    assert (envelope().commit, envelope().dirty) == (head, True)


def test_outside_of_git_there_is_no_commit(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert commit_of(tmp_path) == (None, None)
    monkeypatch.setenv("PATH", "")
    assert commit_of(tmp_path) == (None, None)
