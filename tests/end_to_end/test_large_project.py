"""Acceptance: the plan of a company's project, 300 documents in 60 files and three environments, stays readable."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from ordain.api.store import Holder, Mutation, PutResource, PutVersion
from ordain.session.context import Context
from ordain.session.stores import open_state
from ordain.values.codec import decode, dumps, loads
from ordain.values.record import ResourceRecord, VersionRecord

TEAMS = ("acquisition", "billing", "care", "fraud", "growth", "logistics", "pricing", "retail", "risk", "search")
SUBJECTS = ("churn", "demand", "lifetime", "response", "returns", "spend")
ENVIRONMENTS = ("dev", "staging", "prod")
_COLUMNS = ("age", "balance", "visits", "calls", "left")
_POLICIES = {
    "owner-required": ('resource.owner != ""', "advisory"),
    "described": ('resource.description != ""', "advisory"),
    "gold-is-labelled": ('"tier" in resource.labels', "advisory"),
    "no-personal-data": ("!resource.facts.columns.exists(c, c.personal)", "hard"),
    "named-after-a-team": ("resource.address.size() > 3", "hard"),
    "small-changes": ("plan.changes.size() < 1000", "soft"),
}


def large_project() -> Mapping[str, str]:
    """Return the files by path: 300 documents in 60 files of specs, and the data of the sources."""
    files = {"ordain.yaml": _PROJECT}
    for number, name in enumerate(ENVIRONMENTS):
        spec = "{default: true}" if not number else f"{{promotes_from: {ENVIRONMENTS[number - 1]}}}"
        files[f"environments/{name}.yaml"] = f"kind: Environment\nname: {name}\nspec: {spec}\n"
    for name, (rule, level) in _POLICIES.items():
        files[f"policies/{name}.yaml"] = _policy(name, rule, level)
    files["data/customers.csv"] = rows()
    for team in TEAMS:
        files |= _team(team)
    return files


def documents(files: Mapping[str, str]) -> Iterator[str]:
    """Yield the documents of the spec files."""
    for path, text in files.items():
        if path.endswith(".yaml"):
            yield from text.split("---\n")


def rows(number: int = 60) -> str:
    """Return the rows of a source as CSV."""
    out = [",".join(_COLUMNS)]
    for row in range(number):
        mixed = row * 7919 % 997
        values = (18 + mixed % 60, mixed * 13 % 5000, mixed % 30, mixed % 7)
        out.append(",".join(map(str, (*values, "yes" if (values[0] + values[3]) % 3 == 0 else "no"))))
    return "\n".join(out) + "\n"


def source_files() -> tuple[str, ...]:
    """Return the paths of the data of the sources, team by team."""
    return tuple(f"data/{team}-{subject}.csv" for team in TEAMS for subject in SUBJECTS)


_PROJECT = """kind: Project
name: company
format: 1
spec:
  variables:
    rounds: {type: integer, default: 3, min: 1, description: boosting rounds of every model}
    rate: {type: number, default: 0.1, description: learning rate of the gold models}
