"""Documents → what one environment asks for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from ordain.config.locate import locate
from ordain.values.address import Address, Reference
from ordain.values.data import Secret, Unknown
from ordain.values.setting import Level

VARIABLES = """kind: Project
name: demo
format: 1
spec:
  variables:
    n: {type: integer, default: 3, min: 1, max: 10}
    ratio: {type: number, default: 0.5}
    flag: {type: boolean, default: false}
    color: {default: red, values: [red, green]}
    word: {default: ab, pattern: "[a-z]+", max: 4}
    items: {type: list, default: [1]}
    tree: {type: map, default: {a: {b: deep}}}
    password: {secret: true, default: "${{ secret.PW }}"}
---
kind: Thing
name: a
spec:
  value: {n: "${{ var.n }}", r: "${{ var.ratio }}", f: "${{ var.flag }}", c: "${{ var.color }}", w: "${{ var.word }}",
          i: "${{ var.items }}", t: "${{ var.tree.a.b }}", p: "${{ var.password }}", e: "${{ env.name }}"}
"""


def value(resolution: Any, address: str = "thing.a") -> Any:
    assert resolution.desired is not None, resolution.diagnostics
    return resolution.desired.resources[Address.parse(address)].spec["value"]


def codes(resolution: Any) -> list[str]:
    return [f"{d.code} {d.at}" for d in resolution.diagnostics]


def test_variables_have_defaults_and_keep_their_types(load: Any) -> None:
    found = value(load(VARIABLES, project=False))
    secret = Secret(expression="${{ secret.PW }}", names=("secret.PW",))
    assert found == {
        "n": 3, "r": 0.5, "f": False, "c": "red", "w": "ab", "i": [1], "t": "deep", "p": secret, "e": "default",
    }  # fmt: skip


def test_variables_from_outside_are_read_by_their_type(load: Any) -> None:
    given = {
        "n": "7",
        "ratio": "2",
        "flag": "true",
        "color": "green",
        "word": "no",
        "items": "[1, no]",
        "tree": "{a: {b: 1}}",
    }
    found = value(
        load(VARIABLES, project=False, variables={**given, "password": "hunter2"}, digest=lambda name: f"D-{name}")
    )
    secret = Secret(expression="${{ var.password }}", names=("var.password",), digest="D-var.password")
    assert found == {
        "n": 7, "r": 2, "f": True, "c": "green", "w": "no", "i": [1, "no"], "t": 1, "p": secret, "e": "default",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("n", "x", 6), ("n", "1.5", 6), ("n", "0", 6), ("n", "11", 6), ("n", "true", 6), ("ratio", "x", 7),
        ("flag", "1", 8), ("color", "blue", 9), ("word", "A", 10), ("word", "abcde", 10), ("items", "{}", 11),
        ("items", "[", 11),
        ("tree", "[]", 12),
    ],
)  # fmt: skip
def test_a_wrong_value_from_outside_points_at_the_declaration(load: Any, name: str, text: str, line: int) -> None:
    resolution = load(VARIABLES, project=False, variables={name: text})
    assert codes(resolution) == [f"variable-value ordain.yaml:{line}:5"]
    assert repr(text)[1:-1] in resolution.diagnostics[0].summary or text in resolution.diagnostics[0].summary


def test_an_environment_sets_variables_and_the_command_line_wins(load: Any) -> None:
    text = VARIABLES + "---\nkind: Environment\nname: dev\nspec: {variables: {n: 5, ratio: 1}}\n"
    found = value(load(text, project=False, variables={"n": "6"}))
    assert (found["n"], found["r"], found["e"]) == (6, 1, "dev")


def test_a_wrong_value_in_an_environment_points_there(load: Any) -> None:
    text = VARIABLES + "---\nkind: Environment\nname: dev\nspec: {variables: {n: x, nn: 1}}\n"
    resolution = load(text, project=False)
    assert codes(resolution) == ["variable-value ordain.yaml:23:23", "variable-unknown ordain.yaml:23:26"]
    assert "did you mean 'n'?" in resolution.diagnostics[1].fix
    assert [(str(at), word) for at, word in resolution.diagnostics[0].related] == [("ordain.yaml:6:5", "declared here")]


def test_unknown_variables_from_outside(load: Any) -> None:
    resolution = load(VARIABLES, project=False, variables={"nn": "1"})
    assert codes(resolution) == ["variable-unknown ordain.yaml:5:3"]
    stray = load(VARIABLES, project=False, variables={"nn": "1"}, origins={"nn": "ORDAIN_VAR_nn"})
    assert stray.diagnostics == ()


def test_a_secret_is_never_shown(load: Any) -> None:
    planted = "hunter2-planted"
    text = (
        "kind: Project\nname: demo\nspec:\n  variables:\n    pw: {secret: true, pattern: '[0-9]+'}\n"
        f"    open: {{secret: true, default: {planted}}}\n---\n"
        f"kind: Environment\nname: dev\nspec: {{variables: {{open: {planted}}}}}\n"
    )
    resolution = load(text, project=False, variables={"pw": planted})
    assert {d.code for d in resolution.diagnostics} == {"variable-value", "secret-in-file"}
    assert planted not in str(resolution)


@pytest.mark.parametrize(
    "text",
    [
        "kind: Project\nname: demo\nspec: {variables: {pw: {secret: true, default: hunter2}}}\n",
        "kind: Project\nname: demo\nspec: {variables: {pw: {secret: true}}}\n"
        "---\nkind: Environment\nname: dev\nspec: {variables: {pw: hunter2}}\n",
    ],
)
def test_the_text_of_a_secret_stands_in_no_file(load: Any, text: str) -> None:
    (found,) = load(text, project=False).diagnostics
    assert found.code == "secret-in-file" and "hunter2" not in str(found) and "secret.NAME" in found.fix


def test_a_secret_reaches_the_desired_state_as_a_name_only(load: Any) -> None:
    resolution = load(VARIABLES, project=False, variables={"password": "hunter2-planted"})
    assert resolution.desired is not None
    assert "hunter2-planted" not in str(resolution)


def test_a_wrong_variable_breaks_nothing_else(load: Any) -> None:
    text = (
        "kind: Project\nname: demo\nspec: {variables: {x: {type: integer}}}\n---\n"
        "kind: Table\nname: t\nspec: {path: x, rows: '${{ var.x }}'}\ndescription: ${{ var.x }}\n"
    )
    assert codes(load(text, project=False)) == ["variable-unset ordain.yaml:3:20"]
    broken = text.replace("type: integer", "type: int")
    assert codes(load(broken, project=False)) == ["spec-invalid ordain.yaml:3:30"]


ENVIRONMENTS = """kind: Environment
name: dev
spec: {default: true}
---
kind: Environment
name: prod
spec:
  promotes_from: dev
  overrides:
    table.t:
      description: for prod
      labels: {tier: null, team: b}
      spec:
        rows: many
        columns: {a: null, b: z}
    table.u: {spec: {provider: sql, query: select}}
    thing.a: {spec: {value: null}, lifecycle: {protect: true}}
