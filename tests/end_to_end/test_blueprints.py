"""Blueprints through the real command line: the four that start a project, and one of a project's own."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ordain.resources import packaged

FAST = ("--with", "params={max_iter: 10}")
FOUR = {
    "tabular-classifier": ({"data_source.one-rows", "dataset.one-training", "model.one"}, FAST),
    "tabular-regressor": ({"data_source.one-rows", "dataset.one-training", "model.one"}, FAST),
    "batch-scoring": (
        {"data_source.one-rows", "data_source.one-new", "dataset.one-training", "model.one", "deployment.one-scores"},
        FAST,
    ),
    "champion-challenger": (
        {"data_source.one-rows", "dataset.one-training", "model.one-champion", "model.one-challenger"},
        (),
    ),
}


def recorded(project: Any) -> set[str]:
    return set(project.json("state", "list")["resources"])


def test_there_are_four_and_each_says_what_it_is(cli: Callable[..., Any]) -> None:
    listed = cli({})
    listed.root.mkdir()
    first, policies = (part.splitlines() for part in listed("init", "--list-templates").stdout.split("\n\n"))
    assert {line.split()[0] for line in first} == set(FOUR)
    assert policies[0].startswith("Policies") and len(policies) == 16
    assert all(line.startswith("policy-") for line in policies[1:])
    assert all(len(line.split()) > 4 for line in first + policies)


@pytest.mark.parametrize("template", FOUR)
def test_one_that_comes_along_is_instantiated_planned_applied_and_destroyed(
    cli: Callable[..., Any], template: str
) -> None:
    addresses, words = FOUR[template]
    project = cli({})
    project.root.mkdir()
    project("init", "--name", "one", "--template", template, *words)
    assert f"Valid: {len(addresses)} resources" in project("validate").stdout
    assert set(project.effects("--detailed-exitcode", expect=2)) == addresses
    project("apply", "--yes")
    assert recorded(project) == addresses
    assert project.effects("--detailed-exitcode") == {}
    if template == "batch-scoring":
        _scores_follow_the_rows(project)
    project("destroy", "--yes")
    assert recorded(project) == set()
    assert not (project.root / "data/scores-dev.csv").exists()


def _scores_follow_the_rows(project: Any) -> None:
    """New rows, and an output that somebody removed, are seen and scored."""
    scores: Path = project.root / "data/scores-dev.csv"
    with scores.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 503 and {row["prediction"] for row in rows} <= {"yes", "no"}
    assert {row["model_version"] for row in rows} == {project.output("model.one", "version")}
    scores.unlink()
    assert project.effects("--detailed-exitcode", expect=2) == {"deployment.one-scores": "restart"}
    project("apply", "--yes")
    assert scores.exists() and project.effects("--detailed-exitcode") == {}


def test_a_classifier_is_served_where_it_is_asked_for(cli: Callable[..., Any], tools: Any) -> None:
    project = cli({})
    project.root.mkdir()
    project("init", "--name", "one", "--template", "tabular-classifier", *FAST, "--with", "serve=true")
    project("apply", "--yes")
    row = tools.sample_row(packaged("templates").joinpath("../examples/bank-marketing/data/bank-marketing.csv.gz"))
    answer = tools.post(f"{project.output('deployment.one-api', 'url')}/predict", {"rows": [row]})
    assert answer["predictions"][0]["prediction"] in ("yes", "no")
    project("destroy", "--yes")


def test_a_policy_of_a_blueprint_denies(cli: Callable[..., Any]) -> None:
    project = cli({})
    project.root.mkdir()
    project("init", "--name", "one", "--template", "tabular-classifier", *FAST)
    body = project.root / "templates/tabular-classifier"
    shutil.copytree(str(packaged("templates").joinpath("tabular-classifier")), body)  # the project's own wins
    project.edit("templates/tabular-classifier/body.yaml.j2", "{{ leave_out + personal }}", "{{ leave_out }}")
    assert "reads personal data" in project("apply", "--yes", expect=5).stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--template", "tabular-clasifier"), "did you mean 'tabular-classifier'?"),
        (("--template", "policy-metric-floor"), "with: {limit: …}"),
        (("--template", "policy-metric-flor"), "did you mean 'policy-metric-floor'?"),
        (("--template", "tabular-classifier", "--with", "sed=1"), "did you mean 'seed'?"),
        (("--template", "tabular-classifier", "--with", "seed=x"), "--with seed=x: it is no integer"),
        (("--template", "tabular-classifier", "--with", "seed"), "NAME=VALUE"),
        (("--with", "seed=1"), "--template"),
        (("--template", "tabular-classifier", "--name", "A b"), "cannot be a project's name"),
    ],
)
def test_init_refuses_and_writes_nothing(cli: Callable[..., Any], words: tuple[str, ...], said: str) -> None:
    project = cli({})
    project.root.mkdir()
    assert said in project("init", *words, expect=6).stderr
    assert list(project.root.iterdir()) == []


def test_init_overwrites_nothing(cli: Callable[..., Any]) -> None:
    project = cli({"data/contacts.csv.gz": "mine"})
    assert "data/contacts.csv.gz is there already" in project(
        "init", "--template", "batch-scoring", expect=6
    ).stderr.replace("\n", " ")
    assert [path.name for path in project.root.iterdir()] == ["data"]
    project("init", "--template", "batch-scoring", "--with", "data=data/other.csv")  # then the sample is not needed
    assert (project.root / "data/contacts.csv.gz").read_text() == "mine"
    assert "data: data/other.csv" in (project.root / "batch-scoring.yaml").read_text()
    assert "already" in project("init", "--template", "batch-scoring", expect=6).stderr


def test_init_without_a_template_is_the_smallest_project(cli: Callable[..., Any]) -> None:
    project = cli({})
    project.root.mkdir()
    project("init")
    assert project.effects() == {"value.greeting": "create"}


OWN = {
    "ordain.yaml": """\
