"""The ready-made workflows: they parse, what they run exists, the state outlives a checkout."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from ordain.cli.main import ordain, run
from ordain.resources import packaged
from ordain.session.context import Context
from ordain.session.touched import touched

NAMES = ("ordain-apply.yml", "ordain-plan.yml")
PROJECT = "kind: Project\nname: p\nformat: 1\n---\nkind: Value\nname: v\nspec: {value: 1}\n"


def workflow(name: str) -> dict[Any, Any]:
    text = packaged("templates").joinpath("workflows", name).read_text(encoding="utf-8")
    found: dict[Any, Any] = yaml.safe_load(text)
    return found


def steps(name: str) -> list[dict[str, Any]]:
    (job,) = workflow(name)["jobs"].values()
    return list(job["steps"])


def commands(name: str) -> list[list[str]]:
    lines = [line for step in steps(name) for line in step.get("run", "").splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith("ordain ")]


@pytest.mark.parametrize("name", NAMES)
def test_every_command_of_a_workflow_exists_with_its_options(name: str) -> None:
    (words,) = commands(name)
    assert words[:2] == {"ordain-plan.yml": ["ci", "-C"], "ordain-apply.yml": ["ci", "apply"]}[name]
    command: click.Command = ordain
    context = click.Context(ordain)
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        child = command.get_command(context, words.pop(0))
        assert child is not None
        command = child
        context = click.Context(command, parent=context)
    rest = command.make_context("ordain", words, parent=context, resilient_parsing=True)
    assert not rest.args and rest.params["out"] == Path("ordain-plans")
    with pytest.raises(click.NoSuchOption):
        command.make_parser(context).parse_args(["--no-such"])


@pytest.mark.parametrize("name", NAMES)
def test_a_workflow_asks_for_what_it_uses_and_no_more(name: str) -> None:
    found = workflow(name)
    assert found["permissions"]["statuses"] == found["permissions"]["pull-requests"] == "write"
    assert found["permissions"]["contents"] == "read"
    (job,) = found["jobs"].values()
    assert "self-hosted" in job["runs-on"] and (found.get("concurrency") or job["concurrency"])
    used = [step["uses"] for step in job["steps"] if "uses" in step]
    assert used and all(re.fullmatch(r"actions/[\w-]+@v\d+", one) for one in used)
    (checkout,) = [step for step in job["steps"] if step.get("uses", "").startswith("actions/checkout")]
    assert checkout["with"]["fetch-depth"] == 0
    # What is written by others goes through the environment, never into a script.
    assert not [step for step in job["steps"] if "${{" in step.get("run", "")]


def test_both_agree_on_the_artifact() -> None:
    (kept,) = [step["with"] for step in steps("ordain-plan.yml") if "upload-artifact" in step.get("uses", "")]
    (found,) = [step["with"]["script"] for step in steps("ordain-apply.yml") if "github-script" in step.get("uses", "")]
    assert kept["name"] == "${{ env.ARTIFACT }}-${{ env.PULL }}" and "`${process.env.ARTIFACT}-${pull.number}`" in found
    assert len({workflow(name)["env"]["ARTIFACT"] for name in NAMES}) == 1


def test_a_fork_is_not_planned_and_its_artifacts_are_not_taken() -> None:
    (job,) = workflow("ordain-plan.yml")["jobs"].values()
    assert job["if"].startswith("github.event.pull_request.head.repo.full_name == github.repository || (")
    assert "pull_request_target" not in workflow("ordain-plan.yml")[True]  # YAML 1.1 takes `on` for a boolean
    (found,) = [step["with"]["script"] for step in steps("ordain-apply.yml") if "github-script" in step.get("uses", "")]
    assert "run.head_repository_id === run.repository_id" in found and "&& ours(one)" in found


def git(root: Path, *words: str) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(root), *who, *words], capture_output=True, check=True)


def test_they_are_written_into_the_repository_and_overwrite_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    project = tmp_path / "ml" / "churn"
    project.mkdir(parents=True)
    git(tmp_path, "init", "-q")
    assert run(["init", "--workflows", "-C", str(project)]) == 0
    assert "wrote ../../.github/workflows/ordain-plan-ml-churn.yml" in capfd.readouterr().out
    written = sorted((tmp_path / ".github" / "workflows").iterdir())
    assert [one.name for one in written] == ["ordain-apply-ml-churn.yml", "ordain-plan-ml-churn.yml"]
    # All that GitHub keeps by name has the project's: another project of the repository has workflows beside these.
    for one in written:
        found = yaml.safe_load(one.read_text())
        assert (found["env"]["PROJECT"], found["env"]["ARTIFACT"]) == ("ml/churn", "ordain-plans-ml-churn")
        assert found["name"] == one.stem.replace("-", " ", 1)
        (job,) = found["jobs"].values()
        assert "${{ github.workflow }}" in (found.get("concurrency") or job["concurrency"])["group"]
    other = tmp_path / "other"
    other.mkdir()
    assert run(["init", "--workflows", "-C", str(other)]) == 0
    assert len(list((tmp_path / ".github" / "workflows").iterdir())) == 4
    assert not (project / "ordain.yaml").exists()
    written[0].write_text("mine\n")
    written[1].unlink()
    assert run(["init", "--workflows", "-C", str(project)]) == 6
    assert "is there already" in capfd.readouterr().err
    assert written[0].read_text() == "mine\n" and not written[1].exists()
    assert run(["init", "--workflows", "--name", "x", "-C", str(project)]) == 6


@pytest.mark.parametrize("folder", [".", "ml/churn"])
def test_the_state_outlives_a_checkout(tmp_path: Path, folder: str) -> None:
    clone, kept = tmp_path / "clone", tmp_path / "kept"
    project = clone / folder
    project.mkdir(parents=True)
    (project / "ordain.yaml").write_text(PROJECT, encoding="utf-8")
    (project / ".gitignore").write_text(".ordain/\n", encoding="utf-8")
    git(clone, "init", "-q", "-b", "main")
    git(clone, "add", "-A")
    git(clone, "commit", "-q", "-m", "first")
    for name in NAMES:
        (link,) = [step["run"] for step in steps(name) if "ln -s" in step.get("run", "")]
        environ = {**os.environ, "ORDAIN_STATE": str(kept), "PROJECT": folder}
        subprocess.run(["bash", "-eu", "-c", link], cwd=clone, env=environ, check=True)
        if name == NAMES[0]:
            assert run(["apply", "--yes", "-C", str(project)]) == 0
            assert touched(Context(root=project), "main").environments == ()
            git(clone, "clean", "-ffdx")  # what a checkout does
            assert not (project / ".ordain").exists()
    assert run(["plan", "--detailed-exitcode", "-C", str(project)]) == 0
    assert (kept / folder / "state.db").is_file()


@pytest.mark.parametrize("name", NAMES)
def test_a_state_that_a_pull_request_brings_is_refused(tmp_path: Path, name: str) -> None:
    (link,) = [step["run"] for step in steps(name) if "ln -s" in step.get("run", "")]
    environ = {**os.environ, "ORDAIN_STATE": str(tmp_path / "kept"), "PROJECT": "p"}
    (tmp_path / "p" / ".ordain").mkdir(parents=True)
    done = subprocess.run(["bash", "-eu", "-c", link], cwd=tmp_path, env=environ, capture_output=True, text=True)
    assert done.returncode == 1 and "::error::p/.ordain is in the repository" in done.stdout
    (tmp_path / "p" / ".ordain").rmdir()
    (tmp_path / "p" / ".ordain").symlink_to(tmp_path / "elsewhere")  # a link is replaced
    subprocess.run(["bash", "-eu", "-c", link], cwd=tmp_path, env=environ, check=True)
    assert (tmp_path / "p" / ".ordain").resolve() == (tmp_path / "kept" / "p").resolve()
