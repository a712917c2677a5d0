"""Broken specs: each gives its diagnostic, at the very place, with a remedy, and never a traceback."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from ordain.values.diagnostic import ExitCode

THING = "kind: Thing\nname: a\n"
TABLE = "kind: Table\nname: t\nspec: {path: x.csv}\n---\n"
PROJECT_WITH = "kind: Project\nname: a\nspec: %s\n"
BOMB = "b0: &b0 [1,1,1,1,1,1,1,1,1,1]\n" + "".join(
    f"b{n}: &b{n} [{','.join([f'*b{n - 1}'] * 10)}]\n" for n in range(1, 9)
)

# Text behind a Project of four lines (so it begins on line 5), the code expected, and line:column.
BROKEN = {
    # syntax
    "unclosed bracket": (THING + "spec: {value: [1, 2}\n", "yaml-syntax", "7:20"),
    "unclosed brace": (THING + "spec: {value: 1\n", "yaml-syntax", "7:7"),
    "unclosed quote": (THING + 'description: "x\n', "yaml-syntax", "7:14"),
    "bad indentation": (THING + "spec:\n  value: 1\n   more: 2\n", "yaml-syntax", "9:8"),
    "tab": (THING + "spec:\n\tvalue: 1\n", "yaml-tab", "8:1"),
    "colon in plain text": (THING + "description: a: b\n", "yaml-syntax", "7:15"),
    "at sign": (THING + "description: @x\n", "yaml-syntax", "7:14"),
    "unknown escape": (THING + 'description: "\\q"\n', "yaml-syntax", "7:15"),
    "unquoted expression in braces": (THING + "spec: {value: ${{ var.x }}}\n", "yaml-syntax", "7:16"),
    "missing colon": (THING + "spec\n", "yaml-syntax", "7:1"),
    "list where a key is": (THING + "- x\n", "yaml-syntax", "7:1"),
    "duplicate key": (THING + "spec: {value: 1, value: 2}\n", "yaml-duplicate-key", "7:18"),
    "number as key": (THING + "spec: {value: {1: x}}\n", "yaml-key", "7:16"),
    "list as key": (THING + "spec: {value: {[1]: x}}\n", "yaml-key", "7:18"),
    "merge key": (THING + "spec: {value: {<<: {}}}\n", "yaml-reserved-key", "7:16"),
    "reserved key": (THING + "spec: {value: {$secret: {}}}\n", "yaml-reserved-key", "7:16"),
    "foreign tag": (THING + "spec: {value: !!python/object:os.system x}\n", "yaml-tag", "7:15"),
    "foreign tag on a mapping": (THING + "spec: !x {value: 1}\n", "yaml-tag", "7:7"),
    "undefined tag handle": (THING + "spec: {value: !e!x 1}\n", "yaml-syntax", "7:15"),
    "tag that lies": (THING + "spec: {value: !!int x}\n", "yaml-tag", "7:15"),
    "unknown anchor": (THING + "spec: {value: *x}\n", "yaml-unknown-anchor", "7:15"),
    "nameless anchor": (THING + "spec: {value: & x}\n", "yaml-syntax", "7:16"),
    "recursive anchor": (THING + "spec: {value: &x [*x]}\n", "yaml-recursive-anchor", "7:19"),
    "alias bomb": (THING + BOMB, "yaml-alias-bomb", "11:38"),
    "200,000 brackets": (THING + "spec: " + "[" * 200_000, "yaml-too-deep", "7:106"),
    "deep by aliases": (
        THING + "a0: &a0 [1]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 150)),
        "yaml-too-deep",
        "106:12",
    ),
    "infinity": (THING + "spec: {value: -.inf}\n", "yaml-number", "7:15"),
    "not a number": (THING + "spec: {value: .nan}\n", "yaml-number", "7:15"),
    "too large": (THING + "spec: {value: 1e999}\n", "yaml-number", "7:15"),
    "too long": (THING + f"spec: {{value: {'9' * 5000}}}\n", "yaml-number", "7:15"),
    "NUL in quotes": (THING + 'spec: {value: "\\0"}\n', "yaml-control-character", "7:15"),
    "control character": (THING + "spec: {value: \x07}\n", "yaml-control-character", "7:15"),
    "line separator": (THING + "spec: {value: a\u2028b}\n", "yaml-control-character", "7:16"),
    # documents
    "no kind": ("name: a\nspec: {}\n", "document-kind", "5:1"),
    "no name": ("kind: Thing\nspec: {}\n", "document-name", "5:1"),
    "bad name": ("kind: Thing\nname: A_b\n", "document-name", "6:7"),
    "kind is a list": ("kind: [Thing]\nname: a\n", "document-kind", "5:7"),
    "a list": ("- kind: Thing\n", "document-shape", "5:1"),
    "a word": ("Thing\n", "document-shape", "5:1"),
    "unknown kind": ("kind: Tabel\nname: a\n", "kind-unknown", "5:7"),
    "kind of a later version": (
        "kind: Monitor\nname: a\nspec: {}\n",
        "not-yet-supported",
        "5:7",
    ),
    "unknown key of a document": (THING + "lifecycel: {}\n", "spec-unknown-key", "7:1"),
    "same name twice": (THING + "---\n" + THING, "name-duplicate", "9:7"),
    "second project": ("kind: Project\nname: b\n", "project-duplicate", "5:1"),
    # specs
    "spec is a list": (THING + "spec: [1]\n", "spec-invalid", "7:7"),
    "wrong type": (TABLE + "kind: Table\nname: u\nspec:\n  path: x\n  rows: many\n", "spec-invalid", "13:9"),
    "out of range": ("kind: Table\nname: t\nspec: {path: x, rows: 0}\n", "spec-invalid", "7:23"),
    "wrong type deep": ("kind: Table\nname: t\nspec: {path: x, columns: {a: [1]}}\n", "spec-invalid", "7:30"),
    "unknown key": ("kind: Table\nname: t\nspec:\n  path: x\n  colums: {}\n", "spec-unknown-key", "9:3"),
    "missing key": ("kind: Table\nname: t\nspec: {rows: 3}\n", "spec-missing", "7:1"),
    "no spec where one is needed": ("kind: Table\nname: t\n", "spec-missing", "5:1"),
    "unknown provider": ("kind: Table\nname: t\nspec: {provider: cvs}\n", "provider-unknown", "7:18"),
    "provider is a number": ("kind: Table\nname: t\nspec: {provider: 1}\n", "provider-invalid", "7:18"),
    "option of another provider": ("kind: Table\nname: t\nspec: {path: x, query: y}\n", "spec-unknown-key", "7:17"),
    "description is a number": (THING + "description: 1\n", "spec-invalid", "7:14"),
    "label is a number": (THING + "labels: {a: 1.10}\n", "spec-invalid", "7:13"),
    "timeout without unit": (THING + "run: {timeout: 30}\n", "spec-invalid", "7:16"),
    "memory in apples": (THING + "run: {resources: {memory: 3 apples}}\n", "spec-invalid", "7:27"),
    "unknown executor": (THING + "run: {executor: gpu}\n", "executor-unknown", "7:17"),
    "a gpu, which no executor gives yet": (THING + "run: {resources: {gpu: 1}}\n", "not-yet-supported", "7:19"),
    "a test that expects what no rule says": (
        "kind: Policy\nname: p\nspec:\n  level: hard\n  require: 'true'\n  tests: [{expect: maybe}]\n",
        "spec-invalid",
        "10:20",
    ),
    "an exception of nothing": (
        "kind: Policy\nname: p\nspec:\n  level: hard\n  require: 'true'\n  exceptions: [{resources: [], reason: a}]\n",
        "spec-invalid",
        "10:28",
    ),
    "an exception without end": (
        "kind: Policy\nname: p\nspec:\n  level: hard\n  require: 'true'\n"
        "  exceptions: [{resources: [a.b], reason: a, until: soon}]\n",
        "spec-invalid",
        "10:53",
    ),
    "a role of nobody": ("kind: Role\nname: risk\nspec: {people: [risk]}\n", "spec-invalid", "7:17"),
    "a role that there is not": (
        "kind: Environment\nname: e\nspec: {approvals: {roles: [risk]}}\n",
        "role-unknown",
        "7:28",
    ),
    "soak, which nothing waits for yet": (
        "kind: Environment\nname: dev\nspec:\n  soak: 3d\n",
        "not-yet-supported",
        "8:3",
    ),
    "executors, of which there is one yet": (
        "kind: Environment\nname: dev\nspec:\n  executors: {gpu: {type: ray}}\n",
        "not-yet-supported",
        "8:3",
    ),
    "secrets of a server, which nothing asks yet": (
        "kind: Environment\nname: dev\nspec:\n  secrets: {from: openbao}\n",
        "spec-invalid",
        "8:19",
    ),
    "secrets under another name": (
        "kind: Environment\nname: dev\nspec:\n  secrets: {map: {A: B}}\n",
        "not-yet-supported",
        "8:13",
    ),
    "unknown key of lifecycle": (THING + "lifecycle: {protct: true}\n", "spec-unknown-key", "7:13"),
    # references
    "reference to nothing": ("kind: Learner\nname: l\nspec: {table: table.x}\n", "reference-unknown", "7:15"),
    "reference to a wrong kind": (
        THING + "---\nkind: Learner\nname: l\nspec: {table: thing.a}\n",
        "spec-invalid",
        "10:15",
    ),
    "reference that is no address": ("kind: Learner\nname: l\nspec: {table: x}\n", "spec-invalid", "7:15"),
    "expression to nothing": (THING + 'spec: {value: "${{ thing.b.outputs.value }}"}\n', "reference-unknown", "7:15"),
    "unknown output": (
        TABLE + THING + "spec:\n  value: ${{ table.t.outputs.vlaue }}\n",
        "output-unknown",
        "12:10",
    ),
    "reference to itself": (THING + "spec:\n  value: ${{ thing.a.outputs.value }}\n", "reference-self", "8:10"),
    "depends_on nothing": (THING + "depends_on: [thing.b]\n", "reference-unknown", "7:14"),
    "depends_on no address": (THING + "depends_on: [7]\n", "address-invalid", "7:14"),
    "circle": (
        THING + "depends_on: [thing.b]\n---\nkind: Thing\nname: b\ndepends_on: [thing.c]\n---\n"
        "kind: Thing\nname: c\nspec: {value: '${{ thing.a.outputs.value }}'}\n",
        "dependency-cycle",
        "7:14",
    ),
    # expressions
    "unknown variable": (THING + "spec:\n  value: ${{ var.x }}\n", "expression", "8:14"),
    "expression never closed": (THING + "spec:\n  value: a ${{ var.x }\n", "expression", "8:12"),
    "empty expression": (THING + "spec:\n  value: ${{ }}\n", "expression", "8:14"),
    "no expression": (THING + "spec:\n  value: a ${{ 1 + }}\n", "expression", "8:16"),
    "statement": (THING + "spec:\n  value: ${{ {% for x in y %} }}\n", "expression", "8:14"),
    "without outputs": (TABLE + THING + "spec:\n  value: ${{ table.t.value }}\n", "expression", "12:14"),
    "out of the box": (THING + "spec:\n  value: ${{ ''.__class__.__mro__ }}\n", "expression", "8:14"),
    "in a block scalar": (THING + "spec:\n  value: |\n    one\n    two ${{ nil }}\n", "expression", "10:13"),
    "in a folded scalar": (THING + "spec:\n  value: >-\n    one ${{ var.x\n    ~ 'b' }}\n", "expression", "9:13"),
    "far into a folded scalar": (
        THING + "spec:\n  value: >-\n    one\n      two\n    ${{ nil }}\n",
        "expression",
        "11:9",
    ),
    "behind an escape": (THING + "spec: {value: 'it''s ${{ nil }}'}\n", "expression", "7:26"),
    "in double quotes": (THING + 'spec: {value: "a\\"b ${{ nil }}"}\n', "expression", "7:25"),
    "behind a long escape": (THING + 'spec: {value: "\\u00e9 ${{ nil }}"}\n', "expression", "7:15"),
    "the second of two": (THING + "spec:\n  value: ${{ env.name }} ${{ nil }}\n", "expression", "8:30"),
    "secret in a description": (THING + 'description: "${{ secret.X }}"\n', "spec-not-known", "7:14"),
    # settings
    "a rule that ends too early": (
        "kind: Policy\nname: p\nspec:\n  level: hard\n  match: 'true'\n  require: 1 ==\n  remedy: x\n",
        "expression",
        "10:16",
    ),
    "unknown key of an environment": ("kind: Environment\nname: e\nspec: {defualt: true}\n", "spec-unknown-key", "7:8"),
    "environment of a later version": (
        "kind: Environment\nname: e\nspec: {executors: {default: {type: local}}}\n",
        "not-yet-supported",
        "7:8",
    ),
    "override of nothing": (
        "kind: Environment\nname: e\nspec: {overrides: {thing.x: {}}}\n",
        "override-unknown",
        "7:20",
    ),
    "override of no address": ("kind: Environment\nname: e\nspec: {overrides: {x: {}}}\n", "spec-invalid", "7:23"),
    "override of a name": (
        THING + "---\nkind: Environment\nname: e\nspec: {overrides: {thing.a: {name: b}}}\n",
        "override-invalid",
        "10:30",
    ),
    "promotes from nothing": ("kind: Environment\nname: e\nspec: {promotes_from: f}\n", "environment-unknown", "7:23"),
    "promotes from itself": ("kind: Environment\nname: e\nspec: {promotes_from: e}\n", "promotion-cycle", "7:23"),
    "level of no policy": ("kind: Environment\nname: e\nspec: {policies: {p: hard}}\n", "policy-unknown", "7:19"),
    "no such level": ("kind: Environment\nname: e\nspec: {policies: {p: harsh}}\n", "spec-invalid", "7:22"),
    "variable of nobody": ("kind: Environment\nname: e\nspec: {variables: {x: 1}}\n", "variable-unknown", "7:20"),
    "two environments": ("kind: Environment\nname: e\n---\nkind: Environment\nname: f\n", "environment-unknown", "1:1"),
    "two defaults": (
        "kind: Environment\nname: e\nspec: {default: true}\n---\nkind: Environment\nname: f\nspec: {default: true}\n",
        "environment-default",
        "11:17",
    ),
    "policy without a rule": ("kind: Policy\nname: p\nspec: {level: hard}\n", "spec-missing", "7:1"),
    "policy with a broken rule": (
        "kind: Policy\nname: p\nspec:\n  level: hard\n  require: >-\n    true &&\n    resource.ownr == ''\n",
        "expression",
        "11:5",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_spec_gives_its_diagnostic(load: Any, name: str) -> None:
    text, code, position = BROKEN[name]
    resolution = load(text)
    assert resolution.desired is None
    found = [(d.code, str(d.at)) for d in resolution.diagnostics]
    assert (code, f"ordain.yaml:{position}") in found
    for diagnostic in resolution.diagnostics:
        assert diagnostic.is_error
        assert diagnostic.exit is ExitCode.SPEC
        assert diagnostic.at is not None
        assert diagnostic.fix
        assert "Traceback" not in diagnostic.summary + diagnostic.detail


@pytest.mark.parametrize(
    "name", [name for name in BROKEN if name not in ("two environments", "no spec where one is needed")]
)
def test_it_is_the_only_thing_that_is_said(load: Any, name: str) -> None:
    assert len({(d.code, d.at) for d in load(BROKEN[name][0]).diagnostics}) == (2 if name == "no such level" else 1)


@pytest.mark.parametrize(
    ("texts", "code"),
    [
        ({"ordain.yaml": PROJECT_WITH % "{state: {store: sqlite, url: '${{ secret.STATE }}'}}"}, "not-yet-supported"),
        ({"ordain.yaml": ""}, "project-missing"),
        ({"ordain.yaml": "kind: Thing\nname: a\n"}, "project-missing"),
        ({"ordain.yaml": "# nothing\n", "b.yaml": "kind: Project\nname: a\n"}, "project-place"),
        ({"ordain.yaml": "kind: Project\nname: a\nformat: 2\n"}, "format-newer"),
        ({"ordain.yaml": "kind: Project\nname: a\nformat: one\n"}, "format"),
        ({"ordain.yaml": "kind: Project\nname: a\nspec: {artifacts: 's3://x'}\n"}, "spec-invalid"),
        ({"ordain.yaml": "kind: Project\nname: a\nspec: {state: {store: postgres}}\n"}, "spec-invalid"),
        ({"ordain.yaml": "kind: Project\nname: a\nspec: {trust: {estimators: ['']}}\n"}, "spec-invalid"),
        ({"ordain.yaml": "kind: Project\nname: a\nspec: {trust: {estimators: [light]}}\n"}, "spec-invalid"),
        ({"ordain.yaml": "kind: Project\nname: a\nspec: {variables: {x: {type: int}}}\n"}, "spec-invalid"),
        ({"ordain.yaml": "kind: Project\nname: a\nspec: {variables: {x: {default: 1}}}\n"}, "variable-value"),
        ({"ordain.yaml": "kind: Project\nname: a\nspec: {variables: {x: {}}}\n"}, "variable-unset"),
        ({"ordain.yaml": b"kind: Project\nname: caf\xe9\n"}, "yaml-encoding"),
        ({"ordain.yaml": "kind: Project\nname: a\n".encode("utf-16")}, "yaml-encoding"),
        ({"ordain.yaml": "kind: Project\nname: a\n".encode("utf-16-le")}, "yaml-encoding"),
        ({"ordain.yaml": "kind: Project\nname: a\n".encode("utf-32")}, "yaml-encoding"),
        ({"ordain.yaml": b"\x7fELF\x02\x01\x00\x00\x93\xff"}, "yaml-encoding"),
        ({"ordain.yaml": bytes(range(32))}, "yaml-control-character"),
    ],
)
def test_a_broken_project(load: Any, texts: Any, code: str) -> None:
    resolution = load(texts)
    assert resolution.desired is None
    assert code in [d.code for d in resolution.diagnostics]
    assert all(d.at is not None and d.fix for d in resolution.diagnostics)


def test_remedies_say_what_was_meant(load: Any) -> None:
    def fix(name: str) -> str:
        return str(load(BROKEN[name][0]).diagnostics[0].fix)

    assert "did you mean 'Table'?" in fix("unknown kind")
    assert "did you mean 'columns'?" in fix("unknown key")
    assert "path" in fix("unknown key")
    assert "did you mean 'csv'?" in fix("unknown provider")
    assert "did you mean 'value'?" in fix("unknown output")
    assert "did you mean 'lifecycle'?" in fix("unknown key of a document")
    assert "thing.a" in fix("expression to nothing")


def test_a_circle_names_all_of_it(load: Any) -> None:
    (diagnostic,) = load(BROKEN["circle"][0]).diagnostics
    assert "thing.a → thing.b → thing.c → thing.a" in diagnostic.summary
    assert [str(at) for at, _ in diagnostic.related] == ["ordain.yaml:11:14", "ordain.yaml:15:15"]


def test_everything_is_said_in_one_pass(load: Any) -> None:
    text = "\n---\n".join(BROKEN[name][0] for name in ("unknown kind", "unknown key", "reference to nothing", "tab"))
    codes = {d.code for d in load(text).diagnostics}
    assert codes == {"kind-unknown", "spec-unknown-key", "reference-unknown", "yaml-tab"}


def test_a_reference_to_a_broken_document_is_no_second_error(load: Any) -> None:
    text = "kind: Table\nname: t\nspec: {path: [x\n---\nkind: Learner\nname: l\nspec: {table: table.t}\n"
    assert [d.code for d in load(text).diagnostics] == ["yaml-syntax"]


@pytest.mark.parametrize(
    "text",
    [
        PROJECT_WITH % "{state: {store: postgres, url: '${{ secret.STATE }}'}}",
        PROJECT_WITH % "{state: {store: object, url: 's3://x'}}",
        PROJECT_WITH % "{artifacts: 'gs://x'}",
        "kind: Project\nname: a\n---\nkind: Environment\nname: e\nspec: {secrets: {from: file}}\n",
        *(f"kind: Project\nname: a\n---\nkind: {kind}\nname: x\n" for kind in ("Notification", "Monitor")),
    ],
)
def test_what_is_to_come_is_said_to_be_to_come(load: Any, text: str) -> None:
    resolution = load({"ordain.yaml": text})
    assert resolution.desired is None
    assert all("not yet supported in this version" in one.summary for one in resolution.diagnostics)


LINES = (
    *("kind: Thing", "kind: Table", "kind: Environment", "kind: Policy", "kind: Project", "name: a", "name: t", "---"),
    *(
        "spec:",
        "spec: {}",
        "  path: x",
        "  rows: 3",
        "  value: ${{ thing.a.outputs.value }}",
        "  value: ${{ var.x ~ }}",
    ),
    *("depends_on: [thing.a]", "labels: 1", "run: {timeout: []}", "lifecycle: x", "owner: [", "format: x"),
    *("  overrides: {thing.a: {spec: 1}}", "  overrides: {table.t: 3}", "  variables: {x: 1}", "  provider: [1]"),
    *("  promotes_from: a", "  policies: 1", "  secrets: {from: env}", "  level: hard", "  require: 'true'"),
    *("description: ${{ secret.X }}", "  variables: {x: {type: integer, default: a}}"),
)
WORDS = st.sampled_from(LINES)


@settings(max_examples=150, deadline=None)
@given(st.lists(WORDS, max_size=14).map("\n".join))
def test_resolve_takes_anything(load: Any, text: str) -> None:
    resolution = load(text)
    assert resolution.desired is not None or any(d.is_error for d in resolution.diagnostics)
    assert all(d.at is not None for d in resolution.diagnostics)
