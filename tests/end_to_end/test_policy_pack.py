"""The policies that come along, through the real command line: each one passes, fails and waits; broken rules deny."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ordain.config.blueprints import read_blueprints
from ordain.config.files import read_shipped
from ordain.expr.gates import LOWER_IS_BETTER
from ordain.resources import packaged
from ordain.session.context import Context
from ordain.session.loading import load
from ordain.session.policies import run_policy_tests
from ordain.values.change import TRAINS, WRITTEN_DOWN
from ordain.values.diagnostic import ExitCode, OrdainError
from ordain.values.setting import Level, PolicySeverity

FIFTEEN = (
    *("owner-required", "no-personal-features", "minimal-rows", "data-age", "metric-floor", "no-regression"),
    *("fairness-ratio", "protected-resources", "promotion-only", "licence-allow-list", "unpinned-data"),
    *("limits-required", "monitor-required", "freeze-window", "maximal-duration"),
)
FOLDER = Path(str(packaged("templates")))
GUIDE = Path(__file__).parents[2] / "docs/guides/policies.md"

PROJECT = """\
kind: Project
name: pack
format: 1
---
kind: Environment
name: dev
spec: {default: true}
---
kind: Environment
name: prod
spec: {promotes_from: dev}
"""
GIVEN: Mapping[str, str] = {
    "minimal-rows": "{min: 20}",
    "metric-floor": "{limit: 0.9}",
    "fairness-ratio": "{must_measure: false}",
    "protected-resources": "{environments: [dev], kinds: [Model]}",
    "licence-allow-list": "{allowed: [CC-BY-4.0]}",
    "unpinned-data": "{environments: [dev]}",
    "monitor-required": "{environments: [dev]}",
    "freeze-window": '{from: "2020-01-01T00:00:00Z", until: "2999-01-01T00:00:00Z", labels: {frozen: "yes"}}',
}
RESOURCES = """\
kind: DataSource
name: good
owner: me@example.com
labels: {frozen: "no"}
spec:
  provider: csv
  path: good.csv
  licence: CC-BY-4.0
  contract: {columns: {e_mail: {personal: true}}}
---
kind: DataSource
name: bad
labels: {frozen: "yes"}
spec:
  provider: csv
  path: bad.csv
---
# Where it lies is known once a dataset is built.
kind: DataSource
name: later
owner: me@example.com
spec:
  provider: csv
  path: ${{ dataset.filtered.outputs.rows }}.csv
---
kind: Dataset
name: training
owner: me@example.com
spec: {from: data_source.good, split: {by: order, test: 0.5}}
---
kind: Dataset
name: filtered
owner: me@example.com
spec: {from: data_source.good, prepare: [{filter: x > 0}], split: {by: order, test: 0.5}}
---
kind: Dataset
name: later
owner: me@example.com
spec: {from: data_source.later, split: {by: order, test: 0.5}}
---
kind: Model
name: good
owner: me@example.com
lifecycle: {protect: true}
spec:
  dataset: dataset.training
  target: y
  features: {include: [x]}
  estimator: sklearn.linear_model.LogisticRegression
  metrics: [roc_auc]
---
kind: Model
name: bad
owner: me@example.com
spec:
  dataset: dataset.training
  target: y
  features: {include: [x, e_mail]}
  estimator: sklearn.linear_model.LogisticRegression
  metrics: [accuracy]
  train: here
---
kind: Model
name: later
owner: me@example.com
spec:
  dataset: dataset.later
  target: y
  estimator: sklearn.linear_model.LogisticRegression
  metrics: [roc_auc]
  train: ${{ dataset.filtered.outputs.digest }}
