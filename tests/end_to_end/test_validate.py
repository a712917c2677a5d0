"""What ``ordain validate`` and ``ordain plan`` find before anything runs."""

from __future__ import annotations

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