---
kind: Table
name: t
labels: {tier: gold, team: a}
spec: {path: x, rows: 5, columns: {a: x, b: y, c: w}}
---
kind: Table
name: u
spec: {provider: csv, path: x, rows: 9}
---
kind: Thing
name: a
spec: {value: {x: 1}}
"""


def test_the_default_environment_is_meant(load: Any) -> None:
    desired = load(ENVIRONMENTS).desired
    assert desired.environment.name == "dev"
    assert set(desired.environments) == {"dev", "prod"}
    table = desired.resources[Address.parse("table.t")]
    assert (table.spec["rows"], table.labels, table.description) == (5, {"tier": "gold", "team": "a"}, "")


def test_overrides_are_merge_patches(load: Any) -> None:
    desired = load(ENVIRONMENTS.replace("rows: many", "rows: 50"), environment="prod").desired
    assert desired.environment.promotes_from == "dev"
    table = desired.resources[Address.parse("table.t")]
    assert table.spec == {"rows": 50, "columns": {"b": "z", "c": "w"}, "tags": [], "path": "x"}
    assert (table.labels, table.description) == ({"team": "b"}, "for prod")
    other = desired.resources[Address.parse("table.u")]
    assert (other.provider, other.spec) == ("sql", {"rows": 10, "columns": {}, "tags": [], "query": "select"})
    thing = desired.resources[Address.parse("thing.a")]
    assert thing.spec == {"value": None}
    assert thing.lifecycle.protect
    at = locate(table.source, ("spec", "rows"))
    assert str(at) == "ordain.yaml:18:15"
    assert str(locate(table.source, ("spec", "path"))) == "ordain.yaml:26:14"


def test_a_wrong_override_names_the_environment(load: Any) -> None:
    resolution = load(ENVIRONMENTS, environment="prod")
    assert codes(resolution) == ["spec-invalid ordain.yaml:18:15"]
    assert resolution.diagnostics[0].snippet == "        rows: many"


def test_environments_are_chosen_clearly(load: Any) -> None:
    assert load("kind: Thing\nname: a\n").desired.environment.name == "default"
    assert load("kind: Environment\nname: only\n").desired.environment.name == "only"
    assert load("kind: Thing\nname: a\n", environment="x").desired is None
    resolution = load(ENVIRONMENTS, environment="prd")
    assert "did you mean 'prod'?" in resolution.diagnostics[0].fix


POLICY = """kind: Policy
name: owner-required
owner: risk@example.com
spec:
  level: advisory
  match: resource.kind == "Model"
  require: resource.owner != ""
  message: "${{ resource.address }} has no owner"
