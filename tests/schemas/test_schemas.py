"""The published schemas: fresh, valid, and in agreement with what Ordain itself accepts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from referencing import Registry, Resource

from ordain.session.schemas import all_schemas, write_schemas

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").rglob("*.yaml"))


def validator() -> jsonschema.Draft202012Validator:
    found = [(name, Resource.from_contents(schema)) for name, schema in all_schemas().items()]
    registry: Registry[Any] = Registry().with_resources(found)
    return jsonschema.Draft202012Validator(dict(all_schemas()["ordain.schema.json"]), registry=registry)


def test_they_are_fresh() -> None:
    """If this fails: make schema."""
    assert write_schemas(ROOT / "schemas", check=True) == ()
    assert {path.name for path in (ROOT / "schemas").glob("*.json")} == set(all_schemas())


@pytest.mark.parametrize("name", sorted(all_schemas()))
def test_each_is_a_schema(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads((ROOT / "schemas" / name).read_text()))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_examples_fit(path: Path) -> None:
    for document in yaml.safe_load_all(path.read_text()):
        validator().validate(document)


@pytest.mark.parametrize(
    "document",
    [
        {"kind": "Modle", "name": "a"},
        {"kind": "Value", "name": "Upper"},
        {"kind": "Value", "name": "a", "spec": {"vlaue": 1}},
        {
            "kind": "DataSource",
            "name": "a",
            "spec": {"provider": "csv", "path": "x", "contract": {"rows": {"min": "x"}}},
        },
    ],
)
def test_what_ordain_refuses_does_not_fit(document: dict[str, Any]) -> None:
    assert not validator().is_valid(document)


def test_an_expression_may_stand_for_a_number() -> None:
    spec = {"provider": "csv", "path": "x", "contract": {"rows": {"min": "${{ var.least }}"}}}
    assert validator().is_valid({"kind": "DataSource", "name": "a", "spec": spec})
