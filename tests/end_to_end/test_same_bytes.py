"""Same input, same bytes: in another process, with another seed for the order of sets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

PROJECT = """\
kind: Project
name: same
format: 1
spec:
  trust: {estimators: [lightgbm., xgboost., catboost.]}
  variables: {rounds: {type: integer, default: 3}}
---
kind: Environment
name: dev
spec: {policies: {quiet: advisory, owned: soft}, overrides: {value.a: {labels: {x: "1", y: "2", z: "3"}}}}
---
kind: DataSource
name: rows
spec: {provider: csv, path: rows.csv, contract: {columns: {a: {personal: true}, b: {}, c: {}}}}
---
kind: Dataset
name: set
spec: {from: data_source.rows, prepare: [{derive: {d: a + b + c}}], split: {by: order, test: 0.5}}
---
kind: Model
name: model
spec:
  dataset: dataset.set
  target: label
  estimator: sklearn.linear_model.LogisticRegression
  params: {max_iter: "${{ var.rounds }}"}
  features: {exclude: [a]}
  metrics: [roc_auc, log_loss, accuracy]
  gates: [roc_auc >= 0.0, accuracy >= 0.0]
  positive: "yes"
---
kind: Value
name: a
for_each: {north: 1, south: 2, east: 3, west: 4}
labels: {b: "1", a: "2", c: "3"}
spec: {value: ["${{ each.value }}", "${{ model.model.outputs.version }}-${{ secret.X }}-${{ secret.Y }}"]}
---
kind: Value
name: z
depends_on: ['value.a["west"]', 'value.a["east"]', model.model]
lifecycle: {replace_when: [model.model, 'value.a["north"]']}
spec: {value: {q: 1, b: 2, a: 3}}
---
kind: Policy
name: owned
spec: {level: hard, require: resource.owner != "", message: "${{ resource.address }}: ${{ resource.labels }}"}
---
kind: Policy
name: quiet
spec:
  level: hard
  require: plan.changes.size() < 3 && !resource.facts.columns.exists(c, c.personal)
---
kind: Policy
name: late
spec: {level: advisory, require: now < timestamp("2000-01-01T00:00:00Z") || resource.name != "z"}
"""
ROWS = "a,b,c,label\n" + "".join(f"{n},{n * 7 % 11},{n % 3},{'yes' if n % 2 else 'no'}\n" for n in range(40))


def test_the_seed_of_hashes_moves_no_byte(cli: Callable[..., Any]) -> None:
    project = cli({"ordain.yaml": PROJECT, "rows.csv": ROWS})
    plans = []
    for seed in ("0", "1", "2"):
        project.extra = {"PYTHONHASHSEED": seed, "X": "x", "Y": "y"}
        found = project.json("plan", "--no-cache", expect=5)
        del found["envelope"]
        plans.append(found)
    assert len(plans[0]["changes"]) == 8 and plans[0]["policy"] and plans[0]["timed_subjects"]
    assert plans[0]["digest"] == plans[1]["digest"] == plans[2]["digest"]
    assert plans[0] == plans[1] == plans[2]
