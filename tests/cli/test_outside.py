"""What the world around a command does to it: readers that leave, folders that are none, disks that are full."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import ordain
from ordain.cli.main import COMMANDS, run

ORDAIN = Path(sys.executable).with_name("ordain")
PROJECT = """\
kind: Project
name: small
format: 1
spec:
  variables:
    what: {type: string, default: é}
---
kind: Environment
name: dev
---
kind: Value
name: thing
spec: {value: "${{ var.what }}"}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "a project"
    folder.mkdir()
    (folder / "ordain.yaml").write_text(PROJECT, encoding="utf-8")
    return folder


@pytest.mark.parametrize("words", [[], ["--json"], ["--format", "markdown"]])
def test_a_reader_that_leaves_changes_no_exit_code(project: Path, words: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [ORDAIN, "plan", "--detailed-exitcode", *words],
            cwd=project,
            stdout=write,
            stderr=subprocess.PIPE,
            check=False,
            timeout=60,
        )
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (2, b"")


def test_an_apply_goes_on_without_its_reader(project: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [ORDAIN, "apply", "--yes"], cwd=project, stdout=write, stderr=write, check=False, timeout=60
        )
    finally:
        os.close(write)
    assert done.returncode == 0
    assert run(["plan", "-C", str(project), "--detailed-exitcode"]) == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_no_bug_of_ours(project: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [ORDAIN, "plan"], cwd=project, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60
        )
    assert done.returncode == 1
    assert "No space left on device" in done.stderr and "bug" not in done.stderr


def test_a_locale_without_our_characters_stops_nothing(project: Path) -> None:
    done = subprocess.run(
        [ORDAIN, "apply", "--yes"],
        cwd=project,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0 and done.stdout.isascii()


@pytest.mark.parametrize("words", [[], ["state"]])
def test_a_command_without_words_shows_its_help(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words) == 6
    assert capsys.readouterr().err.startswith("Usage: ordain")


@pytest.mark.parametrize("command", ["plan", "init", "validate"])
def test_a_file_is_no_project_folder(project: Path, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([command, "-C", str(project / "ordain.yaml")]) == 6
    assert "is a file" in capsys.readouterr().err


def test_the_next_command_has_the_options_of_this_one(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.parent)

    def told(*words: str) -> str:
        assert run(["plan", "-C", "a project", *words]) == 0
        return capsys.readouterr().out.rpartition("To make these changes: ")[2].strip()

    assert told() == "ordain apply -C 'a project'"
    assert told("--env", "dev") == "ordain apply --env dev -C 'a project'"
    assert told("--var", "what=hidden") == "ordain apply -C 'a project' (with the same variables)"
    assert told("--replace", "value.thing") == "ordain apply --replace value.thing -C 'a project'"
    assert told("--out", "p q.json") == "ordain apply 'p q.json' -C 'a project'"


def test_no_message_names_a_command_there_is_not() -> None:
    roots = (Path(ordain.__file__).parent, *(Path(__file__).parents[2] / "plugins").glob("ordain_*"))
    named = {
        (word, path.name)
        for root in roots
        for path in root.rglob("*.py")
        for word in re.findall(r"\bordain ([a-z]+)(?= [A-Z{]|\b)", "\n".join(_texts(path)))
        if word not in COMMANDS and word in PLANNED
    }
    assert named == set()


def _texts(path: Path) -> list[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]


PLANNED = {"lock", "approve", "rollback", "reproduce", "status", "history", "audit", "monitor", "serve", "trace"}
"""Words of the design that are no commands yet."""
