"""The published schemas: fresh, valid, and in agreement with what Ordain itself accepts."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from ordain.config.blueprints import expand, read_blueprints
from ordain.config.files import FileText, read_shipped
from ordain.config.load import Document, parse
from ordain.config.report import Report
from ordain.config.resolve import ResolveOptions, resolve
from ordain.expr.templates import Scope
from ordain.session.plugins import load_plugins
from ordain.session.schemas import all_schemas, write_schemas
from ordain.values.span import Source

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").rglob("*.yaml"))
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md"), *ROOT.glob("plugins/*/README.md")])
BANK = ROOT / "examples" / "bank-marketing"


@cache
def validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(dict(all_schemas()["ordain.schema.json"]))


def wrong_with(document: Any, schema: str = "ordain.schema.json") -> list[str]:
    found = jsonschema.Draft202012Validator(dict(all_schemas()[schema])).iter_errors(document)
    return [f"{one.json_path}: {one.message[:200]}" for one in found]


def read(path: str, text: str) -> tuple[Document, ...]:
    """Read a text as Ordain does: YAML's own readers differ on ``yes`` and dates."""
    file = FileText(path=path, data=text.encode(), size=0, mtime_ns=0, ctime_ns=0, inode=0)
    return parse((file,))[0]


def fenced(page: Path) -> Iterator[str]:
    """Yield the YAML on a page that is whole documents, and right: what begins with a kind, or a comment and a kind."""
    for block in re.findall(r"^```ya?ml\n(.*?)^```$", page.read_text(encoding="utf-8"), re.M | re.S):
        if re.match(r"(#[^\n]*\n|---\n)*(kind|use):", block) and not block.startswith("# bad.yaml"):
            yield block


def test_they_are_fresh() -> None:
    """If this fails: make schema."""
    assert write_schemas(ROOT / "schemas", check=True) == ()
    assert {path.name for path in (ROOT / "schemas").glob("*.json")} == set(all_schemas())