---
kind: Deployment
name: good
owner: me@example.com
spec: {provider: http, model: model.good, limits: {rows: 10}}
---
kind: Deployment
name: bad
owner: me@example.com
spec: {provider: http, model: model.good}
---
kind: Deployment
name: later
owner: me@example.com
spec: {provider: http, model: model.good, limits: {rows: "${{ dataset.filtered.outputs.rows }}"}}
---
kind: Monitor
name: health
spec: {deployment: deployment.good}
"""
MONITORS = '''\
"""A kind Monitor that does nothing: to show what the policy asks for."""

from typing import Annotated

from ordain.api import Decision, Effect, Kind, KindEntry, Operation, Ref, Spec, StepResult, hookimpl


class MonitorSpec(Spec):
    deployment: Annotated[str, Ref("deployment")]


class Monitor(Kind):
    name = "Monitor"
    spec = MonitorSpec
    outputs = Spec

    def decide(self, situation, delta):
        return Decision(effect=Effect.CREATE, operations=(Operation(name="write"),))

    def perform(self, call, provider):
        return StepResult()


@hookimpl
def register_kinds():
    return (KindEntry(name="Monitor", target="tiny_monitors:Monitor", summary="watches nothing"),)
'''
PLUGIN = {
    "site/tiny_monitors.py": MONITORS,
    "site/tiny_monitors-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: tiny-monitors\nVersion: 1.0\n",
    "site/tiny_monitors-1.0.dist-info/entry_points.txt": "[ordain.plugins]\nmonitors = tiny_monitors\n",
}


def uses(given: Mapping[str, str], names: tuple[str, ...] = FIFTEEN) -> str:
    documents = (f"use: policy-{name}\nname: {name}\nwith: {given.get(name, '{}')}\n" for name in names)
    return "---\n".join(documents)


def csv_of(rows: int, day: str) -> str:
    cells = (f"{n % 7},{'ab'[n % 2]},p{n}@example.com,{day},{'yn'[n % 2]}" for n in range(rows))
    return "\n".join(("x,group,e_mail,day,y", *cells)) + "\n"


def write(root: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")


def found(plan: Any) -> dict[tuple[str, str], tuple[str, str]]:
    """Return outcome and message by policy and address ("" for the plan's own); what passes is not there."""
    return {
        (one["policy"].removeprefix("policy."), one["address"] or ""): (one["outcome"], one["message"])
        for one in plan["policy"]
    }


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory, at: Callable[[Path], Any]) -> Any:
    """A project that uses all fifteen, and is planned only: sources that are good, bad and not there yet."""
    root = tmp_path_factory.mktemp("pack")
    today = datetime.now(UTC).date().isoformat()
    files = {"ordain.yaml": PROJECT, "policies.yaml": uses(GIVEN), "resources.yaml": RESOURCES, **PLUGIN}
    write(root, {**files, "good.csv": csv_of(40, today), "bad.csv": csv_of(10, "2001-02-03")})
    project = at(root)
    project.extra = {"PYTHONPATH": str(root / "site")}
    return project


@pytest.fixture(scope="module")
def in_prod(pack: Any) -> Any:
    return pack.json("plan", "--env", "prod", expect=5)


@pytest.fixture(scope="module")
def in_dev(pack: Any, in_prod: Any) -> Any:
    content = next(one for one in in_prod["changes"] if one["address"] == "data_source.good")["outputs"]["content"]
    pack.edit("resources.yaml", "  licence: CC", f"  digest: {content}\n  licence: CC")
    return pack.json("plan", expect=5)


@pytest.mark.parametrize(
    ("policy", "passes", "fails", "waits", "said"),
    [
        ("owner-required", "data_source.good", "data_source.bad", None, "has no owner"),
        ("no-personal-features", "model.good", "model.bad", "model.later", "reads personal data (e_mail)"),
        ("minimal-rows", "data_source.good", "data_source.bad", "data_source.later", "10 rows, fewer than 20"),
        ("data-age", "data_source.good", "data_source.bad", "data_source.later", "is of 2001-02-03T00:00:00Z"),
        ("protected-resources", "model.good", "model.bad", None, "is not protected in dev"),
        ("licence-allow-list", "data_source.good", "data_source.bad", "data_source.later", "names no licence; agreed"),
        ("unpinned-data", "data_source.good", "data_source.bad", "data_source.later", "is not pinned"),
        ("limits-required", "deployment.good", "deployment.bad", "deployment.later", "does not say its limits"),
        ("monitor-required", "deployment.good", "deployment.bad", None, "no monitor watches deployment.bad in dev"),
        ("freeze-window", "data_source.good", "data_source.bad", None, "between 2020-01-01T00:00:00Z and 2999-01-01"),
    ],
)
def test_a_rule_of_the_plan_passes_fails_and_waits(
    in_dev: Any, policy: str, passes: str, fails: str, waits: str | None, said: str
) -> None:
    says = found(in_dev)
    assert (policy, passes) not in says
    outcome, message = says[policy, fails]
    assert outcome == "fail" and said in message
    if waits is not None:
        outcome, message = says[policy, waits]
        assert outcome == "unknown" and message.startswith("waits for ")


