"""Variables beside a saved plan: secrets are given to apply, all others were settled when it was made."""

from __future__ import annotations

from pathlib import Path

import pytest

from ordain.cli.main import run

PROJECT = """\
kind: Project
name: p
format: 1
spec:
  variables:
    n: {type: integer, default: 1}
    password: {secret: true, default: "${{ secret.NOBODY }}"}
---
kind: Value
name: v
spec: {value: "${{ var.n }}"}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ordain.yaml").write_text(PROJECT, encoding="utf-8")
    (tmp_path / "one.txt").write_text("n: 2\n", encoding="utf-8")
    return tmp_path


def ordain(folder: Path, *words: str) -> int:
    return run([*words, "-C", str(folder)])


@pytest.mark.parametrize("first", [True, False])  # with a state there is a key, which digests of secrets need
def test_what_the_plan_was_made_with_may_be_said_again(folder: Path, first: bool) -> None:
    plan, file = str(folder / "p.json"), ("--var-file", str(folder / "one.txt"))
    if not first:
        assert ordain(folder, "apply", "--yes") == 0
    assert ordain(folder, "plan", "--out", plan, *file) == 0
    assert ordain(folder, "apply", plan, *file, "--var", "password=x") == 0
    assert ordain(folder, "plan", "--detailed-exitcode", "--var", "n=2") == 0


@pytest.mark.parametrize("words", [("--var", "n=3"), ("--var-file", "one.txt"), ("--var", "nobody=3")])
def test_what_it_was_not_made_with_is_refused(
    folder: Path, words: tuple[str, str], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    assert ordain(folder, "plan", "--out", "p.json") == 0
    assert ordain(folder, "apply", "p.json", *words) == 6
    told = capfd.readouterr().err
    assert f"{words[0] if words[0] == '--var' else ' '.join(words)} sets n" in told and "belongs to planning" in told
    assert ordain(folder, "plan", "--detailed-exitcode") == 2  # nothing was done
    assert ordain(folder, "apply", "p.json") == 0


def test_a_secret_it_names_is_given_though_the_project_moved_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    text = PROJECT.replace("${{ var.n }}", "${{ var.password }}").replace(', default: "${{ secret.NOBODY }}"', "")
    (folder / "ordain.yaml").write_text(text, encoding="utf-8")
    assert ordain(folder, "plan", "--out", "p.json", "--var", "password=x") == 0
    (folder / "ordain.yaml").write_text("kind: Broken\n", encoding="utf-8")
    assert ordain(folder, "apply", "p.json", "--var", "password=x") == 0
    assert "belongs" not in capfd.readouterr().err