kind: Project
name: own
format: 1
---
use: pair
name: a
with:
  first: 1
  second: ${{ env.name }}
""",
    "templates/pair/blueprint.yaml": """\
kind: Blueprint
name: pair
spec: {parameters: {first: {type: integer}, second: {}}}
""",
    "templates/pair/body.yaml.j2": """\
kind: Value
name: {{ name }}-one
spec: {value: {{ first }}}
---
kind: Value
name: {{ name }}-two
spec: {value: {is: {{ second }}, of: "${{ value.{{ name }}-one.outputs.value }}"}}
""",
}


def test_a_cause_shows_the_line_that_a_person_wrote(cli: Callable[..., Any]) -> None:
    project = cli(OWN)
    project("apply", "--yes")
    assert project.effects("--detailed-exitcode") == {}
    project.edit("ordain.yaml", "first: 1", "first: 2")
    assert "value: 1 → 2  ordain.yaml:8:10" in project("why", "value.a-one").stdout
    assert "ordain.yaml:8:10" in project("why", "value.a-two").stdout


def test_an_edited_blueprint_is_seen_though_nothing_else_moved(cli: Callable[..., Any]) -> None:
    project = cli(OWN)
    project("apply", "--yes")
    for _ in range(2):  # the second one from the cache
        assert project.effects("--detailed-exitcode") == {}
    project.edit("templates/pair/body.yaml.j2", "{is:", "{was:")
    assert project.effects() == {"value.a-two": "update"}
    assert "templates/pair/body.yaml.j2:7" in project("why", "value.a-two").stdout
    project("apply", "--yes")
    assert project.effects("--detailed-exitcode") == {}
    project.edit("templates/pair/blueprint.yaml", "first: {type: integer}", "first: {type: string}")
    assert "is no string" in project("plan", expect=6).stderr


def test_a_mistake_in_an_expanded_document_names_both_lines(cli: Callable[..., Any]) -> None:
    project = cli(OWN)
    project.edit("templates/pair/body.yaml.j2", "{value: {{ first }}}", "{valeu: {{ first }}}")
    said = project("validate", expect=6).stderr
    assert "templates/pair/body.yaml.j2:3:8" in said and "ordain.yaml:5:1 used here" in said
    assert "spec: {valeu: {{ first }}}" in said