def test_findings_carry_what_a_reviewer_needs(in_dev: Any) -> None:
    (one,) = (f for f in in_dev["policy"] if f["policy"] == "policy.minimal-rows" and f["outcome"] == "fail")
    assert (one["level"], one["severity"], one["link"]) == ("soft", "medium", "docs/guides/policies.md#minimal-rows")
    assert one["remedy"] and one["at"]["file"] == "resources.yaml" and one["violation"]
    (plan,) = (f for f in in_dev["policy"] if f["policy"] == "policy.maximal-duration")
    assert (plan["outcome"], plan["at"]["file"]) == ("unknown", "policies.yaml")


def test_production_takes_only_what_is_promoted(in_prod: Any, in_dev: Any) -> None:
    says = found(in_prod)
    assert {key[1]: one[0] for key, one in says.items() if key[0] == "promotion-only"} == {
        "model.bad": "fail",
        "model.later": "unknown",
    }
    assert says["promotion-only", "model.bad"][1] == "model.bad does not come to prod by promotion"
    assert not any(key[0] == "promotion-only" for key in found(in_dev))


def test_every_case_beside_the_fifteen_passes(pack: Any, in_dev: Any) -> None:
    report = pack.json("policy", "test")
    assert report["passed"] and report["coverage"] == {"never_fail": [], "never_pass": [], "untested": []}
    outcomes = {one["policy"].removeprefix("policy."): set(one["outcomes"]) for one in report["policies"]}
    assert set(outcomes) == set(FIFTEEN)
    assert all(some >= {"pass", "fail", "unknown"} for some in outcomes.values())


NARROWED = {
    "owner-required": "kinds: [Model]",
    "no-personal-features": "allowed: [e_mail]",
    "minimal-rows": "kinds: [Dataset]",
    "data-age": "undated: spare, days: 0.5",
    "metric-floor": "metric: log_loss, limit: 0.4, must_measure: false",
    "no-regression": "metric: mae, may_lose: 0.5, must_measure: false",
    "fairness-ratio": "metric: equalized_odds_ratio, min: 0.9, must_measure: false",
    "licence-allow-list": "kind: Model, allowed: [MIT, MIT OR Apache-2.0]",
    "limits-required": "rows: 100, concurrency: 8, providers: [http, other-http]",
    "freeze-window": 'from: "2026-12-20T00:00:00+01:00", until: "2027-01-04T00:00:00Z", allowed: []',
    "maximal-duration": "max: 1h30m",
}


def test_every_case_passes_however_a_rule_is_narrowed(tmp_path: Path) -> None:
    narrowed = "environments: [staging, dev], level: advisory, severity: low, owner: risk@example.com"
    wide = (
        'labels: {tier: gold, "odd key": "it\'s \\"quoted\\""}, exceptions: [{resources: [model.*], reason: because}]'
    )
    given = {
        name: f"{{{narrowed}{'' if name == 'maximal-duration' else f', {wide}'}, {NARROWED.get(name, '')}}}"
        for name in FIFTEEN
    }
    write(tmp_path, {"ordain.yaml": PROJECT, "policies.yaml": uses(given)})
    report = run_policy_tests(Context(root=tmp_path), ())
    assert report.failed == ()
    assert all(one.reached >= {"pass", "fail", "unknown", "skip"} for one in report.policies)


def test_the_bodies_know_the_engine_s_words() -> None:
    """What a body spells out stands in the code too: effects, and the metrics that are better when lower."""
    bodies = {name: (FOLDER / f"policy-{name}/body.yaml.j2").read_text() for name in FIFTEEN}
    for name in ("metric-floor", "no-regression"):
        assert json.dumps(sorted(LOWER_IS_BETTER)) in bodies[name]
    assert all(f'"{effect}"' in bodies["promotion-only"] for effect in TRAINS)
    assert all(f'"{effect}"' in bodies["freeze-window"] for effect in WRITTEN_DOWN)