---
kind: Environment
name: dev
---
kind: Environment
name: prod
spec: {policies: {owner-required: hard}}
"""


def test_an_environment_sets_the_level_of_a_policy(load: Any) -> None:
    dev, prod = (load(POLICY, environment=name).desired for name in ("dev", "prod"))
    assert [one.policies[0].level for one in (dev, prod)] == [Level.ADVISORY, Level.HARD]
    policy = prod.policies[0]
    assert (policy.owner, policy.message) == ("risk@example.com", "${{ resource.address }} has no owner")
    assert [setting.kind for setting in prod.settings] == ["Project", "Environment", "Policy"]
    assert prod.settings[2].spec["level"] == "hard"
    places = [locate(one.settings[2].source, ("spec", "level")) for one in (dev, prod)]
    start, text = places[0].line, POLICY.splitlines()
    assert text[0].startswith("kind") and [text[one.line - start + 4] for one in places] == [
        "  level: advisory",
        "spec: {policies: {owner-required: hard}}",
    ]
    assert dev.digest != prod.digest


def test_references_become_dependencies(load: Any) -> None:
    text = (
        "kind: Table\nname: t\nspec: {path: x}\n---\nkind: Table\nname: u\nspec: {path: x}\n---\n"
        "kind: Thing\nname: b\n---\nkind: Thing\nname: c\n---\n"
        "kind: Learner\nname: l\ndepends_on: [thing.c]\n"
        "spec: {table: table.t, extra: [table.u], params: {a: ['x-${{ thing.b.outputs.value }}']}}\n---\n"
        "kind: Thing\nname: d\nspec: {value: '${{ learner.l.outputs.metrics.auc }}'}\n"
    )
    desired = load(text).desired
    learner = desired.resources[Address.parse("learner.l")]
    assert list(map(str, learner.depends_on)) == ["table.t", "table.u", "thing.b", "thing.c"]
    reference = Reference(address=Address.parse("thing.b"), path=("value",))
    assert learner.spec["params"]["a"] == [Unknown(expression="x-${{ thing.b.outputs.value }}", refs=(reference,))]
    assert "seed" not in learner.spec  # not fully known, so as it was written
    assert str(desired.resources[Address.parse("thing.d")].depends_on[0]) == "learner.l"
    assert list(desired.resources) == sorted(desired.resources)


def test_a_secret_leaf_keeps_a_spec_known(load: Any) -> None:
    desired = load('kind: Learner\nname: l\nspec: {table: table.t, params: {p: "a${{ secret.P }}"}}\n---\n'
                   "kind: Table\nname: t\nspec: {path: x}\n", digest=lambda name: "d").desired  # fmt: skip
    spec = desired.resources[Address.parse("learner.l")].spec
    assert spec["seed"] == 0
    assert spec["params"]["p"].names == ("secret.P",)
    assert spec["params"]["p"].digest is not None


def test_run_and_lifecycle(load: Any) -> None:
    text = (
        "kind: Thing\nname: a\nrun: {timeout: 1.5h, retries: 2, resources: {cpu: 2, memory: 1.5GiB}}\n"
        "lifecycle: {keep_on_remove: true, ignore_changes: [value.x]}\n"
    )
    thing = load(text).desired.resources[Address.parse("thing.a")]
    assert (thing.run.timeout, thing.run.memory, thing.run.cpu) == (5400, 1610612736, 2)
    assert (thing.lifecycle.keep_on_remove, thing.lifecycle.ignore_changes) == (True, ("value.x",))


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**30), 10**30), st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(codec="utf-8", exclude_categories=["C", "Zl", "Zp"]), max_size=8).map(
        lambda text: text.replace("${{", "")
    ),
)  # fmt: skip
KEYS = st.from_regex(r"[a-z]{1,6}", fullmatch=True)
TREES = st.recursive(SCALARS, lambda t: st.lists(t, max_size=3) | st.dictionaries(KEYS, t, max_size=3), max_leaves=8)


def write(tree: Any, random: Any, depth: int = 0) -> str:
    """Write a tree as YAML, with keys, quotes, style and comments as chance has it."""
    import json

    if isinstance(tree, dict) and tree:
        items = list(tree.items())
        random.shuffle(items)
        if depth and random.random() < 0.4:
            return "{" + ", ".join(f"{_key(k, random)}: {write(v, random, 99)}" for k, v in items) + "}"
        if depth == 99:
            return "{" + ", ".join(f"{_key(k, random)}: {write(v, random, 99)}" for k, v in items) + "}"
        comment = f"  # {random.random()}" if random.random() < 0.3 else ""
        pad = "  " * depth
        return comment + "".join(f"\n{pad}{_key(k, random)}: {write(v, random, depth + 1)}" for k, v in items)
    if isinstance(tree, list) and tree:
        return "[" + ", ".join(write(v, random, 99) for v in tree) + "]"
    if isinstance(tree, str):
        return random.choice([json.dumps(tree, ensure_ascii=False), "'" + tree.replace("'", "''") + "'"])
    if isinstance(tree, bool):
        return random.choice([str(tree), str(tree).lower(), str(tree).upper()])
    return "null" if tree is None else json.dumps(tree)


def _key(key: str, random: Any) -> str:
    return random.choice([f"{key}", f'"{key}"', f"'{key}'"]) if key not in ("null", "true", "false") else f'"{key}"'


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(KEYS, TREES, min_size=1, max_size=4), st.randoms(use_true_random=False), st.booleans())
def test_how_it_is_written_is_of_no_matter(load: Any, tree: Any, random: Any, other_file: bool) -> None:
    def project(reverse: bool) -> dict[str, str]:
        documents = [
            write({"kind": "Thing", "name": "a", "labels": {"x": "1", "y": "2"}, "spec": {"value": tree}}, random),
            write({"kind": "Table", "name": "t", "depends_on": ["thing.a"], "spec": {"path": "p", "rows": 3}}, random),
        ]
        if reverse:
            documents.reverse()
        head = "kind: Project\nname: demo"
        if other_file and reverse:
            return {"ordain.yaml": head, "sub/x.yaml": documents[0], "y.yml": documents[1]}
        return {"ordain.yaml": "\n---".join((head, *documents))}

    one, two = load(project(False)), load(project(True))
    assert one.diagnostics == two.diagnostics == ()
    assert one.desired.resources[Address.parse("thing.a")].spec["value"] == tree
    assert one.desired.digest == two.desired.digest


@pytest.mark.parametrize(
    "change",
    [
        ("value: 1", "value: 2"), ("value: 1", 'value: "1"'), ("value: 1", "value: 1.0"), ("value: 1", "value: true"),
        ("name: a", "name: b"), ("kind: Thing", "description: x\nkind: Thing"),
        ("kind: Thing", "owner: x\nkind: Thing"),
        ("kind: Thing", "labels: {a: b}\nkind: Thing"), ("kind: Thing", "run: {retries: 1}\nkind: Thing"),
        ("kind: Thing", "lifecycle: {protect: true}\nkind: Thing"), ("value: 1", "value: [1]"),
    ],
)  # fmt: skip
def test_what_is_meant_is_in_the_digest(load: Any, change: tuple[str, str]) -> None:
    text = "kind: Thing\nname: a\nspec:\n  value: 1\n"
    other = text.replace(*change)
    assert other != text
    assert load(text).desired.digest != load(other).desired.digest


def test_a_rotated_secret_shows_in_the_digest(load: Any) -> None:
    text = "kind: Thing\nname: a\nspec: {value: '${{ secret.A }}'}\n"
    digests = {load(text, digest=lambda name, d=d: d).desired.digest for d in ("x", "y")}
    assert len(digests) == 2
