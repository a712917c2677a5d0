"""The flagship through the real command line: the acceptance list of the main job, in one play per question."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

ROOT = Path(__file__).parents[2]
DATA = "data/bank-marketing.csv.gz"
needs_terraform = pytest.mark.skipif(
    shutil.which("terraform") is None and shutil.which("tofu") is None, reason="no terraform binary on this machine"
)


def append_rows(project: Any, count: int) -> None:
    path = project.root / DATA
    with gzip.open(path, "rt", encoding="utf-8") as file:
        lines = file.read().splitlines()
    fresh = []
    for line in lines[-count:]:
        cells = line.split(",")
        cells[5] = str(int(cells[5]) + 20_000)
        fresh.append(",".join(cells))
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write("\n".join([*lines, *fresh]) + "\n")


def without_envelope(plan: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in plan.items() if name != "envelope"}


@needs_terraform
def test_the_whole_life_of_a_project(cli: Callable[..., Any], tools: Any) -> None:
    project = cli(example="bank-marketing")
    schema = json.loads((ROOT / "schemas/plan.schema.json").read_text())

    first, second = project.json("plan"), project.json("plan")
    jsonschema.validate(first, schema)
    assert without_envelope(first) == without_envelope(second)

    project("apply", "--yes")
    url = project.output("deployment.subscriber-api", "url")
    row = tools.sample_row(project.root / DATA)
    answer = tools.post(f"{url}/predict", {"rows": [row]})
    assert answer["version"] == project.output("model.subscriber", "version")
    assert answer["predictions"][0]["prediction"] in ("yes", "no")

    assert project("plan", "--detailed-exitcode").stdout.startswith("No changes.")
    jsonschema.validate(project.json("plan"), schema)

    # cosmetic edits: nothing is trained, nothing is redeployed
    project.edit("model.yaml", "description: who will subscribe\n", "description: who, then?\n")
    assert project.effects() == {"model.subscriber": "cosmetic"}
    project("apply", "--yes")
    (project.root / "model.yaml").rename(project.root / "renamed.yaml")
    project.edit("renamed.yaml", "  seed: 7\n", "  # a comment\n  seed:   7\n")
    assert project.effects("--detailed-exitcode") == {}

    # a hyperparameter
    project.edit("renamed.yaml", "learning_rate: 0.1", "learning_rate: 0.05")
    effects = project.effects("--detailed-exitcode", expect=2)
    assert effects["model.subscriber"] == "retrain"
    assert effects["deployment.subscriber-api"] == "redeploy"
    why = project("why", "model.subscriber").stdout
    line = next(
        n for n, text in enumerate((project.root / "renamed.yaml").read_text().splitlines(), 1) if "0.05" in text
    )
    assert f"renamed.yaml:{line}" in why and "0.1" in why and "0.05" in why
    project("apply", "--yes")
    assert tools.post(f"{url}/predict", {"rows": [row]})["version"] != answer["version"]

    # data
    project.edit("renamed.yaml", "- roc_auc >= 0.60", "- roc_auc >= 0.50")
    project.edit("renamed.yaml", 'not_worse("roc_auc", 0.02)', 'not_worse("roc_auc", 0.2)')
    append_rows(project, 6000)
    assert project.effects()["model.subscriber"] == "retrain"
    why = project("why", "model.subscriber").stdout
    assert "6,000" in why and "balance" in why
    project("apply", "--yes")

    # a killed server is drift, and comes back on the same port
    server = json.loads(
        next(project.root.glob(".ordain/private/dev/deployment.subscriber-api/**/server.json")).read_text()
    )
    os.kill(server["pid"], signal.SIGKILL)
    assert tools.gone(server["pid"])
    assert project.effects() == {"deployment.subscriber-api": "restart"}
    shown = project.json("plan", "--refresh-only")
    assert not shown["changes"] and [one["address"] for one in shown["drift"]] == ["deployment.subscriber-api"]
    project("apply", "--yes")
    assert project.output("deployment.subscriber-api", "url") == url
    tools.post(f"{url}/predict", {"rows": [row]})

    # promotion
    effects = project.effects("--env", "prod")
    assert effects["model.subscriber"] == "promote"
    project("apply", "--yes", "--env", "prod")
    assert project.output("model.subscriber", "version", "--env", "prod") == project.output(
        "model.subscriber", "version"
    )
    assert project.effects("--env", "prod", "--detailed-exitcode") == {}

    project("destroy", "--yes", "--env", "prod")
    project("destroy", "--yes")
    assert project("state", "list").stdout == "Nothing is recorded in dev.\n"
    assert not list(project.root.glob(".ordain/artifacts/sha256/*/*"))
    assert (project.root / DATA).exists()


@needs_terraform
def test_a_policy_denies_and_a_weakened_one_comes_first(cli: Callable[..., Any]) -> None:
    project = cli(example="bank-marketing")
    project.edit("model.yaml", "features: {exclude: [contact]}", "features: {exclude: []}")
    plan = project("plan", expect=5).stdout
    assert "model.subscriber reads personal data" in plan
    project("apply", "--yes", expect=5)
    assert project("state", "list").stdout == "Nothing is recorded in dev.\n"
    project.edit("model.yaml", "features: {exclude: []}", "features: {exclude: [contact]}")
    for name in ("model.yaml", "infrastructure.yaml"):
        (project.root / name).unlink()
    project("apply", "--yes")
    project.edit("policies.yaml", "level: hard", "level: advisory")
    first = [line for line in project("plan").stdout.splitlines() if line.strip()][:2]
    assert "policy.no-personal-data" in first[1] and "weaken" in " ".join(first).lower()


@needs_terraform
def test_a_gate_that_fails(cli: Callable[..., Any]) -> None:
    project = cli(example="bank-marketing")
    project.edit("model.yaml", "- roc_auc >= 0.60", "- roc_auc >= 0.999")
    project("apply", "--yes", expect=7)
    versions = project("state", "list").stdout
    assert "dataset.training" in versions and "deployment" not in versions
    effects = project.effects(expect=7)
    assert effects["model.subscriber"] == "rejected"
    assert "deployment.subscriber-api" not in effects or effects["deployment.subscriber-api"] == "blocked"
    assert "0.999" in project("plan", expect=7).stdout
    project.edit("model.yaml", "- roc_auc >= 0.999", "- roc_auc >= 0.5")
    project("apply", "--yes")
    # a champion that fails an edited gate keeps serving
    version = project.output("model.subscriber", "version")
    project.edit("model.yaml", "- roc_auc >= 0.5", "- roc_auc >= 0.9999")
    project("apply", "--yes", expect=7)
    assert project.output("model.subscriber", "version") == version
    project("destroy", "--yes")


def test_data_that_breaks_its_contract_stops_before_training(cli: Callable[..., Any]) -> None:
    project = cli(example="bank-marketing")
    (project.root / "infrastructure.yaml").unlink()
    project.edit("data.yaml", "max: 100}", "max: 60}")
    done = project("plan", expect=7)
    assert "data.yaml:" in done.stdout + done.stderr and "age" in done.stdout
    project("apply", "--yes", expect=7)
    assert project("state", "list").stdout == "Nothing is recorded in dev.\n"


GATE = """\
kind: Policy
name: floor
spec:
  level: hard
  stage: gate
  match: resource.kind == "Model"
  require: candidate.roc_auc >= FLOOR
  message: ${{ resource.address }} scores ${{ candidate.roc_auc }}
"""


def test_a_policy_at_stage_gate_refuses_a_version(cli: Callable[..., Any]) -> None:
    project = cli({"floor.yaml": GATE.replace("FLOOR", "0.99")}, example="bank-marketing")
    (project.root / "infrastructure.yaml").unlink()
    assert "policy.floor" in project("plan").stdout  # unknown until the metrics are there
    refusal = project("apply", "--yes", expect=7)
    assert "policy.floor: model.subscriber scores 0." in refusal.stdout + refusal.stderr
    assert project.effects(expect=7)["model.subscriber"] == "rejected"
    project.edit("floor.yaml", "0.99", "0.5")
    again = project("plan").stdout  # known before, and judged in apply all the same
    assert "reuse" in again and "gates pass: roc_auc >= 0.60;" in again and "unknown  policy.floor" in again
    project("apply", "--yes")
    project.edit("floor.yaml", "0.5", "0.4")
    assert "policy.floor changed" in project("plan").stdout
    project("apply", "--yes")
    assert project("plan", "--detailed-exitcode").stdout.startswith("No changes.")
    project("destroy", "--yes")