@pytest.mark.parametrize("name", FIFTEEN)
def test_the_guide_explains_a_rule_and_its_parameters(name: str, tmp_path: Path) -> None:
    blueprints, wrong = read_blueprints([file for file in read_shipped(FOLDER) if f"/policy-{name}/" in file.path])
    (blueprint,) = blueprints.values()
    section = GUIDE.read_text(encoding="utf-8").partition(f"\n### {name}\n")[2].partition("\n### ")[0]
    example = section.partition("```yaml\n")[2].partition("```")[0]
    assert not wrong and example.startswith(f"use: policy-{name}\nname: {name}\n")
    write(tmp_path, {"ordain.yaml": PROJECT, "policies.yaml": example})
    (one,) = run_policy_tests(Context(root=tmp_path), ()).policies
    assert one.cases and not one.failed
    common = {"level", "severity", "environments", "labels", "exceptions", "owner"}
    assert all(f"| `{one}` |" in section for one in set(blueprint.parameters) - common)
    assert {"level", "severity", "environments", "exceptions", "owner"} - set(blueprint.parameters) <= {"exceptions"}
    assert set(blueprint.parameters["level"]["enum"]) == {level.value for level in Level}
    assert set(blueprint.parameters["severity"]["enum"]) == {severity.value for severity in PolicySeverity}


GATED = """\
kind: Project
name: gated
format: 1
---
kind: DataSource
name: rows
spec: {provider: csv, path: rows.csv}
---
kind: Dataset
name: training
spec: {from: data_source.rows, split: {by: order, test: 0.5}}
"""
MODEL = """\
---
kind: Model
name: {name}
labels: {{frozen: "{name}"}}
spec:
  dataset: dataset.training
  target: y
  positive: "yes"
  features: {{include: [{feature}]}}
  estimator: sklearn.linear_model.LogisticRegression
  params: {{C: {c}}}
  roles: {{sensitive: [group]}}
  metrics: [roc_auc, demographic_parity_ratio]
"""
GATES = """\
---
use: policy-fairness-ratio
name: fairness
---
use: policy-metric-floor
name: floor
with: {limit: 0.9}
---
use: policy-no-regression
name: no-regression
with: {may_lose: 0.01}
---
use: policy-maximal-duration
name: short
with: {max: 0.001s, level: advisory}
---
use: policy-maximal-duration
name: long
with: {max: 10h}
---
use: policy-freeze-window
name: frozen
with:
  {from: "2020-01-01T00:00:00Z", until: "2999-01-01T00:00:00Z", labels: {frozen: steady}, level: advisory}
---
use: policy-freeze-window
name: thawed
with: {from: "2020-01-01T00:00:00Z", until: "2020-02-01T00:00:00Z"}
"""


def groups() -> str:
    """Two halves alike: ``x`` tells ``y``, ``z`` only the group, of which one says yes a little more often."""
    half = [(int(n < yes), int(group == "a"), group) for group, yes in (("a", 22), ("b", 18)) for n in range(40)]
    cells = (f"{x},{z},{group},{('no', 'yes')[x]}" for x, z, group in half * 2)
    return "\n".join(("x,z,group,y", *cells)) + "\n"


@pytest.fixture(scope="module")
def gated(tmp_path_factory: pytest.TempPathFactory, at: Callable[[Path], Any]) -> Mapping[str, Any]:
    """Two models that pass, are changed so that one gets worse, and are judged again; the plans, and what was said."""
    root = tmp_path_factory.mktemp("gated")
    project = at(root)

    def models(feature: str, c: float) -> str:
        return MODEL.format(name="steady", feature="x", c=c) + MODEL.format(name="worse", feature=feature, c=0.9)

    write(root, {"ordain.yaml": GATED + GATES, "models.yaml": models("x", 1.0)[4:], "rows.csv": groups()})
    first = project.json("plan")
    project("apply", "--yes")
    quiet = project.json("plan", "--detailed-exitcode")
    write(root, {"models.yaml": models("z", 2.0)[4:]})
    second = project.json("plan")
    said = project("apply", "--yes", expect=7).stdout
    return {"first": found(first), "quiet": quiet["policy"], "second": found(second), "said": said}


@pytest.mark.parametrize(
    ("policy", "metric", "said"),
    [
        ("floor", "roc_auc", "0.55, below 0.9"),
        ("no-regression", "roc_auc", "0.55, what stands 1.0: worse by more than 0.01"),
        ("fairness", "demographic_parity_ratio", "0.0, below 0.8"),
    ],
)
def test_a_gate_waits_for_training_and_refuses_what_is_worse(
    gated: Mapping[str, Any], policy: str, metric: str, said: str
) -> None:
    for plan in ("first", "second"):
        for model in ("steady", "worse"):
            outcome, message = gated[plan][policy, f"model.{model}"]
            assert outcome == "unknown" and message.startswith(f"waits for candidate.{metric}")
    refused = gated["said"][gated["said"].index("✗ model.worse: rejected") :]
    assert f"policy.{policy}: model.worse has {metric} {said}" in refused and "model.steady" not in refused


