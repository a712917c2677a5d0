"""Going back to an earlier version of a model: a plan, a hold, and its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

NO_INFRASTRUCTURE = "infrastructure.yaml"


@pytest.fixture
def project(cli: Callable[..., Any]) -> Any:
    """The example with two versions of its model; the second stands and answers."""
    one = cli(example="bank-marketing")
    (one.root / NO_INFRASTRUCTURE).unlink()
    one("apply", "--yes")
    one.edit("model.yaml", "learning_rate: 0.1", "learning_rate: 0.2")
    one("apply", "--yes")
    return one


def standing(project: Any) -> tuple[str, str]:
    model, deployment = "model.subscriber", "deployment.subscriber-api"
    return project.output(model, "version"), project.output(deployment, "version")


def test_rollback_holds_until_it_is_released_or_the_model_changes(project: Any) -> None:
    second, served = standing(project)
    assert second == served
    # refusals, before anything is done
    assert "Say why" in project("rollback", "model.subscriber", expect=6).stderr
    assert "no versions to go back to" in project("rollback", "dataset.training", "--reason", "x", expect=6).stderr
    assert "did you mean model.subscriber" in project("rollback", "model.subscribe", "--reason", "x", expect=6).stderr
    assert "is what stands" in project("rollback", "model.subscriber", "--to", second, "--reason", "x", expect=6).stderr
    assert "names no version" in project("rollback", "model.subscriber", "--to", "vX", "--reason", "x", expect=6).stderr
    assert "is not held" in project("rollback", "model.subscriber", "--release", expect=6).stderr

    # the data breaks its contract and another edit is pending: neither is in the way
    project.edit("data.yaml", "rows: {min: 1000}", "rows: {min: 90000000}")
    project.edit("model.yaml", "description: who will subscribe\n", "description: who\n")
    done = project("rollback", "model.subscriber", "--reason", "answers are off", "--yes")
    assert "roll-back" in done.stdout and "answers are off" in done.stdout
    first, served = standing(project)
    assert first == served != second
    project.edit("data.yaml", "rows: {min: 90000000}", "rows: {min: 1000}")

    # later plans respect it and show it
    plan = project("plan", "--detailed-exitcode", expect=2).stdout  # the description
    assert "answers are off" in plan and "cosmetic" in plan
    project("apply", "--yes")
    plan = project("plan", "--detailed-exitcode").stdout
    assert f"held at {first}" in plan and "--release" in plan
    assert "answers are off" in project("state", "show", "model.subscriber").stdout
    # an edited gate judges what stands, and the hold goes on
    project.edit("model.yaml", "roc_auc >= 0.60", "roc_auc >= 0.61")
    assert project.effects() == {"model.subscriber": "re-evaluate"}
    project("apply", "--yes")
    assert standing(project) == (first, first)
    assert "held at" in project("plan").stdout

    # released, the later version stands again without being trained
    done = project("rollback", "model.subscriber", "--release", "--yes")
    assert "train" not in done.stderr
    assert standing(project) == (second, second)
    assert "held" not in project("plan", "--detailed-exitcode").stdout

    # a changed recipe ends a hold
    project("rollback", "model.subscriber", "--to", first, "--reason", "again", "--yes")
    assert standing(project) == (first, first)
    project.edit("model.yaml", "learning_rate: 0.2", "learning_rate: 0.3")
    assert project.effects() == {"model.subscriber": "retrain", "deployment.subscriber-api": "redeploy"}
    project("apply", "--yes")
    assert "held" not in project("plan", "--detailed-exitcode").stdout
    told = project("history").stdout
    assert "rollback model.subscriber: answers are off" in told and "release model.subscriber" in told
    project("destroy", "--yes")