@pytest.mark.parametrize("name", sorted(all_schemas()))
def test_each_is_a_schema(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(dict(all_schemas()[name]))


def test_one_file_is_enough_for_an_editor() -> None:
    text = json.dumps(dict(all_schemas()["ordain.schema.json"]))
    assert all(ref.startswith("#/$defs/") for ref in re.findall(r'"\$ref": "([^"]+)"', text))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_examples_fit(path: Path) -> None:
    documents = read(path.name, path.read_text(encoding="utf-8"))
    assert documents
    for document in documents:
        assert wrong_with(document.data) == []
        assert wrong_with(document.data, f"{_file(document.kind)}.schema.json") == []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_document_of_an_example_names_its_schema(path: Path) -> None:
    """Editors look for the line in each document, not in each file."""
    for document in re.split(r"^---\n", path.read_text(encoding="utf-8"), flags=re.M):
        line = re.match(r"# yaml-language-server: \$schema=(\S+)\n", document)
        assert line is not None, document
        assert (path.parent / line[1]).resolve() == ROOT / "schemas" / "ordain.schema.json"


@pytest.mark.parametrize("page", [one for one in PAGES if any(fenced(one))], ids=lambda one: one.name)
def test_the_documents_on_the_pages_fit(page: Path) -> None:
    kinds = load_plugins()[1].kinds
    for block in fenced(page):
        for document in read(page.name, block):
            if document.kind in ("Project", "Environment", "Policy") or document.kind in kinds:
                provider = (document.data.get("spec") or {}).get("provider", "")  # type: ignore[union-attr]
                if provider not in OF_THE_PAGES:
                    assert wrong_with(document.data) == [], block


OF_THE_PAGES = {"jsonlines"}
"""Providers of plugins that a page shows how to write."""


def _file(kind: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind).lower()


MODEL: dict[str, Any] = {
    "kind": "Model",
    "name": "m",
    "spec": {
        "provider": "sklearn",
        "dataset": "dataset.a",
        "target": "y",
        "estimator": "sklearn.dummy.DummyClassifier",
    },
}
SOURCE: dict[str, Any] = {"kind": "DataSource", "name": "a", "spec": {"provider": "csv", "path": "x"}}
VALUE: dict[str, Any] = {"kind": "Value", "name": "a", "spec": {"value": 1}}
PROJECT: dict[str, Any] = {"kind": "Project", "name": "a", "format": 1}
POLICY: dict[str, Any] = {"kind": "Policy", "name": "a", "spec": {"level": "hard", "require": "true"}}


def but(document: Mapping[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return the document with one value changed; None as a value takes the key away."""
    out = copy.deepcopy(dict(document))
    *parents, last = path.split(".")
    node = out
    for name in parents:
        node = node.setdefault(name, {})
    node[last] = value
    if value is None:
        del node[last]
    return out


@pytest.mark.parametrize("document", [MODEL, SOURCE, VALUE, PROJECT, POLICY], ids=lambda one: one["kind"])
def test_what_is_spoilt_below_is_good_before(document: dict[str, Any]) -> None:
    assert wrong_with(document) == []


@pytest.mark.parametrize(
    "document",
    [
        but(VALUE, "kind", "Valu"),
        but(VALUE, "kind", None),
        but(VALUE, "name", None),
        but(VALUE, "name", "Upper"),
        but(VALUE, "spec", {"vlaue": 1}),
        but(VALUE, "sepc", {}),
        but(VALUE, "labels", {"tier": 1}),
        but(VALUE, "labels", ["tier"]),
        but(VALUE, "owner", 3),
        but(VALUE, "format", 1),
        but(VALUE, "lifecycle", {"protet": True}),
        but(VALUE, "lifecycle", {"protect": "perhaps"}),
        but(VALUE, "run", {"retries": -1}),
        but(VALUE, "run", {"retries": "few"}),
        but(VALUE, "depends_on", "value.b"),
        but(VALUE, "depends_on", ["b"]),
        but(SOURCE, "spec.provider", None),
        but(SOURCE, "spec.provider", "csvv"),
        but(SOURCE, "spec.path", None),
        but(SOURCE, "spec", None),
        but(SOURCE, "spec", []),
        but(SOURCE, "spec.contract", {"rows": {"min": "x"}}),
        but(SOURCE, "spec.contract", {"on_fail": "shout"}),
        but(but(SOURCE, "spec.provider", "parquet"), "spec.delimiter", ";"),
        but(MODEL, "spec.dataset", "model.a"),
        but(MODEL, "spec.target", None),
        but(MODEL, "spec.gates", "roc_auc > 1"),
        but(MODEL, "spec.seed", -1),
        but(MODEL, "spec.parms", {}),
        but(PROJECT, "format", 2),
        but(PROJECT, "lifecycle", {}),
        but(PROJECT, "spec", {"variables": {"x": {"type": "strng"}}}),
        but(POLICY, "spec.level", "harsh"),
        but(POLICY, "spec.require", None),
        but(VALUE, "for_each", "north"),
        but(VALUE, "for_each", [["north"]]),
        but(PROJECT, "for_each", ["a"]),
        {"use": "churn", "kind": "Value"},
        {"use": "churn", "withs": {}},
        {"use": 3},
        {"name": "a"},
        {"kind": "Moved", "name": "a", "spec": {"from": "value.a"}},
        {"kind": "Blueprint", "name": "churn", "spec": {"parameters": {"x": {"typ": "number"}}}},
    ],
    ids=json.dumps,
)
def test_what_ordain_refuses_does_not_fit(document: dict[str, Any]) -> None:
    assert wrong_with(document) != []
    if "kind" in document and "use" not in document and document["kind"] != "Valu":
        assert wrong_with(document, f"{_file(document['kind'])}.schema.json") != []


@pytest.mark.parametrize(
    "document",
    [
        but(SOURCE, "spec.contract", {"rows": {"min": "${{ var.least }}"}}),
        but(SOURCE, "spec.contract", {"rows": {"min": "1000"}}),
        but(SOURCE, "spec.contract", "${{ var.contract }}"),
        but(SOURCE, "spec.provider", "${{ var.provider }}"),
        but(SOURCE, "spec", "${{ var.all }}"),
        but(SOURCE, "spec.header", "no"),
        but(MODEL, "spec.dataset", 'dataset.a["north"]'),
        but(MODEL, "spec.dataset", "${{ var.which }}"),
        but(MODEL, "spec.metrics", "${{ var.metrics }}"),
        but(VALUE, "depends_on", ['value.b["x.y"]', "value.c"]),
        but(VALUE, "lifecycle", {"protect": "yes"}),
        but(VALUE, "run", {"resources": {"memory": "512MiB", "cpu": 2}, "timeout": "5m", "retries": 3}),
        but(MODEL, "spec.roles", {"id": "customer"}),
        but(PROJECT, "spec", {"variables": {"x": {"values": ["a"]}, "y": {"enum": ["a"]}}}),
        {**VALUE, "labels": None, "owner": None, "description": None, "lifecycle": None, "run": None},
        {**PROJECT, "spec": None},
        {"use": "churn"},
        {"use": "churn", "name": "a", "with": {"x": 1}, "for_each": ["north", 3]},
        but(VALUE, "for_each", {"north": {"a": 1}}),
        but(VALUE, "for_each", "${{ var.regions }}"),
        {"kind": "Moved", "name": "a", "spec": {"from": 'value.a["x"]', "to": "value.b"}},
        {"kind": "Blueprint", "name": "churn", "spec": {"parameters": {"x": {"type": "number", "default": 1}}}},
    ],
    ids=json.dumps,
)
def test_what_ordain_reads_fits(document: dict[str, Any]) -> None:
    assert wrong_with(document) == []


def fields(schema: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, one in schema["$defs"].items():
        for field, inner in one.get("properties", {}).items():
            yield f"{name}.{field}", inner


def test_an_editor_can_explain_every_field() -> None:
    schema = all_schemas()["ordain.schema.json"]
    described = {name for name, one in schema["$defs"].items() if one.get("description")}
    silent = {
        name
        for name, one in fields(schema)
        if not one.get("description") and str(one.get("$ref", "")).removeprefix("#/$defs/") not in described
    }
    assert silent == set()


@cache
def bank() -> tuple[Document, ...]:
    return tuple(
        document for path in sorted(BANK.glob("*.yaml")) for document in read(path.name, path.read_text("utf-8"))
    )


def paths(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    steps = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, inner in steps:
        yield from paths(inner, (*path, key))


OTHERS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-1, 3),
    st.sampled_from(
        [0.5, 1.0, "0.5", "1", "yes", "No", "true", "x", "", "${{ var.max_iter }}", "${{ env.name }}", "1_000"]
    ),
    st.sampled_from([[], {}, ["age"], [1], {"a": 1}, ["dataset.training"], "dataset.training", "random", "10"]),
)
KEYS = st.sampled_from(
    ["description", "owner", "labels", "lifecycle", "run", "depends_on", "spec", "for_each", "format", "seed", "split"]
)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_no_false_alarm(data: st.DataObject) -> None:
    """Whatever Ordain accepts fits: a document of the example with something in it changed, added or taken away."""
    number = data.draw(st.integers(0, len(bank()) - 1))
    tree: Any = copy.deepcopy(dict(bank()[number].data))
    path = data.draw(st.sampled_from([one for one in paths(tree) if one not in ((), ("kind",), ("name",))]))
    node = tree
    for step in path[:-1]:
        node = node[step]
    what = data.draw(st.sampled_from(["change", "add", "remove"]))
    if what == "change":
        node[path[-1]] = data.draw(OTHERS)
    elif what == "add" and isinstance(node, dict):
        node.setdefault(data.draw(KEYS), data.draw(OTHERS))
    else:
        del node[path[-1]]
    if path == ("spec", "provider") and node.get("provider") == "":
        return  # read as none; nobody means it
    source = Source(file="changed.yaml", line=1, text=json.dumps(tree))
    if tree["kind"] == "Project":
        source = Source(file="ordain.yaml", line=1, text=json.dumps(tree))
    changed = Document(kind=tree["kind"], name=tree["name"], data=tree, source=source)
    documents = (*bank()[:number], changed, *bank()[number + 1 :])
    if resolve(documents, load_plugins()[1], ResolveOptions(environment="dev")).desired is not None:
        assert wrong_with(tree) == []


NEEDED = {
    "policy-freeze-window": 'from: "2026-12-20T00:00:00Z"\nuntil: "2027-01-02T00:00:00Z"',
    "policy-licence-allow-list": "allowed: [CC-BY-4.0]",
    "policy-metric-floor": "limit: 0.7",
}


@pytest.mark.parametrize(
    "folder", sorted((ROOT / "templates").glob("*/blueprint.yaml")), ids=lambda one: one.parent.name
)
def test_blueprints_and_what_they_make_fit(folder: Path) -> None:
    (declared,) = read("blueprint.yaml", folder.read_text(encoding="utf-8"))
    assert wrong_with(declared.data) == []
    sample = folder.parent / "sample" / "with.yaml"
    # A policy starts no project and has no sample: it is used with what it cannot do without.
    given = sample.read_text(encoding="utf-8") if sample.is_file() else NEEDED.get(declared.name, "level: hard")
    use = f"use: {declared.name}\nname: demo\nwith:\n" + "".join(f"  {line}\n" for line in given.splitlines())
    (document,) = read("ordain.yaml", use)
    assert wrong_with(document.data) == []
    report = Report()
    blueprints, _ = read_blueprints(read_shipped(ROOT / "templates"))
    made = expand(document, blueprints, Scope(environment="dev"), report)
    assert made and report.diagnostics == []
    for one in made:
        assert wrong_with(one.data) == []