def test_a_plan_that_takes_too_long_waits_for_history_passes_or_fails(gated: Mapping[str, Any]) -> None:
    assert {gated["first"][name, ""][0] for name in ("short", "long")} == {"unknown"}
    assert gated["second"]["short", ""][0] == "fail" and "more than 0.001s" in gated["second"]["short", ""][1]
    assert ("long", "") not in gated["second"]


def test_a_freeze_speaks_of_what_changes_while_it_lasts(gated: Mapping[str, Any]) -> None:
    assert gated["quiet"] == []
    frozen = [key for plan in ("first", "second") for key in gated[plan] if key[0] in ("frozen", "thawed")]
    assert frozen == [("frozen", "model.steady")] * 2
    assert "would change (retrain)" in gated["second"]["frozen", "model.steady"][1]


BROKEN = """\
kind: Project
name: broken
format: 1
---
kind: Value
name: a
spec: {value: {list: [%s]}}
---
kind: Policy
name: broken
spec:
  level: hard
  require: %s
"""


@pytest.mark.parametrize(
    ("require", "column", "said"),
    [
        ("resource.owner ==", 29, "it ends too early"),
        ("size(1) > 0", 16, "size"),
        ("size(resource.kind)", 12, "a rule must be true or false"),
        ('resource.ownr != ""', 12, "did you mean owner?"),
        ('"size([1]%s) > 0"' % (".map(a, a + a)" * 12), 12, "copies of what it reads"),
    ],
)
def test_a_broken_rule_is_refused_where_it_stands(tmp_path: Path, require: str, column: int, said: str) -> None:
    write(tmp_path, {"ordain.yaml": BROKEN % ("", require)})
    with pytest.raises(OrdainError) as raised:
        load(Context(root=tmp_path), key=None)
    (one,) = raised.value.diagnostics
    assert (one.code, str(one.at), one.exit) == ("expression", f"ordain.yaml:13:{column}", ExitCode.SPEC)
    assert said in one.summary


RUNNING = """\
---
kind: Policy
name: runs-away
spec:
  level: hard
  require: >-
    resource.spec.value.list.all(x, resource.spec.value.list.all(y, resource.spec.value.list.all(z, x + y + z > 0)))
---
kind: Policy
name: asks-for-nothing
spec:
  level: soft
  require: resource.spec.value.colour == "red"
---
kind: Policy
name: only-tells
spec:
  level: advisory
  require: resource.spec.value.colour == "red"
"""


def test_what_cannot_be_judged_denies_where_it_is_hard(cli: Callable[..., Any]) -> None:
    numbers = ", ".join(str(n + 1) for n in range(300))
    project = cli({"ordain.yaml": BROKEN % (numbers, "env.name != ''") + RUNNING})
    plan = project.json("plan", expect=5)
    says = {
        one["policy"]: (one["outcome"], one["level"], one["at"]["line"], one["at"]["column"]) for one in plan["policy"]
    }
    assert says == {
        "policy.runs-away": ("error", "hard", 19, 12),
        "policy.asks-for-nothing": ("error", "soft", 26, 12),
        "policy.only-tells": ("error", "advisory", 32, 12),
    }
    told = " ".join(one["message"] for one in plan["policy"])
    assert "it takes too many steps to evaluate" in told and "resource.spec.value.colour is not there" in told
    shown = project("apply", "--yes", expect=5).stdout
    assert "ordain.yaml:19:12" in shown and not list(project.json("state", "list")["resources"])
    project.edit("ordain.yaml", "require: env.name != ''", "require: resource.")
    said = project("validate", expect=6).stderr
    assert "ordain.yaml:13:" in said and "= fix: " in said


MISSING = """\
kind: Project
name: missing
format: 1
---
kind: DataSource
name: gone
spec: {provider: csv, path: gone.csv}
---
use: policy-minimal-rows
name: minimal-rows
with: {min: 5}
"""


def test_of_data_that_cannot_be_looked_at_nothing_is_known(cli: Callable[..., Any]) -> None:
    plan = cli({"ordain.yaml": MISSING}).json("plan", expect=6)
    assert [(one["address"], one["outcome"]) for one in plan["policy"]] == [("data_source.gone", "unknown")]
    assert [one["code"] for one in plan["diagnostics"]] == ["source-missing"]