"""


def _policy(name: str, rule: str, level: str) -> str:
    return (
        f"kind: Policy\nname: {name}\nowner: platform@example.com\nspec:\n  level: {level}\n  stage: plan\n"
        f"  match: resource.kind == \"Model\"\n  require: '{rule}'\n"
        f"  message: ${{{{ resource.address }}}} breaks {name}\n  remedy: see the handbook, page {name}\n"
    )


def _team(team: str) -> Mapping[str, str]:
    folder = f"teams/{team}"
    files = {f"data/{team}-{one}.csv": rows() for one in SUBJECTS}
    parts = {
        "sources": [_source(team, one) for one in SUBJECTS],
        "datasets": [_dataset(team, one) for one in SUBJECTS],
        "models": [_model(team, one, index) for index, one in enumerate(SUBJECTS)],
        "serving": [_deployment(team, one) for one in SUBJECTS],
        "values": [_value(team, one) for one in ("contact", "limits", "thresholds", "windows", "zones")],
    }
    return files | {f"{folder}/{name}.yaml": "---\n".join(documents) for name, documents in parts.items()}


def _source(team: str, subject: str) -> str:
    return (
        f"kind: DataSource\nname: {team}-{subject}\nowner: {team}@example.com\nspec:\n  provider: csv\n"
        f"  path: data/{team}-{subject}.csv\n  contract: {{rows: {{min: 10}}}}\n"
    )


def _dataset(team: str, subject: str) -> str:
    return (
        f"kind: Dataset\nname: {team}-{subject}\nowner: {team}@example.com\nspec:\n"
        f"  from: data_source.{team}-{subject}\n  prepare: [{{filter: age >= 18}}]\n  split: {{by: order, test: 0.3}}\n"
    )


def _model(team: str, subject: str, index: int) -> str:
    tier = "gold" if index < 2 else "silver"
    return (
        f"kind: Model\nname: {team}-{subject}\ndescription: {subject} of {team}\nowner: {team}@example.com\n"
        f'labels: {{tier: {tier}}}\nspec:\n  dataset: dataset.{team}-{subject}\n  target: left\n  positive: "yes"\n'
        "  features: {exclude: [calls]}\n"
        "  estimator: sklearn.ensemble.HistGradientBoostingClassifier\n"
        "  params:\n    max_iter: ${{ var.rounds }}\n    learning_rate: 0.1\n  seed: 7\n  metrics: [roc_auc]\n"
        "  gates: [roc_auc >= 0.0]\n"
    )


def _deployment(team: str, subject: str) -> str:
    return (
        f"kind: Deployment\nname: {team}-{subject}\nowner: {team}@example.com\nspec:\n  provider: batch\n"
        f"  model: model.{team}-{subject}\n  input: data/customers.csv\n  output: scores/{team}-{subject}.csv\n"
    )


def _value(team: str, name: str) -> str:
    return (
        f"kind: Value\nname: {team}-{name}\nowner: {team}@example.com\nspec:\n  value: {{team: {team}, of: {name}}}\n"
    )


def filled(cli: Callable[..., Any]) -> Any:
    """Make the project with everything in place, as if a few hundred steps had run: one chain is applied, its records
    stand for all the others (the data are the same), and what differs is written down by an apply."""
    project = cli(large_project())
    first, others = f"{TEAMS[0]}-{SUBJECTS[0]}", [f"{team}-{one}" for team in TEAMS for one in SUBJECTS][1:]
    chain = ("deployment", "model", "dataset", "data_source")
    project("apply", "--yes", *(word for kind in chain for word in ("--select", f"{kind}.{first}")))
    context = Context(root=project.root)
    with open_state(context, create=False) as state:
        recorded = state.recorded("dev", None)
        found: list[Mutation] = []
        for name in others:
            for record in recorded.resources.values():
                copied = decode(ResourceRecord, loads(_renamed(dumps(record), first, name)))
                found.append(PutResource(record=copied))
            for versions in recorded.versions.values():
                found += (PutVersion(version=decode(VersionRecord, loads(_renamed(dumps(one), first, name))))
                          for one in versions)  # fmt: skip
        holder = Holder(run="copies", actor="test", host="here", boot="", pid=0, started=0.0)
        token = state.acquire("dev", holder).token
        state.write("dev", found, token)
        state.release("dev", token)
    for name in others:
        shutil.copy(project.root / f"scores/{first}.csv", project.root / f"scores/{name}.csv")
    project("apply", "--yes")
    assert project("plan").stdout.startswith("No changes. 290 resources are as specified")
    return project


def _renamed(data: bytes, before: str, after: str) -> str:
    """Rename in addresses, and in the names of files; teams too."""
    return data.decode().replace(before, after).replace(before.partition("-")[0] + "@", after.partition("-")[0] + "@")


def readable(text: str, *, limit: int = 120) -> list[str]:
    """Return the lines of a plan that is short, says nothing twice, and has no endless line."""
    lines = text.splitlines()
    assert len(lines) < limit
    said = [line for line in lines if line.strip()]
    assert len(set(said)) == len(said)
    assert max(map(len, lines)) < 260
    return lines


def numbers(text: str) -> int:
    """Return how many changes the rows of a plan stand for."""
    heads = [line for line in text.splitlines() if re.match(r"  [+~±!↻⇧≈·✗⏸-] ", line)]
    found = (re.search(r"\((\d+)(?: more)?\)  ", line) for line in heads)
    return sum(int(one[1]) if one is not None else 1 for one in found)


def test_the_project_is_as_large_as_it_says() -> None:
    files = large_project()
    assert len([path for path in files if path.endswith(".yaml")]) == 60
    assert len(list(documents(files))) == 300


def test_a_plan_from_nothing(cli: Callable[..., Any]) -> None:
    project = cli(large_project())
    for environment in ENVIRONMENTS:
        text = project("plan", "--env", environment, expect=0).stdout
        readable(text, limit=80)
        assert numbers(text) == 290
    text = project("plan").stdout
    assert re.search(r"\+ model\.\* \(60\) +train +new", text) and "model.acquisition-churn" in text
    every = project("plan", "-v").stdout
    assert all(f"+ model.{team}-{one} " in every for team in TEAMS for one in SUBJECTS)
    markdown = project("plan", "--format", "markdown").stdout
    assert len(markdown.encode()) < 60_000 and "model.&#42; (60)" in markdown
    steps = project("plan", "--explain").stdout
    assert "Wave 4" in steps and len(re.findall(r"\. train +model", steps)) == 60
    ids = re.findall(r"<title>([^<]+)</title>", project("graph", "--format", "svg").stdout)
    assert len(ids) == 291


@pytest.mark.slow
def test_plans_of_what_is_in_place(cli: Callable[..., Any]) -> None:
    project = filled(cli)
    touched = [f"{team}-{one}" for team in TEAMS[:4] for one in SUBJECTS[:5]]
    for number, name in enumerate(touched):
        path = project.root / f"data/{name}.csv"
        path.write_text(path.read_text() + "".join(f"{20 + row},{row},3,1,yes\n" for row in range(5 + number)))
    text = project("plan").stdout
    readable(text)
    assert text.splitlines()[0].startswith("20 to retrain, 20 to redeploy, 20 with new data, 20 to update.")
    assert re.search(r"dataset\.\* \(20\) +update +data_source\.\* has new data", text)
    assert numbers(text) == 80
    assert all(f"≈ data_source.{name} " in text for name in touched)
    assert "5 rows added" in text and "24 rows added" in text
    markdown = project("plan", "--format", "markdown").stdout
    assert len(markdown.encode()) < 60_000
    for name in touched:
        (project.root / f"data/{name}.csv").write_text(rows())

    project.edit("ordain.yaml", "default: 3, min: 1", "default: 4, min: 1")
    text = project("plan").stdout
    readable(text, limit=30)
    assert re.search(r"↻ model\.\* \(60\) +retrain +params\.max_iter: 3 → 4", text)
    assert text.splitlines()[0].startswith("60 to retrain, 60 to redeploy. 170 unchanged.")
    assert numbers(text) == 120
    every = project("plan", "-v").stdout
    assert all(f"↻ model.{name} " in every for name in touched)

    (project.root / "teams/fraud/models.yaml").unlink()
    (project.root / "teams/fraud/serving.yaml").unlink()
    text = project("plan").stdout
    readable(text)
    assert all(f"{kind}.fraud-{one}" in text for kind in ("model", "deployment") for one in SUBJECTS)
    assert numbers(text) == 120
