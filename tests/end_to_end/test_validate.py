"""What ``ordain validate`` and ``ordain plan`` find before anything runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

PROJECT = """kind: Project
name: typos
format: 1
---
kind: DataSource
name: rows
spec: {provider: csv, path: rows.csv}
---
kind: Dataset
name: training
spec: {from: data_source.rows}
---
kind: Model
name: first
spec:
  dataset: dataset.training
  target: y
  estimator: sklearn.linear_model.LogisticRegresion
---
kind: Model
name: second
spec:
  dataset: dataset.training
  target: y
  estimator: sklearn.linear_model.LogisticRegression
  params: {CC: 1}
"""


def test_misspelt_estimators_and_parameters_are_found_where_they_stand(cli: Callable[..., Any]) -> None:
    project = cli({"ordain.yaml": PROJECT, "rows.csv": "x,y\n1,a\n2,b\n"})
    for command in ("validate", "plan"):
        said = project(command, expect=6).stderr
        assert "ordain.yaml:18:14" in said and "did you mean LogisticRegression?" in said
        assert "ordain.yaml:26:12" in said and "did you mean C?" in said
    project.edit("ordain.yaml", "LogisticRegresion", "LogisticRegression")
    project.edit("ordain.yaml", "{CC: 1}", "{C: 1}")
    project("validate")


def test_machines_read_what_is_wrong_from_standard_output(cli: Callable[..., Any]) -> None:
    project = cli({"ordain.yaml": PROJECT, "rows.csv": "x,y\n1,a\n2,b\n"})
    done = project("validate", "--format", "json", expect=6)
    verdict = json.loads(done.stdout)
    assert done.stderr == "" and not verdict["valid"] and verdict["error_count"] == 2 == len(verdict["diagnostics"])
    assert project("validate", "--json", expect=6).stdout == done.stdout
    assert verdict["diagnostics"][0]["range"]["start"] == {"line": 18, "column": 14}
    (project.root.parent / ".git").mkdir()
    done = project("validate", "--format", "sarif", expect=6)
    results = json.loads(done.stdout)["runs"][0]["results"]
    uris = {one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for one in results}
    assert done.stderr == "" and uris == {"project/ordain.yaml"}
    project.edit("ordain.yaml", "LogisticRegresion", "LogisticRegression")
    project.edit("ordain.yaml", "{CC: 1}", "{C: 1}")
    assert project.json("validate")["valid"]
    assert json.loads(project("validate", "--format", "sarif").stdout)["runs"][0]["results"] == []


def test_a_folder_that_is_no_project_is_told_in_every_form(cli: Callable[..., Any]) -> None:
    project = cli({"other.yaml": "a: 1\n"})
    assert "project-missing" in project("validate", expect=6).stderr
    assert [one["code"] for one in project.json("validate", expect=6)["diagnostics"]] == ["project-missing"]
    (result,) = json.loads(project("validate", "--format", "sarif", expect=6).stdout)["runs"][0]["results"]
    assert result["ruleId"] == "project-missing" and result["locations"]
